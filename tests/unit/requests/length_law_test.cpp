// SPDX-License-Identifier: Apache-2.0
#include "requests/length_law.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "../../support/law.hpp"

namespace zettatwin::requests {
namespace {

using namespace zettatwin::test;

std::vector<double> drawn(const LengthLaw& law, int n, std::uint64_t seed = 1) {
  RandomStream random(seed, 0);
  std::vector<double> lengths(static_cast<std::size_t>(n));
  for (auto& x : lengths) x = law.sample(random);
  return lengths;
}

constexpr int kMany = 200'000;

// The law of what is drawn against at_least(), in cells of lengths that are about equally likely.
void expect_law(const LengthLaw& law, const char* what) {
  std::vector<std::int64_t> edges{1};
  for (std::int64_t k = 2; law.at_least(k) > 0.02; ++k)
    if (law.at_least(edges.back()) - law.at_least(k) > 0.02) edges.push_back(k);
  std::vector<double> seen(edges.size()), expected(edges.size());
  for (const double x : drawn(law, kMany)) seen[static_cast<std::size_t>(std::upper_bound(edges.begin(), edges.end(), static_cast<std::int64_t>(x)) - edges.begin()) - 1] += 1;
  for (std::size_t i = 0; i < edges.size(); ++i) expected[i] = kMany * (law.at_least(edges[i]) - (i + 1 < edges.size() ? law.at_least(edges[i + 1]) : 0));
  ASSERT_GT(edges.size(), 2u) << what;
  EXPECT_LT(pearson(seen, expected), kPearsonBound) << what;
  // The mean is the sum of the tail.
  double sum = 0;
  for (std::int64_t k = 1; law.at_least(k) > 1e-13; ++k) sum += law.at_least(k);
  EXPECT_NEAR(law.mean() / sum, 1, 1e-6) << what;
}

TEST(LengthLaw, DrawsItsLaw) {
  expect_law(LengthLaw({.mean = 1000, .cv = 0.5}), "lognormal");
  expect_law(LengthLaw({.mean = 3, .cv = 1}), "short lognormal, where rounding shows");
  expect_law(LengthLaw({.mean = 1000, .cv = 1, .max = 1500}), "cut lognormal");
  expect_law(LengthLaw({.law = LengthShape::uniform, .low = 205, .high = 256}), "uniform");
  expect_law(LengthLaw({.law = LengthShape::uniform, .low = 2, .high = 30, .max = 20}), "cut uniform");
  expect_law(LengthLaw({.law = LengthShape::geometric, .mean = 40}), "geometric");
  expect_law(LengthLaw({.law = LengthShape::geometric, .mean = 40, .max = 30}), "cut geometric");
  expect_law(LengthLaw({.law = LengthShape::histogram, .bins = {{70, 1}, {10, 2}, {500, 0.5}, {20, 0}}}), "histogram");
}

// 0.8 x 256 = 204.8: a harness that draws from [r mean, mean] has mean 230.5.
TEST(LengthLaw, MeansByHand) {
  EXPECT_DOUBLE_EQ(LengthLaw({.law = LengthShape::uniform, .low = 205, .high = 256}).mean(), 230.5);
  EXPECT_DOUBLE_EQ(LengthLaw({.law = LengthShape::uniform, .low = 1, .high = 4, .max = 3}).mean(), (1 + 2 + 3 + 3) / 4.0);
  EXPECT_DOUBLE_EQ(LengthLaw({.law = LengthShape::uniform, .low = 5, .high = 9, .max = 3}).mean(), 3);
  EXPECT_DOUBLE_EQ(LengthLaw({.law = LengthShape::histogram, .bins = {{10, 3}, {50, 1}}}).mean(), 20);
  EXPECT_DOUBLE_EQ(LengthLaw({.law = LengthShape::geometric, .mean = 4}).mean(), 4);
  EXPECT_DOUBLE_EQ(LengthLaw({.law = LengthShape::geometric, .mean = 2, .max = 2}).mean(), 1.5);
  EXPECT_NEAR(LengthLaw({.mean = 1000, .cv = 0.5}).mean(), 1000, 1e-3);
  EXPECT_EQ(LengthLaw::constant(7).mean(), 7);
  EXPECT_EQ(LengthLaw({.mean = 100, .max = 64}).mean(), 64);
}

TEST(LengthLaw, MomentsAndLimits) {
  const auto m = moments(drawn(LengthLaw({.mean = 1024, .cv = 0.5}), kMany));
  EXPECT_NEAR(m.mean, 1024, 5 * 512 / std::sqrt(kMany));
  EXPECT_NEAR(m.cv, 0.5, 0.01);
  for (const double x : drawn(LengthLaw({.mean = 100, .cv = 3, .max = 200}), 10'000)) EXPECT_TRUE(x >= 1 && x <= 200);
  for (const double x : drawn(LengthLaw({.mean = 1e6, .cv = 100}), 10'000)) EXPECT_TRUE(x >= 1 && x <= LengthLaw::kLongest);
  for (const double x : drawn(LengthLaw::constant(5), 10)) EXPECT_EQ(x, 5);
  EXPECT_THROW(LengthLaw::histogram({{5, 0}}), ContractFailure);
}

}  // namespace
}  // namespace zettatwin::requests
