// SPDX-License-Identifier: Apache-2.0
// A physical dimension as a value that can be a template argument: exponents of the base quantities.
// Power is joule/second, bandwidth is byte/second, a rate of computation is flop/second. Bits are bytes/8.
#pragma once

#include <compare>
#include <cstdint>

namespace zettatwin::units {

struct Dimension {
  std::int8_t second = 0;
  std::int8_t byte = 0;
  std::int8_t flop = 0;
  std::int8_t joule = 0;
  std::int8_t metre = 0;
  std::int8_t dollar = 0;
  std::int8_t token = 0;

  friend constexpr bool operator==(const Dimension&, const Dimension&) = default;
  friend constexpr Dimension operator*(const Dimension& a, const Dimension& b) { return combine(a, b, 1); }
  friend constexpr Dimension operator/(const Dimension& a, const Dimension& b) { return combine(a, b, -1); }

  static constexpr Dimension combine(const Dimension& a, const Dimension& b, int sign) {
    const auto add = [sign](std::int8_t x, std::int8_t y) { return static_cast<std::int8_t>(x + sign * y); };
    return {add(a.second, b.second), add(a.byte, b.byte),     add(a.flop, b.flop), add(a.joule, b.joule),
            add(a.metre, b.metre),   add(a.dollar, b.dollar), add(a.token, b.token)};
  }
};

}  // namespace zettatwin::units
