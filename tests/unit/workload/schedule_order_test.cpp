// SPDX-License-Identifier: Apache-2.0
// What is in the instruction lists: hand-written programs, completeness, symbolic loops, refusals.
#include <gtest/gtest.h>

#include "base/contract.hpp"
#include "pipeline_fixture.hpp"

namespace zettatwin::workload {
namespace {

using plan::ScheduleKind;

// "F0 B0 F1 ..."; upper-case F and B act on chunk 0, f and b on chunk 1; I and W are the halves of a split backward.
std::string text(const std::vector<Instruction>& list) {
  std::string result;
  const auto add = [&](char action, std::int32_t chunk, std::int64_t microbatch) {
    result += static_cast<char>(chunk == 0 ? action : action - 'A' + 'a') + std::to_string(microbatch);
  };
  for (const Instruction& i : list) {
    if (!result.empty()) result += ' ';
    switch (i.action) {
      case Action::forward: add('F', i.chunk, i.microbatch); break;
      case Action::backward: add('B', i.chunk, i.microbatch); break;
      case Action::backward_input: add('I', i.chunk, i.microbatch); break;
      case Action::backward_weight: add('W', i.chunk, i.microbatch); break;
      case Action::forward_backward:
        add('F', i.chunk, i.microbatch);
        result += '&';
        add('B', i.second_chunk, i.second_microbatch);
    }
  }
  return result;
}

std::string program(ScheduleKind kind, std::int64_t ranks, std::int64_t chunks, std::int64_t microbatches, std::size_t rank) {
  return text(make_schedule(kind, ranks, chunks, microbatches).programs[rank].unrolled());
}

TEST(Schedule, OneForwardOneBackwardByHand) {
  EXPECT_EQ(program(ScheduleKind::one_f_one_b, 3, 1, 4, 0), "F0 F1 F2 B0 F3 B1 B2 B3");
  EXPECT_EQ(program(ScheduleKind::one_f_one_b, 3, 1, 4, 1), "F0 F1 B0 F2 B1 F3 B2 B3");
  EXPECT_EQ(program(ScheduleKind::one_f_one_b, 3, 1, 4, 2), "F0 B0 F1 B1 F2 B2 F3 B3");
  EXPECT_EQ(program(ScheduleKind::one_f_one_b, 4, 1, 2, 0), "F0 F1 B0 B1");  // fewer microbatches than ranks
}

TEST(Schedule, InterleavedByHand) {
  EXPECT_EQ(program(ScheduleKind::interleaved, 2, 2, 4, 0), "F0 F1 f0 f1 F2 b0 F3 b1 f2 B0 f3 B1 b2 b3 B2 B3");
  EXPECT_EQ(program(ScheduleKind::interleaved, 2, 2, 4, 1), "F0 F1 f0 b0 f1 b1 F2 B0 F3 B1 f2 b2 f3 b3 B2 B3");
}

TEST(Schedule, ZeroBubbleH1PutsWeightsOffByTheRank) {
  EXPECT_EQ(program(ScheduleKind::zb_h1, 3, 1, 4, 0), "F0 F1 F2 I0 W0 F3 I1 W1 I2 W2 I3 W3");
  EXPECT_EQ(program(ScheduleKind::zb_h1, 3, 1, 4, 2), "F0 I0 F1 I1 F2 I2 W0 F3 I3 W1 W2 W3");
  EXPECT_EQ(program(ScheduleKind::zb_h1, 3, 1, 1, 2), "F0 I0 W0");
}

TEST(Schedule, ZeroBubbleVByHand) {
  EXPECT_EQ(program(ScheduleKind::zb_v, 2, 2, 3, 0), "F0 F1 F2 f0 i0 w0 f1 i1 w1 I0 W0 f2 i2 w2 I1 W1 I2 W2");
  EXPECT_EQ(program(ScheduleKind::zb_v, 2, 2, 3, 1), "F0 f0 F1 f1 i0 w0 F2 I0 W0 f2 i1 w1 I1 i2 I2 W1 w2 W2");
}

TEST(Schedule, DualPipeByHand) {
  // Two ranks, both in the middle: the first pair is not overlapped, and the second rank swaps the chunks.
  EXPECT_EQ(program(ScheduleKind::dualpipe, 2, 2, 4, 0), "F0 f0 F1 b0 f1&B0 b1 I1 W1");
  EXPECT_EQ(program(ScheduleKind::dualpipe, 2, 2, 4, 1), "f0 F0 f1 B0 F1&b0 B1 i1 w1");
  EXPECT_EQ(program(ScheduleKind::dualpipe_v, 2, 2, 4, 0), "F0 F1 F2 f0 i0 w0 f1 F3&b1 f2&B0 b2 f3&B1 b3 I2 W2 I3 W3");
}

TEST(Schedule, EachMicrobatchRunsOnceInOrder) {
  for (const auto& [kind, chunks] : testing::all_schedules()) {
    for (const std::int64_t ranks : {1, 2, 3, 4, 6, 8}) {
      for (std::int64_t microbatches = 1; microbatches <= 40; ++microbatches) {
        if (!schedule_problem(kind, ranks, chunks, microbatches).empty()) continue;
        const Schedule schedule = make_schedule(kind, ranks, chunks, microbatches);
        ASSERT_EQ(schedule_defect(schedule), "") << "kind " << static_cast<int>(kind) << " p " << ranks << " m " << microbatches;
        const PipelineCosts costs = testing::uniform_costs(schedule, {});
        ASSERT_TRUE(testing::ReferenceExecutor(schedule, costs).run()) << static_cast<int>(kind) << " p " << ranks << " m " << microbatches;
      }
    }
  }
}

TEST(Schedule, SizeDoesNotGrowWithMicrobatches) {
  for (const auto& [kind, chunks] : testing::all_schedules()) {
    const auto size = [](const Schedule& s) {
      std::size_t total = 0;
      for (const LoopProgram& p : s.programs) total += p.prologue.size() + p.body.size() + p.epilogue.size();
      return total;
    };
    const Schedule small = make_schedule(kind, 8, chunks, 64);
    const Schedule large = make_schedule(kind, 8, chunks, 1'000'000);
    EXPECT_EQ(size(small), size(large));
    EXPECT_EQ(schedule_defect(large), "");
  }
}

TEST(Schedule, ImpossibleCombinationsAreExplained) {
  EXPECT_EQ(schedule_problem(ScheduleKind::interleaved, 4, 2, 6), "interleaved needs microbatches to be a multiple of pp, but has 6 microbatches on pp=4");
  EXPECT_EQ(schedule_problem(ScheduleKind::interleaved, 4, 1, 8), "interleaved takes two or more model chunks per rank (vpp>=2), not 1");
  EXPECT_EQ(schedule_problem(ScheduleKind::one_f_one_b, 4, 2, 8), "1f1b and zb-h1 take one model chunk per rank (vpp=1), not 2");
  EXPECT_EQ(schedule_problem(ScheduleKind::dualpipe, 3, 2, 8), "dualpipe needs an even pp, not 3");
  EXPECT_NE(schedule_problem(ScheduleKind::dualpipe, 4, 2, 9), "");
  EXPECT_NE(schedule_problem(ScheduleKind::dualpipe, 4, 2, 6), "");
  EXPECT_NE(schedule_problem(ScheduleKind::dualpipe_v, 4, 2, 7), "");
  EXPECT_NE(schedule_problem(ScheduleKind::zb_v, 4, 1, 8), "");
  EXPECT_NE(schedule_problem(ScheduleKind::one_f_one_b, 0, 1, 8), "");
  EXPECT_EQ(schedule_problem(ScheduleKind::zb_v, 4, 2, 1), "");
  EXPECT_THROW((void)make_schedule(ScheduleKind::dualpipe, 3, 2, 8), ContractFailure);
}

TEST(Schedule, PathsVisitEachChunkOnce) {
  for (const auto& [kind, chunks] : testing::all_schedules()) {
    const Schedule s = make_schedule(kind, 4, chunks, 16);
    std::map<std::pair<std::int32_t, std::int32_t>, int> visits;
    for (std::size_t d = 0; d < s.stage_rank.size(); ++d) {
      for (std::size_t k = 0; k < s.model_chunks(); ++k) ++visits[{s.stage_rank[d][k], s.stage_chunk[d][k]}];
    }
    EXPECT_EQ(visits.size(), static_cast<std::size_t>(4 * chunks));
  }
  const Schedule v = make_schedule(ScheduleKind::zb_v, 3, 2, 8);
  EXPECT_EQ(v.stage_rank[0], (std::vector<std::int32_t>{0, 1, 2, 2, 1, 0}));
  const Schedule dual = make_schedule(ScheduleKind::dualpipe, 4, 2, 8);
  EXPECT_EQ(dual.stage_rank[1], (std::vector<std::int32_t>{3, 2, 1, 0}));
}

TEST(Schedule, DefectsAreFound) {
  const Schedule good = make_schedule(ScheduleKind::zb_h1, 2, 1, 6);
  Schedule twice = good;
  twice.programs[1].epilogue.push_back(twice.programs[1].epilogue.back());
  EXPECT_EQ(schedule_defect(twice), "rank 1: backward_weight of chunk 0, microbatch 5 is out of turn");
  Schedule early = good;
  std::swap(early.programs[0].prologue[0], early.programs[0].body[1]);
  EXPECT_NE(schedule_defect(early), "");
  Schedule short_of_one = good;
  --short_of_one.programs[0].repeats;
  EXPECT_NE(schedule_defect(short_of_one), "");
  Schedule unknown_chunk = good;
  unknown_chunk.programs[0].body[0].chunk = 1;
  EXPECT_NE(schedule_defect(unknown_chunk), "");
}

TEST(LoopProgram, PositionsAgreeWithTheUnrolledList) {
  const Schedule s = make_schedule(ScheduleKind::interleaved, 3, 2, 24);
  for (const LoopProgram& p : s.programs) {
    const auto all = p.unrolled();
    for (std::size_t i = 0; i < all.size(); ++i) EXPECT_EQ(p.at(static_cast<std::int64_t>(i)), all[i]);
  }
}

}  // namespace
}  // namespace zettatwin::workload
