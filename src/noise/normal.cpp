// SPDX-License-Identifier: Apache-2.0
#include "noise/normal.hpp"

#include <cmath>
#include <numbers>
#include <string>

#include "base/contract.hpp"

namespace zettatwin::noise {
namespace {

// z with P(Z > z) = p <= 1/2: rational start (Abramowitz and Stegun 26.2.23, error 4.5e-4), then Newton steps on the logarithm, which is
// nearly a parabola, so that three steps reach rounding.
double score_of_tail(double p) {
  const double t = std::sqrt(-2 * std::log(p));
  double z = t - (2.515517 + t * (0.802853 + t * 0.010328)) / (1 + t * (1.432788 + t * (0.189269 + t * 0.001308)));
  for (int step = 0; step < 3; ++step) {
    const double tail = normal_tail(z);
    z += std::log(tail / p) * tail / normal_density(z);
  }
  return z;
}

}  // namespace

double normal_density(double z) { return std::exp(-z * z / 2) * std::numbers::inv_sqrtpi / std::numbers::sqrt2; }
double normal_cdf(double z) { return std::erfc(-z / std::numbers::sqrt2) / 2; }
double normal_tail(double z) { return std::erfc(z / std::numbers::sqrt2) / 2; }
double normal_log_cdf(double z) { return z > 0 ? std::log1p(-normal_tail(z)) : std::log(normal_cdf(z)); }

double normal_score(double log_cdf) {
  ZT_EXPECT(log_cdf < 0, std::to_string(log_cdf));
  const double tail = -std::expm1(log_cdf);
  return tail <= 0.5 ? score_of_tail(tail) : -score_of_tail(std::exp(log_cdf));
}

}  // namespace zettatwin::noise
