// SPDX-License-Identifier: Apache-2.0
// What a graph carries when its endpoints all send at once, sprayed over shortest ways: loads of links and the rates at which one is full.
#pragma once

#include <optional>
#include <span>

#include "graph/routing.hpp"

namespace zettatwin::graph {

// `remaining`: what is left of each link's bandwidth; empty: all of it. Ways avoid dead links (0), slow ones they do not.

// Bytes on each link when each of the endpoints [0, count) sends one byte in all, in equal parts to each other one.
// Nothing if two of them have no way. Cost: count times the links.
[[nodiscard]] std::optional<std::vector<double>> uniform_load(const Graph& graph, std::size_t count, std::span<const double> remaining = {});
// The same when endpoint i sends one byte to endpoint i + 1, the last to the first.
[[nodiscard]] std::optional<std::vector<double>> neighbour_load(const Graph& graph, std::size_t count, std::span<const double> remaining = {});

// The rate per byte of load at which the first link is full; nothing is loaded: zero.
[[nodiscard]] units::BytesPerSecond saturation(const Graph& graph, std::span<const double> load, std::span<const double> remaining = {});

// What one pair of neighbours can exchange alone, the least of them.
[[nodiscard]] units::BytesPerSecond narrowest_neighbours(const Graph& graph, std::size_t count, std::span<const double> remaining = {});

// Latency of the cables on the longest of all ways between the endpoints.
[[nodiscard]] units::Seconds longest_latency(const Graph& graph, std::size_t count, std::span<const double> remaining = {});

// Bandwidth of all links out of an endpoint, averaged.
[[nodiscard]] units::BytesPerSecond port_bandwidth(const Graph& graph, std::size_t count);

}  // namespace zettatwin::graph
