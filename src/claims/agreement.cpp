// SPDX-License-Identifier: Apache-2.0
#include "claims/agreement.hpp"

#include <fmt/format.h>

#include <cmath>
#include <string>

namespace zettatwin::claims {
namespace {

constexpr int kDigits = 12;  // of values that went through binary floating point
constexpr double kFarthest = 0.05;
constexpr double kRounding = 1e-12;  // of sums and products in floating point

}  // namespace

int significant_digits(double value) {
  if (!(value > 0) || !std::isfinite(value)) return 0;
  const std::string text = fmt::format("{:.{}e}", value, kDigits - 1);  // d.ddddde+xx
  const auto last = text.find_last_not_of('0', text.find('e') - 1);
  return last >= 2 ? static_cast<int>(last) : 1;
}

double last_place(double value) {
  const int digits = significant_digits(value);
  return digits == 0 ? 0 : std::pow(10.0, std::floor(std::log10(value) + kRounding) + 1 - digits);
}

bool agrees(double stated, Relation relation, double recomputed) {
  if (relation == Relation::at_least) return recomputed >= stated * (1 - kRounding);
  const double u = last_place(stated);
  const bool near = std::abs(recomputed - stated) <= kFarthest * stated * (1 + kRounding);
  return near && recomputed >= (stated - u / 2) * (1 - kRounding) && recomputed < (stated + u) * (1 - kRounding);
}

}  // namespace zettatwin::claims
