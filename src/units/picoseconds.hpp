// SPDX-License-Identifier: Apache-2.0
// Event time: int64 picoseconds. Exact addition makes simulations reproducible to the bit and lets periods be
// recognised by equality. Range: 106 days; longer runs are counted in steps, not in events.
#pragma once

#include <compare>
#include <cstdint>

#include "units/quantity.hpp"

namespace zettatwin::units {

class Picoseconds final {
 public:
  constexpr Picoseconds() = default;
  constexpr explicit Picoseconds(std::int64_t count) : count_(count) {}
  // Rounds half away from zero. Expects a finite time within the range.
  [[nodiscard]] static Picoseconds from(Seconds time);

  [[nodiscard]] constexpr std::int64_t count() const { return count_; }
  [[nodiscard]] constexpr Seconds seconds() const { return Seconds::from_si(static_cast<double>(count_) * 1e-12); }

  constexpr Picoseconds& operator+=(Picoseconds other) { count_ += other.count_; return *this; }
  constexpr Picoseconds& operator-=(Picoseconds other) { count_ -= other.count_; return *this; }
  friend constexpr Picoseconds operator+(Picoseconds a, Picoseconds b) { return Picoseconds(a.count_ + b.count_); }
  friend constexpr Picoseconds operator-(Picoseconds a, Picoseconds b) { return Picoseconds(a.count_ - b.count_); }
  friend constexpr Picoseconds operator*(Picoseconds a, std::int64_t k) { return Picoseconds(a.count_ * k); }
  friend constexpr Picoseconds operator*(std::int64_t k, Picoseconds a) { return Picoseconds(a.count_ * k); }
  friend constexpr auto operator<=>(Picoseconds, Picoseconds) = default;

 private:
  std::int64_t count_ = 0;
};

}  // namespace zettatwin::units
