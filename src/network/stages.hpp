// SPDX-License-Identifier: Apache-2.0
// How a collective moves its bytes over the levels: what collective_time adds up, for those who put the bytes on links themselves.
#pragma once

#include <vector>

#include "network/collective.hpp"

namespace zettatwin::network {

struct CollectiveStage {
  std::size_t level = 0;            // index among the machine's levels
  Algorithm algorithm = Algorithm::automatic;
  units::Bytes bytes;               // of one chunk through one chip's ports at this level, one direction, relayed ones included
  units::BytesPerSecond bandwidth;  // achieved
  units::BytesPerSecond datasheet;  // of the links that the stage uses
  units::Seconds latency;           // of one chunk; at_once: until its bytes start to move
  std::size_t step = 0;             // stages of one step carry bytes at the same time
};

struct CollectiveStages {
  std::vector<CollectiveStage> stages;  // by step, innermost level first
  std::int64_t chunks = 1;
  bool at_once = false;       // one step with all levels (all-to-all, flat ring); else chunks pass one step after the other
  units::Seconds latency;     // at_once: launch and relays, before the stages' own latencies
  units::Seconds launch;
  std::string algorithm;      // as collective_time names it
};

// What a collective asks of one chip's ports.
struct CollectiveLoad {
  units::Picoseconds time;           // collective_duration
  std::vector<units::Seconds> busy;  // by level of the machine whose ports they are: bytes / achieved bandwidth of its stages, all chunks
};

// The level whose ports the level's network is reached through: its own, or with shares_ports a switched one below.
[[nodiscard]] std::size_t port_level(const hardware::Machine& machine, std::size_t level);

[[nodiscard]] CollectiveLoad collective_load(const topology::Fabric& fabric, const CollectiveRequest& request);

// The stages that collective_time chooses: cheapest unless the request forces an algorithm. Empty for a group of one.
[[nodiscard]] CollectiveStages collective_stages(const topology::Fabric& fabric, const CollectiveRequest& request);

}  // namespace zettatwin::network
