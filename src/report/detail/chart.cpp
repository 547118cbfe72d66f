// SPDX-License-Identifier: Apache-2.0
#include "report/detail/chart.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace zettatwin::report::detail {
namespace {

constexpr double kWidth = 760, kHeight = 460, kLeft = 84, kRight = 24, kTop = 52, kBottom = 56;

// A logarithmic axis between two powers of its base.
struct Scale {
  double low, high, from, to;  // values, and where they are drawn

  [[nodiscard]] double at(double value) const { return from + (to - from) * std::log(value / low) / std::log(high / low); }
};

Scale scale_around(double least, double most, double base, double from, double to) {
  const double low = std::pow(base, std::floor(std::log(least) / std::log(base) + 1e-9));
  double high = std::pow(base, std::ceil(std::log(most) / std::log(base) - 1e-9));
  if (high <= low) high = low * base;
  return {low, high, from, to};
}

std::string escaped(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '<') out += "&lt;";
    else if (c == '&') out += "&amp;";
    else out += c;
  }
  return out;
}

std::string text_at(double x, double y, const char* anchor, const std::string& text) { return fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"{}\">{}</text>\n", x, y, anchor, escaped(text)); }

// Powers of two at most ten apart; decades with 2 and 5 between them.
std::vector<double> ticks(const Scale& scale, double base) {
  std::vector<double> values;
  if (base == 2) {
    const double steps = std::log2(scale.high / scale.low);
    const double every = std::max(1.0, std::ceil(steps / 10));
    double step = 0;
    while (step <= steps + 0.5 && scale.low * std::exp2(step) <= scale.high * 1.001) {
      values.push_back(scale.low * std::exp2(step));
      step += every;
    }
    return values;
  }
  double decade = scale.low;
  while (decade <= scale.high * 1.001) {
    for (const int digit : {1, 2, 5})
      if (decade * digit <= scale.high * 1.001) values.push_back(decade * digit);
    decade *= 10;
  }
  return values;
}

std::string grid(const Chart& chart, const Scale& x, const Scale& y) {
  std::string out = "<g stroke=\"#ddd\">\n";
  std::string labels;
  for (const double value : ticks(x, chart.x.base)) {
    out += fmt::format("<line x1=\"{0:.1f}\" x2=\"{0:.1f}\" y1=\"{1:.1f}\" y2=\"{2:.1f}\"/>\n", x.at(value), y.from, y.to);
    labels += text_at(x.at(value), y.from + 18, "middle", chart.x.label(value));
  }
  for (const double value : ticks(y, chart.y.base)) {
    out += fmt::format("<line x1=\"{0:.1f}\" x2=\"{1:.1f}\" y1=\"{2:.1f}\" y2=\"{2:.1f}\"/>\n", x.from, x.to, y.at(value));
    labels += text_at(x.from - 8, y.at(value) + 4, "end", chart.y.label(value));
  }
  return out + "</g>\n" + labels;
}

std::string drawn(const ChartCurve& curve, const Scale& x, const Scale& y) {
  std::string path, marks;
  for (const auto& p : curve.points) {
    path += fmt::format("{:.1f},{:.1f} ", x.at(p.x), y.at(p.y));
    if (!p.note.empty()) marks += fmt::format("<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"3\" fill=\"{}\"><title>{}</title></circle>\n", x.at(p.x), y.at(p.y), curve.dot, escaped(p.note));
  }
  return fmt::format("<polyline fill=\"none\" {} points=\"{}\"/>\n{}", curve.style, path, marks);
}

}  // namespace

std::string svg(const Chart& chart) {
  std::string out = fmt::format("<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0}\" height=\"{1}\" viewBox=\"0 0 {0} {1}\" font-family=\"sans-serif\" font-size=\"12\">\n"
                                "<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n<g font-size=\"15\">{2}</g>\n",
                                kWidth, kHeight, text_at(kLeft, 28, "start", chart.title));
  std::vector<const ChartPoint*> points;
  for (const auto& curve : chart.curves)
    for (const auto& p : curve.points) points.push_back(&p);
  if (points.empty()) return out + text_at(kWidth / 2, kHeight / 2, "middle", chart.empty) + "</svg>\n";
  const auto [left, right] = std::minmax_element(points.begin(), points.end(), [](const auto* a, const auto* b) { return a->x < b->x; });
  const auto [bottom, top] = std::minmax_element(points.begin(), points.end(), [](const auto* a, const auto* b) { return a->y < b->y; });
  const auto x = scale_around((*left)->x, (*right)->x, chart.x.base, kLeft, kWidth - kRight), y = scale_around((*bottom)->y, (*top)->y, chart.y.base, kHeight - kBottom, kTop);
  out += grid(chart, x, y);
  for (const auto& curve : chart.curves) out += drawn(curve, x, y);
  out += text_at((kLeft + kWidth - kRight) / 2, kHeight - 12, "middle", chart.x.title);
  out += text_at(kLeft, kTop - 8, "start", chart.y.title);
  return out + "</svg>\n";
}

}  // namespace zettatwin::report::detail
