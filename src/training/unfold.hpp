// SPDX-License-Identifier: Apache-2.0
// Unfolds one chip of a job: the timeline that its class shares, at operation level, with its own place, peers and faults.
// Model: members of a class do the same at the same time (docs/math/training_step.md, faults.md), so that a chip's timeline is that of its pipeline rank in its
// cluster; reductions of gradients start when the slowest cluster is there, the update when the slowest rank is.
#pragma once

#include <memory>

#include "training/step.hpp"

namespace zettatwin::training {

// Every chip of the machine that a job uses has a rank; nothing for ranks that do not exist and groups without clusters (diagnostics).
[[nodiscard]] bool check_unfold(const Job& job, const plan::Placement& placement, const config::Location& where, config::Diagnostics& diagnostics);
// Expects a job that was checked and runs.
[[nodiscard]] ChipTimeline unfold(const Job& job, const plan::Placement& placement, const config::Location& where, config::Diagnostics& diagnostics);

}  // namespace zettatwin::training
