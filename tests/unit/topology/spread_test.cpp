// SPDX-License-Identifier: Apache-2.0
// How groups of ranks spread over the levels of a machine.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "base/contract.hpp"
#include "topology/fabric.hpp"

namespace zettatwin::topology {
namespace {

hardware::Machine machine_of(const std::vector<std::int64_t>& sizes) {
  hardware::Machine machine;
  for (const auto size : sizes) {
    hardware::Level level;
    level.size = size;
    machine.levels.push_back(level);
  }
  return machine;
}

using Fanout = std::vector<std::int64_t>;

TEST(Spread, OfTheGroupsOfACluster) {
  const auto machine = machine_of({8, 8, 128, 64});
  const auto fabric = whole(machine);
  EXPECT_EQ(fabric.ranks(), 524288);
  EXPECT_EQ(fabric.ranks_within(1), 64);
  EXPECT_EQ(spread_of(fabric, {{{8, 1}}}).fanout, (Fanout{8, 1, 1, 1}));
  EXPECT_EQ(spread_of(fabric, {{{64, 1}}}).fanout, (Fanout{8, 8, 1, 1}));
  EXPECT_EQ(spread_of(fabric, {{{16, 8}}}).fanout, (Fanout{1, 8, 2, 1}));
  EXPECT_EQ(spread_of(fabric, {{{128, 4096}}}).fanout, (Fanout{1, 1, 2, 64}));
  EXPECT_EQ(spread_of(fabric, {{{2, 1}, {4, 64}}}).fanout, (Fanout{2, 1, 4, 1}));
}

TEST(Spread, NamesItsOutermostLevelAndTheMembersBelow) {
  const auto machine = machine_of({8, 8, 128, 64});
  const auto spread = spread_of(whole(machine), {{{16, 8}}});
  EXPECT_EQ(spread.outermost(), 2u);
  EXPECT_EQ(spread.members_below(2), 8);
  EXPECT_EQ(spread.members_below(4), 16);
  EXPECT_EQ(spread_of(whole(machine), {}).outermost(), 4u);
}

TEST(Spread, CountsOnlyTheUsedChips) {
  const auto machine = machine_of({8, 11, 176});
  const Fabric fabric{&machine, {8, 8, 128}};  // 64 of 88 chips per cabinet
  EXPECT_EQ(fabric.ranks(), 8192);
  EXPECT_EQ(spread_of(fabric, {{{128, 64}}}).fanout, (Fanout{1, 1, 128}));
}

TEST(Neighbours, CrossTheOutermostLevelOfTheirRow) {
  const auto machine = machine_of({8, 16});
  const auto fabric = whole(machine);
  EXPECT_EQ(spread_of_neighbours(fabric, 1, 8).fanout, (Fanout{2, 1}));
  EXPECT_EQ(spread_of_neighbours(fabric, 4, 4).fanout, (Fanout{1, 2}));
  EXPECT_EQ(spread_of_neighbours(fabric, 8, 16).fanout, (Fanout{1, 2}));
  EXPECT_EQ(spread_of_neighbours(fabric, 8, 1).fanout, (Fanout{1, 1}));
}

TEST(Neighbours, CountWhichLevelEachPairCrosses) {
  const auto machine = machine_of({8, 16});
  const auto fabric = whole(machine);
  EXPECT_EQ(neighbour_crossings(fabric, 2, 8, false), (Fanout{6, 1}));  // two nodes of four stages
  EXPECT_EQ(neighbour_crossings(fabric, 2, 8, true), (Fanout{6, 2}));
  EXPECT_EQ(neighbour_crossings(fabric, 8, 16, false), (Fanout{0, 15}));
}

RC_GTEST_PROP(Spread, ProductIsTheGroupsSizeAndCrossingsMatchEnumeration, ()) {
  const auto radices = *rc::gen::container<std::vector<std::int64_t>>(5, rc::gen::inRange<std::int64_t>(1, 6));
  // Each radix is a level's size; the group takes some digits whole.
  const auto machine = machine_of(radices);
  const auto fabric = whole(machine);
  space::View group;
  std::int64_t stride = 1;
  for (const auto radix : radices) {
    if (*rc::gen::arbitrary<bool>()) group.atoms.push_back({radix, stride});
    stride *= radix;
  }
  RC_ASSERT(divides_evenly(fabric, group));
  const auto spread = spread_of(fabric, group);
  RC_ASSERT(spread.size() == group.size());
  const auto level = *rc::gen::inRange<std::size_t>(0, radices.size());
  const std::int64_t row_stride = level == 0 ? 1 : fabric.ranks_within(level - 1);
  const std::int64_t row = stride / row_stride;
  std::vector<std::int64_t> slow(radices.size(), 0);
  for (std::int64_t i = 0; i + 1 < row; ++i) {
    std::size_t l = 0;
    while (i * row_stride / fabric.ranks_within(l) != (i + 1) * row_stride / fabric.ranks_within(l)) ++l;
    ++slow[l];
  }
  RC_ASSERT(neighbour_crossings(fabric, row_stride, row, false) == slow);
}

}  // namespace
}  // namespace zettatwin::topology
