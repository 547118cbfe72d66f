// SPDX-License-Identifier: Apache-2.0
#include "base/random.hpp"

#include <algorithm>
#include <span>
#include <string>

namespace zettatwin {
namespace {

double polynomial(std::span<const double> coefficients, double x) {
  double sum = 0;
  for (std::size_t i = coefficients.size(); i-- > 0;) sum = sum * x + coefficients[i];
  return sum;
}

// Wichura's rational approximations PPND16: of the middle in 0.180625 - q^2, of the tails in r = sqrt(-ln p).
constexpr std::array kMiddleOver{3.3871328727963666080e0, 1.3314166789178437745e+2, 1.9715909503065514427e+3, 1.3731693765509461125e+4,
                                 4.5921953931549871457e+4, 6.7265770927008700853e+4, 3.3430575583588128105e+4, 2.5090809287301226727e+3};
constexpr std::array kMiddleUnder{1.0, 4.2313330701600911252e+1, 6.8718700749205790830e+2, 5.3941960214247511077e+3,
                                  2.1213794301586595867e+4, 3.9307895800092710610e+4, 2.8729085735721942674e+4, 5.2264952788528545610e+3};
constexpr std::array kTailOver{1.42343711074968357734e0, 4.63033784615654529590e0, 5.76949722146069140550e0, 3.64784832476320460504e0,
                               1.27045825245236838258e0, 2.41780725177450611770e-1, 2.27238449892691845833e-2, 7.74545014278341407640e-4};
constexpr std::array kTailUnder{1.0, 2.05319162663775882187e0, 1.67638483018380384940e0, 6.89767334985100004550e-1,
                                1.48103976427480074590e-1, 1.51986665636164571966e-2, 5.47593808499534494600e-4, 1.05075007164441684324e-9};
constexpr std::array kFarOver{6.65790464350110377720e0, 5.46378491116411436990e0, 1.78482653991729133580e0, 2.96560571828504891230e-1,
                              2.65321895265761230930e-2, 1.24266094738807843860e-3, 2.71155556874348757815e-5, 2.01033439929228813265e-7};
constexpr std::array kFarUnder{1.0, 5.99832206555887937690e-1, 1.36929880922735805310e-1, 1.48753612908506148525e-2,
                               7.86869131145613259100e-4, 1.84631831751005468180e-5, 1.42151175831644588870e-7, 2.04426310338993978564e-15};

}  // namespace

double normal_quantile(double p) {
  ZT_EXPECT(p > 0 && p < 1, "quantile at " + std::to_string(p));
  const double q = p - 0.5;
  if (std::abs(q) <= 0.425) {
    const double r = 0.180625 - q * q;
    return q * polynomial(kMiddleOver, r) / polynomial(kMiddleUnder, r);
  }
  const double r = std::sqrt(-portable::log(q < 0 ? p : 1 - p));
  const double z = r <= 5 ? polynomial(kTailOver, r - 1.6) / polynomial(kTailUnder, r - 1.6)
                          : polynomial(kFarOver, r - 5) / polynomial(kFarUnder, r - 5);
  return q < 0 ? -z : z;
}

std::uint64_t RandomStream::below(std::uint64_t n) {
  ZT_EXPECT(n > 0, "a number below 0");
  const std::uint64_t unfair = (0 - n) % n;  // of 2^64 values, those that would be drawn once too often
  for (;;) {
    const auto product = static_cast<unsigned __int128>(bits()) * n;
    if (static_cast<std::uint64_t>(product) >= unfair) return static_cast<std::uint64_t>(product >> 64);
  }
}

std::int64_t RandomStream::between(std::int64_t low, std::int64_t high) {
  ZT_EXPECT(low <= high, std::to_string(low) + " to " + std::to_string(high));
  const std::uint64_t values = static_cast<std::uint64_t>(high) - static_cast<std::uint64_t>(low) + 1;  // 0: all of them
  const std::uint64_t step = values == 0 ? bits() : below(values);
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(low) + step);
}

double RandomStream::normal() { return normal_quantile(uniform()); }

double RandomStream::gamma(double shape) {
  ZT_EXPECT(shape > 0 && std::isfinite(shape), "gamma of shape " + std::to_string(shape));
  if (shape < 1) {
    const double boost = portable::log(uniform()) / shape;
    return portable::exp(std::max(boost, -708.0)) * gamma(shape + 1);
  }
  const double d = shape - 1.0 / 3, c = 1 / std::sqrt(9 * d);
  for (;;) {
    const double x = normal(), root = 1 + c * x;
    if (root <= 0) continue;
    const double v = root * root * root, u = uniform(), xx = x * x;
    if (u < 1 - 0.0331 * xx * xx) return d * v;  // their squeeze: inside the exact region below
    if (portable::log(u) < 0.5 * x * x + d - d * v + d * portable::log(v)) return d * v;
  }
}

std::int64_t RandomStream::geometric(double probability) {
  ZT_EXPECT(probability > 0 && probability <= 1, "success with probability " + std::to_string(probability));
  if (probability == 1) return 1;
  const double failures = exponential() / -portable::log1p(-probability);
  return failures < 9e18 ? 1 + static_cast<std::int64_t>(failures) : INT64_MAX;
}

Zipf::Zipf(std::int64_t n, double exponent) : n_(n), exponent_(exponent) {
  ZT_EXPECT(n >= 1 && exponent >= 0 && std::isfinite(exponent), std::to_string(n) + " ranks with exponent " + std::to_string(exponent));
  first_ = integral(1.5) - 1;
  last_ = integral(static_cast<double>(n) + 0.5);
  always_ = 2 - inverse_integral(integral(2.5) - density(2));
}

double Zipf::integral(double x) const {
  const double logarithm = portable::log(x);
  return portable::expm1_over((1 - exponent_) * logarithm) * logarithm;
}

double Zipf::inverse_integral(double y) const {
  const double t = std::max(y * (1 - exponent_), -1 + 0x1p-52);
  // ln(1 + t)/t tends to 1 with t: where the exponent is 1, the integral is the logarithm.
  return portable::exp(std::abs(t) < 1e-17 ? y : y * (portable::log1p(t) / t));
}

std::int64_t Zipf::operator()(RandomStream& random) const {
  for (;;) {
    const double u = random.uniform(last_, first_);
    const double x = inverse_integral(u);
    const auto rank = std::clamp(static_cast<std::int64_t>(std::llround(x)), std::int64_t{1}, n_);
    const auto k = static_cast<double>(rank);
    if (k - x <= always_ || u >= integral(k + 0.5) - density(k)) return rank;
  }
}

}  // namespace zettatwin
