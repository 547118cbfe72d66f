// SPDX-License-Identifier: Apache-2.0
// Networks that nested symmetric levels cannot express: arbitrary graphs and dragonflies, as documents describe them.
// The units of the level below are endpoints, named unit0, unit1 ...; a unit's cables are shared by its chips. Bandwidths here are those of
// one cable, per direction.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "config/figure.hpp"
#include "config/schema.hpp"
#include "graph/graph.hpp"

namespace zettatwin::hardware {

struct SwitchGroup {
  std::int64_t count = 1;  // named NAME0, NAME1 ...
};

// How the names of a rule's two sides pair up.
enum class LinkPattern {
  each,    // every one of `from` with every one of `to`; each pair once if both sides are the same
  blocks,  // consecutive ones of the longer side share one of the shorter
  cyclic,  // one of the shorter side after the other, in turn
};

struct LinkRule {
  config::Node from, to;  // a name with a number, a range or all of a group: unit3, leaf0..7, spine*
  LinkPattern pattern = LinkPattern::each;
  config::Figure<units::BytesPerSecond> bandwidth;
  config::Figure<units::Seconds> latency;
  std::int64_t count = 1;
  std::int64_t cost = 1;
};

struct Dragonfly {
  std::int64_t groups = 1, routers_per_group = 1, units_per_router = 1, global_links_per_router = 0;
  std::int64_t links_per_unit = 1, links_per_router_pair = 1;
  config::Figure<units::BytesPerSecond> unit_bandwidth, local_bandwidth, global_bandwidth;
  config::Figure<units::Seconds> unit_latency, local_latency, global_latency;
};

struct GraphNetwork {
  std::int64_t units = 0;  // that the description joins; a machine may use only the first of them
  std::map<std::string, SwitchGroup> switches;
  std::vector<LinkRule> links;
  std::optional<Dragonfly> dragonfly;
};

// What the graph gives one chip when all units that the machine has send at once: derived, datasheet rates.
struct GraphRates {
  units::BytesPerSecond ports;       // all cables of its unit, shared by the unit's chips
  units::BytesPerSecond uniform;     // every unit to every other one alike
  units::BytesPerSecond neighbours;  // unit i to unit i + 1, in a ring
  units::BytesPerSecond stream;      // one message: uniform, and no more than the narrowest pair of neighbours has alone
  units::Seconds latency;            // of the cables on the longest way
};

void describe(config::Schema& s, SwitchGroup& group);
void describe(config::Schema& s, LinkRule& rule);
void describe(config::Schema& s, Dragonfly& dragonfly);

// Reports all that is wrong with the description, each problem at its place. `level` names it in messages.
void check_graph(const GraphNetwork& network, const std::string& level, const config::Location& where, config::Diagnostics& diagnostics);

// Whether units pass on the traffic of others: in networks where some are joined directly.
[[nodiscard]] graph::Role unit_role(const GraphNetwork& network);

// Adds the switches and cables of one unit of the level. Expects a description without errors, and units[i] the endpoint of unit i.
void add_graph(graph::Graph& graph, const GraphNetwork& network, std::span<const graph::Vertex> units, std::size_t layer, const std::string& prefix);

// Of the first `units` units with `chips_below` chips each.
[[nodiscard]] GraphRates graph_rates(const GraphNetwork& network, std::int64_t units, std::int64_t chips_below);

}  // namespace zettatwin::hardware
