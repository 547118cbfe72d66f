// SPDX-License-Identifier: Apache-2.0
#include "graph/loads.hpp"

#include <algorithm>
#include <limits>
#include <map>

namespace zettatwin::graph {
namespace {

constexpr Layers kAll = ~Layers{0};

// Nothing said: healthy.
std::vector<double> health(const Graph& graph, std::span<const double> remaining) {
  return remaining.empty() ? std::vector<double>(graph.links(), 1) : std::vector<double>(remaining.begin(), remaining.end());
}

// Vertices with a way to the destination, farthest first.
std::vector<Vertex> farthest_first(const Distances& distance) {
  std::vector<Vertex> order;
  for (Vertex v = 0; v < distance.size(); ++v)
    if (distance[v] > 0 && distance[v] < kFar) order.push_back(v);
  std::stable_sort(order.begin(), order.end(), [&](Vertex a, Vertex b) { return distance[a] > distance[b]; });
  return order;
}

// Where all ways to an endpoint end: the switch that all its cables lead to, if they cost the same; else the endpoint itself. Endpoints of one home are
// reached alike, so that ways are searched once per home.
Vertex home_of(const Graph& graph, Vertex endpoint) {
  const auto out = graph.out(endpoint);
  if (out.empty()) return endpoint;
  const auto& first = graph.link(out.front());
  const bool one = graph.role(first.to) == Role::switching && std::all_of(out.begin(), out.end(), [&](LinkId l) { return graph.link(l).to == first.to && graph.link(l).cost == first.cost; });
  return one ? first.to : endpoint;
}

// The endpoints of [0, count) by their homes.
std::vector<std::pair<Vertex, std::vector<Vertex>>> homes_of(const Graph& graph, std::size_t count) {
  std::map<Vertex, std::vector<Vertex>> homes;
  for (Vertex v = 0; v < count; ++v) homes[home_of(graph, v)].push_back(v);
  return {homes.begin(), homes.end()};
}

// What each endpoint sends to the endpoints of one home, farthest vertices first; then from there to each. False if a source has no way.
bool add_load_towards(const Graph& graph, std::size_t count, Vertex home, const std::vector<Vertex>& members, std::span<const double> remaining, std::vector<double>& load) {
  const auto distance = distances_to(graph, kAll, remaining, home);
  std::vector<double> arrived(graph.vertices(), 0);
  const double part = 1.0 / static_cast<double>(count - 1);
  for (Vertex v = 0; v < count; ++v) {
    if (distance[v] >= kFar) return false;
    arrived[v] = part * static_cast<double>(members.size());
  }
  for (const Vertex member : members) arrived[member] -= part;  // nothing to itself
  std::vector<LinkId> next;
  for (const Vertex at : farthest_first(distance)) {
    if (arrived[at] == 0) continue;
    next_links(graph, kAll, remaining, distance, at, home, next);
    for (const LinkId l : next) {
      load[l] += arrived[at] / static_cast<double>(next.size());
      arrived[graph.link(l).to] += arrived[at] / static_cast<double>(next.size());
    }
  }
  for (const Vertex member : members)
    for (const LinkId l : graph.out(member))
      if (member != home) load[l ^ 1u] += 1.0 / static_cast<double>(graph.out(member).size());
  return true;
}

// Sprayed ways from each endpoint to the next one.
template <class Visit>
bool visit_neighbours(const Graph& graph, std::size_t count, std::span<const double> remaining, const Visit& visit) {
  Router router(graph, remaining, Routing::spraying);
  std::vector<Share> way;
  for (std::size_t i = 0; i < count && count > 1; ++i) {
    const auto from = static_cast<Vertex>(i), to = static_cast<Vertex>((i + 1) % count), home = home_of(graph, to);
    way.clear();
    if (!router.append(from, home, kAll, 1, i, to, way)) return false;
    for (const LinkId l : graph.out(to))
      if (to != home) way.push_back({l ^ 1u, 1.0 / static_cast<double>(graph.out(to).size())});
    visit(way);
  }
  return true;
}

}  // namespace

std::optional<std::vector<double>> uniform_load(const Graph& graph, std::size_t count, std::span<const double> given) {
  const auto remaining = health(graph, given);
  std::vector<double> load(graph.links(), 0);
  if (count < 2) return load;
  for (const auto& [home, members] : homes_of(graph, count))
    if (!add_load_towards(graph, count, home, members, remaining, load)) return std::nullopt;
  return load;
}

std::optional<std::vector<double>> neighbour_load(const Graph& graph, std::size_t count, std::span<const double> remaining) {
  std::vector<double> load(graph.links(), 0);
  const bool all = visit_neighbours(graph, count, health(graph, remaining), [&](const std::vector<Share>& way) {
    for (const auto& share : way) load[share.link] += share.share;
  });
  return all ? std::optional(std::move(load)) : std::nullopt;
}

units::BytesPerSecond saturation(const Graph& graph, std::span<const double> load, std::span<const double> given) {
  const auto remaining = health(graph, given);
  double rate = std::numeric_limits<double>::infinity();
  for (LinkId l = 0; l < graph.links(); ++l)
    if (load[l] > 0) rate = std::min(rate, graph.link(l).bandwidth.si() * remaining[l] / load[l]);
  return units::BytesPerSecond::from_si(rate < std::numeric_limits<double>::infinity() ? rate : 0);
}

units::BytesPerSecond narrowest_neighbours(const Graph& graph, std::size_t count, std::span<const double> given) {
  const auto remaining = health(graph, given);
  double narrowest = std::numeric_limits<double>::infinity();
  const bool all = visit_neighbours(graph, count, remaining, [&](const std::vector<Share>& way) {
    for (const auto& share : way) narrowest = std::min(narrowest, graph.link(share.link).bandwidth.si() * remaining[share.link] / share.share);
  });
  return units::BytesPerSecond::from_si(all && count > 1 ? narrowest : 0);
}

units::Seconds longest_latency(const Graph& graph, std::size_t count, std::span<const double> given) {
  bool any = false;
  for (LinkId l = 0; l < graph.links(); ++l) any = any || graph.link(l).latency.si() > 0;
  units::Seconds longest;
  if (!any) return longest;
  const auto remaining = health(graph, given);
  std::vector<units::Seconds> latency(graph.vertices());
  std::vector<LinkId> next;
  for (const auto& [home, members] : homes_of(graph, count)) {
    const auto distance = distances_to(graph, kAll, remaining, home);
    auto order = farthest_first(distance);
    std::reverse(order.begin(), order.end());
    latency[home] = {};
    for (const Vertex at : order) {
      next_links(graph, kAll, remaining, distance, at, home, next);
      latency[at] = {};
      for (const LinkId l : next) latency[at] = std::max(latency[at], graph.link(l).latency + latency[graph.link(l).to]);
    }
    for (const Vertex member : members) {
      units::Seconds last;
      for (const LinkId l : graph.out(member))
        if (member != home) last = std::max(last, graph.link(l).latency);
      for (Vertex v = 0; v < count; ++v)
        if (v != member) longest = std::max(longest, latency[v] + last);
    }
  }
  return longest;
}

units::BytesPerSecond port_bandwidth(const Graph& graph, std::size_t count) {
  units::BytesPerSecond sum;
  for (Vertex v = 0; v < count; ++v)
    for (const LinkId l : graph.out(v)) sum += graph.link(l).bandwidth;
  return count > 0 ? sum / static_cast<double>(count) : sum;
}

}  // namespace zettatwin::graph
