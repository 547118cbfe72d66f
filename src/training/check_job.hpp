// SPDX-License-Identifier: Apache-2.0
// Whether a job can be calculated on a machine at all, whatever the sizes of its plan: the chip has the number formats, and a step is short
// enough to be counted in picoseconds.
#pragma once

#include "training/train.hpp"

namespace zettatwin::training {

// `chips` that share the work. A global batch of 0 counts as one sequence.
[[nodiscard]] bool check_job(const Job& job, std::int64_t chips, const config::Location& where, config::Diagnostics& diagnostics);

// Whether every level of the machine that the job uses is fast enough for a step to be counted in picoseconds.
[[nodiscard]] bool check_links(const Job& job, const plan::Placement& placement, const config::Location& where, config::Diagnostics& diagnostics);

// Whether sharding groups line up with the placed ranks and the machine's levels.
[[nodiscard]] bool check_shards(const plan::Plan& plan, const plan::Placement& placement, const config::Location& where, config::Diagnostics& diagnostics);

// Whether the job is small enough to run with every rank and flow for itself, on groups in step with each other and the machine.
[[nodiscard]] bool check_unfolded(const Job& job, const plan::Placement& placement, const config::Location& where, config::Diagnostics& diagnostics);

}  // namespace zettatwin::training
