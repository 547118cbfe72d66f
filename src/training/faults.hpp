// SPDX-License-Identifier: Apache-2.0
// Where faults meet a job: which pipeline stages and which replicas feel them, and what is left of their chips.
// Model (docs/math/faults.md): ranks that exchange tokens, activations or slices in every layer wait for their slowest member; all replicas wait for the
// slowest pipeline at the gradient reduction. So a step with faults is the step of the slowest CLUSTER of coupled replicas: one pipeline whose
// faulty stages run at the speed of their faulty members.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "plan/placement.hpp"
#include "traffic/fault.hpp"

namespace zettatwin::training {

// One place at which a fault is felt. A fault of a unit (switch, plane) is felt by every cluster that has ranks in the unit.
struct Felt {
  std::size_t fault = 0;          // index in the job's list
  std::int64_t stage = 0;         // pipeline rank
  std::optional<std::int64_t> cluster;  // nothing: may be any of them
};

// Empty for faults outside the job's part of the machine.
[[nodiscard]] std::vector<Felt> felt_by(const std::vector<traffic::Fault>& faults, const plan::Placement& placement, std::int64_t stages);

// Ranks that are coupled in every layer: lowest rank of the cluster of `rank`. Its members differ in tp, cp, ep, etp and pp coordinates.
[[nodiscard]] std::int64_t cluster_of(const plan::Placement& placement, std::int64_t rank);

// The chip whose clock and memory have what the faults leave; of several slow chips the slowest in each respect.
[[nodiscard]] hardware::Chip degraded(const hardware::Chip& chip, const std::vector<traffic::Fault>& faults);

// Faults by pipeline stage, for one cluster (with the faults that any cluster may feel) and, for what all replicas do together, for all of them.
struct StageFaults {
  std::vector<std::vector<traffic::Fault>> of_cluster;  // [stage]
  std::vector<std::vector<traffic::Fault>> of_all;      // [stage]
};
// One candidate per cluster that a fault names; one without names if there is none.
[[nodiscard]] std::vector<StageFaults> candidates(const std::vector<traffic::Fault>& faults, const plan::Placement& placement, std::int64_t stages);

// A dead chip of the job, and who it takes along; empty if there is none.
[[nodiscard]] std::string stopped_by(const std::vector<traffic::Fault>& faults, const plan::Placement& placement);

// "felt by pipeline rank 3: 7 tensor peers and 255 expert peers wait in every layer, ...".
[[nodiscard]] std::string who_waits(const traffic::Fault& fault, const plan::Placement& placement, std::int64_t stages);

}  // namespace zettatwin::training
