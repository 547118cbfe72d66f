// SPDX-License-Identifier: Apache-2.0
// One training step: a machine, a model and a plan -> time, where it goes, memory, and why. The whole job is computed from the few distinct roles that
// a plan has; nothing is allocated per chip (docs/math/training_step.md).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "compute/kernel_times.hpp"
#include "config/diagnostic.hpp"
#include "hardware/machine.hpp"
#include "model/architecture.hpp"
#include "plan/layout.hpp"
#include "plan/placement.hpp"
#include "plan/plan.hpp"
#include "result/tree.hpp"
#include "training/jitter.hpp"
#include "traffic/fault.hpp"
#include "training/chip_timeline.hpp"
#include "training/critical_path.hpp"
#include "training/link_load.hpp"
#include "workload/memory.hpp"
#include "workload/pipeline.hpp"

namespace zettatwin::training {

enum class Fidelity {
  bound,   // closed form that nothing can beat: datasheet peaks, no latency, no bubble
  folded,  // executed schedule, operators and collectives with their achieved rates
  unfolded // the same with nothing folded: every cluster of replicas, every stage, every flow between ranks, every iteration (small machines)
};
[[nodiscard]] std::span<const config::Word> fidelity_words();

// Everything that a step depends on. plan.global_batch must be set.
struct Job {
  hardware::Machine machine;
  model::Architecture architecture;
  plan::Plan plan;
  std::int64_t chips = 0;            // 0: the whole machine
  std::int64_t sequence_length = 4096;
  Fidelity fidelity = Fidelity::folded;
  software::Profile software;        // the framework: what a plan does not say
  std::int64_t trace_limit = 0;      // timed instructions to keep per pipeline rank
  std::vector<traffic::Fault> faults;
  std::optional<std::int64_t> unfold;  // rank whose own timeline is wanted
  Jitter jitter;
  bool whole_step = true;            // sends, gathers and reductions share ports with passes; else each pass has them for itself: faster, for searches
};

// The answer when the plan cannot run.
struct Infeasible {
  std::string limit;           // "memory"
  units::Bytes needed;
  units::Bytes available;
  std::string role;            // "pipeline rank 0"
  std::string reason;          // one sentence
  std::vector<std::string> suggestions;
};

// One pipeline rank: all its tensor, context, expert and data ranks behave alike.
struct Role {
  std::int64_t pipeline_rank = 0;
  std::int64_t chips = 0;          // multiplicity
  std::string layers;              // "layers 0-3, embedding"
  units::Picoseconds busy;         // computation and exposed communication of the pipeline
  units::Picoseconds idle;         // bubble
  units::Picoseconds gradients;    // exposed gradient reduction
  units::Picoseconds optimizer;
  units::Bytes memory;
};

struct Interval {  // of the timeline, for traces
  std::int64_t pipeline_rank = 0;
  std::string stream;
  std::string name;
  units::Picoseconds start;
  units::Picoseconds finish;
};

// What one fault alone does to the step.
struct FaultEffect {
  std::string fault;
  std::string impossible;        // why the job cannot run with it; empty if it can
  units::Picoseconds step_time;
  units::Picoseconds cost;       // step time with it less without any
  std::string waits;             // who feels it and who waits for them
  std::string mechanism;         // "computation", "memory", "link"
  std::string part;              // what of it is slow: "clock at 80 %", "cluster port at 50 %"
  struct Slowed {                // by leaf of the breakdown: what the pipeline that is shown spends more there
    std::string leaf;
    units::Picoseconds cost;
  };
  std::vector<Slowed> slowed;    // largest first
};

struct TrainingResult {
  bool feasible = true;
  std::optional<Infeasible> infeasible;
  std::int64_t chips = 0;       // used
  std::int64_t idle_chips = 0;  // of the request, left over
  std::int64_t data_parallel = 1;
  std::int64_t microbatches = 1;
  std::int64_t tokens_per_step = 0;
  units::Picoseconds step_time;
  double tokens_per_s = 0;
  units::Flop model_flop_per_token;
  units::FlopPerSecond model_rate_per_chip;
  double mfu = 0;                   // against the peak of the recipe's matrix format
  double mfu_bf16 = 0;              // against the bf16 peak, for comparisons between recipes
  units::FlopPerSecond peak_per_chip;
  hardware::Precision peak_precision = hardware::Precision::bf16;
  units::Bytes memory_peak;
  std::int64_t memory_peak_role = 0;
  std::vector<workload::MemoryBreakdown> memory;   // per pipeline rank
  std::int64_t critical_role = 0;                  // whose time the breakdown shows
  std::vector<Role> roles;
  workload::PipelineTimeline timeline;
  std::vector<Interval> trace;
  units::Picoseconds healthy_step_time;            // without faults
  std::vector<FaultEffect> faults;                 // each alone; the step time is that with all of them
  std::vector<LinkLoad> links;                     // busiest first
  std::vector<PathPart> critical_path;             // parts sum to the step time
  std::optional<ChipTimeline> unfolded;            // if asked for
  std::optional<JitterEffect> jitter;              // if asked for; the step time is that without
  compute::KernelTimes kernels;                    // of the step time, by family
  result::Node tree;                               // breakdown, memory, throughput
};

// Runs the job. Errors of plan against model or machine are diagnostics and give nothing; a plan that does not fit in memory is an answer.
[[nodiscard]] std::optional<TrainingResult> train(const Job& job, const config::Location& where, config::Diagnostics& diagnostics);

// The same answer without the tree of explanations: what a search needs, at a fraction of the cost.
[[nodiscard]] std::optional<TrainingResult> estimate(const Job& job, const config::Location& where, config::Diagnostics& diagnostics);

}  // namespace zettatwin::training
