// SPDX-License-Identifier: Apache-2.0
// Max-min shares worked out by hand.
#include "flow/max_min.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "base/contract.hpp"

namespace {

using namespace zettatwin::flow;
using Problem = SharingProblem<double>;

TEST(MaxMin, OneLinkIsSharedEqually) {
  Problem p;
  const ResourceId link = p.add_resource(12);
  for (int i = 0; i < 3; ++i) p.add_flow(1, {{link, 1}});
  const auto s = max_min(p);
  EXPECT_EQ(s.rate, (std::vector<double>{4, 4, 4}));
  EXPECT_EQ(s.limited_by, (std::vector<ResourceId>{link, link, link}));
  EXPECT_EQ(s.level[link], 4);
  EXPECT_TRUE(s.saturated[link]);
  EXPECT_EQ(s.carried[link], 12);
}

TEST(MaxMin, WeightsDivideALink) {
  Problem p;
  const ResourceId link = p.add_resource(12);
  p.add_flow(1, {{link, 1}});
  p.add_flow(2, {{link, 1}});
  p.add_flow(3, {{link, 1}});
  EXPECT_EQ(max_min(p).rate, (std::vector<double>{2, 4, 6}));
}

// One long flow over three links, a local flow on each: the narrowest link decides for the long one, the others fill up.
TEST(MaxMin, ParkingLot) {
  Problem p;
  const ResourceId a = p.add_resource(10);
  const ResourceId b = p.add_resource(4);
  const ResourceId c = p.add_resource(6);
  p.add_flow(1, {{a, 1}, {b, 1}, {c, 1}});
  p.add_flow(1, {{a, 1}});
  p.add_flow(1, {{b, 1}});
  p.add_flow(1, {{c, 1}});
  const auto s = max_min(p);
  EXPECT_EQ(s.rate, (std::vector<double>{2, 8, 2, 4}));
  EXPECT_EQ(s.limited_by, (std::vector<ResourceId>{b, a, b, c}));
}

TEST(MaxMin, WhatACapLeavesGoesToOthers) {
  Problem p;
  const ResourceId link = p.add_resource(12);
  p.add_flow(1, {{link, 1}}, 2.0);
  p.add_flow(1, {{link, 1}});
  p.add_flow(1, {{link, 1}}, 100.0);
  const auto s = max_min(p);
  EXPECT_EQ(s.rate, (std::vector<double>{2, 5, 5}));
  EXPECT_EQ(s.limited_by, (std::vector<ResourceId>{kOwnCap, link, link}));
}

TEST(MaxMin, ACapAloneIsEnough) {
  Problem p;
  p.add_flow(1, {}, 3.0);
  const auto s = max_min(p);
  EXPECT_EQ(s.rate[0], 3);
  EXPECT_EQ(s.limited_by[0], kOwnCap);
}

// A flow sprayed over two spines of unequal capacity is limited by the slow one; the rest of the fast one is for others.
TEST(MaxMin, FractionsOfSeveralPaths) {
  Problem p;
  const ResourceId slow = p.add_resource(1);
  const ResourceId fast = p.add_resource(4);
  p.add_flow(1, {{slow, 0.5}, {fast, 0.5}});
  p.add_flow(1, {{fast, 1}});
  EXPECT_EQ(max_min(p).rate, (std::vector<double>{2, 3}));
}

// 8 alike flows over 4 alike links, 2 on each: one link of the class sees 2 flows.
TEST(MaxMin, ClassesOfAlikeMembers) {
  Problem p;
  const ResourceId links = p.add_resource(10);
  p.add_flow(1, {{links, 2}});
  EXPECT_EQ(max_min(p).rate[0], 5);
}

TEST(MaxMin, NoCapacityStarves) {
  Problem p;
  const ResourceId dead = p.add_resource(0);
  const ResourceId link = p.add_resource(6);
  p.add_flow(1, {{dead, 1}, {link, 1}});
  p.add_flow(1, {{link, 1}});
  const auto s = max_min(p);
  EXPECT_EQ(s.rate, (std::vector<double>{0, 6}));
  EXPECT_EQ(s.limited_by, (std::vector<ResourceId>{dead, link}));
}

TEST(MaxMin, AResourceNamedTwiceIsLoadedTwice) {
  Problem p;
  const ResourceId link = p.add_resource(6);
  p.add_flow(1, {{link, 1}, {link, 1}});
  EXPECT_EQ(max_min(p).rate[0], 3);
}

TEST(MaxMin, OfSeveralFullResourcesTheFirstOnThePathIsNamed) {
  Problem p;
  const ResourceId a = p.add_resource(3);
  const ResourceId b = p.add_resource(3);
  p.add_flow(1, {{b, 1}, {a, 1}});
  EXPECT_EQ(max_min(p).limited_by[0], b);
}

// 0.1 + 0.1 + 0.1 is not 0.3 in double; the two links are full at the same level all the same.
TEST(MaxMin, LevelsThatOnlyRoundingTellsApartAreOne) {
  Problem p;
  const ResourceId three = p.add_resource(0.1 + 0.1 + 0.1);
  const ResourceId one = p.add_resource(0.1);
  for (int i = 0; i < 3; ++i) p.add_flow(1, {{three, 1}});
  p.add_flow(1, {{one, 1}});
  const auto s = max_min(p);
  EXPECT_EQ(s.rate, (std::vector<double>{0.1, 0.1, 0.1, 0.1}));
  EXPECT_EQ(s.level[three], s.level[one]);
}

TEST(MaxMin, ContractsNameTheFlow) {
  Problem p;
  const ResourceId link = p.add_resource(1);
  EXPECT_THROW(p.add_resource(-1), zettatwin::ContractFailure);
  EXPECT_THROW(p.add_flow(0, {{link, 1}}), zettatwin::ContractFailure);
  EXPECT_THROW(p.add_flow(1, {{link, -1}}), zettatwin::ContractFailure);
  EXPECT_THROW(p.add_flow(1, {{link + 9, 1}}), zettatwin::ContractFailure);
  p.add_flow(1, {{link, 0}});  // uses nothing, so nothing limits it
  EXPECT_THROW((void)max_min(p), zettatwin::ContractFailure);
}

}  // namespace
