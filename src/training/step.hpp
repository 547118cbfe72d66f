// SPDX-License-Identifier: Apache-2.0
// A step put together: costs of the stages, the executed pipeline, and the once-per-step work of each pipeline rank. Everything that the report and
// the explanations are made of.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "training/data_parallel.hpp"
#include "training/clusters.hpp"
#include "training/stage_costs.hpp"
#include "training/train.hpp"

namespace zettatwin::training {

// Once-per-step times of one pipeline rank.
struct RankTail {
  ShardedParameters parameters;
  std::vector<std::vector<SharedBucket>> buckets;  // reductions, per local chunk, in the order in which the last backward pass makes them final
  units::Picoseconds reduction;          // of all its gradients, without contention
  units::Picoseconds reduction_exposed;  // after its last backward
  units::Picoseconds ready;              // its gradients are reduced
  units::Picoseconds optimizer;
  units::Picoseconds gather;             // of all its parameters
  std::vector<BusySpan> reductions;        // of its buckets, in order
  std::vector<BusySpan> gathers;           // of its buckets, in forward order; from 0 on
};

// "F0 mb3", "B1 mb2".
[[nodiscard]] std::string name_of(const workload::Instruction& instruction);

// A pipeline rank with prices of its own, because it feels faults or nothing is folded: of its cluster, and of all ranks that reduce gradients with it.
struct OwnPrices {
  OperationTimer timer, replicas;
  StageCosts costs;
  DataParallel data_parallel;
  std::vector<traffic::Fault> faults;

  OwnPrices(const Job& job, const plan::Placement& placement, LeafTable& leaves, std::vector<traffic::Fault> of_cluster, std::vector<traffic::Fault> of_all);
  OwnPrices(const OwnPrices&) = delete;
  OwnPrices& operator=(const OwnPrices&) = delete;
};

// Calls f(instruction, times) for each instruction of a program, its loop counted, not unrolled.
template <class F>
void for_each_counted(const workload::LoopProgram& program, F&& f) {
  for (const auto& i : program.prologue) f(i, std::int64_t{1});
  if (program.repeats > 0)
    for (const auto& i : program.body) f(i, program.repeats);
  for (const auto& i : program.epilogue) f(i, std::int64_t{1});
}

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

  std::vector<std::unique_ptr<OwnPrices>> own;  // per pipeline rank; nothing: the common ones. Empty: all have those

  Step(const Job& job, plan::Placement placement, const StageFaults& faults = {});
  Step(const Step&) = delete;  // parts refer to each other
  Step& operator=(const Step&) = delete;

  [[nodiscard]] std::int64_t microbatches() const { return schedule.microbatches; }
  [[nodiscard]] const plan::ModelChunk& chunk(std::int64_t rank, std::int64_t local) const {
    return layout.chunks[static_cast<std::size_t>(layout.held[static_cast<std::size_t>(rank)][static_cast<std::size_t>(local)])];
  }
  [[nodiscard]] StageCosts& costs_of(std::int64_t rank) { return has_own(rank) ? own[static_cast<std::size_t>(rank)]->costs : costs; }
  [[nodiscard]] const DataParallel& data_parallel_of(std::int64_t rank) const { return has_own(rank) ? own[static_cast<std::size_t>(rank)]->data_parallel : data_parallel; }
  [[nodiscard]] bool has_own(std::int64_t rank) const { return !own.empty() && own[static_cast<std::size_t>(rank)] != nullptr; }
  // Why faults keep the job from running; empty if they do not.
  [[nodiscard]] std::string impossible() const;
  [[nodiscard]] units::Picoseconds time() const;   // of the whole step
  [[nodiscard]] units::Picoseconds bound();        // Fidelity::bound
  [[nodiscard]] Ledger ledger(std::int64_t rank);  // of the pipeline's instructions
  [[nodiscard]] PassCost pass(std::int64_t rank, const workload::Instruction& instruction);
  // What its activations and parameters cost the rank's passes by crossing the same levels.
  [[nodiscard]] units::Picoseconds contention(std::int64_t rank);
  // What its passes lose to messages beside them, by whose they are: all, and at a position of its program, loops unrolled.
  [[nodiscard]] RivalTimes lost(std::int64_t rank) const;
  [[nodiscard]] RivalTimes lost_at(std::int64_t rank, std::int64_t position) const;
  // What the sends of the instruction at a position take longer.
  [[nodiscard]] engine::StepLoss loss_at(std::int64_t rank, std::int64_t position) const;
  // The state of the pipeline did not repeat: the last iteration that was simulated is taken to.
  [[nodiscard]] bool assumed_period() const { return shared_.assumed_period; }
  [[nodiscard]] units::Picoseconds pipeline_send() const { return send_; }
  [[nodiscard]] const network::CollectiveRequest& send_request() const { return send_request_; }

  // Lays out, schedules and runs. Problems go to diagnostics; false if there were errors.
  [[nodiscard]] bool run(const config::Location& where, config::Diagnostics& diagnostics);

 private:
  void price_chunks();
  void price_reduction(std::int64_t rank, std::int64_t local);
  void price_sends();
  void price_gathers();
  void release_first_forwards();
  [[nodiscard]] bool simulates_sharing() const { return job.whole_step && job.fidelity != Fidelity::bound; }
  void share_ports();
  [[nodiscard]] SharedStep shared_step();
  void add_passes(std::int64_t rank, const engine::Process& process, SharedRank& shared);
  void run_pipeline();
  void reduce_gradients();
  // Calls f(cost, times) for the instructions of a pipeline rank, its loop counted, not unrolled.
  void for_each_pass(std::int64_t rank, const std::function<void(const PassCost&, std::int64_t)>& f);

  // A send between two pipeline ranks, with their faults.
  [[nodiscard]] units::Picoseconds send_between(std::int64_t a, std::int64_t b);
  [[nodiscard]] bool sends_cross(std::size_t level, std::int64_t a, std::int64_t b) const;

  units::Picoseconds send_;
  units::Seconds send_latency_;
  std::size_t send_level_ = 0;
  std::string no_send_;  // why a send cannot arrive
  Footprint send_ports_;
  engine::TokenNetwork network_;  // of the pipeline with nothing shared
  SharedOutcome shared_;
  network::CollectiveRequest send_request_;  // between neighbours in the pipeline; no bytes without one
};

}  // namespace zettatwin::training
