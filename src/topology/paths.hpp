// SPDX-License-Identifier: Apache-2.0
// How far the chips of a machine are from each other: classes of ordered pairs of chips whose paths cross the same links of the same levels,
// with exact counts, in closed form per level. Nothing is enumerated: the pairs inside one unit of a level follow from those of the level below.
// A hop is a link: 1 across a mesh, the ring distances on a torus (dimension order), 2 per tier across switches (up and down). Latency is the
// catalog's of each level crossed: per hop on meshes and tori, chip to chip across switches. Routing as in link_class.hpp.
#pragma once

#include "topology/level_in_use.hpp"

namespace zettatwin::topology {

struct PathClass {
  std::vector<std::int64_t> hops_on;  // per level in use
  std::int64_t hops = 0;
  units::Seconds latency;
  std::int64_t pairs = 0;             // ordered
};

struct Paths {
  std::vector<PathClass> classes;  // pairs of different chips; nearest first
  std::int64_t pairs = 0;          // N (N - 1)
  double mean_hops = 0;            // 0 for a machine of one chip
  units::Seconds mean_latency;
  std::int64_t most_hops = 0;      // the diameter
  units::Seconds most_latency;
};

// Counts are exact up to this many chips.
inline constexpr std::int64_t kChipsCounted = std::int64_t{1} << 31;

// How many classes paths_of makes, at most; tori make one per distance.
[[nodiscard]] double most_path_classes(const std::vector<LevelInUse>& levels);

// Expects at most kChipsCounted chips.
[[nodiscard]] Paths paths_of(const std::vector<LevelInUse>& levels);

}  // namespace zettatwin::topology
