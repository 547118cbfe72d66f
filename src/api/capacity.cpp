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

// A fleet of so many units of the deployment.
inference::Deployment fleet_of(const inference::Deployment& unit, const capacity::FleetSize& size) {
  auto fleet = unit;
  for (auto& pool : fleet.pools) pool.instances = pool.role == inference::Role::prefill ? size.prefill : size.units;
  return fleet;
}
// As a document.
config::Node node_of(const inference::Deployment& unit, const capacity::FleetSize& size, const model::Architecture& model, const config::Node& fixed, config::Diagnostics& diagnostics) {
  auto node = plan::parse_plan_text(inference::text_of(fleet_of(unit, size), model), "deployment", diagnostics);
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

// What the layouts can do at best.
std::string quickest(const capacity::Frontier& found) {
  if (found.points.empty()) return "";
  const auto least = [&](units::Seconds capacity::Point::* of) { return units::human((*std::min_element(found.points.begin(), found.points.end(), [&](const auto& a, const auto& b) { return a.*of < b.*of; })).*of, 3); };
  return fmt::format(": at least {} to the first token, {} per token after it", least(&capacity::Point::ttft), least(&capacity::Point::tpot));
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
    root_ = c.root;
    const auto& laws = c.scenario.one.traffic;
    unlimited_ = c.traffic->endless && c.scenario.duration.si() == 0 && c.scenario.requests == 0;
    steady_ = traffic_.concurrency == 0 && !laws.find("trace") && (!laws.find("diurnal") || unlimited_);
    if (laws.find("diurnal") && unlimited_) size_for_peak(*laws.find("diurnal"));
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
  static constexpr double kFilling = 5, kRounds = 8;  // times as long as a request takes: until the load is what it stays, and all
  static constexpr double kMostRequests = 100'000;    // of a simulation of unlimited traffic: of more, a part of the fleet
  static constexpr double kFewestPrefill = 8;         // instances of a part, so that cutting them to whole ones costs little
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
    good = fewest(bad, good, [&](std::int64_t n) { return is_good(unit, n); });
    if (unit.disaggregated()) trim(unit, capacity::fleet_of(unit, traffic_, good));
  }

  // Whole instances share the traffic otherwise than fractions of them: fewer of one role, as many of the other.
  void trim(const capacity::Point& unit, capacity::FleetSize size) {
    const auto with = [&](std::int64_t capacity::FleetSize::* role, std::int64_t n) {
      auto fleet = size;
      fleet.*role = n;
      return capacity::with_chips(unit, fleet);
    };
    for (const auto role : {&capacity::FleetSize::prefill, &capacity::FleetSize::units})
      size = with(role, fewest(0, size.*role, [&](std::int64_t n) { return is_good(unit, with(role, n)); }));
  }

  // Between a number that is not good, or zero, and one that is.
  template <class Good>
  static std::int64_t fewest(std::int64_t bad, std::int64_t good, Good is_good) {
    while (good - bad > std::max<std::int64_t>(1, good / 64)) {
      const auto middle = bad + (good - bad) / 2;
      (is_good(middle) ? good : bad) = middle;
    }
    return good;
  }

  [[nodiscard]] config::Node document(const capacity::Point& unit, const capacity::FleetSize& size) { return node_of(unit.deployment, size, *c_.model, c_.fixed->fields, diagnostics_); }
  [[nodiscard]] config::Node document(const capacity::Point& unit, std::int64_t units) { return document(unit, capacity::fleet_of(unit, traffic_, units)); }

  // Traffic without an end and with a daily rhythm: the fleet must bear the highest rate, all the time.
  void size_for_peak(const config::Node& diurnal) {
    const auto* peak = diurnal.find("peak_to_mean");
    traffic_.requests_per_s *= peak ? config::as_number(*peak).value_or(1) : 1;
    auto* laws = root_.find("traffic");
    std::erase_if(laws->entries, [](const config::Entry& e) { return e.key == "diurnal"; });
    put(*laws, "rate", scalar(fmt::format("{:.17g} requests/s", traffic_.requests_per_s)));
  }

  // Requests that show what a longer run would, of traffic that is alike all the time. A fleet fills like exp(-t / (E T / T0)): E one request's time, T its TPOT, T0 that of a
  // request alone (docs/math/capacity.md).
  [[nodiscard]] double request_s(const capacity::Point& unit) const { return std::min(kLongest / kRounds, (unit.ttft + unit.tpot * static_cast<double>(c_.output - 1)).si()); }
  [[nodiscard]] std::int64_t sample(const capacity::Point& unit) const {
    double seconds = kRounds * request_s(unit);
    for (const auto& failure : c_.scenario.failures) seconds = std::max(seconds, std::min(kLongest, (failure.spec.at + failure.spec.duration).si() + kRounds * request_s(unit)));
    const double needed = steady_ ? seconds * traffic_.requests_per_s : 0;
    return std::max(c_.options.sample_requests, static_cast<std::int64_t>(std::ceil(needed)));
  }

  bool is_good(const capacity::Point& unit, std::int64_t units) { return is_good(unit, capacity::fleet_of(unit, traffic_, units)); }
  // A part of a longer run shows what is hopeless: its backlog only grows with more of it.
  bool is_good(const capacity::Point& unit, const capacity::FleetSize& size) {
    const auto some = sample(unit);
    if (unlimited_) return is_good(unit, size, some, true);
    return (!steady_ || requests_ < 2 * some || is_good(unit, size, some, false)) && is_good(unit, size, requests_, true);
  }

  // The part of the fleet and of its traffic that is simulated, where all of it would take long: whole units with the share of the traffic that each would have.
  struct Part {
    capacity::FleetSize size;
    double share = 1;
  };
  [[nodiscard]] Part part_of(const capacity::FleetSize& size, std::int64_t requests) const {
    const double all = static_cast<double>(traffic_.concurrency > 0 ? requests_ : requests);
    if (!unlimited_ || all <= kMostRequests || !c_.scenario.failures.empty() || !c_.scenario.autoscaling.empty()) return {size, 1};
    const double units = static_cast<double>(size.units), least = std::max(units * kMostRequests / all, size.prefill > 0 ? units * kFewestPrefill / static_cast<double>(size.prefill) : 1.0);
    const double kept = std::min(units, std::ceil(least)), share = kept / units;
    if (share == 1) return {size, 1};
    auto part = size;
    part.units = static_cast<std::int64_t>(kept);
    if (size.prefill > 0) part.prefill = std::max<std::int64_t>(1, static_cast<std::int64_t>(static_cast<double>(size.prefill) * share));
    return {part, share};
  }

  // What is asked of a part of the fleet.
  [[nodiscard]] config::Node question(const capacity::Point& unit, const Part& part, std::int64_t requests) {
    auto root = root_;
    put(root, "deployment", document(unit, part.size));
    if (part.share < 1) {
      auto& laws = *root.find("traffic");
      if (traffic_.concurrency > 0) put(laws, "concurrency", scalar(fmt::format("{}", users_of(part))));
      else put(laws, "rate", scalar(fmt::format("{:.17g} requests/s", traffic_.requests_per_s * part.share)));
    }
    const bool open = traffic_.concurrency == 0;
    if (unlimited_ && open) put(root, "duration", scalar(fmt::format("{:.17g} s", std::min(kLongest, static_cast<double>(requests) / traffic_.requests_per_s))));
    else if (open && requests < requests_) put(root, "requests", scalar(fmt::format("{}", requests)));
    if (c_.scenario.warm_up.si() > 0 || c_.scenario.warm_up_requests > 0) return root;
    // All users start at once; that round says nothing of the time after it. Neither does the time in which a fleet fills.
    if (!open) put(root, "warm_up_requests", scalar(fmt::format("{}", users_of(part))));
    else if (unlimited_) put(root, "warm_up", scalar(fmt::format("{:.17g} s", kFilling * request_s(unit))));
    return root;
  }
  [[nodiscard]] std::int64_t users_of(const Part& part) const { return std::max<std::int64_t>(1, std::llround(static_cast<double>(traffic_.concurrency) * part.share)); }

  // Whether this many requests are answered well. The result is kept where it is the last word on the fleet.
  bool is_good(const capacity::Point& unit, const capacity::FleetSize& size, std::int64_t requests, bool last_word) {
    const auto part = part_of(size, requests);
    const auto root = question(unit, part, requests);
    const auto simulated = static_cast<std::int64_t>(static_cast<double>(requests) * part.share);
    const ServeOptions options{.on_request = {}, .on_progress = {}, .timeline_instances = 0, .series = false, .max_backlog = steady_ && requests >= c_.options.sample_requests ? hopeless_backlog(simulated) : 0};
    auto answer = serve(root, c_.source, c_.library, c_.files, options, diagnostics_);
    if (!answer) return false;
    const auto& r = answer->subject.result;
    report::CapacityTrial trial{.deployment = inference::text_of(fleet_of(unit.deployment, size), *c_.model), .units = size.units, .chips = size.chips, .good = false, .verdict = "", .attainment = r.all.slo_attainment.value,
                                .output_tokens_per_s = r.all.output_tokens_per_s.value / part.share, .share = part.share};
    trial.verdict = !answer->subject.feasible() ? "infeasible" : r.judgement.verdict == fleet::Verdict::stable ? "stable" : "saturated";
    trial.good = trial.verdict == "stable" && trial.attainment >= c_.options.attainment;
    if (r.cut_short) trial.attainment = trial.output_tokens_per_s = std::nan("");  // of the few that ended, which says nothing
    if (trial.good && !last_word) return true;
    if (c_.options.on_progress) c_.options.on_progress(r.cut_short ? fmt::format("{} chips: {}", units::grouped(trial.chips), trial.verdict) : fmt::format("{} chips: {}, {:.2f} % of requests meet the objectives", units::grouped(trial.chips), trial.verdict, 100 * trial.attainment));
    subject_.trials.push_back(trial);
    if (trial.good && (!subject_.needed || trial.chips < subject_.needed->chips)) {
      subject_.needed = trial;
      deployment_ = document(unit, size);
      if (part.share == 1) answer_ = std::move(answer);
      else answer_.reset();
    }
    return trial.good;
  }

  const Case& c_;
  report::CapacitySubject& subject_;
  config::Diagnostics& diagnostics_;
  config::Node root_;           // the question, with the traffic that fleets are sized for
  capacity::Traffic traffic_;
  bool unlimited_ = false;      // the question does not say when the traffic ends
  bool steady_ = false;         // traffic that is alike all the time
  std::int64_t requests_ = 0;   // of a simulation, about; of unlimited traffic at least
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
    answer->subject.unmet = found.points.empty() && found.nearest_miss ? "no layout fits into memory" : found.points.empty() ? "no layout suits model and machine" : "no layout meets the objectives, however few requests are in flight" + quickest(found);
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
