// SPDX-License-Identifier: Apache-2.0
#include "hardware/graph_network.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <numeric>

#include "base/contract.hpp"
#include "graph/dragonfly.hpp"
#include "graph/loads.hpp"
#include "hardware/broken_graph.hpp"
#include "hardware/detail/link_names.hpp"

namespace zettatwin::hardware {
namespace {

constexpr config::FieldOptions kCount{.range = {1, 1e6}};
constexpr config::FieldOptions kRequiredCount{.presence = config::Presence::required, .range = {1, 1e6}};
constexpr config::FieldOptions kRequiredText{.presence = config::Presence::required};
constexpr config::FieldOptions kAny{.range = config::kNonNegative};

std::span<const config::Word> pattern_words() {
  static constexpr std::array words{config::Word{"each", static_cast<int>(LinkPattern::each), "every one of `from` with every one of `to`"},
                                    config::Word{"blocks", static_cast<int>(LinkPattern::blocks), "consecutive ones of the longer side share one of the shorter"},
                                    config::Word{"cyclic", static_cast<int>(LinkPattern::cyclic), "the shorter side's in turn"}};
  return words;
}

graph::DragonflyShape shape_of(const Dragonfly& d) { return {d.groups, d.routers_per_group, d.units_per_router, d.global_links_per_router}; }

}  // namespace

void describe(config::Schema& s, SwitchGroup& group) { s.integer("count", group.count, "how many, named with numbers from 0", kCount); }

void describe(config::Schema& s, LinkRule& rule) {
  s.node("from", rule.from, "one end: unit3, leaf0..7 or spine* (all of them)", kRequiredText);
  s.node("to", rule.to, "the other end", kRequiredText);
  s.choice("pattern", rule.pattern, pattern_words(), "how the two sides pair up: each with each if not given");
  s.figure("bandwidth", rule.bandwidth, "of one cable, per direction", config::kRequired);
  s.figure("latency", rule.latency, "of one cable, added to the level's", kAny);
  s.integer("count", rule.count, "parallel cables of each pair", kCount);
  s.integer("cost", rule.cost, "routes are shortest in the sum of costs", kCount);
}

void describe(config::Schema& s, Dragonfly& d) {
  s.integer("groups", d.groups, "groups of routers", kRequiredCount);
  s.integer("routers_per_group", d.routers_per_group, "routers of one group, each joined with each", kRequiredCount);
  s.integer("units_per_router", d.units_per_router, "units at one router", kRequiredCount);
  s.integer("global_links_per_router", d.global_links_per_router, "cables of one router to other groups", {.presence = config::Presence::required, .range = {0, 1e6}});
  s.integer("links_per_unit", d.links_per_unit, "cables between a unit and its router", kCount);
  s.integer("links_per_router_pair", d.links_per_router_pair, "cables between two routers of a group", kCount);
  s.figure("unit_bandwidth", d.unit_bandwidth, "of one cable between unit and router, per direction", config::kRequired);
  s.figure("local_bandwidth", d.local_bandwidth, "of one cable inside a group", config::kRequired);
  s.figure("global_bandwidth", d.global_bandwidth, "of one cable between groups", config::kRequired);
  s.figure("unit_latency", d.unit_latency, "of that cable, added to the level's", kAny);
  s.figure("local_latency", d.local_latency, "of that cable, added to the level's", kAny);
  s.figure("global_latency", d.global_latency, "of that cable, added to the level's", kAny);
  const auto shape = shape_of(d);
  s.check(d.groups == 1 || shape.global_per_pair() > 0, fmt::format("{} groups cannot all be joined directly", d.groups),
          fmt::format("a group has {} x {} global links to {} other groups", d.routers_per_group, d.global_links_per_router, d.groups - 1), "more global links per router, or fewer groups");
}

graph::Role unit_role(const GraphNetwork& network) {
  const auto unit = [](const config::Node& name) { return name.text.substr(0, name.text.find_first_of("0123456789*")) == detail::kUnit; };
  const bool direct = std::any_of(network.links.begin(), network.links.end(), [&](const LinkRule& r) { return unit(r.from) && unit(r.to); });
  return direct ? graph::Role::relay : graph::Role::endpoint;
}

void add_graph(graph::Graph& graph, const GraphNetwork& network, std::span<const graph::Vertex> units, std::size_t layer, const std::string& prefix) {
  if (network.dragonfly) {
    const auto& d = *network.dragonfly;
    graph::add_dragonfly(graph, units, shape_of(d), {d.unit_bandwidth.value, d.unit_latency.value, d.links_per_unit}, {d.local_bandwidth.value, d.local_latency.value, d.links_per_router_pair},
                         {d.global_bandwidth.value, d.global_latency.value, 1}, layer, prefix);
    return;
  }
  std::map<std::string, graph::Vertex> first;
  for (const auto& [name, group] : network.switches) first[name] = graph.add_vertices(prefix + name, group.count, graph::Role::switching);
  config::Diagnostics none;
  const detail::LinkNames names(network, none);
  std::map<std::string, std::uint32_t> kinds;
  for (const auto& rule : network.links) {
    const auto pairs = names.pairs_of(rule);
    if (pairs.empty()) continue;
    const auto vertex = [&](const detail::LinkEnd& end) { return end.group == detail::kUnit ? units[static_cast<std::size_t>(end.number)] : first.at(end.group) + static_cast<graph::Vertex>(end.number); };
    const auto used = [&](const detail::LinkEnd& end) { return end.group != detail::kUnit || end.number < static_cast<std::int64_t>(units.size()); };
    const std::string name = pairs.front().first.group + " to " + pairs.front().second.group;
    const auto [kind, added] = kinds.try_emplace(name, 0);
    if (added) kind->second = graph.add_kind({name, layer});
    for (const auto& [from, to] : pairs)
      if (used(from) && used(to)) graph.add_cable({vertex(from), vertex(to), rule.bandwidth.value, rule.latency.value, rule.cost, kind->second}, rule.count);
  }
  ZT_ENSURE(!none.has_errors(), "a graph with errors");
}

GraphRates graph_rates(const GraphNetwork& network, std::int64_t units, std::int64_t chips_below) {
  const auto rates = graph_rates(network, units, chips_below, {});
  ZT_ASSERT(rates, "units without a way");
  return *rates;
}

std::optional<GraphRates> graph_rates(const GraphNetwork& network, std::int64_t units, std::int64_t chips_below, std::span<const BrokenCable> broken) {
  graph::Graph graph;
  const auto first = graph.add_vertices("unit", units, unit_role(network));
  std::vector<graph::Vertex> endpoints(static_cast<std::size_t>(units));
  std::iota(endpoints.begin(), endpoints.end(), first);
  add_graph(graph, network, endpoints, 0, "");
  std::vector<double> remaining(graph.links(), 1);
  for (graph::LinkId l = 0; l < graph.links(); ++l)
    for (const auto& cable : broken) {
      if (graph.name(graph.link(l).from) != cable.from || !(cable.to.empty() || graph.name(graph.link(l).to) == cable.to)) continue;
      for (const auto direction : {l, l ^ 1u}) remaining[direction] *= cable.remaining;
    }
  const auto count = endpoints.size();
  const auto uniform = graph::uniform_load(graph, count, remaining), neighbours = graph::neighbour_load(graph, count, remaining);
  if (!uniform || !neighbours) return std::nullopt;
  const double share = 1.0 / static_cast<double>(chips_below);
  GraphRates rates{share * graph::port_bandwidth(graph, count), share * graph::saturation(graph, *uniform, remaining), share * graph::saturation(graph, *neighbours, remaining), {}, graph::longest_latency(graph, count, remaining)};
  rates.stream = std::min(rates.uniform, share * graph::narrowest_neighbours(graph, count, remaining));
  return rates;
}

}  // namespace zettatwin::hardware
