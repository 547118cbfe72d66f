// SPDX-License-Identifier: Apache-2.0
#include "flow/detail/private_resources.hpp"

#include <algorithm>
#include <cmath>
#include <optional>

namespace zettatwin::flow {
namespace {

// Whether capacity / load is a rate that a flow can be capped at.
bool can_cap(double capacity, double load) { return capacity / load > 0 && std::isfinite(capacity / load); }

}  // namespace

SharedPart::SharedPart(const SharingProblem<double>& all, const std::vector<ResourceId>& stays_shared) : all_(all), shared_(all.resources(), kUnused) {
  const auto share = [this](ResourceId l) {
    shared_[l] = problem_.add_resource(all_.capacity(l));
    original_.push_back(l);
  };
  for (const ResourceId l : stays_shared)
    if (shared_[l] == kUnused) share(l);
  for (FlowId f = 0; f < all.flows(); ++f) {
    for (const auto& [l, load] : all.uses(f)) {
      if (shared_[l] == kUnused && can_cap(all.capacity(l), load)) shared_[l] = kPrivate;  // so far
      else if (shared_[l] == kUnused || shared_[l] == kPrivate) share(l);
    }
  }
  std::vector<Use<double>> uses;
  for (FlowId f = 0; f < all.flows(); ++f) {
    uses.clear();
    std::optional<double> cap;
    if (all.has_cap(f)) cap = all.rate_cap(f);
    for (const auto& [l, load] : all.uses(f)) {
      if (is_private(l)) cap = std::min(cap.value_or(all.capacity(l) / load), all.capacity(l) / load);
      else uses.push_back({shared_[l], load});
    }
    problem_.add_flow(all.weight(f), uses, cap);
  }
}

bool SharedPart::caps(FlowId flow, const Use<double>& use) const {
  return is_private(use.resource) && all_.capacity(use.resource) / use.load <= Arithmetic<double>::tie_limit(problem_.rate_cap(flow));
}

}  // namespace zettatwin::flow
