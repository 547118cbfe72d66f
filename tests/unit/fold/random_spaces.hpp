// SPDX-License-Identifier: Apache-2.0
// Small spaces of every shape: 1 to 4 atoms of 1 to 4 values, every kind, boundary and range, up to 3
// exceptions.
#pragma once

#include "../../support/random.hpp"
#include "fold/incidence.hpp"
#include "fold/relation.hpp"
#include "fold/space.hpp"

namespace zettatwin::fold::test {

using zettatwin::test::Random;

inline Atom random_atom(Random& random, std::int64_t size) {
  Atom atom{size,
            random.of({AtomKind::exchangeable, AtomKind::exchangeable, AtomKind::exchangeable,
                       AtomKind::cyclic, AtomKind::rigid}),
            random.of({Boundary::tied, Boundary::untied, Boundary::untied, Boundary::independent})};
  if (atom.kind == AtomKind::exchangeable && size > 2 && random.one_in(4))
    atom.ranges = {random.between(1, size - 1)};
  return atom;
}

inline FoldedSpace random_space(Random& random) {
  std::vector<Atom> atoms;
  std::int64_t points = 1;
  const auto count = random.between(1, 4);
  for (std::int64_t i = 0; i < count; ++i) {
    atoms.push_back(random_atom(random, random.between(points > 20 ? 1 : 2, points > 20 ? 2 : 4)));
    points *= atoms.back().size;
  }
  std::vector<Position> exceptions;
  const auto faults = random.between(0, 3);
  for (std::int64_t k = 0; k < faults; ++k) {
    Position exception;
    for (const auto& atom : atoms)
      exception.push_back(random.one_in(5) ? none : random.between(0, atom.size - 1));
    const auto named =
        static_cast<std::size_t>(random.between(0, static_cast<std::int64_t>(atoms.size()) - 1));
    exception[named] = random.between(0, atoms[named].size - 1);
    exceptions.push_back(exception);
  }
  return FoldedSpace(std::move(atoms), std::move(exceptions));
}

inline Relation random_relation(Random& random) {
  using namespace relation;
  return random.of({absent, source, source, destination, same, same, different, any, any, shift(1), shift(2),
                    step(1), step(-1)});
}

// A family that the space's symmetry respects.
inline Family random_family(Random& random, const FoldedSpace& space) {
  for (;;) {
    Family family;
    for (std::size_t i = 0; i < space.atoms().size(); ++i) family.push_back(random_relation(random));
    if (respects(space, family)) return family;
  }
}

}  // namespace zettatwin::fold::test
