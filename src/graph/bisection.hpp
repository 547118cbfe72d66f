// SPDX-License-Identifier: Apache-2.0
// Bisection bandwidth of a graph: the least that links carry in one direction between two halves of the endpoints, switches being on the side
// that is best for the flow (a maximum flow, by Dinic's algorithm). Exact where all halves can be tried; else between two bounds:
// what sprayed uniform traffic needs of every cut, and the least of some halves.
#pragma once

#include "graph/graph.hpp"

namespace zettatwin::graph {

struct Bisection {
  units::BytesPerSecond at_most;
  units::BytesPerSecond at_least;
  bool exact = false;
};

// Maximum flow from the endpoints of one side to the others among [0, side.size()); the opposite direction carries as much.
[[nodiscard]] units::BytesPerSecond flow_between(const Graph& graph, const std::vector<bool>& side);

// `uniform`: rate at which each endpoint can send when all send to all alike.
[[nodiscard]] Bisection bisection(const Graph& graph, std::size_t count, units::BytesPerSecond uniform);

}  // namespace zettatwin::graph
