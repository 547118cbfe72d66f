// SPDX-License-Identifier: Apache-2.0
// The step with jitter: from the passes in lockstep over the pipeline and the replicas to the optimizer (docs/math/jitter.md).
#pragma once

#include "result/tree.hpp"
#include "training/jitter.hpp"
#include "training/step.hpp"

namespace zettatwin::training {

// Of a step that has run, without faults.
[[nodiscard]] JitterEffect with_jitter(Step& step);
[[nodiscard]] result::Node jitter_tree(const Jitter& jitter, const JitterEffect& effect);

}  // namespace zettatwin::training
