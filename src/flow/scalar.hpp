// SPDX-License-Identifier: Apache-2.0
// Arithmetic of the max-min solver: what differs between double and exact numbers.
// Sums of doubles depend on their order, and what is left after subtracting all terms again is rarely zero. So terms are summed as
// 128-bit integers at one binary scale per sum: addition and subtraction are exact, hence independent of the order, and a sum from which
// every term was taken is zero. The unit is 2^-116 of the largest possible sum: terms down to 2^-43 of the largest keep all their bits
// (for up to 2^20 terms).
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>

namespace zettatwin::flow {

// Exact numbers: they are their own sums, and ties are equalities.
template <class Scalar>
struct Arithmetic {
  using Sum = Scalar;
  using Product = Scalar;
  struct Scale {};
  static Scale scale(const Scalar&, std::uint32_t) { return {}; }
  static Sum term(const Scalar& value, Scale) { return value; }
  static Product product(const Scalar& a, const Scalar& b) { return a * b; }
  static Scalar value(const Sum& sum, Scale) { return sum; }
  static Scalar tie_limit(const Scalar& level) { return level; }
  static bool is_finite(const Scalar&) { return true; }
};

template <>
struct Arithmetic<double> {
  __extension__ using Sum = __int128;
  struct Product {  // with twice the digits of a double, so that n products of a are as good as one product of n a
    double high;
    double low;
  };
  using Scale = double;  // a power of two
  static constexpr std::int64_t kFraction = std::int64_t{1} << 54;

  // For sums of at most `count` terms, none above `largest`: their sums are below 2^62.
  static Scale scale(double largest, std::uint32_t count) {
    const int exponent = static_cast<int>(std::bit_cast<std::uint64_t>(largest) >> 52) - 1023;  // of a positive number
    return power_of_two(std::min(900, 61 - exponent - static_cast<int>(std::bit_width(count))));
  }
  // At least one unit: what is used stays used, however little.
  static Sum term(double value, Scale scale) { return std::max<Sum>(1, fixed_point(value * scale, 0)); }
  static Product product(double a, double b) {
    const double high = a * b;
    return {high, std::fma(a, b, -high)};
  }
  static Sum term(const Product& product, Scale scale) { return fixed_point(product.high * scale, product.low * scale); }
  static double value(Sum sum, Scale scale) { return static_cast<double>(sum) / (scale * static_cast<double>(kFraction)); }
  // Levels up to here count as equal to `level`: far above the rounding of a quotient, far below any difference of interest.
  static double tie_limit(double level) { return level * (1 + 1e-12); }
  static bool is_finite(double value) { return std::isfinite(value); }

 private:
  static double power_of_two(int exponent) { return std::bit_cast<double>(static_cast<std::uint64_t>(exponent + 1023) << 52); }
  static Sum fixed_point(double high, double low) {
    const auto whole = static_cast<std::int64_t>(high);
    const auto fraction = static_cast<std::int64_t>((high - static_cast<double>(whole) + low) * static_cast<double>(kFraction));
    return static_cast<Sum>(whole) * kFraction + fraction;
  }
};

}  // namespace zettatwin::flow
