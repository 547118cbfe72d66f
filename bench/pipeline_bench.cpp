// SPDX-License-Identifier: Apache-2.0
// Why: a plan search executes a schedule per plan, so making and running one must cost milliseconds whatever the number of microbatches.
// Each benchmark checks its answer: uniform ones against the published formula, uneven ones against the full run.
#include <benchmark/benchmark.h>

#include <vector>

#include "workload/pipeline.hpp"

namespace {

using namespace zettatwin;
using plan::ScheduleKind;
using units::Picoseconds;
using workload::PipelineCosts;
using workload::Schedule;

constexpr std::int64_t kForward = 10'000'000;   // 10 us
constexpr std::int64_t kBackward = 20'000'000;

// Stage r is slower by r x 37 x `unevenness` ps modulo 1009.
PipelineCosts make_costs(const Schedule& s, std::int64_t unevenness) {
  const auto chunks = static_cast<std::size_t>(s.chunks_per_rank);
  PipelineCosts costs;
  for (std::int64_t r = 0; r < s.ranks; ++r) {
    const std::int64_t extra = unevenness * (r * 37 % 1009);
    costs.chunks.emplace_back(chunks, workload::ChunkTimes{Picoseconds(kForward + extra), Picoseconds(kBackward + extra),
                                                           Picoseconds(kBackward / 2), Picoseconds(kBackward / 2 + extra)});
    costs.pairs.emplace_back(chunks, std::vector<Picoseconds>(chunks, Picoseconds(kForward + kBackward + extra)));
  }
  costs.forward_send.assign(s.stage_rank.size(), std::vector<Picoseconds>(s.model_chunks()));
  costs.backward_send = costs.forward_send;
  return costs;
}

// Uniform times: F = input gradient = weight gradient = a third of F&B.
Picoseconds published_makespan(const Schedule& s) {
  const std::int64_t work = s.microbatches * (kForward + kBackward);
  switch (s.kind) {
    case ScheduleKind::one_f_one_b:
    case ScheduleKind::interleaved: return Picoseconds(work * s.chunks_per_rank + (s.ranks - 1) * (kForward + kBackward));
    case ScheduleKind::zb_h1: return Picoseconds(work + (s.ranks - 1) * kForward);
    case ScheduleKind::zb_v: return Picoseconds(2 * work + (s.ranks - 1) * kForward);
    case ScheduleKind::dualpipe: return Picoseconds(work + (s.ranks / 2 - 1) * 2 * kForward);
    case ScheduleKind::dualpipe_v: return Picoseconds(2 * work + (s.ranks - 1) * 2 * kForward);
  }
  return {};
}

bool jump_is_exact(const Schedule& schedule, const PipelineCosts& costs) {
  return workload::run_pipeline(schedule, costs).makespan == workload::run_pipeline(schedule, costs, {.fold = false}).makespan;
}

// Makes and runs 10^6 microbatches.
void make_and_run(benchmark::State& state) {
  const auto kind = static_cast<ScheduleKind>(state.range(0));
  const std::int64_t ranks = state.range(1);
  const std::int64_t chunks = state.range(2);
  Picoseconds makespan;
  Schedule schedule;
  for (auto _ : state) {
    schedule = workload::make_schedule(kind, ranks, chunks, 1'000'000 / ranks * ranks);
    makespan = workload::run_pipeline(schedule, make_costs(schedule, state.range(3))).makespan;
  }
  if (state.range(3) == 0 && makespan != published_makespan(schedule)) state.SkipWithError("differs from the published formula");
  const Schedule few = workload::make_schedule(kind, ranks, chunks, 20 * ranks);
  if (!jump_is_exact(few, make_costs(few, state.range(3)))) state.SkipWithError("period jump differs from the full run");
}

// The executor without jumps: steps per second.
void full_run(benchmark::State& state) {
  const Schedule schedule = workload::make_schedule(ScheduleKind::one_f_one_b, state.range(0), 1, 10'000);
  const PipelineCosts costs = make_costs(schedule, 5);
  for (auto _ : state) benchmark::DoNotOptimize(workload::run_pipeline(schedule, costs, {.fold = false}).makespan);
  if (!jump_is_exact(schedule, costs)) state.SkipWithError("period jump differs from the full run");
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations()) * state.range(0) * 20'000);
}

void cases(benchmark::internal::Benchmark* b) {
  const auto kind = [](ScheduleKind k) { return static_cast<std::int64_t>(k); };
  for (const std::int64_t uneven : {0, 100}) {
    for (const std::int64_t ranks : {16, 64, 256}) {
      b->Args({kind(ScheduleKind::one_f_one_b), ranks, 1, uneven})->Args({kind(ScheduleKind::zb_h1), ranks, 1, uneven});
      b->Args({kind(ScheduleKind::zb_v), ranks, 2, uneven})->Args({kind(ScheduleKind::dualpipe), ranks, 2, uneven});
    }
    b->Args({kind(ScheduleKind::interleaved), 16, 4, uneven})->Args({kind(ScheduleKind::interleaved), 16, 16, uneven});
    b->Args({kind(ScheduleKind::interleaved), 64, 4, uneven});
  }
  b->ArgNames({"kind", "pp", "v", "uneven"})->Unit(benchmark::kMillisecond);
}

BENCHMARK(make_and_run)->Apply(cases);
BENCHMARK(full_run)->Arg(8)->Arg(64)->Unit(benchmark::kMillisecond);

}  // namespace
