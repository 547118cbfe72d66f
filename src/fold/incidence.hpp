// SPDX-License-Identifier: Apache-2.0
// How flows load resources, class by class. A USE says, per atom, where the coordinates of the resource that
// a flow runs over come from; the answer is the count matrix of the max-min quotient theorem
// (docs/math/folding.md):
//
//   A[D][C] = load on ONE resource of orbit D when EVERY flow of orbit C runs at unit rate
//           = weight * |C|/|D| * share,   share = fraction of one flow's traffic that runs over members of D.
//
// The second form counts the pairs (resource, flow) from both sides, so that one representative flow per
// orbit is enough.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "fold/relation.hpp"

namespace zettatwin::fold {

// One coordinate of the resource.
struct Pick {
  enum class From {
    nothing,      // the resource has no such coordinate
    source,       // the flow's source
    destination,  // the flow's destination
    spread,       // an intermediate value: the flow's traffic is divided evenly over all of them (spraying,
                  // detours)
  };
  From from = From::nothing;
  std::int64_t plus =
      0;  // added to a source's or destination's value modulo the size; cyclic and rigid atoms only
};

namespace pick {
inline constexpr Pick nothing{Pick::From::nothing};
inline constexpr Pick source{Pick::From::source};
inline constexpr Pick destination{Pick::From::destination};
inline constexpr Pick spread{Pick::From::spread};
}  // namespace pick

struct Use {
  // The resource's two ends, innermost atom first. `spread` in both ends of one atom is the same value.
  std::vector<Pick> source;
  std::vector<Pick> destination;
  double weight = 1;  // bytes on the resource per byte of the flow
  // Intermediate values that equal the flow's own source or destination value are not taken.
  bool spread_over_others = false;
  // If set, which intermediate values are open to a flow (`via` holds them, else none): traffic divides
  // evenly over these. Asked of representatives: may depend only on what exceptions name.
  std::function<bool(const Element& flow, const Position& via)> open = {};
};

struct Entry {
  std::uint32_t resource = 0;
  std::uint32_t flow = 0;
  double load = 0;
  friend bool operator==(const Entry&, const Entry&) = default;
};

struct Incidence {
  std::vector<Entry> entries;          // by flow, then resource; loads > 0
  std::vector<std::uint32_t> blocked;  // flows with no open intermediate value
};

// A flow whose coordinates name no member of the resource family (a mesh link from a chip to itself) does not
// use it. Expects that the use is a function of positions that the space's symmetry preserves: an inner
// coordinate taken from an end of the flow belongs to a resource in that end's own unit. Expects orbits of
// respects() families.
[[nodiscard]] Incidence incidence(const FoldedSpace& space, const std::vector<Orbit>& resources,
                                  const std::vector<Orbit>& flows, const Use& use);

}  // namespace zettatwin::fold
