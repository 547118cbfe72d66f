// SPDX-License-Identifier: Apache-2.0
// Builds that run slowly (sanitizers) try one of every `kThinning` cases where a test has thousands; all others try each.
#pragma once

#include <cstdint>

namespace zettatwin::test {

// A prime in the presets: a stride that meets all values of nested loops.
inline constexpr std::uint64_t kThinning = ZT_TEST_THINNING;

}  // namespace zettatwin::test
