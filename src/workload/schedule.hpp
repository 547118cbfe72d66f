// SPDX-License-Identifier: Apache-2.0
// Pipeline schedules as instruction lists: one program per pipeline rank, its microbatch loop kept symbolic.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "plan/plan.hpp"

namespace zettatwin::workload {

enum class Action {
  forward,
  backward,         // input and weight gradients
  backward_input,   // B of zero-bubble schedules
  backward_weight,  // W
  forward_backward, // overlapped pair of DualPipe: forward of (chunk, microbatch), backward of (second_chunk, second_microbatch)
};

// `chunk` is the local model chunk of the rank, 0 <= chunk < chunks_per_rank. Microbatch numbers count per direction/chunk from 0; inside a loop
// body they are those of iteration 0 and advance by LoopProgram::stride per iteration.
struct Instruction {
  Action action = Action::forward;
  std::int32_t chunk = 0;
  std::int64_t microbatch = 0;
  std::int32_t second_chunk = 0;
  std::int64_t second_microbatch = 0;
  friend bool operator==(const Instruction&, const Instruction&) = default;
};
// "backward of chunk 0, microbatch 5", for reports.
[[nodiscard]] std::string to_string(const Instruction& instruction);

// prologue, then `repeats` times body, then epilogue.
struct LoopProgram {
  std::vector<Instruction> prologue;
  std::vector<Instruction> body;
  std::int64_t repeats = 0;
  std::int64_t stride = 1;
  std::vector<Instruction> epilogue;
  [[nodiscard]] std::vector<Instruction> unrolled() const;
  [[nodiscard]] Instruction in_iteration(Instruction of_iteration_0, std::int64_t iteration) const;
  [[nodiscard]] Instruction at(std::int64_t position) const;  // in program order, loops unrolled
};

struct Schedule {
  plan::ScheduleKind kind = plan::ScheduleKind::one_f_one_b;
  std::int64_t ranks = 1;            // pipeline ranks p
  std::int64_t chunks_per_rank = 1;  // v; 2 for ZB-V, DualPipe and DualPipeV
  std::int64_t microbatches = 1;
  std::vector<LoopProgram> programs;  // one per rank
  // Data path: stage_rank[d][k] and stage_chunk[d][k] are the rank and local chunk of the k-th model chunk of direction d. All schedules
  // have one direction but DualPipe, which feeds half of the microbatches from each end (directions 0 and 1).
  std::vector<std::vector<std::int32_t>> stage_rank;
  std::vector<std::vector<std::int32_t>> stage_chunk;
  [[nodiscard]] std::size_t model_chunks() const { return stage_rank.front().size(); }
};

// Expects a valid combination (see valid_schedule).
[[nodiscard]] Schedule make_schedule(plan::ScheduleKind kind, std::int64_t ranks, std::int64_t chunks_per_rank, std::int64_t microbatches);
// "" or why the combination cannot run: "interleaved needs microbatches to be a multiple of pp", "dualpipe needs an even pp".
[[nodiscard]] std::string schedule_problem(plan::ScheduleKind kind, std::int64_t ranks, std::int64_t chunks_per_rank, std::int64_t microbatches);
// "" or what is wrong with the programs: each rank must forward and backward each microbatch of each of its chunks once and in order (the
// tokens between two model chunks are FIFO), a backward after its forward, a weight gradient after its input gradient.
[[nodiscard]] std::string schedule_defect(const Schedule& schedule);

// Activations held at the worst moment of a rank's program order: for each local chunk the number of microbatches whose forward has run
// and whose backward has not (held_full), and those that wait only for their weight gradients (held_weight).
struct InFlight {
  std::vector<std::int64_t> forward;  // per local chunk, at the moment of the peak of `weights . counts`
  std::vector<std::int64_t> weight;   // per local chunk, pending weight gradients at that moment
};
// bytes_full and bytes_weight: per local chunk, what one microbatch holds; the peak is over their weighted sum.
[[nodiscard]] InFlight peak_in_flight(const LoopProgram& program, const std::vector<double>& bytes_full, const std::vector<double>& bytes_weight);

}  // namespace zettatwin::workload
