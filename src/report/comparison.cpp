// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "model/parameters.hpp"
#include "report/report.hpp"
#include "units/text.hpp"

namespace zettatwin::report {

std::string comparison(const Subject& a, const Subject& b) {
  std::string out = fmt::format("{:<34}{:>22}{:>22}{:>10}\n", "", "A", "B", "B / A");
  const auto row = [&](std::string_view name, const std::string& x, const std::string& y, double ratio) {
    out += fmt::format("{:<34}{:>22}{:>22}{}\n", name, x, y, ratio > 0 ? fmt::format("{:>10.3f}", ratio) : "");
  };
  const auto value = [&](std::string_view name, double x, double y, units::Dimension d) {
    row(name, units::human(x, d, 4), units::human(y, d, 4), x > 0 ? y / x : 0);
  };
  const auto& ra = a.result;
  const auto& rb = b.result;
  row("machine", a.job.machine.name, b.job.machine.name, 0);
  row("model", a.job.architecture.name, b.job.architecture.name, 0);
  row("chips", units::grouped(ra.chips), units::grouped(rb.chips), static_cast<double>(rb.chips) / static_cast<double>(ra.chips));
  row("fits in memory", ra.feasible ? "yes" : "no", rb.feasible ? "yes" : "no", 0);
  row("tokens per step", units::grouped(ra.tokens_per_step), units::grouped(rb.tokens_per_step), static_cast<double>(rb.tokens_per_step) / static_cast<double>(ra.tokens_per_step));
  value("step time", ra.step_time.seconds().si(), rb.step_time.seconds().si(), units::kTime);
  row("tokens/s", units::grouped(static_cast<long long>(ra.tokens_per_s)), units::grouped(static_cast<long long>(rb.tokens_per_s)), rb.tokens_per_s / ra.tokens_per_s);
  value("tokens/s per chip", ra.tokens_per_s / static_cast<double>(ra.chips), rb.tokens_per_s / static_cast<double>(rb.chips), units::kDimensionless);
  value("MFU, own format", ra.mfu, rb.mfu, units::kDimensionless);
  value("MFU, bf16", ra.mfu_bf16, rb.mfu_bf16, units::kDimensionless);
  value("memory peak", ra.memory_peak.si(), rb.memory_peak.si(), units::kBytes);
  const auto* ta = ra.tree.find("breakdown");
  const auto* tb = rb.tree.find("breakdown");
  if (ta && tb) {
    out += "share of the step\n";
    for (const auto* key : {"compute", "communication", "bubble", "optimizer"}) {
      const auto share = [key](const result::Node& t) { const auto* n = t.find(key); return n ? n->si / t.si : 0; };
      row(std::string("  ") + key, fmt::format("{:.2f} %", 100 * share(*ta)), fmt::format("{:.2f} %", 100 * share(*tb)), 0);
    }
  }
  out += fmt::format("plan A  {}\nplan B  {}\n", plan_text(a.job.plan, ra.data_parallel), plan_text(b.job.plan, rb.data_parallel));
  return out;
}

}  // namespace zettatwin::report
