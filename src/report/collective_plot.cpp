// SPDX-License-Identifier: Apache-2.0
#include "report/collective_plot.hpp"

#include <fmt/format.h>

#include "report/detail/chart.hpp"
#include "units/text.hpp"

namespace zettatwin::report {
namespace {

std::string size_label(double bytes) {
  int unit = 0;
  while (bytes >= 1024 && unit < 5) {
    bytes /= 1024;
    ++unit;
  }
  constexpr const char* const kUnits[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
  return fmt::format("{:.4g} {}", bytes, kUnits[unit]);
}

std::string bandwidth(double value, int digits) { return units::human(units::BytesPerSecond::from_si(value), digits); }

}  // namespace

std::string plot_svg(const CollectiveSubject& s) {
  detail::ChartCurve actual{.points = {}, .style = "stroke=\"#1f5fa8\" stroke-width=\"2\"", .dot = "#1f5fa8"};
  detail::ChartCurve healthy{.points = {}, .style = "stroke=\"#888\" stroke-dasharray=\"6 4\" stroke-width=\"1.5\"", .dot = ""};
  bool faults = false;
  for (const auto& point : s.points) {
    if (!point.answer.impossible.empty() || point.time().si() <= 0) continue;
    const double bus = bus_bandwidth(s, point).si();
    actual.points.push_back({point.bytes.si(), bus, fmt::format("{}: {}", size_label(point.bytes.si()), bandwidth(bus, 4))});
    healthy.points.push_back({point.bytes.si(), bus * (point.time() / point.healthy), ""});
    faults = faults || point.healthy < point.time();
  }
  detail::Chart chart{.title = fmt::format("{} of {} ranks on {}", network::name_of(s.op), units::grouped(s.ranks), s.title.empty() ? s.machine : s.title),
                      .x = {"bytes, as nccl-tests counts them", 2, size_label},
                      .y = {faults ? "bus bandwidth, per second (dashed: without faults)" : "bus bandwidth, per second", 10, [](double value) { return bandwidth(value, 3); }},
                      .curves = {},
                      .empty = "the faults make it impossible at every size"};
  if (faults) chart.curves.push_back(std::move(healthy));
  chart.curves.push_back(std::move(actual));
  return detail::svg(chart);
}

}  // namespace zettatwin::report
