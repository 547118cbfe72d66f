// SPDX-License-Identifier: Apache-2.0
#include "graph/fat_tree.hpp"

#include "base/contract.hpp"

namespace zettatwin::graph {

std::vector<Vertex> add_fat_tree(Graph& graph, std::span<const Vertex> leaves, std::span<const TierShape> tiers, std::size_t layer, const std::string& prefix) {
  std::vector<Vertex> below(leaves.begin(), leaves.end());  // by subtree, then by number
  std::int64_t tops = 1;                                    // switches that top one subtree
  for (std::size_t t = 0; t < tiers.size(); ++t) {
    const auto& tier = tiers[t];
    ZT_EXPECT(tier.down > 0 && tier.up > 0, std::to_string(t));
    const std::int64_t subtrees = static_cast<std::int64_t>(below.size()) / tops;
    const std::int64_t around = t + 1 == tiers.size() ? 1 : (subtrees + tier.down - 1) / tier.down;
    const auto kind = graph.add_kind({"tier " + std::to_string(t + 1) + " to " + std::to_string(t + 2), layer});
    const auto first = graph.add_vertices(prefix + "tier" + std::to_string(t + 2) + "-", around * tops * tier.up, Role::switching);
    for (std::int64_t s = 0; s < subtrees; ++s)
      for (std::int64_t i = 0; i < tops; ++i)
        for (std::int64_t j = 0; j < tier.up; ++j) {
          const std::int64_t subtree = around == 1 ? 0 : s / tier.down;
          const auto upper = first + static_cast<Vertex>((subtree * tops + i) * tier.up + j);
          graph.add_cable({below[static_cast<std::size_t>(s * tops + i)], upper, tier.bandwidth, {}, 1, kind});
        }
    tops *= tier.up;
    below.clear();
    for (std::int64_t v = 0; v < around * tops; ++v) below.push_back(first + static_cast<Vertex>(v));
  }
  return below;
}

}  // namespace zettatwin::graph
