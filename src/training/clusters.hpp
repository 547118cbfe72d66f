// SPDX-License-Identifier: Apache-2.0
// Clusters of ranks that are coupled in every layer or microbatch, and which of them feel which faults.
// Model (docs/math/faults.md): ranks that exchange tokens, activations or slices wait for their slowest member; clusters meet at the gradient reduction.
// A rank is a mixed-radix number; its cluster is what is left when the digits of the coupled groups are set to zero. A place of the machine fixes some
// digits and leaves others free, so that the clusters that feel a set of faults are found digit by digit, never one by one.
#pragma once

#include <cstdint>
#include <vector>

#include "plan/placement.hpp"
#include "traffic/fault.hpp"

namespace zettatwin::training {

// One pipeline stage that feels a fault, and the clusters in which it does.
struct Felt {
  std::size_t fault = 0;               // index in the job's list
  std::int64_t stage = 0;              // pipeline rank
  std::vector<std::int64_t> clusters;  // by digit of the cluster's number; traffic::Place::kEvery: whatever it is
};

// Faults by pipeline stage: those that one cluster feels and, for what all replicas do together, those that any does.
struct StageFaults {
  std::vector<std::vector<traffic::Fault>> of_cluster;  // [stage]
  std::vector<std::vector<traffic::Fault>> of_all;      // [stage]
  std::int64_t clusters = 1;                            // that feel these
};

// Whether groups and levels are in step, so that ranks have clusters.
[[nodiscard]] bool has_clusters(const plan::Placement& placement);
[[nodiscard]] std::int64_t count_of_clusters(const plan::Placement& placement);
// Lowest rank of the cluster of `rank`. Its members differ in tp, cp, ep, etp and pp coordinates.
[[nodiscard]] std::int64_t cluster_of(const plan::Placement& placement, std::int64_t rank);

// Whether the fault is at the rank's own chip, ports or switches.
[[nodiscard]] bool is_at(const traffic::Fault& fault, const plan::Placement& placement, std::int64_t rank);

// Empty for faults outside the job's part of the machine.
[[nodiscard]] std::vector<Felt> felt_by(const std::vector<traffic::Fault>& faults, const plan::Placement& placement);

// One entry for each set of faults that some cluster feels; no fault is one of them where a cluster feels none.
[[nodiscard]] std::vector<StageFaults> distinct_clusters(const std::vector<traffic::Fault>& faults, const plan::Placement& placement, std::int64_t stages);
[[nodiscard]] StageFaults faults_of_cluster(const std::vector<traffic::Fault>& faults, const plan::Placement& placement, std::int64_t stages, std::int64_t rank);
// One entry per cluster, found rank by rank: the same on the identity partition.
[[nodiscard]] std::vector<StageFaults> every_cluster(const std::vector<traffic::Fault>& faults, const plan::Placement& placement, std::int64_t stages);

}  // namespace zettatwin::training
