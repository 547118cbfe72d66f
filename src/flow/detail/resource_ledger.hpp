// SPDX-License-Identifier: Apache-2.0
// What resources did: bytes, peaks and times of saturation, brought up to date when what they carry changes.
#pragma once

#include <vector>

#include "flow/simulation.hpp"

namespace zettatwin::flow {

class ResourceLedger final {
 public:
  void restart(std::uint32_t resources) { accounts_.assign(resources, {}); }

  // From now on this resource carries so much of its capacity.
  void carries(ResourceId resource, double rate, double capacity, bool saturated, units::Picoseconds now);
  [[nodiscard]] ResourceOutcome close(ResourceId resource, units::Picoseconds now);

 private:
  struct alignas(64) Account {
    ResourceOutcome outcome;
    double rate = 0;  // since then
    units::Picoseconds since;
    bool saturated = false;
  };
  std::vector<Account> accounts_;
};

}  // namespace zettatwin::flow
