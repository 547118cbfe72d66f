// SPDX-License-Identifier: Apache-2.0
#include "graph/routing.hpp"

#include <algorithm>
#include <array>
#include <functional>
#include <optional>
#include <queue>
#include <utility>

#include "base/contract.hpp"
#include "base/stable_hash.hpp"

namespace zettatwin::graph {
namespace {

constexpr std::size_t kTableEntries = 32'000'000;  // distances that are kept, 256 MB

constexpr std::size_t kListed = 16'000'000;        // links of ways that are kept

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

namespace {

Distances distances_from(const Graph& graph, Layers layers, std::span<const double> remaining, std::span<const Begin> begins) {
  Distances distance(graph.vertices(), kFar);
  std::priority_queue<Reached, std::vector<Reached>, std::greater<>> reached;
  for (const auto& begin : begins) {
    distance[begin.at] = begin.distance;
    reached.emplace(begin.distance, begin.at);
  }
  while (!reached.empty()) {
    const auto [d, at] = reached.top();
    reached.pop();
    if (d > distance[at]) continue;
    for (const LinkId away : graph.out(at)) {
      const LinkId back = away ^ 1u;  // traffic comes the other way
      const auto& link = graph.link(back);
      if ((graph.layer_of(back) & layers) == 0 || remaining[back] <= 0 || d + link.cost >= distance[link.from]) continue;
      distance[link.from] = d + link.cost;
      if (graph.relays(link.from)) reached.emplace(distance[link.from], link.from);
    }
  }
  return distance;
}

}  // namespace

Distances distances_to(const Graph& graph, Layers layers, std::span<const double> remaining, Vertex destination) {
  return distances_from(graph, layers, remaining, std::array{Begin{destination, 0}});
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

// The only relay that reaches a destination, or the destination.
Vertex Router::gate(Vertex destination, Layers layers) const {
  std::optional<Vertex> only;
  for (const LinkId away : graph_.out(destination)) {
    const LinkId into = away ^ 1u;
    const auto from = graph_.link(into).from;
    if (!carries(into, layers) || from == only) continue;
    if (only || !graph_.relays(from)) return destination;
    only = from;
  }
  return only.value_or(destination);
}

const Distances& Router::table(Vertex gate, Layers layers) {
  const auto [at, added] = table_of_.try_emplace({layers, gate}, nullptr);
  if (!added) return *at->second;
  std::map<Vertex, std::int64_t> nearest;  // relays before the gate
  for (const LinkId away : graph_.out(gate)) {
    const auto& link = graph_.link(away ^ 1u);
    if (!carries(away ^ 1u, layers) || !graph_.relays(link.from)) continue;
    const auto [known, first] = nearest.try_emplace(link.from, link.cost);
    known->second = std::min(known->second, link.cost);
  }
  std::vector<Begin> begins;
  for (const auto& [vertex, cost] : nearest) begins.push_back({vertex, cost});
  if ((tables_.size() + 1) * graph_.vertices() > kTableEntries) {
    tables_.clear();
    table_of_.clear();
    return table(gate, layers);
  }
  const auto [known, missing] = tables_.try_emplace({layers, begins});
  if (missing) known->second = distances_from(graph_, layers, remaining_, begins);
  at->second = &known->second;
  return known->second;
}

Router::Way Router::way_to(Vertex from, Vertex to, Layers layers) {
  Way way{.to = to, .gate = gate(to, layers), .layers = layers};
  way.distance = &table(way.gate, layers);
  for (const LinkId l : graph_.out(to))
    if (way.gate != to && carries(l ^ 1u, layers)) way.rest = std::min(way.rest, graph_.link(l ^ 1u).cost);
  if (way.gate == to) way.rest = 0;
  // Endpoints pass nothing on: the table knows no way through the gate to those that hang at it.
  way.begin = distance(way, from);
  if (graph_.relays(from) || from == way.gate) return way;
  way.begin = kFar;
  for (const LinkId l : graph_.out(from))
    if (const auto& link = graph_.link(l); carries(l, layers) && (link.to == to || graph_.relays(link.to))) way.begin = std::min(way.begin, link.cost + distance(way, link.to));
  return way;
}

// To the gate; behind it less than nothing.
std::int64_t Router::distance(const Way& way, Vertex at) const { return at == way.gate ? 0 : at == way.to ? -way.rest : (*way.distance)[at]; }

std::int64_t Router::distance(Vertex from, Vertex to, Layers layers) {
  if (from == to) return 0;
  const auto way = way_to(from, to, layers);
  return way.begin >= kFar ? kFar : way.begin + way.rest;
}

std::span<const LinkId> Router::next_of(const Way& way, Vertex at, Vertex from) {
  const bool last = at == way.gate, first = at == from && !graph_.relays(from);
  if (last || first) {
    next_.clear();
    if (last) list_into(way, at);
    else list_out_of(way, at, way.begin);
    return next_;
  }
  if (listed_.size() > kListed) {
    known_.clear();
    listed_.clear();
  }
  const auto [known, missing] = known_[way.layers].try_emplace(std::uint64_t{way.gate} << 32 | at);
  if (missing) {
    next_.clear();
    list_out_of(way, at, distance(way, at));
    known->second = {static_cast<std::uint32_t>(listed_.size()), static_cast<std::uint32_t>(next_.size())};
    listed_.insert(listed_.end(), next_.begin(), next_.end());
  }
  return std::span(listed_).subspan(known->second.first, known->second.second);
}

void Router::list_out_of(const Way& way, Vertex at, std::int64_t here) {
  for (const LinkId l : graph_.out(at)) {
    const auto& link = graph_.link(l);
    if (carries(l, way.layers) && (link.to == way.to || graph_.relays(link.to)) && distance(way, link.to) + link.cost == here) next_.push_back(l);
  }
}

// From the gate to the destination, which has fewer links.
void Router::list_into(const Way& way, Vertex at) {
  for (const LinkId away : graph_.out(way.to))
    if (const auto& link = graph_.link(away ^ 1u); link.from == at && carries(away ^ 1u, way.layers) && link.cost == way.rest) next_.push_back(away ^ 1u);
  std::sort(next_.begin(), next_.end());
}

std::size_t Router::choice(std::size_t ways, Vertex at, std::uint64_t source, std::uint64_t number) const {
  switch (routing_) {
    case Routing::d_mod_k: return static_cast<std::size_t>(number / divisor_[at] % ways);
    case Routing::ecmp: {
      // FNV mixes its last bytes least: fold the high half, which all bytes reach, onto the low one.
      const auto hash = StableHash().add(seed_).add(source).add(number).add(std::uint64_t{at}).add(seed_).value();
      return static_cast<std::size_t>((hash ^ hash >> 32) % ways);
    }
    default: return 0;
  }
}

// Farthest first: all of a flow that passes a vertex has arrived there before it is split.
void Router::spray(const Way& to, Vertex from, double share, std::vector<Share>& way) {
  std::priority_queue<Reached> reached;
  arrived_[from] = share;
  reached.emplace(to.begin, from);
  while (!reached.empty()) {
    const Vertex at = reached.top().second;
    reached.pop();
    const double part = std::exchange(arrived_[at], 0);
    if (at == to.to) continue;
    const auto ways = next_of(to, at, from);
    for (const LinkId l : ways) {
      const Vertex next = graph_.link(l).to;
      const double each = part / static_cast<double>(ways.size());
      way.push_back({l, each});
      if (arrived_[next] == 0) reached.emplace(distance(to, next), next);
      arrived_[next] += each;
    }
  }
}

bool Router::append(Vertex from, Vertex to, Layers layers, double share, std::uint64_t source, std::uint64_t number, std::vector<Share>& way) {
  if (from == to) return true;
  const auto goal = way_to(from, to, layers);
  if (goal.begin >= kFar) return false;
  if (routing_ == Routing::spraying) {
    spray(goal, from, share, way);
    return true;
  }
  for (Vertex at = from; at != to;) {
    const auto ways = next_of(goal, at, from);
    ZT_ASSERT(!ways.empty(), graph_.name(at));
    const LinkId l = ways[choice(ways.size(), at, source, number)];
    way.push_back({l, share});
    at = graph_.link(l).to;
  }
  return true;
}

}  // namespace zettatwin::graph
