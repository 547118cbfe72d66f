// SPDX-License-Identifier: Apache-2.0
// What a rank does for a program of operations, in the order in which it does it: compute, send a message, wait for one.
// Model (docs/math/overlap.md): a message that is waited for is waited for at once. One in n chunks beside a computation g is pipelined with it: a gather's
// chunks arrive while the computation behind it runs, whose last chunk g/n waits for the last arrival; a reduction may start when the first chunk of the
// computation before it is there. Both shift by g - g/n of computation: the gather's wait later, the reduction's start earlier.
#pragma once

#include <vector>

#include "training/footprint.hpp"
#include "training/ledger.hpp"
#include "workload/operations.hpp"

namespace zettatwin::training {

struct TimedOperation;

struct ScriptMessage {
  LeafId leaf = 0;
  Traffic traffic;
  bool parameters = false;  // stream
};

struct ScriptStep {
  enum class Kind : std::uint8_t { compute, send, wait } kind = Kind::compute;
  bool goes_on = false;       // with the computation of the step before: nothing else may come between
  LeafId leaf = 0;            // compute
  units::Picoseconds time;    // compute
  std::size_t message = 0;    // send, wait
};

struct Script {
  std::vector<ScriptStep> steps;
  std::vector<ScriptMessage> messages;  // all are waited for at the end
  units::Picoseconds computed, communicated;
};

[[nodiscard]] Script script_of(const std::vector<TimedOperation>& program);

}  // namespace zettatwin::training
