// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>

#include "report/capacity.hpp"
#include "report/detail/chart.hpp"
#include "units/text.hpp"

namespace zettatwin::report {

std::string plot_svg(const CapacitySubject& s) {
  const auto number = [](double value) { return fmt::format("{:.4g}", value); };
  detail::ChartCurve frontier{.points = {}, .style = "stroke=\"#1f5fa8\" stroke-width=\"2\"", .dot = "#1f5fa8"};
  for (auto p = s.frontier.rbegin(); p != s.frontier.rend(); ++p)
    frontier.points.push_back({p->tokens_per_s_per_user, p->tokens_per_s_per_chip, fmt::format("{:.4g} per user, {:.4g} per chip, TTFT {}: {} with {:.4g} in flight", p->tokens_per_s_per_user, p->tokens_per_s_per_chip,
                                                                                              units::human(p->ttft, 3), p->deployment, p->concurrency)});
  detail::Chart chart{.title = fmt::format("{} on {}, {} prompt and {} output tokens", s.model, s.machine, units::grouped(s.input), units::grouped(s.output)),
                      .x = {"output tokens/s of one user (1 / TPOT)", 10, number},
                      .y = {"output tokens/s per chip", 10, number},
                      .curves = {},
                      .empty = "no layout fits"};
  if (!frontier.points.empty()) chart.curves.push_back(std::move(frontier));
  if (s.best) chart.curves.push_back({.points = {{s.best->tokens_per_s_per_user, s.best->tokens_per_s_per_chip, "most per chip within the objectives: " + s.best->deployment}}, .style = "", .dot = "#c0392b"});
  return detail::svg(chart);
}

}  // namespace zettatwin::report
