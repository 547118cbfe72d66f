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

  [[nodiscard]] std::int64_t ranks() const;
  // Ranks inside one unit of level l: product of used[0..l].
  [[nodiscard]] std::int64_t ranks_within(std::size_t level) const;
};

// fanout[l]: how many units of level l-1 inside one unit of level l hold members of the group; the product is the group's size.
// members_below(l): members inside one unit of level l-1.
struct Spread {
  std::vector<std::int64_t> fanout;

  [[nodiscard]] std::int64_t size() const;
  [[nodiscard]] std::int64_t members_below(std::size_t level) const;
  // The outermost level that the group crosses; fanout.size() if it has one member.
  [[nodiscard]] std::size_t outermost() const;
  friend bool operator==(const Spread&, const Spread&) = default;
};

// Expects the view to divide evenly into every level's blocks.
[[nodiscard]] Spread spread_of(const Fabric& fabric, const space::View& group);

// A one-step neighbour message (pipeline send): the spread of two ranks `distance` apart in the rank space that are worst placed,
// i.e. the outermost level that such a pair crosses.
[[nodiscard]] Spread spread_of_neighbours(const Fabric& fabric, std::int64_t stride, std::int64_t size);

}  // namespace zettatwin::topology
