// SPDX-License-Identifier: Apache-2.0
#include "serving/content_store.hpp"

#include <algorithm>

#include "base/contract.hpp"

namespace zettatwin::serving {

using units::Picoseconds;
using units::Seconds;

void ContentStore::put(std::uint64_t content, double bytes, units::BytesPerSecond port, Picoseconds at) {
  ZT_EXPECT(bytes > 0, "content takes room");
  if (index_.find(content)) return use(content);
  if (bytes > settings_.capacity.si()) return;
  while (counts_.used + bytes > settings_.capacity.si()) evict();
  double wait = 0;
  const double seconds = settings_.latency.si() + transfer(bytes, port, at, writes_, wait);
  const auto entry = entries_.add({.content = content, .bytes = bytes, .ready = at + Picoseconds::from(Seconds::from_si(seconds))});
  ZT_ASSERT(index_.insert(content, entry), "content is stored once");
  entries_.append(used_, entry);
  counts_.bytes_written += bytes;
  counts_.write_lag_max = std::max(counts_.write_lag_max, seconds);
  if (settings_.bandwidth.si() > 0) counts_.write_seconds += bytes / settings_.bandwidth.si();
  counts_.used += bytes;
  counts_.used_peak = std::max(counts_.used_peak, counts_.used);
}

void ContentStore::use(std::uint64_t content) {
  const auto* entry = index_.find(content);
  ZT_EXPECT(entry != nullptr, "content that is here");
  entries_.remove(used_, *entry);
  entries_.append(used_, *entry);
}

Picoseconds ContentStore::read(double bytes, units::BytesPerSecond port, Picoseconds at) {
  ++counts_.reads;
  counts_.bytes_read += bytes;
  if (settings_.bandwidth.si() > 0) counts_.busy_seconds += bytes / settings_.bandwidth.si();
  return Picoseconds::from(settings_.latency + Seconds::from_si(transfer(bytes, port, at, reads_, counts_.wait_seconds)));
}

double ContentStore::transfer(double bytes, units::BytesPerSecond port, Picoseconds at, Picoseconds& free, double& wait) const {
  const double alone = port.si() > 0 ? bytes / port.si() : 0;
  if (settings_.bandwidth.si() <= 0) return alone;
  const double serving = bytes / settings_.bandwidth.si();
  const double before = std::max(Picoseconds(0), free - at).seconds().si();
  free = std::max(free, at) + Picoseconds::from(Seconds::from_si(serving));
  wait += before;
  return std::max(alone, before + serving);
}

void ContentStore::evict() {
  const auto entry = used_.oldest;
  ZT_ASSERT(entry != detail::kNoEntry, "a store that is full has content");
  entries_.remove(used_, entry);
  index_.erase(entries_[entry].content);
  counts_.used -= entries_[entry].bytes;
  counts_.bytes_evicted += entries_[entry].bytes;
  if (used_.size == 0) counts_.used = 0;  // nothing is left of rounding
  entries_.give_back(entry);
}

}  // namespace zettatwin::serving
