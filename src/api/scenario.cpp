// SPDX-License-Identifier: Apache-2.0
#include "api/scenario.hpp"

#include <fmt/format.h>

#include "api/library.hpp"
#include "search/auto_plan.hpp"
#include "training/cable_faults.hpp"
#include "training/check_job.hpp"
#include "units/text.hpp"

namespace zettatwin::api {
namespace {

constexpr config::Range kCount{1, 1e12};

bool absent(const config::Node& node) { return node.kind == config::Node::Kind::null; }

// "fp8" and "bf16" as users say them.
std::optional<plan::Recipe> recipe_named(const std::string& text) {
  const std::string name = text == "fp8" ? "fp8_block" : text;
  for (const auto& word : plan::recipe_words())
    if (word.name == name) return static_cast<plan::Recipe>(word.value);
  return std::nullopt;
}

std::vector<traffic::Fault> faults_of(const config::Node& root, const hardware::Machine& machine, config::Diagnostics& diagnostics) {
  std::vector<traffic::Fault> faults;
  const auto* list = root.find("faults");
  if (list == nullptr) return faults;
  for (const auto& item : list->items)
    if (auto fault = traffic::parse_fault(item.text, machine, item.where, diagnostics)) {
      if (!fault->place.ends.first.empty() && !training::graph_level_of(*fault, machine))
        diagnostics.error(item.where, fmt::format("{} names a cable or switch of a level that is no graph", fault->text), "a training step prices such a level by the ports of its chips and by its planes",
                          "name a port such as gpu=0/port=up, a plane or a switch of a plane, or ask zettatwin collective");
      faults.push_back(std::move(*fault));
    }
  return faults;
}

// Whether borders of units would cut the plan's groups if they were allowed to.
bool would_straddle(const training::Job& job, const config::Location& where) {
  plan::Plan plan = job.plan;
  plan.straddle = true;
  config::Diagnostics ignored;
  const auto placement = plan::place(plan, job.machine, job.chips, where, ignored);
  return placement && placement->straddles();
}

}  // namespace

void describe(config::Schema& s, Scenario& scenario) {
  s.text("title", scenario.title, "what this is, for the report");
  s.node("machine", scenario.machine, "catalog machine, or {extends: NAME, ...} with changes");
  s.node("model", scenario.model, "model preset, path of a config.json, {preset: NAME, overrides: {...}} or {config: {...}} written in place");
  s.node("plan", scenario.plan, "auto, or a mapping of plan fields");
  s.integer("chips", scenario.chips, "chips of the job; all of the machine if absent", {.range = kCount});
  s.integer("sequence_length", scenario.sequence_length, "tokens per sequence", {.range = kCount});
  s.integer("global_batch", scenario.global_batch, "sequences per step; published practice if absent", {.range = kCount});
  s.text("precision", scenario.precision, "recipe: bf16, fp8 (block scaling), mxfp8 or fp4; overrides the plan's");
  s.number("training_tokens", scenario.training_tokens, "tokens of the whole training run", {.range = config::kPositive});
  s.choice("fidelity", scenario.fidelity, training::fidelity_words(), "bound, folded or unfolded");
  s.texts("faults", scenario.faults, "what is slow or dead: KIND@PLACE[:fraction of speed left], such as slow-link@pod=3/cabinet=17/npu=5/port=up:0.5");
  s.object("jitter", scenario.jitter, "how much chips vary: {operation: 2 %, step: 1 %}; the report says what it costs");
  s.node("software", scenario.software, "framework of the catalog, or {extends: NAME, ...} with changes; megatron-core if absent");
  s.node("memory", scenario.memory, "changes of the software's memory: workspace, fragmentation, loss kernels");
}

std::optional<Prepared> prepare(const config::Node& root, const config::DocumentSource& source, Looks looks, config::Diagnostics& diagnostics) {
  Library library(source);
  return prepare(root, library, looks, diagnostics);
}

std::optional<Prepared> prepare(const config::Node& root, Library& library, Looks looks, config::Diagnostics& diagnostics) {
  const auto errors_before = diagnostics.error_count();
  for (const auto& [key, where, value] : root.entries)
    if (key == "traffic" || key == "deployment" || key == "slo") {
      diagnostics.error(where, fmt::format("'{}' belongs to a scenario of serving, this command is about training", key), "", "ask zettatwin serve or capacity, or remove it");
      return std::nullopt;
    }
  Prepared prepared;
  prepared.where = root.where;
  auto& scenario = prepared.scenario;
  config::read(root, "scenario", config::FigureForm::bare_allowed, diagnostics, scenario);
  if (scenario.machine.where.line == 0) scenario.machine.where = root.where;
  if (scenario.model.where.line == 0) scenario.model.where = root.where;
  const auto* machine = library.machine(scenario.machine, scenario.chips, diagnostics);
  if (scenario.software.where.line == 0) scenario.software.where = root.where;
  const auto* software = library.profile(scenario.software, scenario.memory, diagnostics);
  const auto* architecture = library.architecture(scenario.model, diagnostics);

  auto& plan = prepared.job.plan;
  search::Freedom freedom;
  freedom.recipe_given = !scenario.precision.empty();
  if (scenario.plan.is_mapping()) {
    config::Node fields = scenario.plan;
    std::erase_if(fields.entries, [&](const config::Entry& entry) {
      if (entry.key != "automatic") return false;
      freedom.sizes = config::as_boolean(entry.value).value_or(false);
      return true;
    });
    config::read(fields, "plan", config::FigureForm::bare_allowed, diagnostics, plan);
    for (const auto& entry : fields.entries) freedom.given.insert(entry.key);
    freedom.recipe_given |= fields.find("recipe") != nullptr;
  } else {
    freedom.sizes = true;
    const bool list = scenario.plan.kind == config::Node::Kind::sequence;
    if (list || (!absent(scenario.plan) && scenario.plan.text != "auto"))
      diagnostics.error(scenario.plan.where, list ? "plan is a list" : fmt::format("plan is '{}'", scenario.plan.text), "it is 'auto' or a mapping", "write plan: auto, or plan: {tp: 8, pp: 16}");
  }
  if (!scenario.precision.empty()) {
    if (const auto recipe = recipe_named(scenario.precision)) plan.recipe = *recipe;
    else diagnostics.error(root.find("precision")->where, fmt::format("'{}' is not a known precision", scenario.precision), "known: bf16, fp8, mxfp8, fp4");
  }
  if (diagnostics.error_count() != errors_before || !machine || !architecture || !software) return std::nullopt;

  auto& job = prepared.job;
  job.machine = *machine;
  job.architecture = *architecture;
  job.chips = scenario.chips;
  job.sequence_length = scenario.sequence_length;
  job.fidelity = scenario.fidelity;
  job.software = *software;
  job.jitter = scenario.jitter;
  if (scenario.global_batch > 0 && plan.global_batch > 0 && scenario.global_batch != plan.global_batch)
    diagnostics.warning(scenario.plan.find("global_batch")->where, "global_batch of the plan has no effect", "the scenario sets it to " + units::grouped(scenario.global_batch));
  if (scenario.global_batch > 0) plan.global_batch = scenario.global_batch;
  prepared.automatic_plan = freedom.sizes;
  prepared.automatic_batch = plan.global_batch == 0;
  if (!training::check_job(job, job.chips > 0 ? job.chips : job.machine.chips(), root.where, diagnostics)) return std::nullopt;
  auto faults = faults_of(root, job.machine, diagnostics);
  if (diagnostics.error_count() != errors_before) return std::nullopt;
  const bool single_chips = looks == Looks::at_single_chips || !faults.empty() || job.fidelity == training::Fidelity::unfolded;
  const bool keep_whole = single_chips && freedom.sizes && freedom.given.insert("straddle").second;
  if (keep_whole) plan.straddle = false;
  const auto choice = search::choose_plan(job, freedom, root.where, diagnostics);  // chosen for the healthy machine
  if (!choice) return std::nullopt;
  if (job.jitter.any() && job.fidelity == training::Fidelity::bound) diagnostics.warning(root.find("jitter")->where, "jitter has no effect", "a lower bound knows none");
  job.faults = std::move(faults);
  job.plan = choice->plan;
  if (keep_whole) job.plan.straddle = !would_straddle(job, root.where);
  prepared.candidates = choice->candidates;
  return prepared;
}

}  // namespace zettatwin::api
