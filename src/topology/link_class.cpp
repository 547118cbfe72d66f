// SPDX-License-Identifier: Apache-2.0
#include "topology/link_class.hpp"

#include <algorithm>
#include <cmath>

#include "base/contract.hpp"

namespace zettatwin::topology {
namespace {

using hardware::NetworkKind;

LinkClass per_unit_of(LinkSort sort, const LevelInUse& level, std::size_t i, std::int64_t part, std::int64_t per_unit, units::BytesPerSecond bandwidth) {
  return {sort, {i}, part, per_unit, per_unit * level.count, bandwidth, {}};
}

void add_rings(std::vector<LinkClass>& classes, const LevelInUse& level, std::size_t i) {
  const auto& extents = level.level.network.torus;
  for (std::size_t d = 0; d < extents.size(); ++d) {
    const std::int64_t extent = extents[d];
    const std::int64_t per_ring = extent > 2 ? extent : extent - 1;
    if (extent > 1)
      classes.push_back(per_unit_of(LinkSort::ring, level, i, static_cast<std::int64_t>(d) + 1, level.units / extent * per_ring * level.chips_below,
                                    level.level.network.pair_bandwidth.value));
  }
}

void add_listed(std::vector<LinkClass>& classes, const LevelInUse& level, std::size_t i) {
  for (std::size_t k = 0; k < level.graph->links.size(); ++k) {
    const auto& links = level.graph->links[k];
    classes.push_back(per_unit_of(LinkSort::listed, level, i, static_cast<std::int64_t>(k), links.cables, links.bandwidth));
    classes.back().name = links.name;
  }
}

// Tier 0 is the chip: its ports are the links above it.
void add_switched(std::vector<LinkClass>& classes, const LevelInUse& level, std::size_t i) {
  const std::int64_t ports = level.chips() * level.ports_per_chip();
  const auto bandwidth = level.bandwidth() / static_cast<double>(level.ports_per_chip());
  for (std::int64_t tier = 0; tier < level.tiers(); ++tier) {
    const auto sort = tier == 0 ? LinkSort::chip_port : LinkSort::uplink;
    const auto shared = std::find_if(classes.begin(), classes.end(), [&](const LinkClass& c) {
      return level.shares_ports && c.sort == sort && c.part == tier && c.levels.back() + 1 == i;
    });
    if (shared != classes.end()) {
      shared->levels.push_back(i);
      shared->bandwidth = std::max(shared->bandwidth, bandwidth);
      continue;
    }
    const auto links = tier == 0 ? ports : static_cast<std::int64_t>(std::ceil(static_cast<double>(ports) / level.oversubscription()));
    classes.push_back(per_unit_of(sort, level, i, tier, links, bandwidth));
  }
}

// Seconds per byte that one chip sends to each chip.
double busy_per_byte(const std::vector<LevelInUse>& levels, const LinkClass& links, std::size_t i) {
  const LevelInUse& level = levels[i];
  const auto& network = level.level.network;
  const double destinations = static_cast<double>(destinations_across(levels, i));
  const double units = static_cast<double>(level.units);
  switch (links.sort) {
    case LinkSort::mesh: return destinations / (units - 1) / network.pair_bandwidth.si();
    case LinkSort::ring: {
      const std::int64_t extent = network.torus[static_cast<std::size_t>(links.part - 1)];
      // The distances from one chip to all of its ring sum to floor(k^2/4); each distance is met once per position in the other dimensions.
      const std::int64_t distances = extent * extent / 4;
      const double links_crossed = static_cast<double>(distances) * destinations / (units - 1) * units / static_cast<double>(extent);
      return links_crossed / static_cast<double>(ring_ports(extent)) / network.pair_bandwidth.si();
    }
    case LinkSort::chip_port: return destinations / level.bandwidth().si();
    case LinkSort::uplink: {
      const double outside = (units - static_cast<double>(level.units_of_last_leaf())) / (units - 1);
      return destinations * outside / level.bandwidth_above_leaves().si();
    }
    // All chips of a unit share its links.
    case LinkSort::listed: return destinations * static_cast<double>(level.chips_below) * level.graph->links[static_cast<std::size_t>(links.part)].busy_per_byte;
  }
  return 0;
}

}  // namespace

std::string_view name_of(LinkSort sort) {
  switch (sort) {
    case LinkSort::mesh: return "mesh";
    case LinkSort::ring: return "ring";
    case LinkSort::chip_port: return "chip_port";
    case LinkSort::uplink: return "uplink";
    case LinkSort::listed: return "listed";
  }
  return "?";
}

std::vector<LinkClass> link_classes(const std::vector<LevelInUse>& levels) {
  std::vector<LinkClass> classes;
  for (std::size_t i = 0; i < levels.size(); ++i) {
    const auto& level = levels[i];
    switch (level.level.network.kind) {
      case NetworkKind::full_mesh:
        classes.push_back(per_unit_of(LinkSort::mesh, level, i, 0, level.units * (level.units - 1) / 2 * level.chips_below, level.level.network.pair_bandwidth.value));
        break;
      case NetworkKind::torus: add_rings(classes, level, i); break;
      case NetworkKind::graph:
      case NetworkKind::dragonfly: add_listed(classes, level, i); break;
      case NetworkKind::switched:
      case NetworkKind::clos: add_switched(classes, level, i); break;
    }
  }
  return classes;
}

std::int64_t destinations_across(const std::vector<LevelInUse>& levels, std::size_t i) {
  ZT_EXPECT(i < levels.size(), std::to_string(i));
  std::int64_t destinations = (levels[i].units - 1) * levels[i].chips_below;
  for (std::size_t outer = i + 1; outer < levels.size(); ++outer)
    if (levels[outer].direct()) destinations *= levels[outer].units;
  return destinations;
}

units::Seconds busy_time(const std::vector<LevelInUse>& levels, const LinkClass& links, units::Bytes bytes, std::int64_t chips) {
  double per_byte = 0;
  for (const auto i : links.levels) per_byte += busy_per_byte(levels, links, i) / levels[i].efficiency().si();
  return units::Seconds::from_si(per_byte * bytes.si() / static_cast<double>(chips));
}

}  // namespace zettatwin::topology
