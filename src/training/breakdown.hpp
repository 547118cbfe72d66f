// SPDX-License-Identifier: Apache-2.0
// The result tree of a step: time by leaf on the critical rank, memory by part on the fullest, and the headline figures with their formulas.
#pragma once

#include "result/tree.hpp"
#include "training/step.hpp"

namespace zettatwin::training {

// Leaves sum to the step time.
[[nodiscard]] result::Node time_tree(Step& step);
[[nodiscard]] result::Node memory_tree(const workload::MemoryReport& memory);
// Tokens/s, model FLOP/s, MFU and their definitions.
[[nodiscard]] result::Node headline_tree(const Job& job, const TrainingResult& result);

}  // namespace zettatwin::training
