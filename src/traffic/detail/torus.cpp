// SPDX-License-Identifier: Apache-2.0
#include "traffic/detail/torus.hpp"

#include <functional>
#include <numeric>

namespace zettatwin::traffic::detail {

std::vector<std::int64_t> torus_extents(const topology::Fabric& fabric, std::size_t level) {
  const auto& network = fabric.machine->levels[level].network;
  if (network.kind != hardware::NetworkKind::torus) return {};
  const auto units = std::accumulate(network.torus.begin(), network.torus.end(), std::int64_t{1}, std::multiplies<>());
  return units == fabric.used[level] ? network.torus : std::vector<std::int64_t>{};
}

}  // namespace zettatwin::traffic::detail
