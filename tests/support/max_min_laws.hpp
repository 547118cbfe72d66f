// SPDX-License-Identifier: Apache-2.0
// What makes rates max-min fair, checked without knowing how they were found (Bertsekas and Gallager, Data Networks, 1992, section 6.5.2):
// no resource is overloaded, and each flow is at its cap or has a bottleneck, a full resource on which no flow has a higher level.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "flow/max_min.hpp"

namespace zettatwin::test {

// Empty if the rates are max-min fair within the relative tolerance, otherwise what is wrong.
template <class Scalar>
std::string why_not_max_min(const flow::SharingProblem<Scalar>& p, const std::vector<Scalar>& rate, const Scalar& tolerance) {
  std::vector<Scalar> carried(p.resources(), Scalar(0));
  std::vector<Scalar> highest(p.resources(), Scalar(0));
  for (flow::FlowId f = 0; f < p.flows(); ++f) {
    for (const auto& [l, load] : p.uses(f)) {
      carried[l] += load * rate[f];
      highest[l] = std::max<Scalar>(highest[l], rate[f] / p.weight(f));
    }
  }
  const Scalar above = Scalar(1) + tolerance;
  for (flow::ResourceId l = 0; l < p.resources(); ++l) {
    if (p.capacity(l) * above < carried[l]) return "resource " + std::to_string(l) + " is overloaded";
  }
  for (flow::FlowId f = 0; f < p.flows(); ++f) {
    if (p.has_cap(f) && p.rate_cap(f) * above < rate[f]) return "flow " + std::to_string(f) + " is above its cap";
    const bool at_cap = p.has_cap(f) && !(rate[f] * above < p.rate_cap(f));
    const auto limits = [&](const flow::Use<Scalar>& use) {
      const flow::ResourceId l = use.resource;
      return !(carried[l] * above < p.capacity(l)) && !(rate[f] / p.weight(f) * above < highest[l]);
    };
    if (!at_cap && !std::any_of(p.uses(f).begin(), p.uses(f).end(), limits)) return "flow " + std::to_string(f) + " has no bottleneck";
  }
  return "";
}

}  // namespace zettatwin::test
