// SPDX-License-Identifier: Apache-2.0
// Executes a pipeline schedule in max-plus algebra: exact start and finish of every instruction, with the microbatch loop jumped over as soon
// as the state of all ranks repeats up to a shift in time (which is exact; docs/math/period.md).
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "engine/losses.hpp"
#include "units/picoseconds.hpp"
#include "workload/schedule.hpp"

namespace zettatwin::workload {

// Durations of one rank's local chunk.
struct ChunkTimes {
  units::Picoseconds forward;
  units::Picoseconds backward;         // input and weight
  units::Picoseconds backward_input;
  units::Picoseconds backward_weight;
};

struct PipelineCosts {
  std::vector<std::vector<ChunkTimes>> chunks;                  // [rank][local chunk]; for DualPipe both directions' chunks
  std::vector<std::vector<std::vector<units::Picoseconds>>> pairs;  // [rank][forward chunk][backward chunk]; only forward_backward uses it
  std::vector<std::vector<units::Picoseconds>> forward_send;    // [direction][k]: from model chunk k to k+1; 0 within a rank
  std::vector<std::vector<units::Picoseconds>> backward_send;   // [direction][k]: from model chunk k+1 to k
  units::Picoseconds send_occupancy;                            // time that each send to another rank occupies the sender's compute stream after the
                                                                // instruction (0 if in the background); the message leaves at once, at its finish
  // Both may be left empty: nothing.
  std::vector<std::vector<units::Picoseconds>> release;         // [rank][local chunk]: earliest start of its first forward (parameter gathers)
  std::vector<std::vector<units::Picoseconds>> last_backward_extra;  // [rank][local chunk]: lengthens the chunk's last backward or weight gradient
                                                                // (interference of gradient traffic)
  engine::Losses losses{};                                      // what instructions and sends take longer at times; of the network without them
};

struct TimedInstruction {
  Instruction instruction;
  units::Picoseconds start;
  units::Picoseconds finish;
};

struct RankTimeline {
  units::Picoseconds busy;    // sum of instruction durations, send occupancy apart
  units::Picoseconds sends;   // occupancy by sends
  units::Picoseconds idle;    // waiting between 0 and finish
  units::Picoseconds finish;  // of its last instruction, with the occupancy by what it sends
  std::vector<std::int64_t> forwards;  // instructions run per local chunk, pairs counted in both
  std::vector<units::Picoseconds> last_backward_start;   // per local chunk: where its weight gradients become final
  std::vector<units::Picoseconds> last_backward_finish;
};

struct PipelineTimeline {
  units::Picoseconds makespan;
  std::vector<RankTimeline> ranks;
  // How the loop was folded, at the last jump: 0 if it ran in full.
  std::int64_t period_iterations = 0;      // body iterations per period
  units::Picoseconds period;               // time per period of the slowest rank
  std::int64_t iterations_simulated = 0;   // of the rank with the longest loop
  std::int64_t iterations_jumped = 0;
  std::vector<std::vector<TimedInstruction>> trace;  // per rank, if asked for (then nothing is jumped, up to trace_limit instructions per rank)
};

struct PipelineOptions {
  bool fold = true;               // detect the period and jump
  std::int64_t trace_limit = 0;   // keep up to so many timed instructions per rank
};

// Expects a schedule without defect; a deadlock breaks the contract and is reported with its rank and instruction. The result is
// bit-identical with and without fold. Complexity: the instructions of prologue, epilogue and of the iterations before the period is
// found (about 30 ns each), whatever the number of microbatches.
[[nodiscard]] PipelineTimeline run_pipeline(const Schedule& schedule, const PipelineCosts& costs, const PipelineOptions& options = {});

}  // namespace zettatwin::workload
