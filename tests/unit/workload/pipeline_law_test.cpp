// SPDX-License-Identifier: Apache-2.0
// Laws of execution on random uneven costs: equal to the slow reference, and to itself without jumps.
#include <gtest/gtest.h>

#include "pipeline_fixture.hpp"

namespace zettatwin::workload {
namespace {

using units::Picoseconds;

void expect_same(const RankTimeline& a, const RankTimeline& b) {
  EXPECT_EQ(a.busy, b.busy);
  EXPECT_EQ(a.sends, b.sends);
  EXPECT_EQ(a.idle, b.idle);
  EXPECT_EQ(a.finish, b.finish);
  EXPECT_EQ(a.forwards, b.forwards);
  EXPECT_EQ(a.last_backward_start, b.last_backward_start);
  EXPECT_EQ(a.last_backward_finish, b.last_backward_finish);
}

void expect_same(const PipelineTimeline& a, const PipelineTimeline& b) {
  EXPECT_EQ(a.makespan, b.makespan);
  ASSERT_EQ(a.ranks.size(), b.ranks.size());
  for (std::size_t r = 0; r < a.ranks.size(); ++r) expect_same(a.ranks[r], b.ranks[r]);
}

class AllSchedules : public ::testing::TestWithParam<testing::ScheduleCase> {
 protected:
  // Random sizes and costs; microbatches from too few to jump to a few hundred.
  template <class Check>
  void for_each_case(std::uint32_t cases, Check check) const {
    for (std::uint32_t seed = 0; seed < cases; ++seed) {
      std::mt19937 generator(seed * 7919);
      const std::int64_t ranks = 1 + static_cast<std::int64_t>(generator() % 9);
      const std::int64_t microbatches = 2 * ranks * (1 + static_cast<std::int64_t>(generator() % (seed % 4 == 0 ? 40 : 6)));
      const auto& [kind, chunks] = GetParam();
      if (!schedule_problem(kind, ranks, chunks, microbatches).empty()) continue;
      const Schedule schedule = make_schedule(kind, ranks, chunks, microbatches);
      SCOPED_TRACE("seed " + std::to_string(seed) + ", p " + std::to_string(ranks) + ", m " + std::to_string(microbatches));
      // From nearly equal to very uneven: the nearer, the longer the transients.
      const std::int64_t high = seed % 5 == 0 ? 101 : seed % 5 == 1 ? 110 : 400;
      check(schedule, testing::random_costs(schedule, seed, 100, high));
      if (::testing::Test::HasFailure()) return;
    }
  }
};

TEST_P(AllSchedules, EqualTheReferenceExecutor) {
  for_each_case(100, [](const Schedule& schedule, const PipelineCosts& costs) {
    const PipelineTimeline timeline = run_pipeline(schedule, costs);
    testing::ReferenceExecutor reference(schedule, costs);
    ASSERT_TRUE(reference.run());
    for (std::size_t r = 0; r < timeline.ranks.size(); ++r) expect_same(timeline.ranks[r], reference.timeline(r));
    const PipelineTimeline traced = run_pipeline(schedule, costs, {.trace_limit = 1'000'000});
    for (std::size_t r = 0; r < timeline.ranks.size(); ++r) {
      ASSERT_EQ(traced.trace[r].size(), reference.trace(r).size());
      for (std::size_t i = 0; i < traced.trace[r].size(); ++i) {
        EXPECT_EQ(traced.trace[r][i].instruction, reference.trace(r)[i].instruction);
        EXPECT_EQ(traced.trace[r][i].start, reference.trace(r)[i].start);
        EXPECT_EQ(traced.trace[r][i].finish, reference.trace(r)[i].finish);
      }
    }
  });
}

TEST_P(AllSchedules, PeriodJumpEqualsFullRun) {
  int jumped = 0;
  int cases = 0;
  for_each_case(400, [&](const Schedule& schedule, const PipelineCosts& costs) {
    const PipelineTimeline folded = run_pipeline(schedule, costs);
    expect_same(folded, run_pipeline(schedule, costs, {.fold = false}));
    ++cases;
    jumped += folded.iterations_jumped > 0 ? 1 : 0;
  });
  EXPECT_GT(cases, 100);
  EXPECT_GT(jumped, cases / 8);  // the law would be empty if nothing were jumped
}

TEST_P(AllSchedules, MillionsOfMicrobatchesJumpNearlyAll) {
  const auto& [kind, chunks] = GetParam();
  for (std::uint32_t seed = 0; seed < 10; ++seed) {
    const Schedule schedule = make_schedule(kind, 8, chunks, 8'000'000);
    const PipelineTimeline timeline = run_pipeline(schedule, testing::random_costs(schedule, seed, 100'000'000, 120'000'000));
    EXPECT_LT(timeline.iterations_simulated, 5000) << seed;
  }
}

TEST_P(AllSchedules, DoublingAllTimesDoublesAllResults) {
  for_each_case(40, [](const Schedule& schedule, PipelineCosts costs) {
    const PipelineTimeline once = run_pipeline(schedule, costs);
    const auto twice = [](auto& time) { time += time; };
    for (auto& rank : costs.chunks) {
      for (ChunkTimes& t : rank) twice(t.forward), twice(t.backward), twice(t.backward_input), twice(t.backward_weight);
    }
    for (auto& rank : costs.pairs) {
      for (auto& row : rank) std::ranges::for_each(row, twice);
    }
    for (auto* table : {&costs.forward_send, &costs.backward_send, &costs.release, &costs.last_backward_extra}) {
      for (auto& row : *table) std::ranges::for_each(row, twice);
    }
    twice(costs.send_occupancy);
    const PipelineTimeline doubled = run_pipeline(schedule, costs);
    EXPECT_EQ(doubled.makespan, once.makespan + once.makespan);
    EXPECT_EQ(doubled.iterations_jumped, once.iterations_jumped);
    for (std::size_t r = 0; r < once.ranks.size(); ++r) EXPECT_EQ(doubled.ranks[r].idle, once.ranks[r].idle + once.ranks[r].idle);
  });
}

TEST_P(AllSchedules, LongerDurationsNeverShortenTheRun) {
  for_each_case(60, [](const Schedule& schedule, PipelineCosts costs) {
    const Picoseconds before = run_pipeline(schedule, costs).makespan;
    const std::size_t rank = static_cast<std::size_t>(schedule.microbatches) % costs.chunks.size();
    costs.chunks[rank][0].forward += testing::ps(13);
    costs.chunks[rank][0].backward += testing::ps(7);
    costs.forward_send[0][0] += testing::ps(29);
    EXPECT_GE(run_pipeline(schedule, costs).makespan, before);
  });
}

TEST_P(AllSchedules, NoRunIsShorterThanTheWorkOfItsBusiestRank) {
  for_each_case(40, [](const Schedule& schedule, const PipelineCosts& costs) {
    const PipelineTimeline timeline = run_pipeline(schedule, costs);
    for (const RankTimeline& rank : timeline.ranks) {
      EXPECT_EQ(rank.busy + rank.sends + rank.idle, rank.finish);
      EXPECT_LE(rank.finish, timeline.makespan);
    }
  });
}

std::string name_of(const ::testing::TestParamInfo<testing::ScheduleCase>& info) {
  static const char* const names[] = {"OneFOneB", "Interleaved", "ZbH1", "ZbV", "DualPipe", "DualPipeV"};
  return names[static_cast<std::size_t>(info.param.kind)] + std::to_string(info.param.chunks);
}

INSTANTIATE_TEST_SUITE_P(Kinds, AllSchedules, ::testing::ValuesIn(testing::all_schedules()), name_of);

}  // namespace
}  // namespace zettatwin::workload
