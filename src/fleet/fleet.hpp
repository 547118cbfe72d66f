// SPDX-License-Identifier: Apache-2.0
// A fleet of serving instances over simulated time. Where instances cannot influence each other (round robin or random routing, open loop, no
// failures, no autoscaling, no transfers) each is simulated by itself, and a sample of them if they are many; otherwise all events are played in
// order of time. Same spec, same bits. Memory is bounded by the requests in flight. Cost: O(log instances) per event.
#pragma once

#include <string>

#include "fleet/result.hpp"
#include "fleet/spec.hpp"

namespace zettatwin::fleet {

// What makes the spec impossible to simulate ("model 1 has prefill but no decode instances"); empty if nothing does. A spec made from a checked
// document has none.
[[nodiscard]] std::string problem_of(const FleetSpec& spec);

// Expects problem_of(spec).empty().
[[nodiscard]] FleetResult simulate(const FleetSpec& spec);

}  // namespace zettatwin::fleet
