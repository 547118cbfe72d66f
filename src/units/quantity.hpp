// SPDX-License-Identifier: Apache-2.0
// Quantities: a double in SI base units (bytes, FLOP, seconds, joules, metres, dollars, tokens) whose dimension is part of its type.
// One leaves the type system only by naming a unit, `q.in(GB_per_s)`, or by asking for base units, `q.si()`.
// Conventions: GB is 10^9 bytes, GiB 2^30; bandwidth is always per direction; FLOP counts multiply and add as two.
#pragma once

#include <compare>

#include "units/dimension.hpp"

namespace zettatwin::units {

template <Dimension D>
class Quantity final {
 public:
  static constexpr Dimension dimension = D;

  constexpr Quantity() = default;
  [[nodiscard]] static constexpr Quantity from_si(double value) { return Quantity(value); }
  [[nodiscard]] constexpr double si() const { return si_; }
  [[nodiscard]] constexpr double in(Quantity unit) const { return si_ / unit.si_; }

  constexpr Quantity& operator+=(Quantity other) { si_ += other.si_; return *this; }
  constexpr Quantity& operator-=(Quantity other) { si_ -= other.si_; return *this; }
  constexpr Quantity& operator*=(double factor) { si_ *= factor; return *this; }
  friend constexpr Quantity operator+(Quantity a, Quantity b) { return Quantity(a.si_ + b.si_); }
  friend constexpr Quantity operator-(Quantity a, Quantity b) { return Quantity(a.si_ - b.si_); }
  friend constexpr Quantity operator-(Quantity a) { return Quantity(-a.si_); }
  friend constexpr Quantity operator*(Quantity a, double k) { return Quantity(a.si_ * k); }
  friend constexpr Quantity operator*(double k, Quantity a) { return Quantity(a.si_ * k); }
  friend constexpr Quantity operator/(Quantity a, double k) { return Quantity(a.si_ / k); }
  friend constexpr double operator/(Quantity a, Quantity b) { return a.si_ / b.si_; }
  friend constexpr auto operator<=>(Quantity, Quantity) = default;

 private:
  constexpr explicit Quantity(double value) : si_(value) {}
  double si_ = 0;
};

template <Dimension A, Dimension B>
  requires(A != B)
constexpr auto operator/(Quantity<A> a, Quantity<B> b) { return Quantity<A / B>::from_si(a.si() / b.si()); }

template <Dimension A, Dimension B>
constexpr auto operator*(Quantity<A> a, Quantity<B> b) { return Quantity<A * B>::from_si(a.si() * b.si()); }

inline constexpr Dimension kDimensionless{};
inline constexpr Dimension kTime{.second = 1};
inline constexpr Dimension kBytes{.byte = 1};
inline constexpr Dimension kFlop{.flop = 1};
inline constexpr Dimension kBandwidth{.second = -1, .byte = 1};
inline constexpr Dimension kComputeRate{.second = -1, .flop = 1};
inline constexpr Dimension kFrequency{.second = -1};
inline constexpr Dimension kEnergy{.joule = 1};
inline constexpr Dimension kPower{.second = -1, .joule = 1};
inline constexpr Dimension kLength{.metre = 1};
inline constexpr Dimension kArea{.metre = 2};
inline constexpr Dimension kMoney{.dollar = 1};
inline constexpr Dimension kTokens{.token = 1};
inline constexpr Dimension kTokenRate{.second = -1, .token = 1};

using Ratio = Quantity<kDimensionless>;  // fractions, efficiencies and counts
using Seconds = Quantity<kTime>;
using Bytes = Quantity<kBytes>;
using Flop = Quantity<kFlop>;
using BytesPerSecond = Quantity<kBandwidth>;
using FlopPerSecond = Quantity<kComputeRate>;
using Hertz = Quantity<kFrequency>;
using Joules = Quantity<kEnergy>;
using Watts = Quantity<kPower>;
using Metres = Quantity<kLength>;
using SquareMetres = Quantity<kArea>;
using Dollars = Quantity<kMoney>;
using Tokens = Quantity<kTokens>;
using TokensPerSecond = Quantity<kTokenRate>;

inline constexpr Seconds second = Seconds::from_si(1);
inline constexpr Seconds millisecond = Seconds::from_si(1e-3);
inline constexpr Seconds microsecond = Seconds::from_si(1e-6);
inline constexpr Seconds nanosecond = Seconds::from_si(1e-9);
inline constexpr Seconds hour = Seconds::from_si(3600);
inline constexpr Seconds day = Seconds::from_si(86400);
inline constexpr Bytes byte = Bytes::from_si(1);
inline constexpr Bytes MB = Bytes::from_si(1e6);
inline constexpr Bytes GB = Bytes::from_si(1e9);
inline constexpr Bytes GiB = Bytes::from_si(1073741824.0);
inline constexpr BytesPerSecond GB_per_s = BytesPerSecond::from_si(1e9);
inline constexpr BytesPerSecond TB_per_s = BytesPerSecond::from_si(1e12);
inline constexpr Flop TFLOP = Flop::from_si(1e12);
inline constexpr FlopPerSecond TFLOP_per_s = FlopPerSecond::from_si(1e12);
inline constexpr FlopPerSecond PFLOP_per_s = FlopPerSecond::from_si(1e15);
inline constexpr Hertz GHz = Hertz::from_si(1e9);

static_assert(sizeof(Seconds) == sizeof(double));

}  // namespace zettatwin::units
