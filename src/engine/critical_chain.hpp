// SPDX-License-Identifier: Apache-2.0
// Why a step of a run ended when it did: the chain of steps and tokens back to the start of time, each of which ended when the next one began.
// Follows the winners that the run recorded; inside iterations that were jumped over they are those of the period before (docs/math/period.md: no comparison
// changes its winner there), so that the chain is that of the full run.
#pragma once

#include <cstdint>
#include <functional>

#include "engine/token_network.hpp"

namespace zettatwin::engine {

enum class Cause {
  nothing,   // the step began at time 0
  clock,     // its process was busy until then: with the step before it and its occupancy
  earliest,  // its own earliest time
  token,     // a token arrived
};

struct ChainLink {
  std::size_t process = 0;
  std::int64_t position = 0;  // of the step in program order, loops unrolled
  const Step* step = nullptr;
  Cause cause = Cause::nothing;  // of its start
  Picoseconds gap;               // from the end of the step before it in the chain to its start: the token's delay, the occupancy, or the earliest time
};

// Calls `visit` for each link, the given step first. Expects a run with RunOptions::winners.
void visit_critical_chain(const TokenNetwork& network, const Run& run, std::size_t process, std::int64_t position, const std::function<void(const ChainLink&)>& visit);

}  // namespace zettatwin::engine
