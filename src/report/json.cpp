// SPDX-License-Identifier: Apache-2.0
// Results as JSON: SI base units in the names, stable fields (docs/json.md).
#include <nlohmann/json.hpp>

#include "model/parameters.hpp"
#include "report/detail/jitter_facts.hpp"
#include "report/detail/json_tree.hpp"
#include "report/detail/step_json.hpp"
#include "report/report.hpp"

namespace zettatwin::report {
namespace {

using Json = nlohmann::ordered_json;

Json infeasible_json(const training::Infeasible& i) {
  return {{"limit", i.limit}, {"needed", i.needed.si()}, {"available", i.available.si()}, {"role", i.role}, {"reason", i.reason}, {"suggestions", i.suggestions}};
}

Json roles_json(const training::TrainingResult& r) {
  Json roles = Json::array();
  for (const auto& role : r.roles)
    roles.push_back({{"pipeline_rank", role.pipeline_rank}, {"chips", role.chips}, {"layers", role.layers}, {"busy_s", role.busy.seconds().si()},
                     {"idle_s", role.idle.seconds().si()}, {"gradient_reduction_exposed_s", role.gradients.seconds().si()},
                     {"optimizer_s", role.optimizer.seconds().si()}, {"memory_bytes", role.memory.si()}});
  return roles;
}

Json results_json(const Subject& s) {
  const auto& r = s.result;
  Json out{{"feasible", r.feasible}, {"chips", r.chips}, {"idle_chips", r.idle_chips}, {"tokens_per_step", r.tokens_per_step}, {"microbatches", r.microbatches},
           {"step_time_s", r.step_time.seconds().si()}, {"tokens_per_s", r.tokens_per_s}, {"model_flop_per_token", r.model_flop_per_token.si()},
           {"model_flop_per_s_per_chip", r.model_rate_per_chip.si()}, {"mfu", r.mfu}, {"mfu_bf16", r.mfu_bf16},
           {"mfu_peak_flop_per_s", r.peak_per_chip.si()}, {"mfu_peak_format", std::string(name_of(r.peak_precision))},
           {"memory_peak_bytes", r.memory_peak.si()}, {"memory_peak_pipeline_rank", r.memory_peak_role}};
  if (s.interval)
    out["step_time_interval_s"] = {{"share", s.interval->share}, {"low", s.interval->low.seconds().si()}, {"high", s.interval->high.seconds().si()}, {"rests_on", s.interval->rests_on}};
  if (r.infeasible) out["infeasible"] = infeasible_json(*r.infeasible);
  if (s.training_tokens > 0) {
    out["training_time_s"] = s.training_tokens / r.tokens_per_s;
    out["training_chip_hours"] = s.training_tokens / r.tokens_per_s / 3600 * static_cast<double>(r.chips);
  }
  if (const auto* breakdown = r.tree.find("breakdown")) out["breakdown"] = detail::tree_json(*breakdown, "_s");
  if (const auto* memory = r.tree.find("memory")) out["memory"] = detail::tree_json(*memory, "_bytes");
  out["roles"] = roles_json(r);
  out["pipeline"] = {{"iterations_simulated", r.timeline.iterations_simulated}, {"iterations_jumped", r.timeline.iterations_jumped},
                     {"period_iterations", r.timeline.period_iterations}, {"period_s", r.timeline.period.seconds().si()}};
  if (!r.links.empty()) out["links"] = detail::links_json(r);
  if (!r.critical_path.empty()) out["critical_path"] = detail::path_json(r);
  if (r.unfolded) out["unfold"] = detail::chip_json(r);
  if (!r.faults.empty()) {
    out["faults"] = detail::faults_json(r);
    out["healthy_step_time_s"] = r.healthy_step_time.seconds().si();
    out["faults_cost_s"] = (r.step_time - r.healthy_step_time).seconds().si();
  }
  if (r.jitter) out["jitter"] = detail::jitter_json(s.job, r);
  if (s.practice)
    out["published_practice"] = {{"tokens_per_step", s.practice->tokens_per_step}, {"batch_times_larger", s.practice->times_larger},
                                 {"feasible", s.practice->feasible}, {"tokens_per_s", s.practice->tokens_per_s}, {"mfu", s.practice->mfu}};
  const auto names = [&](config::Confidence c) {
    Json list = Json::array();
    for (const auto& input : result::inputs_below(r.tree, c)) list.push_back({{"name", input.name}, {"value", input.value}, {"source", input.source}});
    return list;
  };
  out["rests_on"] = {{"chip_efficiencies", s.job.machine.chip.efficiency.status}, {"estimated", names(config::Confidence::estimated)},
                     {"unverified", names(config::Confidence::unverified)}};
  return out;
}

Json subject_json(const Subject& s) {
  const auto parameters = model::parameters_of(s.job.architecture);
  return {{"schema", "zettatwin/train/1"},
          {"title", s.title},
          {"machine", {{"name", s.job.machine.name}, {"chip", s.job.machine.chip.name}, {"chips", s.job.machine.chips()}}},
          {"model", {{"name", s.job.architecture.name}, {"parameters", parameters.total}, {"parameters_active", parameters.active}}},
          {"plan", {{"text", plan_text(s.job.plan, s.result.data_parallel, ',')}, {"automatic", s.automatic_plan}, {"candidates", s.candidates},
                    {"global_batch", s.job.plan.global_batch}, {"sequence_length", s.job.sequence_length}}},
          {"software", {{"name", s.job.software.name}, {"title", s.job.software.title}}},
          {"fidelity", std::string(config::word_of(training::fidelity_words(), s.job.fidelity))},
          {"results", results_json(s)}};
}

}  // namespace

std::string json(const Subject& s) { return subject_json(s).dump(2) + "\n"; }

std::string comparison_json(const Subject& a, const Subject& b) {
  const double ratio = a.result.feasible && b.result.feasible ? b.result.tokens_per_s / a.result.tokens_per_s : 0;
  return Json{{"schema", "zettatwin/compare/1"}, {"a", subject_json(a)}, {"b", subject_json(b)}, {"tokens_per_s_b_over_a", ratio}}.dump(2) + "\n";
}

}  // namespace zettatwin::report
