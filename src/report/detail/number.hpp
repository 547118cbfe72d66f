// SPDX-License-Identifier: Apache-2.0
// Plain numbers of reports: four digits, and from a thousand on whole with commas, never an exponent.
#pragma once

#include <fmt/format.h>

#include <cmath>
#include <string>

#include "units/text.hpp"

namespace zettatwin::report::detail {

[[nodiscard]] inline std::string number(double value) {
  constexpr double kWhole = 1000, kMost = 1e18;  // what a 64-bit integer holds
  return std::abs(value) >= kWhole && std::abs(value) < kMost ? units::grouped(std::llround(value)) : fmt::format("{:.4g}", value);
}

}  // namespace zettatwin::report::detail
