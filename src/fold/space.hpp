// SPDX-License-Identifier: Apache-2.0
// A space of points (chips, switches, planes ...) written as a mixed-radix number of ATOMS, and the named
// points at which its symmetry is broken. Nothing is ever enumerated: classes of points, pairs and resources
// are orbits of the group that this description stands for (docs/math/folding.md).
//
// Kind of an atom: which permutations of its values leave everything else as it is.
//   exchangeable  all of them, inside each of its ranges (hosts of a switch, peers of a full mesh, replicas)
//   cyclic        rotations (positions of an ordered ring, of a torus)
//   rigid         none (pipeline stages)
// Boundary from an atom to the next outer one: does a permutation of inner values have to be the same in
// every outer unit?
//   tied          yes: something joins equal inner positions of different units (mesh links, rails, replica
//   groups) untied        no: a unit's inside is reached through the unit only (switched tree) independent
//   the atoms inside know nothing of those outside (planes beside chips): the next atom starts a new chain
// `tied` is always right, and costs classes: k named points in h atoms give up to (k+1)^h classes of points;
// untied, 1+k*h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "space/view.hpp"

namespace zettatwin::fold {

enum class AtomKind { exchangeable, cyclic, rigid };
enum class Boundary { tied, untied, independent };

struct Atom {
  std::int64_t size = 1;
  AtomKind kind = AtomKind::exchangeable;
  Boundary outward = Boundary::tied;  // of the outermost atom: without meaning
  // exchangeable only: first values of further ranges, ascending. Values of different ranges are never alike:
  // {3} cuts 0..2 from 3..size-1, e.g. pods of two generations.
  std::vector<std::int64_t> ranges = {};
};

// One value per atom, innermost first; `none` where the thing has no such coordinate.
using Position = std::vector<std::int64_t>;
inline constexpr std::int64_t none = -1;

class FoldedSpace final {
 public:
  // An exception names a point, or all points that share the values it gives: {none, none, 7, 2} is cabinet 7
  // of pod 2.
  explicit FoldedSpace(std::vector<Atom> atoms, std::vector<Position> exceptions = {});

  // Atoms joined by tied boundaries; a unit of the segments outside decides which exceptions its inside sees.
  struct Segment {
    std::vector<std::size_t> atoms;  // outermost first
    bool starts_chain = false;
  };

  [[nodiscard]] const std::vector<Atom>& atoms() const { return atoms_; }
  [[nodiscard]] const std::vector<Position>& exceptions() const { return exceptions_; }
  [[nodiscard]] const std::vector<Segment>& segments() const { return segments_; }  // outermost first
  [[nodiscard]] std::int64_t points() const;

  // The atoms as a view on ranks, innermost fastest, and the position of a rank.
  [[nodiscard]] space::View view() const;
  [[nodiscard]] Position position_of(std::int64_t rank) const;

 private:
  std::vector<Atom> atoms_;
  std::vector<Position> exceptions_;
  std::vector<Segment> segments_;
};

// Whether the point has the values that the exception gives.
[[nodiscard]] bool within(const Position& point, const Position& exception);

// a * b of two counts; expects the product to fit.
[[nodiscard]] std::int64_t times(std::int64_t a, std::int64_t b);

}  // namespace zettatwin::fold
