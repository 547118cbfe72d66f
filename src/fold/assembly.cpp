// SPDX-License-Identifier: Apache-2.0
#include "fold/assembly.hpp"

#include <string>

#include "base/contract.hpp"

namespace zettatwin::fold {
namespace {

std::size_t add(const FoldedSpace& space, const Family& family, const Assembly::Colour& colour,
                std::vector<Assembly::Part>& parts, Bipartite::Side& side) {
  parts.push_back({orbits(space, family), static_cast<std::uint32_t>(side.colours.size())});
  for (const auto& [representative, members] : parts.back().orbits) {
    side.colours.push_back(colour(representative));
    side.members.push_back(members);
  }
  return parts.size() - 1;
}

}  // namespace

std::size_t Assembly::add_resources(const Family& family, const Colour& colour) {
  return add(space_, family, colour, resources_, bipartite_.links);
}

std::size_t Assembly::add_flows(const Family& family, const Colour& colour) {
  return add(space_, family, colour, flows_, bipartite_.flows);
}

void Assembly::connect(std::size_t resources, std::size_t flows, const Use& use) {
  ZT_EXPECT(resources < resources_.size() && flows < flows_.size(),
            std::to_string(resources) + ", " + std::to_string(flows));
  const auto& r = resources_[resources];
  const auto& f = flows_[flows];
  const auto loads = incidence(space_, r.orbits, f.orbits, use);
  for (const auto& [resource, flow, load] : loads.entries)
    bipartite_.entries.push_back({r.first + resource, f.first + flow, load});
  for (const auto flow : loads.blocked) blocked_.push_back(f.first + flow);
}

}  // namespace zettatwin::fold
