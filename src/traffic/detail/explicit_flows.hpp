// SPDX-License-Identifier: Apache-2.0
// The flows of one stage of a collective on the explicit graph, each of its own.
// Resources are the links, then the memories: capacity 1, or what faults leave; a byte loads them with the seconds that it takes at the
// stage's achieved share of their bandwidth.
#pragma once

#include <vector>

#include "flow/simulation.hpp"
#include "network/stages.hpp"
#include "space/view.hpp"
#include "traffic/detail/explicit_network.hpp"

namespace zettatwin::traffic::detail {

using Members = std::vector<std::int64_t>;  // ranks, ascending

// All groups of the shape; with `level`, their parts that differ on that level only.
[[nodiscard]] std::vector<Members> groups_of(const topology::Fabric& fabric, const space::View& group);
[[nodiscard]] std::vector<Members> parts_on(const topology::Fabric& fabric, const std::vector<Members>& groups, std::size_t level);

// One flow: what is sent first, and to whom.
struct ExplicitFlow {
  std::int64_t from = 0;
  std::int64_t to = 0;  // pairs; groups: their second member
};

class ExplicitFlows final {
 public:
  // `stages`: those whose levels carry bytes at the same time.
  ExplicitFlows(const ExplicitNetwork& network, graph::Router& router, std::vector<network::CollectiveStage> stages, network::Collective op);

  // One flow per ordered pair of members, bytes[l] between two that differ on level l and no outer one. False if there is no way: see stuck().
  [[nodiscard]] bool add_pairs(const std::vector<Members>& groups, const std::vector<units::Bytes>& bytes);
  // One flow per group, or one per round of it; each member moves the stages' bytes.
  [[nodiscard]] bool add_groups(const std::vector<Members>& groups);

  [[nodiscard]] const flow::FlowProgram& program() const { return program_; }
  [[nodiscard]] const std::vector<ExplicitFlow>& flows() const { return flows_; }
  [[nodiscard]] const std::vector<bool>& used() const { return used_; }  // per link
  [[nodiscard]] const ExplicitFlow& stuck() const { return stuck_; }

 private:
  struct Hop {
    std::int64_t from = 0;
    std::int64_t to = 0;
    double bytes = 0;
  };
  using Round = std::vector<Hop>;
  [[nodiscard]] const network::CollectiveStage& stage_at(std::size_t level) const;
  // Adds the loads of `bytes` from one rank to another; its cables' latency.
  [[nodiscard]] bool add_way(std::int64_t from, std::int64_t to, double bytes, bool ports_only, units::Seconds& latency);
  void add_memory(std::int64_t rank, double bytes);
  [[nodiscard]] std::vector<Round> rounds_of(const network::CollectiveStage& stage, const Members& part) const;
  [[nodiscard]] Round neighbours_of(const network::CollectiveStage& stage, const Members& part) const;
  [[nodiscard]] bool add_rounds(const std::vector<std::pair<const network::CollectiveStage*, std::vector<Round>>>& rounds, const Members& group);

  const ExplicitNetwork& network_;
  graph::Router& router_;
  std::vector<network::CollectiveStage> stages_;
  network::Collective op_;
  flow::FlowProgram program_;
  std::vector<ExplicitFlow> flows_;
  std::vector<bool> used_;
  ExplicitFlow stuck_;
  std::vector<flow::Use<double>> uses_;  // of the flow that is being made
  std::vector<topology::Leg> legs_;
  std::vector<graph::Share> way_;
};

}  // namespace zettatwin::traffic::detail
