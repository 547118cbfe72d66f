// SPDX-License-Identifier: Apache-2.0
// Shows collective times: a sweep over sizes, what limits the largest, what faults cost.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "traffic/graph_collective.hpp"

namespace zettatwin::report {

// One fault alone: the time with it and without.
struct FaultCost {
  std::string fault;
  bool possible = true;
  std::string impossible;
  units::Seconds alone;
  units::Seconds cost;
};

struct CollectivePoint {
  units::Bytes bytes;         // as nccl-tests counts them
  traffic::CollectiveAnswer answer;
  units::Seconds healthy;     // without faults
  std::vector<FaultCost> faults;
  std::optional<traffic::Ensemble> ensemble = std::nullopt;  // ecmp

  [[nodiscard]] units::Seconds time() const { return answer.time.seconds(); }
};

struct CollectiveSubject {
  std::string machine;
  std::string title;
  std::string chip;
  network::Collective op = network::Collective::all_reduce;
  std::int64_t ranks = 1;     // in one group
  std::int64_t stride = 1;    // between members of a group
  std::int64_t groups = 1;    // that run at once
  traffic::Fidelity fidelity = traffic::Fidelity::folded;
  graph::Routing routing = graph::Routing::spraying;
  bool on_graph = false;      // on real cables, instead of ports and classes by construction
  std::vector<std::string> pattern;     // of an all-to-all that is not uniform, in words
  std::vector<std::string> estimated;   // network figures of the machine that nobody has published
  std::vector<CollectivePoint> points;  // ascending sizes; at least one

  [[nodiscard]] bool possible() const { return points.back().answer.impossible.empty(); }
};

// bytes / time, and that times the operation's factor of nccl-tests (2 (n-1)/n for all-reduce, (n-1)/n for the gathers and all-to-all, 1 for
// broadcast), which makes it comparable with the bandwidth of links.
[[nodiscard]] units::BytesPerSecond algorithm_bandwidth(const CollectivePoint& point);
[[nodiscard]] units::BytesPerSecond bus_bandwidth(const CollectiveSubject& subject, const CollectivePoint& point);

[[nodiscard]] std::string text(const CollectiveSubject& subject);
[[nodiscard]] std::string json(const CollectiveSubject& subject);

}  // namespace zettatwin::report
