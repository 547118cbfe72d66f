// SPDX-License-Identifier: Apache-2.0
// Elementary functions from additions, multiplications and divisions alone, which IEEE 754 rounds the same everywhere: mathematical libraries
// differ in the last bit between systems, and between processors of one system. For numbers whose bits must not depend on where they are drawn.
// Error below 2 units in the last place; arguments are finite. Argument reduction as usual, then plain series:
//   ln x = e ln 2 + 2 artanh(f / (2 + f)),  x = 2^e (1 + f),  1 + f in [sqrt(1/2), sqrt(2))
//   exp x = 2^k exp(r),  |r| <= ln(2) / 2
#pragma once

#include <bit>
#include <cstdint>

namespace zettatwin::portable {
namespace detail {

inline constexpr double kLn2High = 0x1.62e42feep-1;  // 32 significant bits: its product with an exponent is exact
inline constexpr double kLn2Low = 0x1.a39ef35793c76p-33;

// 2 (z/3 + z^2/5 + ...), so that ln(1 + f) = f - s (f - this) with s = f / (2 + f), z = s s <= 0.0295. The tenth term is below 2^-54 of the sum.
constexpr double artanh_tail(double z) {
  const double w = z * z;
  const double odd = 2.0 / 3 + w * (2.0 / 7 + w * (2.0 / 11 + w * (2.0 / 15 + w * (2.0 / 19))));
  const double even = 2.0 / 5 + w * (2.0 / 9 + w * (2.0 / 13 + w * (2.0 / 17)));
  return z * (odd + z * even);
}

// (exp(r) - 1) / r for |r| <= 0.35: 1 + r/2! + r^2/3! + ..., odd and even powers apart, so that they are summed side by side. The next term is below
// 2^-54 of the sum.
constexpr double exponential_series(double r) {
  const double w = r * r;
  const double even = 1 + w * (1.0 / 6 + w * (1.0 / 120 + w * (1.0 / 5040 + w * (1.0 / 362880 + w * (1.0 / 39916800 + w * (1.0 / 6227020800))))));
  const double odd = 1.0 / 2 + w * (1.0 / 24 + w * (1.0 / 720 + w * (1.0 / 40320 + w * (1.0 / 3628800 + w * (1.0 / 479001600 + w * (1.0 / 87178291200))))));
  return even + r * odd;
}

}  // namespace detail

// Of a positive normal number.
[[nodiscard]] constexpr double log(double x) {
  const auto bits = std::bit_cast<std::uint64_t>(x);
  auto exponent = static_cast<int>(bits >> 52) - 1023;
  double m = std::bit_cast<double>((bits & 0x000fffffffffffffULL) | 0x3ff0000000000000ULL);
  if (m > 1.4142135623730951) {
    m *= 0.5;
    ++exponent;
  }
  const double f = m - 1, s = f / (2 + f);
  return exponent * detail::kLn2High - ((s * (f - detail::artanh_tail(s * s)) - exponent * detail::kLn2Low) - f);
}

// ln(1 + x), also where x is small; 1 + x is positive.
[[nodiscard]] constexpr double log1p(double x) {
  if (x < -0.29 || x > 0.41) return portable::log(1 + x);
  const double s = x / (2 + x);
  return x - s * (x - detail::artanh_tail(s * s));
}

// 0 below the smallest normal number; arguments beyond 709 are the caller's error (the result saturates at the largest power of two times e^r).
[[nodiscard]] constexpr double exp(double x) {
  if (x < -708) return 0;
  const double in_halves = x * 1.4426950408889634;
  auto k = static_cast<int>(in_halves + (in_halves < 0 ? -0.5 : 0.5));
  if (k > 1023) k = 1023;
  const double r = (x - k * detail::kLn2High) - k * detail::kLn2Low;
  const double scale = std::bit_cast<double>(static_cast<std::uint64_t>(k + 1023) << 52);
  return scale + scale * (r * detail::exponential_series(r));
}

// (exp(x) - 1) / x, 1 at 0.
[[nodiscard]] constexpr double expm1_over(double x) {
  if (x > -0.35 && x < 0.35) return detail::exponential_series(x);
  return (portable::exp(x) - 1) / x;
}

// x^y of a positive x.
[[nodiscard]] constexpr double pow(double x, double y) { return portable::exp(y * portable::log(x)); }

// The cosine of an angle in turns, 0 to 1: folded to an eighth, then the series of cosine or sine.
[[nodiscard]] constexpr double cos_of_turns(double turns) {
  if (turns > 0.5) turns = 1 - turns;
  const bool left = turns > 0.25;
  if (left) turns = 0.5 - turns;
  const bool sine = turns > 0.125;
  const double x = (sine ? 0.25 - turns : turns) * 6.283185307179586, z = x * x;
  double sum = 0;
  for (int n = 18; n >= 2; n -= 2) sum = -(1 + sum) * z / (n * (sine ? n + 1 : n - 1));
  const double value = sine ? x + x * sum : 1 + sum;
  return left ? -value : value;
}

// ln of the gamma function of a positive number: Stirling's series, after the recurrence has raised the argument above 10. Error about 1e-15.
[[nodiscard]] constexpr double log_gamma(double x) {
  double below = 1;
  while (x < 10) {
    below *= x;
    x += 1;
  }
  const double z = 1 / (x * x);
  const double series = (1.0 / 12 - z * (1.0 / 360 - z * (1.0 / 1260 - z * (1.0 / 1680 - z * (1.0 / 1188 - z * (691.0 / 360360 - z / 156)))))) / x;
  return (x - 0.5) * portable::log(x) - x + 0.9189385332046727418 + series - portable::log(below);
}

}  // namespace zettatwin::portable
