// SPDX-License-Identifier: Apache-2.0
// Attaches times to operations: computation from the chip, communication from the network between the ranks of its group.
#pragma once

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <tuple>

#include "model/architecture.hpp"
#include "compute/operator_time.hpp"
#include "network/stages.hpp"
#include "plan/placement.hpp"
#include "space/partition.hpp"
#include "training/footprint.hpp"
#include "traffic/collective.hpp"
#include "workload/operations.hpp"

namespace zettatwin::training {

class OperationTimer final {
 public:
  // With `faults` an operation takes what the slowest chip or group takes. Unfolded: collectives always run as explicit flows of all ranks.
  OperationTimer(const hardware::Chip& chip, const plan::Plan& plan, const plan::Placement& placement, const model::Architecture& architecture,
                 std::vector<traffic::Fault> faults = {}, traffic::Fidelity fidelity = traffic::Fidelity::folded);

  [[nodiscard]] units::Picoseconds time(const workload::Operation& op) const;
  // Of a computation, on the slowest chip.
  template <class Work>
  [[nodiscard]] units::Picoseconds compute_time(const Work& work) const {
    if (slow_chips_.empty()) return compute::time_of(chip_, work).time;
    units::Picoseconds slowest;
    for (const auto& chip : slow_chips_) slowest = std::max(slowest, compute::time_of(chip, work).time);
    return slowest;
  }
  // How much longer matrix work takes on the slowest chip of the job than on the slowest of eight: 1 + spread (E[largest of N normals] - E[largest of 8]).
  [[nodiscard]] double pace() const { return pace_; }
  // No schedule, algorithm or kernel is faster: datasheet peaks, no latency.
  [[nodiscard]] units::Picoseconds bound(const workload::Operation& op) const;

  // The flows of a communication that faults may slow; nothing without faults.
  [[nodiscard]] std::optional<traffic::CollectiveAnswer> flows(const workload::Communication& communication) const;
  // The network's question behind a communication.
  [[nodiscard]] network::CollectiveRequest request(const workload::Communication& communication) const;
  [[nodiscard]] units::Picoseconds time(const workload::Communication& communication) const { return *priced(communication).time; }
  // With what it keeps busy; the footprint lives as long as the timer.
  [[nodiscard]] Traffic traffic(const workload::Communication& communication) const;
  [[nodiscard]] Footprint footprint(workload::Group group, const network::CollectiveLoad& load) const;
  [[nodiscard]] const space::View& view(workload::Group group) const { return views_[static_cast<std::size_t>(group)]; }
  [[nodiscard]] std::int64_t group_size(workload::Group group) const { return view(group).size(); }
  [[nodiscard]] const hardware::Chip& chip() const { return chip_; }  // healthy
  [[nodiscard]] const plan::Placement& placement() const { return placement_; }
  // Why a collective that was timed cannot run at all with the faults; empty if all can.
  [[nodiscard]] const std::string& impossible() const { return impossible_; }

 private:
  struct Priced {
    std::optional<units::Picoseconds> time;
    Footprint ports;
  };
  [[nodiscard]] const Priced& priced(const workload::Communication& communication) const;
  [[nodiscard]] traffic::CollectiveQuery query(const workload::Communication& communication) const;
  [[nodiscard]] units::Picoseconds by_flows(const workload::Communication& communication, units::Picoseconds healthy) const;

  const hardware::Chip& chip_;
  const plan::Placement& placement_;
  std::array<space::View, 9> views_;   // by workload::Group
  const model::MixtureOfExperts* experts_ = nullptr;  // of the model's expert layers
  // Layers repeat their collectives; each distinct one is priced once. Makes a timer usable by one thread at a time.
  using Key = std::tuple<network::Collective, workload::Group, double, double>;
  mutable std::map<Key, Priced> known_;
  std::vector<traffic::Fault> faults_;
  traffic::Fidelity fidelity_;
  std::vector<hardware::Chip> slow_chips_;
  double pace_ = 1;
  mutable std::string impossible_;
};

// The shard group of `data`, replicas of some parameters, and its replicas: `zero_group` innermost members of the data-parallel ranks `all_data`, or all of
// them. Expert parameters have fewer replicas; their shard group shrinks in proportion. Nothing if zero_group cuts across the views.
[[nodiscard]] std::optional<space::Partition> shards_of(const space::View& data, const space::View& all_data, std::int64_t zero_group);

// How a token picks its experts.
struct Routing {
  std::int64_t experts = 1;
  std::int64_t top_k = 1;
  std::int64_t groups = 1;       // equal parts of the experts in order
  std::int64_t group_limit = 0;  // experts come from so many groups, all equally likely; 0: from anywhere
};

// Expected number of distinct units that hold a token or one of its copies, when `units` units share the experts evenly and in order, and the token picks
// its groups, and its experts in them, without regard to place: 1 + (G - 1) P(a unit holds one of the k). docs/math/collectives.md.
[[nodiscard]] double expected_units_reached(std::int64_t units, const Routing& routing);

}  // namespace zettatwin::training
