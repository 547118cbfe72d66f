// SPDX-License-Identifier: Apache-2.0
// Period jump == full run, on schedules and costs that rapidcheck draws and shrinks.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "workload/pipeline.hpp"

namespace zettatwin::workload {
namespace {

using plan::ScheduleKind;
using units::Picoseconds;

// Times from a small range meet in ties, from a large one they do not; both have long transients.
rc::Gen<Picoseconds> time_up_to(std::int64_t range) {
  return rc::gen::map(rc::gen::inRange<std::int64_t>(0, range), [range](std::int64_t extra) { return Picoseconds(range + extra); });
}

std::vector<std::vector<Picoseconds>> table(std::size_t rows, std::size_t columns, const rc::Gen<Picoseconds>& time) {
  return *rc::gen::container<std::vector<std::vector<Picoseconds>>>(rows, rc::gen::container<std::vector<Picoseconds>>(columns, time));
}

Schedule any_schedule() {
  const auto kind = *rc::gen::element(ScheduleKind::one_f_one_b, ScheduleKind::interleaved, ScheduleKind::zb_h1, ScheduleKind::zb_v,
                                      ScheduleKind::dualpipe, ScheduleKind::dualpipe_v);
  const bool single = kind == ScheduleKind::one_f_one_b || kind == ScheduleKind::zb_h1;
  const std::int64_t chunks = single ? 1 : kind == ScheduleKind::interleaved ? *rc::gen::inRange<std::int64_t>(2, 5) : 2;
  const std::int64_t ranks = 2 * *rc::gen::inRange<std::int64_t>(1, 5);
  return make_schedule(kind, ranks, chunks, ranks * *rc::gen::inRange<std::int64_t>(2, 60));
}

PipelineCosts any_costs(const Schedule& schedule) {
  const auto ranks = static_cast<std::size_t>(schedule.ranks);
  const auto chunks = static_cast<std::size_t>(schedule.chunks_per_rank);
  const auto time = time_up_to(*rc::gen::element<std::int64_t>(2, 10, 1000, 1'000'000'000));
  PipelineCosts costs;
  for (std::size_t r = 0; r < ranks; ++r) {
    const auto times = table(chunks, 3, time);
    costs.chunks.emplace_back();
    for (const auto& t : times) costs.chunks.back().push_back({t[0], t[1] + t[2], t[1], t[2]});
    costs.pairs.push_back(table(chunks, chunks, time));
  }
  const std::size_t edges = schedule.model_chunks();
  const bool sends = *rc::gen::arbitrary<bool>();
  costs.forward_send = sends ? table(schedule.stage_rank.size(), edges, time)
                             : std::vector(schedule.stage_rank.size(), std::vector<Picoseconds>(edges));
  costs.backward_send = sends ? table(schedule.stage_rank.size(), edges, time) : costs.forward_send;
  if (*rc::gen::arbitrary<bool>()) costs.send_occupancy = *time;
  if (*rc::gen::arbitrary<bool>()) costs.release = table(ranks, chunks, time);
  if (*rc::gen::arbitrary<bool>()) costs.last_backward_extra = table(ranks, chunks, time);
  return costs;
}

RC_GTEST_PROP(PeriodJump, EqualsTheFullRun, ()) {
  const Schedule schedule = any_schedule();
  const PipelineCosts costs = any_costs(schedule);
  const PipelineTimeline folded = run_pipeline(schedule, costs);
  const PipelineTimeline full = run_pipeline(schedule, costs, {.fold = false});
  RC_CLASSIFY(folded.iterations_jumped > 0, "jumped");
  RC_ASSERT(folded.makespan == full.makespan);
  for (std::size_t r = 0; r < full.ranks.size(); ++r) {
    const RankTimeline& a = folded.ranks[r];
    const RankTimeline& b = full.ranks[r];
    RC_ASSERT(a.busy == b.busy && a.sends == b.sends && a.idle == b.idle && a.finish == b.finish);
    RC_ASSERT(a.forwards == b.forwards);
    RC_ASSERT(a.last_backward_start == b.last_backward_start && a.last_backward_finish == b.last_backward_finish);
  }
}

RC_GTEST_PROP(PeriodJump, MoreMicrobatchesNeverShortenTheRun, ()) {
  const std::int64_t ranks = *rc::gen::inRange<std::int64_t>(1, 9);
  const std::int64_t microbatches = *rc::gen::inRange<std::int64_t>(1, 200);
  const Schedule one = make_schedule(ScheduleKind::one_f_one_b, ranks, 1, microbatches);
  const PipelineCosts costs = any_costs(one);
  const Schedule more = make_schedule(ScheduleKind::one_f_one_b, ranks, 1, microbatches + 1);
  RC_ASSERT(run_pipeline(more, costs).makespan > run_pipeline(one, costs).makespan);
}

}  // namespace
}  // namespace zettatwin::workload
