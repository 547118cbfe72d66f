// SPDX-License-Identifier: Apache-2.0
#include "api/rate_search.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "api/detail/node_edit.hpp"
#include "api/library.hpp"
#include "api/serve_traffic.hpp"
#include "units/text.hpp"

namespace zettatwin::api {
namespace {

using detail::put;
using detail::scalar;

constexpr double kFine = 0.01;       // of the rate: the judge of saturation sees no less
constexpr double kLongest = 1200;    // seconds of arrivals, unless the scenario says how long
constexpr int kMostTrials = 40;
constexpr double kLeastShare = 1e-3; // of the stated rate
constexpr double kFilling = 5, kRounds = 8;  // times as long as a request takes: until the load is what it stays, and all (docs/math/capacity.md)
constexpr double kMostRequests = 400'000;    // of a simulation whose end is not stated

// A model's traffic: where it is written, and its mean rate.
struct Source {
  config::Node* traffic = nullptr;
  double rate = 0;
};

class RateSearch final {
 public:
  RateSearch(const config::Node& root, const config::DocumentSource& source, Library& library, const requests::TraceFiles& files, const CapacityOptions& options, config::Diagnostics& diagnostics)
      : root_(root), source_(source), library_(library), files_(files), options_(options), diagnostics_(diagnostics), answer_(std::make_unique<CapacityAnswer>()) {}

  std::unique_ptr<CapacityAnswer> run() {
    if (!read()) return nullptr;
    double good = 0, bad = 0, share = 1;
    while (answer_->subject.rates.size() < kMostTrials && !(good > 0 && bad > 0 && bad - good <= kFine * good) && share > kLeastShare) {
      const auto tried = trial(share);
      if (!tried) return nullptr;
      (*tried ? good : bad) = share;
      share = next(good, bad);
    }
    finish(good, bad);
    return std::move(answer_);
  }

 private:
  std::vector<Source> sources(config::Node& root) const {
    std::vector<Source> found;
    if (auto* traffic = root.find("traffic")) found.push_back({traffic, 0});
    if (auto* models = root.find("models"))
      for (auto& model : models->items)
        if (auto* traffic = model.find("traffic")) found.push_back({traffic, 0});
    return found;
  }

  bool read() {
    const auto errors_before = diagnostics_.error_count();
    auto& scenario = answer_->scenario;
    config::read(root_, "scenario", config::FigureForm::bare_allowed, diagnostics_, scenario);
    auto root = root_;
    for (const auto& one : sources(root)) {
      const auto traffic = traffic_from(*one.traffic, 0, {"one"}, scenario.seed, files_, diagnostics_);
      if (!traffic) continue;
      const auto rate = traffic->stream->means().rate.si();
      if (traffic->stream->concurrency() > 0 || !std::isfinite(rate) || rate <= 0)
        diagnostics_.error(one.traffic->where, "the most that a deployment serves is a rate, the traffic has none", "a closed loop offers what is answered", "give a rate, such as rate: 10 requests/s");
      rates_.push_back(rate);
      stated_rate_ += std::isfinite(rate) ? rate : 0;
      diurnal_ |= one.traffic->find("diurnal") != nullptr;
      endless_ |= traffic->endless;
    }
    if (rates_.empty() && diagnostics_.error_count() == errors_before) diagnostics_.error(root_.where, "the scenario lacks 'traffic'", "what is asked for is how much of it the deployment serves", "give --rate or --trace");
    return diagnostics_.error_count() == errors_before;
  }

  // Up from what is good, at first to what the closed form expects; down from what is bad, to what was finished meanwhile.
  double next(double good, double bad) const {
    const auto& last = answer_->subject.rates.back();
    if (good == 0) return bad * std::clamp(last.sustained_per_s / last.offered_per_s, 0.25, 0.95);
    if (bad > 0) return (good + bad) / 2;
    const double expected = last.estimate_per_s > 0 ? last.estimate_per_s / last.offered_per_s : 2;
    return good * std::clamp(expected, 1.1, 4.0);
  }

  // Again while it turns out that a request takes so long that the time was a burst, in which the fleet only filled.
  std::optional<bool> trial(double share) {
    constexpr int kMostLonger = 3;
    constexpr double kMuchLonger = 1.25;
    auto good = run(share);
    for (int i = 0; good && i < kMostLonger && steady_ && wanted(share) > kMuchLonger * static_cast<double>(last_requests_); ++i) {
      answer_->subject.rates.pop_back();
      good = run(share);
    }
    return good;
  }

  // Requests that show what a longer time would, as far as is known how long one takes.
  [[nodiscard]] double wanted(double share) const { return std::min(kMostRequests, std::min(kRounds * request_s_, longest()) * stated_rate_ * share); }
  [[nodiscard]] double longest() const { return answer_->scenario.duration.si() > 0 ? answer_->scenario.duration.si() : kLongest; }

  std::optional<bool> run(double share) {
    auto root = root_;
    double offered = 0;
    const auto all = sources(root);
    for (std::size_t i = 0; i < all.size(); ++i) {
      put(*all[i].traffic, "rate", scalar(fmt::format("{:.9g} requests/s", rates_[i] * share)));
      if (auto* trace = all[i].traffic->find("trace")) std::erase_if(trace->entries, [](const config::Entry& e) { return e.key == "rate_scale"; });
      offered += rates_[i] * share;
    }
    const auto& scenario = answer_->scenario;
    // Of traffic that is alike all the time, so many requests show what a longer time would, and fewer would be a burst at high rates: as many as are stated, or
    // come at the stated rate in the stated time, or as other searches take.
    const auto least = std::max({options_.sample_requests, scenario.requests, static_cast<std::int64_t>(std::llround(stated_rate_ * scenario.duration.si()))});
    const auto requests = std::max(least, static_cast<std::int64_t>(std::ceil(wanted(share))));
    const bool alike = endless_ && !diurnal_;
    steady_ = alike && scenario.requests == 0;
    if (steady_) put(root, "duration", scalar(fmt::format("{:.17g} s", std::min(longest(), static_cast<double>(requests) / offered))));
    else if (alike) put(root, "requests", scalar(fmt::format("{}", requests)));
    else if (endless_ && scenario.duration.si() == 0 && scenario.requests == 0) put(root, "duration", scalar(fmt::format("{} s", kLongest)));
    if (steady_ && request_s_ > 0 && scenario.warm_up.si() == 0 && scenario.warm_up_requests == 0)
      put(root, "warm_up", scalar(fmt::format("{:.17g} s", std::min(kFilling * request_s_, kFilling / kRounds * static_cast<double>(requests) / offered))));
    const ServeOptions options{.on_request = {}, .on_progress = {}, .timeline_instances = 0, .series = answer_->subject.rates.empty(), .max_backlog = alike ? hopeless_backlog(requests) : 0};
    auto fleet = serve(root, source_, library_, files_, options, diagnostics_);
    if (!fleet) return std::nullopt;
    auto& subject = answer_->subject;
    const auto& result = fleet->subject.result;
    last_requests_ = requests;
    if (result.judgement.verdict == fleet::Verdict::stable && result.all.e2e.count > 0) request_s_ = result.all.e2e.mean.value;
    report::RateTrial trial{.offered_per_s = offered, .sustained_per_s = offered, .estimate_per_s = fleet->subject.sustainable_per_s, .good = false, .verdict = "infeasible", .attainment = result.all.slo_attainment.value,
                            .ttft_p99 = result.all.ttft.p99.value, .tpot_p99 = result.all.tpot.p99.value, .output_tokens_per_s = result.all.output_tokens_per_s.value,
                            .output_tokens_per_s_per_chip = result.all.output_tokens_per_s_per_chip.value};
    if (fleet->subject.feasible()) {
      const bool stable = result.judgement.verdict == fleet::Verdict::stable;
      const bool seen = !result.judgement.too_short;  // a burst that batches have room for says nothing about a rate
      trial.verdict = !stable ? "saturated" : seen ? "stable" : "too short";
      if (!stable) trial.sustained_per_s = std::min(offered, result.judgement.sustainable_per_s > 0 ? result.judgement.sustainable_per_s : fleet->subject.sustainable_per_s);
      else if (!seen) trial.sustained_per_s = std::min(offered, fleet->subject.sustainable_per_s);
      trial.good = stable && seen && trial.attainment >= options_.attainment;
    }
    if (options_.on_progress) options_.on_progress(fmt::format("{:.4g} requests/s: {}, {:.2f} % of requests meet the objectives", offered, trial.verdict, 100 * trial.attainment));
    subject.rates.push_back(trial);
    if (subject.rates.size() == 1 || trial.good) describe(*fleet);
    if (!fleet->subject.feasible()) subject.infeasible = fleet->subject.infeasible;
    if (trial.good && (!subject.most || trial.offered_per_s > subject.most->offered_per_s)) {
      subject.most = trial;
      answer_->fleet = std::move(fleet);
    }
    return trial.good;
  }

  void describe(const ServeAnswer& fleet) {
    auto& s = answer_->subject;
    s.title = fleet.subject.title;
    s.machine = fleet.subject.machine;
    s.machine_title = fleet.subject.machine_title;
    s.model.clear();
    for (const auto& model : fleet.subject.models) s.model += (s.model.empty() ? "" : "; ") + model;
    s.software = fleet.subject.software;
    s.traffic = fleet.subject.traffic;
    s.deployment = fleet.subject.deployment;
    s.weights_as_published = fleet.subject.weights_as_published;
    s.chips = fleet.subject.chips;
    s.input = std::llround(fleet.subject.result.all.input_tokens_mean);
    s.output = std::llround(fleet.subject.result.all.output_tokens_mean);
    s.slo = fleet.scenario.slo;
    s.attainment = options_.attainment;
  }

  void finish(double good, double bad) {
    auto& s = answer_->subject;
    if (s.infeasible) s.unmet = "the deployment cannot start";
    else if (good == 0) s.unmet = "the objectives are missed, however little is asked";
    else if (bad == 0 || bad - good > kFine * good) s.unmet = fmt::format("no limit was found in {} simulations", s.rates.size());
  }

  const config::Node& root_;
  const config::DocumentSource& source_;
  Library& library_;
  const requests::TraceFiles& files_;
  const CapacityOptions& options_;
  config::Diagnostics& diagnostics_;
  std::unique_ptr<CapacityAnswer> answer_;
  std::vector<double> rates_;  // stated, by model
  double stated_rate_ = 0;     // their sum, per second
  bool endless_ = false, diurnal_ = false;
  bool steady_ = false;            // alike all the time, no number of requests stated
  double request_s_ = 0;           // that a request takes, in the last trial that kept up; 0: unknown
  std::int64_t last_requests_ = 0;
};

bool has_sizes(const config::Node& deployment) {
  constexpr std::array<const char*, 9> kSizes{"tp", "pp", "dp", "ep", "instances", "ffn_chips", "prefill", "decode", "pools"};
  return deployment.kind == config::Node::Kind::sequence || std::any_of(kSizes.begin(), kSizes.end(), [&](const char* key) { return deployment.find(key) != nullptr; });
}

}  // namespace

bool states_sizes(const config::Node& scenario) {
  if (wants_choice(scenario)) return false;
  if (scenario.find("models")) return true;
  const auto* deployment = scenario.find("deployment");
  return deployment && has_sizes(*deployment);
}

std::unique_ptr<CapacityAnswer> highest_rate(const config::Node& scenario, const config::DocumentSource& source, Library& library, const requests::TraceFiles& files, const CapacityOptions& options,
                                             config::Diagnostics& diagnostics) {
  return RateSearch(scenario, source, library, files, options, diagnostics).run();
}

}  // namespace zettatwin::api
