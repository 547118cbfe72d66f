// SPDX-License-Identifier: Apache-2.0
#include "inference/placement.hpp"

#include <gtest/gtest.h>

#include "served.hpp"

namespace zettatwin::inference {
namespace {

hardware::Machine machine(std::int64_t inner, std::int64_t outer) {
  test::Toy toy;
  toy.levels = {{"node", inner, 100e9, 1e-6}, {"rack", outer, 10e9, 5e-6}};
  return test::toy_machine(toy);
}

TEST(Placement, InsideTheSmallestUnitThatHoldsIt) {
  const auto m = machine(8, 16);
  EXPECT_EQ(place_instance(m, 4, 4)->used, (std::vector<std::int64_t>{4, 1}));
  EXPECT_EQ(place_instance(m, 32, 8)->used, (std::vector<std::int64_t>{8, 4}));
  EXPECT_EQ(place_instance(m, 12, 2)->used, (std::vector<std::int64_t>{6, 2}));   // whole groups of 2 in each node
  EXPECT_EQ(place_instance(m, 12, 4)->used, (std::vector<std::int64_t>{4, 3}));   // 6 would cut a group of 4
  EXPECT_EQ(place_instance(m, 13, 1)->used, (std::vector<std::int64_t>{1, 13}));
  EXPECT_FALSE(place_instance(m, 17, 1));                                         // neither in a node nor one of each of 17
  EXPECT_FALSE(place_instance(m, 256, 8));
}

TEST(Placement, CountsInstances) {
  const auto m = machine(8, 16);
  EXPECT_EQ(instances_on(*place_instance(m, 3, 1), 0), 2 * 16);
  EXPECT_EQ(instances_on(*place_instance(m, 32, 8), 0), 4);
  EXPECT_EQ(instances_on(*place_instance(m, 32, 8), 64), 2);
  EXPECT_EQ(instances_on(*place_instance(m, 4, 4), 12), 3);
  EXPECT_EQ(instances_on(*place_instance(m, 32, 8), 31), 0);
  EXPECT_EQ(instances_on(*place_instance(m, 1, 1), 5), 5);
}

TEST(Placement, KnowsWhoHasAChip) {
  const auto m = machine(8, 16);
  const auto four = *place_instance(m, 4, 4), three = *place_instance(m, 3, 1), wide = *place_instance(m, 16, 8), spread = *place_instance(m, 12, 4);
  EXPECT_EQ(instance_with(four, 0, 0), 0);
  EXPECT_EQ(instance_with(four, 0, 13), 3);
  EXPECT_EQ(instance_with(four, 8, 13), 1) << "behind another pool of 8 chips";
  EXPECT_FALSE(instance_with(four, 8, 7));
  EXPECT_EQ(instance_with(three, 0, 5), 1);
  EXPECT_FALSE(instance_with(three, 0, 7)) << "two instances leave two chips of a node";
  EXPECT_EQ(instance_with(three, 0, 8), 2);
  EXPECT_EQ(instance_with(wide, 0, 31), 1);
  // 4 chips of each of 3 nodes: the other half of those nodes is the second instance.
  EXPECT_EQ(instance_with(spread, 0, 17), 0);
  EXPECT_EQ(instance_with(spread, 0, 22), 1);
  EXPECT_FALSE(instance_with(four, 0, 128)) << "no such chip";
}

TEST(Placement, ChipsAreJoinedByTheLevelThatHoldsThem) {
  const auto m = machine(8, 16);
  EXPECT_EQ(between(m, 1).level, 0u);
  EXPECT_EQ(between(m, 8).level, 0u);
  EXPECT_EQ(between(m, 9).level, 1u);
  EXPECT_EQ(between(m, 128).level, 1u);
  EXPECT_EQ(between(m, 9).per_chip.si(), 10e9);
}

}  // namespace
}  // namespace zettatwin::inference
