// SPDX-License-Identifier: Apache-2.0
#include "training/streams.hpp"

#include <algorithm>
#include <array>
#include <span>

#include "training/script.hpp"
#include "training/shared_ports.hpp"
#include "training/stream_player.hpp"

namespace zettatwin::training {
namespace {

using units::Picoseconds;

// One rank with nothing else on its ports.
struct Alone {
  bool share = true;      // its two streams' ports
  bool contended = false;
  SharedPorts ports;

  void rerate(StreamPlayer& player, Picoseconds now) {
    const auto* activations = player.ports(0);
    const auto* parameters = player.ports(1);
    const bool both = share && activations && parameters;
    const auto rates = both ? ports.rates({{0, 0, activations}, {0, 0, parameters}}) : std::vector<double>{1, 1};
    for (std::size_t s = 0; s < StreamPlayer::kStreams; ++s) player.set_rate(s, now, rates[s]);
    contended = contended || rates[0] < 1 || rates[1] < 1;
  }

  Picoseconds play(std::span<const Script> scripts, Ledger* ledger, Recording* recording) {
    StreamPlayer player;
    Picoseconds now;
    player.start(scripts, now, ledger, recording);
    if (player.advance(now)) rerate(player, now);
    while (!player.ended()) {
      now = player.next();
      if (player.advance(now)) rerate(player, now);
    }
    return now;
  }
};

StreamResult play(std::span<const Script> scripts, Recording* recording) {
  StreamResult result;
  Alone shared;
  result.time = shared.play(scripts, &result.ledger, recording);
  Picoseconds computed, communicated;
  for (const auto& script : scripts) {
    computed += script.computed;
    communicated += script.communicated;
  }
  result.overlapped = std::max(Picoseconds(), communicated - (result.time - computed));
  if (!shared.contended) return result;
  Alone separate{.share = false, .ports = {}};
  result.contention = std::max(Picoseconds(), result.time - separate.play(scripts, nullptr, nullptr));
  return result;
}

}  // namespace

StreamResult run_streams(const std::vector<TimedOperation>& program, Recording* recording) {
  const std::array scripts{script_of(program)};
  return play(scripts, recording);
}

StreamResult run_streams_together(const std::vector<TimedOperation>& first, const std::vector<TimedOperation>& second, Recording* recording) {
  const std::array scripts{script_of(first), script_of(second)};
  return play(scripts, recording);
}

}  // namespace zettatwin::training
