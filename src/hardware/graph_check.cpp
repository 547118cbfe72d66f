// SPDX-License-Identifier: Apache-2.0
// What can be wrong with the graph of a level.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <set>

#include "graph/routing.hpp"
#include "hardware/detail/link_names.hpp"

namespace zettatwin::hardware {
namespace {

using detail::LinkEnd;

constexpr std::size_t kNamed = 3;  // of many alike, as many are named
constexpr double kSwitchesMax = 2e5;
constexpr double kCablesMax = 2e6;

bool small_enough(double switches, double cables, const std::string& level, const config::Location& where, config::Diagnostics& diagnostics) {
  if (switches <= kSwitchesMax && cables <= kCablesMax) return true;
  diagnostics.error(where, fmt::format("the graph of level '{}' has {:g} switches and {:g} cables", level, switches, cables), fmt::format("explicit graphs are for up to {:g} and {:g}", kSwitchesMax, kCablesMax),
                    "express the symmetric part as levels");
  return false;
}

std::string text_of(const LinkEnd& end) { return end.group + std::to_string(end.number); }

void check_names(const GraphNetwork& network, const config::Location& where, config::Diagnostics& diagnostics) {
  for (const auto& [name, group] : network.switches) {
    const bool letters = !name.empty() && name.find_first_of("0123456789*./=>") == std::string::npos;
    if (!letters) diagnostics.error(where, fmt::format("'{}' is not a name of switches", name), "numbers are added to it", "use letters, - and _");
    if (name == detail::kUnit) diagnostics.error(where, "switches cannot be called 'unit'", "that is what the units of the level below are called", "");
  }
}

// Every cable of the rules, each pair of ends once.
bool check_links(const GraphNetwork& network, const std::string& level, const config::Location& where, config::Diagnostics& diagnostics) {
  const auto before = diagnostics.error_count();
  double switches = 0, cables = 0;
  for (const auto& [name, group] : network.switches) switches += static_cast<double>(group.count);
  const detail::LinkNames names(network, diagnostics);
  std::map<std::pair<LinkEnd, LinkEnd>, config::Location> seen;
  for (const auto& rule : network.links) {
    std::size_t problems = 0;
    const auto pairs = names.pairs_of(rule);
    cables += static_cast<double>(pairs.size()) * static_cast<double>(rule.count);
    if (!small_enough(switches, cables, level, where, diagnostics)) return false;
    for (auto [from, to] : pairs) {
      if (to < from) std::swap(from, to);
      if (from == to) {
        if (problems++ < kNamed) diagnostics.error(rule.from.where, fmt::format("a link of {} with itself", text_of(from)), "links join different ends", "");
        continue;
      }
      const auto [first, added] = seen.try_emplace({from, to}, rule.from.where);
      if (!added && problems++ < kNamed)
        diagnostics.error(rule.from.where, fmt::format("{} and {} are joined twice", text_of(from), text_of(to)), fmt::format("the first time at {}", first->second.text()), "write count: 2 for two parallel cables");
    }
  }
  return diagnostics.error_count() == before;
}

void check_connected(const GraphNetwork& network, const std::string& level, const config::Location& where, config::Diagnostics& diagnostics) {
  graph::Graph graph;
  const auto first = graph.add_vertices("unit", network.units, unit_role(network));
  std::vector<graph::Vertex> units(static_cast<std::size_t>(network.units));
  std::iota(units.begin(), units.end(), first);
  add_graph(graph, network, units, 0, "");
  const auto distance = graph::distances_to(graph, 1, std::vector<double>(graph.links(), 1), first);
  std::string names;
  std::size_t cut_off = 0;
  for (const auto unit : units)
    if (distance[unit] >= graph::kFar && cut_off++ < kNamed) names += (names.empty() ? "" : ", ") + graph.name(unit);
  if (cut_off > 0)
    diagnostics.error(where, fmt::format("{} of {} units of level '{}' cannot be reached from unit0: {}{}", cut_off, network.units, level, names, cut_off > kNamed ? " and others" : ""),
                      "every unit must have a way to every other", "add links");
}

}  // namespace

void check_graph(const GraphNetwork& network, const std::string& level, const config::Location& where, config::Diagnostics& diagnostics) {
  constexpr std::int64_t kUnitsMax = 10'000;
  if (network.units < 1) return;  // reported where the size is
  if (network.units > kUnitsMax) {
    diagnostics.error(where, fmt::format("the graph of level '{}' has {} units", level, network.units), fmt::format("explicit graphs are for up to {}", kUnitsMax), "express the symmetric part as levels");
    return;
  }
  if (network.dragonfly) {
    const auto& d = *network.dragonfly;
    const auto room = d.groups * d.routers_per_group * d.units_per_router;
    if (room != network.units)
      diagnostics.error(where, fmt::format("the dragonfly of level '{}' has room for {} units, its size is {}", level, room, network.units),
                        fmt::format("{} groups x {} routers x {} units", d.groups, d.routers_per_group, d.units_per_router), fmt::format("write size: {}", room));
    const double routers = static_cast<double>(d.groups) * static_cast<double>(d.routers_per_group), a = static_cast<double>(d.routers_per_group);
    (void)small_enough(routers, static_cast<double>(room) * static_cast<double>(d.links_per_unit) + routers * (a - 1) / 2 * static_cast<double>(d.links_per_router_pair) + routers * static_cast<double>(d.global_links_per_router) / 2, level, where,
                       diagnostics);
    return;
  }
  const auto before = diagnostics.error_count();
  check_names(network, where, diagnostics);
  if (network.links.empty()) diagnostics.error(where, fmt::format("the graph of level '{}' has no links", level), "", "write links: [{from: unit0, to: leaf0, bandwidth: 50 GB/s}]");
  const bool links = check_links(network, level, where, diagnostics);
  const bool figures = std::all_of(network.links.begin(), network.links.end(), [](const LinkRule& r) { return r.bandwidth.si() > 0 && r.cost >= 1; });  // else reported by the reader
  if (links && figures && diagnostics.error_count() == before) check_connected(network, level, where, diagnostics);
}

}  // namespace zettatwin::hardware
