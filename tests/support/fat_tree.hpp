// SPDX-License-Identifier: Apache-2.0
// Two-level fat trees and traffic on them, as sharing problems: for benchmarks and tests of module flow.
// Resources: host up, host down (per host), leaf to spine, spine to leaf (per pair). Capacities are of one link.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "flow/max_min.hpp"

namespace zettatwin::test {

struct FatTree {
  std::uint32_t leaves;
  std::uint32_t hosts_per_leaf;
  std::uint32_t spines;
  double host_capacity;
  double spine_capacity;

  [[nodiscard]] std::uint32_t hosts() const { return leaves * hosts_per_leaf; }
  [[nodiscard]] std::uint32_t resources() const { return 2 * (hosts() + leaves * spines); }
  [[nodiscard]] flow::ResourceId host_up(std::uint32_t host) const { return host; }
  [[nodiscard]] flow::ResourceId host_down(std::uint32_t host) const { return hosts() + host; }
  [[nodiscard]] flow::ResourceId up(std::uint32_t leaf, std::uint32_t spine) const { return 2 * hosts() + leaf * spines + spine; }
  [[nodiscard]] flow::ResourceId down(std::uint32_t spine, std::uint32_t leaf) const { return 2 * hosts() + (leaves + leaf) * spines + spine; }
  [[nodiscard]] double capacity(flow::ResourceId resource) const { return resource < 2 * hosts() ? host_capacity : spine_capacity; }

  // One path, over the given spine.
  [[nodiscard]] std::vector<flow::ResourceId> path(std::uint32_t from, std::uint32_t to, std::uint32_t spine) const {
    const std::uint32_t a = from / hosts_per_leaf;
    const std::uint32_t b = to / hosts_per_leaf;
    if (a == b) return {host_up(from), host_down(to)};
    return {host_up(from), up(a, spine), down(spine, b), host_down(to)};
  }
};

}  // namespace zettatwin::test
