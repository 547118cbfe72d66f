// SPDX-License-Identifier: Apache-2.0
#include "inference/detail/expert_spread.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/random.hpp"

namespace zettatwin::inference::detail {
namespace {

model::MixtureOfExperts experts(std::int64_t count, std::int64_t topk) { return {.routed_experts = count, .top_k = topk}; }

TEST(ExpertSpread, BalancedOnOneChip) {
  const ExpertSpread spread({.kind = LoadKind::balanced}, experts(64, 4), 1, 0);
  EXPECT_DOUBLE_EQ(spread.skew(), 1);
  EXPECT_DOUBLE_EQ(spread.on_busiest(100).rows, 400);
  EXPECT_NEAR(spread.on_busiest(10).hit, 64 * (1 - std::pow(1 - 4.0 / 64, 10)), 1e-9);
  EXPECT_NEAR(spread.on_busiest(1).hit, 4, 1e-9);
}

TEST(ExpertSpread, SkewGrowsWithFewerExpertsPerChip) {
  const ExpertLoad load{.kind = LoadKind::power_law, .exponent = 0.5};
  double before = 1;
  for (const std::int64_t ep : {2, 8, 32, 128}) {
    const double skew = ExpertSpread(load, experts(256, 8), ep, 0).skew();
    EXPECT_GT(skew, before);
    before = skew;
  }
  // No chip of two experts can have more than the two busiest.
  double sum = 0;
  for (int i = 1; i <= 256; ++i) sum += 1 / std::sqrt(i);
  EXPECT_LE(before, 128 * (1 + 1 / std::sqrt(2.0)) / sum + 1e-12);
}

// One expert per chip: whatever lies where, some chip has the busiest.
TEST(ExpertSpread, TheBusiestExpertLiesOnSomeChip) {
  const ExpertLoad load{.kind = LoadKind::listed, .shares = {17, 1, 1, 1}};
  EXPECT_NEAR(ExpertSpread(load, experts(4, 1), 4, 0).skew(), 4 * 17.0 / 20, 1e-12);
  // Two experts per chip: the partner of the busiest is any of the three others.
  EXPECT_NEAR(ExpertSpread(load, experts(4, 1), 2, 0).skew(), 2 * 18.0 / 20, 1e-12);
}

// Tokens one by one: each chooses k experts, with the probabilities that are stated; experts are placed anew in every trial.
struct Drawn {
  double rows = 0, hit = 0;  // most of any chip
};
Drawn drawn(double exponent, int tokens) {
  constexpr int kExperts = 256, kChips = 32, kHere = kExperts / kChips, kChoices = 8, kTrials = 200;
  std::vector<double> share(kExperts);
  for (int i = 0; i < kExperts; ++i) share[static_cast<std::size_t>(i)] = std::pow(i + 1, -exponent);
  const double all = std::accumulate(share.begin(), share.end(), 0.0);
  RandomStream random(7, 0);
  std::vector<std::size_t> place(kExperts), order(kExperts);
  std::iota(place.begin(), place.end(), 0U);
  order = place;
  const auto shuffle = [&](std::vector<std::size_t>& v) {
    for (std::size_t left = v.size(); left > 1; --left) std::swap(v[left - 1], v[random.below(left)]);
  };
  Drawn sum;
  for (int trial = 0; trial < kTrials; ++trial) {
    shuffle(place);
    std::vector<int> rows(kExperts), of_chip(kChips), hit(kChips);
    for (int token = 0; token < tokens; ++token) {  // systematic sampling in a random order: exactly k, each with its own probability
      shuffle(order);
      double at = 0, next = random.uniform();
      for (const auto e : order)
        if ((at += kChoices * share[e] / all) > next) ++rows[e], next += 1;
    }
    for (std::size_t e = 0; e < rows.size(); ++e) of_chip[place[e] / kHere] += rows[e], hit[place[e] / kHere] += rows[e] > 0 ? 1 : 0;
    sum.rows += *std::max_element(of_chip.begin(), of_chip.end()), sum.hit += *std::max_element(hit.begin(), hit.end());
  }
  return {sum.rows / kTrials, sum.hit / kTrials};
}

TEST(ExpertSpread, AsTokensThatAreDrawnOneByOne) {
  for (const double exponent : {0.0, 0.5, 0.9})
    for (const int tokens : {8, 64}) {
      const auto one_by_one = drawn(exponent, tokens);
      const auto spread = ExpertSpread({.kind = LoadKind::power_law, .exponent = exponent}, experts(256, 8), 32, 0).on_busiest(tokens);
      EXPECT_NEAR(spread.rows / one_by_one.rows, 1, 0.08) << exponent << " " << tokens << " tokens: " << spread.rows << " for " << one_by_one.rows;
      EXPECT_NEAR(spread.hit / one_by_one.hit, 1, 0.08) << exponent << " " << tokens << " tokens: " << spread.hit << " for " << one_by_one.hit;
    }
}

TEST(ExpertSpread, CopiesOfTheBusiestBalance) {
  // Shares 4, 1, 1, 1, 1 of 8 on 4 chips of two: one copy of the busiest makes 2, 2, 1, 1, 1, 1; chips 2 + .. hold at most 3 of 8 where the mean is 2.
  const ExpertLoad load{.kind = LoadKind::listed, .shares = {4, 1, 1, 1, 1}};
  EXPECT_DOUBLE_EQ(ExpertSpread(load, experts(5, 1), 3, 1).skew(), 3 * 3.0 / 8);
  const ExpertLoad steep{.kind = LoadKind::power_law, .exponent = 1};
  EXPECT_LT(ExpertSpread(steep, experts(256, 8), 32, 32).skew(), ExpertSpread(steep, experts(256, 8), 32, 0).skew());
}

TEST(ExpertSpread, MoreTokensAreNeverFewerRowsOrExperts) {
  for (const double exponent : {0.0, 0.5, 1.2})
    for (const std::int64_t ep : {1, 4, 64}) {
      const ExpertSpread spread({.kind = LoadKind::power_law, .exponent = exponent}, experts(256, 8), ep, ep == 64 ? 64 : 0);
      auto before = spread.on_busiest(1);
      for (double tokens = 2; tokens < 1e6; tokens = std::ceil(tokens * 1.3)) {
        const auto now = spread.on_busiest(tokens);
        EXPECT_GE(now.rows, before.rows);
        EXPECT_GE(now.hit, before.hit * (1 - 1e-12)) << exponent << " " << ep << " " << tokens;
        EXPECT_GE(now.rows, now.mean_rows * (1 - 1e-12));
        before = now;
      }
    }
}

// Layers of their own: the mean of what each alone gives.
TEST(ExpertSpread, MeasuredLayerByLayer) {
  const std::vector<double> even{5, 5, 5, 5}, skewed{1, 17, 1, 1};
  const auto spread = [&](const std::vector<double>& shares) { return ExpertSpread({.kind = LoadKind::listed, .exponent = 0, .shares = shares}, experts(4, 1), 4, 0); };
  std::vector<double> both = even;
  both.insert(both.end(), skewed.begin(), skewed.end());
  const auto a = spread(even).on_busiest(100), b = spread(skewed).on_busiest(100), mean = spread(both).on_busiest(100);
  EXPECT_LT(a.rows, b.rows);
  EXPECT_DOUBLE_EQ(mean.rows, (a.rows + b.rows) / 2);
  EXPECT_DOUBLE_EQ(mean.hit, (a.hit + b.hit) / 2);
  EXPECT_DOUBLE_EQ(spread(both).skew(), (spread(even).skew() + spread(skewed).skew()) / 2);
}

}  // namespace
}  // namespace zettatwin::inference::detail
