// SPDX-License-Identifier: Apache-2.0
// Translates a schedule and its costs into a token network: a rank is a process, an edge between two model chunks a channel.
#pragma once

#include "engine/token_network.hpp"
#include "workload/pipeline.hpp"

namespace zettatwin::workload {

struct PipelineNetwork {
  engine::TokenNetwork network;  // probe r * chunks_per_rank + c: the last backward of local chunk c of rank r
  std::vector<RankTimeline> ranks;  // what does not depend on waiting: busy, sends, forwards
};

// Loops lose their first and last iteration to prologue and epilogue, so that the first forward of a chunk (release) and its last backward
// (last_backward_extra) are never inside one.
[[nodiscard]] PipelineNetwork make_network(const Schedule& schedule, const PipelineCosts& costs);

}  // namespace zettatwin::workload
