// SPDX-License-Identifier: Apache-2.0
#include "topology/machine_graph.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/contract.hpp"
#include "graph/fat_tree.hpp"

namespace zettatwin::topology {
namespace {

using graph::Role;
using graph::Vertex;
using hardware::NetworkKind;

std::int64_t ports_of(const hardware::LevelNetwork& network) { return network.ports_per_chip > 0 ? std::min(network.ports_per_chip, network.planes) : network.planes; }

double oversubscription_of(const hardware::LevelNetwork& network) {
  return network.kind == NetworkKind::clos && network.oversubscription.present ? std::max(1.0, network.oversubscription.si()) : 1.0;
}

bool switched(NetworkKind kind) { return kind == NetworkKind::switched || kind == NetworkKind::clos; }

}  // namespace

MachineGraph::MachineGraph(const Fabric& fabric)
    : fabric_(fabric), endpoints_(fabric.used.size()), layers_(fabric.used.size(), 0), first_layer_(fabric.used.size(), 0), tops_(fabric.used.size()) {
  ZT_EXPECT(fabric.filled.empty(), "units that are not full");
  for (std::size_t l = 0; l < fabric.used.size(); ++l) {
    if (fabric.used[l] < 2) continue;
    switch (network(l).kind) {
      case NetworkKind::full_mesh: add_mesh(l); break;
      case NetworkKind::torus: add_torus(l); break;
      case NetworkKind::switched:
      case NetworkKind::clos: add_switched(l); break;
      case NetworkKind::graph:
      case NetworkKind::dragonfly: add_listed(l); break;
    }
  }
}

std::int64_t MachineGraph::coordinate(std::int64_t rank, std::size_t level) const { return rank / below(level) % fabric_.used[level]; }

std::size_t MachineGraph::add_layer(std::size_t level) {
  level_of_layer_.push_back(level);
  layers_[level] |= graph::Layers{1} << (level_of_layer_.size() - 1);
  return level_of_layer_.size() - 1;
}

std::vector<MachineGraph::Unit> MachineGraph::units_of(std::size_t level) const {
  std::vector<Unit> units;
  const auto within = fabric_.ranks_within(level);
  for (std::int64_t first = 0; first < fabric_.ranks(); first += within) units.push_back({level, first / within, first});
  return units;
}

// Explicit networks keep the names of their documents if there is only one.
std::string MachineGraph::prefix_of(const Unit& unit) const {
  const auto& level = fabric_.machine->levels[unit.level];
  const bool alone = fabric_.ranks_within(unit.level) == fabric_.ranks();
  if (alone) return hardware::is_graph(level.network.kind) ? "" : level.name + ".";
  return fmt::format("{}{}.", level.name, unit.number);
}

std::optional<std::size_t> MachineGraph::shared_with(std::size_t level) const {
  const auto& levels = fabric_.machine->levels;
  for (std::size_t l = level; l > 0 && levels[l].shares_ports; --l) {
    if (!switched(levels[l - 1].network.kind)) return std::nullopt;
    if (fabric_.used[l - 1] > 1) return l - 1;
  }
  return std::nullopt;
}

void MachineGraph::place_switches(const Unit& unit, std::int64_t plane) {
  for (auto v = static_cast<Vertex>(places_.size()); v < graph_.vertices(); ++v)
    places_.push_back(graph_.role(v) == Role::switching ? std::optional(SwitchPlace{unit.level, unit.number, plane}) : std::nullopt);
}

void MachineGraph::add_endpoints(std::size_t level, Role role) {
  const auto first = graph_.add_vertices(fabric_.machine->levels[level].name + ".rank", fabric_.ranks(), role);
  for (std::int64_t r = 0; r < fabric_.ranks(); ++r) endpoints_[level].push_back(first + static_cast<Vertex>(r));
  place_switches({level, 0, 0}, -1);
}

void MachineGraph::add_mesh(std::size_t level) {
  add_endpoints(level, Role::relay);
  first_layer_[level] = add_layer(level);
  const auto kind = graph_.add_kind({"mesh link", first_layer_[level]});
  for (std::int64_t rank = 0; rank < fabric_.ranks(); ++rank)
    for (std::int64_t u = coordinate(rank, level) + 1; u < fabric_.used[level]; ++u)
      graph_.add_cable({endpoint(level, rank), endpoint(level, rank + (u - coordinate(rank, level)) * below(level)), network(level).pair_bandwidth.value, {}, 1, kind});
}

void MachineGraph::add_torus(std::size_t level) {
  add_endpoints(level, Role::relay);
  const auto& extents = network(level).torus;
  std::int64_t stride = below(level);
  first_layer_[level] = level_of_layer_.size();
  for (std::size_t d = 0; d < extents.size(); ++d, stride *= extents[d - 1]) {
    const auto kind = graph_.add_kind({fmt::format("ring, dimension {}", d + 1), add_layer(level)});
    for (std::int64_t rank = 0; extents[d] > 1 && rank < fabric_.ranks(); ++rank) {
      const std::int64_t at = rank / stride % extents[d];
      if (extents[d] == 2 && at == 1) continue;  // one cable between two
      const std::int64_t next = at + 1 < extents[d] ? rank + stride : rank - at * stride;
      graph_.add_cable({endpoint(level, rank), endpoint(level, next), network(level).pair_bandwidth.value, {}, 1, kind});
    }
  }
}

bool MachineGraph::has_tiers(std::size_t level) const {
  const auto& n = network(level);
  if (n.kind != NetworkKind::clos) return false;
  if (n.units_per_leaf > 0) return fabric_.used[level] > n.units_per_leaf;
  return n.tiers > 1;
}

// First-tier switches of one unit by plane, with the ports of its chips.
MachineGraph::Planes MachineGraph::leaves_of(const Unit& unit, std::uint32_t port_kind) {
  const auto& n = network(unit.level);
  const bool tiers = has_tiers(unit.level), rails = ports_of(n) < n.planes;
  const std::int64_t units = fabric_.used[unit.level], in_leaf = tiers ? std::max<std::int64_t>(1, n.units_per_leaf) : units;
  const std::int64_t planes = rails && !tiers ? 1 : n.planes, leaves = (units + in_leaf - 1) / in_leaf;
  Planes all(static_cast<std::size_t>(planes));
  for (std::int64_t p = 0; p < planes; ++p) {
    const auto name = prefix_of(unit) + fmt::format("plane{}", p);
    if (leaves == 1) all[static_cast<std::size_t>(p)] = {graph_.add_vertex(name, Role::switching)};
    else
      for (std::int64_t leaf = 0; leaf < leaves; ++leaf) all[static_cast<std::size_t>(p)].push_back(graph_.add_vertex(fmt::format("{}.leaf{}", name, leaf), Role::switching));
    place_switches(unit, p);
  }
  // Without leaves of its own, a narrowed level is narrow at its ports.
  const bool narrow = !tiers && n.units_per_leaf == 0;
  const auto bandwidth = n.bandwidth.value / (static_cast<double>(ports_of(n)) * (narrow ? oversubscription_of(n) : 1));
  for (std::int64_t rank = unit.first_rank; rank < unit.first_rank + fabric_.ranks_within(unit.level); ++rank)
    for (std::int64_t k = 0; k < ports_of(n); ++k) {
      const std::int64_t plane = rails ? (coordinate(rank, 0) * ports_of(n) + k) % planes : k;
      graph_.add_cable({endpoint(unit.level, rank), all[static_cast<std::size_t>(plane)][static_cast<std::size_t>(coordinate(rank, unit.level) / in_leaf)], bandwidth, {}, 1, port_kind});
    }
  return all;
}

// The tiers over `leaves`, into each of which `per_leaf` ports of chips lead.
std::vector<Vertex> MachineGraph::tops_over(const Unit& unit, const std::vector<Vertex>& leaves, double per_leaf, units::BytesPerSecond port_bandwidth, std::int64_t plane, std::size_t layer) {
  const auto& n = network(unit.level);
  const auto shared = shared_with(unit.level);
  const std::int64_t most = shared ? std::max<std::int64_t>(1, n.tiers - (has_tiers(*shared) ? std::max<std::int64_t>(2, network(*shared).tiers) : 1)) : std::max<std::int64_t>(2, n.tiers) - 1;
  const double over = oversubscription_of(n);
  const auto up = static_cast<std::int64_t>(std::max(1.0, std::ceil(per_leaf / over - 1e-9)));
  const auto bandwidth = port_bandwidth * (per_leaf / over / static_cast<double>(up));
  std::vector<graph::TierShape> shapes;
  double reached = 1;
  for (std::int64_t t = 0; t < most && reached < static_cast<double>(leaves.size()); ++t) {
    shapes.push_back({up, up, bandwidth});
    reached = t + 1 == most ? static_cast<double>(leaves.size()) : reached * static_cast<double>(up);
  }
  auto tops = graph::add_fat_tree(graph_, leaves, shapes, layer, prefix_of(unit) + (plane >= 0 ? fmt::format("plane{}.", plane) : ""));
  place_switches(unit, plane);
  return tops;
}

void MachineGraph::add_switched(std::size_t level) {
  const auto shared = shared_with(level);
  if (shared) {
    endpoints_[level] = endpoints_[*shared];
    layers_[level] = layers_[*shared];
  } else add_endpoints(level, Role::endpoint);
  const auto layer = first_layer_[level] = add_layer(level);
  const auto& n = network(level);
  const auto port_kind = shared ? 0 : graph_.add_kind({"port", layer});
  const double chips = static_cast<double>(fabric_.ranks_within(level));
  for (const auto& unit : units_of(level)) {
    Planes leaves;
    if (shared) {
      const auto inside = static_cast<std::int64_t>(chips) / fabric_.ranks_within(*shared);
      leaves.resize(tops_[*shared][static_cast<std::size_t>(unit.number * inside)].size());
      for (std::int64_t u = 0; u < inside; ++u)
        for (std::size_t p = 0; p < leaves.size(); ++p) {
          const auto& tops = tops_[*shared][static_cast<std::size_t>(unit.number * inside + u)][p];
          leaves[p].insert(leaves[p].end(), tops.begin(), tops.end());
        }
    } else leaves = leaves_of(unit, port_kind);
    const bool rails = !shared && ports_of(n) < n.planes && has_tiers(level);
    if (rails) {  // they meet above the leaves
      std::vector<Vertex> together;
      for (const auto& plane : leaves) together.insert(together.end(), plane.begin(), plane.end());
      leaves = {std::move(together)};
    }
    Planes tops;
    for (std::size_t p = 0; p < leaves.size(); ++p) {
      const double lanes = static_cast<double>(shared ? static_cast<std::int64_t>(leaves.size()) : ports_of(n));
      double most = chips / static_cast<double>(leaves[p].size());  // ports below one of the leaves; the fullest, where there may be a rest
      for (std::size_t i = 0; !shared && i < leaves[p].size(); ++i) most = std::max(most, static_cast<double>(graph_.out(leaves[p][i]).size()));
      tops.push_back(leaves[p].size() > 1 ? tops_over(unit, leaves[p], most, n.bandwidth.value / lanes, rails ? -1 : static_cast<std::int64_t>(p), layer) : leaves[p]);
    }
    tops_[level].push_back(std::move(tops));
  }
}

void MachineGraph::add_listed(std::size_t level) {
  const auto layer = first_layer_[level] = add_layer(level);
  for (const auto& unit : units_of(level)) {
    const auto first = graph_.add_vertices(prefix_of(unit) + "unit", fabric_.used[level], hardware::unit_role(network(level).graph));
    std::vector<Vertex> units;
    for (std::int64_t u = 0; u < fabric_.used[level]; ++u) units.push_back(first + static_cast<Vertex>(u));
    hardware::add_graph(graph_, network(level).graph, units, layer, prefix_of(unit));
    place_switches(unit, -1);
    for (std::int64_t rank = unit.first_rank; rank < unit.first_rank + fabric_.ranks_within(level); ++rank) endpoints_[level].push_back(units[static_cast<std::size_t>(coordinate(rank, level))]);
  }
}

void MachineGraph::append_leg(std::size_t level, graph::Layers layers, std::int64_t from, std::int64_t to, double share, std::vector<Leg>& legs) const {
  const auto number = [&](std::int64_t rank) {
    const auto place = rank % fabric_.ranks_within(level);
    return static_cast<std::uint64_t>(hardware::is_graph(network(level).kind) ? place / below(level) : place);
  };
  legs.push_back({endpoint(level, from), endpoint(level, to), layers, level, share, number(from), number(to)});
}

// Between equal inner positions of a mesh or torus.
void MachineGraph::append_hop(std::size_t level, std::int64_t from, std::int64_t to, double share, std::vector<Leg>& legs) const {
  if (network(level).kind == NetworkKind::full_mesh) return append_leg(level, layers_[level], from, to, share, legs);
  std::int64_t at = from, stride = below(level);
  const auto& extents = network(level).torus;
  for (std::size_t d = 0; d < extents.size(); ++d) {
    const std::int64_t next = at + (to / stride % extents[d] - at / stride % extents[d]) * stride;
    if (next != at) append_leg(level, graph::Layers{1} << (first_layer_[level] + d), at, next, share, legs);
    at = next;
    stride *= extents[d];
  }
}

void MachineGraph::append_part(std::int64_t from, std::int64_t to, double share, std::vector<Leg>& legs) const {
  std::size_t level = fabric_.used.size();
  while (level > 0 && coordinate(from, level - 1) == coordinate(to, level - 1)) --level;
  if (level-- == 0) return;
  const auto kind = network(level).kind;
  if (kind != NetworkKind::full_mesh && kind != NetworkKind::torus) return append_leg(level, layers_[level], from, to, share, legs);
  const auto inside = below(level);
  const std::int64_t inner_first = from - from % inside + to % inside, outer_first = to - to % inside + from % inside;
  if (inner_first == from) return append_hop(level, from, to, share, legs);
  bool all_mesh = kind == NetworkKind::full_mesh;
  for (std::size_t l = 0; l < level; ++l) all_mesh = all_mesh && (network(l).kind == NetworkKind::full_mesh || coordinate(from, l) == coordinate(to, l));
  const double first = all_mesh ? share / 2 : share;
  append_part(from, inner_first, first, legs);
  append_hop(level, inner_first, to, first, legs);
  if (!all_mesh) return;
  append_hop(level, from, outer_first, share - first, legs);
  append_part(outer_first, to, share - first, legs);
}

void MachineGraph::append_legs(std::int64_t from, std::int64_t to, std::vector<Leg>& legs) const { append_part(from, to, 1, legs); }

double estimated_cables(const Fabric& fabric) {
  double cables = 0;
  const double ranks = static_cast<double>(fabric.ranks());
  for (std::size_t l = 0; l < fabric.used.size(); ++l) {
    const auto& n = fabric.machine->levels[l].network;
    if (fabric.used[l] < 2) continue;
    switch (n.kind) {
      case NetworkKind::full_mesh: cables += ranks * static_cast<double>(fabric.used[l] - 1) / 2; break;
      case NetworkKind::torus: cables += ranks * static_cast<double>(n.torus.size()); break;
      default: cables += ranks * static_cast<double>(ports_of(n) * std::max<std::int64_t>(2, n.tiers));
    }
  }
  return cables;
}

}  // namespace zettatwin::topology
