// SPDX-License-Identifier: Apache-2.0
#include "traffic/detail/lattice.hpp"

#include <algorithm>
#include <set>

#include "base/contract.hpp"

namespace zettatwin::traffic::detail {
namespace {

constexpr double kPairClassesMax = 1e6;

std::int64_t ranks_below(const topology::Fabric& fabric, std::size_t level) { return level > 0 ? fabric.ranks_within(level - 1) : 1; }

std::vector<std::int64_t> edges_of(const topology::Fabric& fabric, const space::View& group, bool tori) {
  std::vector<std::int64_t> edges{1, fabric.ranks()};
  for (std::size_t l = 0; l < fabric.used.size(); ++l) {
    edges.push_back(fabric.ranks_within(l));
    if (const auto leaf = leaf_units(fabric, l)) edges.push_back(ranks_below(fabric, l) * leaf);
    std::int64_t edge = ranks_below(fabric, l);
    for (const auto extent : tori ? torus_extents(fabric, l) : std::vector<std::int64_t>{}) edges.push_back(edge *= extent);
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

void add_member(const Lattice& lattice, const std::vector<fold::Atom>& atoms, std::int64_t member, std::vector<fold::Position>& exceptions) {
  fold::Position at = lattice.empty_position();
  for (std::size_t i = 0; i < lattice.atoms(); ++i) {
    if (!lattice.in_group[i]) continue;
    at[i] = member % atoms[i].size;
    member /= atoms[i].size;
  }
  exceptions.push_back(at);
}

// Atoms between the edges, all exchangeable; and which of them lie in the group.
std::vector<fold::Atom> cut_atoms(Lattice& lattice, const std::vector<std::int64_t>& edges, const space::View& group) {
  const auto& fabric = *lattice.fabric;
  std::vector<fold::Atom> atoms;
  std::size_t level = 0;
  for (std::size_t i = 0; i + 1 < edges.size(); ++i) {
    while (edges[i] >= fabric.ranks_within(level)) ++level;
    atoms.push_back({.size = edges[i + 1] / edges[i]});
    lattice.level_of.push_back(level);
    lattice.stride.push_back(edges[i] / ranks_below(fabric, level));
    lattice.in_group.push_back(covers(group, edges[i]));
  }
  if (atoms.empty()) {  // a single rank
    atoms.push_back({.size = 1});
    lattice.level_of.push_back(0);
    lattice.stride.push_back(1);
    lattice.in_group.push_back(false);
  }
  return atoms;
}

// Whether a fault of that sort names a link of the dimension.
template <class Sort>
bool has_fault(const Dimension& dimension, std::span<const Fault> faults, Sort sort) {
  return std::any_of(faults.begin(), faults.end(), [&](const Fault& fault) {
    return fault.place.peer && fault.place.port == dimension.level && dimension.of(fault.place.coordinate[dimension.level]) != dimension.of(*fault.place.peer) && sort(fault);
  });
}

// A dimension that no group spans is crossed by no message: its positions are exchangeable. One that groups span is a ring that may be turned; if
// they span a block of its positions or every n-th, positions differ. A block is not left, unless a link of the dimension is broken. Where groups move bytes
// to neighbours alone, and no dead link sends them the other way round, a ring's positions are exchangeable too.
void add_dimension(Lattice& lattice, Dimension dimension, std::span<const Fault> faults, Traffic traffic, std::vector<fold::Atom>& atoms) {
  std::vector<std::size_t> own, inside;
  for (std::size_t i = 0; i < atoms.size(); ++i) {
    if (!dimension.has(lattice.level_of[i], lattice.stride[i])) continue;
    own.push_back(i);
    if (lattice.in_group[i]) inside.push_back(i);
  }
  dimension.ring = !inside.empty() && inside.back() == own.back() && dimension.extent > 2;
  const bool first_alone = inside.size() == 1 && inside[0] == own[0];
  dimension.block = first_alone ? atoms[own[0]].size : dimension.extent;
  const bool broken = has_fault(dimension, faults, [](const Fault&) { return true; });
  const bool dead = broken && has_fault(dimension, faults, [](const Fault& fault) { return !(fault.remaining > 0); });
  dimension.detours = dimension.ring || (broken && !inside.empty() && dimension.extent > 2);
  dimension.unordered = traffic == Traffic::groups && dimension.ring && !dead;
  dimension.uniform = dimension.ring && own.size() == 1;  // until faults are known
  for (const auto i : inside.empty() || (first_alone && !dimension.detours) ? inside : own) {
    if (dimension.unordered) continue;
    if (dimension.uniform) atoms[i].kind = fold::AtomKind::cyclic;
    else if (atoms[i].size > 2 || own.size() > 1) atoms[i].kind = fold::AtomKind::rigid;
  }
  lattice.dimensions.push_back(dimension);
}

void add_dimensions(Lattice& lattice, std::span<const Fault> faults, Traffic traffic, std::vector<fold::Atom>& atoms) {
  for (std::size_t l = 0; l < lattice.fabric->used.size(); ++l) {
    std::int64_t stride = 1;
    for (const auto extent : torus_extents(*lattice.fabric, l)) {
      const Dimension dimension{.level = l, .stride = stride, .extent = extent};
      if (extent > 1) add_dimension(lattice, dimension, faults, traffic, atoms);
      stride *= extent;
    }
  }
}

Lattice lattice_with(const topology::Fabric& fabric, const space::View& group, std::span<const Fault> faults, Fidelity fidelity, Traffic traffic, std::span<const std::int64_t> named_members, bool tori) {
  Lattice lattice{.fabric = &fabric, .level_of = {}, .stride = {}, .in_group = {}, .dimensions = {}, .space = {}};
  auto atoms = cut_atoms(lattice, edges_of(fabric, group, tori), group);
  if (tori) add_dimensions(lattice, faults, traffic, atoms);
  std::vector<fold::Position> exceptions;
  for (const auto& fault : faults) add_exceptions(lattice, fault, exceptions);
  for (const auto member : named_members) add_member(lattice, atoms, member, exceptions);
  std::sort(exceptions.begin(), exceptions.end());
  exceptions.erase(std::unique(exceptions.begin(), exceptions.end()), exceptions.end());
  for (auto& dimension : lattice.dimensions) dimension.uniform = dimension.uniform && exceptions.empty() && fidelity == Fidelity::folded;
  if (fidelity == Fidelity::unfolded)
    for (auto& atom : atoms) atom.kind = fold::AtomKind::rigid;
  // Across a boundary below switches alone, insides of different units may be permuted independently, unless a group ties equal positions.
  const bool whole = traffic == Traffic::pairs && std::all_of(lattice.in_group.begin(), lattice.in_group.end(), [](bool in) { return in; });
  for (std::size_t i = 0; whole && i + 1 < atoms.size(); ++i) {
    bool free = true;
    for (std::size_t outer = i + 1; outer < atoms.size(); ++outer) free = free && switched(fabric.machine->levels[lattice.level_of[outer]]);
    if (free) atoms[i].outward = fold::Boundary::untied;
  }
  lattice.space.emplace(std::move(atoms), std::move(exceptions));
  return lattice;
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

bool Lattice::same_group(const fold::Position& a, const fold::Position& b) const {
  for (std::size_t i = 0; i < atoms(); ++i)
    if (!in_group[i] && a[i] != b[i]) return false;
  return true;
}

std::int64_t Lattice::member_of(const fold::Position& rank) const {
  std::int64_t member = 0;
  for (std::size_t i = atoms(); i-- > 0;)
    if (in_group[i]) member = member * space->atoms()[i].size + rank[i];
  return member;
}

fold::Position Lattice::leaf_of(std::size_t level, fold::Position rank) const {
  const auto units = leaf_units(*fabric, level);
  for (std::size_t i = 0; i < atoms(); ++i)
    if (level_of[i] < level || (level_of[i] == level && stride[i] < units)) rank[i] = fold::none;
  return rank;
}

bool Lattice::is_torus(std::size_t level) const {
  return std::any_of(dimensions.begin(), dimensions.end(), [level](const Dimension& d) { return d.level == level; });
}

bool Lattice::spans(const std::vector<bool>& within, const Dimension& dimension) const {
  for (std::size_t i = 0; i < atoms(); ++i)
    if (within[i] && dimension.has(level_of[i], stride[i])) return true;
  return false;
}

const Dimension& Lattice::dimension_of(std::size_t level, const fold::Element& link) const {
  const auto from = coordinate(link.source, level), to = coordinate(link.destination, level);
  const auto at = std::find_if(dimensions.begin(), dimensions.end(), [&](const Dimension& d) { return d.level == level && d.of(from) != d.of(to); });
  ZT_EXPECT(at != dimensions.end(), "a link between equal positions");
  return *at;
}

std::optional<fold::Position> Lattice::next(const Dimension& dimension, const fold::Position& position, std::int64_t direction, bool around) const {
  const auto here = coordinate(position, dimension.level), value = dimension.of(here);
  auto there = value + direction;
  if (dimension.ring || around) there = (there + dimension.extent) % dimension.extent;
  else if (there < 0 || there >= dimension.extent || there / dimension.block != value / dimension.block) return std::nullopt;
  fold::Position next = position;
  set_coordinate(next, dimension.level, dimension.with(here, there));
  return next;
}

bool has_lattice(const topology::Fabric& fabric, const space::View& group) { return divide_each_other(edges_of(fabric, group, false)); }

double pair_classes(const Lattice& lattice) {
  double classes = 1;
  for (std::size_t i = 0; i < lattice.atoms(); ++i) {
    const auto& atom = lattice.space->atoms()[i];
    std::set<std::int64_t> named;
    for (const auto& exception : lattice.space->exceptions())
      if (exception[i] != fold::none) named.insert(exception[i]);
    const double size = static_cast<double>(atom.size), cells = static_cast<double>(named.size()) + 1;
    const bool turns = atom.kind == fold::AtomKind::cyclic && named.empty();
    if (!lattice.in_group[i]) classes *= atom.kind == fold::AtomKind::exchangeable ? std::min(cells, size) : size;
    else classes *= atom.kind == fold::AtomKind::exchangeable ? std::min(cells * cells + 1, size * size) : turns ? size : size * size;
  }
  return classes;
}

Lattice lattice_of(const topology::Fabric& fabric, const space::View& group, std::span<const Fault> faults, Fidelity fidelity, Traffic traffic, std::span<const std::int64_t> named_members) {
  ZT_EXPECT(has_lattice(fabric, group), "levels and groups out of step");
  bool tori = divide_each_other(edges_of(fabric, group, true));
  if (tori && traffic == Traffic::pairs) {
    const auto folded = lattice_with(fabric, group, faults, Fidelity::folded, traffic, named_members, true);
    tori = folded.dimensions.empty() || pair_classes(folded) <= kPairClassesMax;
  }
  return lattice_with(fabric, group, faults, fidelity, traffic, named_members, tori);
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
