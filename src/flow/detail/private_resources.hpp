// SPDX-License-Identifier: Apache-2.0
// Resources that one flow alone ever uses share nothing: they cap its rate at capacity / load. In sparse traffic they are most of all uses, and the solver
// need not know them. What is left of a program is a problem of its own, with fewer resources.
#pragma once

#include <vector>

#include "flow/simulation.hpp"

namespace zettatwin::flow {

class SharedPart final {
 public:
  // `stays_shared`: resources that are not to be taken for caps, because they change; any order.
  SharedPart(const SharingProblem<double>& all, const std::vector<ResourceId>& stays_shared);

  [[nodiscard]] const SharingProblem<double>& problem() const { return problem_; }  // all flows, shared resources only
  [[nodiscard]] ResourceId original(ResourceId shared) const { return original_[shared]; }
  [[nodiscard]] ResourceId shared(ResourceId original) const { return shared_[original]; }
  [[nodiscard]] bool is_private(ResourceId original) const { return shared_[original] == kPrivate; }
  // Whether the flow is at its cap because of this private resource of its own.
  [[nodiscard]] bool caps(FlowId flow, const Use<double>& use) const;

 private:
  static constexpr ResourceId kPrivate = 0xffffffff;
  static constexpr ResourceId kUnused = 0xfffffffe;
  const SharingProblem<double>& all_;
  SharingProblem<double> problem_;
  std::vector<ResourceId> shared_;    // by resource of the program
  std::vector<ResourceId> original_;  // by shared resource
};

}  // namespace zettatwin::flow
