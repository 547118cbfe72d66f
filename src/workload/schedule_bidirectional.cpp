// SPDX-License-Identifier: Apache-2.0
// Schedules with two model chunks per rank, one met on the way down the ranks and one on the way up:
// ZB-V (Qi et al., "Zero Bubble Pipeline Parallelism", 2023, and "Pipeline Parallelism with Controllable Memory", 2024), DualPipe
// (DeepSeek-V3 Technical Report, 2024) and DualPipeV (its "cut-in-half" form, Sea AI Lab 2025; both in github.com/deepseek-ai/DualPipe).
#include <algorithm>
#include <deque>

#include "workload/schedule_builder.hpp"

namespace zettatwin::workload {

namespace {

void repeat(std::int64_t times, const auto& what) {
  for (std::int64_t i = 0; i < times; ++i) what(i);
}

}  // namespace

// The handcrafted V order for equal times of F, B and W. Written for at least 2p-1 microbatches; fewer leave the others out.
LoopProgram zb_v_program(std::int64_t ranks, std::int64_t rank, std::int64_t microbatches) {
  ProgramBuilder program(2, microbatches);
  const std::int64_t planned = std::max(microbatches, 2 * ranks - 1);
  const auto backward_now = [&](std::int32_t chunk) {
    program.backward_input(chunk);
    program.backward_weight(chunk);
  };
  // Warm-up: fill 2p chunks of activations, the published memory of p microbatches.
  repeat(2 * (ranks - rank) - 1, [&](auto) { program.forward(0); });
  repeat(rank, [&](auto) { program.forward(1), program.forward(0); });
  repeat(ranks - rank, [&](auto) { program.forward(1), backward_now(1); });
  const auto rest_of_iteration = [&] {
    backward_now(0);
    program.forward(1);
    backward_now(1);
  };
  const auto iteration = [&] {
    program.forward(0);
    rest_of_iteration();
  };
  const std::int64_t iterations = planned - (2 * ranks - rank - 1);
  const bool symbolic = planned == microbatches;
  if (!symbolic) repeat(iterations, [&](auto) { iteration(); });
  program.loop(symbolic ? iterations : 0, 1, iteration);
  // Cool-down: no first-chunk forwards are left; weight gradients wait and fill the end.
  repeat(ranks - rank - 1, [&](auto) { rest_of_iteration(); });
  repeat(rank, [&](auto) { program.backward_input(0), program.backward_input(1); });
  repeat(ranks - rank, [&](auto) { backward_now(0); });
  repeat(rank, [&](auto) { program.backward_weight(1); });
  repeat(rank, [&](auto) { program.backward_weight(0); });
  return program.finish();
}

// The eight published steps. `near` is the chunk whose microbatches enter at the nearer end of the pipeline, `far` the other one; for
// DualPipeV they are the chunks on the way down and up. Weight gradients are done first in, first out over both chunks.
LoopProgram dualpipe_program(std::int64_t half_ranks, std::int64_t half_rank, bool second_half, std::int64_t microbatches) {
  ProgramBuilder program(2, microbatches);
  const std::int32_t near = second_half ? 1 : 0;
  const std::int32_t far = 1 - near;
  const std::int64_t outer = half_ranks - half_rank - 1;  // ranks between this one and the middle
  std::deque<std::int32_t> pending;
  const auto backward = [&](std::int32_t chunk, bool zero_bubble) {
    if (!zero_bubble) return program.backward(chunk);
    program.backward_input(chunk);
    pending.push_back(chunk);
  };
  const auto weight = [&] {
    program.backward_weight(pending.front());
    pending.pop_front();
  };
  repeat(2 * outer, [&](auto) { program.forward(near); });                                                      // 1: nF0
  repeat(half_rank + 1, [&](auto) { program.forward(near), program.forward(far); });                            // 2: nF0F1
  repeat(outer, [&](auto) { backward(far, true), weight(), program.forward(far); });                            // 3: nB1W1F1
  std::int64_t main_steps = microbatches - 2 * half_ranks + half_rank + 1;                                      // 4: nF0B1F1B0
  if (outer == 0 && main_steps > 0) {  // the middle ranks do not overlap their first pair, which shortens the bubble
    program.forward(near);
    program.backward(far);
    program.forward_backward(far, near);
    --main_steps;
  }
  program.loop(main_steps, 1, [&] {
    program.forward_backward(near, far);
    program.forward_backward(far, near);
  });
  repeat(outer, [&](auto) { program.backward(far), program.forward_backward(far, near); });                     // 5: nB1F1B0
  const std::int64_t backwards = 2 * (half_rank + 1);                                                           // 6: nB1B0, the
  repeat(backwards, [&](auto i) { backward(i % 2 == 0 ? far : near, i > half_rank); });                         //    second half split
  repeat(outer, [&](auto) { weight(), backward(near, true); });                                                 // 7: nWB0
  repeat(half_rank + 1, [&](auto) { weight(); });                                                               // 8: nW
  return program.finish();
}

}  // namespace zettatwin::workload
