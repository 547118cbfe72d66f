// SPDX-License-Identifier: Apache-2.0
// The ranks of a job as a folded space: atoms cut wherever a level of the machine, a leaf of its switches or a group begins or ends.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "fold/relation.hpp"
#include "fold/space.hpp"
#include "topology/fabric.hpp"
#include "traffic/detail/torus.hpp"
#include "traffic/fault.hpp"
#include "traffic/fidelity.hpp"

namespace zettatwin::traffic {

namespace detail {

struct Lattice {
  const topology::Fabric* fabric = nullptr;
  std::vector<std::size_t> level_of;  // per atom
  std::vector<std::int64_t> stride;   // per atom: among the values of its level
  std::vector<bool> in_group;         // per atom
  std::vector<Dimension> dimensions;  // of tori, in the order in which messages go; a torus without counts as ports
  std::optional<fold::FoldedSpace> space;

  [[nodiscard]] std::size_t atoms() const { return level_of.size(); }
  // Which unit of level `level - 1` inside its unit of `level`; expects a position that has the level's atoms.
  [[nodiscard]] std::int64_t coordinate(const fold::Position& position, std::size_t level) const;
  void set_coordinate(fold::Position& position, std::size_t level, std::int64_t value) const;
  // The outermost level on which the two differ; nothing if they are the same.
  [[nodiscard]] std::optional<std::size_t> outermost_difference(const fold::Position& a, const fold::Position& b) const;
  // Whether the two differ only where members of one group do.
  [[nodiscard]] bool same_group(const fold::Position& a, const fold::Position& b) const;
  // Which member of its group a rank is.
  [[nodiscard]] std::int64_t member_of(const fold::Position& rank) const;
  // The leaf switch that a rank's port leads to: only coordinates outside the leaf.
  [[nodiscard]] fold::Position leaf_of(std::size_t level, fold::Position rank) const;
  [[nodiscard]] fold::Position empty_position() const { return fold::Position(atoms(), fold::none); }

  [[nodiscard]] bool is_torus(std::size_t level) const;  // of links, not one that counts as ports
  // Whether members of a group that has the atoms `within` differ in the dimension.
  [[nodiscard]] bool spans(const std::vector<bool>& within, const Dimension& dimension) const;
  // The dimension in which the ends of a torus link differ.
  [[nodiscard]] const Dimension& dimension_of(std::size_t level, const fold::Element& link) const;
  // The next one up (1) or down (-1) the dimension; nothing at the end of a line, unless a detour goes all the way round.
  [[nodiscard]] std::optional<fold::Position> next(const Dimension& dimension, const fold::Position& position, std::int64_t direction, bool around = false) const;
};

// Whether the levels' and the group's edges divide each other, which a lattice needs.
[[nodiscard]] bool has_lattice(const topology::Fabric& fabric, const space::View& group);
// What the lattice has to tell apart. Pairs alone: all of one group, so that equal positions of different units are not tied by traffic. Groups alone: each chip
// moves the same bytes to its neighbours, so that the order of neighbours on a ring matters only where bytes go the other way round.
enum class Traffic : std::uint8_t { pairs, groups, both };
// `named_members`: members that differ from the others, in every group. A torus counts as ports where a group is not a box of it, and where faults leave so
// little symmetry that there would be more than a million classes of pairs.
[[nodiscard]] Lattice lattice_of(const topology::Fabric& fabric, const space::View& group, std::span<const Fault> faults, Fidelity fidelity, Traffic traffic, std::span<const std::int64_t> named_members = {});
// At most so many classes of pairs of one group.
[[nodiscard]] double pair_classes(const Lattice& lattice);

// Units of the level below under one first-tier switch, if the level's Clos has such leaves, more than one is used, and they divide its used units; else 0.
[[nodiscard]] std::int64_t leaf_units(const topology::Fabric& fabric, std::size_t level);

// Pairs of members of one group that differ on `atom` and on no outer one; one family per atom of `within`, together all ordered pairs.
[[nodiscard]] fold::Family pairs_across(const Lattice& lattice, const std::vector<bool>& within, std::size_t atom);
// One element per group: ranks without the coordinates of `within`.
[[nodiscard]] fold::Family groups(const Lattice& lattice, const std::vector<bool>& within);

}  // namespace detail
}  // namespace zettatwin::traffic
