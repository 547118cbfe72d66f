// SPDX-License-Identifier: Apache-2.0
// Dragonflies, fat trees and bisections against textbook figures.
#include <map>
#include <numeric>

#include "graph/bisection.hpp"
#include "graph/dragonfly.hpp"
#include "graph/fat_tree.hpp"
#include "graphs.hpp"

namespace zettatwin::graph {
namespace {

using namespace test;
using units::BytesPerSecond;

Graph dragonfly(const DragonflyShape& shape) {
  Graph g;
  std::vector<Vertex> units(static_cast<std::size_t>(shape.units()));
  std::iota(units.begin(), units.end(), g.add_vertices("unit", shape.units(), Role::endpoint));
  const CableSort one{BytesPerSecond::from_si(1), {}, 1};
  add_dragonfly(g, units, shape, one, one, one, 0, "");
  return g;
}

TEST(DragonflyGraph, HasTheCablesOfTheCanonicalOne) {
  const DragonflyShape shape{9, 4, 2, 2};  // a = 2p = 2h, g = a h + 1
  const auto g = dragonfly(shape);
  std::map<std::string, std::size_t> cables;
  for (LinkId l = 0; l < g.links(); l += 2) ++cables[g.kind_of(l).name];
  EXPECT_EQ(cables["unit to router"], 72u);
  EXPECT_EQ(cables["local"], 9u * 6);
  EXPECT_EQ(cables["global"], 36u);  // one between each two groups
  std::map<Vertex, std::size_t> global;
  for (LinkId l = 0; l < g.links(); ++l)
    if (g.kind_of(l).name == "global") ++global[g.link(l).from];
  for (const auto& [router, links] : global) EXPECT_EQ(links, 2u) << g.name(router);
  EXPECT_EQ(global.size(), 36u);
}

TEST(DragonflyGraph, MinimalRoutingLoadsLinksAsByHand) {
  const auto g = dragonfly({9, 4, 2, 2});
  const auto load = all_to_all(g, 72, Routing::spraying);
  const auto most = busiest(g, load);
  EXPECT_DOUBLE_EQ(most[0], 71);
  // The one cable between two groups carries all 8 x 8 pairs.
  EXPECT_DOUBLE_EQ(most[2], 64);
  // Local link r > s: 2 x 2 pairs of the group; what the 2 units of r send out through the 2 global cables of s (16 units each), and what comes in
  // through the 2 cables of r for the 2 units of s.
  EXPECT_DOUBLE_EQ(most[1], 4 + 2 * 16 + 16 * 2);
  for (LinkId l = 0; l < g.links(); ++l) EXPECT_DOUBLE_EQ(load[l], most[g.link(l).kind]) << g.text(l);
}

TEST(DragonflyGraph, NoWayHasTwoGlobalCables) {
  const auto g = dragonfly({9, 4, 2, 2});
  const std::vector<double> healthy(g.links(), 1);
  Router router(g, healthy, Routing::spraying);
  for (Vertex a = 0; a < 72; a += 5)
    for (Vertex b = 0; b < 72; ++b) {
      std::vector<Share> way;
      ASSERT_TRUE(router.append(a, b, kAll, 1, a, b, way));
      double global = 0;
      for (const auto& s : way) global += g.kind_of(s.link).name == "global" ? s.share : 0;
      EXPECT_DOUBLE_EQ(global, a / 8 == b / 8 ? 0 : 1);
    }
}

TEST(DragonflyGraph, SeveralCablesJoinTwoGroups) {
  const DragonflyShape shape{3, 4, 1, 2};  // 8 global cables to 2 groups
  EXPECT_EQ(shape.global_per_pair(), 4);
  const auto g = dragonfly(shape);
  EXPECT_DOUBLE_EQ(busiest(g, all_to_all(g, 12, Routing::spraying))[2], 4);  // all pairs of two groups: 16, over 4 cables evenly
}

TEST(FatTree, OfThreeTiersCarriesAllToAllAtFullRate) {
  // The 4-ary fat tree of Al-Fares et al. (2008): 16 units, 8 leaves of 2, pods of 2 leaves, 4 core switches.
  Graph g;
  (void)g.add_vertices("unit", 16, Role::endpoint);
  const auto leaf = g.add_vertices("leaf", 8, Role::switching);
  (void)g.add_kind({"port", 0});
  std::vector<Vertex> leaves;
  for (Vertex i = 0; i < 8; ++i) leaves.push_back(leaf + i);
  for (Vertex u = 0; u < 16; ++u) g.add_cable(cable(u, leaf + u / 2));
  const auto tops = add_fat_tree(g, leaves, std::vector<TierShape>{{2, 2, BytesPerSecond::from_si(1)}, {2, 2, BytesPerSecond::from_si(1)}}, 0, "");
  EXPECT_EQ(tops.size(), 4u);
  EXPECT_EQ(g.vertices(), 16u + 8 + 8 + 4);
  EXPECT_NEAR(saturation(g, *uniform_load(g, 16)).si(), 1, 1e-12);
  for (const auto routing : {Routing::spraying, Routing::d_mod_k}) {
    const auto most = busiest(g, all_to_all(g, 16, routing));
    EXPECT_DOUBLE_EQ(most[0], 15);
    EXPECT_DOUBLE_EQ(most[1], 14);  // 2 units x 14 others over 2 uplinks
    EXPECT_DOUBLE_EQ(most[2], 12);  // 4 units x 12 others over 4 uplinks
  }
}

TEST(Bisections, AreTheTextbookOnes) {
  EXPECT_NEAR(flow_between(ring(8), {true, true, true, true, false, false, false, false}).si(), 2, 1e-9);
  const auto of = [](const Graph& g, std::size_t n) { return bisection(g, n, saturation(g, *uniform_load(g, n))); };
  const auto ring12 = of(ring(12), 12);
  EXPECT_TRUE(ring12.exact);
  EXPECT_NEAR(ring12.at_most.si(), 2, 1e-9);
  EXPECT_NEAR(of(leaf_spine(2, 4, 4), 8).at_most.si(), 4, 1e-9);  // full bisection
  EXPECT_NEAR(of(leaf_spine(2, 4, 2), 8).at_most.si(), 2, 1e-9);  // oversubscribed 2 : 1
  const auto large = of(ring(32), 32);
  EXPECT_FALSE(large.exact);
  EXPECT_NEAR(large.at_most.si(), 2, 1e-9);
  EXPECT_LE(large.at_least.si(), 2);
  EXPECT_GT(large.at_least.si(), 1.9);  // uniform traffic needs nearly all of it
}

}  // namespace
}  // namespace zettatwin::graph
