// SPDX-License-Identifier: Apache-2.0
// Ways and loads against calculations by hand.
#include <algorithm>

#include "graphs.hpp"

namespace zettatwin::graph {
namespace {

using namespace test;

TEST(Ring, ThirtySixChunksCrossTheBusiestLinkWhenTiesGoOneWay) {
  // ASTRA-sim's congestion-aware analytical network, 16 NPUs on a ring, each sends one chunk to each other (its test_congestion_aware): 36 chunks
  // on the busiest link, 1 + 2 + ... + 8, because chunks to the opposite NPU all take the first link.
  const auto g = ring(16);
  EXPECT_DOUBLE_EQ(busiest(g, all_to_all(g, 16, Routing::first))[0], 36);
  // Halves both ways round: 1 + ... + 7 and half of 8. Every other destination: the same, but unit 0 lists its cables the other way.
  for (const double load : all_to_all(g, 16, Routing::spraying)) EXPECT_DOUBLE_EQ(load, 32);
  EXPECT_DOUBLE_EQ(busiest(g, all_to_all(g, 16, Routing::d_mod_k))[0], 33);
}

TEST(Spraying, UniformLoadIsThatOfAllPairs) {
  const auto g = leaf_spine(3, 4, 2);
  const auto pairs = all_to_all(g, 12, Routing::spraying);
  const auto uniform = *uniform_load(g, 12);
  for (LinkId l = 0; l < g.links(); ++l) EXPECT_NEAR(uniform[l], pairs[l] / 11, 1e-12);
  // Each of 4 units sends 8 of 11 parts over 2 uplinks.
  EXPECT_NEAR(busiest(g, uniform)[1], 4 * (8.0 / 11) / 2, 1e-12);
  EXPECT_NEAR(saturation(g, uniform).si(), 11.0 / 16, 1e-12);
}

TEST(Spraying, SplitsAtEachSwitchAndMeetsAgain) {
  const auto g = leaf_spine(2, 1, 4);
  const std::vector<double> healthy(g.links(), 1);
  Router router(g, healthy, Routing::spraying);
  std::vector<Share> way;
  ASSERT_TRUE(router.append(0, 1, kAll, 1, 0, 1, way));
  EXPECT_EQ(way.size(), 10u);  // port, 4 up, 4 down, port
  EXPECT_DOUBLE_EQ(way.front().share, 1);
  EXPECT_DOUBLE_EQ(way.back().share, 1);
  EXPECT_EQ(std::count_if(way.begin(), way.end(), [](const Share& s) { return s.share == 0.25; }), 8);
}

TEST(DModK, AShiftPermutationHasEachLinkOnce) {
  // Zahavi 2010: in a full fat tree every shift permutation is free of contention.
  const auto g = leaf_spine(4, 4, 4);
  const std::vector<double> healthy(g.links(), 1);
  Router router(g, healthy, Routing::d_mod_k);
  for (std::size_t shift = 1; shift < 16; ++shift) {
    std::vector<double> load(g.links(), 0);
    for (std::size_t u = 0; u < 16; ++u) {
      std::vector<Share> way;
      const auto to = (u + shift) % 16;
      ASSERT_TRUE(router.append(static_cast<Vertex>(u), static_cast<Vertex>(to), kAll, 1, u, to, way));
      for (const auto& share : way) load[share.link] += share.share;
    }
    EXPECT_LE(*std::max_element(load.begin(), load.end()), 1) << shift;
  }
}

TEST(DModK, DestinationsOfOneResidueShareAnUplink) {
  // By hand: units 0..3 of leaf 0 send to 4, 8, 12, 4 + 16 of a tree with 4 spines: all are 0 mod 4, so all climb to spine 0.
  const auto g = leaf_spine(6, 4, 4);
  const std::vector<double> healthy(g.links(), 1);
  Router router(g, healthy, Routing::d_mod_k);
  std::vector<double> load(g.links(), 0);
  for (const auto& [from, to] : {std::pair{0, 4}, {1, 8}, {2, 12}, {3, 20}}) {
    std::vector<Share> way;
    ASSERT_TRUE(router.append(static_cast<Vertex>(from), static_cast<Vertex>(to), kAll, 1, static_cast<std::uint64_t>(from), static_cast<std::uint64_t>(to), way));
    ASSERT_EQ(way.size(), 4u);
    EXPECT_EQ(g.text(way[1].link), "leaf0 > spine0");
    for (const auto& share : way) load[share.link] += share.share;
  }
  EXPECT_DOUBLE_EQ(busiest(g, load)[1], 4);
}

TEST(Ecmp, ASeedIsOneDrawAndItsLoadIsNeverBelowSpraying) {
  const auto g = leaf_spine(4, 4, 4);
  const auto sprayed = busiest(g, all_to_all(g, 16, Routing::spraying))[1];
  double mean = 0;
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    const auto load = all_to_all(g, 16, Routing::ecmp, seed);
    EXPECT_EQ(load, all_to_all(g, 16, Routing::ecmp, seed));
    EXPECT_GE(busiest(g, load)[1], sprayed);
    mean += busiest(g, load)[1] / 20;
  }
  // 48 flows over 4 uplinks: 12 each, the fullest of them about 12 + 1.03 sqrt(12 * 3/4) = 15.1.
  EXPECT_GT(mean, 14);
  EXPECT_LT(mean, 19);
}

TEST(Dead, WaysLeadRoundDeadLinksOrThereIsNone) {
  const auto g = leaf_spine(2, 2, 2);
  std::vector<double> left(g.links(), 1);
  const auto kill = [&](const std::string& name) {
    for (LinkId l = 0; l < g.links(); ++l)
      if (g.text(l) == name) left[l] = left[l ^ 1u] = 0;
  };
  kill("leaf0 > spine0");
  for (const auto routing : {Routing::spraying, Routing::d_mod_k, Routing::ecmp}) {
    Router router(g, left, routing);
    std::vector<Share> way;
    ASSERT_TRUE(router.append(0, 2, kAll, 1, 0, 2, way));
    ASSERT_EQ(way.size(), 4u);
    EXPECT_EQ(g.text(way[1].link), "leaf0 > spine1");
  }
  kill("leaf0 > spine1");
  Router router(g, left, Routing::spraying);
  std::vector<Share> way;
  EXPECT_FALSE(router.append(0, 2, kAll, 1, 0, 2, way));
  EXPECT_TRUE(router.append(0, 1, kAll, 1, 0, 1, way));
}

// Tables that destinations share: the same distances and ways as one search per destination.
TEST(Router, SharedTablesAreThoseOfEachDestination) {
  auto g = leaf_spine(3, 4, 2);
  const auto dual = g.add_vertex("dual", Role::endpoint), beside = g.add_vertex("beside", Role::endpoint), relay = g.add_vertex("relay", Role::relay);
  auto dear = cable(dual, 13);
  dear.cost = 2;
  g.add_cable(dear);                     // two leaves, one of them dear
  g.add_cable(cable(dual, 14));
  g.add_cable(cable(dual, beside));      // endpoints joined directly
  g.add_cable(cable(beside, 12), 2);     // parallel cables
  g.add_cable(cable(relay, 12));
  std::vector<double> left(g.links(), 1);
  left[2 * 5] = left[2 * 5 + 1] = left[2 * 13] = 0;  // a port, and one direction of an uplink
  Router spraying(g, left, Routing::spraying), first(g, left, Routing::first);
  for (Vertex to = 0; to < g.vertices(); ++to) {
    const auto distance = distances_to(g, kAll, left, to);
    for (Vertex from = 0; from < g.vertices(); ++from) {
      EXPECT_EQ(spraying.distance(from, to, kAll), distance[from]) << g.name(from) << " to " << g.name(to);
      std::vector<Share> way;
      const bool found = first.append(from, to, kAll, 1, from, to, way);
      EXPECT_EQ(found, distance[from] < kFar);
      if (!found || from == to) continue;
      Vertex at = from;
      std::vector<LinkId> next;
      for (const auto& share : way) {
        next_links(g, kAll, left, distance, at, to, next);
        EXPECT_EQ(share.link, next.front());
        at = g.link(share.link).to;
      }
      EXPECT_EQ(at, to);
      way.clear();
      ASSERT_TRUE(spraying.append(from, to, kAll, 1, from, to, way));
      double arrived = 0;
      for (const auto& share : way) arrived += g.link(share.link).to == to ? share.share : 0;
      EXPECT_NEAR(arrived, 1, 1e-12);
    }
  }
}

TEST(Endpoints, DoNotPassOnWhatOthersSend) {
  Graph g;  // two leaves with one unit at both, and a spine
  (void)g.add_vertices("unit", 3, Role::endpoint);
  const auto leaf = g.add_vertices("leaf", 2, Role::switching), spine = g.add_vertex("spine", Role::switching);
  (void)g.add_kind({"cable", 0});
  for (const auto& [a, b] : {std::pair{Vertex{0}, leaf}, {1, leaf + 1}, {2, leaf}, {2, leaf + 1}, {leaf, spine}, {leaf + 1, spine}}) g.add_cable(cable(a, b));
  const std::vector<double> healthy(g.links(), 1);
  Router router(g, healthy, Routing::spraying);
  std::vector<Share> way;
  ASSERT_TRUE(router.append(0, 1, kAll, 1, 0, 1, way));
  for (const auto& share : way) EXPECT_NE(g.link(share.link).to, 2u);
}

}  // namespace
}  // namespace zettatwin::graph
