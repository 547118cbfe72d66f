// SPDX-License-Identifier: Apache-2.0
#include "flow/detail/shared_part.hpp"

#include <algorithm>
#include <optional>

namespace zettatwin::flow {

SharedPart::SharedPart(const SharingProblem<double>& all, const Components& components) : all_(all) {
  places_.reserve(all.resources());
  for (ResourceId l = 0; l < all.resources(); ++l) places_.push_back({all.capacity(l), components.is_private(l) ? kPrivate : kNone});
}

void SharedPart::load(std::span<const FlowId> flows) {
  for (const ResourceId l : original_) places_[l].local = kNone;
  original_.clear();
  problem_.clear();
  flows_ = flows;
  for (const FlowId f : flows) {
    uses_.clear();
    std::optional<double> cap;
    if (all_.has_cap(f)) cap = all_.rate_cap(f);
    for (const auto& [l, load] : all_.uses(f)) {
      Place& place = places_[l];
      if (place.local == kPrivate) {
        cap = std::min(cap.value_or(place.capacity / load), place.capacity / load);
        continue;
      }
      if (place.local == kNone) {
        place.local = problem_.add_resource(place.capacity);
        original_.push_back(l);
      }
      uses_.push_back({place.local, load});
    }
    problem_.add_flow(all_.weight(f), uses_, cap);
  }
}

bool SharedPart::caps(FlowId flow, const Use<double>& use) const {
  return is_private(use.resource) && capacity(use.resource) / use.load <= Arithmetic<double>::tie_limit(problem_.rate_cap(flow));
}

}  // namespace zettatwin::flow
