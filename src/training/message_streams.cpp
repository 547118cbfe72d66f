// SPDX-License-Identifier: Apache-2.0
#include "training/message_streams.hpp"

#include <algorithm>
#include <cmath>

namespace zettatwin::training {

using units::Picoseconds;

namespace {

Picoseconds stretched(Picoseconds work, double by) { return by > 1 ? Picoseconds(static_cast<std::int64_t>(std::ceil(static_cast<double>(work.count()) * by))) : work; }

}  // namespace

Picoseconds MessageStreams::free(bool parameters) const {
  const auto& stream = streams_[parameters ? 1 : 0];
  return stream.empty() ? Picoseconds() : stream.back().finish;
}

MessageStreams::Id MessageStreams::send(bool parameters, Picoseconds release, Traffic message) {
  auto& own = streams_[parameters ? 1 : 0];
  const Picoseconds start = std::max(release, free(parameters));
  const Picoseconds finish = share(streams_[parameters ? 0 : 1], start, message);
  own.push_back({message.ports, start, finish});
  return {parameters, own.size() - 1};
}

// Plays the message against what the other stream has under way from `start` on. Nothing on its own stream runs after `start`, so what the others have
// left there is what they were going to take. Both run at the same rate: while they meet, both get the same work done.
Picoseconds MessageStreams::share(Stream& others, Picoseconds start, Traffic message) {
  std::size_t first = others.size();
  while (first > 0 && others[first - 1].finish > start) --first;
  Picoseconds now = start, left = message.time, delay;
  for (auto other = others.begin() + static_cast<std::ptrdiff_t>(first); other != others.end(); ++other) {
    const Picoseconds begins = std::max(other->start, start);
    const Picoseconds work = other->finish - begins;
    // Behind a delayed message of its stream, where it is not released later anyway.
    if (delay.count() > 0) other->start = std::max(other->start, std::prev(other)->finish);
    const Picoseconds at = std::max(other->start, start);
    if (at - now >= left) {  // they do not meet
      delay = at - begins;
      other->finish = at + work;
      if (delay.count() == 0) break;
      continue;
    }
    left -= at - now;
    const double by = stretch(message.ports, other->ports);
    const Picoseconds met = std::min(left, work);
    const Picoseconds finish = at + stretched(met, by) + (work - met);
    contended_ = contended_ || finish > other->finish;
    delay = finish - other->finish;
    other->finish = finish;
    now = at + stretched(met, by);
    left -= met;
  }
  return now + left;
}

}  // namespace zettatwin::training
