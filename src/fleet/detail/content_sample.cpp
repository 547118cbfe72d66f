// SPDX-License-Identifier: Apache-2.0
#include "fleet/detail/content_sample.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/contract.hpp"
#include "fleet/detail/alone_run.hpp"
#include "fleet/detail/divided.hpp"
#include "fleet/detail/global_run.hpp"
#include "fleet/detail/judge.hpp"

namespace zettatwin::fleet {

using units::Picoseconds;

namespace {

constexpr double kWays = 2;                   // that the requests of a part are played: together, and halved
constexpr double kOddLoad = 0.02;             // by which instances of a part may have more or less to do than those of the fleet, because they are whole
constexpr std::int64_t kLeastBacklog = 10'000;

// Instances of a half of a part.
std::int64_t halved(std::int64_t instances, std::int64_t divisor) { return std::max<std::int64_t>(1, std::llround(static_cast<double>(instances) / static_cast<double>(2 * divisor))); }

// How far the load of an instance is off where pools are divided and halved into whole instances.
double odd_load(const FleetSpec& spec, std::int64_t divisor) {
  double worst = 0;
  for (const PoolSpec& pool : spec.pools) {
    const auto half = static_cast<double>(halved(pool.instances, divisor));
    worst = std::max(worst, std::abs(2 * half * static_cast<double>(divisor) / static_cast<double>(pool.instances) - 1));
  }
  return worst;
}

// Who watches sees the parts, one after the other, as one fleet.
class Watch final {
 public:
  Watch(const FleetSpec& spec, std::int64_t parts) : spec_(spec), parts_(parts) {}
  void tell(FleetSpec& part, std::int64_t i) {
    std::int64_t members = 0;
    for (const PoolSpec& pool : part.pools) members += pool.instances;
    if (spec_.on_request)
      part.on_request = [this, i, members](RequestRecord record) {
        record.number = record.number * static_cast<std::uint64_t>(parts_) + static_cast<std::uint64_t>(i);
        if (record.instance >= 0) record.instance += static_cast<std::int32_t>(i * members);
        if (record.decode_instance >= 0) record.decode_instance += static_cast<std::int32_t>(i * members);
        spec_.on_request(record);
      };
    follow(part, static_cast<double>(i), 0.5);
  }
  void keep_quiet(FleetSpec& half, std::int64_t i, std::int64_t h) {
    half.on_request = nullptr;
    follow(half, static_cast<double>(i) + 0.5 + 0.25 * static_cast<double>(h), 0.25);
  }

 private:
  void follow(FleetSpec& part, double before, double share) {
    if (!spec_.on_progress) return;
    part.on_progress = [this, before, share](Progress progress) {
      progress.share = (before + share * progress.share) / static_cast<double>(parts_);
      spec_.on_progress(progress);
    };
  }
  const FleetSpec& spec_;
  std::int64_t parts_;
};

// Parts one after the other, gathered as groups of one fleet.
class Gathered final {
 public:
  Gathered(const FleetSpec& whole, std::int64_t parts) : whole_(whole), books_(whole, whole.models(), static_cast<std::size_t>(parts)) {
    for (const PoolSpec& pool : whole.pools) totals_.emplace_back(pool, true);
  }
  void play(const FleetSpec& part) {
    GlobalRun run(part);
    results_.push_back(run.run());
    run.add_to(totals_);
    books_.absorb(group_++, run.books());
    end_ = std::max(end_, run.end());
    cut_short_ = cut_short_ || results_.back().cut_short;
    for (std::size_t p = 0; p < part.pools.size(); ++p) instances_[p] += part.pools[p].instances;
  }
  // `factor`: requests of the fleet for one that was simulated.
  [[nodiscard]] FleetResult result(double factor) const;
  // The mean time of a step, of the pools of such a role that have the longest.
  template <class F>
  [[nodiscard]] double step_s(const FleetResult& r, F&& of) const {
    double longest = 0;
    for (std::size_t p = 0; p < r.pools.size(); ++p)
      if (of(whole_.pools[p].role) && r.pools[p].steps > 0)
        longest = std::max(longest, r.pools[p].utilisation * static_cast<double>(instances_[p]) * (r.measured_to_s - r.measured_from_s) / static_cast<double>(r.pools[p].steps));
    return longest;
  }
  [[nodiscard]] std::int64_t instances() const { return std::accumulate(instances_.begin(), instances_.end(), std::int64_t{0}); }

 private:
  [[nodiscard]] TransferResult transfer(std::size_t index) const;
  [[nodiscard]] FailureResult failure(std::size_t index) const;
  [[nodiscard]] CachePoolResult cache_pool() const;
  // Of the whole fleet from those of its parts, each over its own time: they do not end together. `of`: the metrics of a part.
  template <class F>
  void rates(Metrics& m, double divisor, double chips, F&& of) const;
  // The mean over all parts.
  template <class F>
  [[nodiscard]] double mean(F&& f) const {
    double sum = 0;
    for (const FleetResult& r : results_) sum += f(r);
    return sum / static_cast<double>(results_.size());
  }
  template <class F>
  [[nodiscard]] LatencySummary weighted(F&& f) const;

  const FleetSpec& whole_;
  Books books_;
  std::vector<PoolTotals> totals_;
  std::vector<FleetResult> results_;
  std::vector<std::int64_t> instances_ = std::vector<std::int64_t>(whole_.pools.size());
  std::size_t group_ = 0;
  Picoseconds end_;
  bool cut_short_ = false;
};

// Mean and percentiles of parts, weighted by their counts.
template <class F>
LatencySummary Gathered::weighted(F&& f) const {
  LatencySummary s;
  for (const FleetResult& r : results_) {
    const LatencySummary& one = f(r);
    if (one.count == 0) continue;
    s.least = s.count == 0 ? one.least : std::min(s.least, one.least);
    s.greatest = std::max(s.greatest, one.greatest);
    s.count += one.count;
    const double share = static_cast<double>(one.count) / static_cast<double>(s.count);
    for (auto member : {&LatencySummary::mean, &LatencySummary::p50, &LatencySummary::p90, &LatencySummary::p95, &LatencySummary::p99})
      (s.*member).value += share * ((one.*member).value - (s.*member).value);
  }
  return s;
}

TransferResult Gathered::transfer(std::size_t t) const {
  TransferResult r;
  for (const FleetResult& part : results_) r.transfers += part.transfers[t].transfers, r.bytes += part.transfers[t].bytes, r.transfers_at_once += part.transfers[t].transfers_at_once;
  r.duration = weighted([t](const FleetResult& x) -> const LatencySummary& { return x.transfers[t].duration; });
  r.blocked = weighted([t](const FleetResult& x) -> const LatencySummary& { return x.transfers[t].blocked; });
  r.egress_used = mean([t](const FleetResult& x) { return x.transfers[t].egress_used; });
  r.ingress_used = mean([t](const FleetResult& x) { return x.transfers[t].ingress_used; });
  r.network_used = mean([t](const FleetResult& x) { return x.transfers[t].network_used; });
  return r;
}

FailureResult Gathered::failure(std::size_t i) const {
  FailureResult r = results_.front().failures[i];
  r.instances = r.requests_hit = r.requests_lost = r.recomputed_tokens = 0;
  for (const FleetResult& part : results_) {
    const FailureResult& f = part.failures[i];
    r.instances += f.instances, r.requests_hit += f.requests_hit, r.requests_lost += f.requests_lost, r.recomputed_tokens += f.recomputed_tokens;
  }
  r.attainment_before = mean([i](const FleetResult& x) { return x.failures[i].attainment_before; });
  r.attainment_during = mean([i](const FleetResult& x) { return x.failures[i].attainment_during; });
  const bool seen = std::all_of(results_.begin(), results_.end(), [i](const FleetResult& x) { return x.failures[i].attainment_after_s >= 0; });
  r.attainment_after_s = seen ? mean([i](const FleetResult& x) { return x.failures[i].attainment_after_s; }) : -1;
  return r;
}

CachePoolResult Gathered::cache_pool() const {
  CachePoolResult r{.present = true, .capacity = whole_.cache_pool->capacity.si()};
  double wait = 0;
  for (const FleetResult& part : results_) {
    const CachePoolResult& c = part.cache_pool;
    r.reads += c.reads, r.bytes_read += c.bytes_read, r.bytes_written += c.bytes_written, r.bytes_evicted += c.bytes_evicted;
    wait += c.wait_mean_s * static_cast<double>(c.reads);
    r.write_lag_max_s = std::max(r.write_lag_max_s, c.write_lag_max_s);
  }
  if (r.reads > 0) r.wait_mean_s = wait / static_cast<double>(r.reads);
  r.used_peak = r.capacity * mean([](const FleetResult& x) { return x.cache_pool.used_peak / x.cache_pool.capacity; });
  r.busy = mean([](const FleetResult& x) { return x.cache_pool.busy; });
  r.write_busy = mean([](const FleetResult& x) { return x.cache_pool.write_busy; });
  return r;
}

template <class F>
void Gathered::rates(Metrics& m, double divisor, double chips, F&& of) const {
  const auto rate = [&](Estimate Metrics::* member, double by) {
    std::vector<double> values;
    for (const FleetResult& part : results_) values.push_back((of(part).*member).value * by);
    return estimate_of(values);
  };
  for (auto member : {&Metrics::requests_per_s, &Metrics::input_tokens_per_s, &Metrics::output_tokens_per_s, &Metrics::total_tokens_per_s, &Metrics::goodput_per_s}) m.*member = rate(member, divisor);
  if (chips <= 0) return;
  m.output_tokens_per_s_per_chip = rate(&Metrics::output_tokens_per_s, divisor / chips);
  m.total_tokens_per_s_per_chip = rate(&Metrics::total_tokens_per_s, divisor / chips);
}

FleetResult Gathered::result(double factor) const {
  FleetResult r;
  books_.write(r, end_, factor, 1);
  const double divisor = factor * static_cast<double>(results_.size());
  const auto chips_of = [&](std::optional<std::size_t> model) {
    double chips = 0;
    for (const PoolSpec& pool : whole_.pools)
      if (!model || static_cast<std::size_t>(pool.model) == *model) chips += static_cast<double>(pool.instances) * pool.chips_per_instance;
    return chips;
  };
  rates(r.all, divisor, chips_of(std::nullopt), [](const FleetResult& part) -> const Metrics& { return part.all; });
  for (std::size_t m = 0; m < r.models.size(); ++m) rates(r.models[m], divisor, chips_of(m), [m](const FleetResult& part) -> const Metrics& { return part.models[m]; });
  const Picoseconds from = std::min(books_.collector.from(), end_);
  const double measured_s = (std::min(end_, books_.collector.until()) - from).seconds().si();
  for (std::size_t p = 0; p < totals_.size(); ++p) {
    const double scale = static_cast<double>(whole_.pools[p].instances) / static_cast<double>(instances_[p]);
    r.pools.push_back(totals_[p].result(whole_.pools[p], scale, measured_s));
    double peak = 0;
    for (const FleetResult& part : results_) peak += static_cast<double>(part.pools[p].instances_peak);
    r.pools.back().instances_peak = std::llround(peak * scale);
  }
  for (std::size_t t = 0; t < whole_.transfers.size(); ++t) r.transfers.push_back(transfer(t));
  r.cache_pool = cache_pool();
  for (std::size_t i = 0; i < whole_.failures.size(); ++i) r.failures.push_back(failure(i));
  r.scaling = results_.front().scaling;
  for (ScalingEvent& event : r.scaling) {
    const auto times = static_cast<std::int64_t>(divisor);
    event.from *= times, event.to *= times;
  }
  for (const FleetResult& part : results_) r.events += part.events;
  r.cut_short = cut_short_;
  const double offered = static_cast<double>(results_.size()) * mean([](const FleetResult& x) { return x.judgement.offered_per_s; });  // of the simulated instances
  r.judgement = judge({.series = books_.series, .counts = r.requests, .from = from, .to = end_, .offered_per_s = offered, .waiting = books_.waiting(), .closed_loop = false, .cut_short = cut_short_, .scale = factor});
  return r;
}

// What the size changes is added to the half width.
void widen(Estimate& e, double by) {
  if (e.half_width) e.half_width = *e.half_width + by;
}
void widen(Estimate& e, const Estimate& of_halves) { widen(e, std::abs(of_halves.value - e.value)); }
void widen(LatencySummary& l, const LatencySummary& of_halves) {
  widen(l.mean, of_halves.mean), widen(l.p50, of_halves.p50), widen(l.p90, of_halves.p90), widen(l.p95, of_halves.p95), widen(l.p99, of_halves.p99);
}
void widen(Metrics& m, const Metrics& h) {
  for (auto latency : {&Metrics::ttft, &Metrics::tpot, &Metrics::itl, &Metrics::e2e, &Metrics::queueing, &Metrics::transfer}) widen(m.*latency, h.*latency);
  for (auto rate : {&Metrics::requests_per_s, &Metrics::input_tokens_per_s, &Metrics::output_tokens_per_s, &Metrics::total_tokens_per_s, &Metrics::output_tokens_per_s_per_chip, &Metrics::total_tokens_per_s_per_chip,
                    &Metrics::goodput_per_s, &Metrics::slo_attainment, &Metrics::cached_share})
    widen(m.*rate, h.*rate);
}

// Time from the choice of an instance to its next step depends on the size of the fleet where the least loaded instance is chosen: the more requests come within a step, the sooner the next one
// comes after a step that has freed a place, so that it waits for nearly all of the next step instead of half of it. Means are off by half a step at most, percentiles by one.
void widen_by_steps(Metrics& m, double prompt_step_s, double decode_step_s) {
  for (auto latency : {&Metrics::ttft, &Metrics::queueing, &Metrics::e2e}) {
    const double step = prompt_step_s + (latency == &Metrics::e2e ? decode_step_s : 0);
    LatencySummary& l = m.*latency;
    widen(l.mean, step / 2);
    for (auto percentile : {&LatencySummary::p50, &LatencySummary::p90, &LatencySummary::p95, &LatencySummary::p99}) widen(l.*percentile, step);
  }
  const double gaps = std::max(1.0, m.output_tokens_mean - 1);
  widen(m.tpot.mean, decode_step_s / 2 / gaps);
  for (auto percentile : {&LatencySummary::p50, &LatencySummary::p90, &LatencySummary::p95, &LatencySummary::p99}) widen(m.tpot.*percentile, decode_step_s / gaps);
}

bool least_loaded(const Router& router) { return router.routing == Routing::least_requests || router.routing == Routing::least_tokens; }

}  // namespace

std::optional<ContentSample> content_sample_of(const FleetSpec& spec) {
  if (!spec.cache_pool || !shares_content(spec) || spec.router.routing == Routing::prefix_aware) return std::nullopt;
  const double requests = expected_requests(spec).value_or(1e300), allowed = static_cast<double>(spec.content_sample_requests);
  if (requests <= allowed) return std::nullopt;
  const std::int64_t parts = spec.content_sample_parts, instances = spec.content_sample_instances;
  std::int64_t most = INT64_MAX;
  for (const PoolSpec& pool : spec.pools) most = std::min(most, pool.instances / instances);
  // As many requests as are allowed, if there are instances enough, and at most half of those that there are.
  const double wanted = std::max(kWays * static_cast<double>(parts) * requests / allowed, 2 * kWays * static_cast<double>(parts));
  const std::int64_t least = wanted < static_cast<double>(most) ? static_cast<std::int64_t>(std::ceil(wanted)) : most;
  if (static_cast<double>(least) < 2 * kWays * static_cast<double>(parts)) return std::nullopt;
  std::int64_t divisor = least;
  for (std::int64_t d = least; d <= std::min(most, least + least / 2); ++d)
    if (odd_load(spec, d) < odd_load(spec, divisor)) divisor = d;
  if (odd_load(spec, divisor) > kOddLoad || !part_of(spec, {.divisor = divisor, .instance = 0, .common = nullptr}, instances)) return std::nullopt;
  return ContentSample{.divisor = divisor, .parts = parts};
}

FleetResult simulate_sample(const FleetSpec& spec, const ContentSample& sample) {
  const auto common = common_content_of(spec, 2 * sample.divisor);
  Gathered whole(spec, sample.parts), halves(spec, 2 * sample.parts);
  Watch watch(spec, sample.parts);
  for (std::int64_t i = 0; i < sample.parts; ++i) {
    std::optional<FleetSpec> part = part_of(spec, {.divisor = sample.divisor, .instance = i, .common = common}, spec.content_sample_instances);
    ZT_EXPECT(part.has_value(), "a fleet that can be divided");
    for (std::size_t p = 0; p < part->pools.size(); ++p) part->pools[p].instances = 2 * halved(spec.pools[p].instances, sample.divisor);
    part->max_backlog = std::max(kLeastBacklog, spec.max_backlog / sample.divisor);
    part->seed = spec.seed + static_cast<std::uint64_t>(i + 1) * 0x9e3779b97f4a7c15ULL;  // also of the halves: they are not cut as the parts are
    watch.tell(*part, i);
    whole.play(*part);
    for (std::int64_t h = 0; h < 2; ++h) {
      std::optional<FleetSpec> half = part_of(*part, {.divisor = 2, .instance = h, .common = common}, 1);
      ZT_EXPECT(half.has_value(), "a part that can be halved");
      half->timeline_instances = 0;
      half->max_backlog = part->max_backlog / 2;
      watch.keep_quiet(*half, i, h);
      halves.play(*half);
    }
  }
  const double factor = static_cast<double>(sample.divisor) / static_cast<double>(sample.parts);
  FleetResult r = whole.result(factor);
  const FleetResult h = halves.result(factor);
  widen(r.all, h.all);
  for (std::size_t m = 0; m < r.models.size(); ++m) widen(r.models[m], h.models[m]);
  const double prompt_step_s = least_loaded(spec.router) ? whole.step_s(r, [](Role role) { return role != Role::decode; }) : 0;
  const double decode_step_s = least_loaded(spec.decode_router) ? whole.step_s(r, [](Role role) { return role == Role::decode; }) : 0;
  widen_by_steps(r.all, prompt_step_s, decode_step_s);
  for (Metrics& m : r.models) widen_by_steps(m, prompt_step_s, decode_step_s);
  r.sampling.sampled = true;
  for (const PoolSpec& pool : spec.pools) r.sampling.of += pool.instances;
  r.sampling.instances = whole.instances();
  r.sampling.how = fmt::format("{} of {} fleets of one in {} instances, each with all requests that can share content ({} blocks are common to all); half widths: their spread, and the change when they are halved{}",
                               sample.parts, sample.divisor, sample.divisor, common->blocks().size(), prompt_step_s + decode_step_s > 0 ? ", and half a step for routers that choose the least loaded" : "");
  return r;
}

}  // namespace zettatwin::fleet
