// SPDX-License-Identifier: Apache-2.0
#include "calibration/goodness.hpp"

#include <algorithm>
#include <cmath>

namespace zettatwin::calibration {
namespace {

// The value below which `share` of the sorted values lie, between neighbours by their ranks.
double quantile(const std::vector<double>& sorted, double share) {
  const double rank = share * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(rank);
  const auto above = std::min(below + 1, sorted.size() - 1);
  return sorted[below] + (rank - static_cast<double>(below)) * (sorted[above] - sorted[below]);
}

}  // namespace

Goodness goodness(std::vector<double> ratios) {
  if (ratios.empty()) return {};
  std::vector<double> errors;
  for (const double ratio : ratios) errors.push_back(std::abs(ratio - 1));
  std::sort(ratios.begin(), ratios.end());
  std::sort(errors.begin(), errors.end());
  return {ratios.size(), quantile(errors, 0.5), quantile(errors, 0.9), quantile(ratios, 0.5) - 1, 1 / quantile(ratios, 0.9), 1 / quantile(ratios, 0.1)};
}

Goodness goodness(const hardware::Chip& chip, const std::vector<Sample>& samples) {
  std::vector<double> ratios;
  for (const auto& s : samples) ratios.push_back(predicted(chip, s) / s.seconds);
  return goodness(std::move(ratios));
}

}  // namespace zettatwin::calibration
