// SPDX-License-Identifier: Apache-2.0
// Path lengths: by hand, and against a search of the network written out link by link.
#include <gtest/gtest.h>

#include "base/contract.hpp"
#include "toy_network.hpp"

namespace zettatwin::topology {
namespace {

using namespace test;
using Counts = std::map<std::int64_t, std::int64_t>;  // hops -> ordered pairs

Counts by_hops(const Paths& paths) {
  Counts counts;
  for (const auto& c : paths.classes) counts[c.hops] += c.pairs;
  return counts;
}

Paths of(std::vector<hardware::Level> levels) { return paths_of(levels_in_use(machine_of(std::move(levels)))); }

TEST(Paths, OfAMeshAreOneHop) {
  const auto paths = of({mesh(8, 56, 0.5)});
  EXPECT_EQ(by_hops(paths), (Counts{{1, 56}}));
  EXPECT_EQ(paths.mean_hops, 1);
  EXPECT_DOUBLE_EQ(paths.most_latency.si(), 0.5e-6);
}

TEST(Paths, OfACabinetOfTwoMeshes) {
  const auto paths = of({mesh(8, 56, 0.5), mesh(8, 56, 0.7)});
  EXPECT_EQ(by_hops(paths), (Counts{{1, 64 * 14}, {2, 64 * 49}}));
  ASSERT_EQ(paths.classes.size(), 3u);
  EXPECT_EQ(paths.classes[0].hops_on, (std::vector<std::int64_t>{1, 0}));  // 0.5 us before 0.7 us
  EXPECT_EQ(paths.classes[1].hops_on, (std::vector<std::int64_t>{0, 1}));
  EXPECT_DOUBLE_EQ(paths.mean_hops, 112.0 / 63);
  EXPECT_DOUBLE_EQ(paths.mean_latency.si(), (7 * 0.5e-6 + 7 * 0.7e-6 + 49 * 1.2e-6) / 63);
  EXPECT_DOUBLE_EQ(paths.most_latency.si(), 1.2e-6);
}

TEST(Paths, OfRingsGoTheShortWay) {
  EXPECT_EQ(by_hops(of({torus({5})})), (Counts{{1, 10}, {2, 10}}));
  EXPECT_EQ(by_hops(of({torus({6})})), (Counts{{1, 12}, {2, 12}, {3, 6}}));
  EXPECT_EQ(by_hops(of({torus({2, 2})})), (Counts{{1, 8}, {2, 4}}));
  EXPECT_EQ(of({torus({16, 24, 24})}).most_hops, 8 + 12 + 12);
  EXPECT_DOUBLE_EQ(of({torus({16, 24, 24})}).mean_hops, (4.0 + 6 + 6) * 9216 / 9215);
}

TEST(Paths, AreExactForAMillionChips) {
  const auto paths = of({mesh(8), mesh(8), switched(128, 224, 8), clos(128, 3, 1)});
  const std::int64_t n = 1048576;
  EXPECT_EQ(paths.pairs, n * (n - 1));
  EXPECT_EQ(by_hops(paths), (Counts{{1, n * 14}, {2, n * (49 + 8192 - 64)}, {6, n * (n - 8192)}}));
}

TEST(Paths, OfOneChipAreNone) {
  const auto paths = of({switched(1)});
  EXPECT_TRUE(paths.classes.empty());
  EXPECT_EQ(paths.mean_hops, 0);
}

TEST(Paths, CountUpToTheirLimit) {
  EXPECT_EQ(of({switched(kChipsCounted)}).pairs, kChipsCounted * (kChipsCounted - 1));
  EXPECT_THROW(of({switched(kChipsCounted + 1)}), ContractFailure);
}

TEST(Paths, AreThoseOfASearchThroughTheLinks) {
  for (const auto& [name, machine] : small_machines()) {
    Counts searched;
    for (const auto& row : Enumerated(machine).distances())
      for (const auto hops : row)
        if (hops > 0) ++searched[hops];
    const auto paths = paths_of(levels_in_use(machine));
    EXPECT_EQ(by_hops(paths), searched) << name;
    EXPECT_EQ(paths.pairs, machine.chips() * (machine.chips() - 1)) << name;
  }
}

}  // namespace
}  // namespace zettatwin::topology
