// SPDX-License-Identifier: Apache-2.0
// Definitions of flow/max_min.hpp for any scalar; instantiated for double in max_min.cpp.
#pragma once

#include <algorithm>
#include <numeric>
#include <string>

#include "base/contract.hpp"
#include "flow/max_min.hpp"

namespace zettatwin::flow {

template <class Scalar>
ResourceId SharingProblem<Scalar>::add_resource(Scalar capacity) {
  capacity_.emplace_back();
  set_capacity(resources() - 1, std::move(capacity));
  return resources() - 1;
}

template <class Scalar>
void SharingProblem<Scalar>::set_capacity(ResourceId resource, Scalar capacity) {
  ZT_EXPECT(capacity >= Scalar(0) && Arithmetic<Scalar>::is_finite(capacity), "capacity of resource " + std::to_string(resource));
  capacity_[resource] = std::move(capacity);
}

template <class Scalar>
FlowId SharingProblem<Scalar>::add_flow(Scalar weight, std::span<const Use<Scalar>> uses, std::optional<Scalar> rate_cap) {
  const FlowId flow = flows();
  const auto is_finite = [](const Scalar& x) { return Arithmetic<Scalar>::is_finite(x); };
  ZT_EXPECT(weight > Scalar(0) && is_finite(weight), "weight of flow " + std::to_string(flow));
  ZT_EXPECT(!rate_cap || (*rate_cap > Scalar(0) && is_finite(*rate_cap)), "rate cap of flow " + std::to_string(flow));
  for (const Use<Scalar>& use : uses) {
    ZT_EXPECT(use.resource < resources() && use.load >= Scalar(0) && is_finite(use.load), "uses of flow " + std::to_string(flow));
    if (use.load == Scalar(0)) continue;
    uses_.push_back(use);
  }
  weight_.push_back(std::move(weight));
  rate_cap_.push_back(rate_cap.value_or(Scalar(0)));
  first_.push_back(static_cast<std::uint32_t>(uses_.size()));
  return flow;
}

template <class Scalar>
MaxMinSolver<Scalar>::MaxMinSolver(const SharingProblem<Scalar>& problem)
    : problem_(problem), resources_(problem.resources()), live_(problem.flows(), 0) {
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
    if (r.flows > 0) r.scale = Numbers::scale(largest[l], r.flows);
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
void MaxMinSolver<Scalar>::solve() {
  std::vector<FlowId> all(problem_.flows());
  std::iota(all.begin(), all.end(), 0U);
  solve(all);
}

template <class Scalar>
void MaxMinSolver<Scalar>::solve(std::span<const FlowId> flows) {
  enter(flows);
  while (left_ > 0) {
    const Scalar level = lowest_level();
    ++batches_;
    take_saturated(level);
    freeze_capped(level);
    freeze_batch(level);
    settle(level);
  }
  leave();
}

// Makes the flows live, and lists the resources with their demands and flows.
template <class Scalar>
void MaxMinSolver<Scalar>::enter(std::span<const FlowId> flows) {
  batches_ = 0;
  touched_.clear();
  capped_.clear();
  for (std::size_t i = 0; const FlowId f : flows) {
    prefetch_resources(flows, i++ + 8);
    const auto uses = problem_.uses(f);
    const Scalar& weight = problem_.weight(f);
    ZT_EXPECT(!uses.empty() || problem_.has_cap(f), "flow " + std::to_string(f) + " has neither resources nor a rate cap");
    for (const auto& [l, load] : uses) {
      Resource& r = resources_[l];
      if (r.flows == 0) touched_.push_back(l);
      r.demand += Numbers::term(load * weight, r.scale);
      flows_of_[r.first + r.flows++] = f;
    }
    if (problem_.has_cap(f)) capped_.push_back({problem_.rate_cap(f) / weight, f});
    live_[f] = 1;
  }
  left_ = flows.size();
  std::sort(capped_.begin(), capped_.end());
  heap_.clear();
  for (const ResourceId l : touched_) heap_.push_back(refreshed({Scalar(0), l}));
  std::make_heap(heap_.begin(), heap_.end());
}

// Writes what the flows left on their resources, and makes the workspace ready for the next solve.
template <class Scalar>
void MaxMinSolver<Scalar>::leave() {
  for (const ResourceId l : touched_) {
    Resource& r = resources_[l];
    shares_.saturated[l] = r.batch > 0;
    shares_.carried[l] = r.batch > 0 ? problem_.capacity(l) : r.carried;
    r.carried = Scalar(0);
    r.flows = r.batch = 0;
  }
}

// The level at which the resource is full if nothing else freezes. It only rises as flows freeze below it; rounding must not undo that.
template <class Scalar>
auto MaxMinSolver<Scalar>::refreshed(const Candidate& old) const -> Candidate {
  const Resource& r = resources_[old.id];
  return {std::max<Scalar>(old.level, (problem_.capacity(old.id) - r.carried) / Numbers::value(r.demand, r.scale)), old.id};
}

template <class Scalar>
void MaxMinSolver<Scalar>::rekey_top(const Candidate& fresh) {
  std::pop_heap(heap_.begin(), heap_.end());
  heap_.back() = fresh;
  std::push_heap(heap_.begin(), heap_.end());
}

template <class Scalar>
void MaxMinSolver<Scalar>::drop_top() {
  std::pop_heap(heap_.begin(), heap_.end());
  heap_.pop_back();
}

// The next level at which something freezes. A key that proves to be up to date is the lowest, since no key is above the truth.
// Only keys below the result are refreshed, so that which ones are does not depend on the order of equal keys in the heap.
template <class Scalar>
Scalar MaxMinSolver<Scalar>::lowest_level() {
  while (!heap_.empty() && (capped_.empty() || heap_.front().level < capped_.back().level)) {
    const Candidate top = heap_.front();
    if (resources_[top.id].demand == Sum(0)) {
      drop_top();
      continue;
    }
    const Candidate fresh = refreshed(top);
    if (!(top.level < fresh.level)) return top.level;
    rekey_top(fresh);
  }
  ZT_ASSERT(!capped_.empty(), "live flows are limited by nothing");
  return capped_.back().level;
}

// All resources that are full at this level, or so near to it that only rounding can tell: one batch, so that no order decides.
template <class Scalar>
void MaxMinSolver<Scalar>::take_saturated(const Scalar& level) {
  batch_.clear();
  const Scalar limit = Numbers::tie_limit(level);
  while (!heap_.empty() && !(limit < heap_.front().level)) {
    const Candidate top = heap_.front();
    if (resources_[top.id].demand == Sum(0)) {
      drop_top();
    } else if (const Candidate fresh = refreshed(top); limit < fresh.level) {
      rekey_top(fresh);
    } else {
      drop_top();
      batch_.push_back(top.id);
      resources_[top.id].batch = batches_;
      shares_.level[top.id] = level;
    }
  }
}

template <class Scalar>
void MaxMinSolver<Scalar>::freeze_capped(const Scalar& level) {
  const Scalar limit = Numbers::tie_limit(level);
  for (; !capped_.empty() && !(limit < capped_.back().level); capped_.pop_back()) {
    const FlowId f = capped_.back().id;
    if (!live_[f]) continue;
    live_[f] = 0;
    freeze(f, problem_.rate_cap(f), kOwnCap);
  }
}

// Large problems wait for memory: what is needed a few flows later is asked for now.
template <class Scalar>
void MaxMinSolver<Scalar>::prefetch_resources(std::span<const FlowId> flows, std::size_t i) const {
  if (i >= flows.size()) return;
  for (const auto& use : problem_.uses(flows[i])) __builtin_prefetch(&resources_[use.resource]);
}

template <class Scalar>
void MaxMinSolver<Scalar>::freeze_batch(const Scalar& level) {
  freezing_.clear();
  for (const ResourceId l : batch_) {
    const Resource& r = resources_[l];
    for (std::uint32_t i = r.first; i < r.first + r.flows; ++i) {
      const FlowId f = flows_of_[i];
      if (!live_[f]) continue;
      live_[f] = 0;
      __builtin_prefetch(problem_.uses(f).data());
      freezing_.push_back(f);
    }
  }
  for (std::size_t i = 0; const FlowId f : freezing_) {
    prefetch_resources(freezing_, i++ + 4);
    freeze(f, problem_.weight(f) * level, kUnlimited);
  }
}

template <class Scalar>
void MaxMinSolver<Scalar>::freeze(FlowId flow, const Scalar& rate, ResourceId limited_by) {
  const Scalar& weight = problem_.weight(flow);
  for (const auto& [l, load] : problem_.uses(flow)) {
    Resource& r = resources_[l];
    if (r.leaving == Sum(0)) changed_.push_back(l);
    r.leaving += Numbers::term(load * weight, r.scale);
    if (limited_by == kUnlimited && r.batch == batches_) limited_by = l;
  }
  --left_;
  shares_.rate[flow] = rate;
  shares_.limited_by[flow] = limited_by;
}

// Moves what froze from demand to carried.
template <class Scalar>
void MaxMinSolver<Scalar>::settle(const Scalar& level) {
  for (const ResourceId l : changed_) {
    Resource& r = resources_[l];
    r.demand -= r.leaving;
    r.carried += level * Numbers::value(r.leaving, r.scale);
    r.leaving = Sum(0);
  }
  changed_.clear();
}

}  // namespace zettatwin::flow
