// SPDX-License-Identifier: Apache-2.0
// Max-min shares after a change: which flows and resources it can affect. Each resource lists its started flows; from what changed, a search
// goes from resources to flows and from flows to resources, and stops early when it has reached every started flow.
// Filling is a race from level zero upwards, and a flow takes part until the level where it is frozen. So if flows leave that were frozen at
// level x or above, nothing changes below x: flows frozen there keep their rates, and the search does not go through them.
#pragma once

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "base/contract.hpp"
#include "flow/max_min.hpp"

namespace zettatwin::flow {

template <class Scalar>
MaxMinSolver<Scalar>::MaxMinSolver(const SharingProblem<Scalar>& problem)
    : problem_(problem), resources_(problem.resources()), state_(problem.flows(), State::idle), level_(problem.flows(), Scalar(0)) {
  std::vector<Scalar> largest(problem.resources(), Scalar(0));
  for (FlowId f = 0; f < problem.flows(); ++f) {
    for (const auto& [l, load] : problem.uses(f)) {
      largest[l] = std::max<Scalar>(largest[l], load * problem.weight(f));
      ++resources_[l].flows;
    }
  }
  std::uint32_t first = 0;
  for (ResourceId l = 0; l < problem.resources(); ++l) {
    Resource& r = resources_[l];
    r.first = first;
    first += r.flows;
    if (r.flows > 0) r.demand_scale = Numbers::scale(largest[l], r.flows);
    capacity_.push_back(problem.capacity(l));
    r.carried_scale = Numbers::scale(capacity_[l], 1);
    r.flows = 0;
  }
  flows_of_.resize(first);
  shares_ = {.rate = std::vector<Scalar>(problem.flows(), Scalar(0)),
             .limited_by = std::vector<ResourceId>(problem.flows(), kUnlimited),
             .carried = std::vector<Scalar>(problem.resources(), Scalar(0)),
             .saturated = std::vector<std::uint8_t>(problem.resources(), 0),
             .level = std::vector<Scalar>(problem.resources(), Scalar(0))};
}

template <class Scalar>
void MaxMinSolver<Scalar>::start(FlowId flow) {
  ZT_EXPECT(state_[flow] == State::idle || state_[flow] == State::leaving, "flow " + std::to_string(flow) + " is not idle");
  ZT_EXPECT(!problem_.uses(flow).empty() || problem_.has_cap(flow), "flow " + std::to_string(flow) + " has neither resources nor a rate cap");
  if (state_[flow] == State::leaving) std::erase(stopped_, flow);
  started_.push_back(flow);
  state_[flow] = state_[flow] == State::idle ? State::entering : State::active;
  ++started_count_;
}

template <class Scalar>
void MaxMinSolver<Scalar>::stop(FlowId flow) {
  ZT_EXPECT(state_[flow] == State::entering || state_[flow] == State::active, "flow " + std::to_string(flow) + " is not started");
  if (state_[flow] == State::active) stopped_.push_back(flow);
  state_[flow] = state_[flow] == State::active ? State::leaving : State::idle;
  --started_count_;
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
  capped_.clear();
  from_zero_ = !started_.empty() || !changed_capacities_.empty();
  unaffected_below_.reset();
  unlist_stopped();
  for (const ResourceId l : changed_capacities_) touch(l);
  list_started();
  spread();
  rescale();
  fill();
}

// True the first time in this update.
template <class Scalar>
bool MaxMinSolver<Scalar>::touch(ResourceId resource) {
  Resource& r = resources_[resource];
  if (r.update == updates_) return false;
  r.update = updates_;
  if (from_zero_) r.carried = Sum(0);  // all of its flows become live
  touched_.push_back(resource);
  return true;
}

template <class Scalar>
void MaxMinSolver<Scalar>::unlist_stopped() {
  for (std::size_t i = 0; const FlowId f : stopped_) {
    prefetch_resources(stopped_, i++ + 8);
    for (const auto& use : problem_.uses(f)) {
      if (!touch(use.resource)) continue;
      Resource& r = resources_[use.resource];
      const auto begin = flows_of_.begin() + r.first;
      const auto end = std::remove_if(begin, begin + r.flows, [&](FlowId g) { return state_[g] == State::leaving; });
      r.flows = static_cast<std::uint32_t>(end - begin);
    }
    withdraw(f);
    unaffected_below_ = unaffected_below_ ? std::min<Scalar>(*unaffected_below_, level_[f]) : level_[f];
  }
  if (from_zero_) unaffected_below_.reset();
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
    prefetch_resources(started_, i++ + 8);
    if (state_[f] == State::entering) {
      for (const auto& use : problem_.uses(f)) {
        Resource& r = resources_[use.resource];
        flows_of_[r.first + r.flows++] = f;
      }
      state_[f] = State::active;
    }
    if (state_[f] == State::active) admit(f);
  }
  started_.clear();
}

template <class Scalar>
void MaxMinSolver<Scalar>::admit(FlowId flow) {
  const Scalar& weight = problem_.weight(flow);
  for (const auto& [l, load] : problem_.uses(flow)) {
    touch(l);
    Resource& r = resources_[l];
    r.demand += Numbers::term(load * weight, r.demand_scale);
  }
  withdraw(flow);
  if (problem_.has_cap(flow)) capped_.push_back({problem_.rate_cap(flow) / weight, flow});
  flows_.push_back(flow);
  state_[flow] = State::live;
}

// Takes from its resources what the flow has put there.
template <class Scalar>
void MaxMinSolver<Scalar>::withdraw(FlowId flow) {
  if (from_zero_) return;
  for (const auto& [l, load] : problem_.uses(flow)) {
    Resource& r = resources_[l];
    r.carried -= Numbers::product(load * problem_.weight(flow), level_[flow], r.carried_scale);
  }
}

template <class Scalar>
void MaxMinSolver<Scalar>::spread() {
  for (std::size_t i = 0; i < touched_.size() && flows_.size() < started_count_; ++i) {
    const Resource& r = resources_[touched_[i]];
    const auto flows = std::span(flows_of_).subspan(r.first, r.flows);
    for (std::size_t k = 0; k < flows.size(); ++k) {
      const FlowId f = flows[k];
      prefetch_resources(flows, k + 4);
      if (state_[f] == State::active && !(unaffected_below_ && level_[f] < *unaffected_below_)) admit(f);
    }
  }
}

// Of resources that carry nothing now.
template <class Scalar>
void MaxMinSolver<Scalar>::rescale() {
  for (const ResourceId l : changed_capacities_) {
    resources_[l].carried_scale = Numbers::scale(capacity_[l], 1);
  }
  changed_capacities_.clear();
}

// Large problems wait for memory: what is needed a few flows later is asked for now.
template <class Scalar>
void MaxMinSolver<Scalar>::prefetch_resources(std::span<const FlowId> flows, std::size_t i) const {
  if (i >= flows.size()) return;
  for (const auto& use : problem_.uses(flows[i])) __builtin_prefetch(&resources_[use.resource]);
}

}  // namespace zettatwin::flow
