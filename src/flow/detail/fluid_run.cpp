// SPDX-License-Identifier: Apache-2.0
#include "flow/detail/fluid_run.hpp"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "base/contract.hpp"

namespace zettatwin::flow {

using units::Picoseconds;

namespace {

template <class Changes>
std::vector<ResourceId> resources_of(const Changes& changes) {
  std::vector<ResourceId> resources;
  for (const auto& change : changes) resources.push_back(change.resource);
  return resources;
}

}  // namespace

FluidRun::FluidRun(const FlowProgram& program, const SimulationOptions& options)
    : program_(program),
      options_(options),
      shared_(program.sharing_, resources_of(program.changes_)),
      solver_(shared_.problem()),
      ledger_(shared_.problem().resources()),
      flows_(program.sharing_.flows()),
      changes_(program.changes_) {
  result_.flows.resize(flows_.size());
  std::stable_sort(changes_.begin(), changes_.end(), [](const auto& a, const auto& b) { return a.time < b.time; });
  list_successors();
}

void FluidRun::list_successors() {
  first_successor_.assign(flows_.size() + 1, 0);
  for (const FlowId before : program_.after_) ++first_successor_[before + 1];
  for (std::size_t f = 0; f < flows_.size(); ++f) first_successor_[f + 1] += first_successor_[f];
  successors_.resize(program_.after_.size());
  std::vector<std::uint32_t> next(first_successor_.begin(), first_successor_.end() - 1);
  for (FlowId f = 0; f < flows_.size(); ++f) {
    for (std::uint32_t i = program_.first_after_[f]; i < program_.first_after_[f + 1]; ++i) {
      successors_[next[program_.after_[i]]++] = f;
      ++flows_[f].missing;
    }
  }
}

SimulationResult FluidRun::run() {
  for (FlowId f = 0; f < flows_.size(); ++f) {
    if (flows_[f].missing == 0) ready(f);
  }
  for (Picoseconds time = next_time(); time != kNever; time = next_time()) {
    now_ = time;
    change_capacities();
    play_events();
    if (stale_) share();
  }
  conclude();
  return std::move(result_);
}

Picoseconds FluidRun::next_time() const {
  const Picoseconds change = next_change_ < changes_.size() ? changes_[next_change_].time : kNever;
  return events_.empty() ? change : std::min(change, events_.top().time);
}

void FluidRun::change_capacities() {
  for (; next_change_ < changes_.size() && changes_[next_change_].time == now_; ++next_change_) {
    const auto& change = changes_[next_change_];
    solver_.set_capacity(shared_.shared(change.resource), change.capacity);
    stale_ = true;
  }
}

void FluidRun::play_events() {
  while (!events_.empty() && events_.top().time == now_) {
    const Event event = events_.top();
    events_.pop();
    if (event.version == 0) {
      start(event.flow);
    } else if (event.version == flows_[event.flow].version) {
      close_interval(event.flow);
      finish(event.flow);
    }
  }
}

void FluidRun::ready(FlowId flow) {
  const Picoseconds latency = program_.latency_[flow];
  ZT_ASSERT(latency < kNever - now_, "flow " + std::to_string(flow) + " starts beyond the range of time");
  events_.push({now_ + latency, flow, 0});
}

void FluidRun::start(FlowId flow) {
  Flow& f = flows_[flow];
  f.left = program_.bytes_[flow];
  f.since = now_;
  result_.flows[flow].start = now_;
  result_.flows[flow].state = FlowState::starved;
  if (f.left == 0) return finish(flow);
  solver_.start(flow);
  stale_ = true;
}

void FluidRun::finish(FlowId flow) {
  Flow& f = flows_[flow];
  if (program_.bytes_[flow] > 0) {
    solver_.stop(flow);
    stale_ = true;
  }
  ++f.version;
  f.left = 0;
  result_.flows[flow].finish = now_;
  result_.flows[flow].state = FlowState::finished;
  result_.end = now_;
  for (std::uint32_t i = first_successor_[flow]; i < first_successor_[flow + 1]; ++i) {
    if (--flows_[successors_[i]].missing == 0) ready(successors_[i]);
  }
}

void FluidRun::share() {
  solver_.update();
  ++result_.solves;
  stale_ = false;
  for (const FlowId f : solver_.updated_flows()) apply_share(f);
  for (const ResourceId l : solver_.updated_resources()) {
    const auto& shares = solver_.shares();
    ledger_.carries(l, shares.carried[l], solver_.capacity(l), shares.saturated[l] != 0, now_);
  }
}

void FluidRun::apply_share(FlowId flow) {
  Flow& f = flows_[flow];
  const double rate = solver_.shares().rate[flow];
  const ResourceId limited_by = limit_of(flow);
  if (rate == f.rate && limited_by == f.limited_by) return;
  close_interval(flow);
  f.limited_by = limited_by;
  f.capped = solver_.shares().limited_by[flow] == kOwnCap;
  f.peak_rate = std::max(f.peak_rate, rate);
  if (rate == f.rate) return;
  f.rate = rate;
  ++f.version;
  const double duration = std::round(f.left / rate * 1e12);
  if (!(duration < static_cast<double>((kNever - now_).count()))) return;  // never, or too late to be told
  events_.push({now_ + Picoseconds(static_cast<std::int64_t>(duration)), flow, f.version});
}

// The first full one of its resources, in the order of its uses, or its own cap. At its cap in the solver, it may be one of its private resources that is full,
// or one that it shares and that fills at the same level.
ResourceId FluidRun::limit_of(FlowId flow) const {
  const auto& shares = solver_.shares();
  const ResourceId limit = shares.limited_by[flow];
  if (limit != kOwnCap) return limit < kUnlimited ? shared_.original(limit) : limit;
  const double level = Arithmetic<double>::tie_limit(shares.rate[flow] / program_.sharing_.weight(flow));
  if (program_.sharing_.has_cap(flow) && program_.sharing_.rate_cap(flow) <= shares.rate[flow]) return kOwnCap;
  for (const auto& use : program_.sharing_.uses(flow)) {
    const ResourceId shared = shared_.shared(use.resource);
    if (shared_.is_private(use.resource) ? shared_.caps(flow, use) : shares.saturated[shared] != 0 && shares.level[shared] <= level) return use.resource;
  }
  return kOwnCap;
}

// Brings a flow up to date with what it did since its rate last changed.
void FluidRun::close_interval(FlowId flow) {
  Flow& f = flows_[flow];
  const Picoseconds duration = now_ - f.since;
  if (duration == Picoseconds(0)) return;
  if (options_.record_rates) {
    result_.rates.push_back({flow, f.limited_by, f.since, now_, units::BytesPerSecond::from_si(f.rate)});
  }
  std::uint32_t known = f.limits;
  while (known != kNone && limits_[known].by != f.limited_by) known = limits_[known].previous;
  if (known == kNone) {
    limits_.push_back({f.limited_by, f.limits, duration});
    f.limits = static_cast<std::uint32_t>(limits_.size() - 1);
  } else {
    limits_[known].duration += duration;
  }
  f.left = std::max(0.0, f.left - f.rate * duration.seconds().si());
  if (f.capped) f.at_cap += duration;
  f.since = now_;
}

// Of equals the earliest.
ResourceId FluidRun::longest_limit(FlowId flow) const {
  ResourceId by = kUnlimited;
  Picoseconds longest;
  for (std::uint32_t i = flows_[flow].limits; i != kNone; i = limits_[i].previous) {
    if (limits_[i].duration < longest) continue;
    by = limits_[i].by;
    longest = limits_[i].duration;
  }
  return by;
}

void FluidRun::conclude() {
  for (FlowId f = 0; f < flows_.size(); ++f) {
    FlowOutcome& outcome = result_.flows[f];
    if (outcome.state == FlowState::starved) close_interval(f);
    if (outcome.state != FlowState::finished) result_.unfinished.push_back(f);
    outcome.limited_by = longest_limit(f);
  }
  const auto of_shared = ledger_.close(now_);
  result_.resources.resize(program_.sharing_.resources());
  for (ResourceId l = 0; l < of_shared.size(); ++l) result_.resources[shared_.original(l)] = of_shared[l];
  for (FlowId f = 0; f < flows_.size(); ++f) account_private_resources(f);
  std::sort(result_.rates.begin(), result_.rates.end(),
            [](const RateInterval& a, const RateInterval& b) { return std::pair(a.flow, a.begin) < std::pair(b.flow, b.begin); });
}

// What resources did that only this flow uses follows from what the flow did.
void FluidRun::account_private_resources(FlowId flow) {
  const Flow& f = flows_[flow];
  if (result_.flows[flow].start == kNever) return;
  for (const auto& use : program_.sharing_.uses(flow)) {
    if (!shared_.is_private(use.resource)) continue;
    auto& outcome = result_.resources[use.resource];
    outcome.carried = units::Bytes::from_si(use.load * (program_.bytes_[flow] - f.left));
    outcome.peak_utilisation = std::min(1.0, use.load * f.peak_rate / program_.sharing_.capacity(use.resource));
    if (shared_.caps(flow, use)) outcome.saturated = f.at_cap;
  }
}

SimulationResult simulate(const FlowProgram& program, const SimulationOptions& options) { return FluidRun(program, options).run(); }

}  // namespace zettatwin::flow
