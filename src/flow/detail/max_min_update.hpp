// SPDX-License-Identifier: Apache-2.0
// Max-min shares after a change: which flows and resources it affects.
// Filling is a race from level zero upwards: what is decided below a level does not depend on what is above it. A resource is open when something that concerns
// it has changed below the current level; only then are its flows looked at. They are still expected to freeze where they did before (kept). A flow leaves its
// old way if an open resource stops it below that level, or if all that stopped it there is open and does not stop it again; then, at that level, all of its
// resources are opened. Closed resources have only flows that go their old ways, so they fill as before (docs/math/max_min.md).
#pragma once

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "base/contract.hpp"
#include "flow/max_min.hpp"

namespace zettatwin::flow {

template <class Scalar>
void MaxMinSolver<Scalar>::restart() {
  const std::uint32_t flows = problem_.flows();
  const std::uint32_t resources = problem_.resources();
  resources_.assign(resources, {});
  state_.assign(flows, State::idle);
  level_.assign(flows, Scalar(0));
  capacity_.clear();
  shares_.rate.assign(flows, Scalar(0));
  shares_.limited_by.assign(flows, kUnlimited);
  shares_.carried.assign(resources, Scalar(0));
  shares_.saturated.assign(resources, 0);
  shares_.level.assign(resources, Scalar(0));
  list_uses();
  started_.clear();
  stopped_.clear();
  changed_capacities_.clear();
  updates_ = 0;
}

// Room for the flows of each resource, and scales that hold them all.
template <class Scalar>
void MaxMinSolver<Scalar>::list_uses() {
  auto& largest = shares_.level;  // borrowed
  for (FlowId f = 0; f < problem_.flows(); ++f) {
    for (const auto& [l, load] : problem_.uses(f)) {
      largest[l] = std::max<Scalar>(largest[l], load * problem_.weight(f));
      ++resources_[l].flows;
    }
  }
  std::uint32_t first = 0;
  for (ResourceId l = 0; l < problem_.resources(); ++l) {
    Resource& r = resources_[l];
    r.first = first;
    first += r.flows;
    if (r.flows > 0) r.demand_scale = Numbers::scale(largest[l], r.flows);
    capacity_.push_back(problem_.capacity(l));
    r.carried_scale = Numbers::scale(capacity_[l], 1);
    r.flows = 0;
    largest[l] = Scalar(0);
  }
  listed_.resize(first);
}

template <class Scalar>
void MaxMinSolver<Scalar>::start(FlowId flow) {
  ZT_EXPECT(state_[flow] == State::idle || state_[flow] == State::leaving, "flow " + std::to_string(flow) + " is not idle");
  ZT_EXPECT(!problem_.uses(flow).empty() || problem_.has_cap(flow), "flow " + std::to_string(flow) + " has neither resources nor a rate cap");
  if (state_[flow] == State::leaving) std::erase(stopped_, flow);
  started_.push_back(flow);
  state_[flow] = state_[flow] == State::idle ? State::entering : State::active;
}

template <class Scalar>
void MaxMinSolver<Scalar>::stop(FlowId flow) {
  ZT_EXPECT(state_[flow] == State::entering || state_[flow] == State::active, "flow " + std::to_string(flow) + " is not started");
  if (state_[flow] == State::active) stopped_.push_back(flow);
  state_[flow] = state_[flow] == State::active ? State::leaving : State::idle;
}

template <class Scalar>
void MaxMinSolver<Scalar>::set_capacity(ResourceId resource, Scalar capacity) {
  ZT_EXPECT(capacity >= Scalar(0) && Numbers::is_finite(capacity), "capacity of resource " + std::to_string(resource));
  capacity_[resource] = std::move(capacity);
  changed_capacities_.push_back(resource);
}

template <class Scalar>
void MaxMinSolver<Scalar>::update() {
  ++updates_;
  flows_.clear();
  touched_.clear();
  heap_.clear();
  planned_.clear();
  live_count_ = batches_ = 0;
  from_zero_ = !started_.empty() || !changed_capacities_.empty();
  sweep_level_ = lowest_change();
  unlist_stopped();
  for (const ResourceId l : changed_capacities_) {
    open(l);
    resources_[l].carried_scale = Numbers::scale(capacity_[l], 1);  // it carries nothing now
  }
  changed_capacities_.clear();
  list_started();
  from_zero_ = false;
  fill();
}

// Below it all is as before. A flow may have been frozen a rounding above the level of what limits it.
template <class Scalar>
Scalar MaxMinSolver<Scalar>::lowest_change() const {
  if (from_zero_ || stopped_.empty()) return Scalar(0);
  Scalar lowest = level_[stopped_.front()];
  for (const FlowId f : stopped_) {
    lowest = std::min<Scalar>(lowest, level_[f]);
    for (const auto& use : problem_.uses(f)) {
      if (shares_.saturated[use.resource] != 0) lowest = std::min<Scalar>(lowest, shares_.level[use.resource]);
    }
  }
  return lowest;
}

// From now on its flows are counted as they are: those that are frozen, and those that still rise.
template <class Scalar>
void MaxMinSolver<Scalar>::open(ResourceId resource) {
  if (is_open(resource)) return;
  Resource& r = resources_[resource];
  r.update = updates_;
  touched_.push_back(resource);
  if (from_zero_) r.carried = Sum(0);  // all of its flows rise
  for (const auto& [f, demand] : listed(r)) {
    if (state_[f] == State::active && !(level_[f] < sweep_level_)) track(f);
    if (state_[f] != State::kept && state_[f] != State::freezing) continue;
    r.demand += Numbers::term(demand, r.demand_scale);
    if (!from_zero_) r.carried -= Numbers::term(Numbers::product(demand, level_[f]), r.carried_scale);
  }
}

template <class Scalar>
void MaxMinSolver<Scalar>::open_all(FlowId flow) {
  for (const auto& use : problem_.uses(flow)) open(use.resource);
}

template <class Scalar>
void MaxMinSolver<Scalar>::track(FlowId flow) {
  state_[flow] = State::kept;
  flows_.push_back(flow);
  ++live_count_;
  plan(flow, level_[flow]);
}

template <class Scalar>
void MaxMinSolver<Scalar>::plan(FlowId flow, const Scalar& level) {
  planned_.push_back({level, flow});
  if (batches_ > 0) std::push_heap(planned_.begin(), planned_.end());
}

template <class Scalar>
void MaxMinSolver<Scalar>::unlist_stopped() {
  for (std::size_t i = 0; const FlowId f : stopped_) {
    if (++i + 8 < stopped_.size()) prefetch_resources(stopped_[i + 8]);
    for (const auto& [l, load] : problem_.uses(f)) {
      Resource& r = resources_[l];
      if (!is_open(l)) {
        const auto begin = listed_.begin() + r.first;
        const auto end = std::remove_if(begin, begin + r.flows, [&](const Listed& g) { return state_[g.flow] == State::leaving; });
        r.flows = static_cast<std::uint32_t>(end - begin);
        open(l);
      }
      if (!from_zero_) r.carried -= Numbers::term(Numbers::product(load * problem_.weight(f), level_[f]), r.carried_scale);
    }
  }
  for (const FlowId f : stopped_) {
    state_[f] = State::idle;
    level_[f] = shares_.rate[f] = Scalar(0);
    shares_.limited_by[f] = kUnlimited;
  }
  stopped_.clear();
}

template <class Scalar>
void MaxMinSolver<Scalar>::list_started() {
  for (std::size_t i = 0; const FlowId f : started_) {
    if (++i + 8 < started_.size()) prefetch_resources(started_[i + 8]);
    if (state_[f] == State::active) open_all(f);  // it had only been stopped since the last update
    if (state_[f] != State::entering) continue;
    const Scalar& weight = problem_.weight(f);
    for (const auto& [l, load] : problem_.uses(f)) {
      open(l);
      Resource& r = resources_[l];
      r.demand += Numbers::term(load * weight, r.demand_scale);
      listed_[r.first + r.flows++] = {f, load * weight};
    }
    state_[f] = State::loose;
    flows_.push_back(f);
    ++live_count_;
    if (problem_.has_cap(f)) plan(f, problem_.rate_cap(f) / weight);
  }
  started_.clear();
}

// Large problems wait for memory: what is needed a few flows later is asked for now.
template <class Scalar>
void MaxMinSolver<Scalar>::prefetch_resources(FlowId flow) const {
  for (const auto& use : problem_.uses(flow)) __builtin_prefetch(&resources_[use.resource]);
}

}  // namespace zettatwin::flow
