// SPDX-License-Identifier: Apache-2.0
// What the explicit network of one unit of a level is: its links by kind, their load under uniform traffic, distances, bisection.
// Routing: sprayed over shortest ways. Searches through the links, once per machine: cost units x links.
#pragma once

#include <vector>

#include "graph/bisection.hpp"
#include "hardware/graph_network.hpp"

namespace zettatwin::topology {

struct GraphLinks {
  std::string name;                 // "leaf to spine"
  std::int64_t cables = 0;
  units::BytesPerSecond bandwidth;  // of the narrowest, per direction
  double busy_per_byte = 0;         // seconds that the busiest carries when each unit sends one byte, in equal parts to all others
};

struct GraphDistance {
  std::int64_t hops = 0;     // links of the shortest way
  units::Seconds latency;    // of its cables
  std::int64_t pairs = 0;    // ordered pairs of units
};

struct GraphSurvey {
  std::vector<GraphLinks> links;
  std::vector<GraphDistance> distances;
  graph::Bisection bisection;  // of one unit of the level
};

// Of the first `units` units.
[[nodiscard]] GraphSurvey graph_survey(const hardware::GraphNetwork& network, std::int64_t units);

}  // namespace zettatwin::topology
