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
  for (live_count_ = flows_.size(); live_count_ > 0;) {
    const Scalar level = lowest_level();
    ++batches_;
    take_saturated(level);
    freeze_capped(level);
    freeze_batch(level);
  }
  publish();
}

template <class Scalar>
void MaxMinSolver<Scalar>::rank() {
  batches_ = 0;
  std::sort(capped_.begin(), capped_.end());
  heap_.clear();
  heap_.reserve(touched_.size());
  for (const ResourceId l : touched_) {
    if (resources_[l].demand != Sum(0)) heap_.push_back(refreshed({Scalar(0), l}));
  }
  std::make_heap(heap_.begin(), heap_.end());
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

template <class Scalar>
void MaxMinSolver<Scalar>::freeze_capped(const Scalar& level) {
  const Scalar limit = Numbers::tie_limit(level);
  for (; !capped_.empty() && !(limit < capped_.back().level); capped_.pop_back()) {
    const FlowId f = capped_.back().id;
    if (state_[f] != State::live) continue;
    state_[f] = State::active;
    freeze(f, level, problem_.rate_cap(f), kOwnCap);
  }
}

template <class Scalar>
void MaxMinSolver<Scalar>::freeze_batch(const Scalar& level) {
  freezing_.clear();
  for (const ResourceId l : batch_) {
    const Resource& r = resources_[l];
    for (std::uint32_t i = r.first; i < r.first + r.flows; ++i) {
      const FlowId f = flows_of_[i];
      if (state_[f] != State::live) continue;
      state_[f] = State::active;
      __builtin_prefetch(problem_.uses(f).data());
      freezing_.push_back(f);
    }
  }
  for (std::size_t i = 0; const FlowId f : freezing_) {
    prefetch_resources(freezing_, i++ + 4);
    freeze(f, level, problem_.weight(f) * level, kUnlimited);
  }
}

// Moves the flow from demand to carried on each of its resources.
template <class Scalar>
void MaxMinSolver<Scalar>::freeze(FlowId flow, const Scalar& level, const Scalar& rate, ResourceId limited_by) {
  const Scalar& weight = problem_.weight(flow);
  for (const auto& [l, load] : problem_.uses(flow)) {
    Resource& r = resources_[l];
    r.demand -= Numbers::term(load * weight, r.demand_scale);
    r.carried += Numbers::product(load * weight, level, r.carried_scale);
    if (limited_by == kUnlimited && r.batch == batches_) limited_by = l;
  }
  --live_count_;
  level_[flow] = level;
  shares_.rate[flow] = rate;
  shares_.limited_by[flow] = limited_by;
}

template <class Scalar>
void MaxMinSolver<Scalar>::publish() {
  for (const ResourceId l : touched_) {
    Resource& r = resources_[l];
    shares_.saturated[l] = r.batch > 0;
    shares_.carried[l] = r.batch > 0 ? capacity_[l] : Numbers::value(r.carried, r.carried_scale);
    r.batch = 0;
  }
}

}  // namespace zettatwin::flow
