// SPDX-License-Identifier: Apache-2.0
// Times that a run may have. Event time is 64 bits of picoseconds (docs/decisions/0005), 106 days; what a scenario states stays below, so that sums of a few stay inside.
#pragma once

#include "config/schema.hpp"

namespace zettatwin::fleet {

inline constexpr double kLongestRun = 2.592e6;  // seconds: 30 days
inline constexpr config::Range kRunTime{0, kLongestRun};
inline constexpr config::Range kPositiveRunTime{0, kLongestRun, true};

}  // namespace zettatwin::fleet
