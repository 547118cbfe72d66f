// SPDX-License-Identifier: Apache-2.0
#include "flow/detail/components.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace zettatwin::flow {
namespace {

// Whether capacity / load is a rate that a flow can be capped at.
bool can_cap(double capacity, double load) { return capacity / load > 0 && std::isfinite(capacity / load); }

}  // namespace

Components::Components(const SharingProblem<double>& problem, std::span<const ResourceId> stays_shared, std::span<const std::uint32_t> first_after, std::span<const FlowId> after)
    : component_(problem.flows()), user_(problem.resources(), kNone), shared_(problem.resources(), 0), order_(problem.flows()) {
  std::iota(component_.begin(), component_.end(), FlowId{0});
  for (const ResourceId l : stays_shared) shared_[l] = 1;
  join_users(problem);
  for (FlowId f = 0; !after.empty() && f < problem.flows(); ++f) {
    for (const FlowId before : after.subspan(first_after[f], first_after[f + 1] - first_after[f])) join(before, f);
  }
  number();
}

void Components::join_users(const SharingProblem<double>& problem) {
  for (FlowId f = 0; f < problem.flows(); ++f) {
    for (const auto& [l, load] : problem.uses(f)) {
      if (user_[l] == kNone) {
        user_[l] = f;
        if (!can_cap(problem.capacity(l), load)) shared_[l] = 1;
      } else {
        shared_[l] = 1;
        join(user_[l], f);
      }
    }
  }
}

FlowId Components::root(FlowId flow) {
  while (component_[flow] != flow) flow = component_[flow] = component_[component_[flow]];
  return flow;
}

void Components::join(FlowId a, FlowId b) {
  a = root(a);
  b = root(b);
  component_[std::max(a, b)] = std::min(a, b);
}

// A flow's parent comes before it, so one pass forwards is enough.
void Components::number() {
  std::uint32_t count = 0;
  first_.push_back(0);
  for (FlowId f = 0; f < component_.size(); ++f) {
    if (component_[f] == f) {
      component_[f] = count++;
      first_.push_back(0);
    } else {
      component_[f] = component_[component_[f]];
    }
    ++first_[component_[f] + 1];
  }
  for (std::uint32_t c = 0; c < count; ++c) first_[c + 1] += first_[c];
  std::vector<std::uint32_t> next(first_.begin(), first_.end() - 1);
  for (FlowId f = 0; f < component_.size(); ++f) order_[next[component_[f]]++] = f;
}

}  // namespace zettatwin::flow
