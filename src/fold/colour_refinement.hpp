// SPDX-License-Identifier: Apache-2.0
// The coarsest equitable partition of a weighted directed graph that refines a colouring: two nodes of one
// class have, for every class S, the same total weight of arcs into S (1-dimensional Weisfeiler-Leman; for
// weights, ordinary lumping). Splitters are processed after Hopcroft (1971) and Paige & Tarjan (1987): of the
// parts of a split class, all but the largest. Each arc is read O(log n) times; the nodes that a splitter
// touches are sorted by weight, as in Valmari & Franceschinis (2010).
#pragma once

#include <cstdint>
#include <vector>

namespace zettatwin::fold {

struct Arc {
  std::uint32_t from = 0;
  std::uint32_t to = 0;
  double weight = 1;  // > 0; parallel arcs add up
};

struct Graph {
  std::uint32_t nodes = 0;
  std::vector<Arc> arcs;  // an undirected edge is two arcs
};

// What a node's readers (the sources of its arcs) look at: the total weight into its class, or only whether
// there is any.
enum class Reading : std::uint8_t { total, presence };

struct RefinementOptions {
  std::vector<std::int64_t> colours = {};  // initial, per node; empty: all equal
  std::vector<Reading> readings = {};      // per node, equal on nodes of one colour; empty: all `total`
  double rounding = 0;                     // totals that differ by no more than this, relatively, are equal
};

// Class of each node, numbered in the order of their first nodes.
[[nodiscard]] std::vector<std::uint32_t> colour_refinement(const Graph& graph,
                                                           const RefinementOptions& options = {});

}  // namespace zettatwin::fold
