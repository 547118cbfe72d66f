// SPDX-License-Identifier: Apache-2.0
// StageFlows of pipelined stages: one flow per group, over the links of all members. One unit of a flow is the whole stage: its uses are
// loaded with bytes already.
#pragma once

#include "traffic/detail/stage_flows.hpp"

namespace zettatwin::traffic::detail {

template <class Number>
FlowClass<Number>& StageFlows<Number>::group_of(Groups& groups, fold::Position rank) const {
  for (std::size_t i = 0; i < lattice_.atoms(); ++i)
    if (groups.within[i]) rank[i] = fold::none;
  const auto orbit = fold::orbit_of(*lattice_.space, {std::move(rank), lattice_.empty_position()});
  const auto at = fold::find(groups.orbits, orbit.representative);
  ZT_ASSERT(at.has_value(), "a member without group");
  return groups.flows[*at];
}

template <class Number>
bool StageFlows<Number>::add_mesh_stage(const network::CollectiveStage& stage, Groups& groups) {
  const double share = lattice_.fabric->machine->levels[stage.level].network.pair_bandwidth.si() / stage.datasheet.si();
  const Number bytes = Numbers<Number>::of(share * stage.bytes.si());
  std::vector<bool> on_level = groups.within;
  for (std::size_t i = 0; i < lattice_.atoms(); ++i) on_level[i] = groups.within[i] && lattice_.level_of[i] == stage.level;
  Way way;
  for (std::size_t atom = 0; atom < lattice_.atoms(); ++atom) {
    if (!on_level[atom]) continue;
    for (const auto& orbit : fold::orbits(*lattice_.space, pairs_across(lattice_, on_level, atom))) {
      const auto& [from, to] = orbit.representative;
      auto& flow = group_of(groups, from);
      Ways<Number> ways = ways_;
      way.clear();
      if (!ways.append_mesh(stage.level, from, to, Number(1), way)) return false;
      add_way(flow, way, orbit.members, bytes);
      if (!ways.took_detour()) continue;
      way.clear();
      (void)healthy_ways_.append_mesh(stage.level, from, to, Number(1), way);
      add_cap(flow, cap_of(way, bytes));
    }
  }
  return true;
}

// Of one member: its two links of each dimension that the group spans, where it has them.
template <class Number>
bool StageFlows<Number>::add_torus_stage(const network::CollectiveStage& stage, const fold::Orbit& member, Groups& groups) {
  const double share = lattice_.fabric->machine->levels[stage.level].network.pair_bandwidth.si() / stage.datasheet.si();
  const Number bytes = Numbers<Number>::of(share * stage.bytes.si());
  const auto& rank = member.representative.source;
  Way way;
  for (const auto& dimension : lattice_.dimensions) {
    if (dimension.level != stage.level || !lattice_.spans(groups.within, dimension)) continue;
    for (const std::int64_t direction : {1, -1}) {
      way.clear();
      if (!lattice_.next(dimension, rank, direction)) continue;
      if (!ways_.append_run(dimension, rank, direction, Number(1), way)) return false;
      add_way(group_of(groups, rank), way, member.members, bytes);
    }
  }
  return true;
}

template <class Number>
bool StageFlows<Number>::add_groups(const std::vector<bool>& within, std::span<const network::CollectiveStage> stages) {
  Groups groups{fold::orbits(*lattice_.space, detail::groups(lattice_, within)), {}, within};
  units::Seconds latency;
  for (const auto& stage : stages) latency = std::max(latency, stage.latency);
  for (const auto& orbit : groups.orbits) groups.flows.push_back({orbit.representative, orbit.members, Number(1), latency, {}, stages.back().level, {}});
  const auto ranks = fold::orbits(*lattice_.space, fold::points(*lattice_.space));
  for (const auto& stage : stages) {
    const auto& machine = *lattice_.fabric->machine;
    const bool mesh = machine.levels[stage.level].network.kind == hardware::NetworkKind::full_mesh, torus = lattice_.is_torus(stage.level);
    const Number bytes = Numbers<Number>::of(stage.bytes.si());
    if (mesh && !add_mesh_stage(stage, groups)) return false;
    for (const auto& member : ranks) {
      const auto& rank = member.representative.source;
      auto& flow = group_of(groups, rank);
      if (torus && !add_torus_stage(stage, member, groups)) return false;
      if (!mesh && !torus)
        for (const auto kind : {LinkKind::send_port, LinkKind::receive_port})
          add_way(flow, {{{kind, network::port_level(machine, stage.level), {rank, lattice_.empty_position()}}, Number(1), stage.level}}, member.members, bytes);
      add_memory(flow.uses, rank, member.members, bytes * Number(2));
    }
  }
  for (auto& flow : groups.flows) flows_.push_back(std::move(flow));
  return true;
}

}  // namespace zettatwin::traffic::detail
