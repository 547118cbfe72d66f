// SPDX-License-Identifier: Apache-2.0
#include "claims/world.hpp"

#include <algorithm>

#include "hardware/catalog.hpp"
#include "model/preset.hpp"
#include "report/report.hpp"
#include "search/auto_plan.hpp"
#include "workload/operations.hpp"

namespace zettatwin::claims {
namespace {

using hardware::Precision;

plan::Recipe recipe_of(Precision precision) {
  switch (precision) {
    case Precision::fp8: return plan::Recipe::fp8_block;
    case Precision::mxfp8: return plan::Recipe::mxfp8;
    case Precision::fp4: return plan::Recipe::fp4;
    default: return plan::Recipe::bf16;
  }
}

std::unique_ptr<hardware::Machine> load(const config::DocumentSource& source, const MachineKey& key, const config::Location& where, config::Diagnostics& diagnostics) {
  auto machine = hardware::load_machine(source, key.machine, where, diagnostics);
  if (machine && !key.chip.empty()) {
    auto chip = hardware::load_chip(source, key.chip, where, diagnostics);
    if (!chip) return nullptr;
    machine->chip_name = key.chip;
    machine->chip = std::move(*chip);
  }
  if (machine && key.chips > 0) machine = hardware::resized(*machine, key.chips, where, diagnostics);
  return machine ? std::make_unique<hardware::Machine>(std::move(*machine)) : nullptr;
}

// A machine or model that trains nothing is an answer, so its diagnostics become the reason.
std::string first_problem(const config::Diagnostics& diagnostics) {
  return diagnostics.all().empty() ? "no plan is valid" : diagnostics.all().front().problem;
}

Simulation run(const hardware::Machine& machine, const model::Architecture& architecture, const software::Profile& software, const SimulationKey& key, const config::Location& where) {
  Simulation simulation{.sequence_length = key.sequence_length};
  training::Job job{.machine = machine, .architecture = architecture, .sequence_length = key.sequence_length, .software = software};
  job.plan.recipe = recipe_of(key.precision);
  job.plan.global_batch = key.global_batch;
  config::Diagnostics diagnostics;
  const search::Freedom freedom{.sizes = true, .recipe_given = true, .given = {}};
  const auto choice = search::choose_plan(job, freedom, where, diagnostics);
  if (choice) job.plan = choice->plan;
  auto result = choice ? training::estimate(job, where, diagnostics) : std::nullopt;
  if (!result) {
    simulation.reason = first_problem(diagnostics);
    return simulation;
  }
  simulation.plan = job.plan;
  simulation.candidates = choice->candidates;
  simulation.plan_text = report::plan_text(job.plan, result->data_parallel);
  simulation.feasible = result->feasible;
  if (result->infeasible) simulation.reason = result->infeasible->reason;
  simulation.result = std::move(*result);
  return simulation;
}

inference::Format format_of(Precision precision) {
  switch (precision) {
    case Precision::fp8: return inference::Format::fp8_block;
    case Precision::mxfp8: return inference::Format::mxfp8;
    case Precision::fp4: return inference::Format::fp4;
    case Precision::int8: return inference::Format::int8;
    default: return inference::Format::bf16;
  }
}

constexpr std::int64_t kUnitChips = 1024;  // one unit of a deployment; wider ones have not been published

Serving served(const hardware::Machine& machine, const model::Architecture& architecture, const inference::Software& software, const ServingKey& key) {
  Serving serving{.software = software.title};
  inference::Pool base;
  base.weights = format_of(key.precision);
  const auto found = capacity::frontier({.machine = machine, .model = architecture, .software = software, .chips = std::min(machine.chips(), kUnitChips), .input = key.input, .output = key.output,
                                         .slo = {.ttft = {}, .tpot = units::Seconds::from_si(key.tpot_s), .e2e = {}}, .base = base, .aggregated = !key.decode_only, .disaggregated = true});
  serving.layouts = found.layouts;
  const auto* best = key.decode_only ? (found.best_decode ? &*found.best_decode : nullptr) : (found.best ? &*found.best : nullptr);
  if (!best) {
    serving.reason = found.points.empty() && found.nearest_miss ? found.nearest_miss->reason : "no layout keeps the time per output token";
    return serving;
  }
  serving.feasible = true;
  serving.unit = *best;
  serving.deployment = inference::text_of(best->deployment, architecture);
  serving.output_tokens_per_s = best->per_chip() * static_cast<double>(machine.chips());
  // A third of what training computes per token, with the mean length of context while prompt and answer are computed.
  const double tokens = static_cast<double>(key.input + key.output);
  const auto per_token = workload::model_flop_per_token(architecture, key.input + key.output) / 3;
  serving.flop_per_output_token = per_token * ((key.decode_only ? static_cast<double>(key.output) : tokens) / static_cast<double>(key.output));
  return serving;
}

}  // namespace

const hardware::Machine* World::machine(const MachineKey& key, const config::Location& where, config::Diagnostics& diagnostics) {
  auto found = machines_.find(key);
  if (found == machines_.end()) found = machines_.emplace(key, load(source_, key, where, diagnostics)).first;
  return found->second.get();
}

const Model* World::model(const std::string& name, const config::Location& where, config::Diagnostics& diagnostics) {
  auto found = models_.find(name);
  if (found == models_.end()) {
    auto architecture = model::load_model(source_, name, where, diagnostics);
    const auto parameters = architecture ? model::parameters_of(*architecture) : model::Parameters{};
    found = models_.emplace(name, architecture ? std::make_unique<Model>(Model{std::move(*architecture), parameters}) : nullptr).first;
  }
  return found->second.get();
}

std::shared_ptr<const Simulation> World::simulation(const SimulationKey& key, const config::Location& where, config::Diagnostics& diagnostics) {
  auto found = simulations_.find(key);
  if (found != simulations_.end()) return found->second;
  const auto* on = machine(key.machine, where, diagnostics);
  const auto* trained = model(key.model, where, diagnostics);
  const auto software = software::load_profile(source_, software::kDefault, where, diagnostics);
  if (!on || !trained || !software) return nullptr;
  return simulations_.emplace(key, std::make_shared<const Simulation>(run(*on, trained->architecture, *software, key, where))).first->second;
}

std::shared_ptr<const Serving> World::serving(const ServingKey& key, const config::Location& where, config::Diagnostics& diagnostics) {
  auto found = servings_.find(key);
  if (found != servings_.end()) return found->second;
  const auto* on = machine(key.machine, where, diagnostics);
  const auto* asked = model(key.model, where, diagnostics);
  const auto software = inference::load_software(source_, inference::kDefaultSoftware, where, diagnostics);
  if (!on || !asked || !software) return nullptr;
  return servings_.emplace(key, std::make_shared<const Serving>(served(*on, asked->architecture, *software, key))).first->second;
}

}  // namespace zettatwin::claims
