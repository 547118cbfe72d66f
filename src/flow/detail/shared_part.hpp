// SPDX-License-Identifier: Apache-2.0
// One component of a program as a problem of its own: its flows in their order, the resources that they share in the order of first use, and caps for what one
// flow alone uses. Loaded again and again, so that small components take no allocation.
#pragma once

#include <span>
#include <vector>

#include "flow/detail/components.hpp"
#include "flow/max_min.hpp"

namespace zettatwin::flow {

class SharedPart final {
 public:
  // Both must outlive it.
  SharedPart(const SharingProblem<double>& all, const Components& components);

  void load(std::span<const FlowId> flows);
  void prefetch(ResourceId original) const { __builtin_prefetch(&places_[original]); }

  [[nodiscard]] const SharingProblem<double>& problem() const { return problem_; }
  [[nodiscard]] FlowId original_flow(FlowId flow) const { return flows_[flow]; }
  [[nodiscard]] ResourceId original(ResourceId shared) const { return original_[shared]; }
  [[nodiscard]] ResourceId local(ResourceId original) const { return places_[original].local; }  // of a shared one of this component
  [[nodiscard]] bool is_private(ResourceId original) const { return places_[original].local == kPrivate; }
  [[nodiscard]] double capacity(ResourceId original) const { return places_[original].capacity; }
  // Whether the flow is at its cap because of this private resource of its own.
  [[nodiscard]] bool caps(FlowId flow, const Use<double>& use) const;

 private:
  static constexpr ResourceId kNone = 0xffffffff, kPrivate = 0xfffffffe;
  struct Place {  // all that a use of a resource needs, together: in large problems each costs an access to memory
    double capacity;
    ResourceId local;  // kNone: of another component
  };
  const SharingProblem<double>& all_;
  SharingProblem<double> problem_;
  std::span<const FlowId> flows_;
  std::vector<Place> places_;         // by resource of the program
  std::vector<ResourceId> original_;  // by resource of the problem
  std::vector<Use<double>> uses_;     // of one flow
};

}  // namespace zettatwin::flow
