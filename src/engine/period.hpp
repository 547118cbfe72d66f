// SPDX-License-Identifier: Apache-2.0
// Period search of a token network: runs the loops cut by cut, finds increments that repeat, and jumps over iterations that can only
// repeat them. Exact (docs/math/period.md): a jump is as long as no comparison of times can change its winner.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/executor.hpp"

namespace zettatwin::engine {

struct Folding {
  std::int64_t iterations_jumped = 0;
  std::int64_t period_iterations = 0;  // of the last jump
  Picoseconds period;
  std::vector<Jump> jumps;
};

// Leaves the executor at a cut, all loops (nearly) done or not worth folding; the caller runs it to the end.
[[nodiscard]] Folding fold_loops(const TokenNetwork& network, Executor& executor);

// For how many more periods all comparisons keep their winners, when each slack goes on changing by `second - first` per period.
// At most `limit`.
[[nodiscard]] std::int64_t periods_without_change(const std::vector<std::int64_t>& first, const std::vector<std::int64_t>& second,
                                                  std::int64_t limit);

}  // namespace zettatwin::engine
