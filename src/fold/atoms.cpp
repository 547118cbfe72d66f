// SPDX-License-Identifier: Apache-2.0
#include "fold/atoms.hpp"

#include <algorithm>
#include <string>

#include "base/contract.hpp"

namespace zettatwin::fold {

std::optional<std::vector<std::int64_t>> common_atoms(std::int64_t ranks,
                                                      std::span<const space::View> views) {
  ZT_EXPECT(ranks >= 1, std::to_string(ranks));
  std::vector<std::int64_t> edges{1, ranks};
  for (const auto& view : views)
    for (const auto& atom : view.atoms)
      if (atom.size > 1) edges.insert(edges.end(), {atom.stride, times(atom.stride, atom.size)});
  std::sort(edges.begin(), edges.end());
  edges.erase(std::unique(edges.begin(), edges.end()), edges.end());
  if (edges.back() > ranks) return std::nullopt;
  std::vector<std::int64_t> sizes;
  for (std::size_t i = 1; i < edges.size(); ++i) {
    if (edges[i] % edges[i - 1] != 0) return std::nullopt;
    sizes.push_back(edges[i] / edges[i - 1]);
  }
  return sizes;
}

Family pairs_within(const FoldedSpace& space, const space::View& group) {
  Family family(space.atoms().size(), relation::same);
  const auto own = space.view();
  std::int64_t covered = 1;
  for (std::size_t i = 0; i < own.atoms.size(); ++i) {
    const auto low = own.atoms[i].stride;
    const auto high = low * own.atoms[i].size;
    const bool inside = std::any_of(group.atoms.begin(), group.atoms.end(), [&](const space::Atom& atom) {
      return atom.stride <= low && high <= atom.stride * atom.size;
    });
    if (!inside) continue;
    family[i] = relation::any;
    covered *= own.atoms[i].size;
  }
  ZT_EXPECT(covered == group.size(), "the group is not made of whole atoms");
  return family;
}

}  // namespace zettatwin::fold
