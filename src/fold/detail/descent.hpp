// SPDX-License-Identifier: Apache-2.0
// Walking a position from the outermost segment inwards: which exceptions the unit that it has reached can
// still see.
#pragma once

#include <cstdint>
#include <vector>

#include "fold/detail/cells.hpp"
#include "fold/space.hpp"

namespace zettatwin::fold::detail {

// Indices of the exceptions that agree with the unit's coordinates: the only ones that break the symmetry of
// its inside.
using Visible = std::vector<std::uint32_t>;

[[nodiscard]] Visible all_visible(const FoldedSpace& space);

// What is visible one segment further in, at `position`.
[[nodiscard]] Visible visible_below(const FoldedSpace& space, const Visible& visible,
                                    const FoldedSpace::Segment& segment, const Position& position);

[[nodiscard]] Cells cells_of(const FoldedSpace& space, std::size_t atom, const Visible& visible);

// Whether two positions have the same values in a segment.
[[nodiscard]] bool agree(const FoldedSpace::Segment& segment, const Position& a, const Position& b);

// Two ends on their way inwards. Together: same unit so far.
struct Ends {
  Visible source, destination;
  bool together = true;
};

[[nodiscard]] Ends ends_at_top(const FoldedSpace& space);
[[nodiscard]] Ends ends_below(const FoldedSpace& space, const Ends& ends, const FoldedSpace::Segment& segment,
                              const Position& source, const Position& destination);

}  // namespace zettatwin::fold::detail
