// SPDX-License-Identifier: Apache-2.0
// Extended generalised fat trees (Oehring, Ibel, Das, Kumar, "On generalized fat trees", IPPS 1995) above given leaves.
// A switch of tier t has the number of its subtree and its number i among the switches that top the subtree. It is joined with the switches
// i up_t + j, j < up_t, of the subtree around it; so all ways up between two tiers differ, and each leads down again on one way.
#pragma once

#include "graph/graph.hpp"

namespace zettatwin::graph {

struct TierShape {
  std::int64_t down = 1;            // subtrees of the tier below under one of this tier
  std::int64_t up = 1;              // cables from each switch of the tier below, each to another switch of this tier
  units::BytesPerSecond bandwidth;  // of each
};

// Adds the tiers above `leaves`; the last tier's switches join everything that is left. Returns them; the leaves if there is no tier.
std::vector<Vertex> add_fat_tree(Graph& graph, std::span<const Vertex> leaves, std::span<const TierShape> tiers, std::size_t layer, const std::string& prefix);

}  // namespace zettatwin::graph
