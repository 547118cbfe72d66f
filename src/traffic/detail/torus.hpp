// SPDX-License-Identifier: Apache-2.0
// Dimensions of a torus as atoms of the lattice. Model: a directed link per chip, dimension and direction; messages go dimension after
// dimension, the short way round, opposite chips half each way (as topology/link_class.hpp counts them).
// A group that spans a whole dimension of three or more has its ring; one that spans a part has a line, which is left only around a broken link.
#pragma once

#include <cstdint>
#include <vector>

#include "fold/space.hpp"
#include "topology/fabric.hpp"

namespace zettatwin::traffic::detail {

struct Dimension {
  std::size_t level = 0;
  std::int64_t stride = 1;  // among the values of its level
  std::int64_t extent = 1;
  std::int64_t block = 1;   // values 0 .. block - 1, block .. 2 block - 1, ... that messages do not leave
  bool ring = false;        // messages take the short way round
  bool detours = false;     // what cannot pass goes the other way round
  bool uniform = false;     // all links of one direction are alike, whatever the position
  // A link belongs to the chip that sends on it, and who the neighbour is does not matter: nothing goes further than one step, and nothing a way round.
  bool unordered = false;

  // Whether an atom with that stride among the values of its level is part of the dimension.
  [[nodiscard]] bool has(std::size_t atom_level, std::int64_t atom_stride) const { return atom_level == level && atom_stride >= stride && atom_stride < stride * extent; }
  [[nodiscard]] std::int64_t of(std::int64_t coordinate) const { return coordinate / stride % extent; }
  // The coordinate with `value` in this dimension.
  [[nodiscard]] std::int64_t with(std::int64_t coordinate, std::int64_t value) const { return coordinate + (value - of(coordinate)) * stride; }
};

// Sizes of the level's dimensions, if all of them are in use; empty if the level is no torus, or a part of one whose shape is not known.
[[nodiscard]] std::vector<std::int64_t> torus_extents(const topology::Fabric& fabric, std::size_t level);

}  // namespace zettatwin::traffic::detail
