// SPDX-License-Identifier: Apache-2.0
// Executed schedules against timelines worked out by hand, and each input of the costs on its own.
#include <gtest/gtest.h>

#include "base/contract.hpp"
#include "pipeline_fixture.hpp"

namespace zettatwin::workload {
namespace {

using testing::ps;
using testing::ScheduleKind;
using testing::UniformTimes;

constexpr UniformTimes kTimes{.forward = 10, .backward_input = 12, .backward_weight = 8};  // F = 10, B = 20

Schedule two_ranks() { return make_schedule(ScheduleKind::one_f_one_b, 2, 1, 3); }

std::vector<std::pair<std::int64_t, std::int64_t>> spans(const PipelineTimeline& timeline, std::size_t rank) {
  std::vector<std::pair<std::int64_t, std::int64_t>> result;
  for (const TimedInstruction& i : timeline.trace[rank]) result.emplace_back(i.start.count(), i.finish.count());
  return result;
}

using Spans = std::vector<std::pair<std::int64_t, std::int64_t>>;

TEST(PipelineByHand, TwoRanksWithSends) {
  const Schedule schedule = two_ranks();
  PipelineCosts costs = testing::uniform_costs(schedule, kTimes);
  costs.forward_send[0][0] = ps(3);
  costs.backward_send[0][0] = ps(5);
  const PipelineTimeline t = run_pipeline(schedule, costs, {.trace_limit = 100});
  // rank 0: F0 F1 B0 F2 B1 B2; rank 1: F0 B0 F1 B1 F2 B2
  EXPECT_EQ(spans(t, 1), (Spans{{13, 23}, {23, 43}, {43, 53}, {53, 73}, {81, 91}, {91, 111}}));
  EXPECT_EQ(spans(t, 0), (Spans{{0, 10}, {10, 20}, {48, 68}, {68, 78}, {78, 98}, {116, 136}}));
  EXPECT_EQ(t.trace[0][3].instruction, (Instruction{Action::forward, 0, 2}));
  EXPECT_EQ(t.makespan, ps(136));
  EXPECT_EQ(t.ranks[0].busy, ps(90));
  EXPECT_EQ(t.ranks[0].idle, ps(46));
  EXPECT_EQ(t.ranks[1].finish, ps(111));
  EXPECT_EQ(t.ranks[0].last_backward_start[0], ps(116));
  EXPECT_EQ(t.ranks[1].last_backward_finish[0], ps(111));
  EXPECT_EQ(t.ranks[0].forwards, (std::vector<std::int64_t>{3}));
}

TEST(PipelineByHand, ThreeRanksUnevenStages) {
  const Schedule schedule = make_schedule(ScheduleKind::one_f_one_b, 3, 1, 2);
  PipelineCosts costs = testing::uniform_costs(schedule, kTimes);
  costs.chunks[1][0].forward = ps(30);
  costs.chunks[1][0].backward = ps(50);
  const PipelineTimeline t = run_pipeline(schedule, costs, {.trace_limit = 100});
  // rank 0: F0 F1 B0 B1; rank 1: F0 F1 B0 B1; rank 2: F0 B0 F1 B1
  EXPECT_EQ(spans(t, 1), (Spans{{10, 40}, {40, 70}, {70, 120}, {120, 170}}));
  EXPECT_EQ(spans(t, 2), (Spans{{40, 50}, {50, 70}, {70, 80}, {80, 100}}));
  EXPECT_EQ(spans(t, 0), (Spans{{0, 10}, {10, 20}, {120, 140}, {170, 190}}));
}

TEST(PipelineByHand, FourRanksOneMicrobatchGoThereAndBack) {
  const Schedule schedule = make_schedule(ScheduleKind::one_f_one_b, 4, 1, 1);
  PipelineCosts costs = testing::uniform_costs(schedule, kTimes);
  for (auto* sends : {&costs.forward_send, &costs.backward_send}) sends->front() = {ps(1), ps(2), ps(4), ps(0)};
  EXPECT_EQ(run_pipeline(schedule, costs).makespan, ps(4 * 30 + 2 * 7));
}

TEST(PipelineByHand, SendsMayOccupyTheSender) {
  const Schedule schedule = two_ranks();
  PipelineCosts costs = testing::uniform_costs(schedule, kTimes);
  costs.send_occupancy = ps(4);
  const PipelineTimeline t = run_pipeline(schedule, costs, {.trace_limit = 100});
  EXPECT_EQ(spans(t, 0), (Spans{{0, 10}, {14, 24}, {40, 60}, {60, 70}, {74, 94}, {108, 128}}));
  EXPECT_EQ(spans(t, 1), (Spans{{10, 20}, {20, 40}, {44, 54}, {54, 74}, {78, 88}, {88, 108}}));
  EXPECT_EQ(t.ranks[0].sends, ps(3 * 4));  // its backwards go nowhere
  EXPECT_EQ(t.ranks[1].sends, ps(3 * 4));  // its forwards go nowhere
  EXPECT_EQ(t.ranks[1].finish, ps(112));
  EXPECT_EQ(t.ranks[1].idle, ps(112 - 90 - 12));
}

TEST(PipelineByHand, HopsWithinARankOccupyNobody) {
  const Schedule schedule = make_schedule(ScheduleKind::zb_v, 1, 2, 4);
  PipelineCosts costs = testing::uniform_costs(schedule, kTimes);
  costs.send_occupancy = ps(100);
  EXPECT_EQ(run_pipeline(schedule, costs).makespan, ps(4 * 2 * 30));
}

TEST(PipelineByHand, ReleaseDelaysTheFirstForwardOnly) {
  const Schedule schedule = two_ranks();
  PipelineCosts costs = testing::uniform_costs(schedule, kTimes);
  costs.release = {{ps(7)}, {ps(40)}};
  const PipelineTimeline t = run_pipeline(schedule, costs, {.trace_limit = 100});
  EXPECT_EQ(spans(t, 0).front(), (std::pair<std::int64_t, std::int64_t>{7, 17}));
  EXPECT_EQ(spans(t, 1).front(), (std::pair<std::int64_t, std::int64_t>{40, 50}));
  EXPECT_EQ(t.makespan, ps(40 + 3 * 30 + 20));
}

TEST(PipelineByHand, LastBackwardIsLengthened) {
  const Schedule schedule = two_ranks();
  PipelineCosts costs = testing::uniform_costs(schedule, kTimes);
  costs.last_backward_extra = {{ps(6)}, {ps(0)}};
  EXPECT_EQ(run_pipeline(schedule, costs).makespan, ps((3 + 1) * 30 + 6));
  // Of a split backward it is the weight gradient that is last.
  const Schedule split = make_schedule(ScheduleKind::zb_h1, 2, 1, 3);
  PipelineCosts split_costs = testing::uniform_costs(split, kTimes);
  split_costs.last_backward_extra = {{ps(0)}, {ps(50)}};
  const PipelineTimeline t = run_pipeline(split, split_costs);
  EXPECT_EQ(t.ranks[1].last_backward_finish[0] - t.ranks[1].last_backward_start[0], ps(8 + 50));
}

TEST(PipelineByHand, ZeroBubbleH1FillsTheEndWithWeights) {
  const Schedule schedule = make_schedule(ScheduleKind::zb_h1, 2, 1, 2);
  const PipelineTimeline t = run_pipeline(schedule, testing::uniform_costs(schedule, kTimes), {.trace_limit = 100});
  // rank 0: F0 F1 I0 W0 I1 W1; rank 1: F0 I0 F1 I1 W0 W1
  EXPECT_EQ(spans(t, 0), (Spans{{0, 10}, {10, 20}, {32, 44}, {44, 52}, {54, 66}, {66, 74}}));
  EXPECT_EQ(spans(t, 1), (Spans{{10, 20}, {20, 32}, {32, 42}, {42, 54}, {54, 62}, {62, 70}}));
}

TEST(PipelineByHand, DualPipePairTakesItsOwnTime) {
  const Schedule schedule = make_schedule(ScheduleKind::dualpipe, 2, 2, 4);
  PipelineCosts costs = testing::uniform_costs(schedule, kTimes);
  for (auto& rank : costs.pairs) rank[0][1] = rank[1][0] = ps(25);
  const PipelineTimeline t = run_pipeline(schedule, costs, {.trace_limit = 100});
  // F0 f0 F1 b0 f1&B0 b1 I1 W1, and mirrored: both ranks are always in step
  const Spans expected{{0, 10}, {10, 20}, {20, 30}, {30, 50}, {50, 75}, {75, 95}, {95, 107}, {107, 115}};
  EXPECT_EQ(spans(t, 0), expected);
  EXPECT_EQ(spans(t, 1), expected);
  EXPECT_EQ(t.ranks[0].forwards, (std::vector<std::int64_t>{2, 2}));
}

TEST(Pipeline, TraceKeepsTheFirstInstructionsAndJumpsNothing) {
  const Schedule schedule = make_schedule(ScheduleKind::one_f_one_b, 4, 1, 1000);
  const PipelineTimeline t = run_pipeline(schedule, testing::uniform_costs(schedule, kTimes), {.trace_limit = 7});
  EXPECT_EQ(t.iterations_jumped, 0);
  EXPECT_EQ(t.iterations_simulated, 1000);
  for (const auto& rank : t.trace) EXPECT_EQ(rank.size(), 7u);
}

TEST(Pipeline, FoldedRunSaysWhatItJumped) {
  const Schedule schedule = make_schedule(ScheduleKind::one_f_one_b, 4, 1, 1000);
  const PipelineTimeline t = run_pipeline(schedule, testing::uniform_costs(schedule, kTimes));
  EXPECT_EQ(t.period_iterations, 1);
  EXPECT_EQ(t.period, ps(30));
  EXPECT_EQ(t.iterations_simulated + t.iterations_jumped, 1000);
  EXPECT_LT(t.iterations_simulated, 20);
}

TEST(Pipeline, DeadlockNamesRankAndInstruction) {
  Schedule schedule = two_ranks();  // rank 1 wants its backward's input, rank 0 holds all forwards back behind its first backward
  schedule.programs[0] = LoopProgram{.prologue = {{Action::forward, 0, 0}, {Action::backward, 0, 0}, {Action::forward, 0, 1}, {Action::backward, 0, 1},
                                                  {Action::forward, 0, 2}, {Action::backward, 0, 2}}};
  schedule.programs[1] = LoopProgram{.prologue = {{Action::forward, 0, 0}, {Action::forward, 0, 1}, {Action::backward, 0, 0}, {Action::backward, 0, 1},
                                                  {Action::forward, 0, 2}, {Action::backward, 0, 2}}};
  try {
    (void)run_pipeline(schedule, testing::uniform_costs(schedule, kTimes));
    FAIL() << "ran";
  } catch (const ContractFailure& failure) {
    EXPECT_NE(std::string(failure.what()).find("deadlock: rank 0 waits forever at instruction 1: backward of chunk 0, microbatch 0"), std::string::npos)
        << failure.what();
  }
}

TEST(Pipeline, CostsOfTheWrongShapeBreakTheContract) {
  const Schedule schedule = two_ranks();
  const PipelineCosts good = testing::uniform_costs(schedule, kTimes);
  for (int what = 0; what < 4; ++what) {
    PipelineCosts bad = good;
    if (what == 0) bad.chunks.pop_back();
    if (what == 1) bad.chunks[1].clear();
    if (what == 2) bad.backward_send.clear();
    if (what == 3) bad.release = {{ps(1)}};
    EXPECT_THROW((void)run_pipeline(schedule, bad), ContractFailure) << what;
  }
  PipelineCosts negative = good;
  negative.chunks[0][0].forward = ps(-1);
  EXPECT_THROW((void)run_pipeline(schedule, negative), ContractFailure);
}

}  // namespace
}  // namespace zettatwin::workload
