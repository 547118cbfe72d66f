// SPDX-License-Identifier: Apache-2.0
// 1F1B (PipeDream-Flush; Narayanan et al., "Memory-Efficient Pipeline-Parallel DNN Training", 2021), interleaved 1F1B (Narayanan et al.,
// "Efficient Large-Scale Language Model Training on GPU Clusters Using Megatron-LM", 2021) and ZB-H1 (Qi et al., "Zero Bubble Pipeline
// Parallelism", 2023). Derivations: docs/math/schedules.md.
#include <algorithm>

#include "workload/schedule_builder.hpp"

namespace zettatwin::workload {

LoopProgram one_f_one_b_program(std::int64_t ranks, std::int64_t rank, std::int64_t microbatches) {
  ProgramBuilder program(1, microbatches);
  const std::int64_t warmup = std::min(ranks - rank - 1, microbatches);
  for (std::int64_t i = 0; i < warmup; ++i) program.forward(0);
  program.loop(microbatches - warmup, 1, [&] {
    program.forward(0);
    program.backward(0);
  });
  for (std::int64_t i = 0; i < warmup; ++i) program.backward(0);
  return program.finish();
}

// As 1F1B, with each weight gradient put off by `rank` microbatches: later ranks hold fewer forwards and use that memory to wait with
// their weight gradients, which then fill the bubble at the end.
LoopProgram zb_h1_program(std::int64_t ranks, std::int64_t rank, std::int64_t microbatches) {
  ProgramBuilder program(1, microbatches);
  const std::int64_t warmup = std::min(ranks - rank - 1, microbatches);
  const std::int64_t pairs = microbatches - warmup;
  const std::int64_t delayed_pairs = std::min(rank, pairs);
  for (std::int64_t i = 0; i < warmup; ++i) program.forward(0);
  for (std::int64_t i = 0; i < delayed_pairs; ++i) {
    program.forward(0);
    program.backward_input(0);
  }
  program.loop(pairs - delayed_pairs, 1, [&] {
    program.forward(0);
    program.backward_input(0);
    program.backward_weight(0);
  });
  for (std::int64_t i = pairs; i < microbatches; ++i) {
    program.backward_input(0);
    if (i >= rank) program.backward_weight(0);
  }
  for (std::int64_t i = 0; i < std::min(rank, microbatches); ++i) program.backward_weight(0);
  return program.finish();
}

// All ranks walk the same sequence of (chunk, microbatch): groups of `ranks` microbatches pass through chunk 0, then chunk 1 and so on; the
// backward sequence takes the chunks in reverse. Rank r starts its backwards after a warm-up of 2(p-r-1) + (v-1)p forwards.
LoopProgram interleaved_program(std::int64_t ranks, std::int64_t rank, std::int64_t chunks, std::int64_t microbatches) {
  ProgramBuilder program(chunks, microbatches);
  const std::int64_t cycle = ranks * chunks;
  const std::int64_t total = microbatches * chunks;
  const std::int64_t warmup = std::min(2 * (ranks - rank - 1) + (chunks - 1) * ranks, total);
  const auto forward = [&](std::int64_t k) { program.forward(static_cast<std::int32_t>(k % cycle / ranks)); };
  const auto backward = [&](std::int64_t k) { program.backward(static_cast<std::int32_t>(chunks - 1 - k % cycle / ranks)); };
  const auto pairs = [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t k = begin; k < end; ++k) {
      forward(warmup + k);
      backward(k);
    }
  };
  for (std::int64_t k = 0; k < warmup; ++k) forward(k);
  // The loop starts `rank` pairs late, so that i iterations of all ranks need nothing of a later iteration: the cuts that the period
  // search compares (docs/math/period.md).
  const std::int64_t late = std::min(rank, total - warmup);
  const std::int64_t repeats = (total - warmup - late) / cycle;
  pairs(0, late);
  program.loop(repeats, ranks, [&] { pairs(late, late + cycle); });
  pairs(late + repeats * cycle, total - warmup);
  for (std::int64_t k = total - warmup; k < total; ++k) backward(k);
  return program.finish();
}

}  // namespace zettatwin::workload
