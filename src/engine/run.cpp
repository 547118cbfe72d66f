// SPDX-License-Identifier: Apache-2.0
#include "engine/executor.hpp"
#include "engine/period.hpp"
#include "engine/token_network.hpp"

namespace zettatwin::engine {

Run run(const TokenNetwork& network, const RunOptions& options) {
  Executor executor(network, options.trace_limit, options.winners);
  Run result;
  if (options.fold && options.trace_limit == 0) {
    const Folding folding = fold_loops(network, executor);
    result.iterations_jumped = folding.iterations_jumped;
    result.period_iterations = folding.period_iterations;
    result.period = folding.period;
    result.jumps = folding.jumps;
  }
  executor.advance(Executor::kToTheEnd);
  result.stuck = executor.stuck();
  result.finish = executor.clocks();
  result.probes = executor.take_probes();
  result.trace = executor.take_trace();
  result.winners = executor.take_winners();
  return result;
}

}  // namespace zettatwin::engine
