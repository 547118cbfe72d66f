// SPDX-License-Identifier: Apache-2.0
#include "units/quantity.hpp"

#include <gtest/gtest.h>

#include <type_traits>

#include "base/contract.hpp"
#include "units/picoseconds.hpp"

namespace zettatwin::units {
namespace {

TEST(Quantity, DimensionsMultiplyAndDivide) {
  static_assert(std::is_same_v<decltype(GB / second), BytesPerSecond>);
  static_assert(std::is_same_v<decltype(GB_per_s * second), Bytes>);
  static_assert(std::is_same_v<decltype(GB / GB_per_s), Seconds>);
  static_assert(std::is_same_v<decltype(GB / GB), double>);
  EXPECT_DOUBLE_EQ((10 * GB / (2 * GB_per_s)).si(), 5);
  EXPECT_DOUBLE_EQ((3 * TFLOP / (1.5 * TFLOP_per_s)).in(second), 2);
  EXPECT_DOUBLE_EQ((GiB).in(byte), 1073741824.0);
}

TEST(Quantity, OrdersAndSums) {
  EXPECT_LT(microsecond, millisecond);
  Seconds t = second;
  t += 2 * second;
  t -= millisecond;
  t *= 10;
  EXPECT_DOUBLE_EQ(t.si(), 29.99);
  EXPECT_DOUBLE_EQ((-t + t).si(), 0);
}

TEST(Picoseconds, RoundsToTheNearestAndAddsExactly) {
  EXPECT_EQ(Picoseconds::from(Seconds::from_si(1.4e-12)).count(), 1);
  EXPECT_EQ(Picoseconds::from(Seconds::from_si(1.5e-12)).count(), 2);
  EXPECT_EQ(Picoseconds::from(Seconds::from_si(-1.5e-12)).count(), -2);
  EXPECT_EQ(Picoseconds::from(second).count(), 1'000'000'000'000);
  EXPECT_EQ((Picoseconds(3) * 4 + Picoseconds(1) - Picoseconds(5)).count(), 8);
}

TEST(Picoseconds, RefusesTimesOutOfRange) {
  EXPECT_THROW((void)Picoseconds::from(Seconds::from_si(1e7)), ContractFailure);
  EXPECT_THROW((void)Picoseconds::from(Seconds::from_si(0.0) / 0.0), ContractFailure);
}

}  // namespace
}  // namespace zettatwin::units
