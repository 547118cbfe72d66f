// SPDX-License-Identifier: Apache-2.0
// Colour refinement against rounds of "own class and weights into all classes" until nothing changes.
#include "fold/colour_refinement.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <set>
#include <tuple>

#include "../../support/random.hpp"

namespace zettatwin::fold {
namespace {

using test::Random;

using Classes = std::vector<std::uint32_t>;

Classes in_rounds(const Graph& graph, const RefinementOptions& options) {
  using Signature = std::pair<std::uint32_t, std::map<std::uint32_t, double>>;
  Classes classes(graph.nodes, 0);
  const auto renumber = [&](const auto& keys) {
    std::map<typename std::decay_t<decltype(keys)>::value_type, std::uint32_t> number;
    for (std::uint32_t v = 0; v < graph.nodes; ++v)
      classes[v] = number.emplace(keys[v], static_cast<std::uint32_t>(number.size())).first->second;
    return number.size();
  };
  std::size_t before = 0;
  std::size_t now = options.colours.empty() ? 1 : renumber(options.colours);
  while (now != before) {
    std::vector<Signature> signatures;
    for (std::uint32_t v = 0; v < graph.nodes; ++v)
      signatures.emplace_back(classes[v], std::map<std::uint32_t, double>{});
    for (const auto& arc : graph.arcs) {
      auto& total = signatures[arc.from].second[classes[arc.to]];
      total = options.readings.empty() || options.readings[arc.to] == Reading::total ? total + arc.weight : 1;
    }
    before = now;
    now = renumber(signatures);
  }
  return classes;
}

Graph random_graph(Random& random) {
  Graph graph{static_cast<std::uint32_t>(random.between(1, 40)), {}};
  const auto arcs = random.between(0, 3 * graph.nodes);
  const bool regular = random.one_in(2);  // much symmetry: steps on a ring
  for (std::int64_t i = 0; i < arcs; ++i) {
    const auto from = static_cast<std::uint32_t>(random.between(0, graph.nodes - 1));
    const auto to = static_cast<std::uint32_t>(
        regular && !random.one_in(8) ? (from + 1) % graph.nodes : random.between(0, graph.nodes - 1));
    graph.arcs.push_back({from, to, static_cast<double>(random.between(1, random.of({1, 1, 3})))});
    if (random.one_in(2)) graph.arcs.push_back({to, from, graph.arcs.back().weight});
  }
  return graph;
}

TEST(ColourRefinement, ByHand) {
  // A path 0-1-2-3-4: ends, next to ends, middle.
  Graph path{5, {}};
  for (std::uint32_t v = 0; v + 1 < 5; ++v) {
    path.arcs.push_back({v, v + 1});
    path.arcs.push_back({v + 1, v});
  }
  EXPECT_EQ(colour_refinement(path), (Classes{0, 1, 2, 1, 0}));
  EXPECT_EQ(colour_refinement(path, {.colours = {7, 0, 0, 0, 0}}), (Classes{0, 1, 2, 3, 4}));
  EXPECT_EQ(colour_refinement({3, {}}), (Classes{0, 0, 0}));
  // Two arcs of weight 1 or one of weight 2: equal totals. Presence tells neither apart, nor 1 from 2.
  const Graph fans{6, {{0, 3, 1}, {0, 4, 1}, {1, 5, 2}, {2, 5, 1}}};
  EXPECT_EQ(colour_refinement(fans, {.colours = {0, 0, 0, 1, 1, 1}}), (Classes{0, 0, 1, 2, 2, 2}));
  const RefinementOptions presence{.colours = {0, 0, 0, 1, 1, 1},
                                   .readings = std::vector(6, Reading::presence)};
  EXPECT_EQ(colour_refinement(fans, presence), (Classes{0, 0, 0, 1, 1, 1}));
}

TEST(ColourRefinement, EqualsRoundsOnRandomGraphs) {
  for (std::uint64_t seed = 0; seed < 1500; ++seed) {
    SCOPED_TRACE(seed);
    Random random(seed);
    const auto graph = random_graph(random);
    RefinementOptions options;
    const auto colours = random.between(1, 3);
    for (std::uint32_t v = 0; v < graph.nodes; ++v) {
      options.colours.push_back(random.one_in(6) ? random.between(1, colours) : 0);
      options.readings.push_back(options.colours[v] % 2 == 0 && seed % 2 == 0 ? Reading::presence
                                                                              : Reading::total);
    }
    options.rounding = seed % 3 == 0 ? 1e-9 : 0;
    ASSERT_EQ(colour_refinement(graph, options), in_rounds(graph, options));
  }
}

TEST(ColourRefinement, DoesNotDependOnNames) {
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    SCOPED_TRACE(seed);
    Random random(seed);
    const auto graph = random_graph(random);
    std::vector<std::uint32_t> name(graph.nodes);
    std::iota(name.begin(), name.end(), 0U);
    for (std::size_t i = name.size(); i > 1; --i)
      std::swap(name[i - 1],
                name[static_cast<std::size_t>(random.between(0, static_cast<std::int64_t>(i) - 1))]);
    Graph renamed{graph.nodes, {}};
    for (const auto& arc : graph.arcs) renamed.arcs.push_back({name[arc.from], name[arc.to], arc.weight});
    std::reverse(renamed.arcs.begin(), renamed.arcs.end());
    const auto a = colour_refinement(graph);
    const auto b = colour_refinement(renamed);
    for (std::uint32_t v = 0; v < graph.nodes; ++v)
      for (std::uint32_t w = 0; w < v; ++w) ASSERT_EQ(a[v] == a[w], b[name[v]] == b[name[w]]);
  }
}

// Nodes 0 and 1 send 1e12 + 1 and 1e12 + 2 into {2, 3, 4}, the same by rounding. When 2 splits off, the
// larger part {3, 4} shows 1 and 2.
TEST(ColourRefinement, RoundingDoesNotHideSmallParts) {
  const Graph graph{6, {{0, 2, 1e12}, {0, 3, 1}, {1, 2, 1e12}, {1, 3, 2}, {2, 5, 1}}};
  const auto classes = colour_refinement(graph, {.colours = {0, 0, 1, 1, 1, 2}, .rounding = 1e-9});
  EXPECT_EQ(classes, (Classes{0, 1, 2, 3, 3, 4}));
}

}  // namespace
}  // namespace zettatwin::fold
