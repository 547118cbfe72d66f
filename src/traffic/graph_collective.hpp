// SPDX-License-Identifier: Apache-2.0
// A collective on the explicit graph of a machine: real switches and cables, every flow listed, routed over single links or sprayed; alike ones are simulated as one.
// Model: stages, bytes and achieved bandwidths are those of network::collective_stages, as in collective.hpp. Pairwise exchanges are one flow per
// ordered pair; a pipelined algorithm is one flow per group over all its hops (rings from member to member, two binary trees, rounds of
// halving-doubling and Bruck one after the other). Rates are max-min fair. Each rank's memory reads what it sends and writes what it receives.
// Assumptions: ways do not change while a collective runs; under ECMP each pair is one connection.
#pragma once

#include <optional>

#include "graph/routing.hpp"
#include "traffic/collective.hpp"

namespace zettatwin::traffic {

struct RoutingChoice {
  graph::Routing routing = graph::Routing::spraying;
  std::uint64_t seed = 0;   // ecmp: of the first member of the ensemble, the others follow it
  std::int64_t seeds = 1;   // ecmp
};

// Times of one collective under `seeds` draws of the hash.
struct Ensemble {
  std::int64_t seeds = 0;
  units::Seconds mean;
  units::Seconds standard_deviation;  // of the draws (n - 1)
  units::Seconds confidence_95;       // half width of the mean's 95 % interval, Student's t; zero for one draw
  units::Seconds least, most;
};
[[nodiscard]] Ensemble ensemble_of(std::span<const units::Seconds> times);

struct RoutedAnswer {
  CollectiveAnswer answer;           // ecmp: its time is the ensemble's mean, its stages those of the first draw
  std::optional<Ensemble> ensemble;  // ecmp
};

// Whether the machine has networks that only the explicit graph can express.
[[nodiscard]] bool needs_graph(const topology::Fabric& fabric);

// Why the explicit graph would be too large; empty if it is not.
[[nodiscard]] std::string too_large(const topology::Fabric& fabric, const CollectiveQuery& query);

// Expects what is not too large.
[[nodiscard]] RoutedAnswer simulate_on_graph(const topology::Fabric& fabric, const CollectiveQuery& query, const RoutingChoice& choice);

}  // namespace zettatwin::traffic
