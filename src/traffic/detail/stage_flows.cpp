// SPDX-License-Identifier: Apache-2.0
#include "traffic/detail/stage_flows.hpp"

#include <algorithm>

#include "base/contract.hpp"

namespace zettatwin::traffic::detail {

using hardware::NetworkKind;

StageFlows::StageFlows(const Lattice& lattice, const Health& health, std::vector<network::CollectiveStage> stages)
    : lattice_(lattice), health_(health), stages_(std::move(stages)), links_(lattice, health, program_) {}

const network::CollectiveStage* StageFlows::stage_at(std::size_t level) const {
  const auto at = std::find_if(stages_.begin(), stages_.end(), [level](const auto& s) { return s.level == level; });
  return at == stages_.end() ? nullptr : &*at;
}

double StageFlows::seconds_per_byte(const Hop& hop) const {
  const auto* stage = stage_at(hop.level);
  ZT_ASSERT(stage != nullptr, std::to_string(hop.level));
  const auto& fabric = *lattice_.fabric;
  const auto& network = fabric.machine->levels[hop.level].network;
  const double efficiency = stage->bandwidth / stage->datasheet;
  const auto units = leaf_units(fabric, hop.level);
  switch (hop.link.kind) {
    case LinkKind::mesh_link: return 1 / (network.pair_bandwidth.si() * efficiency);
    case LinkKind::leaf_up:
    case LinkKind::leaf_down: {
      const double ranks = static_cast<double>(units * (hop.level > 0 ? fabric.ranks_within(hop.level - 1) : 1));
      const double over = network.oversubscription.present ? std::max(1.0, network.oversubscription.si()) : 1.0;
      return over / (ranks * network.bandwidth.si() * efficiency);
    }
    default: return 1 / (units > 0 ? network.bandwidth.si() * efficiency : stage->bandwidth.si());
  }
}

void StageFlows::add_use(Uses& uses, const Hop& hop, double members) {
  const auto id = links_.class_of(hop.link);
  uses.push_back({id, members * hop.share * seconds_per_byte(hop) / static_cast<double>(links_.classes()[id].members)});
}

void StageFlows::add_memory(Uses& uses, const fold::Position& rank, double passes, double members) {
  const auto id = links_.class_of({LinkKind::memory, 0, {rank, lattice_.empty_position()}});
  uses.push_back({id, members * passes / (lattice_.fabric->machine->chip.memory.bandwidth.si() * static_cast<double>(links_.classes()[id].members))});
}

bool StageFlows::add_pairs(const std::vector<bool>& within, const std::vector<units::Bytes>& bytes) {
  std::vector<Hop> way;
  Uses uses;
  for (std::size_t atom = 0; atom < lattice_.atoms(); ++atom) {
    const auto level = lattice_.level_of[atom];
    if (!within[atom] || bytes[level].si() <= 0) continue;
    for (const auto& orbit : fold::orbits(*lattice_.space, pairs_across(lattice_, within, atom))) {
      const auto& [from, to] = orbit.representative;
      const double members = static_cast<double>(orbit.members);
      way.clear();
      uses.clear();
      if (!append_way(lattice_, health_, from, to, 1, way)) return false;
      for (const auto& hop : way) add_use(uses, hop, members);
      add_memory(uses, from, 1, members);
      add_memory(uses, to, 1, members);
      (void)program_.add_flow({.bytes = bytes[level], .uses = uses, .latency = units::Picoseconds::from(stage_at(level)->latency)});
      flows_.push_back({orbit.representative, orbit.members});
    }
  }
  return true;
}

bool StageFlows::add_groups(const std::vector<bool>& within) {
  const auto group_orbits = fold::orbits(*lattice_.space, groups(lattice_, within));
  std::vector<Uses> uses(group_orbits.size());
  const auto group_of = [&](fold::Position rank) {
    for (std::size_t i = 0; i < lattice_.atoms(); ++i)
      if (within[i]) rank[i] = fold::none;
    const auto orbit = fold::orbit_of(*lattice_.space, {std::move(rank), lattice_.empty_position()});
    const auto at = fold::find(group_orbits, orbit.representative);
    ZT_ASSERT(at.has_value(), "a member without group");
    return *at;
  };
  units::Seconds latency;
  std::vector<Hop> way;
  for (const auto& stage : stages_) {
    latency = std::max(latency, stage.latency);
    const auto& network = lattice_.fabric->machine->levels[stage.level].network;
    const double bytes = stage.bytes.si();
    if (network.kind == NetworkKind::full_mesh) {
      const double share = network.pair_bandwidth.si() / stage.datasheet.si();
      for (std::size_t atom = 0; atom < lattice_.atoms(); ++atom) {
        if (!within[atom] || lattice_.level_of[atom] != stage.level) continue;
        std::vector<bool> on_level = within;
        for (std::size_t i = 0; i < lattice_.atoms(); ++i) on_level[i] = within[i] && lattice_.level_of[i] == stage.level;
        for (const auto& orbit : fold::orbits(*lattice_.space, pairs_across(lattice_, on_level, atom))) {
          way.clear();
          if (!append_mesh_hop(lattice_, health_, stage.level, orbit.representative.source, orbit.representative.destination, share * bytes, way)) return false;
          for (const auto& hop : way) add_use(uses[group_of(orbit.representative.source)], hop, static_cast<double>(orbit.members));
        }
      }
    }
    for (const auto& orbit : fold::orbits(*lattice_.space, fold::points(*lattice_.space))) {
      const auto& rank = orbit.representative.source;
      auto& of_group = uses[group_of(rank)];
      const double members = static_cast<double>(orbit.members);
      if (network.kind != NetworkKind::full_mesh)
        for (const auto kind : {LinkKind::send_port, LinkKind::receive_port})
          add_use(of_group, {{kind, network::port_level(*lattice_.fabric->machine, stage.level), {rank, lattice_.empty_position()}}, bytes, stage.level}, members);
      add_memory(of_group, rank, 2 * bytes, members);
    }
  }
  // One unit of a flow is the whole stage: its uses are loaded with bytes already.
  for (std::size_t i = 0; i < group_orbits.size(); ++i) {
    (void)program_.add_flow({.bytes = units::Bytes::from_si(1), .uses = uses[i], .latency = units::Picoseconds::from(latency)});
    flows_.push_back({group_orbits[i].representative, group_orbits[i].members});
  }
  return true;
}

}  // namespace zettatwin::traffic::detail
