// SPDX-License-Identifier: Apache-2.0
#include "api/fault_sweep.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <nlohmann/json.hpp>

#include "units/text.hpp"

namespace zettatwin::api {
namespace {

using Json = nlohmann::ordered_json;
using units::grouped;
using units::human;

std::string ranks_text(const std::vector<std::int64_t>& ranks, std::int64_t all) {
  if (all == 1) return "";
  if (static_cast<std::int64_t>(ranks.size()) == all) return "any pipeline rank";
  if (ranks.size() > 4) return fmt::format("{} pipeline ranks from {}", ranks.size(), ranks.front());
  return fmt::format("pipeline rank {}", fmt::join(ranks, ", "));
}

}  // namespace

std::unique_ptr<SweepAnswer> sweep_faults(const config::Node& scenario, const config::DocumentSource& source, double remaining,
                                          const std::function<void(std::int64_t, std::int64_t)>& progress, config::Diagnostics& diagnostics) {
  auto answer = std::make_unique<SweepAnswer>();
  config::Node healthy = scenario;
  std::erase_if(healthy.entries, [&](const config::Entry& entry) {
    if (entry.key != "faults") return false;
    diagnostics.warning(entry.where, "faults of the scenario have no effect", "the sweep takes one fault at a time");
    return true;
  });
  answer->healthy = train(healthy, source, {.published_practice = false, .looks = Looks::at_single_chips}, diagnostics);
  if (!answer->healthy) return nullptr;
  const auto& job = answer->healthy->prepared.job;
  if (!answer->healthy->result.feasible) return answer;
  const auto placement = plan::place(job.plan, job.machine, job.chips, answer->healthy->prepared.where, diagnostics);
  if (placement && placement->straddles()) {
    diagnostics.error(answer->healthy->prepared.where, "faults cannot be placed on groups that straddle units", "", "write straddle=false in the plan, or choose sizes that divide the machine's units");
    return nullptr;
  }
  answer->sweep = search::sweep_faults(job, remaining, answer->healthy->prepared.where, progress);
  return answer;
}

std::string text(const SweepAnswer& a) {
  const auto subject = a.healthy->subject();
  if (!a.healthy->result.feasible) return report::text(subject);
  const auto& job = a.healthy->prepared.job;
  std::string out = fmt::format("One fault at a time on {}\nmodel    {}\nplan     {}\nhealthy  {} per step; slow parts keep {:g} of their speed; {} runs, one per orbit\n\n",
                                job.machine.title.empty() ? job.machine.name : job.machine.title, job.architecture.name, report::plan_text(job.plan, a.healthy->result.data_parallel),
                                human(a.sweep.healthy, 4), a.sweep.remaining, a.sweep.runs);
  out += fmt::format("  {:>10} {:>10}  {:<12} {:<30} {:>14}  {}\n", "cost", "per step", "fault", "of", "parts like it", "one of them");
  for (const auto& row : a.sweep.rows) {
    const auto where = ranks_text(row.pipeline_ranks, job.plan.pp);
    const auto cost = row.impossible.empty() ? fmt::format("{:+.3f} %", 100 * row.cost.seconds().si() / a.sweep.healthy.seconds().si()) : std::string("stops");
    out += fmt::format("  {:>10} {:>10}  {:<12} {:<30} {:>14}  {}{}\n", cost, row.impossible.empty() ? human(row.cost, 3) : "", row.kind, row.part, grouped(row.parts), row.fault,
                       where.empty() ? "" : "   (" + where + ")");
  }
  return out;
}

std::string json(const SweepAnswer& a) {
  const auto& result = a.healthy->result;
  Json results{{"feasible", result.feasible}, {"chips", result.chips}, {"healthy_step_time_s", result.step_time.seconds().si()}};
  if (result.infeasible) results["infeasible"] = {{"limit", result.infeasible->limit}, {"needed", result.infeasible->needed.si()}, {"available", result.infeasible->available.si()}};
  results["remaining"] = a.sweep.remaining;
  results["runs"] = a.sweep.runs;
  Json rows = Json::array();
  for (const auto& row : a.sweep.rows) {
    Json one{{"fault", row.fault}, {"kind", row.kind}, {"part", row.part}, {"parts", row.parts}, {"pipeline_ranks", row.pipeline_ranks}, {"feasible", row.impossible.empty()}};
    if (row.impossible.empty()) {
      one["step_time_s"] = row.step_time.seconds().si();
      one["cost_s"] = row.cost.seconds().si();
      one["cost"] = row.cost.seconds().si() / a.sweep.healthy.seconds().si();
    } else one["reason"] = row.impossible;
    one["waits"] = row.waits;
    rows.push_back(std::move(one));
  }
  results["faults"] = std::move(rows);
  const auto& job = a.healthy->prepared.job;
  return Json{{"schema", "zettatwin/faults/1"}, {"machine", job.machine.name}, {"model", job.architecture.name},
              {"plan", report::plan_text(job.plan, result.data_parallel, ',')}, {"results", std::move(results)}}.dump(2) + "\n";
}

}  // namespace zettatwin::api
