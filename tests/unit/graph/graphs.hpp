// SPDX-License-Identifier: Apache-2.0
// Small graphs with cables of 1 B/s, so that loads are seconds.
#pragma once

#include <gtest/gtest.h>

#include "graph/loads.hpp"

namespace zettatwin::graph::test {

inline constexpr Layers kAll = ~Layers{0};

[[nodiscard]] inline Cable cable(Vertex a, Vertex b, std::uint32_t kind = 0) { return {a, b, units::BytesPerSecond::from_si(1), {}, 1, kind}; }

// Listed so that the first cable of every unit but unit 0 leads upwards.
[[nodiscard]] inline Graph ring(std::int64_t n) {
  Graph g;
  (void)g.add_vertices("unit", n, Role::relay);
  (void)g.add_kind({"ring", 0});
  for (std::int64_t i = n - 1; i >= 0; --i) g.add_cable(cable(static_cast<Vertex>(i), static_cast<Vertex>((i + 1) % n)));
  return g;
}

// `leaves` leaves of `per_leaf` units each, `spines` spines.
[[nodiscard]] inline Graph leaf_spine(std::int64_t leaves, std::int64_t per_leaf, std::int64_t spines) {
  Graph g;
  (void)g.add_vertices("unit", leaves * per_leaf, Role::endpoint);
  const auto leaf = g.add_vertices("leaf", leaves, Role::switching), spine = g.add_vertices("spine", spines, Role::switching);
  const auto port = g.add_kind({"port", 0}), up = g.add_kind({"uplink", 0});
  for (std::int64_t u = 0; u < leaves * per_leaf; ++u) g.add_cable(cable(static_cast<Vertex>(u), leaf + static_cast<Vertex>(u / per_leaf), port));
  for (std::int64_t l = 0; l < leaves; ++l)
    for (std::int64_t s = 0; s < spines; ++s) g.add_cable(cable(leaf + static_cast<Vertex>(l), spine + static_cast<Vertex>(s), up));
  return g;
}

// Bytes on each link when every endpoint of [0, n) sends one byte to each other one.
[[nodiscard]] inline std::vector<double> all_to_all(const Graph& g, std::size_t n, Routing routing, std::uint64_t seed = 0) {
  const std::vector<double> healthy(g.links(), 1);
  Router router(g, healthy, routing, seed);
  std::vector<double> load(g.links(), 0);
  for (std::size_t a = 0; a < n; ++a)
    for (std::size_t b = 0; b < n; ++b) {
      std::vector<Share> way;
      EXPECT_TRUE(router.append(static_cast<Vertex>(a), static_cast<Vertex>(b), kAll, 1, a, b, way));
      for (const auto& share : way) load[share.link] += share.share;
    }
  return load;
}

// The most on a link of each kind.
[[nodiscard]] inline std::vector<double> busiest(const Graph& g, const std::vector<double>& load) {
  std::vector<double> most(g.kinds().size(), 0);
  for (LinkId l = 0; l < g.links(); ++l) most[g.link(l).kind] = std::max(most[g.link(l).kind], load[l]);
  return most;
}

}  // namespace zettatwin::graph::test
