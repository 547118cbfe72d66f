// SPDX-License-Identifier: Apache-2.0
#include "graph/routing.hpp"

#include <algorithm>
#include <functional>
#include <queue>
#include <utility>

#include "base/contract.hpp"
#include "base/stable_hash.hpp"

namespace zettatwin::graph {
namespace {

constexpr std::size_t kTableEntries = 32'000'000;  // distances that are kept, 256 MB

using Reached = std::pair<std::int64_t, Vertex>;

}  // namespace

std::string_view name_of(Routing routing) {
  switch (routing) {
    case Routing::spraying: return "spraying";
    case Routing::d_mod_k: return "d-mod-k";
    case Routing::ecmp: return "ecmp";
    case Routing::first: return "first";
  }
  return "?";
}

Distances distances_to(const Graph& graph, Layers layers, std::span<const double> remaining, Vertex destination) {
  Distances distance(graph.vertices(), kFar);
  std::priority_queue<Reached, std::vector<Reached>, std::greater<>> reached;
  distance[destination] = 0;
  reached.emplace(0, destination);
  while (!reached.empty()) {
    const auto [d, at] = reached.top();
    reached.pop();
    if (d > distance[at] || (at != destination && !graph.relays(at))) continue;
    for (const LinkId away : graph.out(at)) {
      const LinkId back = away ^ 1u;  // traffic comes the other way
      const auto& link = graph.link(back);
      if ((graph.layer_of(back) & layers) == 0 || remaining[back] <= 0 || d + link.cost >= distance[link.from]) continue;
      distance[link.from] = d + link.cost;
      reached.emplace(distance[link.from], link.from);
    }
  }
  return distance;
}

void next_links(const Graph& graph, Layers layers, std::span<const double> remaining, const Distances& distance, Vertex at, Vertex destination, std::vector<LinkId>& next) {
  next.clear();
  for (const LinkId l : graph.out(at)) {
    const auto& link = graph.link(l);
    if ((graph.layer_of(l) & layers) == 0 || remaining[l] <= 0 || (link.to != destination && !graph.relays(link.to))) continue;
    if (distance[link.to] + link.cost == distance[at]) next.push_back(l);
  }
}

Router::Router(const Graph& graph, std::span<const double> remaining, Routing routing, std::uint64_t seed)
    : graph_(graph), remaining_(remaining), routing_(routing), seed_(seed), arrived_(graph.vertices(), 0) {
  ZT_EXPECT(remaining.size() == graph.links(), std::to_string(remaining.size()));
  if (routing == Routing::d_mod_k) rank_tiers();
}

// Tiers are distances from the nearest endpoint; a tier's fan-out is the most links of one of its vertices to the tier above.
void Router::rank_tiers() {
  std::vector<std::size_t> tier(graph_.vertices(), graph_.vertices());
  std::vector<Vertex> order;
  for (Vertex v = 0; v < graph_.vertices(); ++v) {
    if (graph_.role(v) == Role::switching) continue;
    tier[v] = 0;
    order.push_back(v);
  }
  for (std::size_t i = 0; i < order.size(); ++i)
    for (const LinkId l : graph_.out(order[i]))
      if (auto& above = tier[graph_.link(l).to]; above == graph_.vertices()) {
        above = tier[order[i]] + 1;
        order.push_back(graph_.link(l).to);
      }
  std::vector<std::uint64_t> fan_out(graph_.vertices() + 1, 1);
  for (const Vertex v : order) {
    const auto up = std::count_if(graph_.out(v).begin(), graph_.out(v).end(), [&](LinkId l) { return tier[graph_.link(l).to] == tier[v] + 1; });
    fan_out[tier[v]] = std::max(fan_out[tier[v]], static_cast<std::uint64_t>(up));
  }
  divisor_.assign(graph_.vertices(), 1);
  for (const Vertex v : order)
    for (std::size_t t = 0; t < tier[v]; ++t) divisor_[v] *= fan_out[t];
}

const Distances& Router::table(Vertex destination, Layers layers) {
  const auto [at, added] = tables_.try_emplace({layers, destination});
  if (!added) return at->second;
  if (tables_.size() * graph_.vertices() > kTableEntries) {
    tables_.clear();
    return table(destination, layers);
  }
  at->second = distances_to(graph_, layers, remaining_, destination);
  return at->second;
}

std::int64_t Router::distance(Vertex from, Vertex to, Layers layers) { return table(to, layers)[from]; }

std::size_t Router::choice(Vertex at, std::uint64_t source, std::uint64_t number) const {
  switch (routing_) {
    case Routing::d_mod_k: return static_cast<std::size_t>(number / divisor_[at] % next_.size());
    case Routing::ecmp: {
      // FNV mixes its last bytes least: fold the high half, which all bytes reach, onto the low one.
      const auto hash = StableHash().add(seed_).add(source).add(number).add(std::uint64_t{at}).add(seed_).value();
      return static_cast<std::size_t>((hash ^ hash >> 32) % next_.size());
    }
    default: return 0;
  }
}

// Farthest first: all of a flow that passes a vertex has arrived there before it is split.
void Router::spray(const Distances& distance, Vertex from, Vertex to, Layers layers, double share, std::vector<Share>& way) {
  std::priority_queue<Reached> reached;
  arrived_[from] = share;
  reached.emplace(distance[from], from);
  while (!reached.empty()) {
    const Vertex at = reached.top().second;
    reached.pop();
    const double part = std::exchange(arrived_[at], 0);
    if (at == to) continue;
    next_links(graph_, layers, remaining_, distance, at, to, next_);
    for (const LinkId l : next_) {
      const Vertex next = graph_.link(l).to;
      const double each = part / static_cast<double>(next_.size());
      way.push_back({l, each});
      if (arrived_[next] == 0) reached.emplace(distance[next], next);
      arrived_[next] += each;
    }
  }
}

bool Router::append(Vertex from, Vertex to, Layers layers, double share, std::uint64_t source, std::uint64_t number, std::vector<Share>& way) {
  if (from == to) return true;
  const auto& distance = table(to, layers);
  if (distance[from] >= kFar) return false;
  if (routing_ == Routing::spraying) {
    spray(distance, from, to, layers, share, way);
    return true;
  }
  for (Vertex at = from; at != to;) {
    next_links(graph_, layers, remaining_, distance, at, to, next_);
    ZT_ASSERT(!next_.empty(), graph_.name(at));
    const LinkId l = next_[choice(at, source, number)];
    way.push_back({l, share});
    at = graph_.link(l).to;
  }
  return true;
}

}  // namespace zettatwin::graph
