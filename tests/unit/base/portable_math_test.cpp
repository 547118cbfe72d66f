// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "../../support/random.hpp"
#include "base/portable_math.hpp"
#include "base/stable_hash.hpp"

namespace zettatwin {
namespace {

// Distance in units of the last place of the true value.
double ulps(double value, long double truth) {
  const double near = std::abs(static_cast<double>(truth));
  return static_cast<double>(std::abs(static_cast<long double>(value) - truth)) / (std::nextafter(near, INFINITY) - near);
}

double between(test::Random& random, double low, double high) { return low + (high - low) * (static_cast<double>(random.next() >> 11) * 0x1p-53); }

TEST(PortableMath, WithinTwoUnitsOfTheLastPlace) {
  test::Random random(1);
  for (int i = 0; i < 200'000; ++i) {
    const double x = std::exp(between(random, -700, 700)), near_one = between(random, 0.4, 2.5), y = between(random, -700, 700), small = between(random, -0.9, 3);
    EXPECT_LT(ulps(portable::log(x), std::log(static_cast<long double>(x))), 2) << x;
    EXPECT_LT(ulps(portable::log(near_one), std::log(static_cast<long double>(near_one))), 2) << near_one;
    EXPECT_LT(ulps(portable::exp(y), std::exp(static_cast<long double>(y))), 2) << y;
    EXPECT_LT(ulps(portable::log1p(small), std::log1p(static_cast<long double>(small))), 2.5) << small;
    const double tiny = small * 1e-9;
    EXPECT_LT(ulps(portable::log1p(tiny), std::log1p(static_cast<long double>(tiny))), 2) << tiny;
    EXPECT_LT(ulps(portable::expm1_over(tiny), std::expm1(static_cast<long double>(tiny)) / static_cast<long double>(tiny)), 2) << tiny;
    EXPECT_LT(ulps(portable::expm1_over(small), std::expm1(static_cast<long double>(small)) / static_cast<long double>(small)), 10) << small;
  }
}

TEST(PortableMath, Ends) {
  EXPECT_EQ(portable::log(1), 0);
  EXPECT_EQ(portable::exp(0), 1);
  EXPECT_EQ(portable::exp(-1000), 0);
  EXPECT_EQ(portable::expm1_over(0), 1);
  EXPECT_NEAR(portable::pow(3, 5), 243, 1e-12);
  EXPECT_NEAR(portable::exp(709) / std::exp(709), 1, 1e-15);
}

TEST(PortableMath, CosineAndGamma) {
  for (int i = 0; i <= 1000; ++i) EXPECT_NEAR(portable::cos_of_turns(i * 0.001), static_cast<double>(std::cos(2 * std::numbers::pi_v<long double> * static_cast<long double>(i * 0.001))), 3e-16) << i;
  EXPECT_EQ(portable::cos_of_turns(0.25), 0);
  for (double x = 0.01; x < 60; x += 0.37) EXPECT_NEAR(portable::log_gamma(x), std::lgamma(x), 3e-15 * (1 + x * std::abs(std::log(x)))) << x;
}

// The bits themselves: any change of them changes every sampled answer.
TEST(PortableMath, KnownBits) {
  StableHash hash;
  for (int i = 1; i <= 1000; ++i) hash.add(portable::log(i * 0.37)).add(portable::exp(i * 0.31 - 150)).add(portable::log1p(i * 0.01 - 0.5));
  EXPECT_EQ(hash.value(), 15530020289516409024u);
  static_assert(portable::log(2) == 0x1.62e42fefa39efp-1);
}

}  // namespace
}  // namespace zettatwin
