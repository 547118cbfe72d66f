// SPDX-License-Identifier: Apache-2.0
// A collective as traffic: every group of a dimension at once, its bytes as flows on the machine's links, shared max-min fairly, with faults.
// Model: the stages and achieved bandwidths that network::collective_stages chooses; pairwise exchanges are one flow per pair, pipelined
// algorithms (ring, tree, ...) one flow per group over all of its links, because each step waits for the slowest of the one before. Traffic is
// sprayed over a network's planes; a dead mesh link is bypassed over all other units of its level; ports are per chip.
// Exact by symmetry: ranks, links and flows are classes of the group that faults leave (docs/math/traffic.md); Fidelity::unfolded runs the
// same code with every rank a class of its own. Without faults and with full bisection it equals network::collective_time.
#pragma once

#include <string>
#include <vector>

#include "network/collective.hpp"
#include "traffic/fault.hpp"
#include "traffic/fidelity.hpp"

namespace zettatwin::traffic {

struct CollectiveQuery {
  network::CollectiveRequest request;  // its spread is that of `group`
  space::View group;                   // all groups of this shape run at once
  std::vector<Fault> faults;
  // All-to-all only: what each member of a group receives, relative to the mean (mean 1); empty: equal. Members of equal load are one class as far as
  // places allow. Senders are alike.
  std::vector<double> received;
  Fidelity fidelity = Fidelity::folded;
};

struct ClassCounts {
  std::int64_t ranks = 0;
  std::int64_t links = 0;
  std::int64_t flows = 0;
};

// Links of one class while the collective's stage runs.
struct LinkUse {
  std::string level;
  std::string kind;     // "port, sending", "mesh link"
  std::string place;    // one of them
  std::int64_t links = 0;
  double remaining = 1; // what faults leave of it
  double busy = 0;      // share of the stage's time that it carries bytes at full rate
};

struct StageUse {
  std::string level;    // "all levels" where they work at once
  std::string algorithm;
  units::Seconds time;  // of one chunk, of the slowest group
  units::Seconds start; // of it until the bytes of the slowest flow move: latency, posting of messages
  std::string slowest;  // what the slowest flow is limited by
  std::vector<LinkUse> links;  // most used first
};

struct CollectiveAnswer {
  std::string impossible;  // why the job cannot run; empty if it can
  units::Picoseconds time; // until the slowest group is done
  std::string algorithm;
  ClassCounts classes;
  std::int64_t ranks = 0;
  double flows = 0;        // members of the flow classes
  std::vector<StageUse> stages;
};

// Whether groups and levels are in step, which `simulate` expects.
[[nodiscard]] bool can_simulate(const topology::Fabric& fabric, const space::View& group);
// Upper bound of the number of flow classes of an all-to-all: memory and time grow with it.
[[nodiscard]] double pair_classes_at_most(const topology::Fabric& fabric, const CollectiveQuery& query);
[[nodiscard]] CollectiveAnswer simulate(const topology::Fabric& fabric, const CollectiveQuery& query);

}  // namespace zettatwin::traffic
