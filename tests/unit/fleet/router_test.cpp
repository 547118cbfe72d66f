// SPDX-License-Identifier: Apache-2.0
#include "fleet/router.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "../../support/random.hpp"

namespace zettatwin::fleet {
namespace {

const auto kNothingCached = [](std::size_t) { return 0; };

Balancer open_all(Routing routing, std::size_t n) {
  Balancer balancer({.routing = routing}, n, 1, 0);
  for (std::size_t i = 0; i < n; ++i) balancer.open(i, true);
  return balancer;
}

TEST(Router, RoundRobinTakesTurnsAmongThoseThatAreOpen) {
  Balancer b = open_all(Routing::round_robin, 3);
  for (const std::size_t expected : {0u, 1u, 2u, 0u}) EXPECT_EQ(b.choose(kNothingCached), expected);
  b.open(1, false);
  for (int i = 0; i < 10; ++i) EXPECT_NE(b.choose(kNothingCached), 1u);
  b.open(0, false);
  b.open(2, false);
  EXPECT_FALSE(b.choose(kNothingCached).has_value());
}

// The tournament against a search through all.
TEST(Router, LeastLoadedIsTheLeastOfAll) {
  test::Random random(11);
  for (const Routing routing : {Routing::least_requests, Routing::least_tokens}) {
    constexpr std::size_t kInstances = 13;
    Balancer b = open_all(routing, kInstances);
    std::vector<std::int64_t> requests(kInstances), tokens(kInstances);
    std::vector<bool> open(kInstances, true);
    for (int step = 0; step < 3000; ++step) {
      const auto i = static_cast<std::size_t>(random.between(0, kInstances - 1));
      if (random.one_in(10)) open[i] = !open[i], b.open(i, open[i]);
      const auto& load = routing == Routing::least_requests ? requests : tokens;
      std::int64_t least = INT64_MAX;
      for (std::size_t k = 0; k < kInstances; ++k)
        if (open[k]) least = std::min(least, load[k]);
      const auto chosen = b.choose(kNothingCached);
      ASSERT_EQ(chosen.has_value(), least != INT64_MAX);
      if (!chosen) continue;
      ASSERT_TRUE(open[*chosen]);
      ASSERT_EQ(load[*chosen], least);
      const std::int64_t size = random.between(1, 50);
      b.add(*chosen, 1, size);
      ++requests[*chosen], tokens[*chosen] += size;
      if (requests[i] > 0 && random.one_in(2)) b.add(i, -requests[i], -tokens[i]), requests[i] = tokens[i] = 0;
    }
  }
}

TEST(Router, EqualsTakeTurns) {
  Balancer b = open_all(Routing::least_requests, 4);
  for (int round = 0; round < 3; ++round)
    for (std::size_t expected = 0; expected < 4; ++expected) EXPECT_EQ(b.choose(kNothingCached), expected);
}

// Balls into bins: the fullest of n bins has about log n / log log n balls above the mean with one choice, log log n with two.
TEST(Router, TwoChoicesBeatOne) {
  std::int64_t fullest[2];
  for (const bool two : {false, true}) {
    Balancer b = open_all(two ? Routing::power_of_two : Routing::random, 1000);
    for (int i = 0; i < 10000; ++i) b.add(*b.choose(kNothingCached), 1, 1);
    fullest[two] = 0;
    for (std::size_t i = 0; i < 1000; ++i) fullest[two] = std::max(fullest[two], b.requests(i));
  }
  EXPECT_LE(fullest[1], 13);
  EXPECT_GE(fullest[0], 18);
}

TEST(Router, PrefixAwareGoesToTheCacheUnlessItIsBusy) {
  Balancer b({.routing = Routing::prefix_aware, .load_factor = 1.5, .load_slack = 2}, 3, 1, 0);
  for (std::size_t i = 0; i < 3; ++i) b.open(i, true);
  const auto cached = [](std::size_t i) { return i == 1 ? 512 : i == 2 ? 256 : 0; };
  b.add(1, 2, 10);
  EXPECT_EQ(b.choose(cached), 1u);  // 2 <= 1.5 * 2/3 + 2
  b.add(1, 3, 10);
  EXPECT_EQ(b.choose(cached), 2u);  // 5 > 1.5 * 5/3 + 2
  EXPECT_EQ(b.choose(kNothingCached), 0u);  // no cache: the least loaded
}

TEST(Router, ChooseFittingSkipsTheFull) {
  Balancer b = open_all(Routing::least_requests, 4);
  b.add(3, 1, 1);
  EXPECT_EQ(b.choose_fitting([](std::size_t i) { return i == 3; }), 3u);
  EXPECT_FALSE(b.choose_fitting([](std::size_t) { return false; }).has_value());
}

}  // namespace
}  // namespace zettatwin::fleet
