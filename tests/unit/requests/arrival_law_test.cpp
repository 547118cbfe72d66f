// SPDX-License-Identifier: Apache-2.0
#include "requests/arrival_law.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "../../support/law.hpp"

namespace zettatwin::requests {
namespace {

using namespace zettatwin::test;

constexpr int kMany = 200'000;

std::vector<double> times(const GapLaw& law, const RateProfile& profile, Part part, std::size_t n, std::uint64_t seed = 3) {
  RandomStream random(seed, 0);
  Arrivals arrivals(law, profile, part);
  std::vector<double> seconds;
  while (seconds.size() < n) {
    const auto time = arrivals.next(random);
    if (!time) break;
    seconds.push_back(time->seconds().si());
  }
  return seconds;
}

std::vector<double> gaps(const std::vector<double>& times) {
  std::vector<double> between;
  for (std::size_t i = 1; i < times.size(); ++i) between.push_back(times[i] - times[i - 1]);
  return between;
}

const auto kTwo = RateProfile::constant(units::Hertz::from_si(2));

TEST(GapLaw, MeanAndVariation) {
  const struct { GapLaw law; double cv; } cases[]{{GapLaw::exponential(), 1}, {GapLaw::gamma_of_cv(0.3), 0.3}, {GapLaw::gamma_of_cv(3), 3},
                                                  {GapLaw::weibull(0.7), 1.4624}, {GapLaw::weibull(2), 0.5227}};
  for (const auto& c : cases) {
    const auto m = moments(gaps(times(c.law, kTwo, {}, kMany)));
    EXPECT_NEAR(m.mean, 0.5, 5 * 0.5 * c.cv / std::sqrt(kMany));
    EXPECT_NEAR(m.cv / c.cv, 1, 0.03);
  }
  EXPECT_LT(kolmogorov(gaps(times(GapLaw::exponential(), kTwo, {}, kMany)), [](double t) { return -std::expm1(-2 * t); }), kKolmogorovBound);
  // ln of a Weibull tail is a power.
  const double scale = std::tgamma(1 + 1 / 0.7) * 2;
  EXPECT_LT(kolmogorov(gaps(times(GapLaw::weibull(0.7), kTwo, {}, kMany)), [scale](double t) { return -std::expm1(-std::pow(t * scale, 0.7)); }), kKolmogorovBound);
}

TEST(GapLaw, DeterministicIsExact) {
  const auto third = RateProfile::constant(units::Hertz::from_si(3));
  RandomStream random(1, 0);
  Arrivals arrivals(GapLaw::deterministic(), third, {});
  for (std::int64_t i = 0; i < 3'000'000; ++i) {
    const auto time = arrivals.next(random)->count();
    if (i % 3 == 0) { ASSERT_NEAR(static_cast<double>(time - i / 3 * 1'000'000'000'000), 0, 2 + 0x1p-52 * static_cast<double>(time)) << i; }
  }
  const auto part = times(GapLaw::deterministic(), third, {.instance = 2, .of = 6}, 3);
  EXPECT_NEAR(part[0], 2 / 3.0, 1e-11);
  EXPECT_NEAR(part[2], 2 / 3.0 + 4, 1e-11);
}

// The residual makes the count exact: over many runs of a short time, the mean number of events is rate x time whatever the burstiness.
TEST(Arrivals, MeanCountIsExact) {
  for (const auto& law : {GapLaw::exponential(), GapLaw::gamma_of_cv(3), GapLaw::gamma_of_cv(0.4), GapLaw::weibull(0.5), GapLaw::weibull(3)}) {
    double sum = 0, squares = 0;
    constexpr int kRuns = 40'000;
    for (int run = 0; run < kRuns; ++run) {
      RandomStream random(5, static_cast<std::uint64_t>(run));
      Arrivals arrivals(law, kTwo, {});
      double count = 0;
      while (arrivals.next(random)->count() < 1'500'000'000'000) ++count;
      sum += count;
      squares += count * count;
    }
    const double mean = sum / kRuns, error = std::sqrt((squares / kRuns - mean * mean) / kRuns);
    EXPECT_NEAR(mean, 3, 5 * error);
  }
}

// One instance's share has the law of the whole stream with the others' requests left out.
TEST(Arrivals, SharesAreTheFilteredWhole) {
  for (const auto& law : {GapLaw::exponential(), GapLaw::gamma_of_cv(2), GapLaw::gamma_of_cv(0.5), GapLaw::weibull(0.6)})
    for (const std::int64_t of : {2, 7}) {
      const std::size_t mine = 30'000;
      const auto whole = times(law, kTwo, {}, mine * static_cast<std::size_t>(of));
      std::vector<double> every_kth, chosen;
      RandomStream coin(9, 9);
      for (std::size_t i = 1; i < whole.size(); i += static_cast<std::size_t>(of)) every_kth.push_back(whole[i]);
      for (const double time : whole)
        if (coin.below(static_cast<std::uint64_t>(of)) == 0) chosen.push_back(time);
      EXPECT_LT(kolmogorov(gaps(every_kth), gaps(times(law, kTwo, {.instance = 1, .of = of}, mine, 8))), kKolmogorovBound);
      EXPECT_LT(kolmogorov(gaps(chosen), gaps(times(law, kTwo, {.of = of, .split = Split::random}, mine, 8))), kKolmogorovBound);
    }
  // An Erlang gap of two exponentials, by hand.
  EXPECT_LT(kolmogorov(gaps(times(GapLaw::exponential(), kTwo, {.of = 2}, kMany)), [](double t) { return 1 - std::exp(-2 * t) * (1 + 2 * t); }), kKolmogorovBound);
}

TEST(Arrivals, NumbersInTheWhole) {
  RandomStream random(1, 0);
  Arrivals robin(GapLaw::exponential(), kTwo, {.instance = 3, .of = 5});
  for (std::int64_t i = 0; i < 10; ++i) {
    (void)robin.next(random);
    EXPECT_EQ(robin.number(), 3 + 5 * i);
  }
  Arrivals chosen(GapLaw::exponential(), kTwo, {.of = 5, .split = Split::random});
  int count = 0;
  while (chosen.number() < 500'000) {
    (void)chosen.next(random);
    ++count;
  }
  EXPECT_NEAR(count, 100'000, 5 * std::sqrt(100'000 * 0.8));
}

// Windows of 10 s at 1, 0 and 3 requests per second: counts per window, and the place within it, are those of the rate.
TEST(Profile, CountsFollowTheRate) {
  const auto profile = RateProfile::windows(units::Picoseconds(10'000'000'000'000), {1, 0, 3}, RateProfile::Repeat::yes);
  EXPECT_DOUBLE_EQ(profile.mean().si(), 4 / 3.0);
  for (const auto& law : {GapLaw::exponential(), GapLaw::gamma_of_cv(0.5)}) {
    std::vector<double> seen(3), within;
    const auto all = times(law, profile, {}, kMany);
    for (const double t : all) {
      const double phase = std::fmod(t, 30);
      seen[static_cast<std::size_t>(phase / 10)] += 1;
      if (phase >= 20) within.push_back((phase - 20) / 10);
    }
    EXPECT_EQ(seen[1], 0);
    EXPECT_NEAR(seen[0], kMany * 0.25, 5 * std::sqrt(kMany * 0.25 * 0.75));
    EXPECT_NEAR(all.back() * 4 / 3, kMany, 5 * std::sqrt(kMany));
    EXPECT_LT(kolmogorov(within, [](double x) { return x; }), kKolmogorovBound);
  }
  // Without repetition the stream ends.
  const auto once = RateProfile::windows(units::Picoseconds(10'000'000'000'000), {0.95, 0, 3}, RateProfile::Repeat::no);
  const auto all = times(GapLaw::deterministic(), once, {}, 1000);
  EXPECT_EQ(all.size(), 40u);  // u ends at 39.5
  EXPECT_NEAR(all[9], 9 / 0.95, 1e-11);
  EXPECT_NEAR(all[10], 20 + 0.5 / 3, 1e-11);  // half of the gap passes in the first window, the rest in the third
}

// Gaps longer than many periods are jumped over.
TEST(Profile, LongGaps) {
  const auto slow = RateProfile::windows(units::Picoseconds(1'000'000), {1e-3, 3e-3}, RateProfile::Repeat::yes);
  const auto all = times(GapLaw::exponential(), slow, {}, 1000);
  ASSERT_EQ(all.size(), 1000u);
  EXPECT_NEAR(all.back(), 500'000, 5 * 500 * std::sqrt(1000));
}

TEST(Profile, Diurnal) {
  const auto profile = RateProfile::diurnal(units::Hertz::from_si(10), 1.5, units::day, 14 * units::hour);
  EXPECT_NEAR(profile.mean().si(), 10, 1e-12);
  double most = 0, least = 100;
  for (std::size_t i = 0; i < profile.size(); ++i) {
    most = std::max(most, profile.per_picosecond(i) * 1e12);
    least = std::min(least, profile.per_picosecond(i) * 1e12);
  }
  EXPECT_NEAR(most, 15, 0.01);
  EXPECT_NEAR(least, 5, 0.01);
  EXPECT_NEAR(profile.per_picosecond(56) * 1e12, 15, 0.01);  // 14:00 begins the 57th quarter of an hour
}

TEST(Arrivals, EndAtTheRangeOfTime) {
  const auto slow = RateProfile::constant(units::Hertz::from_si(1e-5));
  EXPECT_LT(times(GapLaw::exponential(), slow, {}, 1000).size(), 200u);  // 9.2e6 s hold 92
}

}  // namespace
}  // namespace zettatwin::requests
