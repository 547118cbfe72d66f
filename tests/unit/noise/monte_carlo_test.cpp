// SPDX-License-Identifier: Apache-2.0
// Folded distributions against the obvious way.
#include "draws.hpp"

namespace zettatwin::noise {
namespace {

TEST(MonteCarlo, SlowestOfMany) {
  for (const std::int64_t n : {8, 64, 512, 4096}) expect_slowest_agrees(n, 1'000'000);
}

TEST(MonteCarlo, ChainsOfGroupsInsideGroups) {
  for (const NestedBarriers nested : {NestedBarriers{8, 1, 64}, NestedBarriers{8, 12, 64}, NestedBarriers{64, 5, 16}, NestedBarriers{1, 20, 256}}) {
    SCOPED_TRACE(testing::Message() << nested.members << " members, " << nested.barriers << " barriers, " << nested.groups << " groups");
    Draws draws(7, 0.1);
    const auto last = [&] {
      double finish = 0;
      for (std::int64_t group = 0; group < nested.groups; ++group) {
        double time = 0;
        for (std::int64_t i = 0; i < nested.barriers; ++i) time += draws.slowest(nested.members);
        finish = std::max(finish, time);
      }
      return finish / static_cast<double>(nested.barriers);
    };
    expect_agreement(nested_slowdown(Distribution::lognormal(0.1), nested), estimate(500, last));
  }
}

}  // namespace
}  // namespace zettatwin::noise
