// SPDX-License-Identifier: Apache-2.0
// The largest barriers, which take tens of millions of draws.
#include "draws.hpp"

namespace zettatwin::noise {
namespace {

TEST(MonteCarloOfMany, SlowestOf65536) {
  for (const std::int64_t n : {32'768, 65'536}) expect_slowest_agrees(n, 20'000'000);
}

}  // namespace
}  // namespace zettatwin::noise
