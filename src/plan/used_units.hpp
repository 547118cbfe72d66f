// SPDX-License-Identifier: Apache-2.0
// Which part of a machine a plan uses: used units per level that keep every edge of the plan's grids in step with every level.
#pragma once

#include <cstdint>
#include <vector>

#include "hardware/machine.hpp"
#include "plan/plan.hpp"

namespace zettatwin::plan {

// Used units per level, innermost first, for at most `available` chips: with most replicas if plan.dp is 0 (among the replica counts that divide
// global_batch / micro_batch, if a global batch is set), else exactly plan.dp; of equal answers the one that fills the inner levels
// first. Empty if there is none. Branch and bound over the levels; well under a millisecond on machines of a million chips.
// Expects tp * cp * pp (* dp) <= available.
[[nodiscard]] std::vector<std::int64_t> used_units(const Plan& plan, const hardware::Machine& machine, std::int64_t available);

// Divisors of a whole number, largest first: the replica counts that share a batch evenly.
[[nodiscard]] std::vector<std::int64_t> divisors_descending(std::int64_t whole);

}  // namespace zettatwin::plan
