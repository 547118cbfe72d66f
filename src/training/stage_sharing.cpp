// SPDX-License-Identifier: Apache-2.0
// The layers and ends of a pass as scripts, for the simulation of the whole step.
#include <algorithm>

#include "training/stage_costs.hpp"

namespace zettatwin::training {

using units::Picoseconds;
using workload::Action;

SharedBlock StageCosts::shared_block(std::vector<Script> scripts, Picoseconds time, Picoseconds issued) const {
  const auto& interference = timer_.chip().efficiency.interference;
  return {.scripts = std::move(scripts), .time = time, .interference = interference.present ? interference.si() : 0, .issued = issued};
}

const SharedBlock& StageCosts::shared_block(const BlockUse& use, Action action) {
  const auto [at, added] = use.block->shared.try_emplace({action, use.recompute});
  if (added) at->second = shared_block({script_of(pass_of(use, action))}, cost_of(use, action).time, issued(*use.block, action));
  return at->second;
}

const SharedBlock& StageCosts::shared_pair(const plan::ModelChunk& forward, const plan::ModelChunk& backward) {
  const auto [at, added] = shared_pairs_.try_emplace(key_of(forward) + "|" + key_of(backward));
  if (!added) return at->second;
  const auto [first, second] = programs_of_pair(forward, backward);
  at->second = shared_block({script_of(first), script_of(second)}, pair(forward, backward).time, issued(forward, backward));
  return at->second;
}

std::vector<SharedBlocks> StageCosts::shared_blocks(const workload::Instruction& i, const std::function<const plan::ModelChunk&(std::int64_t)>& chunk_of) {
  std::vector<SharedBlocks> blocks;
  const auto append = [&](std::int64_t local, Action action) {
    auto uses = blocks_of(chunk_of(local));
    if (action != Action::forward) std::reverse(uses.begin(), uses.end());
    for (const auto& use : uses) blocks.push_back({&shared_block(use, action), use.count});
  };
  if (i.action != Action::forward_backward) {
    append(i.chunk, i.action);
  } else if (!plan_.overlap.ep) {
    append(i.chunk, Action::forward);
    append(i.second_chunk, Action::backward);
  } else {
    blocks.push_back({&shared_pair(chunk_of(i.chunk), chunk_of(i.second_chunk)), 1});
  }
  return blocks;
}

}  // namespace zettatwin::training
