// SPDX-License-Identifier: Apache-2.0
// Jointly normal times: sums exact, maxima of two exact in their first two moments.
#include "noise/joint_normal.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

namespace zettatwin::noise {
namespace {

TEST(JointNormal, MaximumOfTwoIndependentIsExact) {
  JointNormal times;
  const auto a = times.add(5, 1), b = times.add(5, 1), c = times.copy(a);
  times.take_max(a, b);
  EXPECT_NEAR(times.mean(a), 5 + std::numbers::inv_sqrtpi, 1e-12);
  EXPECT_NEAR(times.variance(a), 1 - std::numbers::inv_pi, 1e-12);
  EXPECT_NEAR(times.covariance(a, b), 0.5, 1e-12);
  EXPECT_NEAR(times.covariance(a, c), 0.5, 1e-12);
}

TEST(JointNormal, CommonPastIsNoReasonToWait) {
  JointNormal times;
  const auto a = times.add(1, 4), b = times.copy(a);
  times.shift(b, 0.5, 0);
  times.take_max(a, b);
  EXPECT_DOUBLE_EQ(times.mean(a), 1.5);
  EXPECT_DOUBLE_EQ(times.variance(a), 4);
  EXPECT_DOUBLE_EQ(times.covariance(a, b), 4);
}

TEST(JointNormal, SumsAddTheirVariances) {
  JointNormal times;
  const auto common = times.add(0, 1), a = times.add(1, 2), b = times.add(2, 3);
  times.add_multiple(a, 2, common);
  times.add_multiple(b, 3, common);
  times.shift(b, 1, 0.5);
  EXPECT_DOUBLE_EQ(times.variance(a), 6);
  EXPECT_DOUBLE_EQ(times.variance(b), 12.5);
  EXPECT_DOUBLE_EQ(times.covariance(a, b), 6);
  EXPECT_DOUBLE_EQ(times.mean(b), 3);
}

TEST(JointNormal, PlacesAreGivenAgain) {
  JointNormal times;
  const auto a = times.add(0, 1), b = times.copy(a);
  times.release(b);
  const auto c = times.add(7, 2);
  EXPECT_EQ(c, b);
  EXPECT_DOUBLE_EQ(times.covariance(a, c), 0);
}

}  // namespace
}  // namespace zettatwin::noise
