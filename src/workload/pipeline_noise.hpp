// SPDX-License-Identifier: Apache-2.0
// A pipeline whose instructions take random times: mean and deviation of its end (docs/math/jitter.md). The token network of the schedule is played with
// jointly normal clocks. Durations differ independently from instruction to instruction, and by one more amount that lasts for the whole run of a rank.
#pragma once

#include <vector>

#include "workload/pipeline.hpp"

namespace zettatwin::workload {

// Standard deviations, in the shape of the durations that they belong to: [rank][local chunk], and of pairs.
struct Deviations {
  std::vector<std::vector<ChunkTimes>> chunks;
  std::vector<std::vector<std::vector<units::Picoseconds>>> pairs;
};

struct PipelineNoise {
  Deviations each;     // independent from instruction to instruction
  Deviations lasting;  // the same multiple of it for all instructions of a rank
};

struct RandomEnd {
  units::Seconds mean;
  units::Seconds deviation;
};

// Of the latest rank; `tails`: what each rank has to do after its last instruction. `costs` are expectations. Long loops are played in part: with the
// microbatches n the expected excess over the run without noise grows like n, the variance like n (each) and n^2 (lasting).
[[nodiscard]] RandomEnd run_noisy_pipeline(const Schedule& schedule, const PipelineCosts& costs, const PipelineNoise& noise, const std::vector<units::Picoseconds>& tails);

}  // namespace zettatwin::workload
