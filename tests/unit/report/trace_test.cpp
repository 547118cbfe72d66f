// SPDX-License-Identifier: Apache-2.0
// Timelines: valid Chrome trace JSON, one process per pipeline rank, no two computations of a rank at once.
#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <vector>

#include "answered.hpp"

namespace zettatwin::report {
namespace {

using Json = nlohmann::json;
using namespace testing;

class TraceTest : public ::testing::TestWithParam<plan::ScheduleKind> {};

TEST_P(TraceTest, IsAValidTimeline) {
  plan::Plan plan{.tp = 2, .ep = 4, .pp = 4, .vpp = GetParam() == plan::ScheduleKind::interleaved ? 2 : 1, .schedule = GetParam()};
  const auto a = answered(plan, "dgx-h100", 64, "mixtral-8x7b", 40);
  const auto j = Json::parse(trace(a.subject()));
  EXPECT_EQ(j["displayTimeUnit"], "ms");
  const double step_us = a.result.step_time.seconds().si() * 1e6;
  std::map<std::pair<int, int>, std::vector<std::pair<double, double>>> tracks;
  std::map<int, std::string> names;
  for (const auto& e : j["traceEvents"]) {
    const std::string phase = e["ph"];
    ASSERT_TRUE(phase == "M" || phase == "X") << phase;
    const int pid = e["pid"];
    if (phase == "M") {
      if (e["name"] == "process_name") names[pid] = e["args"]["name"];
      continue;
    }
    EXPECT_TRUE(e["name"].is_string());
    const double start = e["ts"], duration = e["dur"];
    EXPECT_GE(start, 0);
    EXPECT_GE(duration, 0);
    EXPECT_LE(start + duration, step_us * (1 + 1e-9));
    tracks[{pid, e["tid"].get<int>()}].emplace_back(start, start + duration);
  }
  EXPECT_EQ(names.size(), 4u) << "one process per pipeline rank";
  for (auto& [track, intervals] : tracks) {
    std::sort(intervals.begin(), intervals.end());
    for (std::size_t i = 1; i < intervals.size(); ++i) ASSERT_LE(intervals[i - 1].second, intervals[i].first + 1e-6) << "rank " << track.first << ", stream " << track.second;
  }
  EXPECT_GE(tracks.size(), 4u);
}

INSTANTIATE_TEST_SUITE_P(Schedules, TraceTest,
                         ::testing::Values(plan::ScheduleKind::one_f_one_b, plan::ScheduleKind::interleaved, plan::ScheduleKind::zb_h1, plan::ScheduleKind::zb_v, plan::ScheduleKind::dualpipe,
                                           plan::ScheduleKind::dualpipe_v));

TEST(Trace, WithoutALimitHoldsNoInstructions) {
  const auto j = Json::parse(trace(usual().subject()));
  for (const auto& e : j["traceEvents"]) EXPECT_FALSE(e["ph"] == "X" && e["tid"] == 0 && e["name"] != "optimizer") << e;
}

}  // namespace
}  // namespace zettatwin::report
