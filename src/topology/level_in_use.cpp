// SPDX-License-Identifier: Apache-2.0
#include "topology/level_in_use.hpp"

#include <algorithm>
#include <string>

#include "base/contract.hpp"

namespace zettatwin::topology {
namespace {

using hardware::NetworkKind;

bool one_leaf(const LevelInUse& l) {
  return l.level.network.kind == NetworkKind::clos && l.level.network.units_per_leaf >= l.units;
}

}  // namespace

bool LevelInUse::direct() const { return level.network.kind == NetworkKind::full_mesh || level.network.kind == NetworkKind::torus; }

std::int64_t LevelInUse::tiers() const {
  if (direct()) return 0;
  return one_leaf(*this) ? 1 : level.network.tiers;
}

std::int64_t LevelInUse::ports_per_chip() const {
  if (direct()) return 0;
  return level.network.ports_per_chip > 0 ? level.network.ports_per_chip : level.network.planes;
}

std::int64_t LevelInUse::units_per_leaf() const {
  const bool clos = level.network.kind == NetworkKind::clos;
  return clos ? std::max<std::int64_t>(1, level.network.units_per_leaf) : 1;
}

double LevelInUse::oversubscription() const {
  const auto& network = level.network;
  if (network.kind != NetworkKind::clos || one_leaf(*this) || !network.oversubscription.present) return 1;
  return std::max(1.0, network.oversubscription.si());
}

units::BytesPerSecond LevelInUse::bandwidth() const {
  const auto& network = level.network;
  if (graph) return network.rates->ports;
  if (!direct()) return network.bandwidth.value;
  std::int64_t links = units - 1;
  if (network.kind == NetworkKind::torus) {
    links = 0;
    for (const auto extent : network.torus) links += ring_ports(extent);
  }
  return static_cast<double>(links) * network.pair_bandwidth.value;
}

std::vector<LevelInUse> levels_in_use(const hardware::Machine& machine) {
  std::vector<LevelInUse> levels;
  for (std::size_t l = 0; l < machine.levels.size(); ++l) {
    const auto& level = machine.levels[l];
    if (level.size < 2) continue;
    const std::int64_t chips_below = machine.chips_within(l);
    LevelInUse used{level, level.size, chips_below, machine.chips() / (chips_below * level.size)};
    if (hardware::is_graph(level.network.kind)) used.graph = graph_survey(level.network.graph, level.size);
    used.shares_ports = level.shares_ports && !levels.empty() && !levels.back().direct() && !used.direct();
    levels.push_back(std::move(used));
  }
  return levels;
}

units::BytesPerSecond ports_of_chip(const std::vector<LevelInUse>& levels, bool scale_out) {
  units::BytesPerSecond sum, shared;
  for (const auto& level : levels) {
    if (level.level.scale_out != scale_out) continue;
    const auto before = level.shares_ports ? shared : units::BytesPerSecond{};
    shared = std::max(before, level.bandwidth());
    sum += shared - before;
  }
  return sum;
}

std::int64_t scale_up_chips(const std::vector<LevelInUse>& levels) {
  std::int64_t chips = 1;
  for (const auto& level : levels)
    if (!level.level.scale_out) chips = level.chips();
  return chips;
}

double taper(const std::vector<LevelInUse>& levels, std::size_t i) {
  ZT_EXPECT(i < levels.size(), std::to_string(i));
  return i == 0 ? 1 : levels[i - 1].bandwidth_above_leaves() / levels[i].bandwidth_above_leaves();
}

}  // namespace zettatwin::topology
