// SPDX-License-Identifier: Apache-2.0
// The obvious way to compute what module flow computes: textbook progressive filling, O(rounds x resources x flows), and a fluid
// simulation that shares anew at every step. Slow, short, and written without looking at the fast ones.
#pragma once

#include <algorithm>
#include <optional>
#include <vector>

#include "flow/max_min.hpp"

namespace zettatwin::test {

template <class Scalar>
Scalar load_of(const flow::SharingProblem<Scalar>& p, flow::FlowId f, flow::ResourceId l) {
  Scalar sum(0);
  for (const auto& use : p.uses(f)) {
    if (use.resource == l) sum += use.load;
  }
  return sum;
}

template <class Scalar>
std::vector<Scalar> capacities(const flow::SharingProblem<Scalar>& p) {
  std::vector<Scalar> result;
  for (flow::ResourceId l = 0; l < p.resources(); ++l) result.push_back(p.capacity(l));
  return result;
}

// Rates of the flows that are active; zero for others. Levels within `slack` of the lowest freeze together.
template <class Scalar>
std::vector<Scalar> textbook_max_min(const flow::SharingProblem<Scalar>& p, const std::vector<Scalar>& capacity, const std::vector<bool>& active,
                                     const Scalar& slack) {
  std::vector<Scalar> rate(p.flows(), Scalar(0));
  std::vector<bool> live = active;
  while (std::find(live.begin(), live.end(), true) != live.end()) {
    // The level at which each resource is full, and each cap reached, if nothing else froze.
    std::vector<std::optional<Scalar>> full(p.resources());
    std::optional<Scalar> lowest;
    const auto note = [&](const Scalar& level) { lowest = lowest ? std::min<Scalar>(*lowest, level) : level; };
    for (flow::ResourceId l = 0; l < p.resources(); ++l) {
      Scalar left = capacity[l];
      Scalar demand(0);
      for (flow::FlowId f = 0; f < p.flows(); ++f) {
        const Scalar load = load_of(p, f, l);
        if (active[f] && !live[f]) left -= load * rate[f];
        if (live[f]) demand += load * p.weight(f);
      }
      if (!(demand > Scalar(0))) continue;
      full[l] = std::max<Scalar>(Scalar(0), left) / demand;
      note(*full[l]);
    }
    for (flow::FlowId f = 0; f < p.flows(); ++f) {
      if (live[f] && p.has_cap(f)) note(p.rate_cap(f) / p.weight(f));
    }
    const Scalar limit = *lowest * (Scalar(1) + slack);
    std::vector<bool> still_live = live;
    for (flow::FlowId f = 0; f < p.flows(); ++f) {
      if (!live[f]) continue;
      bool freezes = p.has_cap(f) && p.rate_cap(f) / p.weight(f) <= limit;
      for (const auto& use : p.uses(f)) freezes = freezes || *full[use.resource] <= limit;
      if (!freezes) continue;
      rate[f] = *lowest * p.weight(f);
      still_live[f] = false;
    }
    live = still_live;
  }
  return rate;
}

template <class Scalar>
struct Phase {
  Scalar bytes;
  Scalar latency;
  std::vector<flow::FlowId> after;
};

template <class Scalar>
struct CapacityChange {
  Scalar time;
  flow::ResourceId resource;
  Scalar capacity;
};

// Finish times in seconds; none for flows that never finish. One phase per flow of the problem.
template <class Scalar>
std::vector<std::optional<Scalar>> step_by_step(const flow::SharingProblem<Scalar>& p, const std::vector<Phase<Scalar>>& phases,
                                                const std::vector<CapacityChange<Scalar>>& changes, const Scalar& slack) {
  const std::size_t n = phases.size();
  std::vector<std::optional<Scalar>> start(n);
  std::vector<std::optional<Scalar>> finish(n);
  std::vector<Scalar> left(n);
  for (std::size_t f = 0; f < n; ++f) left[f] = phases[f].bytes;
  Scalar now(0);
  while (true) {
    // What starts or, without bytes, finishes at once; predecessors come first in the list.
    for (std::size_t f = 0; f < n; ++f) {
      const auto& after = phases[f].after;
      if (!start[f] && std::all_of(after.begin(), after.end(), [&](flow::FlowId before) { return finish[before].has_value(); })) {
        Scalar ready(0);
        for (const flow::FlowId before : after) ready = std::max<Scalar>(ready, *finish[before]);
        start[f] = ready + phases[f].latency;
      }
      if (start[f] && *start[f] <= now && !finish[f] && left[f] == Scalar(0)) finish[f] = now;
    }
    std::vector<bool> active(n);
    for (std::size_t f = 0; f < n; ++f) active[f] = start[f] && *start[f] <= now && !finish[f];
    std::vector<Scalar> capacity = capacities(p);
    for (const auto& change : changes) {
      if (change.time <= now) capacity[change.resource] = change.capacity;
    }
    const std::vector<Scalar> rate = textbook_max_min(p, capacity, active, slack);
    std::optional<Scalar> step;
    const auto note = [&](const Scalar& duration) { step = step ? std::min<Scalar>(*step, duration) : duration; };
    for (std::size_t f = 0; f < n; ++f) {
      if (start[f] && *start[f] > now) note(*start[f] - now);
      if (active[f] && rate[f] > Scalar(0)) note(left[f] / rate[f]);
    }
    for (const auto& change : changes) {
      if (change.time > now) note(change.time - now);
    }
    if (!step) return finish;
    now += *step;
    for (std::size_t f = 0; f < n; ++f) {
      if (!active[f]) continue;
      const bool ends = rate[f] > Scalar(0) && left[f] / rate[f] <= *step * (Scalar(1) + slack);
      left[f] = ends ? Scalar(0) : left[f] - rate[f] * *step;
    }
  }
}

}  // namespace zettatwin::test
