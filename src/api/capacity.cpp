// SPDX-License-Identifier: Apache-2.0
#include "api/capacity.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "api/detail/node_edit.hpp"
#include "api/detail/positions.hpp"
#include "api/library.hpp"
#include "api/rate_search.hpp"
#include "api/serve_traffic.hpp"
#include "capacity/fleet_size.hpp"
#include "plan/plan.hpp"
#include "units/text.hpp"

namespace zettatwin::api {
namespace {

using detail::put;
using detail::scalar;

constexpr double kLongest = 1200;  // seconds of arrivals while a size is sought, unless the scenario says how long

bool absent(const config::Node& node) { return node.kind == config::Node::Kind::null; }

// A deployment that is left to the program: nothing, auto, or {automatic: true, weights: fp8, ...}.
bool is_automatic(const config::Node& node) {
  if (node.kind == config::Node::Kind::scalar) return node.text == "auto";
  const auto* word = node.find("automatic");
  return word && config::as_boolean(*word).value_or(false);
}

// What stays as it is in every layout: formats, software, engine settings.
struct Fixed {
  config::Node fields;  // as they were written
  inference::Pool pool;
  std::optional<inference::Pool> narrower;  // for a model that does not fit as it is published
  inference::Software software;
  bool aggregated = true, disaggregated = true;
};

std::optional<Fixed> fixed_of(const ServeModel& model, const config::DocumentSource& source, config::Diagnostics& diagnostics) {
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
  fixed.fields = fields;
  fixed.pool = deployment->pools.front();
  fixed.software = std::move(*software);
  return fixed;
}

// With FP8 for all that is published wider; nothing if the format is stated, the checkpoint is as narrow, or the chip does not multiply FP8.
std::optional<inference::Pool> narrower(const inference::Pool& pool, const model::Architecture& model, const hardware::Chip& chip) {
  using inference::Format;
  auto out = inference::with_published_formats(pool, model);
  if (pool.weights != Format::published || out.weights != Format::bf16 || chip.peak(hardware::Precision::fp8).si() <= 0) return std::nullopt;
  out.weights = Format::fp8;
  return out;
}

// A fleet of so many units of the deployment as a document.
config::Node node_of(const inference::Deployment& unit, const capacity::FleetSize& size, const model::Architecture& model, const config::Node& fixed, config::Diagnostics& diagnostics) {
  auto fleet = unit;
  for (auto& pool : fleet.pools) pool.instances = pool.role == inference::Role::prefill ? size.prefill : size.units;
  auto node = plan::parse_plan_text(inference::text_of(fleet, model), "deployment", diagnostics);
  for (const auto& entry : fixed.entries)
    if (!node.find(entry.key)) node.entries.push_back(entry);
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
  c.fixed = fixed_of(scenario.one, c.source, diagnostics);
  if (diagnostics.error_count() != errors_before) return false;
  c.fixed->narrower = narrower(c.fixed->pool, *c.model, c.machine->chip);
  c.chips = scenario.chips > 0 ? scenario.chips : c.machine->chips();
  const auto means = c.traffic->stream->means();
  if (std::isfinite(means.input)) c.input = std::max<std::int64_t>(1, std::llround(means.input));
  if (std::isfinite(means.output)) c.output = std::max<std::int64_t>(1, std::llround(means.output));
  return true;
}

capacity::Question question_of(const Case& c) {
  return {.machine = *c.machine, .model = *c.model, .software = c.fixed->software, .chips = c.chips, .input = c.input, .output = c.output, .slo = c.scenario.slo, .base = c.fixed->pool,
                             .aggregated = c.fixed->aggregated, .disaggregated = c.fixed->disaggregated};
}
// As the model is published; narrower if that fits in no layout.
struct Searched {
  capacity::Frontier frontier;
  bool narrowed = false;
};
Searched frontier_of(const Case& c) {
  auto question = question_of(c);
  auto found = capacity::frontier(question);
  if (!found.points.empty() || !found.nearest_miss || !c.fixed->narrower) return {std::move(found)};
  question.base = *c.fixed->narrower;
  auto again = capacity::frontier(question);
  if (again.points.empty()) return {std::move(found)};
  return {std::move(again), true};
}

report::ServingShortfall shortfall(const inference::DoesNotFit& miss) {
  return {.limit = "memory", .role = miss.role, .part = miss.part, .needed = miss.needed, .available = miss.available, .reason = "no layout fits: " + miss.reason, .suggestions = miss.suggestions};
}

// Fleets of several layouts and sizes under the same traffic.
class Sizing final {
 public:
  Sizing(const Case& c, report::CapacitySubject& subject, config::Diagnostics& diagnostics) : c_(c), subject_(subject), diagnostics_(diagnostics) {
    const auto& stream = *c.traffic->stream;
    const auto means = stream.means();
    traffic_ = {.requests_per_s = std::isfinite(means.rate.si()) ? means.rate.si() : 0, .concurrency = stream.concurrency(), .output = c.output};
    const auto& laws = c.scenario.one.traffic;
    steady_ = traffic_.concurrency == 0 && !laws.find("trace") && !laws.find("diurnal");
    double expected = stream.size() ? static_cast<double>(*stream.size()) : kUnlimited;
    if (c.scenario.duration.si() > 0 && traffic_.requests_per_s > 0) expected = std::min(expected, traffic_.requests_per_s * c.scenario.duration.si());
    if (c.scenario.requests > 0) expected = std::min(expected, static_cast<double>(c.scenario.requests));
    requests_ = expected < kUnlimited ? static_cast<std::int64_t>(expected) : c.options.sample_requests;
  }

  // The smallest fleet that is good, of the layouts that look smallest; false if none is.
  bool search(const std::vector<capacity::Point>& states) {
    const auto order = capacity::smallest_first(states, traffic_, c_.chips);
    for (std::size_t i = 0; i < order.size() && i < kMostLayouts; ++i) {
      if (subject_.needed && capacity::fleet_of(order[i], traffic_, capacity::units_needed(order[i], traffic_)).chips >= subject_.needed->chips) break;
      search(order[i]);
    }
    return subject_.needed.has_value();
  }

  // All of the chips for the layout with the most per chip; without one that meets the objectives, for the one that comes nearest for a user.
  [[nodiscard]] config::Node most(const capacity::Frontier& found) {
    auto states = found.best ? found.fullest : found.points;
    std::erase_if(states, [&](const capacity::Point& state) { return capacity::units_on(state, traffic_, c_.chips) == 0; });
    if (states.empty()) return document(found.best ? *found.best : found.points.front(), 1);
    const auto& unit = found.best ? *std::max_element(states.begin(), states.end(), [](const auto& a, const auto& b) { return a.per_chip() < b.per_chip(); }) : states.front();
    return document(unit, capacity::units_on(unit, traffic_, c_.chips));
  }
  [[nodiscard]] const config::Node& deployment() const { return deployment_; }
  [[nodiscard]] std::unique_ptr<ServeAnswer> best() { return std::move(answer_); }

 private:
  static constexpr std::size_t kMostLayouts = 8;  // that are simulated
  static constexpr double kUnlimited = 1e18;
  static constexpr double kBeyond = 1.5;          // states are sqrt(2) apart: the layout may answer that much more than the one that was priced

  // The fewest units of one layout that are good and need fewer chips than what is known.
  void search(const capacity::Point& unit) {
    const auto most = capacity::units_on(unit, traffic_, subject_.needed ? subject_.needed->chips - 1 : c_.chips);
    if (most < 1) return;
    const auto least = std::min(capacity::units_needed(unit, traffic_), most);
    std::int64_t good = 0, bad = static_cast<std::int64_t>(static_cast<double>(least) / kBeyond);
    for (auto n = least; good == 0;) {
      if (is_good(unit, n)) good = n;
      else if (n == most) return;
      else bad = n, n = std::min(most, std::max(n + 1, n + (n - least + 1) + n / 8));
    }
    while (good - bad > std::max<std::int64_t>(1, good / 64)) {
      const auto middle = bad + (good - bad) / 2;
      (is_good(unit, middle) ? good : bad) = middle;
    }
  }

  [[nodiscard]] config::Node document(const capacity::Point& unit, std::int64_t units) {
    return node_of(unit.deployment, capacity::fleet_of(unit, traffic_, units), *c_.model, c_.fixed->fields, diagnostics_);
  }

  // Of traffic that is alike all the time a short run shows what is hopeless: its backlog only grows with more of it.
  bool is_good(const capacity::Point& unit, std::int64_t units) {
    const auto sample = c_.options.sample_requests;
    return (!steady_ || requests_ < 2 * sample || is_good(unit, units, sample)) && is_good(unit, units, requests_);
  }

  bool is_good(const capacity::Point& unit, std::int64_t units, std::int64_t requests) {
    auto root = c_.root;
    put(root, "deployment", document(unit, units));
    const bool unlimited = c_.traffic->endless && c_.scenario.duration.si() == 0 && c_.scenario.requests == 0;
    if (unlimited) put(root, "duration", scalar(fmt::format("{} s", kLongest)));
    if (unlimited || requests < requests_) put(root, "requests", scalar(fmt::format("{}", requests)));
    // All users start at once; that round says nothing of the time after it.
    if (const auto users = traffic_.concurrency; users > 0 && c_.scenario.warm_up.si() == 0 && c_.scenario.warm_up_requests == 0) put(root, "warm_up_requests", scalar(fmt::format("{}", users)));
    const ServeOptions options{.on_request = {}, .on_progress = {}, .timeline_instances = 0, .series = false, .max_backlog = steady_ && requests >= c_.options.sample_requests ? hopeless_backlog(requests) : 0};
    auto answer = serve(root, c_.source, c_.library, c_.files, options, diagnostics_);
    if (!answer) return false;
    const auto& r = answer->subject.result;
    report::CapacityTrial trial{.deployment = answer->subject.deployment, .units = units, .chips = answer->subject.chips, .good = false, .verdict = "", .attainment = r.all.slo_attainment.value, .output_tokens_per_s = r.all.output_tokens_per_s.value};
    trial.verdict = !answer->subject.feasible() ? "infeasible" : r.judgement.verdict == fleet::Verdict::stable ? "stable" : "saturated";
    trial.good = trial.verdict == "stable" && trial.attainment >= c_.options.attainment;
    if (r.cut_short) trial.attainment = trial.output_tokens_per_s = std::nan("");  // of the few that ended, which says nothing
    if (trial.good && requests < requests_) return true;
    if (c_.options.on_progress) c_.options.on_progress(r.cut_short ? fmt::format("{} chips: {}", units::grouped(trial.chips), trial.verdict) : fmt::format("{} chips: {}, {:.2f} % of requests meet the objectives", units::grouped(trial.chips), trial.verdict, 100 * trial.attainment));
    subject_.trials.push_back(trial);
    if (trial.good && (!subject_.needed || trial.chips < subject_.needed->chips)) {
      subject_.needed = trial;
      deployment_ = document(unit, units);
      answer_ = std::move(answer);
    }
    return trial.good;
  }

  const Case& c_;
  report::CapacitySubject& subject_;
  config::Diagnostics& diagnostics_;
  capacity::Traffic traffic_;
  bool steady_ = false;         // traffic that is alike all the time
  std::int64_t requests_ = 0;   // of a simulation, about
  config::Node deployment_;
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
  inference::Deployment base;
  base.pools = {c.fixed->pool};
  s.weights_as_published = inference::weights_as_published(found.points.empty() ? base : found.points.front().deployment, *c.model);
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
  if (states_sizes(root)) return highest_rate(root, source, library, files, options, diagnostics);
  Case c(root, source, library, files, options);
  if (!read_case(c, diagnostics)) return nullptr;
  detail::warn_of_positions(*c.model, c.input + c.output, "a mean request has", c.scenario.one.traffic.where, diagnostics);
  auto answer = std::make_unique<CapacityAnswer>();
  const auto [found, narrowed] = frontier_of(c);
  answer->scenario = c.scenario;
  describe_case(c, found, answer->subject);
  answer->subject.narrowed = narrowed;
  if (!found.best) {
    answer->subject.unmet = found.points.empty() && found.nearest_miss ? "no layout fits into memory" : found.points.empty() ? "no layout suits model and machine" : "no layout meets the objectives, however few requests are in flight";
    return answer;
  }
  Sizing sizing(c, answer->subject, diagnostics);
  if (!sizing.search(found.fullest)) answer->subject.unmet = fmt::format("{} chips do not serve this traffic within the objectives", units::grouped(c.chips));
  answer->fleet = sizing.best();
  return answer;
}

bool wants_choice(const config::Node& scenario) {
  const auto* deployment = scenario.find("deployment");
  return deployment && is_automatic(*deployment);
}

std::optional<config::Node> with_smallest_instance(const config::Node& root, const config::DocumentSource& source, Library& library, const requests::TraceFiles& files, config::Diagnostics& diagnostics) {
  const CapacityOptions none{.on_progress = {}};
  Case c(root, source, library, files, none);
  if (!read_case(c, diagnostics)) return std::nullopt;
  auto question = question_of(c);
  auto pool = capacity::smallest_instance(question);
  if (!pool && c.fixed->narrower) {
    question.base = *c.fixed->narrower;
    pool = capacity::smallest_instance(question);
  }
  if (!pool) return std::nullopt;
  pool->instances = 0;
  inference::Deployment deployment;
  deployment.pools = {*pool};
  auto chosen = root;
  put(chosen, "deployment", plan::parse_plan_text(inference::text_of(deployment, *c.model), "deployment", diagnostics));
  return chosen;
}

std::optional<config::Node> with_deployment(const config::Node& root, const config::DocumentSource& source, Library& library, const requests::TraceFiles& files, const CapacityOptions& options, Choice& choice,
                                            config::Diagnostics& diagnostics) {
  Case c(root, source, library, files, options);
  if (!read_case(c, diagnostics)) return std::nullopt;
  const auto [found, narrowed] = frontier_of(c);
  choice.candidates = found.states;
  choice.narrowed = narrowed;
  if (found.points.empty()) {
    if (!found.nearest_miss) {
      diagnostics.error(root.where, fmt::format("no layout was found that serves {} on {} chips of {}", c.model->name, c.chips, c.machine->name), "instances are tried in powers of two and whole units of the machine",
                        "write the deployment's sizes, such as {tp: 8}");
      return std::nullopt;
    }
    choice.infeasible = shortfall(*found.nearest_miss);
    return root;
  }
  report::CapacitySubject trials;
  Sizing sizing(c, trials, diagnostics);
  auto chosen = root;
  put(chosen, "deployment", sizing.search(found.fullest) ? sizing.deployment() : sizing.most(found));
  if (diagnostics.has_errors()) return std::nullopt;
  return chosen;
}

}  // namespace zettatwin::api
