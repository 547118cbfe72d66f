// SPDX-License-Identifier: Apache-2.0
// The operations behind the costs of a pass, one by one: for timelines and for the load of links.
#include <algorithm>

#include "training/stage_costs.hpp"

namespace zettatwin::training {

using units::Picoseconds;
using workload::Action;

StageCosts::Program StageCosts::pass_of(const BlockUse& use, Action action) const {
  const Block& b = *use.block;
  if (action == Action::forward) return b.forward;
  if (action == Action::backward_weight) return b.backward_weight;
  Program program = use.recompute ? b.recompute : Program{};
  program.insert(program.end(), b.backward_input.begin(), b.backward_input.end());
  if (action == Action::backward) program.insert(program.end(), b.backward_weight.begin(), b.backward_weight.end());
  return program;
}

const PassCost& StageCosts::cost_of(const BlockUse& use, Action action) const {
  const auto& costs = use.block->costs[use.recompute ? 1 : 0];
  switch (action) {
    case Action::forward: return costs.forward;
    case Action::backward_input: return costs.backward_input;
    case Action::backward_weight: return costs.backward_weight;
    default: return costs.backward;
  }
}

// Interference and waiting for the host are known for a whole pass only: behind its operations.
void StageCosts::append_losses(const Ledger& ledger, Picoseconds from, Recording& recording) const {
  for (const auto leaf : {interference_, host_}) {
    const auto lost = ledger.of(leaf);
    if (lost.count() == 0) continue;
    recording.push_back({Stream::computation, leaf, true, from, from + lost});
    from += lost;
  }
}

void StageCosts::append_pass(const plan::ModelChunk& chunk, Action action, Picoseconds& offset, Recording& recording) {
  auto uses = blocks_of(chunk);
  if (action != Action::forward) std::reverse(uses.begin(), uses.end());
  for (const auto& use : uses) {
    Recording once;
    const auto end = run_streams(pass_of(use, action), &once).time;
    const auto& cost = cost_of(use, action);
    append_losses(cost.ledger, end, once);
    for (std::int64_t i = 0; i < use.count; ++i, offset += cost.time)
      for (auto interval : once) {
        interval.start += offset;
        interval.finish += offset;
        recording.push_back(interval);
      }
  }
}

Recording StageCosts::recorded(const workload::Instruction& i, const std::function<const plan::ModelChunk&(std::int64_t)>& chunk_of) {
  Recording recording;
  Picoseconds offset;
  if (i.action != Action::forward_backward) {
    append_pass(chunk_of(i.chunk), i.action, offset, recording);
  } else if (!plan_.overlap.ep) {
    append_pass(chunk_of(i.chunk), Action::forward, offset, recording);
    append_pass(chunk_of(i.second_chunk), Action::backward, offset, recording);
  } else {
    const auto [first, second] = programs_of_pair(chunk_of(i.chunk), chunk_of(i.second_chunk));
    const auto end = run_streams_together(first, second, &recording).time;
    append_losses(pair(chunk_of(i.chunk), chunk_of(i.second_chunk)).ledger, end, recording);
  }
  return recording;
}

void StageCosts::for_each_block(const plan::ModelChunk& chunk, Action action, const std::function<void(const std::vector<TimedOperation>&, std::int64_t)>& f) {
  auto uses = blocks_of(chunk);
  if (action != Action::forward) std::reverse(uses.begin(), uses.end());
  for (const auto& use : uses) f(pass_of(use, action), use.count);
}

}  // namespace zettatwin::training
