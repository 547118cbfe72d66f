// SPDX-License-Identifier: Apache-2.0
#include "api/capacity.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "api/library.hpp"
#include "api/serve_traffic.hpp"
#include "plan/plan.hpp"
#include "units/text.hpp"

namespace zettatwin::api {
namespace {

constexpr double kLongest = 1200;  // seconds of arrivals while a size is sought, unless the scenario says how long

bool absent(const config::Node& node) { return node.kind == config::Node::Kind::null; }

// A deployment that is left to the program: nothing, auto, or {automatic: true, weights: fp8, ...}.
bool is_automatic(const config::Node& node) {
  if (node.kind == config::Node::Kind::scalar) return node.text == "auto";
  const auto* word = node.find("automatic");
  return word && config::as_boolean(*word).value_or(false);
}

// What stays as it is in every layout: formats, software, engine settings. By default the narrowest weights that the chip multiplies natively.
struct Fixed {
  inference::Pool pool;
  inference::Software software;
  bool aggregated = true, disaggregated = true;
};

std::optional<Fixed> fixed_of(const ServeModel& model, const hardware::Machine& machine, const config::DocumentSource& source, config::Diagnostics& diagnostics) {
  config::Node fields = model.deployment;
  if (fields.kind == config::Node::Kind::scalar) {
    fields.kind = config::Node::Kind::mapping;
    fields.text.clear();
  }
  Fixed fixed;
  std::string kinds;
  std::erase_if(fields.entries, [&](const config::Entry& entry) {
    if (entry.key == "kinds") kinds = entry.value.text;
    return entry.key == "automatic" || entry.key == "kinds";
  });
  if (!kinds.empty() && kinds != "aggregated" && kinds != "disaggregated" && kinds != "both")
    diagnostics.error(model.deployment.where, fmt::format("kinds is '{}'", kinds), "it is aggregated, disaggregated or both");
  fixed.aggregated = kinds != "disaggregated";
  fixed.disaggregated = kinds != "aggregated";
  const auto deployment = inference::read_deployment(fields, diagnostics);
  auto software = inference::software_from(source, absent(model.software) && deployment ? deployment->software : model.software, diagnostics);
  if (!deployment || !software) return std::nullopt;
  if (deployment->pools.size() != 1) {
    diagnostics.error(model.deployment.where, "an automatic deployment describes no pools", "it is {automatic: true} with what all layouts have in common, such as weights: fp8");
    return std::nullopt;
  }
  fixed.pool = deployment->pools.front();
  fixed.software = std::move(*software);
  const auto& chip = machine.chip;
  if (!fields.find("weights") && chip.peak(hardware::Precision::fp8).si() > 0) fixed.pool.weights = inference::Format::fp8;
  return fixed;
}

// The units of the deployment as a document.
config::Node node_of(const inference::Deployment& unit, std::int64_t units, double prefill_per_decode, const model::Architecture& model, const inference::Pool& base, config::Diagnostics& diagnostics) {
  auto fleet = unit;
  for (auto& pool : fleet.pools) {
    const bool prefill = pool.role == inference::Role::prefill;
    pool.instances = prefill ? std::max<std::int64_t>(1, static_cast<std::int64_t>(std::ceil(static_cast<double>(units) * prefill_per_decode - 1e-9))) : units;
  }
  auto node = plan::parse_plan_text(inference::text_of(fleet, model), "deployment", diagnostics);
  if (!absent(base.engine)) node.entries.push_back({"engine", base.engine.where, base.engine});
  return node;
}

std::int64_t chips_of(const capacity::Point& unit, std::int64_t units) {
  std::int64_t chips = 0;
  for (const auto& pool : unit.deployment.pools) {
    const bool prefill = pool.role == inference::Role::prefill;
    chips += pool.chips() * (prefill ? std::max<std::int64_t>(1, static_cast<std::int64_t>(std::ceil(static_cast<double>(units) * unit.prefill_per_decode - 1e-9))) : units);
  }
  return chips;
}

// The most units on so many chips.
std::int64_t units_on(const capacity::Point& unit, std::int64_t chips) {
  std::int64_t low = 0, high = static_cast<std::int64_t>(static_cast<double>(chips) / unit.chips) + 1;
  while (low + 1 < high) {
    const auto middle = low + (high - low) / 2;
    (chips_of(unit, middle) <= chips ? low : high) = middle;
  }
  return low;
}

void put(config::Node& root, const std::string& key, config::Node value) {
  if (auto* old = root.find(key)) *old = std::move(value);
  else root.entries.push_back({key, value.where, std::move(value)});
}

config::Node scalar(const std::string& text) {
  config::Node node;
  node.kind = config::Node::Kind::scalar;
  node.where = config::location_in("capacity");
  node.text = text;
  return node;
}

report::CapacityPoint shown(const capacity::Point& p, const model::Architecture& model) {
  return {.deployment = inference::text_of(p.deployment, model), .disaggregated = p.disaggregated(), .concurrency = p.concurrency, .chips = p.chips, .prefill_per_decode = p.prefill_per_decode, .ttft = p.ttft, .tpot = p.tpot,
          .tokens_per_s_per_user = p.per_user(), .tokens_per_s_per_chip = p.per_chip()};
}

// Everything that a search needs, read from one scenario.
struct Case {
  Case(const config::Node& root_, const config::DocumentSource& source_, Library& library_, const requests::TraceFiles& files_, const CapacityOptions& options_)
      : root(root_), source(source_), library(library_), files(files_), options(options_) {}

  const config::Node& root;
  const config::DocumentSource& source;
  Library& library;
  const requests::TraceFiles& files;
  const CapacityOptions& options;
  ServeScenario scenario;
  const hardware::Machine* machine = nullptr;
  const model::Architecture* model = nullptr;
  std::optional<Traffic> traffic;
  std::optional<Fixed> fixed;
  std::int64_t chips = 0, input = 1024, output = 1024;
};

bool read_case(Case& c, config::Diagnostics& diagnostics) {
  const auto errors_before = diagnostics.error_count();
  config::read(c.root, "scenario", config::FigureForm::bare_allowed, diagnostics, c.scenario);
  auto& scenario = c.scenario;
  if (!scenario.models.empty()) diagnostics.error(c.root.where, "an automatic deployment of several models", "chips would have to be shared out among them", "ask for one model at a time");
  for (auto* node : {&scenario.machine, &scenario.one.model, &scenario.one.traffic, &scenario.one.deployment})
    if (!node->where.file) node->where = c.root.where;
  c.machine = c.library.machine(scenario.machine, scenario.chips, diagnostics);
  c.model = c.library.architecture(scenario.one.model, diagnostics);
  if (c.model) c.traffic = traffic_from(scenario.one.traffic, 0, {c.model->name}, scenario.seed, c.files, diagnostics);
  if (c.machine) c.fixed = fixed_of(scenario.one, *c.machine, c.source, diagnostics);
  if (diagnostics.error_count() != errors_before) return false;
  c.chips = scenario.chips > 0 ? scenario.chips : c.machine->chips();
  const auto means = c.traffic->stream->means();
  if (std::isfinite(means.input)) c.input = std::max<std::int64_t>(1, std::llround(means.input));
  if (std::isfinite(means.output)) c.output = std::max<std::int64_t>(1, std::llround(means.output));
  return true;
}

capacity::Frontier frontier_of(const Case& c) {
  return capacity::frontier({.machine = *c.machine, .model = *c.model, .software = c.fixed->software, .chips = c.chips, .input = c.input, .output = c.output, .slo = c.scenario.slo, .base = c.fixed->pool,
                             .aggregated = c.fixed->aggregated, .disaggregated = c.fixed->disaggregated});
}

report::ServingShortfall shortfall(const inference::DoesNotFit& miss) {
  return {.limit = "memory", .role = miss.role, .part = miss.part, .needed = miss.needed, .available = miss.available, .reason = "no layout fits: " + miss.reason, .suggestions = miss.suggestions};
}

// Fleets of different sizes under the same traffic.
class Sizing final {
 public:
  Sizing(const Case& c, const capacity::Point& unit, report::CapacitySubject& subject, config::Diagnostics& diagnostics) : c_(c), unit_(unit), subject_(subject), diagnostics_(diagnostics) {}

  // The fewest units that are good, not fewer than the steady state needs; 0 if none is.
  std::int64_t search() {
    const auto most = units_on(unit_, c_.chips);
    const double rate = offered();
    const auto least = std::clamp<std::int64_t>(static_cast<std::int64_t>(std::ceil(rate / capacity::requests_per_s(unit_, c_.output) - 1e-9)), 1, std::max<std::int64_t>(1, most));
    if (most < 1) return 0;
    std::int64_t bad = least - 1, good = 0;
    for (auto n = least; good == 0;) {
      if (is_good(n)) good = n;
      else if (n == most) return 0;
      else bad = n, n = std::min(most, std::max(n + 1, n + (n - least + 1) + n / 8));
    }
    while (good - bad > std::max<std::int64_t>(1, good / 64)) {
      const auto middle = bad + (good - bad) / 2;
      (is_good(middle) ? good : bad) = middle;
    }
    return good;
  }

  [[nodiscard]] std::unique_ptr<ServeAnswer> best() { return std::move(answer_); }

 private:
  double offered() const {
    const auto means = c_.traffic->stream->means();
    if (const auto n = c_.traffic->stream->concurrency(); n > 0) return static_cast<double>(n) / unit_.concurrency * capacity::requests_per_s(unit_, c_.output);
    return std::isfinite(means.rate.si()) ? means.rate.si() : 0;
  }

  bool is_good(std::int64_t units) {
    auto root = c_.root;
    put(root, "deployment", node_of(unit_.deployment, units, unit_.prefill_per_decode, *c_.model, c_.fixed->pool, diagnostics_));
    if (c_.traffic->endless && c_.scenario.duration.si() == 0 && c_.scenario.requests == 0) {
      put(root, "duration", scalar(fmt::format("{} s", kLongest)));
      put(root, "requests", scalar(fmt::format("{}", c_.options.sample_requests)));
    }
    // All users start at once; that round says nothing of the time after it.
    if (const auto users = c_.traffic->stream->concurrency(); users > 0 && c_.scenario.warm_up.si() == 0 && c_.scenario.warm_up_requests == 0)
      put(root, "warm_up_requests", scalar(fmt::format("{}", users)));
    auto answer = serve(root, c_.source, c_.library, c_.files, {.on_request = {}, .on_progress = {}, .timeline_instances = 0, .series = false}, diagnostics_);
    if (!answer) return false;
    const auto& r = answer->subject.result;
    report::CapacityTrial trial{.units = units, .chips = answer->subject.chips, .good = false, .verdict = "", .attainment = r.all.slo_attainment.value, .output_tokens_per_s = r.all.output_tokens_per_s.value};
    trial.verdict = !answer->subject.feasible() ? "infeasible" : r.judgement.verdict == fleet::Verdict::stable ? "stable" : "saturated";
    trial.good = trial.verdict == "stable" && trial.attainment >= c_.options.attainment;
    if (c_.options.on_progress) c_.options.on_progress(fmt::format("{} chips: {}, {:.2f} % of requests meet the objectives", units::grouped(trial.chips), trial.verdict, 100 * trial.attainment));
    subject_.trials.push_back(trial);
    if (trial.good && (!subject_.needed || trial.units < subject_.needed->units)) {
      subject_.needed = trial;
      subject_.deployment = answer->subject.deployment;
      answer_ = std::move(answer);
    }
    return trial.good;
  }

  const Case& c_;
  const capacity::Point& unit_;
  report::CapacitySubject& subject_;
  config::Diagnostics& diagnostics_;
  std::unique_ptr<ServeAnswer> answer_;
};

void describe_case(const Case& c, const capacity::Frontier& found, report::CapacitySubject& s) {
  s.title = c.scenario.title;
  s.machine = c.machine->name;
  s.machine_title = c.machine->title;
  s.model = c.model->name;
  s.software = c.fixed->software.title;
  s.traffic = c.traffic->words;
  s.chips = c.chips;
  s.input = c.input;
  s.output = c.output;
  s.slo = c.scenario.slo;
  s.attainment = c.options.attainment;
  s.layouts = found.layouts;
  s.fitting = found.fitting;
  s.states = found.states;
  for (const auto& point : found.points) s.frontier.push_back(shown(point, *c.model));
  if (found.best) s.best = shown(*found.best, *c.model);
  if (found.best_aggregated) s.best_aggregated = shown(*found.best_aggregated, *c.model);
  if (found.best_disaggregated) s.best_disaggregated = shown(*found.best_disaggregated, *c.model);
  if (found.points.empty() && found.nearest_miss) s.infeasible = shortfall(*found.nearest_miss);
}

}  // namespace

std::unique_ptr<CapacityAnswer> capacity(const config::Node& root, const config::DocumentSource& source, const requests::TraceFiles& files, const CapacityOptions& options, config::Diagnostics& diagnostics) {
  Library library(source);
  Case c(root, source, library, files, options);
  if (!read_case(c, diagnostics)) return nullptr;
  auto answer = std::make_unique<CapacityAnswer>();
  const auto found = frontier_of(c);
  answer->scenario = c.scenario;
  describe_case(c, found, answer->subject);
  if (!found.best) {
    answer->subject.unmet = found.points.empty() ? "no layout fits into memory" : "no layout meets the objectives, however few requests are in flight";
    return answer;
  }
  Sizing sizing(c, *found.best, answer->subject, diagnostics);
  if (sizing.search() == 0) answer->subject.unmet = fmt::format("{} chips do not serve this traffic within the objectives", units::grouped(c.chips));
  answer->fleet = sizing.best();
  return answer;
}

bool wants_choice(const config::Node& scenario) {
  const auto* deployment = scenario.find("deployment");
  return deployment && is_automatic(*deployment);
}

std::optional<config::Node> with_deployment(const config::Node& root, const config::DocumentSource& source, Library& library, const requests::TraceFiles& files, const CapacityOptions& options, Choice& choice,
                                            config::Diagnostics& diagnostics) {
  Case c(root, source, library, files, options);
  if (!read_case(c, diagnostics)) return std::nullopt;
  const auto found = frontier_of(c);
  choice.candidates = found.states;
  if (found.points.empty()) {
    if (found.nearest_miss) choice.infeasible = shortfall(*found.nearest_miss);
    return root;
  }
  // Without a layout that meets the objectives, the one that comes nearest for a user.
  const auto& unit = found.best ? *found.best : found.points.front();
  report::CapacitySubject trials;
  Sizing sizing(c, unit, trials, diagnostics);
  auto units = found.best ? sizing.search() : 0;
  if (units == 0) units = std::max<std::int64_t>(1, units_on(unit, c.chips));  // too few chips: all of them
  auto chosen = root;
  put(chosen, "deployment", node_of(unit.deployment, units, unit.prefill_per_decode, *c.model, c.fixed->pool, diagnostics));
  if (diagnostics.has_errors()) return std::nullopt;
  return chosen;
}

}  // namespace zettatwin::api
