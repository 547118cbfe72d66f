// SPDX-License-Identifier: Apache-2.0
// The critical path of a step: the chain of instructions, sends, reductions and updates, each of which starts when the one before it ends, from the start of
// the step to its end. It follows the recorded winners of the pipeline's maxima backwards (engine/critical_chain.hpp), so that its parts sum to the step.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "units/picoseconds.hpp"

namespace zettatwin::training {

// Shorten a part and, until another chain becomes the longest, the step shortens by as much times `count`.
struct PathPart {
  std::string phase;         // "gather", "warm-up", "steady state", "drain", "reduction", "update"
  std::string what;          // "forward", "pipeline send", "gradient reduction"
  std::int64_t pipeline_rank = 0;
  std::int64_t count = 0;
  units::Picoseconds time;   // of all
  struct Share {
    std::string group, name; // leaf of the breakdown
    units::Picoseconds time;
  };
  std::vector<Share> shares; // of instructions: sum to time
};

struct Step;
[[nodiscard]] std::vector<PathPart> critical_path(Step& step);

}  // namespace zettatwin::training
