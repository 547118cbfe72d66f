// SPDX-License-Identifier: Apache-2.0
// What faults do to a job: what is left of chips, who waits for whom, what stops it. Which clusters feel them: clusters.hpp.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "training/clusters.hpp"

namespace zettatwin::training {

// One chip per slow chip among the faults, with what they leave of its clock and memory, without those that another is slower than in both; empty if none is slow.
[[nodiscard]] std::vector<hardware::Chip> slow_chips(const hardware::Chip& chip, const std::vector<traffic::Fault>& faults);

// Whether all that these slow of chips is one chip: its peers are healthy and wait for it.
[[nodiscard]] bool has_one_slow_chip(const std::vector<traffic::Fault>& faults, const topology::Fabric& fabric);

// A dead chip of the job, and who it takes along; empty if there is none.
[[nodiscard]] std::string stopped_by(const std::vector<traffic::Fault>& faults, const plan::Placement& placement);

// "felt by pipeline rank 3: 7 tensor peers and 255 expert peers wait in every layer, ...".
[[nodiscard]] std::string who_waits(const traffic::Fault& fault, const plan::Placement& placement, std::int64_t stages);

// "clock at 80 %", "cluster port at 50 %", "board link to peer 3 dead".
[[nodiscard]] std::string what_is_left(const traffic::Fault& fault, const hardware::Machine& machine);
// Which part of the chip's work it slows: "computation", "memory", "links", "everything".
[[nodiscard]] std::string_view mechanism_of(traffic::FaultKind kind);
// How one rank feels a fault: itself, through its stage, its pipeline, or at the gradient reduction only.
[[nodiscard]] std::string how_felt(const traffic::Fault& fault, const plan::Placement& placement, std::int64_t stages, std::int64_t rank);

}  // namespace zettatwin::training
