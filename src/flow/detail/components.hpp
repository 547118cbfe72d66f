// SPDX-License-Identifier: Apache-2.0
// Parts of a program that have nothing to do with each other: flows are of one component if they use a resource in common or wait for one another, directly or
// through others. Each is simulated for itself, in time that its own events decide, with memory that fits the caches.
// Resources that one flow alone ever uses join nothing: they cap its rate at capacity / load (docs/math/max_min.md). In sparse traffic they are most of all uses.
// Cost: O(nnz a(flows)), a the inverse of Ackermann's function but for the order in which trees are joined (O(log)).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "flow/max_min.hpp"

namespace zettatwin::flow {

class Components final {
 public:
  static constexpr std::uint32_t kNone = 0xffffffff;

  // `stays_shared`: resources that are not to be taken for caps, because they change; any order. Flow f waits for after[first_after[f]] up to
  // after[first_after[f + 1]].
  Components(const SharingProblem<double>& problem, std::span<const ResourceId> stays_shared, std::span<const std::uint32_t> first_after, std::span<const FlowId> after);

  [[nodiscard]] std::uint32_t count() const { return static_cast<std::uint32_t>(first_.size() - 1); }
  [[nodiscard]] std::span<const FlowId> flows(std::uint32_t component) const { return {order_.data() + first_[component], order_.data() + first_[component + 1]}; }  // ascending
  [[nodiscard]] std::span<const FlowId> flows() const { return order_; }  // by component
  [[nodiscard]] bool is_private(ResourceId resource) const { return user_[resource] < kShared; }
  [[nodiscard]] std::uint32_t of_resource(ResourceId resource) const { return (user_[resource] & kUnused) == kUnused ? kNone : component_[user_[resource] & kUnused]; }

 private:
  static constexpr FlowId kShared = 0x80000000, kUnused = 0x7fffffff;

  FlowId root(FlowId flow);
  void join(FlowId a, FlowId b);
  void join_users(const SharingProblem<double>& problem);
  void number();

  std::vector<FlowId> component_;  // per flow; while they are found: its parent in a tree whose root is the first flow of the component
  std::vector<FlowId> user_;       // per resource: the first flow that uses it, with kShared if it is not alone or the resource is not for caps
  std::vector<FlowId> order_;
  std::vector<std::uint32_t> first_;  // per component, in order_
};

}  // namespace zettatwin::flow
