// SPDX-License-Identifier: Apache-2.0
// Families of things indexed by one or two positions: chips and ports (a source), links and flows (a source
// and a destination), switches (outer coordinates only). A family says per atom how the two ends are related;
// its ORBITS are the classes of members that a symmetry of the space can exchange.
//
// An orbit is known by its canonical representative, an ordinary member with ordinary coordinates: whatever a
// caller wants to know of the class (does it touch the slow chip? its capacity?) it asks of the
// representative. `members` is exact.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "fold/space.hpp"

namespace zettatwin::fold {

struct Relation {
  enum class Kind {
    absent,       // neither end has this coordinate
    source,       // only the source has it
    destination,  // only the destination has it
    same,         // both, equal
    different,    // both, not equal
    any,          // both, no condition
    shift,  // destination = source + step, modulo the atom's size if it wraps; cyclic and rigid atoms only
  };
  Kind kind = Kind::absent;
  std::int64_t step = 0;
  bool wraps = true;
};

namespace relation {
inline constexpr Relation absent{Relation::Kind::absent};
inline constexpr Relation source{Relation::Kind::source};
inline constexpr Relation destination{Relation::Kind::destination};
inline constexpr Relation same{Relation::Kind::same};
inline constexpr Relation different{Relation::Kind::different};
inline constexpr Relation any{Relation::Kind::any};
[[nodiscard]] constexpr Relation shift(std::int64_t step) { return {Relation::Kind::shift, step, true}; }
[[nodiscard]] constexpr Relation step(std::int64_t step) { return {Relation::Kind::shift, step, false}; }
}  // namespace relation

using Family = std::vector<Relation>;  // per atom, innermost first

struct Element {
  Position source;
  Position destination;
  friend auto operator<=>(const Element&, const Element&) = default;
};

struct Orbit {
  Element representative;
  std::int64_t members = 0;
};

// Whether the symmetry of the space maps the family onto itself: across an untied boundary an end that has an
// inner coordinate has all outer ones, and the inner coordinates of ends in different units are related by
// `any` alone. If not, tie the boundary.
[[nodiscard]] bool respects(const FoldedSpace& space, const Family& family);

// All orbits of the family, by ascending representative. Expects respects().
[[nodiscard]] std::vector<Orbit> orbits(const FoldedSpace& space, const Family& family);

// The orbit of one element, of whatever family.
[[nodiscard]] Orbit orbit_of(const FoldedSpace& space, const Element& element);

// Where the orbit of `representative` (canonical) stands in what orbits() answered.
[[nodiscard]] std::optional<std::size_t> find(const std::vector<Orbit>& orbits,
                                              const Element& representative);

// Every point of the space, as sources.
[[nodiscard]] Family points(const FoldedSpace& space);
// Pairs that agree outside `atom`, differ at it, and are free inside: the traffic that crosses this level and
// no outer one. The families of all atoms are the all-to-all of the space.
[[nodiscard]] Family pairs_across(const FoldedSpace& space, std::size_t atom);
// Pairs that differ at `atom` alone: the directed links of a full mesh of that atom.
[[nodiscard]] Family mesh_links(const FoldedSpace& space, std::size_t atom);

}  // namespace zettatwin::fold
