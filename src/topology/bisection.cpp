// SPDX-License-Identifier: Apache-2.0
#include "topology/bisection.hpp"

#include <algorithm>
#include <functional>
#include <numeric>
#include <string>

#include "base/contract.hpp"

namespace zettatwin::topology {

using hardware::NetworkKind;

std::int64_t torus_bisection(const std::vector<std::int64_t>& extents) {
  const std::int64_t units = std::accumulate(extents.begin(), extents.end(), std::int64_t{1}, std::multiplies<>());
  std::int64_t least = -1;
  for (std::size_t d = 0; d < extents.size(); ++d) {
    const std::int64_t extent = extents[d];
    if (extent < 2) continue;
    std::int64_t links = units / extent * ring_ports(extent);
    if (extent % 2 != 0) {
      auto layer = extents;
      layer.erase(layer.begin() + static_cast<std::ptrdiff_t>(d));
      links += torus_bisection(layer);
    }
    if (least < 0 || links < least) least = links;
  }
  return std::max<std::int64_t>(least, 0);
}

Cut bisection_of(const std::vector<LevelInUse>& levels, std::size_t i) {
  ZT_EXPECT(i < levels.size(), std::to_string(i));
  const auto& level = levels[i];
  const auto& network = level.level.network;
  const std::int64_t half = level.units / 2;
  Cut cut{i, half * level.chips_below, {}, {}, {}};
  switch (network.kind) {
    case NetworkKind::full_mesh:
      cut.bandwidth = static_cast<double>(half * (level.units - half) * level.chips_below) * network.pair_bandwidth.value;
      break;
    case NetworkKind::torus:
      cut.bandwidth = static_cast<double>(torus_bisection(network.torus) * level.chips_below) * network.pair_bandwidth.value;
      break;
    case NetworkKind::switched:
    case NetworkKind::clos: cut.bandwidth = static_cast<double>(cut.chips) * level.bandwidth_above_leaves(); break;
    case NetworkKind::graph:
    case NetworkKind::dragonfly:
      cut.bandwidth = level.graph->bisection.at_most;
      if (!level.graph->bisection.exact) cut.at_least = level.graph->bisection.at_least;
      break;
  }
  cut.achieved = cut.bandwidth * level.efficiency().si();
  return cut;
}

Cut bisection_of(const std::vector<LevelInUse>& levels) {
  ZT_EXPECT(!levels.empty(), "one chip has no bisection");
  Cut least = bisection_of(levels, levels.size() - 1);
  for (std::size_t i = levels.size() - 1; i > 0 && levels[i].direct(); --i) {
    const auto& inner = levels[i - 1];
    if (inner.units % 2 != 0) continue;
    Cut cut = bisection_of(levels, i - 1);
    const double count = static_cast<double>(inner.count);
    cut = {cut.level, inner.count * cut.chips, count * cut.bandwidth, count * cut.achieved, {}};
    if (cut.bandwidth < least.bandwidth) least = cut;
  }
  return least;
}

}  // namespace zettatwin::topology
