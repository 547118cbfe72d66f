// SPDX-License-Identifier: Apache-2.0
// Activations in flight: the published peaks, and the symbolic loop against the unrolled list.
#include <gtest/gtest.h>

#include <random>

#include "base/contract.hpp"
#include "pipeline_fixture.hpp"

namespace zettatwin::workload {
namespace {

using plan::ScheduleKind;

// Chunk activations of the worst rank when a pending weight gradient holds as much as the whole.
std::int64_t peak_chunks(ScheduleKind kind, std::int64_t ranks, std::int64_t chunks, std::int64_t microbatches) {
  std::int64_t peak = 0;
  const std::vector<double> one(static_cast<std::size_t>(chunks), 1.0);
  for (const LoopProgram& program : make_schedule(kind, ranks, chunks, microbatches).programs) {
    const InFlight in_flight = peak_in_flight(program, one, one);
    std::int64_t sum = 0;
    for (std::size_t c = 0; c < one.size(); ++c) sum += in_flight.forward[c] + in_flight.weight[c];
    peak = std::max(peak, sum);
  }
  return peak;
}

TEST(InFlight, PublishedPeaks) {
  for (const std::int64_t p : {2, 4, 8, 16}) {
    const std::int64_t m = 4 * p;
    EXPECT_EQ(peak_chunks(ScheduleKind::one_f_one_b, p, 1, m), p);
    EXPECT_EQ(peak_chunks(ScheduleKind::zb_h1, p, 1, m), p);             // ZB1P
    EXPECT_EQ(peak_chunks(ScheduleKind::zb_v, p, 2, m), 2 * p);          // half-size chunks: p microbatches
    EXPECT_EQ(peak_chunks(ScheduleKind::dualpipe, p, 2, m), p + 1);
    EXPECT_EQ(peak_chunks(ScheduleKind::dualpipe_v, p, 2, m), 2 * p + 1);  // PP = 2p stages: PP + 1
    for (const std::int64_t v : {2, 3, 4}) EXPECT_EQ(peak_chunks(ScheduleKind::interleaved, p, v, m), p * v + p - 1);  // p (1 + (p-1)/(pv)) microbatches
  }
}

TEST(InFlight, FewMicrobatchesHoldNoMoreThanThereAre) {
  EXPECT_EQ(peak_chunks(ScheduleKind::one_f_one_b, 8, 1, 3), 3);
  EXPECT_EQ(peak_chunks(ScheduleKind::zb_h1, 8, 1, 3), 3);
  EXPECT_EQ(peak_chunks(ScheduleKind::zb_v, 8, 2, 3), 6);
}

TEST(InFlight, EachRankOf1F1BHoldsItsDistanceFromTheEnd) {
  const Schedule s = make_schedule(ScheduleKind::one_f_one_b, 5, 1, 1'000'000);
  for (std::size_t r = 0; r < 5; ++r) EXPECT_EQ(peak_in_flight(s.programs[r], {1}, {0}).forward[0], 5 - static_cast<std::int64_t>(r));
}

TEST(InFlight, WeightsDecideWhichMomentIsThePeak) {
  LoopProgram program;
  program.prologue = {{Action::forward, 0, 0}, {Action::forward, 0, 1}, {Action::backward, 0, 0}, {Action::forward, 1, 0}};
  EXPECT_EQ(peak_in_flight(program, {1, 0.5}, {0, 0}).forward, (std::vector<std::int64_t>{2, 0}));
  EXPECT_EQ(peak_in_flight(program, {1, 5}, {0, 0}).forward, (std::vector<std::int64_t>{1, 1}));
}

TEST(InFlight, PairHoldsBothHalvesAtOnce) {
  LoopProgram program;
  program.prologue = {{Action::forward, 0, 0}, {Action::forward_backward, 0, 1, 0, 0}};
  EXPECT_EQ(peak_in_flight(program, {1}, {0}).forward[0], 2);
}

TEST(InFlight, LoopThatIsNotNetZeroIsWalkedExactly) {
  LoopProgram grows;  // holds one more weight gradient per iteration, then frees them all
  grows.body = {{Action::forward, 0, 0}, {Action::forward, 0, 1}, {Action::backward, 0, 0}, {Action::backward_input, 0, 1}};
  grows.repeats = 1000;
  const InFlight peak = peak_in_flight(grows, {3}, {1});
  EXPECT_EQ(peak.forward[0], 2);
  EXPECT_EQ(peak.weight[0], 999);
  LoopProgram shrinks;  // 4 more backwards than forwards
  for (int i = 0; i < 4; ++i) shrinks.prologue.push_back({Action::forward, 0, i});
  shrinks.body = {{Action::backward, 0, 0}};
  shrinks.repeats = 4;
  EXPECT_EQ(peak_in_flight(shrinks, {1}, {1}).forward[0], 4);
  shrinks.repeats = 5;
  EXPECT_THROW((void)peak_in_flight(shrinks, {1}, {1}), ContractFailure);
}

TEST(InFlight, SymbolicLoopEqualsUnrolledList) {
  std::mt19937 generator(3);
  for (const auto& [kind, chunks] : testing::all_schedules()) {
    for (const std::int64_t ranks : {2, 4, 6}) {
      for (const LoopProgram& program : make_schedule(kind, ranks, chunks, 10 * ranks).programs) {
        std::vector<double> full;
        std::vector<double> weight;
        for (std::int64_t c = 0; c < chunks; ++c) {
          full.push_back(static_cast<double>(1 + generator() % 100));
          weight.push_back(full.back() * static_cast<double>(generator() % 4) / 4);
        }
        LoopProgram flat;
        flat.prologue = program.unrolled();
        const InFlight symbolic = peak_in_flight(program, full, weight);
        const InFlight direct = peak_in_flight(flat, full, weight);
        EXPECT_EQ(symbolic.forward, direct.forward);
        EXPECT_EQ(symbolic.weight, direct.weight);
      }
    }
  }
}

}  // namespace
}  // namespace zettatwin::workload
