// SPDX-License-Identifier: Apache-2.0
// Progressive filling with a heap of resources keyed by lower bounds of their levels of saturation. A key is brought up to date only when
// it comes to the top: levels only rise while flows freeze below them.
#pragma once

#include <algorithm>
#include <vector>

#include "base/contract.hpp"
#include "flow/max_min.hpp"

namespace zettatwin::flow {

template <class Scalar>
void MaxMinSolver<Scalar>::fill() {
  rank();
  while (live_count_ > 0) {
    sweep_level_ = std::max<Scalar>(sweep_level_, lowest_level());
    ++batches_;
    take_saturated(sweep_level_);
    take_due(sweep_level_);
    take_flows_of_saturated();
    open_what_changes();
    for (std::size_t i = 0; const Freeze& what : freezing_) {
      if (++i + 4 < freezing_.size()) prefetch_resources(freezing_[i + 4].flow);
      freeze(what, sweep_level_);
    }
    rank_opened();
  }
  publish();
}

template <class Scalar>
void MaxMinSolver<Scalar>::rank() {
  heap_.reserve(touched_.size());
  for (const ResourceId l : touched_) {
    if (resources_[l].demand != Sum(0)) heap_.push_back(refreshed({sweep_level_, l}));
  }
  ranked_ = touched_.size();
  std::make_heap(heap_.begin(), heap_.end());
  std::make_heap(planned_.begin(), planned_.end());
}

template <class Scalar>
void MaxMinSolver<Scalar>::rank_opened() {
  for (; ranked_ < touched_.size(); ++ranked_) {
    if (resources_[touched_[ranked_]].demand == Sum(0)) continue;
    heap_.push_back(refreshed({sweep_level_, touched_[ranked_]}));
    std::push_heap(heap_.begin(), heap_.end());
  }
}

// The level at which the resource is full if nothing else freezes. It only rises as flows freeze below it; rounding must not undo that.
template <class Scalar>
auto MaxMinSolver<Scalar>::refreshed(const Candidate& old) const -> Candidate {
  const Resource& r = resources_[old.id];
  return {std::max<Scalar>(old.level, (capacity_[old.id] - Numbers::value(r.carried, r.carried_scale)) / Numbers::value(r.demand, r.demand_scale)), old.id};
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
  while (!planned_.empty() && state_[planned_.front().id] == State::frozen) {
    std::pop_heap(planned_.begin(), planned_.end());
    planned_.pop_back();
  }
  while (!heap_.empty() && (planned_.empty() || heap_.front().level < planned_.front().level)) {
    const Candidate top = heap_.front();
    if (resources_[top.id].demand == Sum(0)) {
      drop_top();
      continue;
    }
    const Candidate fresh = refreshed(top);
    if (!(top.level < fresh.level)) return top.level;
    rekey_top(fresh);
  }
  ZT_ASSERT(!planned_.empty(), "live flows are limited by nothing");
  return planned_.front().level;
}

// All resources that are full at this level, or so near to it that only rounding can tell: one batch, so that no order decides.
template <class Scalar>
void MaxMinSolver<Scalar>::take_saturated(const Scalar& level) {
  constexpr std::size_t kMany = 16;  // more than one key in so many: one pass over all is cheaper than the way through the heap for each
  batch_.clear();
  const Scalar limit = Numbers::tie_limit(level);
  for (std::size_t taken = 0; !heap_.empty() && !(limit < heap_.front().level); ++taken) {
    if (taken * kMany > heap_.size()) return take_saturated_in_one_pass(level, limit);
    const Candidate top = heap_.front();
    if (resources_[top.id].demand == Sum(0)) {
      drop_top();
    } else if (const Candidate fresh = refreshed(top); limit < fresh.level) {
      rekey_top(fresh);
    } else {
      drop_top();
      saturate(top.id, level);
    }
  }
}

template <class Scalar>
void MaxMinSolver<Scalar>::take_saturated_in_one_pass(const Scalar& level, const Scalar& limit) {
  auto kept = heap_.begin();
  for (Candidate& candidate : heap_) {
    if (!(limit < candidate.level)) {
      if (resources_[candidate.id].demand == Sum(0)) continue;
      candidate = refreshed(candidate);
      if (!(limit < candidate.level)) {
        saturate(candidate.id, level);
        continue;
      }
    }
    *kept++ = candidate;
  }
  heap_.erase(kept, heap_.end());
  std::make_heap(heap_.begin(), heap_.end());
}

template <class Scalar>
void MaxMinSolver<Scalar>::saturate(ResourceId resource, const Scalar& level) {
  batch_.push_back(resource);
  resources_[resource].batch = batches_;
  shares_.level[resource] = level;
}

// Flows whose own time has come. A cap goes before a resource. What is still limited where it was freezes as before, even if that is a rounding above this level:
// no change, nothing to open.
template <class Scalar>
void MaxMinSolver<Scalar>::take_due(const Scalar& level) {
  freezing_.clear();
  changing_.clear();
  const Scalar limit = Numbers::tie_limit(level);
  while (!planned_.empty() && !(limit < planned_.front().level)) {
    const FlowId f = planned_.front().id;
    std::pop_heap(planned_.begin(), planned_.end());
    planned_.pop_back();
    if (state_[f] == State::loose) {
      freezing_.push_back({f, kOwnCap, false});
    } else if (state_[f] == State::kept) {
      const ResourceId limit_of_f = still_limited_by(f);
      if (limit_of_f == kUnlimited) {
        changing_.push_back(f);
        continue;
      }
      freezing_.push_back({f, limit_of_f, true});
    } else {
      continue;
    }
    state_[f] = State::freezing;
  }
}

template <class Scalar>
ResourceId MaxMinSolver<Scalar>::still_limited_by(FlowId flow) const {
  if (problem_.has_cap(flow) && shares_.rate[flow] == problem_.rate_cap(flow)) return kOwnCap;
  for (const auto& use : problem_.uses(flow)) {
    const ResourceId l = use.resource;
    const bool limits = is_open(l) ? resources_[l].batch == batches_ : shares_.saturated[l] != 0 && !(level_[flow] < shares_.level[l]);
    if (limits) return l;
  }
  return kUnlimited;
}

template <class Scalar>
void MaxMinSolver<Scalar>::take_flows_of_saturated() {
  for (const ResourceId l : batch_) {
    for (const auto& [f, demand] : listed(resources_[l])) {
      if (state_[f] != State::loose && state_[f] != State::kept) continue;
      if (state_[f] == State::kept) changing_.push_back(f);
      state_[f] = State::freezing;
      __builtin_prefetch(problem_.uses(f).data());
      freezing_.push_back({f, kUnlimited, false});
    }
  }
}

// Before any of the batch is frozen: it is counted where it was, and then moved.
template <class Scalar>
void MaxMinSolver<Scalar>::open_what_changes() {
  for (const FlowId f : changing_) open_all(f);
  for (const FlowId f : changing_) {
    if (state_[f] != State::kept) continue;
    state_[f] = State::loose;
    if (problem_.has_cap(f)) plan(f, problem_.rate_cap(f) / problem_.weight(f));
  }
}

// Moves the flow from demand to carried on each of its open resources; others have it at this level already.
template <class Scalar>
void MaxMinSolver<Scalar>::freeze(const Freeze& what, const Scalar& level) {
  const FlowId f = what.flow;
  const Scalar& weight = problem_.weight(f);
  if (!what.as_before) {
    level_[f] = level;
    shares_.rate[f] = what.limited_by == kOwnCap ? problem_.rate_cap(f) : weight * level;
  }
  ResourceId limited_by = what.limited_by;
  Scalar last_demand = Scalar(0);
  auto product = Numbers::product(last_demand, level_[f]);
  for (const auto& [l, load] : problem_.uses(f)) {
    if (!is_open(l)) continue;
    Resource& r = resources_[l];
    const Scalar demand = load * weight;
    if (demand != last_demand) product = Numbers::product(last_demand = demand, level_[f]);  // mostly the same all the way
    r.demand -= Numbers::term(demand, r.demand_scale);
    r.carried += Numbers::term(product, r.carried_scale);
    if (limited_by == kUnlimited && r.batch == batches_) limited_by = l;
  }
  --live_count_;
  state_[f] = State::frozen;
  shares_.limited_by[f] = limited_by;
}

template <class Scalar>
void MaxMinSolver<Scalar>::publish() {
  for (const FlowId f : flows_) state_[f] = State::active;
  for (const ResourceId l : touched_) {
    Resource& r = resources_[l];
    shares_.saturated[l] = r.batch > 0;
    shares_.carried[l] = r.batch > 0 ? capacity_[l] : Numbers::value(r.carried, r.carried_scale);
    r.batch = 0;
  }
}

}  // namespace zettatwin::flow
