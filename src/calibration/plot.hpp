// SPDX-License-Identifier: Apache-2.0
// Measured against predicted time, both logarithmic, as an SVG picture: a panel per family, the diagonal, and lines at twice and half.
#pragma once

#include <string>
#include <vector>

#include "calibration/calibrate.hpp"

namespace zettatwin::calibration {

struct TimePoint {
  double measured = 0, predicted = 0;  // seconds
};

struct TimePanel {
  std::string title;
  std::vector<TimePoint> points;
};

// At most `points` of each panel, evenly spaced in the order given.
[[nodiscard]] std::string plot_svg(const std::string& title, const std::vector<TimePanel>& panels, std::size_t points = 150);
[[nodiscard]] std::string plot_svg(const hardware::Chip& chip, const std::vector<FamilySamples>& families, std::size_t points = 150);

}  // namespace zettatwin::calibration
