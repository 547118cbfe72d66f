// SPDX-License-Identifier: Apache-2.0
// Exact rational numbers over 128-bit integers, for tests that ask for equality. Overflow is a failed assertion, never a wrong number.
#pragma once

#include <compare>
#include <cstdint>
#include <ostream>
#include <utility>

#include "base/contract.hpp"

namespace zettatwin::test {

class Rational final {
 public:
  __extension__ using Int = __int128;

  constexpr Rational() = default;
  Rational(std::int64_t n, std::int64_t d = 1) : Rational(Int{n}, Int{d}, 0) {}  // NOLINT(google-explicit-constructor): a whole number is one

  friend Rational operator+(const Rational& a, const Rational& b) {
    const Int g = gcd(a.d_, b.d_);
    return {add(mul(a.n_, b.d_ / g), mul(b.n_, a.d_ / g)), mul(a.d_, b.d_ / g), 0};
  }
  friend Rational operator-(const Rational& a, const Rational& b) { return a + Rational(-b.n_, b.d_, 0); }
  friend Rational operator*(const Rational& a, const Rational& b) {
    const Int g = gcd(a.n_, b.d_);
    const Int h = gcd(b.n_, a.d_);
    return {mul(a.n_ / g, b.n_ / h), mul(a.d_ / h, b.d_ / g), 0};
  }
  friend Rational operator/(const Rational& a, const Rational& b) {
    ZT_ASSERT(b.n_ != 0, "division by zero");
    return a * (b.n_ < 0 ? Rational(-b.d_, -b.n_, 0) : Rational(b.d_, b.n_, 0));
  }
  Rational& operator+=(const Rational& b) { return *this = *this + b; }
  Rational& operator-=(const Rational& b) { return *this = *this - b; }
  friend bool operator==(const Rational& a, const Rational& b) { return a.n_ == b.n_ && a.d_ == b.d_; }
  friend std::strong_ordering operator<=>(const Rational& a, const Rational& b) {
    const Int g = gcd(a.d_, b.d_);
    const Int left = mul(a.n_, b.d_ / g);
    const Int right = mul(b.n_, a.d_ / g);
    return left < right ? std::strong_ordering::less : left > right ? std::strong_ordering::greater : std::strong_ordering::equal;
  }
  [[nodiscard]] double as_double() const { return static_cast<double>(n_) / static_cast<double>(d_); }
  friend std::ostream& operator<<(std::ostream& out, const Rational& r) { return out << r.as_double(); }

 private:
  Rational(Int n, Int d, int) {  // the int tells it from the constructor of whole numbers
    ZT_ASSERT(d > 0, "a denominator is positive");
    const Int g = gcd(n, d);
    n_ = n / g;
    d_ = d / g;
  }
  static Int gcd(Int a, Int b) {
    a = a < 0 ? -a : a;
    b = b < 0 ? -b : b;
    while (b != 0) a = std::exchange(b, a % b);
    return a == 0 ? 1 : a;
  }
  static Int mul(Int a, Int b) {
    Int result = 0;
    ZT_ASSERT(!__builtin_mul_overflow(a, b, &result), "overflow of an exact product");
    return result;
  }
  static Int add(Int a, Int b) {
    Int result = 0;
    ZT_ASSERT(!__builtin_add_overflow(a, b, &result), "overflow of an exact sum");
    return result;
  }

  Int n_ = 0;
  Int d_ = 1;  // positive, without a common factor
};

}  // namespace zettatwin::test
