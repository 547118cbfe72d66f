// SPDX-License-Identifier: Apache-2.0
// Definitions of flow/max_min.hpp for any scalar; max_min.cpp instantiates them for double.
#pragma once

#include <string>
#include <utility>

#include "base/contract.hpp"
#include "flow/detail/max_min_filling.hpp"
#include "flow/detail/max_min_update.hpp"
#include "flow/max_min.hpp"

namespace zettatwin::flow {

template <class Scalar>
void SharingProblem<Scalar>::clear() {
  capacity_.clear();
  weight_.clear();
  rate_cap_.clear();
  first_.resize(1);
  uses_.clear();
}

template <class Scalar>
ResourceId SharingProblem<Scalar>::add_resource(Scalar capacity) {
  ZT_EXPECT(capacity >= Scalar(0) && Arithmetic<Scalar>::is_finite(capacity), "capacity of resource " + std::to_string(resources()));
  capacity_.push_back(std::move(capacity));
  return resources() - 1;
}

template <class Scalar>
FlowId SharingProblem<Scalar>::add_flow(Scalar weight, std::span<const Use<Scalar>> uses, std::optional<Scalar> rate_cap) {
  const FlowId flow = flows();
  const auto is_finite = [](const Scalar& x) { return Arithmetic<Scalar>::is_finite(x); };
  ZT_EXPECT(weight > Scalar(0) && is_finite(weight), "weight of flow " + std::to_string(flow));
  ZT_EXPECT(!rate_cap || (*rate_cap > Scalar(0) && is_finite(*rate_cap)), "rate cap of flow " + std::to_string(flow));
  for (const Use<Scalar>& use : uses) {
    ZT_EXPECT(use.resource < resources() && use.load >= Scalar(0) && is_finite(use.load), "uses of flow " + std::to_string(flow));
    if (use.load == Scalar(0)) continue;
    uses_.push_back(use);
  }
  weight_.push_back(std::move(weight));
  rate_cap_.push_back(rate_cap.value_or(Scalar(0)));
  first_.push_back(static_cast<std::uint32_t>(uses_.size()));
  return flow;
}

}  // namespace zettatwin::flow
