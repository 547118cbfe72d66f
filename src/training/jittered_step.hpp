// SPDX-License-Identifier: Apache-2.0
// The step with jitter: from the passes in lockstep over the pipeline and the replicas to the optimizer (docs/math/jitter.md).
#pragma once

#include <span>

#include "result/tree.hpp"
#include "training/jitter.hpp"
#include "training/step.hpp"

namespace zettatwin::training {

// Clusters of ranks that feel the same faults, and a step of one of them.
struct ReplicaKind {
  Step* step = nullptr;  // has run
  std::int64_t clusters = 1;
};

// Of the slowest of all replicas; `kinds` are all there are, or one.
[[nodiscard]] JitterEffect with_jitter(std::span<const ReplicaKind> kinds);
[[nodiscard]] JitterEffect with_jitter(Step& step);  // all alike
[[nodiscard]] result::Node jitter_tree(const Jitter& jitter, const JitterEffect& effect);

}  // namespace zettatwin::training
