// SPDX-License-Identifier: Apache-2.0
// What a step asks of links and memory: bytes and busy time of one chip's ports or links of each level, and of its memory, by dimension of the plan.
// Model: busy time is bytes over the bandwidth that their messages achieve (memory: the datasheet's), hidden or not; utilisation its share of the step.
// Of all pipeline ranks the one whose link is busiest is shown.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "units/picoseconds.hpp"
#include "units/quantity.hpp"

namespace zettatwin::training {

struct LoadShare {
  std::string dimension;     // "tensor", "expert", "pipeline sends", "computation"
  units::Bytes bytes;
  units::Seconds busy;
};

struct LinkLoad {
  std::string level;         // "cluster"; "chip" for memory
  std::string kind;          // "ports", "mesh links", "memory"
  std::int64_t pipeline_rank = 0;
  units::Bytes bytes;        // per chip and step, one direction
  units::Seconds busy;
  double utilisation = 0;
  std::vector<LoadShare> shares;  // busiest first
};

struct Step;
// Busiest first.
[[nodiscard]] std::vector<LinkLoad> link_loads(Step& step);

}  // namespace zettatwin::training
