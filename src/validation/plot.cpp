// SPDX-License-Identifier: Apache-2.0
#include "validation/plot.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>

#include "validation/scores.hpp"

namespace zettatwin::validation {
namespace {

constexpr double kPanel = 230, kLeft = 46, kTop = 24, kRight = 10, kBottom = 36;  // of one scatter plot
constexpr double kWidth = kLeft + kPanel + kRight, kHeight = kTop + kPanel + kBottom;
constexpr const char* kFont = "font-family=\"sans-serif\" font-size=\"11\"";

const char* colour_of(const Judgement& j) { return !j.excluded.empty() ? "#c0392b" : j.set == "calibration" ? "#9aa5b1" : "#1f5fa8"; }

std::string label(double value) { return value >= 1e4 ? fmt::format("{:g}k", value / 1000) : fmt::format("{:g}", value); }

std::string text_at(double x, double y, const char* anchor, const std::string& text) { return fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"{}\">{}</text>\n", x, y, anchor, escaped(text)); }

std::string line(double x0, double y0, double x1, double y1, const char* colour) {
  return fmt::format("<path d=\"M{:.1f} {:.1f}L{:.1f} {:.1f}\" stroke=\"{}\" fill=\"none\"/>\n", x0, y0, x1, y1, colour);
}

struct Dot {
  double x, y;
  const Judgement* row;
};

// One element per colour, or one per dot if each has a title.
std::string dots(const std::vector<Dot>& dots, bool titles) {
  std::string out;
  std::map<std::string, std::string> paths;
  for (const auto& d : dots) {
    if (titles)
      out += fmt::format("<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"3\" fill=\"{}\" fill-opacity=\".55\"><title>{}</title></circle>\n", d.x, d.y, colour_of(*d.row),
                         escaped(fmt::format("{}: {}, {}; measured {:.4g}, predicted {:.4g} {} ({:+.1f} %)", d.row->id, d.row->model, d.row->chip, d.row->measured, *d.row->predicted, d.row->unit, *d.row->signed_error())));
    else paths[colour_of(*d.row)] += fmt::format("M{:.1f} {:.1f}h0", d.x, d.y);
  }
  for (const auto& [colour, path] : paths) out += fmt::format("<path d=\"{}\" stroke=\"{}\" stroke-opacity=\".5\" stroke-width=\"5\" stroke-linecap=\"round\" fill=\"none\"/>\n", path, colour);
  return out;
}

std::vector<const Judgement*> of_main_metric(const std::vector<const Judgement*>& rows) {
  std::map<std::string, std::vector<const Judgement*>> by_metric;
  for (const auto* j : rows)
    if (j->signed_error() && *j->predicted > 0) by_metric[j->metric + " [" + j->unit + "]"].push_back(j);
  const auto most = std::max_element(by_metric.begin(), by_metric.end(), [](const auto& a, const auto& b) { return a.second.size() < b.second.size(); });
  return most == by_metric.end() ? std::vector<const Judgement*>{} : most->second;
}

// Round numbers from low to high, few enough to be written.
std::vector<double> ticks(double low, double high) {
  const auto steps = high / low > 100 ? std::vector<double>{1} : high / low > 8 ? std::vector<double>{1, 2, 5} : std::vector<double>{1, 1.5, 2, 3, 4, 5, 6, 8};
  std::vector<double> result;
  double decade = std::pow(10, std::floor(std::log10(low)));
  while (decade <= high) {
    for (const double step : steps)
      if (decade * step >= low && decade * step <= high) result.push_back(decade * step);
    decade *= 10;
  }
  return result;
}

std::string scatter_panel(const PlotGroup& group, bool titles) {
  const auto rows = of_main_metric(group.rows);
  std::string out = text_at(kLeft, 15, "start", fmt::format("{} ({} rows{})", group.name, rows.size(), rows.size() < group.rows.size() ? fmt::format(" of {}", group.rows.size()) : ""));
  if (rows.empty()) return out + text_at(kLeft + kPanel / 2, kTop + kPanel / 2, "middle", "nothing predicted");
  double low = rows.front()->measured, high = low;
  for (const auto* j : rows) {
    low = std::min({low, j->measured, *j->predicted});
    high = std::max({high, j->measured, *j->predicted});
  }
  low /= 1.2;
  high *= 1.2;
  const auto at = [&](double value) { return kPanel * std::log(value / low) / std::log(high / low); };
  const auto x = [&](double value) { return kLeft + at(value); };
  const auto y = [&](double value) { return kTop + kPanel - at(value); };
  const double band = at(low * 1.1);  // +-10 % are nearly the same distance
  out += fmt::format("<path d=\"M{0:.1f} {1:.1f}L{2:.1f} {3:.1f}L{4:.1f} {3:.1f}L{4:.1f} {5:.1f}L{6:.1f} {7:.1f}L{0:.1f} {7:.1f}Z\" fill=\"#e6f2e6\"/>\n", kLeft, kTop + kPanel - band, kLeft + kPanel - band, kTop, kLeft + kPanel,
                     kTop + band, kLeft + band, kTop + kPanel);
  for (const double tick : ticks(low, high)) {
    out += line(x(tick), kTop, x(tick), kTop + kPanel, "#eee") + line(kLeft, y(tick), kLeft + kPanel, y(tick), "#eee");
    out += text_at(x(tick), kTop + kPanel + 14, "middle", label(tick)) + text_at(kLeft - 4, y(tick) + 4, "end", label(tick));
  }
  out += line(kLeft, kTop + kPanel, kLeft + kPanel, kTop, "#4a4") + fmt::format("<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" fill=\"none\" stroke=\"#aaa\"/>\n", kLeft, kTop, kPanel, kPanel);
  std::vector<Dot> points;
  for (const auto* j : rows) points.push_back({x(j->measured), y(*j->predicted), j});
  out += dots(points, titles);
  return out + text_at(kLeft + kPanel / 2, kTop + kPanel + 30, "middle", fmt::format("measured [{}], predicted upwards", rows.front()->unit));
}

std::string svg(double width, double height, const std::string& body) {
  return fmt::format("<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0:.0f} {1:.0f}\" width=\"{0:.0f}\" height=\"{1:.0f}\" {2}>\n<rect width=\"{0:.0f}\" height=\"{1:.0f}\" fill=\"#fff\"/>\n{3}</svg>\n", width, height,
                     kFont, body);
}

// Signed error to the axis of errors_svg: logarithmic in predicted / measured, a factor of two at the ends.
double on_error_axis(double error, double width) { return width * (0.5 + 0.5 * std::clamp(std::log2(std::max(1 + error / 100, 1e-9)), -1.0, 1.0)); }

}  // namespace

std::string escaped(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '<') out += "&lt;";
    else if (c == '>') out += "&gt;";
    else if (c == '&') out += "&amp;";
    else if (c == '"') out += "&quot;";
    else if (static_cast<unsigned char>(c) < ' ') out += ' ';  // XML has no such characters
    else out += c;
  }
  return out;
}

std::vector<PlotGroup> plot_groups(const std::vector<const Judgement*>& judgements) {
  std::vector<PlotGroup> groups;
  for (const auto* j : judgements) {
    if (!j->signed_error()) continue;
    auto at = std::find_if(groups.begin(), groups.end(), [&](const PlotGroup& g) { return g.name == j->group; });
    if (at == groups.end()) at = groups.insert(groups.end(), {j->group, {}});
    at->rows.push_back(j);
  }
  return groups;
}

std::string scatter_svg(const PlotGroup& group, bool titles) { return svg(kWidth, kHeight, scatter_panel(group, titles)); }

std::string scatters_svg(const std::vector<PlotGroup>& groups) {
  constexpr std::size_t kColumns = 4;
  std::string body;
  for (std::size_t i = 0; i < groups.size(); ++i) {
    const auto row = i / kColumns;
    body += fmt::format("<g transform=\"translate({:.0f} {:.0f})\">\n{}</g>\n", static_cast<double>(i % kColumns) * kWidth, static_cast<double>(row) * kHeight, scatter_panel(groups[i], false));
  }
  const auto rows = (groups.size() + kColumns - 1) / kColumns;
  return svg(kColumns * kWidth, static_cast<double>(rows) * kHeight, body);
}

std::string errors_svg(const std::vector<PlotGroup>& groups, bool titles) {
  constexpr double kNames = 110, kAxis = 760, kRow = 30, kHead = 30;
  const auto height = kHead + kRow * static_cast<double>(groups.size());
  std::string body;
  constexpr std::array kTicks{-50.0, -40.0, -30.0, -20.0, -10.0, 0.0, 10.0, 20.0, 30.0, 50.0, 70.0, 100.0};
  for (const double tick : kTicks) {
    const double x = kNames + on_error_axis(tick, kAxis);
    body += line(x, kHead - 6, x, height, tick == 0 ? "#4a4" : "#eee") + text_at(x, 16, "middle", fmt::format("{:+g} %", tick));
  }
  for (std::size_t g = 0; g < groups.size(); ++g) {
    const double middle = kHead + kRow * (static_cast<double>(g) + 0.5);
    std::vector<double> errors;
    std::vector<Dot> points;
    for (const auto* j : groups[g].rows) {
      if (!j->signed_error()) continue;
      const double spread = static_cast<double>(errors.size() * 7 % 17) - 8;  // so that rows of the same error are told apart
      points.push_back({kNames + on_error_axis(*j->signed_error(), kAxis), middle + spread, j});
      errors.push_back(*j->signed_error());
    }
    body += text_at(kNames - 8, middle + 4, "end", groups[g].name) + dots(points, titles);
    if (errors.empty()) continue;
    std::sort(errors.begin(), errors.end());
    const double first = kNames + on_error_axis(quantile(errors, 0.25), kAxis), third = kNames + on_error_axis(quantile(errors, 0.75), kAxis), median = kNames + on_error_axis(quantile(errors, 0.5), kAxis);
    body += fmt::format("<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"18\" fill=\"none\" stroke=\"#222\"/>\n", first, middle - 9, third - first) + line(median, middle - 9, median, middle + 9, "#d35400");
  }
  return svg(kNames + kAxis + 40, height + 6, body);
}

}  // namespace zettatwin::validation
