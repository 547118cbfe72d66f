// SPDX-License-Identifier: Apache-2.0
// Sizes of fleets by hand.
#include "capacity/fleet_size.hpp"

#include <gtest/gtest.h>

namespace zettatwin::capacity {
namespace {

// A unit of 2 chips that answers 10 requests/s of 20 tokens each with 40 in flight.
Point aggregated() {
  Point p;
  p.deployment.pools = {{.name = "all", .role = inference::Role::aggregated, .tp = 2}};
  p.concurrency = 40;
  p.chips = 2;
  p.tokens_per_s = 200;
  return p;
}

// A decode instance of 4 chips that answers 50 requests/s, with 2.5 prefill instances of one chip.
Point apart() {
  Point p;
  p.deployment.pools = {{.name = "prefill", .role = inference::Role::prefill, .tp = 1}, {.name = "decode", .role = inference::Role::decode, .tp = 4}};
  p.concurrency = 300;
  p.chips = 6.5;
  p.prefill_per_decode = 2.5;
  p.tokens_per_s = 1000;
  return p;
}

TEST(FleetSize, FollowsTheRate) {
  const Traffic traffic{.requests_per_s = 35, .concurrency = 0, .output = 20};
  EXPECT_DOUBLE_EQ(units_filled(aggregated(), traffic), 3.5);
  EXPECT_EQ(units_needed(aggregated(), traffic), 4);
  EXPECT_EQ(fleet_of(aggregated(), traffic, 4).chips, 8);
  EXPECT_EQ(fleet_of(aggregated(), traffic, 4).prefill, 0);
  EXPECT_EQ(units_needed(aggregated(), {.requests_per_s = 30, .concurrency = 0, .output = 20}), 3) << "just full is enough";
  EXPECT_EQ(units_needed(aggregated(), {}), 1) << "nothing is known of the rate";
}

TEST(FleetSize, ClosedLoopsCountRequestsInFlight) {
  EXPECT_EQ(units_needed(aggregated(), {.requests_per_s = 0, .concurrency = 5000, .output = 20}), 125);
  EXPECT_EQ(units_needed(aggregated(), {.requests_per_s = 0, .concurrency = 5001, .output = 20}), 126);
}

TEST(FleetSize, PrefillFollowsTheTrafficNotTheDecodeInstances) {
  // 10 of the 50 requests/s that the decode instance could answer: a fifth of 2.5 prefill instances.
  const auto quiet = fleet_of(apart(), {.requests_per_s = 10, .concurrency = 0, .output = 20}, 1);
  EXPECT_EQ(quiet.prefill, 1);
  EXPECT_EQ(quiet.chips, 5);
  // 120 requests/s fill 2.4 units: 6 prefill instances with the 3 units that are needed, 8 if there are 4.
  const Traffic busy{.requests_per_s = 120, .concurrency = 0, .output = 20};
  EXPECT_EQ(units_needed(apart(), busy), 3);
  EXPECT_EQ(fleet_of(apart(), busy, 3).prefill, 6);
  EXPECT_EQ(fleet_of(apart(), busy, 3).chips, 18);
  EXPECT_EQ(fleet_of(apart(), busy, 4).prefill, 8);
}

TEST(FleetSize, UnitsOnChipsAreTheMostThatFit) {
  const Traffic busy{.requests_per_s = 120, .concurrency = 0, .output = 20};
  for (std::int64_t chips = 0; chips < 60; ++chips) {
    const auto n = units_on(apart(), busy, chips);
    EXPECT_TRUE(n == 0 || fleet_of(apart(), busy, n).chips <= chips) << chips;
    EXPECT_GT(fleet_of(apart(), busy, n + 1).chips, chips);
  }
}

TEST(FleetSize, FewestChipsFirstNotMostPerChip) {
  // 5 requests/s: the unit of 6.5 chips has more per chip, but one of 2 chips is enough.
  const auto few = smallest_first({apart(), aggregated()}, {.requests_per_s = 5, .concurrency = 0, .output = 20}, 100);
  ASSERT_EQ(few.size(), 2u);
  ASSERT_GT(apart().per_chip(), aggregated().per_chip());
  EXPECT_FALSE(few.front().disaggregated());
  const auto many = smallest_first({aggregated(), apart()}, {.requests_per_s = 1000, .concurrency = 0, .output = 20}, 1000);
  EXPECT_TRUE(many.front().disaggregated());
  EXPECT_EQ(smallest_first({aggregated(), apart()}, {.requests_per_s = 5, .concurrency = 0, .output = 20}, 4).size(), 1u) << "the other has no room";
}

}  // namespace
}  // namespace zettatwin::capacity
