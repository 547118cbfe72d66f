// SPDX-License-Identifier: Apache-2.0
// Machines side by side at equal chips or at equal FP8 peak. Each is built of whole units of its outermost level (pods, racks): of the sizes
// within 1 % of the exact one, the one whose number of units has the smallest odd factor, since parallel plans halve and halve again.
// All train with the same tokens per step, within 2 %: the comparison's batch, or the nearest multiple of the machine's odd factor if that is
// faster.
#pragma once

#include <memory>
#include <vector>

#include "claims/claim.hpp"
#include "claims/value.hpp"
#include "claims/world.hpp"

namespace zettatwin::claims {

struct BatchResult {
  std::int64_t times = 1;  // the comparison's batch
  std::shared_ptr<const Simulation> simulation;
};

struct ComparedMachine {
  hardware::Machine machine;
  Value chips, racks, fp8, hbm, hbm_bandwidth, it_power;
  std::vector<BatchResult> batches;
};

struct ComparisonResult {
  Comparison comparison;
  std::vector<ComparedMachine> machines;  // the reference first
};

// Odd factor of a positive number: 526,592 = 2^8 x 2,057 -> 2,057.
[[nodiscard]] std::int64_t odd_factor(std::int64_t number);
// The number of units near `wanted` that a machine is built of. At least 1.
[[nodiscard]] std::int64_t round_units(double wanted);
// Batches worth trying on a machine of `chips`.
[[nodiscard]] std::vector<std::int64_t> batches_for(std::int64_t chips, std::int64_t batch);

[[nodiscard]] ComparisonResult compared(const Comparison& comparison, World& world, const config::Location& where, config::Diagnostics& diagnostics);

}  // namespace zettatwin::claims
