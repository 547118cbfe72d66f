// SPDX-License-Identifier: Apache-2.0
#include "flow/detail/components.hpp"

#include <algorithm>
#include <numeric>

#include "base/contract.hpp"

namespace zettatwin::flow {
namespace {

// Of a capacity and a load: their quotient is a rate that a flow can be capped at.
bool is_moderate(double x) { return x > 1e-150 && x < 1e150; }

}  // namespace

Components::Components(const SharingProblem<double>& problem, std::span<const ResourceId> stays_shared, std::span<const std::uint32_t> first_after, std::span<const FlowId> after)
    : component_(problem.flows()), user_(problem.resources(), kUnused), order_(problem.flows()) {
  ZT_EXPECT(problem.flows() < kShared - 1, "a bit of a flow's number is free");
  std::iota(component_.begin(), component_.end(), FlowId{0});
  for (const ResourceId l : stays_shared) user_[l] |= kShared;
  for (ResourceId l = 0; l < problem.resources(); ++l)
    if (!is_moderate(problem.capacity(l))) user_[l] |= kShared;
  join_users(problem);
  for (FlowId f = 0; !after.empty() && f < problem.flows(); ++f) {
    for (const FlowId before : after.subspan(first_after[f], first_after[f + 1] - first_after[f])) join(before, f);
  }
  number();
}

void Components::join_users(const SharingProblem<double>& problem) {
  constexpr std::ptrdiff_t kAhead = 24;  // uses: large problems wait for memory
  if (problem.flows() == 0) return;
  const auto last = problem.uses(problem.flows() - 1);
  const auto* const end = last.data() + last.size();
  for (FlowId f = 0; f < problem.flows(); ++f) {
    for (const auto& use : problem.uses(f)) {
      if (end - &use > kAhead) __builtin_prefetch(&user_[(&use + kAhead)->resource], 1);
      FlowId& user = user_[use.resource];
      if ((user & kUnused) == kUnused) {
        user = f | (user & kShared) | (is_moderate(use.load) ? 0 : kShared);
      } else {
        user |= kShared;
        join(user & kUnused, f);
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
