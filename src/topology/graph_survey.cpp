// SPDX-License-Identifier: Apache-2.0
#include "topology/graph_survey.hpp"

#include <algorithm>
#include <map>
#include <numeric>

#include "base/contract.hpp"
#include "graph/loads.hpp"

namespace zettatwin::topology {
namespace {

constexpr graph::Layers kAll = ~graph::Layers{0};

std::vector<GraphLinks> links_of(const graph::Graph& graph, const std::vector<double>& load) {
  std::vector<GraphLinks> links;
  for (const auto& kind : graph.kinds()) links.push_back({kind.name, 0, {}, 0});
  for (graph::LinkId l = 0; l < graph.links(); ++l) {
    auto& of_kind = links[graph.link(l).kind];
    const auto bandwidth = graph.link(l).bandwidth;
    if (l % 2 == 0) ++of_kind.cables;
    if (of_kind.bandwidth.si() == 0 || bandwidth < of_kind.bandwidth) of_kind.bandwidth = bandwidth;
    of_kind.busy_per_byte = std::max(of_kind.busy_per_byte, load[l] / bandwidth.si());
  }
  return links;
}

// Hops and latency along the first shortest way.
std::vector<GraphDistance> distances_of(const graph::Graph& graph, std::int64_t units) {
  std::map<std::pair<std::int64_t, double>, std::int64_t> pairs;
  const std::vector<double> healthy(graph.links(), 1);
  std::vector<graph::LinkId> next;
  for (graph::Vertex to = 0; to < units; ++to) {
    const auto distance = graph::distances_to(graph, kAll, healthy, to);
    for (graph::Vertex from = 0; from < units; ++from) {
      std::pair<std::int64_t, double> way{0, 0};
      for (auto at = from; at != to; at = graph.link(next.front()).to) {
        graph::next_links(graph, kAll, healthy, distance, at, to, next);
        ++way.first;
        way.second += graph.link(next.front()).latency.si();
      }
      if (from != to) ++pairs[way];
    }
  }
  std::vector<GraphDistance> distances;
  for (const auto& [way, count] : pairs) distances.push_back({way.first, units::Seconds::from_si(way.second), count});
  return distances;
}

}  // namespace

GraphSurvey graph_survey(const hardware::GraphNetwork& network, std::int64_t units) {
  graph::Graph graph;
  const auto first = graph.add_vertices("unit", units, hardware::unit_role(network));
  std::vector<graph::Vertex> endpoints(static_cast<std::size_t>(units));
  std::iota(endpoints.begin(), endpoints.end(), first);
  hardware::add_graph(graph, network, endpoints, 0, "");
  const auto load = graph::uniform_load(graph, endpoints.size());
  ZT_ASSERT(load.has_value(), "units without a way");
  return {links_of(graph, *load), distances_of(graph, units), graph::bisection(graph, endpoints.size(), graph::saturation(graph, *load))};
}

}  // namespace zettatwin::topology
