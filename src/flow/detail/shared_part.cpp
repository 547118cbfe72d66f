// SPDX-License-Identifier: Apache-2.0
#include "flow/detail/shared_part.hpp"

#include <algorithm>
#include <optional>

namespace zettatwin::flow {

void SharedPart::load(std::span<const FlowId> flows) {
  for (const ResourceId l : original_) local_[l] = kNone;
  original_.clear();
  problem_.clear();
  flows_ = flows;
  for (const FlowId f : flows) {
    uses_.clear();
    std::optional<double> cap;
    if (all_.has_cap(f)) cap = all_.rate_cap(f);
    for (const auto& [l, load] : all_.uses(f)) {
      if (is_private(l)) {
        cap = std::min(cap.value_or(all_.capacity(l) / load), all_.capacity(l) / load);
        continue;
      }
      if (local_[l] == kNone) {
        local_[l] = problem_.add_resource(all_.capacity(l));
        original_.push_back(l);
      }
      uses_.push_back({local_[l], load});
    }
    problem_.add_flow(all_.weight(f), uses_, cap);
  }
}

bool SharedPart::caps(FlowId flow, const Use<double>& use) const {
  return is_private(use.resource) && all_.capacity(use.resource) / use.load <= Arithmetic<double>::tie_limit(problem_.rate_cap(flow));
}

}  // namespace zettatwin::flow
