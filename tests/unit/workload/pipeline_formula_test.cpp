// SPDX-License-Identifier: Apache-2.0
// Executed schedules against the published formulas, which hold for uniform times and free sends.
#include <gtest/gtest.h>

#include "pipeline_fixture.hpp"

namespace zettatwin::workload {
namespace {

using testing::ScheduleKind;
using testing::UniformTimes;
using units::Picoseconds;

std::int64_t makespan(ScheduleKind kind, std::int64_t ranks, std::int64_t chunks, std::int64_t microbatches, const UniformTimes& times) {
  const Schedule schedule = make_schedule(kind, ranks, chunks, microbatches);
  return run_pipeline(schedule, testing::uniform_costs(schedule, times)).makespan.count();
}

TEST(PublishedBubble, OneForwardOneBackward) {
  for (const std::int64_t p : {1, 2, 3, 4, 8, 17}) {
    for (const std::int64_t m : {1, 2, 5, 16, 100, 100'000}) {
      EXPECT_EQ(makespan(ScheduleKind::one_f_one_b, p, 1, m, {3, 2, 4}), (m + p - 1) * (3 + 6)) << p << ' ' << m;
    }
  }
}

// F and B of a whole stage are v times those of a chunk, so (p-1)(F+B)/v is p-1 chunks' forward and backward.
TEST(PublishedBubble, Interleaved) {
  for (const std::int64_t p : {2, 4, 8}) {
    for (const std::int64_t v : {2, 3, 6}) {
      for (const std::int64_t m : {p, 2 * p, 5 * p, 1000 * p}) {
        EXPECT_EQ(makespan(ScheduleKind::interleaved, p, v, m, {3, 2, 4}), (m * v + p - 1) * (3 + 6)) << p << ' ' << v << ' ' << m;
      }
    }
  }
}

// (p-1)(TF + TB - TW) where TB is the input gradient alone. Published for times that do not differ much; M >= p.
TEST(PublishedBubble, ZeroBubbleH1) {
  for (const UniformTimes& t : {UniformTimes{1, 1, 1}, UniformTimes{10, 12, 8}, UniformTimes{10, 11, 10}}) {
    const std::int64_t sum = t.forward + t.backward_input + t.backward_weight;
    for (const std::int64_t p : {1, 2, 4, 8}) {
      for (const std::int64_t m : {p, 2 * p, 10 * p, 1000 * p}) {
        EXPECT_EQ(makespan(ScheduleKind::zb_h1, p, 1, m, t), m * sum + (p - 1) * (t.forward + t.backward_input - t.backward_weight)) << p << ' ' << m;
      }
    }
  }
}

// With equal times no rank ever waits between its first and its last instruction; only the start is staggered by the ranks before it.
TEST(PublishedBubble, ZeroBubbleV) {
  for (const std::int64_t p : {1, 2, 4, 8}) {
    for (const std::int64_t m : {2 * p - 1, 2 * p, 10 * p, 1000 * p}) {
      EXPECT_EQ(makespan(ScheduleKind::zb_v, p, 2, m, {7, 7, 7}), 7 * (6 * m + p - 1)) << p << ' ' << m;
    }
  }
}

// (PP/2 - 1)(F&B + B - 3W), B the whole backward, for the rank that waits most. It supposes F equal to the input gradient and W not longer.
TEST(PublishedBubble, DualPipeAndDualPipeV) {
  const auto bubble = [](ScheduleKind kind, std::int64_t ranks, std::int64_t microbatches, const UniformTimes& times) {
    const Schedule schedule = make_schedule(kind, ranks, 2, microbatches);
    const PipelineTimeline timeline = run_pipeline(schedule, testing::uniform_costs(schedule, times));
    Picoseconds longest;
    for (const RankTimeline& rank : timeline.ranks) longest = std::max(longest, timeline.makespan - rank.busy);
    return longest.count();
  };
  for (const UniformTimes& t : {UniformTimes{1, 1, 1, 3}, UniformTimes{10, 10, 10, 25}, UniformTimes{10, 10, 8, 28}, UniformTimes{10, 10, 9, 26}}) {
    const std::int64_t per_rank = t.pair + (t.backward_input + t.backward_weight) - 3 * t.backward_weight;
    for (const std::int64_t half : {1, 2, 4, 8}) {
      for (const std::int64_t m : {4 * half, 6 * half, 2000 * half}) {
        EXPECT_EQ(bubble(ScheduleKind::dualpipe, 2 * half, m, t), (half - 1) * per_rank) << half << ' ' << m;
        EXPECT_EQ(bubble(ScheduleKind::dualpipe_v, half, m, t), (half - 1) * per_rank) << half << ' ' << m;
      }
    }
  }
}

}  // namespace
}  // namespace zettatwin::workload
