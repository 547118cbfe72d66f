// SPDX-License-Identifier: Apache-2.0
// How large a fleet of a layout has to be for some traffic, by its steady states: where the simulation of fleets begins to look (docs/math/capacity.md).
// A layout answers X requests/s per unit in its fullest state within the objectives, so a rate R needs R / X units; a closed loop of N requests needs N / n, n
// being those in flight per unit. Prefill instances follow the traffic, not the decode instances: where one decode instance is far from full, few will do.
#pragma once

#include <cstdint>
#include <vector>

#include "capacity/frontier.hpp"

namespace zettatwin::capacity {

struct Traffic {
  double requests_per_s = 0;     // offered; 0: unknown
  std::int64_t concurrency = 0;  // of a closed loop, instead
  std::int64_t output = 1;       // tokens of a mean answer
};

// Units of the layout in this state that the traffic fills, as a fraction.
[[nodiscard]] double units_filled(const Point& state, const Traffic& traffic);
// The same in whole units, one at least.
[[nodiscard]] std::int64_t units_needed(const Point& state, const Traffic& traffic);

struct FleetSize {
  std::int64_t units = 0;
  std::int64_t prefill = 0;  // instances; 0: prompts are not computed apart
  std::int64_t chips = 0;
};
// So many units, with prefill instances in proportion to the traffic.
[[nodiscard]] FleetSize fleet_of(const Point& state, const Traffic& traffic, std::int64_t units);
// The same numbers of instances, chips counted.
[[nodiscard]] FleetSize with_chips(const Point& state, FleetSize size);
// The most units on so many chips; 0: not one.
[[nodiscard]] std::int64_t units_on(const Point& state, const Traffic& traffic, std::int64_t chips);

// Those of which a unit fits on the chips, fewest chips for the traffic first; of equal ones the one that could answer more.
[[nodiscard]] std::vector<Point> smallest_first(std::vector<Point> states, const Traffic& traffic, std::int64_t chips);

}  // namespace zettatwin::capacity
