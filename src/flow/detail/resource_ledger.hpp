// SPDX-License-Identifier: Apache-2.0
// What resources did: peaks and times of saturation as rates change, bytes carried at the end.
#pragma once

#include <span>
#include <vector>

#include "flow/simulation.hpp"

namespace zettatwin::flow {

class ResourceLedger final {
 public:
  explicit ResourceLedger(std::uint32_t resources) : outcomes_(resources), since_(resources, kNever) {}

  // From now on this resource carries so much of its capacity.
  void carries(ResourceId resource, double rate, double capacity, bool saturated, units::Picoseconds now);
  [[nodiscard]] std::vector<ResourceOutcome> close(const SharingProblem<double>& sharing, std::span<const double> bytes_moved, units::Picoseconds now);

 private:
  std::vector<ResourceOutcome> outcomes_;
  std::vector<units::Picoseconds> since_;  // when it saturated; kNever: it is not
};

}  // namespace zettatwin::flow
