// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <numbers>

#include "base/contract.hpp"
#include "traffic/graph_collective.hpp"

namespace zettatwin::traffic {
namespace {

// P(|T| <= t) of Student's t with n degrees of freedom: Abramowitz and Stegun, 26.7.3 and 26.7.4.
double within(double t, std::int64_t n) {
  const double angle = std::atan(t / std::sqrt(static_cast<double>(n))), c = std::cos(angle), s = std::sin(angle);
  double sum = 0, term = n % 2 == 0 ? 1 : c;
  for (std::int64_t k = n % 2 == 0 ? 2 : 3; k <= n; k += 2) {
    sum += term;
    term *= c * c * static_cast<double>(k - 1) / static_cast<double>(k);
  }
  return n % 2 == 0 ? s * sum : 2 / std::numbers::pi * (angle + s * sum);
}

// t with P(|T| <= t) = 0.95.
double student_95(std::int64_t degrees) {
  double low = 0, high = 16;  // 12.706 for one degree, less for more
  for (int i = 0; i < 60; ++i) {
    const double middle = (low + high) / 2;
    (within(middle, degrees) < 0.95 ? low : high) = middle;
  }
  return high;
}

}  // namespace

Ensemble ensemble_of(std::span<const units::Seconds> times) {
  ZT_EXPECT(!times.empty(), "no draws");
  Ensemble e{static_cast<std::int64_t>(times.size()), {}, {}, {}, *std::min_element(times.begin(), times.end()), *std::max_element(times.begin(), times.end())};
  const double n = static_cast<double>(times.size());
  for (const auto time : times) e.mean += time / n;
  if (times.size() < 2) return e;
  double squares = 0;
  for (const auto time : times) squares += (time - e.mean).si() * (time - e.mean).si();
  e.standard_deviation = units::Seconds::from_si(std::sqrt(squares / (n - 1)));
  e.confidence_95 = (student_95(e.seeds - 1) / std::sqrt(n)) * e.standard_deviation;
  return e;
}

}  // namespace zettatwin::traffic
