// SPDX-License-Identifier: Apache-2.0
#include "report/collective_plot.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "units/text.hpp"

namespace zettatwin::report {
namespace {

constexpr double kWidth = 760, kHeight = 460, kLeft = 84, kRight = 24, kTop = 52, kBottom = 56;

struct Point {
  double bytes, bandwidth;
};

// A logarithmic axis between two powers of `base`.
struct Axis {
  double low, high, from, to;  // values, and where they are drawn

  [[nodiscard]] double at(double value) const { return from + (to - from) * std::log(value / low) / std::log(high / low); }
};

Axis axis_around(double least, double most, double base, double from, double to) {
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

std::string size_label(double bytes) {
  int unit = 0;
  for (; bytes >= 1024 && unit < 5; bytes /= 1024) ++unit;
  constexpr const char* const kUnits[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
  return fmt::format("{:.4g} {}", bytes, kUnits[unit]);
}

std::string text_at(double x, double y, const char* anchor, const std::string& text) { return fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"{}\">{}</text>\n", x, y, anchor, escaped(text)); }

std::string grid(const Axis& x, const Axis& y) {
  std::string out = "<g stroke=\"#ddd\">\n";
  std::string labels;
  const double steps = std::log2(x.high / x.low);
  const double every = std::max(1.0, std::ceil(steps / 10));
  for (double step = 0; step <= steps + 0.5; step += every) {
    const double value = x.low * std::exp2(step);
    if (value > x.high * 1.001) break;
    out += fmt::format("<line x1=\"{0:.1f}\" x2=\"{0:.1f}\" y1=\"{1:.1f}\" y2=\"{2:.1f}\"/>\n", x.at(value), y.from, y.to);
    labels += text_at(x.at(value), y.from + 18, "middle", size_label(value));
  }
  for (double decade = y.low; decade <= y.high * 1.001; decade *= 10)
    for (const int digit : {1, 2, 5}) {
      const double value = decade * digit;
      if (value > y.high * 1.001) break;
      out += fmt::format("<line x1=\"{0:.1f}\" x2=\"{1:.1f}\" y1=\"{2:.1f}\" y2=\"{2:.1f}\"/>\n", x.from, x.to, y.at(value));
      labels += text_at(x.from - 8, y.at(value) + 4, "end", units::human(units::BytesPerSecond::from_si(value), 3));
    }
  return out + "</g>\n" + labels;
}

std::string curve(const std::vector<Point>& points, const Axis& x, const Axis& y, const char* style, bool dots) {
  std::string path, marks;
  for (const auto& p : points) {
    path += fmt::format("{:.1f},{:.1f} ", x.at(p.bytes), y.at(p.bandwidth));
    if (dots)
      marks += fmt::format("<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"3\" fill=\"#1f5fa8\"><title>{}: {}</title></circle>\n", x.at(p.bytes), y.at(p.bandwidth), size_label(p.bytes),
                           units::human(units::BytesPerSecond::from_si(p.bandwidth), 4));
  }
  return fmt::format("<polyline fill=\"none\" {} points=\"{}\"/>\n{}", style, path, marks);
}

}  // namespace

std::string plot_svg(const CollectiveSubject& s) {
  std::vector<Point> actual, healthy;
  bool faults = false;
  for (const auto& point : s.points) {
    if (!point.answer.impossible.empty() || point.time().si() <= 0) continue;
    const double bus = bus_bandwidth(s, point).si();
    actual.push_back({point.bytes.si(), bus});
    healthy.push_back({point.bytes.si(), bus * (point.time() / point.healthy)});
    faults = faults || point.healthy < point.time();
  }
  const auto title = fmt::format("{} of {} ranks on {}", network::name_of(s.op), units::grouped(s.ranks), s.title.empty() ? s.machine : s.title);
  std::string out = fmt::format("<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0}\" height=\"{1}\" viewBox=\"0 0 {0} {1}\" font-family=\"sans-serif\" font-size=\"12\">\n"
                                "<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n<g font-size=\"15\">{2}</g>\n",
                                kWidth, kHeight, text_at(kLeft, 28, "start", title));
  if (actual.empty()) return out + text_at(kWidth / 2, kHeight / 2, "middle", "the faults make it impossible at every size") + "</svg>\n";
  double least = actual[0].bandwidth, most = least;
  for (const auto* points : {&actual, &healthy})
    for (const auto& p : *points) {
      least = std::min(least, p.bandwidth);
      most = std::max(most, p.bandwidth);
    }
  const auto x = axis_around(actual.front().bytes, actual.back().bytes, 2, kLeft, kWidth - kRight), y = axis_around(least, most, 10, kHeight - kBottom, kTop);
  out += grid(x, y);
  if (faults) out += curve(healthy, x, y, "stroke=\"#888\" stroke-dasharray=\"6 4\" stroke-width=\"1.5\"", false);
  out += curve(actual, x, y, "stroke=\"#1f5fa8\" stroke-width=\"2\"", true);
  out += text_at((kLeft + kWidth - kRight) / 2, kHeight - 12, "middle", "bytes, as nccl-tests counts them");
  out += text_at(kLeft, kTop - 8, "start", faults ? "bus bandwidth, per second (dashed: without faults)" : "bus bandwidth, per second");
  return out + "</svg>\n";
}

}  // namespace zettatwin::report
