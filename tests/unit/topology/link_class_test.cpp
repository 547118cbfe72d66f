// SPDX-License-Identifier: Apache-2.0
// Counts of links, ports of chips, and the load of uniform traffic: by hand, and against every pair routed one by one.
#include <gtest/gtest.h>

#include "toy_network.hpp"

namespace zettatwin::topology {
namespace {

using namespace test;

TEST(Links, OfABoardAndACabinet) {
  const auto s = survey(machine_of({mesh(8, 56), mesh(8, 56)}));
  ASSERT_EQ(s.links.size(), 2u);
  EXPECT_EQ(s.links[0].per_unit, 28);
  EXPECT_EQ(s.links[0].count, 8 * 28);
  EXPECT_EQ(s.links[1].per_unit, 28 * 8);
  EXPECT_EQ(s.links[1].count, 28 * 8);
  EXPECT_DOUBLE_EQ(s.scale_up_ports.si(), 14 * 56e9);
}

TEST(Links, OfARackOfSwitches) {
  const auto s = survey(machine_of({switched(72, 900, 18)}));
  ASSERT_EQ(s.links.size(), 1u);
  EXPECT_EQ(s.links[0].sort, LinkSort::chip_port);
  EXPECT_EQ(s.links[0].count, 72 * 18);
  EXPECT_DOUBLE_EQ(s.links[0].bandwidth.si(), 50e9);
}

TEST(Links, OfATorus) {
  const auto s = survey(machine_of({mesh(2), torus({4, 2, 1, 3})}));
  ASSERT_EQ(s.links.size(), 4u);
  EXPECT_EQ(s.links[1].per_unit, 6 * 4 * 2);   // 6 rings of 4, 2 positions
  EXPECT_EQ(s.links[2].per_unit, 12 * 1 * 2);  // pairs
  EXPECT_EQ(s.links[3].per_unit, 8 * 3 * 2);
  EXPECT_EQ(s.links[3].part, 4);
  EXPECT_DOUBLE_EQ(s.levels[1].bandwidth().si(), 5e9);
}

TEST(Links, AboveTheLeavesAreFewerByTheOversubscription) {
  const auto s = survey(machine_of({switched(8, 450, 4), clos(32, 3, 3, 0, 50)}));
  ASSERT_EQ(s.links.size(), 4u);
  EXPECT_EQ(s.links[1].count, 256);
  EXPECT_EQ(s.links[2].count, 86);  // 256 / 3, rounded up
  EXPECT_EQ(s.links[2].part, 1);
  EXPECT_EQ(s.links[3].count, 86);
  EXPECT_EQ(s.links[3].part, 2);
  EXPECT_DOUBLE_EQ(taper(s.levels, 1), 27);  // 450 over 50/3
}

TEST(Links, OfRailsAreOnePerChip) {
  auto rails = clos(4, 2, 1, 0, 50);
  rails.network.planes = 8;
  rails.network.ports_per_chip = 1;
  const auto s = survey(machine_of({switched(8, 450, 4), rails}));
  EXPECT_EQ(s.links[1].count, 32);
  EXPECT_EQ(s.links[2].count, 32);
  EXPECT_DOUBLE_EQ(s.links[1].bandwidth.si(), 50e9);
}

TEST(Links, ThatLevelsShareAreCountedOnce) {
  const auto s = survey(machine_of({mesh(2, 270), switched(8, 196, 7), sharing(switched(48, 196, 7, 2))}));
  ASSERT_EQ(s.links.size(), 3u);
  EXPECT_EQ(s.links[1].levels, (std::vector<std::size_t>{1, 2}));
  EXPECT_EQ(s.links[1].count, 768 * 7);
  EXPECT_EQ(s.links[2].levels, (std::vector<std::size_t>{2}));
  EXPECT_EQ(s.links[2].count, 768 * 7);
  EXPECT_DOUBLE_EQ(s.scale_up_ports.si(), (270 + 196) * 1e9);
}

TEST(UniformTraffic, OfARackFillsItsPorts) {
  const auto s = survey(machine_of({switched(72, 900, 18)}));
  EXPECT_DOUBLE_EQ(s.all_to_all.time.si(), 71.0 / 72 * 1e6 / 900e9);
  EXPECT_EQ(s.all_to_all.utilisation(0), 1);
}

// M/8 over each of the 7 links, inner ones doubly used because half of the cabinet's traffic changes its position there.
TEST(UniformTraffic, OfACabinetOfTwoMeshesIsDimensionOrderRouting) {
  const auto s = survey(machine_of({mesh(8, 56), mesh(8, 56)}));
  EXPECT_DOUBLE_EQ(s.all_to_all.busy[0].si(), 1e6 / 8 / 56e9);
  EXPECT_DOUBLE_EQ(s.all_to_all.busy[1].si(), 1e6 / 8 / 56e9);
}

TEST(UniformTraffic, OfAClusterIsBoundByItsScaleOut) {
  const auto s = survey(machine_of({mesh(8, 56), mesh(8, 56), switched(128, 224, 8), clos(64, 3, 1, 0, 100)}));
  EXPECT_EQ(s.links[s.all_to_all.bottleneck].levels, (std::vector<std::size_t>{3}));
  EXPECT_DOUBLE_EQ(s.all_to_all.time.si(), 63.0 / 64 * 1e6 / 100e9);
  EXPECT_NEAR(s.all_to_all.utilisation(2), (1 - 1.0 / 128) / 64 / 224 / (63.0 / 64 / 100), 1e-12);
}

TEST(UniformTraffic, OfRingsLoadsEachLinkWithAnEighth) {
  EXPECT_DOUBLE_EQ(survey(machine_of({torus({16})})).all_to_all.time.si(), 16.0 / 8 * 1e6 / 1e9);
  EXPECT_DOUBLE_EQ(survey(machine_of({torus({5})})).all_to_all.time.si(), 3.0 / 5 * 1e6 / 1e9);  // 24/8 of M/5
  EXPECT_DOUBLE_EQ(survey(machine_of({torus({4, 16})})).all_to_all.utilisation(0), 0.25);
}

TEST(UniformTraffic, GoesAtTheAchievedRate) {
  auto level = switched(4, 10);
  level.network.efficiency.value = units::Ratio::from_si(0.5);
  EXPECT_DOUBLE_EQ(survey(machine_of({level})).all_to_all.time.si(), 0.75 * 1e6 / 5e9);
}

// The largest load of a class, in units of what one chip sends another, over the capacity of the links it is on.
std::map<std::pair<std::size_t, std::int64_t>, double> routed(const Enumerated& network) {
  std::map<std::pair<std::size_t, std::int64_t>, double> seconds_per_unit;
  for (const auto& [link, load] : network.loads()) {
    const auto& [l, part, from, to] = link;
    const auto& level = network.levels()[l];
    double capacity = level.direct() ? level.level.network.pair_bandwidth.si() : level.bandwidth().si();
    if (!level.direct() && part > 0) {
      const auto leaf = (-1 - from) % 1000;
      const auto units = std::min(level.units_per_leaf(), level.units - leaf * level.units_per_leaf());
      capacity = level.bandwidth_above_leaves().si() * static_cast<double>(units * level.chips_below);
    }
    auto& most = seconds_per_unit[{l, part}];
    most = std::max(most, load / capacity);
  }
  return seconds_per_unit;
}

TEST(UniformTraffic, IsThatOfEveryPairRouted) {
  for (const auto& [name, machine] : small_machines()) {
    const Enumerated network(machine);
    const auto reference = routed(network);
    const auto s = survey(machine);
    for (std::size_t c = 0; c < s.links.size(); ++c) {
      double expected = 0;
      for (const auto l : s.links[c].levels) expected += reference.at({l, s.links[c].part});
      EXPECT_NEAR(s.all_to_all.busy[c].si(), expected * 1e6 / static_cast<double>(machine.chips()), 1e-12 * expected * 1e6) << name << ", links " << c;
    }
  }
}

}  // namespace
}  // namespace zettatwin::topology
