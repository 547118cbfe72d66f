// SPDX-License-Identifier: Apache-2.0
// A picture of curves over two logarithmic axes, as SVG that any browser shows.
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace zettatwin::report::detail {

struct ChartPoint {
  double x = 0, y = 0;   // positive
  std::string note;      // shown when pointed at; none: no dot
};

struct ChartCurve {
  std::vector<ChartPoint> points;  // in the order of x
  std::string style;               // SVG attributes of the line
  std::string dot;                 // colour of its dots
};

struct ChartAxis {
  std::string title;
  double base = 10;                                // of the grid
  std::function<std::string(double)> label;        // of a value
};

struct Chart {
  std::string title;
  ChartAxis x, y;
  std::vector<ChartCurve> curves;
  std::string empty;     // said instead if there are no points
};

[[nodiscard]] std::string svg(const Chart& chart);

}  // namespace zettatwin::report::detail
