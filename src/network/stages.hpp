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
};

struct CollectiveStages {
  std::vector<CollectiveStage> stages;  // innermost level first
  std::int64_t chunks = 1;
  bool at_once = false;       // all levels carry bytes at the same time (all-to-all, flat ring); else chunks pass one stage after the other
  units::Seconds latency;     // at_once: launch and relays, before the stages' own latencies
  units::Seconds launch;
  std::string algorithm;      // as collective_time names it
};

// The stages that collective_time chooses: cheapest unless the request forces an algorithm. Empty for a group of one.
[[nodiscard]] CollectiveStages collective_stages(const topology::Fabric& fabric, const CollectiveRequest& request);

}  // namespace zettatwin::network
