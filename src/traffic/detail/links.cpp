// SPDX-License-Identifier: Apache-2.0
#include "traffic/detail/links.hpp"

#include <algorithm>

#include "base/contract.hpp"

namespace zettatwin::traffic::detail {
namespace {

using hardware::NetworkKind;
using network::port_level;

LinkId at(LinkKind kind, std::size_t level, const Lattice& lattice, fold::Position source) {
  return {kind, level, {std::move(source), lattice.empty_position()}};
}

// The leaf switch that a rank's port leads to: only coordinates outside the leaf.
fold::Position leaf_of(const Lattice& lattice, std::size_t level, fold::Position rank) {
  const auto units = leaf_units(*lattice.fabric, level);
  for (std::size_t i = 0; i < lattice.atoms(); ++i)
    if (lattice.level_of[i] < level || (lattice.level_of[i] == level && lattice.stride[i] < units)) rank[i] = fold::none;
  return rank;
}

void append_switched(const Lattice& lattice, std::size_t level, const fold::Position& from, const fold::Position& to, double share, std::vector<Hop>& way) {
  const std::size_t port = port_level(*lattice.fabric->machine, level);
  way.push_back({at(LinkKind::send_port, port, lattice, from), share, level});
  way.push_back({at(LinkKind::receive_port, port, lattice, to), share, level});
  if (leaf_units(*lattice.fabric, level) == 0) return;
  const auto up = leaf_of(lattice, level, from), down = leaf_of(lattice, level, to);
  if (up == down) return;
  way.push_back({at(LinkKind::leaf_up, level, lattice, up), share, level});
  way.push_back({at(LinkKind::leaf_down, level, lattice, down), share, level});
}

// `from` with the coordinates of `to` on the levels [first, last).
fold::Position moved(const Lattice& lattice, fold::Position from, const fold::Position& to, std::size_t first, std::size_t last) {
  for (std::size_t i = 0; i < lattice.atoms(); ++i)
    if (lattice.level_of[i] >= first && lattice.level_of[i] < last) from[i] = to[i];
  return from;
}

}  // namespace

std::string_view name_of(LinkKind kind) {
  switch (kind) {
    case LinkKind::send_port: return "port, sending";
    case LinkKind::receive_port: return "port, receiving";
    case LinkKind::mesh_link: return "mesh link";
    case LinkKind::leaf_up: return "leaf uplinks";
    case LinkKind::leaf_down: return "leaf downlinks";
    case LinkKind::memory: return "memory";
  }
  return "?";
}

bool Health::at(const fold::Position& position, const Place& place, std::size_t first_level) const {
  for (std::size_t l = first_level; l < place.coordinate.size(); ++l)
    if (place.coordinate[l] != Place::kEvery && place.coordinate[l] != lattice_.coordinate(position, l)) return false;
  return true;
}

double Health::left_by(const Fault& fault, const LinkId& link) const {
  const Place& place = fault.place;
  if (fault.kind == FaultKind::slow_hbm) return link.kind == LinkKind::memory && at(link.element.source, place, 0) ? fault.remaining : 1;
  if (!place.port || link.kind == LinkKind::memory) return 1;
  const auto& machine = *lattice_.fabric->machine;
  const bool port = link.kind == LinkKind::send_port || link.kind == LinkKind::receive_port;
  if ((port ? port_level(machine, *place.port) : *place.port) != link.level) return 1;
  const auto& network = machine.levels[*place.port].network;
  const double planes = static_cast<double>(port ? planes_of_chip(network) : network.planes);
  const double left = place.plane ? 1 - (1 - fault.remaining) / planes : fault.remaining;
  switch (fault.kind) {
    case FaultKind::dead_switch:
    case FaultKind::dead_plane: {
      // Of a plane, every port and uplink of its unit.
      const bool leaf = !port && link.kind != LinkKind::mesh_link;
      if (port && !chip_has_plane(network, lattice_.coordinate(link.element.source, 0), *place.plane)) return 1;
      return (port || leaf) && at(link.element.source, place, *place.port + 1) ? left : 1;
    }
    case FaultKind::slow_link:
    case FaultKind::dead_link: {
      if (port) return at(link.element.source, place, 0) ? left : 1;
      if (link.kind != LinkKind::mesh_link || !place.peer) return 1;
      Place other = place;
      other.coordinate[link.level] = *place.peer;
      const auto& [from, to] = link.element;
      const bool hit = (at(from, place, 0) && at(to, other, 0)) || (at(from, other, 0) && at(to, place, 0));
      return hit ? left : 1;
    }
    default: return 1;
  }
}

double Health::remaining(const LinkId& link) const {
  double remaining = 1;
  for (const auto& fault : faults_) remaining *= left_by(fault, link);
  return remaining;
}

bool append_mesh_hop(const Lattice& lattice, const Health& health, std::size_t level, const fold::Position& from, const fold::Position& to, double share,
                     std::vector<Hop>& way) {
  const auto link = [level](const fold::Position& a, const fold::Position& b) { return LinkId{LinkKind::mesh_link, level, {a, b}}; };
  if (health.remaining(link(from, to)) > 0) {
    way.push_back({link(from, to), share, level});
    return true;
  }
  std::vector<fold::Position> vias;
  for (std::int64_t v = 0; v < lattice.fabric->used[level]; ++v) {
    fold::Position via = from;
    lattice.set_coordinate(via, level, v);
    if (via != from && via != to && health.remaining(link(from, via)) > 0 && health.remaining(link(via, to)) > 0) vias.push_back(std::move(via));
  }
  for (const auto& via : vias) {
    way.push_back({link(from, via), share / static_cast<double>(vias.size()), level});
    way.push_back({link(via, to), share / static_cast<double>(vias.size()), level});
  }
  return !vias.empty();
}

bool append_way(const Lattice& lattice, const Health& health, const fold::Position& from, const fold::Position& to, double share, std::vector<Hop>& way) {
  const auto outermost = lattice.outermost_difference(from, to);
  if (!outermost) return true;
  const std::size_t level = *outermost;
  const auto& levels = lattice.fabric->machine->levels;
  const bool mesh = levels[level].network.kind == NetworkKind::full_mesh;
  if (!mesh && levels[level].network.kind != NetworkKind::torus) {
    append_switched(lattice, level, from, to, share, way);
    return true;
  }
  // Meshes and tori join equal positions: the inner coordinates are put right before, or, on meshes, half of the bytes behind.
  const auto hop = [&](const fold::Position& a, const fold::Position& b, double part) {
    if (mesh) return append_mesh_hop(lattice, health, level, a, b, part, way);
    append_switched(lattice, level, a, b, part, way);
    return true;
  };
  const auto inner_first = moved(lattice, from, to, 0, level), outer_first = moved(lattice, from, to, level, level + 1);
  if (inner_first == from) return hop(from, to, share);
  bool all_mesh = mesh;
  for (std::size_t l = 0; l < level; ++l)
    all_mesh = all_mesh && (levels[l].network.kind == NetworkKind::full_mesh || lattice.coordinate(from, l) == lattice.coordinate(to, l));
  const double first = all_mesh ? share / 2 : share;
  if (!append_way(lattice, health, from, inner_first, first, way) || !hop(inner_first, to, first)) return false;
  return !all_mesh || (hop(from, outer_first, share - first) && append_way(lattice, health, outer_first, to, share - first, way));
}

flow::ResourceId Links::class_of(const LinkId& link) {
  const auto orbit = fold::orbit_of(*lattice_.space, link.element);
  LinkId representative{link.kind, link.level, orbit.representative};
  const auto [at, added] = known_.try_emplace(representative, 0);
  if (!added) return at->second;
  const double remaining = health_.remaining(representative);
  at->second = program_.add_resource(units::BytesPerSecond::from_si(remaining));
  classes_.push_back({std::move(representative), orbit.members, remaining});
  return at->second;
}

}  // namespace zettatwin::traffic::detail
