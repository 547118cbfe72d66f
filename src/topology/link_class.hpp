// SPDX-License-Identifier: Apache-2.0
// The links of a machine's network as classes of links that are alike, counted in closed form; and how busy each class is when every
// chip sends the same to every chip (uniform all-to-all).
// A link is a cable, or all lanes between a chip and one plane: it carries its bandwidth in both directions at once. Links above the leaves are counted at
// the speed of a chip's port, rounded up.
// Routing: messages take the links of the innermost unit that holds both chips. A switched level leads to any chip of the other unit at
// once. A mesh or torus joins chips of the same position only, so the levels inside it are crossed too (dimension order); on rings the
// short way round, half of the bytes each way between opposite chips. Explicit networks spray over shortest ways between units. Traffic between different leaves climbs to the top tier.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "topology/level_in_use.hpp"

namespace zettatwin::topology {

enum class LinkSort {
  mesh,       // chip to chip of another unit
  ring,       // chip to the next chip along one dimension of a torus
  chip_port,  // chip to a switch of the first tier: one per plane, or as many as the machine says (rails)
  uplink,     // switch to a switch of the next tier
  listed,     // of an explicit network
};
[[nodiscard]] std::string_view name_of(LinkSort sort);

struct LinkClass {
  LinkSort sort = LinkSort::mesh;
  std::vector<std::size_t> levels;  // places among the levels in use of those that use it; several if they share ports
  std::int64_t part = 0;            // ring: the dimension; uplink: the tier below the link; both count from 1
  std::int64_t per_unit = 0;        // in one unit of the first of `levels`
  std::int64_t count = 0;           // in the machine
  units::BytesPerSecond bandwidth;  // of one link, per direction; listed: of the narrowest
  std::string name = {};            // listed: "leaf to spine"; part is its place among the level's
};

// Innermost level first, from the chip upwards.
[[nodiscard]] std::vector<LinkClass> link_classes(const std::vector<LevelInUse>& levels);

// Destinations of one chip whose messages cross level i.
[[nodiscard]] std::int64_t destinations_across(const std::vector<LevelInUse>& levels, std::size_t i);

// For how long one link of the class is busy in each direction when every chip sends `bytes`, its own part included, in equal parts to all
// `chips`: at the rate of long messages, without latency. Of the busiest link where the last leaf is partly filled.
[[nodiscard]] units::Seconds busy_time(const std::vector<LevelInUse>& levels, const LinkClass& links, units::Bytes bytes, std::int64_t chips);

}  // namespace zettatwin::topology
