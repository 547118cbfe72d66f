// SPDX-License-Identifier: Apache-2.0
// Rates of the steady part of a run, from columns written by hand.
#include "fleet/detail/steady.hpp"

#include <gtest/gtest.h>

#include "../../support/random.hpp"

namespace zettatwin::fleet {
namespace {

constexpr auto kColumn = units::Picoseconds(1'000'000'000'000);

units::Picoseconds at(std::int64_t column) { return kColumn * column; }

void count(SeriesRecorder& series, std::int64_t column, std::int64_t arrived, std::int64_t finished) {
  auto& c = series.at(at(column));
  c.arrived += arrived;
  c.finished += finished;
  c.within_slo += finished;
  c.input_tokens += 10 * finished;
  c.output_tokens += 100 * finished;
}

// Ten requests at a time, each four seconds long, twenty rounds: nothing comes in the first four seconds, and nobody follows the last ten.
TEST(SteadyRates, OfALoopAreThoseOfWholeRounds) {
  SeriesRecorder series(1, 128, kColumn, false);
  count(series, 0, 10, 0);
  for (std::int64_t round = 1; round <= 20; ++round) count(series, 4 * round - 1, round < 20 ? 10 : 0, 10);
  Metrics m;
  m.requests_per_s.value = 2;
  add_steady_rates(m, series, at(0), at(80), 4, 1);
  ASSERT_TRUE(m.steady);
  // From the end of the first round (column 3) to the last arrivals (column 75): 17 rounds, of which the last 16 make 8 groups of 20 requests.
  EXPECT_EQ(m.steady->from_s, 8);
  EXPECT_EQ(m.steady->to_s, 72);
  EXPECT_DOUBLE_EQ(m.steady->requests_per_s.value, 2.5);
  EXPECT_DOUBLE_EQ(m.steady->output_tokens_per_s.value, 250);
  EXPECT_DOUBLE_EQ(m.steady->total_tokens_per_s.value, 275);
  EXPECT_DOUBLE_EQ(m.steady->output_tokens_per_s_per_chip.value, 62.5);
  ASSERT_TRUE(m.requests_per_s.half_width);
  EXPECT_NEAR(*m.requests_per_s.half_width, 0, 1e-12);
}

TEST(SteadyRates, NoneOfABurstOrOfTwoRounds) {
  SeriesRecorder burst(1, 128, kColumn, false);
  count(burst, 0, 100, 0);
  for (std::int64_t i = 1; i < 60; ++i) count(burst, i, 0, 1);
  Metrics m;
  add_steady_rates(m, burst, at(0), at(60), 1, 1);
  EXPECT_FALSE(m.steady);
  EXPECT_FALSE(m.requests_per_s.half_width);
}

// Poisson arrivals, each answered in the column after: n groups' half width is t / sqrt(n) of a deviation of sqrt(N / n).
TEST(SteadyRates, HalfWidthIsThatOfTheNoise) {
  test::Random random(7);
  int inside = 0;
  constexpr int kRuns = 200;
  double widths = 0;
  for (int run = 0; run < kRuns; ++run) {
    SeriesRecorder series(1, 512, kColumn, false);
    std::int64_t last = 0;
    for (std::int64_t i = 0; i < 400; ++i) {
      std::int64_t n = 0;
      for (int k = 0; k < 100; ++k) n += random.between(0, 9) == 0 ? 1 : 0;  // 10 +- 3
      count(series, i, n, last);
      last = n;
    }
    Metrics m;
    m.requests_per_s.value = 10;
    add_steady_rates(m, series, at(0), at(400), 1, 1);
    ASSERT_TRUE(m.steady && m.steady->requests_per_s.half_width);
    inside += std::abs(m.steady->requests_per_s.value - 10) <= *m.steady->requests_per_s.half_width ? 1 : 0;
    widths += *m.steady->requests_per_s.half_width / kRuns;
  }
  EXPECT_GE(inside, kRuns * 88 / 100);
  EXPECT_NEAR(widths, 2.15 * 3 / 20, 0.06);  // 400 columns of deviation 3: 3 / sqrt(400), with Student's factor
}

}  // namespace
}  // namespace zettatwin::fleet
