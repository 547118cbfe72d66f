// SPDX-License-Identifier: Apache-2.0
#include "api/serve.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "api/capacity.hpp"
#include "api/detail/positions.hpp"
#include "api/detail/serve_limit.hpp"
#include "api/detail/serve_pools.hpp"
#include "api/detail/serve_subject.hpp"
#include "api/library.hpp"
#include "api/serve_traffic.hpp"
#include "fleet/fleet.hpp"
#include "units/text.hpp"

namespace zettatwin::api {
namespace {

constexpr auto kEndlessTraffic = units::hour;
constexpr std::int64_t kSeries = 240;

// The single model of a scenario, or its list; each with a place.
std::vector<ServeModel> models_of(const ServeScenario& scenario, const config::Location& where, config::Diagnostics& diagnostics) {
  auto models = scenario.models;
  const bool single = scenario.one.model.kind != config::Node::Kind::null || models.empty();
  if (single && !models.empty()) diagnostics.error(where, "a scenario with both 'model' and 'models'", "one model is served, or those of the list", "move the first into the list");
  if (single) models.insert(models.begin(), scenario.one);
  for (auto& m : models)
    for (auto* node : {&m.model, &m.deployment, &m.traffic, &m.software})
      if (node->where.line == 0 && !node->where.file) node->where = where;
  return models;
}

// What models are called: as they say, else by the model's own name.
std::vector<std::string> names_of(const std::vector<ServeModel>& models, const std::vector<const model::Architecture*>& architectures) {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < models.size(); ++i) names.push_back(!models[i].name.empty() ? models[i].name : architectures[i]->name);
  return names;
}

bool is_of_serving(const config::Node& root, config::Diagnostics& diagnostics) {
  constexpr std::array<std::string_view, 7> kOfTraining{"plan", "sequence_length", "global_batch", "training_tokens", "precision", "fidelity", "jitter"};
  for (const auto& [key, where, value] : root.entries)
    if (std::find(kOfTraining.begin(), kOfTraining.end(), key) != kOfTraining.end()) {
      diagnostics.error(where, fmt::format("'{}' belongs to a scenario of training, this command is about serving", key), "", "ask zettatwin train, or remove it");
      return false;
    }
  return true;
}

// Places of what is read without one.
void place_failures(const config::Node& root, ServeScenario& scenario) {
  const auto* list = root.find("failures");
  for (std::size_t i = 0; i < scenario.failures.size(); ++i) scenario.failures[i].where = list && i < list->items.size() ? list->items[i].where : root.where;
}

// What was asked for and changed nothing.
void warn_without_effect(const config::Node& root, const fleet::FleetSpec& spec, const ServeAnswer& answer, config::Diagnostics& diagnostics) {
  const auto& result = answer.subject.result;
  const auto place = [&](const char* key) { const auto* node = root.find(key); return node ? node->where : root.where; };
  for (const char* key : {"transfer", "decode_router"})
    if (spec.transfers.empty() && root.find(key)) diagnostics.warning(place(key), fmt::format("{} has no effect", key), "no cache travels: every instance computes prompts and answers", "give the deployment prefill and decode pools");
  const bool linked = std::any_of(answer.served.begin(), answer.served.end(), [](const auto& served) { return served.hand_over && served.hand_over->level == "link"; });
  if (!spec.transfers.empty() && answer.scenario.transfer.link && !linked)
    diagnostics.warning(place("transfer"), "link has no effect", "prefill and decode pools are on one machine, whose own network moves the caches", "a pool on another machine says so: prefill.machine=NAME");
  for (const auto& failure : answer.scenario.failures)
    if (failure.spec.at.si() >= result.simulated_s)
      diagnostics.warning(failure.where, "the failure has no effect", fmt::format("it comes {} after the start, the run ends after {}", units::human(failure.spec.at, 4), units::human(units::Seconds::from_si(result.simulated_s), 4)));
  if (result.requests.arrived == 0)
    diagnostics.warning(place("traffic"), "no request came", "there is nothing to measure; traffic without an end lasts an hour unless a duration is stated", "state a longer duration, or a higher rate");
  if (result.all.requests.arrived == 0 && result.requests.arrived > 0)
    diagnostics.warning(place(answer.scenario.warm_up.si() > 0 ? "warm_up" : "warm_up_requests"), "no request is measured", fmt::format("all {} came before the end of the warm-up", units::grouped(result.requests.arrived)),
                        "shorten the warm-up or lengthen the run");
}

// Positions that the model was not trained for: engines refuse such requests.
void warn_of_positions(const std::vector<ServeModel>& models, const std::vector<const model::Architecture*>& architectures, const fleet::FleetResult& result, config::Diagnostics& diagnostics) {
  for (std::size_t i = 0; i < models.size() && i < result.longest.size(); ++i)
    detail::warn_of_positions(*architectures[i], result.longest[i], "the longest request has", models[i].traffic.where, diagnostics);
}

void limit(const ServeScenario& scenario, bool endless, fleet::FleetSpec& spec) {
  spec.horizon = scenario.duration;
  spec.max_requests = scenario.requests;
  if (endless && spec.horizon.si() == 0 && spec.max_requests == 0) spec.horizon = kEndlessTraffic;
  spec.warm_up = scenario.warm_up;
  spec.warm_up_requests = scenario.warm_up_requests;
  spec.end = scenario.end;
  spec.seed = static_cast<std::uint64_t>(scenario.seed);
}

// With the deployment chosen first.
std::unique_ptr<ServeAnswer> serve_best(const config::Node& root, const config::DocumentSource& source, Library& library, const requests::TraceFiles& files, const ServeOptions& options,
                                        config::Diagnostics& diagnostics) {
  Choice choice;
  const auto chosen = with_deployment(root, source, library, files, {.on_progress = {}}, choice, diagnostics);
  if (!chosen) return nullptr;
  std::unique_ptr<ServeAnswer> answer;
  if (choice.infeasible) {
    answer = std::make_unique<ServeAnswer>();
    config::read(root, "scenario", config::FigureForm::bare_allowed, diagnostics, answer->scenario);
    answer->subject.title = answer->scenario.title;
    answer->subject.deployment = "auto";
    answer->subject.infeasible = choice.infeasible;
  } else {
    answer = serve(*chosen, source, library, files, options, diagnostics);
  }
  if (!answer) return nullptr;
  answer->subject.automatic = true;
  answer->subject.candidates = choice.candidates;
  if (choice.narrowed) answer->subject.chosen = "FP8, since no layout fits in bf16";
  return answer;
}

}  // namespace

std::unique_ptr<ServeAnswer> serve(const config::Node& root, const config::DocumentSource& source, const requests::TraceFiles& files, const ServeOptions& options, config::Diagnostics& diagnostics) {
  Library library(source);
  return serve(root, source, library, files, options, diagnostics);
}

std::unique_ptr<ServeAnswer> serve(const config::Node& root, const config::DocumentSource& source, Library& library, const requests::TraceFiles& files, const ServeOptions& options,
                                   config::Diagnostics& diagnostics) {
  if (wants_choice(root)) return serve_best(root, source, library, files, options, diagnostics);
  const auto errors_before = diagnostics.error_count();
  if (!is_of_serving(root, diagnostics)) return nullptr;
  auto answer = std::make_unique<ServeAnswer>();
  auto& scenario = answer->scenario;
  config::read(root, "scenario", config::FigureForm::bare_allowed, diagnostics, scenario);
  if (scenario.machine.where.line == 0) scenario.machine.where = root.where;
  place_failures(root, scenario);
  const auto* machine = library.machine(scenario.machine, scenario.chips, diagnostics);
  const auto models = models_of(scenario, root.where, diagnostics);
  std::vector<const model::Architecture*> architectures;
  for (const auto& m : models) architectures.push_back(library.architecture(m.model, diagnostics));
  if (diagnostics.error_count() != errors_before || !machine || std::count(architectures.begin(), architectures.end(), nullptr) > 0) return nullptr;

  const auto names = names_of(models, architectures);
  fleet::FleetSpec spec;
  bool endless = false;
  std::vector<Traffic> traffic;
  for (std::size_t i = 0; i < models.size(); ++i) {
    if (models.size() > 1 && models[i].traffic.kind == config::Node::Kind::null) continue;  // another's trace may ask for it
    auto one = traffic_from(models[i].traffic, static_cast<std::int32_t>(i), names, scenario.seed, files, diagnostics);
    if (!one) continue;
    endless |= one->endless;
    spec.streams.push_back(one->stream);
    traffic.push_back(std::move(*one));
  }
  detail::PoolBuilder pools(*machine, scenario, names, source, library);
  for (std::size_t i = 0; i < models.size(); ++i) pools.add(models[i], *architectures[i], i < traffic.size() ? &traffic[i] : nullptr, diagnostics);
  if (diagnostics.error_count() != errors_before) return nullptr;
  if (spec.streams.empty()) {
    diagnostics.error(root.where, "the scenario lacks 'traffic'", "requests decide what a fleet does", "write traffic: {rate: 10 requests/s, input: 1024, output: 256}, or {concurrency: 64, requests: 640, ...}");
    return nullptr;
  }
  limit(scenario, endless, spec);
  spec.max_series = options.series ? kSeries : 0;
  if (options.max_backlog > 0) spec.max_backlog = std::min(spec.max_backlog, options.max_backlog);
  spec.on_request = options.on_request;
  spec.on_progress = options.on_progress;
  spec.timeline_instances = options.timeline_instances;
  if (!pools.complete(spec, root.where, diagnostics)) return nullptr;
  answer->served = pools.take();
  detail::describe_answer(*machine, architectures, names, traffic, spec, *answer);
  if (answer->subject.infeasible && scenario.models.empty() && scenario.one.deployment.kind == config::Node::Kind::null)
    if (const auto chosen = with_smallest_instance(root, source, library, files, diagnostics)) {
      auto fitting = serve(*chosen, source, library, files, options, diagnostics);
      if (fitting) fitting->subject.chosen = "none was stated; the smallest instance that fits";
      return fitting;
    }
  if (answer->subject.infeasible) return answer;
  if (const auto problem = fleet::problem_of(spec); !problem.empty()) {
    diagnostics.error(root.where, problem);
    return nullptr;
  }
  answer->subject.result = fleet::simulate(spec);
  detail::explain_steps(traffic, *answer);
  detail::add_intervals(source, diagnostics, *answer);
  answer->subject.sustainable_per_s = detail::sustainable_rate(*answer, spec);
  if (options.series) {  // searches, which ask for no series, would repeat them
    warn_without_effect(root, spec, *answer, diagnostics);
    warn_of_positions(models, architectures, answer->subject.result, diagnostics);
  }
  return answer;
}

}  // namespace zettatwin::api
