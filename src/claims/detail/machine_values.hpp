// SPDX-License-Identifier: Apache-2.0
// Figures of a machine by arithmetic on its catalog entry. Bandwidths are per direction unless a measure says otherwise.
#pragma once

#include "claims/claim.hpp"
#include "claims/value.hpp"
#include "hardware/machine.hpp"

namespace zettatwin::claims::detail {

[[nodiscard]] Value chips_of(const hardware::Machine& machine);
[[nodiscard]] Value racks_of(const hardware::Machine& machine);
[[nodiscard]] Value it_power(const hardware::Machine& machine);
// Any measure that needs the machine alone. Expects such a kind.
[[nodiscard]] Value machine_value(const Measure& measure, const hardware::Machine& machine);

}  // namespace zettatwin::claims::detail
