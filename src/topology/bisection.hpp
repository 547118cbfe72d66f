// SPDX-License-Identifier: Apache-2.0
// Bisection bandwidth: what the links between two halves carry in one direction, for the halves with the least. Halves are of units: for an
// odd number one side has one more.
// Full mesh of n units: floor(n/2) ceil(n/2) pairs, one link per position. Torus: 2 links per line along the dimension that is cut (1 if it has
// two units); an odd dimension is cut beside its middle layer, which is then halved itself (Aroca, Fernandez Anta, "Bisection (band)width of
// product networks", IEEE TPDS 2014). Explicit networks: graph/bisection.hpp. Switched: the ports of the smaller half; Clos: those over the oversubscription.
#pragma once

#include "topology/level_in_use.hpp"

namespace zettatwin::topology {

struct Cut {
  std::size_t level = 0;           // place among the levels in use of the level whose units are divided
  std::int64_t chips = 0;          // on the smaller side
  units::BytesPerSecond bandwidth; // across, one direction, datasheet
  units::BytesPerSecond achieved;  // for long messages
  units::BytesPerSecond at_least = {};  // graphs too large to try all halves: between this and `bandwidth`; else zero
};

// Links across the smallest cut of a torus with one chip per unit into halves.
[[nodiscard]] std::int64_t torus_bisection(const std::vector<std::int64_t>& extents);

// Of one unit of level i.
[[nodiscard]] Cut bisection_of(const std::vector<LevelInUse>& levels, std::size_t i);

// Of the whole machine: the least over the levels whose units can all be divided alike. Below a switched level no cut is smaller
// than its own, since its switches join the halves too. Expects a level.
[[nodiscard]] Cut bisection_of(const std::vector<LevelInUse>& levels);

}  // namespace zettatwin::topology
