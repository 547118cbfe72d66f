// SPDX-License-Identifier: Apache-2.0
#include "traffic/detail/lattice.hpp"

#include <algorithm>

#include "base/contract.hpp"

namespace zettatwin::traffic::detail {
namespace {

std::vector<std::int64_t> edges_of(const topology::Fabric& fabric, const space::View& group) {
  std::vector<std::int64_t> edges{1, fabric.ranks()};
  for (std::size_t l = 0; l < fabric.used.size(); ++l) {
    edges.push_back(fabric.ranks_within(l));
    if (const auto leaf = leaf_units(fabric, l)) edges.push_back((l > 0 ? fabric.ranks_within(l - 1) : 1) * leaf);
  }
  for (const auto& atom : group.atoms) {
    edges.push_back(atom.stride);
    edges.push_back(atom.stride * atom.size);
  }
  std::sort(edges.begin(), edges.end());
  edges.erase(std::unique(edges.begin(), edges.end()), edges.end());
  return edges;
}

bool divide_each_other(const std::vector<std::int64_t>& edges) {
  for (std::size_t i = 1; i < edges.size(); ++i)
    if (edges[i] % edges[i - 1] != 0) return false;
  return true;
}

bool covers(const space::View& group, std::int64_t stride) {
  return std::any_of(group.atoms.begin(), group.atoms.end(), [stride](const space::Atom& a) { return a.stride <= stride && stride < a.stride * a.size; });
}

// A unit's inside is reached through switches alone: nothing joins equal positions of different units.
bool switched(const hardware::Level& level) {
  return level.network.kind == hardware::NetworkKind::switched || level.network.kind == hardware::NetworkKind::clos;
}

// The named points of a fault: the chip, or the two ends of a link. Coordinates beyond the job's part of the machine have none.
void add_exceptions(const Lattice& lattice, const Fault& fault, std::vector<fold::Position>& exceptions) {
  fold::Position at = lattice.empty_position();
  bool named = false;
  for (std::size_t l = 0; l < fault.place.coordinate.size(); ++l) {
    const auto value = fault.place.coordinate[l];
    if (value == Place::kEvery) continue;
    if (value >= lattice.fabric->used[l]) return;
    lattice.set_coordinate(at, l, value);
    named = named || lattice.fabric->used[l] > 1;
  }
  // Of a rail, the chips that have a port to it.
  const bool whole_plane = fault.kind == FaultKind::dead_switch || fault.kind == FaultKind::dead_plane;
  const auto* network = fault.place.port ? &lattice.fabric->machine->levels[*fault.place.port].network : nullptr;
  if (whole_plane && planes_of_chip(*network) < network->planes) {
    for (std::int64_t chip = 0; (named || lattice.fabric->used[0] > 1) && chip < lattice.fabric->used[0]; ++chip) {
      if (!chip_has_plane(*network, chip, *fault.place.plane)) continue;
      lattice.set_coordinate(at, 0, chip);
      exceptions.push_back(at);
    }
    return;
  }
  if (!named) return;
  exceptions.push_back(at);
  if (!fault.place.peer || *fault.place.peer >= lattice.fabric->used[*fault.place.port]) return;
  lattice.set_coordinate(at, *fault.place.port, *fault.place.peer);
  exceptions.push_back(at);
}

}  // namespace

std::int64_t Lattice::coordinate(const fold::Position& position, std::size_t level) const {
  std::int64_t value = 0;
  for (std::size_t i = 0; i < atoms(); ++i)
    if (level_of[i] == level) value += position[i] * stride[i];
  return value;
}

void Lattice::set_coordinate(fold::Position& position, std::size_t level, std::int64_t value) const {
  const auto& all = space ? space->atoms() : std::vector<fold::Atom>{};
  for (std::size_t i = 0; i < atoms(); ++i) {
    if (level_of[i] != level) continue;
    const bool last = i + 1 == atoms() || level_of[i + 1] != level;
    position[i] = last ? value / stride[i] : value / stride[i] % (stride[i + 1] / stride[i]);
    ZT_ASSERT(all.empty() || position[i] < all[i].size, std::to_string(value));
  }
}

std::optional<std::size_t> Lattice::outermost_difference(const fold::Position& a, const fold::Position& b) const {
  for (std::size_t i = atoms(); i-- > 0;)
    if (a[i] != b[i]) return level_of[i];
  return std::nullopt;
}

std::int64_t leaf_units(const topology::Fabric& fabric, std::size_t level) {
  const auto& network = fabric.machine->levels[level].network;
  const auto units = network.units_per_leaf;
  const bool leaves = network.kind == hardware::NetworkKind::clos && units > 0 && fabric.used[level] > units && fabric.used[level] % units == 0;
  return leaves ? units : 0;
}

bool has_lattice(const topology::Fabric& fabric, const space::View& group) { return divide_each_other(edges_of(fabric, group)); }

Lattice lattice_of(const topology::Fabric& fabric, const space::View& group, std::span<const Fault> faults, Fidelity fidelity, bool pairs_alone) {
  const auto edges = edges_of(fabric, group);
  ZT_EXPECT(divide_each_other(edges), "levels and groups out of step");
  Lattice lattice{.fabric = &fabric, .level_of = {}, .stride = {}, .in_group = {}, .space = {}};
  std::vector<fold::Atom> atoms;
  std::size_t level = 0;
  for (std::size_t i = 0; i + 1 < edges.size(); ++i) {
    while (edges[i] >= fabric.ranks_within(level)) ++level;
    const std::int64_t below = level > 0 ? fabric.ranks_within(level - 1) : 1;
    atoms.push_back({.size = edges[i + 1] / edges[i], .kind = fidelity == Fidelity::folded ? fold::AtomKind::exchangeable : fold::AtomKind::rigid});
    lattice.level_of.push_back(level);
    lattice.stride.push_back(edges[i] / below);
    lattice.in_group.push_back(covers(group, edges[i]));
  }
  if (atoms.empty()) {  // a single rank
    atoms.push_back({.size = 1});
    lattice.level_of.push_back(0);
    lattice.stride.push_back(1);
    lattice.in_group.push_back(false);
  }
  std::vector<fold::Position> exceptions;
  for (const auto& fault : faults) add_exceptions(lattice, fault, exceptions);
  std::sort(exceptions.begin(), exceptions.end());
  exceptions.erase(std::unique(exceptions.begin(), exceptions.end()), exceptions.end());
  // Across a boundary below switches alone, insides of different units may be permuted independently, unless a group ties equal positions.
  const bool whole = pairs_alone && std::all_of(lattice.in_group.begin(), lattice.in_group.end(), [](bool in) { return in; });
  for (std::size_t i = 0; whole && i + 1 < atoms.size(); ++i) {
    bool free = true;
    for (std::size_t outer = i + 1; outer < atoms.size(); ++outer) free = free && switched(fabric.machine->levels[lattice.level_of[outer]]);
    if (free) atoms[i].outward = fold::Boundary::untied;
  }
  lattice.space.emplace(std::move(atoms), std::move(exceptions));
  return lattice;
}

fold::Family pairs_across(const Lattice& lattice, const std::vector<bool>& within, std::size_t atom) {
  fold::Family family(lattice.atoms(), fold::relation::same);
  for (std::size_t i = 0; i < atom; ++i)
    if (within[i]) family[i] = fold::relation::any;
  family[atom] = fold::relation::different;
  return family;
}

fold::Family groups(const Lattice& lattice, const std::vector<bool>& within) {
  fold::Family family(lattice.atoms(), fold::relation::source);
  for (std::size_t i = 0; i < lattice.atoms(); ++i)
    if (within[i]) family[i] = fold::relation::absent;
  return family;
}

}  // namespace zettatwin::traffic::detail
