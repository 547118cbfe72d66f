// SPDX-License-Identifier: Apache-2.0
#include "plan/check.hpp"

#include <gtest/gtest.h>

#include "models.hpp"

namespace zettatwin::plan {
namespace {

using testing::dense_model;
using testing::expert_model;

// Texts of all diagnostics, one a line.
std::string report(const Plan& plan, const model::Architecture& architecture, std::int64_t sequence = 4096) {
  config::Diagnostics d;
  const bool good = check(plan, architecture, sequence, config::location_in("plan"), d);
  EXPECT_EQ(good, !d.has_errors());
  std::string text;
  for (const auto& diagnostic : d.all()) text += diagnostic.text() + "\n";
  return text;
}

bool says(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

TEST(Check, AcceptsUsualPlans) {
  EXPECT_EQ(report(Plan{}, dense_model()), "");
  EXPECT_EQ(report(Plan{.tp = 16, .pp = 4}, dense_model()), "");  // 8 key/value heads replicated twice
  EXPECT_EQ(report(Plan{.tp = 4, .cp = 8, .cp_kind = ContextParallelKind::all_to_all}, dense_model()), "");
  EXPECT_EQ(report(Plan{.tp = 4, .ep = 64, .pp = 4, .vpp = 4, .schedule = ScheduleKind::interleaved, .expert_imbalance = 1.2}, expert_model()), "");
  EXPECT_EQ(report(Plan{.pp = 4, .vpp = 2, .schedule = ScheduleKind::zb_v}, dense_model()), "");
}

TEST(Check, SizesThatDoNotDivide) {
  EXPECT_TRUE(says(report(Plan{.tp = 3}, dense_model()), "tp 3 does not divide the 32 attention heads"));
  EXPECT_TRUE(says(report(Plan{.tp = 3}, dense_model()), "try tp=2"));
  EXPECT_TRUE(says(report(Plan{.tp = 12}, dense_model(32, 48, 8)), "tp 12 and the 8 key/value heads"));
  EXPECT_TRUE(says(report(Plan{.ep = 60}, expert_model()), "ep 60 does not divide the 64 experts"));
  EXPECT_TRUE(says(report(Plan{.ep = 60}, expert_model()), "try ep=64"));
  EXPECT_TRUE(says(report(Plan{.etp = 3}, expert_model()), "etp 3 does not divide the 2048 features"));
  EXPECT_TRUE(says(report(Plan{.tp = 8, .cp = 8, .cp_kind = ContextParallelKind::all_to_all}, dense_model()), "does not divide the 4 heads per"));
  EXPECT_TRUE(says(report(Plan{.cp = 3}, dense_model()), "does not divide the sequence of 4096 tokens into 6"));
  EXPECT_TRUE(says(report(Plan{.tp = 8}, dense_model(), 4100), "tp 8 does not divide the 4100 tokens"));
}

TEST(Check, ExpertsOnDenseModels) {
  EXPECT_TRUE(says(report(Plan{.ep = 8}, dense_model()), "error: ep is 8 but dense has no experts"));
  EXPECT_TRUE(says(report(Plan{.etp = 2}, dense_model()), "error: etp is 2"));
  const auto warned = report(Plan{.overlap = {.ep = true}, .expert_imbalance = 1.5}, dense_model());
  EXPECT_TRUE(says(warned, "warning: expert_imbalance has no effect"));
  EXPECT_TRUE(says(warned, "warning: overlap.ep has no effect"));
  EXPECT_EQ(report(Plan{.ep = 8, .pp = 4, .overlap = {.ep = true}}, expert_model()), "");
  EXPECT_EQ(report(Plan{.ep = 8, .pp = 4, .schedule = ScheduleKind::dualpipe_v, .overlap = {.ep = true}}, expert_model()), "");
  EXPECT_TRUE(says(report(Plan{.tp = 2, .sequence_parallel = false}, expert_model()), "need sequence_parallel"));
}

TEST(Check, Schedules) {
  EXPECT_TRUE(says(report(Plan{.pp = 4, .vpp = 2}, dense_model()), "vpp is 2 but the schedule is 1f1b"));
  EXPECT_TRUE(says(report(Plan{.pp = 4, .vpp = 3, .schedule = ScheduleKind::dualpipe_v}, dense_model()), "vpp is 3"));
  EXPECT_TRUE(says(report(Plan{.pp = 5, .schedule = ScheduleKind::dualpipe}, dense_model(30)), "dualpipe needs an even pp, not 5"));
  EXPECT_TRUE(says(report(Plan{.pp = 64}, dense_model()), "32 layers cannot fill 64 pipeline chunks"));
  EXPECT_TRUE(says(report(Plan{.pp = 16, .vpp = 4, .schedule = ScheduleKind::interleaved}, dense_model()), "try pp=8"));
  EXPECT_TRUE(says(report(Plan{.schedule = ScheduleKind::zb_h1}, dense_model()), "schedule=zb_h1 has no effect"));
}

TEST(Check, RecomputeAndStates) {
  EXPECT_TRUE(says(report(Plan{.recompute_layers = 2}, dense_model()), "recompute_layers has no effect"));
  EXPECT_TRUE(says(report(Plan{.pp = 4, .recompute = Recompute::full, .recompute_layers = 9}, dense_model()), "recompute_layers is 9 but a chunk has at most about 8"));
  EXPECT_TRUE(says(report(Plan{.zero = 0, .zero_group = 8}, dense_model()), "zero_group has no effect"));
  EXPECT_TRUE(says(report(Plan{.moment_type = NumberType::none}, dense_model()), "adam has moments"));
  EXPECT_TRUE(says(report(Plan{.parameter_type = NumberType::fp8, .master_type = NumberType::none}, dense_model()), "need a master copy"));
}

TEST(Check, SettingsWithoutEffect) {
  EXPECT_TRUE(says(report(Plan{.overlap = {.tp = true}}, dense_model()), "overlap.tp has no effect"));
  EXPECT_TRUE(says(report(Plan{.cp_kind = ContextParallelKind::all_to_all}, dense_model()), "cp_kind has no effect"));
  EXPECT_TRUE(says(report(Plan{.pp = 2, .vpp = 1, .schedule = ScheduleKind::interleaved}, dense_model()), "schedule=interleaved has no effect"));
}

TEST(Check, ReportsAllAtOnce) {
  config::Diagnostics d;
  EXPECT_FALSE(check(Plan{.tp = 3, .ep = 8, .pp = 33, .recompute_layers = 2}, dense_model(), 4096, config::location_in("plan"), d));
  EXPECT_GE(d.error_count(), 3u);
  EXPECT_GT(d.all().size(), d.error_count());
}

TEST(CheckReplicas, BatchAndShardingGroup) {
  config::Diagnostics d;
  EXPECT_TRUE(check_replicas(Plan{.zero_group = 16, .micro_batch = 2, .global_batch = 1024}, 64, config::location_in("plan"), d));
  EXPECT_FALSE(check_replicas(Plan{.zero_group = 24, .micro_batch = 2, .global_batch = 1000}, 64, config::location_in("plan"), d));
  ASSERT_EQ(d.error_count(), 2u);
  EXPECT_TRUE(says(d.all()[0].text(), "try global_batch=1024"));
  EXPECT_TRUE(says(d.all()[1].text(), "try zero_group=16"));
}

TEST(NearestDivisor, PrefersTheSmallerOfTwo) {
  EXPECT_EQ(nearest_divisor(64, 60, 64), 64);
  EXPECT_EQ(nearest_divisor(64, 3, 64), 2);
  EXPECT_EQ(nearest_divisor(12, 5, 12), 4);
  EXPECT_EQ(nearest_divisor(7, 5, 6), 1);
}

}  // namespace
}  // namespace zettatwin::plan
