// SPDX-License-Identifier: Apache-2.0
// The levels of a machine that join something (two units or more), innermost first, with what follows from their position: chips
// below, how many there are, and what one chip can send into them. Bandwidths are per direction, on the datasheet.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "hardware/machine.hpp"
#include "topology/graph_survey.hpp"

namespace zettatwin::topology {

struct LevelInUse {
  hardware::Level level;
  std::int64_t units = 2;        // of the level below, joined in one unit of this level
  std::int64_t chips_below = 1;  // in one of those
  std::int64_t count = 1;        // units of this level in the machine
  std::optional<GraphSurvey> graph = std::nullopt;  // graph, dragonfly
  bool shares_ports = false;     // with the level in use below it: the same ports of a chip, the same switches up to that level's tiers

  [[nodiscard]] std::int64_t chips() const { return units * chips_below; }  // in one unit of this level
  // Mesh and torus: joins chips of the same position in the units, without switches.
  [[nodiscard]] bool direct() const;
  // Tiers of switches that traffic climbs: those of the network, but one if all units are under one leaf; 0 without switches.
  [[nodiscard]] std::int64_t tiers() const;
  // Into the first tier; 0 without switches.
  [[nodiscard]] std::int64_t ports_per_chip() const;
  // Units under each first-tier switch group; one if the machine does not say.
  [[nodiscard]] std::int64_t units_per_leaf() const;
  // Units under the last of those groups, which may be partly filled.
  [[nodiscard]] std::int64_t units_of_last_leaf() const { return (units - 1) % units_per_leaf() + 1; }
  // Bandwidth into the first tier over bandwidth above it, as far as this many units use it; 1 without switches.
  [[nodiscard]] double oversubscription() const;
  // All ports of one chip that lead to another unit: on a torus a dimension of two has one, of one has none.
  [[nodiscard]] units::BytesPerSecond bandwidth() const;
  // The same above the leaves: divided by the oversubscription.
  [[nodiscard]] units::BytesPerSecond bandwidth_above_leaves() const { return bandwidth() / oversubscription(); }
  [[nodiscard]] units::Ratio efficiency() const { return level.network.efficiency.value; }
};

[[nodiscard]] std::vector<LevelInUse> levels_in_use(const hardware::Machine& machine);

// Links of one chip along a torus dimension of `extent` units.
[[nodiscard]] inline std::int64_t ring_ports(std::int64_t extent) { return extent > 2 ? 2 : extent - 1; }

// All ports of one chip into the levels that are scale-out, or that are not; ports that levels share count once.
[[nodiscard]] units::BytesPerSecond ports_of_chip(const std::vector<LevelInUse>& levels, bool scale_out);

// Chips that reach each other without scale-out.
[[nodiscard]] std::int64_t scale_up_chips(const std::vector<LevelInUse>& levels);

// How much narrower level i is than the level in use inside it, per chip and above the leaves; 1 for the innermost.
[[nodiscard]] double taper(const std::vector<LevelInUse>& levels, std::size_t i);

}  // namespace zettatwin::topology
