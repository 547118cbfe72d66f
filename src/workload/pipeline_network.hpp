// SPDX-License-Identifier: Apache-2.0
// Translates a schedule and its costs into a token network: a rank is a process, an edge between two model chunks a channel.
#pragma once

#include "engine/token_network.hpp"
#include "workload/pipeline.hpp"

namespace zettatwin::workload {

// Probe r * chunks_per_rank + c of the network records the last backward of local chunk c of rank r.
// Loops lose their first and last iteration to prologue and epilogue, so that the first forward of a chunk (release) and its last backward
// (last_backward_extra) are never inside one.
[[nodiscard]] engine::TokenNetwork make_network(const Schedule& schedule, const PipelineCosts& costs);
// Without the losses.
[[nodiscard]] engine::TokenNetwork network_alone(const Schedule& schedule, const PipelineCosts& costs);

// What does not depend on waiting: busy, sends, forwards.
[[nodiscard]] RankTimeline count_work(const LoopProgram& program, const engine::Process& process, std::int64_t chunks_per_rank);

}  // namespace zettatwin::workload
