// SPDX-License-Identifier: Apache-2.0
// Exact values and laws of random durations.
#include "noise/distribution.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "base/contract.hpp"
#include "noise/barrier.hpp"
#include "noise/normal.hpp"

namespace zettatwin::noise {
namespace {

Distribution normal() {
  return Distribution::of_scores([](double z) { return z; });
}

Distribution exponential() {
  return Distribution::of_scores([](double z) { return -std::log(normal_tail(z)); });
}

TEST(Normal, ScoresInvertProbabilitiesInBothTails) {
  for (double z = -30; z <= 8; z += 0.37) EXPECT_NEAR(normal_score(normal_log_cdf(z)), z, 1e-9 * (1 + std::abs(z))) << z;
  EXPECT_NEAR(normal_score(-1e-20), 9.262340089798408, 1e-9);  // upper tail 1e-20, which 1 - p cannot hold
}

TEST(Slowest, OfExponentialsIsTheHarmonicNumber) {
  double harmonic = 0;
  for (int n = 1; n <= 100; ++n) {
    harmonic += 1.0 / n;
    EXPECT_NEAR(exponential().slowest_of(n).mean(), harmonic, 1e-6 * harmonic) << n;
  }
  const double ten_million = std::log(1e7) + std::numbers::egamma + 0.5e-7;
  EXPECT_NEAR(exponential().slowest_of(10'000'000).mean(), ten_million, 1e-6 * ten_million);
}

TEST(Slowest, OfNormalsIsAsTabulated) {  // Harter 1961, expected largest order statistic; n = 2, 3 in closed form
  EXPECT_NEAR(normal().slowest_of(2).mean(), std::numbers::inv_sqrtpi, 1e-7);
  EXPECT_NEAR(normal().slowest_of(3).mean(), 1.5 * std::numbers::inv_sqrtpi, 1e-7);
  EXPECT_NEAR(normal().slowest_of(5).mean(), 1.16296, 6e-6);
  EXPECT_NEAR(normal().slowest_of(10).mean(), 1.53875, 6e-6);
  EXPECT_NEAR(normal().slowest_of(100).mean(), 2.50759, 6e-6);
}

TEST(Slowest, OfManyMayBeTakenInGroups) {
  for (const double s : {0.01, 0.3}) {
    const auto work = Distribution::lognormal(s);
    for (const std::int64_t groups : {2, 64, 4096}) {
      const auto nested = work.slowest_of(1024).slowest_of(groups), flat = work.slowest_of(1024 * groups);
      EXPECT_NEAR(nested.mean(), flat.mean(), 1e-6) << groups;
      for (const double p : {0.001, 0.5, 0.999}) EXPECT_NEAR(nested.quantile(p), flat.quantile(p), 1e-5) << p;
    }
  }
}

TEST(Slower, OfTwoAlikeIsTheSlowestOfTwo) {
  const auto one = Distribution::lognormal(0.1);
  EXPECT_NEAR(Distribution::slower(one, one).mean(), one.slowest_of(2).mean(), 1e-9);
  EXPECT_NEAR(Distribution::slower(one, one).deviation(), one.slowest_of(2).deviation(), 1e-8);
}

// E max = 1/a + 1/b - 1/(a + b); and with a constant c: c + exp(-c).
TEST(Slower, OfUnlikeExponentials) {
  for (const double rate : {0.5, 2.0, 10.0}) {
    const double expected = 1 + 1 / rate - 1 / (1 + rate);
    EXPECT_NEAR(Distribution::slower(exponential(), exponential().scaled(1 / rate)).mean(), expected, 1e-5 * expected) << rate;
  }
  EXPECT_NEAR(Distribution::slower(exponential(), Distribution::constant(1)).mean(), 1 + std::exp(-1), 2e-3);
}

// A member that is always far behind waits for nobody.
TEST(Slower, IsTheOneThatIsFarBehind) {
  const auto behind = Distribution::lognormal(0.02).scaled(2);
  EXPECT_NEAR(Distribution::slower(behind, Distribution::lognormal(0.02).slowest_of(1000)).mean(), 2, 1e-9);
}

TEST(Lognormal, HasMeanOneAndItsVariation) {
  for (const double s : {0.001, 0.02, 0.3, 1.0}) {
    EXPECT_NEAR(Distribution::lognormal(s).mean(), 1, 1e-12);
    EXPECT_NEAR(Distribution::lognormal(s).deviation(), s, 1e-9);
  }
  EXPECT_THROW((void)Distribution::lognormal(-0.1), ContractFailure);
}

TEST(Sum, OfNormalsIsNormal) {
  for (const std::int64_t m : {2, 3, 10, 61, 1000}) {
    const auto sum = normal().repeated(m);
    const double deviation = std::sqrt(static_cast<double>(m));
    for (double z = -6; z <= 6; z += 0.31) EXPECT_NEAR(sum.at_score(z) / deviation, z, 2e-6) << m;
    EXPECT_NEAR(sum.slowest_of(100'000).mean() / deviation, normal().slowest_of(100'000).mean(), 1e-6);
  }
}

TEST(Sum, OfExponentialsIsErlang) {
  const auto sum = exponential().repeated(3);
  for (const double t : {0.1, 1.0, 3.0, 10.0, 30.0}) {
    EXPECT_NEAR(normal_tail(sum.score_of(t)) / (std::exp(-t) * (1 + t + t * t / 2)), 1, 1e-4) << t;
  }
}

TEST(Sum, AddsMeansAndVariances) {
  for (const double s : {0.02, 0.3}) {
    const auto slowest = Distribution::lognormal(s).slowest_of(4096);
    const auto both = slowest + Distribution::lognormal(s).scaled(5);
    EXPECT_NEAR(both.mean(), slowest.mean() + 5, 1e-6);
    EXPECT_NEAR(both.deviation(), std::hypot(slowest.deviation(), 5 * s), 1e-5 * s);
    const auto chain = slowest.repeated(1000);
    EXPECT_NEAR(chain.mean() / (1000 * slowest.mean()), 1, 1e-7);
    EXPECT_NEAR(chain.deviation() / (std::sqrt(1000.0) * slowest.deviation()), 1, 1e-5);
  }
}

TEST(Barrier, WithoutNoiseCostsNothing) {
  const auto work = Distribution::lognormal(0);
  EXPECT_EQ(barrier_slowdown(work, 10'000'000), 1);
  EXPECT_EQ(nested_slowdown(work, {64, 100, 4096}), 1);
  EXPECT_EQ(barrier_slowdown(Distribution::lognormal(0.1), 1), 1);
}

TEST(Barrier, CostsMoreWithMoreMembersAndMoreNoise) {
  double of_noise = 1;
  for (const double s : {0.001, 0.01, 0.02, 0.1, 0.5}) {
    double of_members = 1;
    for (std::int64_t n = 2; n <= 10'000'000; n *= 3) {
      const double now = barrier_slowdown(Distribution::lognormal(s), n);
      EXPECT_GT(now, of_members) << s << ' ' << n;
      of_members = now;
    }
    EXPECT_GT(of_members, of_noise) << s;
    of_noise = of_members;
  }
}

TEST(Barrier, RareBarriersAverageNoiseAway) {
  const auto work = Distribution::lognormal(0.02);
  const double every_time = barrier_slowdown(work, 1'048'576);
  const double once = nested_slowdown(work, {1, 100, 1'048'576});
  const double coupled_in_eights = nested_slowdown(work, {8, 100, 131'072});
  EXPECT_NEAR(every_time - 1, 0.1023, 5e-4);  // normal noise: 4.878 deviations, 0.0976; the lognormal's tail is longer
  EXPECT_NEAR((once - 1) / (0.002 * normal().slowest_of(1'048'576).mean()), 1, 0.02);
  EXPECT_LT(once, coupled_in_eights);
  EXPECT_LT(coupled_in_eights, every_time);
}

}  // namespace
}  // namespace zettatwin::noise
