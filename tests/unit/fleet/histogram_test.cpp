// SPDX-License-Identifier: Apache-2.0
#include "fleet/histogram.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "../../support/random.hpp"

namespace zettatwin::fleet {
namespace {

using units::Picoseconds;

// NumPy's default: linear between order statistics.
double exact_quantile(std::vector<std::int64_t> sorted, double q) {
  const double position = q * static_cast<double>(sorted.size() - 1);
  const auto low = static_cast<std::size_t>(position);
  const std::size_t high = std::min(low + 1, sorted.size() - 1);
  return static_cast<double>(sorted[low]) + (position - static_cast<double>(low)) * static_cast<double>(sorted[high] - sorted[low]);
}

TEST(LogHistogram, QuantilesOfAnyDurationsAreWithinAThousandth) {
  test::Random random(3);
  for (int repeat = 0; repeat < 40; ++repeat) {
    LogHistogram histogram;
    std::vector<std::int64_t> values;
    __extension__ __int128 sum = 0;
    for (std::int64_t i = random.between(1, 3000); i > 0; --i) {
      values.push_back(random.between(0, std::int64_t{1} << random.between(0, 60)));
      sum += values.back();
      histogram.add(Picoseconds(values.back()));
    }
    std::sort(values.begin(), values.end());
    for (const double q : {0.0, 0.1, 0.5, 0.9, 0.99, 1.0}) {
      const double exact = exact_quantile(values, q);
      EXPECT_NEAR(histogram.quantile(q).si() * 1e12, exact, exact / 1024 + 1e-6) << q;
    }
    EXPECT_DOUBLE_EQ(histogram.mean().si(), static_cast<double>(sum) / static_cast<double>(values.size()) * 1e-12);
    EXPECT_EQ(histogram.quantile(0), histogram.least());
    EXPECT_EQ(histogram.quantile(1), histogram.greatest());
  }
}

TEST(LogHistogram, MergingIsAddingToOne) {
  test::Random random(5);
  LogHistogram whole, parts[3];
  for (int i = 0; i < 10000; ++i) {
    const Picoseconds value(random.between(0, std::int64_t{1} << random.between(0, 50)));
    const std::int64_t times = random.one_in(100) ? random.between(0, std::int64_t{1} << 40) : random.between(0, 3);
    whole.add(value, times);
    parts[random.between(0, 2)].add(value, times);
  }
  LogHistogram merged;
  for (const LogHistogram& part : parts) merged.merge(part);
  EXPECT_EQ(merged.count(), whole.count());
  EXPECT_EQ(merged.mean(), whole.mean());
  for (double q = 0; q <= 1; q += 0.01) EXPECT_EQ(merged.quantile(q), whole.quantile(q));
}

// Billions of equal gaps between tokens, and a few others: ranks count them all.
TEST(LogHistogram, BinsHoldMoreThanFourBillion) {
  LogHistogram histogram;
  histogram.add(Picoseconds(100), 3);
  for (int i = 0; i < 5; ++i) histogram.add(Picoseconds(200), std::int64_t{3} << 30);
  histogram.add(Picoseconds(300), std::int64_t{15} << 30);
  EXPECT_EQ(histogram.count(), (std::int64_t{30} << 30) + 3);
  EXPECT_DOUBLE_EQ(histogram.quantile(0.4999).si() * 1e12, 200);
  EXPECT_DOUBLE_EQ(histogram.quantile(0.5001).si() * 1e12, 300);
  EXPECT_NEAR(histogram.mean().si() * 1e12, 250, 1e-6);
}

TEST(LogHistogram, NothingIsZero) {
  const LogHistogram empty;
  EXPECT_EQ(empty.count(), 0);
  EXPECT_EQ(empty.mean().si(), 0);
  EXPECT_EQ(empty.quantile(0.5).si(), 0);
  EXPECT_EQ(empty.least().si(), 0);
}

}  // namespace
}  // namespace zettatwin::fleet
