// SPDX-License-Identifier: Apache-2.0
#include "fold/refine.hpp"

#include <algorithm>
#include <limits>
#include <string>

#include "base/contract.hpp"
#include "fold/colour_refinement.hpp"

namespace zettatwin::fold {
namespace {

constexpr double rounding = 1e-9;

// Links first, then flows. Links read flows, flows read links.
Graph graph_of(const Bipartite& bipartite, FlowSide flow_side) {
  const auto links = bipartite.links.colours.size();
  const auto nodes = links + bipartite.flows.colours.size();
  ZT_EXPECT(nodes < std::numeric_limits<std::uint32_t>::max(), std::to_string(nodes));
  Graph graph{static_cast<std::uint32_t>(nodes), {}};
  graph.arcs.reserve(2 * bipartite.entries.size());
  for (const auto& [link, flow, load] : bipartite.entries) {
    const auto node = static_cast<std::uint32_t>(links) + flow;
    double count = 1;
    if (flow_side == FlowSide::counts)  // double counting: load of one flow on all links of the class
      count = load * static_cast<double>(bipartite.links.members[link]) /
              static_cast<double>(bipartite.flows.members[flow]);
    graph.arcs.push_back({link, node, load});
    graph.arcs.push_back({node, link, count});
  }
  return graph;
}

// Distinct colours on the two sides.
RefinementOptions options_of(const Bipartite& bipartite, FlowSide flow_side) {
  RefinementOptions options;
  options.rounding = rounding;
  std::int64_t offset = 0;
  for (const auto colour : bipartite.links.colours) offset = std::max(offset, colour + 1);
  std::int64_t least = 0;
  for (const auto colour : bipartite.flows.colours) least = std::min(least, colour);
  options.colours = bipartite.links.colours;
  for (const auto colour : bipartite.flows.colours) options.colours.push_back(offset + (colour - least));
  options.readings.assign(bipartite.links.colours.size(),
                          flow_side == FlowSide::support ? Reading::presence : Reading::total);
  options.readings.resize(options.colours.size(), Reading::total);
  return options;
}

// Renumbers a side's part of the classes by first member.
std::vector<std::uint32_t> numbered(std::vector<std::uint32_t> classes) {
  constexpr auto unseen = std::numeric_limits<std::uint32_t>::max();
  std::vector<std::uint32_t> number;
  std::uint32_t next = 0;
  for (auto& c : classes) {
    if (c >= number.size()) number.resize(c + 1, unseen);
    if (number[c] == unseen) number[c] = next++;
    c = number[c];
  }
  return classes;
}

Bipartite::Side merge(const Bipartite::Side& side, const std::vector<std::uint32_t>& classes) {
  Bipartite::Side merged;
  for (std::size_t i = 0; i < classes.size(); ++i) {
    if (classes[i] == merged.colours.size()) {
      merged.colours.push_back(side.colours[i]);
      merged.members.push_back(0);
    }
    merged.members[classes[i]] += side.members[i];
  }
  return merged;
}

// Loads on the first link of each class, by flow class.
std::vector<Entry> merge(const Bipartite& bipartite, const Quotient& quotient) {
  std::vector<bool> is_first(quotient.link_class.size(), false);
  std::uint32_t next = 0;
  for (std::size_t link = 0; link < quotient.link_class.size(); ++link) {
    is_first[link] = quotient.link_class[link] == next;
    if (is_first[link]) ++next;
  }
  std::vector<Entry> entries;
  for (const auto& [link, flow, load] : bipartite.entries)
    if (is_first[link]) entries.push_back({quotient.link_class[link], quotient.flow_class[flow], load});
  std::stable_sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
    return a.flow != b.flow ? a.flow < b.flow : a.resource < b.resource;
  });
  std::vector<Entry> sums;
  for (const auto& entry : entries) {
    if (sums.empty() || sums.back().flow != entry.flow || sums.back().resource != entry.resource)
      sums.push_back(entry);
    else
      sums.back().load += entry.load;
  }
  return sums;
}

}  // namespace

Quotient coarsest(const Bipartite& bipartite, FlowSide flow_side) {
  const auto links = bipartite.links.colours.size();
  const auto flows = bipartite.flows.colours.size();
  ZT_EXPECT(bipartite.links.members.size() == links && bipartite.flows.members.size() == flows,
            "one count per class");
  for (const auto& [link, flow, load] : bipartite.entries)
    ZT_EXPECT(link < links && flow < flows && load > 0, std::to_string(load));
  const auto classes = colour_refinement(graph_of(bipartite, flow_side), options_of(bipartite, flow_side));
  const auto middle = classes.begin() + static_cast<std::ptrdiff_t>(links);
  Quotient quotient;
  quotient.link_class = numbered({classes.begin(), middle});
  quotient.flow_class = numbered({middle, classes.end()});
  quotient.merged.links = merge(bipartite.links, quotient.link_class);
  quotient.merged.flows = merge(bipartite.flows, quotient.flow_class);
  quotient.merged.entries = merge(bipartite, quotient);
  return quotient;
}

}  // namespace zettatwin::fold
