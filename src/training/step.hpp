// SPDX-License-Identifier: Apache-2.0
// A step put together: costs of the stages, the executed pipeline, and the once-per-step work of each pipeline rank. Everything that the report and
// the explanations are made of.
#pragma once

#include <vector>

#include "training/data_parallel.hpp"
#include "training/stage_costs.hpp"
#include "training/train.hpp"

namespace zettatwin::training {

// Once-per-step times of one pipeline rank.
struct RankTail {
  ShardedParameters parameters;
  units::Picoseconds reduction;          // of all its gradients
  units::Picoseconds reduction_exposed;  // after its last backward
  units::Picoseconds ready;              // its gradients are reduced
  units::Picoseconds optimizer;
  units::Picoseconds gather;             // of all its parameters
};

struct Step {
  const Job& job;
  plan::Placement placement;
  LeafTable leaves;
  OperationTimer timer;
  StageCosts costs;
  DataParallel data_parallel;
  plan::Layout layout;
  workload::Schedule schedule;
  workload::PipelineCosts pipeline_costs;
  workload::PipelineTimeline timeline;
  std::vector<RankTail> tails;
  units::Picoseconds norm;
  units::Picoseconds optimizer;          // the slowest rank's
  units::Picoseconds gather_exposed;     // parameter gathers that delay the step
  std::int64_t critical = 0;             // pipeline rank whose gradients are ready last

  Step(const Job& job, plan::Placement placement);
  Step(const Step&) = delete;  // parts refer to each other
  Step& operator=(const Step&) = delete;

  [[nodiscard]] std::int64_t microbatches() const { return schedule.microbatches; }
  [[nodiscard]] const plan::ModelChunk& chunk(std::int64_t rank, std::int64_t local) const {
    return layout.chunks[static_cast<std::size_t>(layout.held[static_cast<std::size_t>(rank)][static_cast<std::size_t>(local)])];
  }
  [[nodiscard]] units::Picoseconds time() const;   // of the whole step
  [[nodiscard]] units::Picoseconds bound();        // Fidelity::bound
  [[nodiscard]] Ledger ledger(std::int64_t rank);  // of the pipeline's instructions
  [[nodiscard]] units::Picoseconds pipeline_send() const { return send_; }

  // Lays out, schedules and runs. Problems go to diagnostics; false if there were errors.
  [[nodiscard]] bool run(const config::Location& where, config::Diagnostics& diagnostics);

 private:
  void price_chunks();
  void price_sends();
  void price_gathers();
  void reduce_gradients();

  units::Picoseconds send_;
};

}  // namespace zettatwin::training
