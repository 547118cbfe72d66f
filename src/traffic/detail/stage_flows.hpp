// SPDX-License-Identifier: Apache-2.0
// The flows of one stage of a collective, as classes on classes of links.
// Every link has capacity 1 (what is left of it after faults); loads are in seconds of the healthy link per byte, so that levels that share
// ports add up and efficiencies of different stages can differ. A port stands for all planes of its network (traffic is sprayed over those
// that work).
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "flow/max_min.hpp"
#include "network/stages.hpp"
#include "traffic/detail/ways.hpp"

namespace zettatwin::traffic::detail {

template <class Number>
struct LinkClass {
  LinkId representative;
  std::int64_t members = 0;
  Number remaining{1};
};

template <class Number>
struct FlowClass {
  fold::Element representative;  // two ranks, or a group (a rank without the coordinates inside)
  std::int64_t members = 0;
  Number bytes{0};
  units::Seconds latency;
  std::vector<flow::Use<Number>> uses;  // of LinkClass by index; load of one link by all members, per byte of one
  std::size_t level = 0;                // the outermost that it crosses
  std::optional<Number> rate_cap;       // around a fault: detours do not make a flow faster than the healthy way was
};

// Flows that start together, each after its latency.
template <class Number>
class StageFlows final {
 public:
  // Bytes from one rank to another that differs from it on `level` and no outer one.
  using BytesBetween = std::function<units::Bytes(const fold::Position& from, const fold::Position& to, std::size_t level)>;

  // `stages`: those whose levels carry bytes at the same time; their bandwidths set the links' rates.
  StageFlows(const Lattice& lattice, std::span<const Fault> faults, std::vector<network::CollectiveStage> stages)
      : lattice_(lattice), ways_(lattice, faults), healthy_ways_(lattice, {}), stages_(std::move(stages)) {}

  // One flow per ordered pair of members; bytes must be equal for pairs that the lattice's symmetry exchanges. False if a pair has no way.
  [[nodiscard]] bool add_pairs(const std::vector<bool>& within, const BytesBetween& bytes);
  // One flow per group; each member moves the stages' bytes through its ports.
  [[nodiscard]] bool add_groups(const std::vector<bool>& within, std::span<const network::CollectiveStage> stages);

  [[nodiscard]] const std::vector<FlowClass<Number>>& flows() const { return flows_; }
  [[nodiscard]] const std::vector<LinkClass<Number>>& links() const { return links_; }

 private:
  using Uses = std::vector<flow::Use<Number>>;
  using Way = std::vector<Hop<Number>>;
  struct Groups {
    std::vector<fold::Orbit> orbits;
    std::vector<FlowClass<Number>> flows;
    const std::vector<bool>& within;
  };

  [[nodiscard]] const network::CollectiveStage* stage_at(std::size_t level) const {
    const auto at = std::find_if(stages_.begin(), stages_.end(), [level](const auto& s) { return s.level == level; });
    return at == stages_.end() ? nullptr : &*at;
  }
  [[nodiscard]] flow::ResourceId class_of(const LinkId& link);
  // Seconds that a byte takes on the healthy link.
  [[nodiscard]] double seconds_per_byte(const Hop<Number>& hop) const;
  // `members` flows of the class put share * per_byte on links of the hop's class.
  void add_use(Uses& uses, const Hop<Number>& hop, std::int64_t members, Number per_byte);
  void add_way(FlowClass<Number>& flow, const Way& way, std::int64_t members, Number bytes);
  void add_memory(Uses& uses, const fold::Position& rank, std::int64_t members, Number bytes);
  // The rate at which the healthy way's most loaded link is full.
  [[nodiscard]] Number cap_of(const Way& way, Number bytes) const;
  void add_cap(FlowClass<Number>& flow, Number cap) {
    if (!flow.rate_cap || cap < *flow.rate_cap) flow.rate_cap = cap;
  }
  [[nodiscard]] FlowClass<Number>& group_of(Groups& groups, fold::Position rank) const;
  [[nodiscard]] bool add_mesh_stage(const network::CollectiveStage& stage, Groups& groups);
  [[nodiscard]] bool add_torus_stage(const network::CollectiveStage& stage, const fold::Orbit& member, Groups& groups);

  const Lattice& lattice_;
  Ways<Number> ways_, healthy_ways_;
  std::vector<network::CollectiveStage> stages_;
  std::vector<FlowClass<Number>> flows_;
  std::map<LinkId, flow::ResourceId> known_;
  std::vector<LinkClass<Number>> links_;
};

template <class Number>
flow::ResourceId StageFlows<Number>::class_of(const LinkId& link) {
  auto orbit = orbit_of(lattice_, link);
  const auto [at, added] = known_.try_emplace(orbit.representative, static_cast<flow::ResourceId>(links_.size()));
  if (added) {
    const Number remaining = ways_.health().remaining(orbit.representative);
    links_.push_back({std::move(orbit.representative), orbit.members, remaining});
  }
  return at->second;
}

template <class Number>
double StageFlows<Number>::seconds_per_byte(const Hop<Number>& hop) const {
  const auto* stage = stage_at(hop.level);
  ZT_ASSERT(stage != nullptr, std::to_string(hop.level));
  const auto& fabric = *lattice_.fabric;
  const auto& network = fabric.machine->levels[hop.level].network;
  const double efficiency = stage->bandwidth / stage->datasheet;
  if (is_cable(hop.link.kind)) return 1 / (network.pair_bandwidth.si() * efficiency);
  const auto units = leaf_units(fabric, hop.level);
  if (!is_leaf(hop.link.kind)) return 1 / (units > 0 ? network.bandwidth.si() * efficiency : stage->bandwidth.si());
  const double ranks = static_cast<double>(units * (hop.level > 0 ? fabric.ranks_within(hop.level - 1) : 1));
  const double over = network.oversubscription.present ? std::max(1.0, network.oversubscription.si()) : 1.0;
  return over / (ranks * network.bandwidth.si() * efficiency);
}

template <class Number>
void StageFlows<Number>::add_use(Uses& uses, const Hop<Number>& hop, std::int64_t members, Number per_byte) {
  const auto id = class_of(hop.link);
  uses.push_back({id, Number(members) * hop.share / Number(links_[id].members) * per_byte});
}

template <class Number>
void StageFlows<Number>::add_way(FlowClass<Number>& flow, const Way& way, std::int64_t members, Number bytes) {
  for (const auto& hop : way) add_use(flow.uses, hop, members, bytes * Numbers<Number>::of(seconds_per_byte(hop)));
}

template <class Number>
void StageFlows<Number>::add_memory(Uses& uses, const fold::Position& rank, std::int64_t members, Number bytes) {
  const Hop<Number> hop{{LinkKind::memory, 0, {rank, lattice_.empty_position()}}, Number(1), 0};
  add_use(uses, hop, members, bytes * Numbers<Number>::of(1 / lattice_.fabric->machine->chip.memory.bandwidth.si()));
}

template <class Number>
Number StageFlows<Number>::cap_of(const Way& way, Number bytes) const {
  std::map<LinkId, Number> loads;
  for (const auto& hop : way) {
    auto& load = loads.try_emplace(hop.link, Number(0)).first->second;
    load = load + hop.share * Numbers<Number>::of(seconds_per_byte(hop));
  }
  Number most(0);
  for (const auto& [link, load] : loads) most = std::max<Number>(most, load);
  return Number(1) / (bytes * most);
}

template <class Number>
bool StageFlows<Number>::add_pairs(const std::vector<bool>& within, const BytesBetween& bytes) {
  for (std::size_t atom = 0; atom < lattice_.atoms(); ++atom) {
    const auto level = lattice_.level_of[atom];
    const auto* stage = stage_at(level);
    if (!within[atom] || stage == nullptr) continue;
    for (const auto& orbit : fold::orbits(*lattice_.space, pairs_across(lattice_, within, atom))) {
      const auto& [from, to] = orbit.representative;
      const auto size = bytes(from, to, level);
      if (size.si() <= 0) continue;
      FlowClass<Number> flow{orbit.representative, orbit.members, Numbers<Number>::of(size.si()), stage->latency, {}, level, {}};
      Way way;
      Ways<Number> ways = ways_;
      if (!ways.append(from, to, Number(1), way)) return false;
      add_way(flow, way, orbit.members, Number(1));
      if (ways.took_detour()) {
        way.clear();
        (void)healthy_ways_.append(from, to, Number(1), way);
        add_cap(flow, cap_of(way, Number(1)));
      }
      add_memory(flow.uses, from, orbit.members, Number(1));
      add_memory(flow.uses, to, orbit.members, Number(1));
      flows_.push_back(std::move(flow));
    }
  }
  return true;
}

}  // namespace zettatwin::traffic::detail

#include "traffic/detail/group_flows.hpp"
