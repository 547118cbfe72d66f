// SPDX-License-Identifier: Apache-2.0
// One level of the fabric as a group with `fanout` members on it sees it: what one chip can send per second.
#pragma once

#include "network/collective.hpp"

namespace zettatwin::network::detail {

struct Link {
  const hardware::Level* level = nullptr;
  std::int64_t fanout = 1;
  units::BytesPerSecond bandwidth;             // to all members at once, datasheet; graphs: along a ring
  units::BytesPerSecond stream_bandwidth;      // to one member, datasheet
  units::BytesPerSecond all_to_all_bandwidth;  // when each pair exchanges the same: less than `bandwidth` where messages are relayed
  units::BytesPerSecond direct_bandwidth;      // when each member sends to all at once
  std::uint32_t library = ~0u;                 // bit per Algorithm: what the level's library has, as the catalog names it
  bool rotates = false;                        // whether that library rotates the order of levels: only if the catalog says so
  std::int64_t ring_steps = 0;                 // steps until a message of each member has passed all others

  // Of one step; in graphs with the cables of the longest way.
  [[nodiscard]] units::Seconds latency() const {
    const auto& network = level->network;
    return network.rates ? network.latency.value + network.rates->latency : network.latency.value;
  }
};

[[nodiscard]] Link link_of(const topology::Fabric& fabric, std::size_t level, std::int64_t fanout);

// Long-message bandwidth times the ramp 1 / (1 + sqrt(half / bytes)).
[[nodiscard]] units::BytesPerSecond achieved(units::BytesPerSecond datasheet, units::Ratio efficiency, units::Bytes half, units::Bytes bytes);
[[nodiscard]] units::BytesPerSecond achieved(const Link& link, units::BytesPerSecond datasheet, units::Bytes bytes);

// The links of the levels that a group crosses, innermost first, and their place among the fabric's levels.
struct Crossing {
  std::size_t level = 0;
  std::int64_t members_below = 1;  // members inside one unit of the level below
  Link link;
};
[[nodiscard]] std::vector<Crossing> crossings_of(const topology::Fabric& fabric, const topology::Spread& spread);

// The time of the busiest ports when each crossing keeps its own busy for times[i]: levels that share ports add up.
[[nodiscard]] units::Seconds busiest(const std::vector<Crossing>& crossings, const std::vector<units::Seconds>& times);

// Datasheet bandwidth of one chip's ports to the levels first .. last, shared ones counted once.
[[nodiscard]] units::BytesPerSecond ports_of(const hardware::Machine& machine, std::size_t first, std::size_t last);

// One kernel is started for a collective, whatever levels it crosses: the slowest start.
[[nodiscard]] units::Seconds launch_of(const std::vector<Crossing>& crossings);

}  // namespace zettatwin::network::detail
