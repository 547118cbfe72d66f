// SPDX-License-Identifier: Apache-2.0
// The obvious way: draw every member, take the slowest, repeat. Seeds are explicit.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numbers>

#include "noise/barrier.hpp"
#include "../../support/random.hpp"

namespace zettatwin::noise {

// Lognormal with mean 1, by Box and Muller: independent of the module's own quantiles.
class Draws final {
 public:
  Draws(std::uint64_t seed, double s) : random_(seed), deviation_(std::sqrt(std::log1p(s * s))) {}
  double next() {
    const double z = std::sqrt(-2 * std::log(uniform())) * std::cos(2 * std::numbers::pi * uniform());
    return std::exp(deviation_ * z - deviation_ * deviation_ / 2);
  }
  double slowest(std::int64_t n) {
    double slowest = 0;
    for (std::int64_t i = 0; i < n; ++i) slowest = std::max(slowest, next());
    return slowest;
  }

 private:
  double uniform() { return (static_cast<double>(random_.next() >> 11) + 0.5) * 0x1p-53; }
  test::Random random_;
  double deviation_;
};

struct Estimate {
  double mean = 0, error = 0;
};

template <class Trial>
Estimate estimate(std::int64_t trials, Trial trial) {
  double sum = 0, squares = 0;
  for (std::int64_t i = 0; i < trials; ++i) {
    const double x = trial();
    sum += x;
    squares += x * x;
  }
  const auto count = static_cast<double>(trials);
  return {sum / count, std::sqrt((squares / count - sum * sum / count / count) / (count - 1))};
}

inline void expect_agreement(double folded, const Estimate& drawn) {
  EXPECT_NEAR(folded, drawn.mean, 3 * drawn.error);
  EXPECT_LT(drawn.error, 2e-3 * drawn.mean) << "too few draws to tell";
}

// The barrier of n members at two noises, with so many draws at the least.
inline void expect_slowest_agrees(std::int64_t n, std::int64_t draws_at_least) {
  for (const double s : {0.02, 0.1}) {
    SCOPED_TRACE(testing::Message() << "s " << s << ", n " << n);
    Draws draws(static_cast<std::uint64_t>(n), s);
    const auto trials = std::max<std::int64_t>(draws_at_least / n, 300) / (s < 0.05 ? 4 : 1);
    expect_agreement(barrier_slowdown(Distribution::lognormal(s), n), estimate(trials, [&] { return draws.slowest(n); }));
  }
}

}  // namespace zettatwin::noise
