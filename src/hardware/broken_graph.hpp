// SPDX-License-Identifier: Apache-2.0
// What a graph with broken cables or switches gives its chips: the same derivation as graph_rates (graph_network.hpp), along the ways that are left.
#pragma once

#include <optional>
#include <span>
#include <string>

#include "hardware/graph_network.hpp"

namespace zettatwin::hardware {

// A cable between two names of the graph, all parallel ones; or with `to` empty all cables of a switch.
struct BrokenCable {
  std::string from, to;
  double remaining = 0;  // of its bandwidth, both ways
};

// Nothing if two units have no way left.
[[nodiscard]] std::optional<GraphRates> graph_rates(const GraphNetwork& network, std::int64_t units, std::int64_t chips_below, std::span<const BrokenCable> broken);

}  // namespace zettatwin::hardware
