// SPDX-License-Identifier: Apache-2.0
#include "flow/detail/fluid_run.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>
#include <utility>

#include "base/contract.hpp"

namespace zettatwin::flow {

using units::Picoseconds;

FluidRun::FluidRun(const FlowProgram& program, const SimulationOptions& options, const Components& components, SimulationResult& result)
    : program_(program), options_(options), components_(components), result_(result), part_(program.sharing_, components), solver_(part_.problem()) {
  if (program.after_.empty()) return;
  place_.resize(program.sharing_.flows());
  for (std::uint32_t c = 0; c < components.count(); ++c) {
    for (FlowId place = 0; const FlowId f : components.flows(c)) place_[f] = place++;
  }
}

bool FluidRun::play(std::uint32_t component, std::span<const FlowProgram::CapacityChange> changes, Picoseconds until) {
  changes_ = changes;
  load(component);
  for (const auto& change : changes_) events_.push(change.time, kNone, 0);
  for (FlowId f = 0; f < flows_.size(); ++f) {
    if (flows_[f].missing == 0) ready(f);
  }
  while (!events_.empty()) {
    events_.advance();
    now_ = events_.now();
    play_events();
    if (stale_) share();
  }
  now_ = std::max(now_, until);
  return conclude();
}

void FluidRun::prefetch(std::size_t place) const {
  constexpr std::size_t kFlow = 32, kUses = 16, kResources = 8;  // flows ahead
  const auto flows = components_.flows();
  if (place + kFlow >= flows.size()) return;
  program_.sharing_.prefetch(flows[place + kFlow]);
  __builtin_prefetch(&program_.bytes_[flows[place + kUses]]);
  __builtin_prefetch(&program_.latency_[flows[place + kUses]]);
  __builtin_prefetch(program_.sharing_.uses(flows[place + kUses]).data());
  __builtin_prefetch(&result_.flows[flows[place + kResources]], 1);
  for (const auto& use : program_.sharing_.uses(flows[place + kResources])) {
    part_.prefetch(use.resource);
    __builtin_prefetch(&result_.resources[use.resource], 1);
  }
}

void FluidRun::load(std::uint32_t component) {
  part_.load(components_.flows(component));
  solver_.restart();
  ledger_.restart(part_.problem().resources());
  flows_.assign(part_.problem().flows(), {});
  limits_.clear();
  next_change_ = 0;
  events_.restart();
  now_ = Picoseconds(0);
  if (!place_.empty()) list_successors();
  for (FlowId f = 0; f < flows_.size(); ++f) outcome(f) = {};
}

void FluidRun::list_successors() {
  const auto before = [this](FlowId f) {
    const FlowId original = part_.original_flow(f);
    return std::span(program_.after_).subspan(program_.first_after_[original], program_.first_after_[original + 1] - program_.first_after_[original]);
  };
  first_successor_.assign(flows_.size() + 1, 0);  // counts, then ends, then beginnings
  for (FlowId f = 0; f < flows_.size(); ++f) {
    flows_[f].missing = static_cast<std::uint32_t>(before(f).size());
    for (const FlowId b : before(f)) ++first_successor_[place_[b]];
  }
  std::partial_sum(first_successor_.begin(), first_successor_.end(), first_successor_.begin());
  successors_.resize(first_successor_.back());
  for (FlowId f = 0; f < flows_.size(); ++f) {
    for (const FlowId b : before(f)) successors_[--first_successor_[place_[b]]] = f;
  }
}

void FluidRun::change_capacities() {
  for (; next_change_ < changes_.size() && changes_[next_change_].time == now_; ++next_change_) {
    const auto& change = changes_[next_change_];
    solver_.set_capacity(part_.local(change.resource), change.capacity);
    stale_ = true;
  }
}

void FluidRun::play_events() {
  while (events_.happens_now()) {
    const Event event = events_.take();
    if (event.flow == kNone) {
      change_capacities();
    } else if (event.version == 0) {
      start(event.flow);
    } else if (event.version == flows_[event.flow].version) {
      close_interval(event.flow);
      finish(event.flow);
    }
  }
}

void FluidRun::ready(FlowId flow) {
  const FlowId original = part_.original_flow(flow);
  const Picoseconds latency = program_.latency_[original];
  ZT_ASSERT(latency < kNever - now_, "flow " + std::to_string(original) + " starts beyond the range of time");
  events_.push(now_ + latency, flow, 0);
}

void FluidRun::start(FlowId flow) {
  Flow& f = flows_[flow];
  f.left = program_.bytes_[part_.original_flow(flow)];
  f.since = now_;
  outcome(flow).start = now_;
  outcome(flow).state = FlowState::starved;
  if (f.left == 0) return finish(flow);
  solver_.start(flow);
  stale_ = true;
}

void FluidRun::finish(FlowId flow) {
  Flow& f = flows_[flow];
  if (program_.bytes_[part_.original_flow(flow)] > 0) {
    solver_.stop(flow);
    stale_ = true;
  }
  ++f.version;
  f.left = 0;
  outcome(flow).finish = now_;
  outcome(flow).state = FlowState::finished;
  if (place_.empty()) return;
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
  events_.push(now_ + Picoseconds(static_cast<std::int64_t>(duration)), flow, f.version);
}

// The first full one of its resources, in the order of its uses, or its own cap. At its cap in the solver, it may be one of its private resources that is full,
// or one that it shares and that fills at the same level.
ResourceId FluidRun::limit_of(FlowId flow) const {
  const auto& shares = solver_.shares();
  const ResourceId limit = shares.limited_by[flow];
  if (limit != kOwnCap) return limit < kUnlimited ? part_.original(limit) : limit;
  const FlowId original = part_.original_flow(flow);
  const auto& sharing = program_.sharing_;
  if (sharing.has_cap(original) && sharing.rate_cap(original) <= shares.rate[flow]) return kOwnCap;
  const double level = Arithmetic<double>::tie_limit(shares.rate[flow] / sharing.weight(original));
  for (const auto& use : sharing.uses(original)) {
    if (part_.is_private(use.resource)) {
      if (part_.caps(flow, use)) return use.resource;
    } else if (const ResourceId shared = part_.local(use.resource); shares.saturated[shared] != 0 && shares.level[shared] <= level) {
      return use.resource;
    }
  }
  return kOwnCap;
}

// Brings a flow up to date with what it did since its rate last changed.
void FluidRun::close_interval(FlowId flow) {
  Flow& f = flows_[flow];
  const Picoseconds duration = now_ - f.since;
  if (duration == Picoseconds(0)) return;
  if (options_.record_rates) {
    result_.rates.push_back({part_.original_flow(flow), f.limited_by, f.since, now_, units::BytesPerSecond::from_si(f.rate)});
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

bool FluidRun::conclude() {
  bool all_finished = true;
  for (FlowId f = 0; f < flows_.size(); ++f) {
    const FlowState state = outcome(f).state;
    if (state == FlowState::starved) close_interval(f);
    all_finished = all_finished && state == FlowState::finished;
    outcome(f).limited_by = longest_limit(f);
    account_private_resources(f);
  }
  for (ResourceId l = 0; l < part_.problem().resources(); ++l) result_.resources[part_.original(l)] = ledger_.close(l, now_);
  return all_finished;
}

// What resources did that only this flow uses follows from what the flow did.
void FluidRun::account_private_resources(FlowId flow) {
  const Flow& f = flows_[flow];
  const FlowId original = part_.original_flow(flow);
  if (outcome(flow).start == kNever) return;
  for (const auto& use : program_.sharing_.uses(original)) {
    if (!part_.is_private(use.resource)) continue;
    auto& of_resource = result_.resources[use.resource];
    of_resource.carried = units::Bytes::from_si(use.load * (program_.bytes_[original] - f.left));
    of_resource.peak_utilisation = std::min(1.0, use.load * f.peak_rate / part_.capacity(use.resource));
    if (part_.caps(flow, use)) of_resource.saturated = f.at_cap;
  }
}

}  // namespace zettatwin::flow
