// SPDX-License-Identifier: Apache-2.0
// A good feasible plan in well under a second: local search over the sizes of a plan from several starts, every candidate evaluated with the
// simulator itself. Deterministic; it does not prove that nothing is better.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>

#include "training/train.hpp"

namespace zettatwin::search {

// What may be chosen.
struct Freedom {
  bool sizes = false;            // parallel sizes, schedule, recomputation; else only the batch and dp
  bool recipe_given = false;     // else fp8 with block scaling where the chip has it, bf16 elsewhere
  std::set<std::string> given;   // plan fields that the user set; they stay
};

struct Choice {
  plan::Plan plan;
  std::int64_t candidates = 0;   // evaluated
  bool feasible = false;
};

// Tokens per step of the largest published pre-training batches (Kimi K2: 67 M tokens; DeepSeek-V3: 63 M, arXiv 2412.19437): what an absent
// global batch becomes, and what larger ones are compared with.
inline constexpr double kPublishedTokensPerStep = 67.1e6;

// job.plan holds what was given; a global batch of 0 is chosen too. Nothing, and errors, if no candidate is even valid; if none fits in memory, the one
// that lacks least.
[[nodiscard]] std::optional<Choice> choose_plan(const training::Job& job, const Freedom& freedom, const config::Location& where, config::Diagnostics& diagnostics);

}  // namespace zettatwin::search
