// SPDX-License-Identifier: Apache-2.0
// Bisections: by hand, and against all ways to divide small networks.
#include <gtest/gtest.h>

#include <bit>

#include "toy_network.hpp"

namespace zettatwin::topology {
namespace {

using namespace test;

double of_unit(std::vector<hardware::Level> levels) {
  const auto used = levels_in_use(machine_of(std::move(levels)));
  return bisection_of(used, used.size() - 1).bandwidth.in(units::GB_per_s);
}

Cut of_machine(std::vector<hardware::Level> levels) { return bisection_of(levels_in_use(machine_of(std::move(levels)))); }

TEST(Bisection, OfMeshes) {
  EXPECT_DOUBLE_EQ(of_unit({mesh(8, 56)}), 16 * 56);
  EXPECT_DOUBLE_EQ(of_unit({mesh(8, 56), mesh(8, 56)}), 16 * 8 * 56);
  EXPECT_DOUBLE_EQ(of_unit({mesh(8), mesh(11, 50)}), 5 * 6 * 8 * 50);
}

TEST(Bisection, OfSwitches) {
  EXPECT_DOUBLE_EQ(of_unit({switched(72, 900, 18)}), 36 * 900);
  EXPECT_DOUBLE_EQ(of_unit({switched(9, 900)}), 4 * 900);
  EXPECT_DOUBLE_EQ(of_unit({switched(8), clos(32, 3, 4, 0, 50)}), 128 * 50 / 4.0);
  EXPECT_DOUBLE_EQ(of_unit({switched(8), clos(4, 3, 4, 4, 50)}), 16 * 50);  // inside one leaf
}

TEST(Bisection, OfTori) {
  EXPECT_EQ(torus_bisection({4}), 2);
  EXPECT_EQ(torus_bisection({5}), 2);
  EXPECT_EQ(torus_bisection({2}), 1);
  EXPECT_EQ(torus_bisection({4, 6}), 8);
  EXPECT_EQ(torus_bisection({3, 3}), 8);      // 2 (9 - 1)/(3 - 1)
  EXPECT_EQ(torus_bisection({5, 5, 5}), 62);  // 2 (125 - 1)/(5 - 1)
  EXPECT_EQ(torus_bisection({16, 24, 24}), 2 * 16 * 24);
  EXPECT_EQ(torus_bisection({2, 9}), 5);      // 4 along the long odd dimension and 1 inside its middle layer, not 9 across the short one
  EXPECT_EQ(torus_bisection({1}), 0);
}

TEST(Bisection, OfTheSuperCluster) {
  const auto cut = of_machine({mesh(8, 56), mesh(8, 56), switched(128, 224, 8), clos(64, 3, 1, 0, 100)});
  EXPECT_EQ(cut.level, 3u);
  EXPECT_EQ(cut.chips, 262144);
  EXPECT_DOUBLE_EQ(cut.bandwidth.si(), 262144 * 100e9);
}

TEST(Bisection, OfAMachineIsAcrossItsNarrowestDimension) {
  const auto cut = of_machine({mesh(2, 10), mesh(8, 56)});  // 8 links of 10 rather than 32 of 56
  EXPECT_EQ(cut.level, 0u);
  EXPECT_EQ(cut.chips, 8);
  EXPECT_DOUBLE_EQ(cut.bandwidth.si(), 80e9);
  EXPECT_EQ(of_machine({mesh(2, 10), switched(8, 56)}).level, 1u);  // the switches join the halves of each pair
}

// The links between the halves of every division of the chips into halves, at least.
double least_of_all_divisions(const hardware::Machine& machine) {
  const Enumerated network(machine);
  const auto n = static_cast<std::uint32_t>(network.chips());
  struct Edge {
    std::uint32_t a, b;
    double capacity;
  };
  std::vector<Edge> edges;
  for (const auto& [link, load] : network.loads()) {
    const auto& [level, part, from, to] = link;
    if (from < to) edges.push_back({static_cast<std::uint32_t>(from), static_cast<std::uint32_t>(to), network.levels()[level].level.network.pair_bandwidth.si()});
  }
  double least = 1e30;
  for (std::uint32_t half = 0; half < (1u << n); ++half) {
    if (std::popcount(half) != static_cast<int>(n / 2)) continue;
    double cut = 0;
    for (const auto& e : edges) cut += ((half >> e.a ^ half >> e.b) & 1u) != 0 ? e.capacity : 0;
    least = std::min(least, cut);
  }
  return least;
}

TEST(Bisection, IsTheLeastOfAllDivisions) {
  const std::vector<std::vector<hardware::Level>> networks{{mesh(6)},           {mesh(7)},           {mesh(4), mesh(4)},        {mesh(2, 3), mesh(6)},    {mesh(4, 5), mesh(2)},
                                                           {torus({9})},        {torus({4, 4})},     {torus({3, 5})},           {torus({2, 7})},          {torus({2, 2, 4})},
                                                           {torus({3, 4})},     {torus({2, 3, 3})},  {mesh(2), torus({3, 3})},  {mesh(4, 0.5), torus({4})}, {torus({5}), mesh(2)}};
  for (const auto& levels : networks) {
    const auto machine = machine_of(levels);
    const auto cut = bisection_of(levels_in_use(machine));
    EXPECT_EQ(cut.chips, machine.chips() / 2);
    EXPECT_NEAR(cut.bandwidth.si(), least_of_all_divisions(machine), 1) << machine.chips();
  }
}

}  // namespace
}  // namespace zettatwin::topology
