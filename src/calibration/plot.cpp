// SPDX-License-Identifier: Apache-2.0
#include "calibration/plot.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace zettatwin::calibration {
namespace {

constexpr double kSide = 240, kMargin = 36;  // of a panel, in pixels
constexpr std::size_t kPanelsPerRow = 4;

struct Point {
  double measured, predicted;  // decimal logarithms of microseconds
};

std::vector<Point> points_of(const std::vector<TimePoint>& all, std::size_t most) {
  constexpr double kMicrosecond = 1e-6;
  const auto count = std::min(most, all.size());
  std::vector<Point> points;
  for (std::size_t i = 0; i < count; ++i) {
    const auto& p = all[i * all.size() / count];
    points.push_back({std::log10(p.measured / kMicrosecond), std::log10(p.predicted / kMicrosecond)});
  }
  return points;
}

std::string panel(const std::string& title, const std::vector<Point>& points, double left, double top) {
  double low = 1e9, high = -1e9;
  for (const auto& p : points) low = std::min({low, p.measured, p.predicted}), high = std::max({high, p.measured, p.predicted});
  low = std::floor(low), high = std::max(std::ceil(high), low + 1);
  const double scale = kSide / (high - low);
  const auto x = [&](double v) { return left + (v - low) * scale; };
  const auto y = [&](double v) { return top + kSide - (v - low) * scale; };
  auto svg = fmt::format("<g><rect x=\"{0:.0f}\" y=\"{1:.0f}\" width=\"{2:.0f}\" height=\"{2:.0f}\" fill=\"none\" stroke=\"#888\"/>"
                         "<text x=\"{0:.0f}\" y=\"{3:.0f}\">{4}</text>\n", left, top, kSide, top - 6, title);
  const auto decades = static_cast<int>(high - low);
  for (int i = 0; i <= decades; ++i) {
    const double decade = low + i;
    svg += fmt::format("<text x=\"{:.0f}\" y=\"{:.0f}\" text-anchor=\"middle\">1e{:.0f}</text>\n", x(decade), top + kSide + 14, decade);
  }
  for (const double factor : {0.0, std::log10(2), -std::log10(2)})
    svg += fmt::format("<line x1=\"{:.1f}\" y1=\"{:.1f}\" x2=\"{:.1f}\" y2=\"{:.1f}\" stroke=\"{}\"/>\n", x(low + std::max(0.0, -factor)), y(low + std::max(0.0, factor)),
                       x(high - std::max(0.0, factor)), y(high + std::min(0.0, factor)), factor == 0 ? "#333" : "#bbb");
  svg += "<path stroke=\"#1668b8\" stroke-width=\"2\" stroke-linecap=\"round\" d=\"";
  for (const auto& p : points) svg += fmt::format("M{:.1f} {:.1f}h0", x(p.measured), y(p.predicted));
  return svg + "\"/></g>\n";
}

}  // namespace

std::string plot_svg(const std::string& title, const std::vector<TimePanel>& panels, std::size_t points) {
  const auto rows = (panels.size() + kPanelsPerRow - 1) / kPanelsPerRow, columns = std::min(panels.size(), kPanelsPerRow);
  const double pitch = kSide + kMargin, foot = 24;
  const auto extent = [&](std::size_t count) { return static_cast<double>(count) * pitch + kMargin; };
  auto svg = fmt::format("<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{:.0f}\" height=\"{:.0f}\" font-family=\"sans-serif\" font-size=\"11\">\n"
                         "<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n", extent(columns), extent(rows) + foot);
  for (std::size_t i = 0; i < panels.size(); ++i) {
    const auto row = i / kPanelsPerRow, column = i % kPanelsPerRow;
    const double left = kMargin + static_cast<double>(column) * pitch, top = kMargin + static_cast<double>(row) * pitch;
    svg += panel(panels[i].title, points_of(panels[i].points, points), left, top);
  }
  return svg + fmt::format("<text x=\"{:.0f}\" y=\"{:.0f}\">{}: measured microseconds to the right, predicted upwards; grey: twice and half</text>\n</svg>\n", kMargin, extent(rows) + 12, title);
}

std::string plot_svg(const hardware::Chip& chip, const std::vector<FamilySamples>& families, std::size_t points) {
  const auto own = isolated(chip);
  std::vector<TimePanel> panels;
  for (const auto& f : families) {
    auto& points_of_family = panels.emplace_back(TimePanel{f.family.name(), {}}).points;
    for (const auto& s : f.samples) points_of_family.push_back({s.seconds, predicted(own, s)});
  }
  return plot_svg(chip.title, panels, points);
}

}  // namespace zettatwin::calibration
