// SPDX-License-Identifier: Apache-2.0
// The explicit graph of a job with what faults leave of its cables and memories, and a router over it.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "graph/routing.hpp"
#include "topology/machine_graph.hpp"
#include "traffic/fault.hpp"

namespace zettatwin::traffic::detail {

class ExplicitNetwork final {
 public:
  ExplicitNetwork(const topology::Fabric& fabric, std::span<const Fault> faults);
  ExplicitNetwork(const ExplicitNetwork&) = delete;
  ExplicitNetwork& operator=(const ExplicitNetwork&) = delete;

  [[nodiscard]] const topology::Fabric& fabric() const { return fabric_; }
  [[nodiscard]] const topology::MachineGraph& machine() const { return machine_; }
  [[nodiscard]] const graph::Graph& graph() const { return machine_.graph(); }
  // 1: healthy, 0: dead.
  [[nodiscard]] const std::vector<double>& remaining() const { return remaining_; }
  [[nodiscard]] double memory_left(std::int64_t rank) const { return memory_[static_cast<std::size_t>(rank)]; }
  // "cabinet=3/npu=5"
  [[nodiscard]] std::string text_of(std::int64_t rank) const;

 private:
  void apply(const Fault& fault);
  void apply_to_ports(const Fault& fault, std::int64_t rank);
  void apply_to_plane(const Fault& fault);
  void apply_to_names(const Fault& fault);
  // The rank at a place; nothing outside the job.
  [[nodiscard]] std::optional<std::int64_t> rank_at(const std::vector<std::int64_t>& coordinate) const;
  void reduce(graph::LinkId link, double left);

  const topology::Fabric& fabric_;
  topology::MachineGraph machine_;
  std::vector<double> remaining_;  // per link
  std::vector<double> memory_;     // per rank
};

}  // namespace zettatwin::traffic::detail
