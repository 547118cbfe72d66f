// SPDX-License-Identifier: Apache-2.0
// The part of a machine that a job uses, as levels on the rank space, and the spread of a group of ranks over them.
#pragma once

#include <cstdint>
#include <vector>

#include "hardware/machine.hpp"
#include "space/view.hpp"

namespace zettatwin::topology {

// Levels innermost first. used[l] <= machine.levels[l].size units are used in each unit of level l; the ranks are numbered
// through the used chips, innermost level fastest. Chips left over are idle.
struct Fabric {
  const hardware::Machine* machine = nullptr;
  std::vector<std::int64_t> used;
  // Ranks inside one unit of level l where the last unit of the level below is not full; empty: all are, product of used[0..l].
  std::vector<std::int64_t> filled;

  [[nodiscard]] std::int64_t ranks() const;
  // Ranks inside one unit of level l.
  [[nodiscard]] std::int64_t ranks_within(std::size_t level) const;
  // All borders between units of level l lie at multiples of this: ranks_within(l), or their common divisor with the levels further out.
  [[nodiscard]] std::int64_t border_step(std::size_t level) const;
};

// Every chip of the machine, which must outlive the fabric.
[[nodiscard]] Fabric whole(const hardware::Machine& machine);

// fanout[l]: how many units of level l-1 inside one unit of level l hold members of the group; the product is the group's size.
// members_below(l): members inside one unit of level l-1. Where borders of units cut the group, units are the equal pieces that every such cut leaves.
struct Spread {
  std::vector<std::int64_t> fanout;

  [[nodiscard]] std::int64_t size() const;
  [[nodiscard]] std::int64_t members_below(std::size_t level) const;
  // The outermost level that the group crosses; fanout.size() if it has one member.
  [[nodiscard]] std::size_t outermost() const;
  friend bool operator==(const Spread&, const Spread&) = default;
};

// Whether each unit of a level that holds members of the group holds equally many, at every level.
[[nodiscard]] bool divides_evenly(const Fabric& fabric, const space::View& group);

// Whether groups may be cut by the borders between units of a level: not if a mesh or torus joins them, which links chips of the same position only.
[[nodiscard]] bool may_be_cut(const hardware::Machine& machine, std::size_t level);

// Exact if the group divides evenly. Else the spread of pieces so small that each border falls between two of them: the group can run on it, and no
// member has fewer fellows nearby, so that times are upper bounds (docs/math/placement.md).
[[nodiscard]] Spread spread_of(const Fabric& fabric, const space::View& group);

// A one-step neighbour message (pipeline send): the spread of two ranks `stride` apart, in an aligned row of `size` such ranks,
// that are worst placed, i.e. the outermost level that a pair of neighbours in the row crosses; the row may be a ring.
[[nodiscard]] Spread spread_of_neighbours(const Fabric& fabric, std::int64_t stride, std::int64_t size);

// How many units of the outermost level that such a message crosses lie between its ends; 1 if there is none.
[[nodiscard]] std::int64_t units_apart(const Fabric& fabric, std::int64_t stride, std::int64_t size);

// How many of the row's neighbour pairs (size, or size - 1 if the row is not a ring) cross each level as their outermost one:
// most sends of a pipeline stay inside a unit even if some leave it. Expects rows to divide evenly.
[[nodiscard]] std::vector<std::int64_t> neighbour_crossings(const Fabric& fabric, std::int64_t stride, std::int64_t size, bool ring);

}  // namespace zettatwin::topology
