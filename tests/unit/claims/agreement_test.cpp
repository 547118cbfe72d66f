// SPDX-License-Identifier: Apache-2.0
#include "claims/agreement.hpp"

#include <gtest/gtest.h>

namespace zettatwin::claims {
namespace {

TEST(LastPlace, IsThatOfTheLastSignificantDigit) {
  EXPECT_DOUBLE_EQ(last_place(16.3), 0.1);
  EXPECT_DOUBLE_EQ(last_place(56.8), 0.1);
  EXPECT_DOUBLE_EQ(last_place(16.3e15), 1e14);
  EXPECT_DOUBLE_EQ(last_place(524e18), 1e18);
  EXPECT_DOUBLE_EQ(last_place(64000), 1000);
  EXPECT_DOUBLE_EQ(last_place(1152e12), 1e12);
  EXPECT_DOUBLE_EQ(last_place(1e21), 1e21);
  EXPECT_DOUBLE_EQ(last_place(7), 1);
  EXPECT_EQ(last_place(0), 0);
}

TEST(SignificantDigits, LeaveOutZerosAtTheEnd) {
  EXPECT_EQ(significant_digits(16.3), 3);
  EXPECT_EQ(significant_digits(524e18), 3);
  EXPECT_EQ(significant_digits(1e21), 1);
  EXPECT_EQ(significant_digits(1152e12), 4);
  EXPECT_EQ(significant_digits(0), 0);
}

TEST(Agrees, WithRoundedAndWithCutValues) {
  EXPECT_TRUE(agrees(16.3, Relation::about, 16.384));   // cut
  EXPECT_TRUE(agrees(16.3, Relation::about, 16.26));    // rounded
  EXPECT_FALSE(agrees(16.3, Relation::about, 16.24));
  EXPECT_FALSE(agrees(16.3, Relation::about, 16.4));
  EXPECT_TRUE(agrees(524e18, Relation::about, 524.288e18));
  EXPECT_FALSE(agrees(524e18, Relation::about, 510.2e18));
  EXPECT_TRUE(agrees(56.8, Relation::about, 8192.0 / 144));
  EXPECT_TRUE(agrees(6.7, Relation::about, 8 / 1.2));
  EXPECT_FALSE(agrees(6.7, Relation::about, 8.192 / 1.2));
  EXPECT_TRUE(agrees(62, Relation::about, 16300.0 / 260));
  EXPECT_TRUE(agrees(64000, Relation::about, 64000));
}

TEST(Agrees, NeverFartherThanFivePercent) {
  EXPECT_TRUE(agrees(1e21, Relation::about, 1.0486e21));
  EXPECT_FALSE(agrees(1e21, Relation::about, 1.052e21));
  EXPECT_FALSE(agrees(1e21, Relation::about, 0.907e21));
  EXPECT_TRUE(agrees(1.2e18, Relation::about, 72 * 17.5e15));  // 5 % to the bit
}

TEST(Agrees, MoreThanHasNoUpperEnd) {
  EXPECT_TRUE(agrees(524000, Relation::at_least, 524288));
  EXPECT_TRUE(agrees(524000, Relation::at_least, 1e9));
  EXPECT_TRUE(agrees(10000, Relation::at_least, 10000));
  EXPECT_FALSE(agrees(1e6, Relation::at_least, 999999));
}

}  // namespace
}  // namespace zettatwin::claims
