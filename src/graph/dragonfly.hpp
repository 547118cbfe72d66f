// SPDX-License-Identifier: Apache-2.0
// Dragonfly (Kim, Dally, Scott, Abts, "Technology-driven, highly-scalable dragonfly topology", ISCA 2008): groups of fully joined routers, groups fully
// joined by global cables. With a routers per group and h global cables per router, global cable q = r h + k of a group leads to the group
// 1 + q mod (g - 1) further on (consecutive arrangement); cables left over after equal numbers per pair of groups are unused.
// Costs make the minimal route shortest: at most one global cable (cost 3) between a local one (cost 1) on either side.
#pragma once

#include "graph/graph.hpp"

namespace zettatwin::graph {

struct DragonflyShape {
  std::int64_t groups = 1;               // g
  std::int64_t routers_per_group = 1;    // a
  std::int64_t units_per_router = 1;     // p
  std::int64_t global_per_router = 0;    // h
  [[nodiscard]] std::int64_t units() const { return groups * routers_per_group * units_per_router; }
  // Global cables between each two groups; 0 if they cannot all be joined.
  [[nodiscard]] std::int64_t global_per_pair() const { return groups > 1 ? routers_per_group * global_per_router / (groups - 1) : 0; }
};

// What all cables of one sort have.
struct CableSort {
  units::BytesPerSecond bandwidth;
  units::Seconds latency;
  std::int64_t count = 1;  // of the same ends
};

// Adds routers, named router0 ..., and cables; unit i is endpoint units[i], fewer than there is room for leave routers' ports free.
void add_dragonfly(Graph& graph, std::span<const Vertex> units, const DragonflyShape& shape, const CableSort& unit, const CableSort& local, const CableSort& global, std::size_t layer,
                   const std::string& prefix);

}  // namespace zettatwin::graph
