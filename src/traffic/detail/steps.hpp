// SPDX-License-Identifier: Apache-2.0
// Which flows a collective's steps have: one step where all levels work at once, else one per stage, or (rotated) one stage per level in each.
#pragma once

#include <algorithm>
#include <map>
#include <span>

#include "traffic/collective.hpp"
#include "traffic/detail/stage_flows.hpp"

namespace zettatwin::traffic::detail {

[[nodiscard]] inline std::size_t steps_of(const network::CollectiveStages& plan) { return plan.stages.empty() ? 0 : plan.stages.back().step + 1; }

[[nodiscard]] inline std::vector<network::CollectiveStage> stages_of(const network::CollectiveStages& plan, std::size_t step) {
  std::vector<network::CollectiveStage> stages;
  for (const auto& stage : plan.stages)
    if (stage.step == step) stages.push_back(stage);
  return stages;
}

// Atoms of the groups, on one level.
[[nodiscard]] inline std::vector<bool> within_level(const Lattice& lattice, std::size_t level) {
  std::vector<bool> within = lattice.in_group;
  for (std::size_t i = 0; i < within.size(); ++i) within[i] = within[i] && lattice.level_of[i] == level;
  return within;
}

// Relative to the mean.
[[nodiscard]] inline double received_by(const fold::Position& rank, const Lattice& lattice, const CollectiveQuery& query) {
  return query.received.empty() ? 1 : query.received[static_cast<std::size_t>(lattice.member_of(rank))];
}

// Members that receive something else than most do.
[[nodiscard]] inline std::vector<std::int64_t> named_members(const CollectiveQuery& query) {
  std::map<double, std::int64_t> counts;
  for (const auto load : query.received) ++counts[load];
  const auto most = std::max_element(counts.begin(), counts.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
  std::vector<std::int64_t> named;
  for (std::size_t i = 0; i < query.received.size(); ++i)
    if (query.received[i] != most->first) named.push_back(static_cast<std::int64_t>(i));
  return named;
}

[[nodiscard]] inline Lattice lattice_of(const topology::Fabric& fabric, const CollectiveQuery& query, const network::CollectiveStages& plan, Fidelity fidelity) {
  const bool pairs = std::any_of(plan.stages.begin(), plan.stages.end(), [](const auto& stage) { return stage.algorithm == network::Algorithm::direct; });
  const auto traffic = query.request.op == network::Collective::all_to_all ? Traffic::pairs : pairs ? Traffic::both : Traffic::groups;
  return lattice_of(fabric, query.group, query.faults, fidelity, traffic, named_members(query));
}

// Of a stage that is not joined with others: between all pairs if messages go directly, else one flow per group.
template <class Number>
[[nodiscard]] bool add_stage(StageFlows<Number>& flows, const Lattice& lattice, const CollectiveQuery& query, const network::CollectiveStage& stage) {
  const auto within = within_level(lattice, stage.level);
  if (stage.algorithm != network::Algorithm::direct) return flows.add_groups(within, std::span(&stage, 1));
  const auto each = stage.bytes / static_cast<double>(query.request.spread.fanout[stage.level] - 1);
  return flows.add_pairs(within, [&](const fold::Position&, const fold::Position& to, std::size_t) { return received_by(to, lattice, query) * each; });
}

// False if dead links leave no way.
template <class Number>
[[nodiscard]] bool add_flows(StageFlows<Number>& flows, const Lattice& lattice, const CollectiveQuery& query, const network::CollectiveStages& plan, std::size_t step) {
  if (!plan.at_once) {
    const auto stages = stages_of(plan, step);
    return std::all_of(stages.begin(), stages.end(), [&](const auto& stage) { return add_stage(flows, lattice, query, stage); });
  }
  if (query.request.op != network::Collective::all_to_all) return flows.add_groups(lattice.in_group, plan.stages);
  const auto bytes = network::bytes_between(query.request);
  return flows.add_pairs(lattice.in_group, [&](const fold::Position&, const fold::Position& to, std::size_t level) { return received_by(to, lattice, query) * bytes[level]; });
}

}  // namespace zettatwin::traffic::detail
