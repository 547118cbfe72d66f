// SPDX-License-Identifier: Apache-2.0
// Writes the looped program of one pipeline rank: keeps count of the microbatches, so that a schedule reads like its published pseudo-code.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <vector>

#include "workload/schedule.hpp"

namespace zettatwin::workload {

class ProgramBuilder final {
 public:
  // Instructions of microbatches >= `microbatches` are left out: what remains of a schedule without some of its microbatches still runs,
  // because neither program order nor data order changes among the others.
  ProgramBuilder(std::int64_t chunks, std::int64_t microbatches);

  // Each acts on the next microbatch of the chunk in turn.
  void forward(std::int32_t chunk);
  void backward(std::int32_t chunk);
  void backward_input(std::int32_t chunk);
  void backward_weight(std::int32_t chunk);  // the oldest pending one of the chunk
  void forward_backward(std::int32_t forward_chunk, std::int32_t backward_chunk);

  // At most one loop per program: `body` writes one iteration, which advances each count by `stride`. The counts then go on as
  // after the last iteration.
  void loop(std::int64_t repeats, std::int64_t stride, const std::function<void()>& body);

  [[nodiscard]] LoopProgram finish();

 private:
  struct Chunk {
    std::int64_t forwards = 0;
    std::int64_t backwards = 0;
    std::deque<std::int64_t> pending_weights;
  };
  Chunk& at(std::int32_t chunk);
  void emit(const Instruction& instruction);
  void skip_iterations(const std::vector<Chunk>& before, std::int64_t skipped, std::int64_t stride);

  LoopProgram program_;
  std::vector<Instruction>* section_ = &program_.prologue;
  std::vector<Chunk> chunks_;
  std::int64_t microbatches_;
};

// One function per schedule family writes the program of rank `rank`.
[[nodiscard]] LoopProgram one_f_one_b_program(std::int64_t ranks, std::int64_t rank, std::int64_t microbatches);
[[nodiscard]] LoopProgram zb_h1_program(std::int64_t ranks, std::int64_t rank, std::int64_t microbatches);
[[nodiscard]] LoopProgram interleaved_program(std::int64_t ranks, std::int64_t rank, std::int64_t chunks, std::int64_t microbatches);
[[nodiscard]] LoopProgram zb_v_program(std::int64_t ranks, std::int64_t rank, std::int64_t microbatches);
// DualPipe on 2 x half_ranks ranks, where half_rank counts from the nearer end, the second half swaps the roles of the chunks, and
// `microbatches` are those of one direction; DualPipeV on half_ranks ranks, all of them of the first half.
[[nodiscard]] LoopProgram dualpipe_program(std::int64_t half_ranks, std::int64_t half_rank, bool second_half, std::int64_t microbatches);

}  // namespace zettatwin::workload
