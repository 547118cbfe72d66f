// SPDX-License-Identifier: Apache-2.0
#include "graph/dragonfly.hpp"

#include "base/contract.hpp"

namespace zettatwin::graph {
namespace {

constexpr std::int64_t kLocalCost = 1;
constexpr std::int64_t kGlobalCost = 3;  // two global cables are never shorter than local, global, local

Cable cable(Vertex a, Vertex b, const CableSort& sort, std::int64_t cost, std::uint32_t kind) { return {a, b, sort.bandwidth, sort.latency, cost, kind}; }

}  // namespace

void add_dragonfly(Graph& graph, std::span<const Vertex> units, const DragonflyShape& shape, const CableSort& unit, const CableSort& local, const CableSort& global, std::size_t layer,
                   const std::string& prefix) {
  ZT_EXPECT(static_cast<std::int64_t>(units.size()) <= shape.units(), std::to_string(units.size()));
  ZT_EXPECT(shape.groups == 1 || shape.global_per_pair() > 0, std::to_string(shape.groups));
  const std::int64_t a = shape.routers_per_group, g = shape.groups, h = shape.global_per_router;
  const auto first = graph.add_vertices(prefix + "router", g * a, Role::switching);
  const auto router = [&](std::int64_t group, std::int64_t r) { return first + static_cast<Vertex>(group * a + r); };
  const auto unit_kind = graph.add_kind({"unit to router", layer}), local_kind = graph.add_kind({"local", layer}), global_kind = graph.add_kind({"global", layer});
  for (std::size_t i = 0; i < units.size(); ++i)
    graph.add_cable(cable(units[i], first + static_cast<Vertex>(static_cast<std::int64_t>(i) / shape.units_per_router), unit, kLocalCost, unit_kind), unit.count);
  for (std::int64_t group = 0; group < g; ++group)
    for (std::int64_t r = 0; r < a; ++r)
      for (std::int64_t s = r + 1; s < a; ++s) graph.add_cable(cable(router(group, r), router(group, s), local, kLocalCost, local_kind), local.count);
  // Cable q of one group and cable q' of the other are the same one, the m-th between the two.
  for (std::int64_t from = 0; from < g; ++from)
    for (std::int64_t to = from + 1; to < g; ++to)
      for (std::int64_t m = 0; m < shape.global_per_pair(); ++m) {
        const std::int64_t q = (to - from - 1) + m * (g - 1), back = (g - 1 - (to - from)) + m * (g - 1);
        graph.add_cable(cable(router(from, q / h), router(to, back / h), global, kGlobalCost, global_kind), global.count);
      }
}

}  // namespace zettatwin::graph
