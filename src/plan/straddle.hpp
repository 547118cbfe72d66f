// SPDX-License-Identifier: Apache-2.0
// Placements whose groups are cut by borders of units: all chips of cabinets of 88 for groups of 64. Used where keeping groups whole (used_units.hpp)
// leaves too many chips idle. Tensor-parallel groups stay whole, and so do groups where a mesh or torus joins the units (topology::may_be_cut).
#pragma once

#include <cstdint>
#include <vector>

#include "hardware/machine.hpp"
#include "plan/plan.hpp"

namespace zettatwin::plan {

// Share of the chips that may idle before a placement straddles.
inline constexpr double kIdleWorthStraddling = 0.05;

// Units of each level that hold ranks, from the ranks inside a unit of each level.
[[nodiscard]] std::vector<std::int64_t> units_used(const std::vector<std::int64_t>& filled);

// topology::Fabric::filled for at most `available` chips and more than `least` ranks; empty if there is none. Levels may be cut one after the other, the
// innermost first and as few as possible, until no more than kIdleWorthStraddling of the chips idle; failing that, the most ranks. Replicas follow the rules of
// used_units.
[[nodiscard]] std::vector<std::int64_t> straddling_blocks(const Plan& plan, const hardware::Machine& machine, std::int64_t available, std::int64_t least);

}  // namespace zettatwin::plan
