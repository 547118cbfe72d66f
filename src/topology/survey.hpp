// SPDX-License-Identifier: Apache-2.0
// What a machine's network is: its levels, links, bisections, path lengths, and the load of uniform all-to-all traffic. Closed forms: a
// million chips cost what eight cost. Values only; docs/math/network_survey.md derives them.
#pragma once

#include <optional>
#include <vector>

#include "topology/bisection.hpp"
#include "topology/link_class.hpp"
#include "topology/paths.hpp"

namespace zettatwin::topology {

// Every chip sends `bytes`, its own part included, in equal parts to all chips.
struct UniformTraffic {
  units::Bytes bytes;
  std::vector<units::Seconds> busy;  // per link class, see busy_time
  units::Seconds time;               // of the busiest
  std::size_t bottleneck = 0;        // its place among the link classes

  // Share of its capacity that a class uses while the busiest is full.
  [[nodiscard]] double utilisation(std::size_t links) const { return busy[links] / time; }
};

struct Survey {
  std::int64_t chips = 1;
  std::vector<LevelInUse> levels;
  std::vector<LinkClass> links;
  std::vector<Cut> unit_bisections;       // of one unit of each level
  std::optional<Cut> bisection;           // of the machine; nothing for one chip
  units::BytesPerSecond scale_up_ports;   // of one chip, one direction: the memory fabric
  units::BytesPerSecond scale_out_ports;  // through NICs
  std::int64_t scale_up_chips = 1;        // that reach each other without scale-out
  Paths paths;
  UniformTraffic all_to_all;
};

// Expects at most kChipsCounted chips.
[[nodiscard]] Survey survey(const hardware::Machine& machine, units::Bytes all_to_all_bytes = units::MB);

}  // namespace zettatwin::topology
