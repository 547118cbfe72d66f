// SPDX-License-Identifier: Apache-2.0
// From views on the rank space (machine levels, parallel dimensions) to the atoms that all of them are
// products of.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "fold/relation.hpp"
#include "space/view.hpp"

namespace zettatwin::fold {

// Sizes, innermost first, of the fewest atoms such that every view steps through whole atoms. Nothing if the
// edges (stride, and stride * size) of the views do not divide one another and `ranks`: such a space has no
// common atoms.
[[nodiscard]] std::optional<std::vector<std::int64_t>> common_atoms(std::int64_t ranks,
                                                                    std::span<const space::View> views);

// Pairs of members of one group of the view: `any` in its atoms, `same` in the others. Expects a view of
// whole atoms.
[[nodiscard]] Family pairs_within(const FoldedSpace& space, const space::View& group);

}  // namespace zettatwin::fold
