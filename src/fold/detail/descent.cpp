// SPDX-License-Identifier: Apache-2.0
#include "fold/detail/descent.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

namespace zettatwin::fold::detail {

Visible all_visible(const FoldedSpace& space) {
  Visible visible(space.exceptions().size());
  std::iota(visible.begin(), visible.end(), 0U);
  return visible;
}

Visible visible_below(const FoldedSpace& space, const Visible& visible, const FoldedSpace::Segment& segment,
                      const Position& position) {
  Visible below;
  for (const auto index : visible) {
    const auto& exception = space.exceptions()[index];
    const bool agrees = std::all_of(segment.atoms.begin(), segment.atoms.end(), [&](std::size_t atom) {
      return exception[atom] == none || exception[atom] == position[atom];
    });
    if (agrees) below.push_back(index);
  }
  return below;
}

Cells cells_of(const FoldedSpace& space, std::size_t atom, const Visible& visible) {
  std::vector<std::int64_t> named;
  for (const auto index : visible)
    if (const auto value = space.exceptions()[index][atom]; value != none) named.push_back(value);
  return {space.atoms()[atom], std::move(named)};
}

bool agree(const FoldedSpace::Segment& segment, const Position& a, const Position& b) {
  return std::all_of(segment.atoms.begin(), segment.atoms.end(),
                     [&](std::size_t atom) { return a[atom] == b[atom]; });
}

Ends ends_at_top(const FoldedSpace& space) { return {all_visible(space), all_visible(space), true}; }

Ends ends_below(const FoldedSpace& space, const Ends& ends, const FoldedSpace::Segment& segment,
                const Position& source, const Position& destination) {
  return {visible_below(space, ends.source, segment, source),
          visible_below(space, ends.destination, segment, destination),
          ends.together && agree(segment, source, destination)};
}

}  // namespace zettatwin::fold::detail
