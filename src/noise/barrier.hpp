// SPDX-License-Identifier: Apache-2.0
// What independent jitter costs where ranks wait for each other. Model: every member needs a time with the given distribution of mean 1, independent of
// all others and of the past; all go on when the slowest is done. Persistent slow chips are faults, not jitter (docs/math/faults.md).
#pragma once

#include <cstdint>

#include "noise/distribution.hpp"

namespace zettatwin::noise {

// Groups whose members wait for each other `barriers` times, each time after one unit of work, and then once for all groups.
struct NestedBarriers {
  std::int64_t members = 1;   // of a group
  std::int64_t barriers = 1;  // of a group, one after the other
  std::int64_t groups = 1;
};

// Time until the last group is done: F_group = F^members, added `barriers` times, to the power `groups`. Mean without noise: barriers.
[[nodiscard]] Distribution finish(const Distribution& work, const NestedBarriers& nested);

// Expected time with noise over time without, >= 1.
[[nodiscard]] double barrier_slowdown(const Distribution& work, std::int64_t members);
[[nodiscard]] double nested_slowdown(const Distribution& work, const NestedBarriers& nested);

}  // namespace zettatwin::noise
