// SPDX-License-Identifier: Apache-2.0
// Parameters of a rank and the bytes of their states against the ZeRO table and Megatron's counts.
#include "workload/memory_states.hpp"

#include <gtest/gtest.h>

#include "memory_models.hpp"
#include "model/parameters.hpp"

namespace zettatwin::workload {
namespace {

using plan::NumberType;
using plan::Plan;

double total(const StateBytes& s) { return s.weights + s.gradients + s.master + s.moments; }

double per_parameter(Plan plan, std::int64_t dp) {
  const RankParameters p{.tables = 100, .hidden = 900, .experts = 0, .widest = 10};
  return total(state_bytes(p, plan, dp, 0, 0)) / p.total();
}

TEST(States, ZeroTable) {
  // Rajbhandari et al. 2020, table of mixed-precision Adam: 16, 4 + 12/d, 2 + 14/d, 16/d.
  Plan plan{.gradient_type = NumberType::bf16, .reduce_type = NumberType::bf16};
  constexpr double d = 64;
  for (const auto& [stage, expected] : {std::pair{0, 16.0}, {1, 4 + 12 / d}, {2, 2 + 14 / d}, {3, 16 / d}}) {
    plan.zero = stage;
    EXPECT_NEAR(per_parameter(plan, 64), expected, 1e-12) << stage;
  }
}

TEST(States, MegatronWithFp32Gradients) {
  EXPECT_NEAR(per_parameter({.zero = 0}, 64), 18, 1e-12);
  EXPECT_NEAR(per_parameter({.zero = 1}, 64), 6 + 12.0 / 64, 1e-12);
  EXPECT_NEAR(per_parameter({.cp = 4, .zero = 1}, 16), 6 + 12.0 / 64, 1e-12);  // context ranks hold replicas too
}

TEST(States, HybridGroupShardsOverItsRanksOnly) { EXPECT_NEAR(per_parameter({.zero = 3, .zero_group = 8}, 64), 18.0 / 8, 1e-12); }

TEST(States, ExpertsShardOverFewerRanks) {
  // 512 ranks: tp 2 x dp 256. Experts over ep 64: 8 replicas each.
  const Plan plan{.tp = 2, .ep = 64, .zero = 1};
  const auto shards = shards_of(plan, 256);
  EXPECT_DOUBLE_EQ(shards.dense, 256);
  EXPECT_DOUBLE_EQ(shards.experts, 8);
  const RankParameters p{.hidden = 0, .experts = 1000};
  EXPECT_NEAR(total(state_bytes(p, plan, 256, 0, 0)) / 1000, 6 + 12.0 / 8, 1e-12);
}

TEST(States, OptimizersAndTypes) {
  EXPECT_NEAR(per_parameter({.zero = 0, .optimizer = plan::OptimizerKind::sgd_momentum}, 1), 14, 1e-12);
  EXPECT_NEAR(per_parameter({.zero = 0, .optimizer = plan::OptimizerKind::muon}, 1), 14 + 4 * 0.1, 1e-12);  // Adam on a tenth
  EXPECT_NEAR(per_parameter({.zero = 0, .moment_type = NumberType::bf16}, 1), 14, 1e-12);                   // DeepSeek-V3
  EXPECT_NEAR(per_parameter({.zero = 0, .parameter_type = NumberType::fp32, .master_type = NumberType::none}, 1), 16, 1e-12);
}

TEST(States, BuffersOfShardedStages) {
  const RankParameters p{.tables = 50, .hidden = 1000, .experts = 0, .widest = 100};
  EXPECT_EQ(state_bytes(p, {.zero = 1}, 8, 40, 1).buckets, 0);  // reduced in place
  EXPECT_EQ(state_bytes(p, {.zero = 1, .reduce_type = NumberType::bf16}, 8, 40, 1).buckets, 80);
  EXPECT_EQ(state_bytes(p, {.zero = 2}, 8, 40, 1).buckets, 800);  // two layers, fp32
  EXPECT_EQ(state_bytes(p, {.zero = 3}, 8, 40, 1).gathered, 400); // two layers, bf16
  EXPECT_EQ(state_bytes(p, {.zero = 3}, 1, 40, 1).gathered, 0);
}

TEST(RankParameters, AddUpToTheModel) {
  const auto a = testing::latent_experts(3, 58);
  const Plan plan{.pp = 4};
  config::Diagnostics d;
  const auto layout = plan::make_layout(plan, a, config::location_in("test"), d);
  double sum = 0;
  for (std::size_t rank = 0; rank < 4; ++rank) sum += rank_parameters(a, plan, *layout, rank).total();
  EXPECT_DOUBLE_EQ(sum, static_cast<double>(model::parameters_of(a).total));
}

TEST(RankParameters, ShardsAndReplicas) {
  const auto a = testing::latent_experts(1, 1);
  config::Diagnostics d;
  const Plan plan{.tp = 8, .ep = 64, .etp = 2};
  const auto p = rank_parameters(a, plan, *plan::make_layout(plan, a, config::location_in("test"), d), 0);
  EXPECT_DOUBLE_EQ(p.experts, 256.0 * 3 * 7168 * 2048 / 128);
  EXPECT_DOUBLE_EQ(p.tables, 2.0 * 7168 * 129280 / 8);
  const double down = 7168.0 * (1536 + 512 + 64) + 1536 + 512;
  const double up = 1536.0 * 128 * 192 + 512.0 * 128 * 256 + 128.0 * 128 * 7168;
  const double feed_forward = 3.0 * 7168 * (18432 + 2048) / 8;
  EXPECT_DOUBLE_EQ(p.hidden, 2 * (down + up / 8) + feed_forward + 7168.0 * 256 + 5 * 7168.0);
}

// One weight of each shape: attention, the widest feed-forward, one expert, the head where it is.
TEST(RankParameters, DistinctWeights) {
  const auto a = testing::latent_experts(3, 5);
  config::Diagnostics d;
  const Plan plan{.tp = 4, .ep = 8, .etp = 2, .pp = 2};
  const auto layout = plan::make_layout(plan, a, config::location_in("test"), d);
  ASSERT_TRUE(layout);
  const double down = 7168.0 * (1536 + 512 + 64) + 1536 + 512;
  const double up = 1536.0 * 128 * 192 + 512.0 * 128 * 256 + 128.0 * 128 * 7168;
  const double expert = 3.0 * 7168 * 2048 / 2, head = 7168.0 * 129280 / 4;
  EXPECT_DOUBLE_EQ(distinct_weights(a, plan, *layout, 0), down + up / 4 + 3.0 * 7168 * 18432 / 4 + expert) << "dense layers and expert layers";
  EXPECT_DOUBLE_EQ(distinct_weights(a, plan, *layout, 1), down + up / 4 + 3.0 * 7168 * 2048 / 4 + expert + head) << "expert layers and the head";
}

TEST(RankParameters, DualPipeHoldsStagesTwice) {
  auto a = testing::gpt(8, 1024, 8);
  config::Diagnostics d;
  const Plan plan{.pp = 4, .schedule = plan::ScheduleKind::dualpipe};
  const auto layout = plan::make_layout(plan, a, config::location_in("test"), d);
  double sum = 0;
  for (std::size_t rank = 0; rank < 4; ++rank) sum += rank_parameters(a, plan, *layout, rank).hidden;
  const auto once = static_cast<double>(model::parameters_of(a).total) - 1024.0 * 51200;
  EXPECT_DOUBLE_EQ(sum, 2 * once);
}

TEST(RankParameters, TiedTablesLiveAtBothEnds) {
  const auto a = testing::gpt(8, 1024, 8);
  config::Diagnostics d;
  const Plan one{.pp = 1}, two{.pp = 2};
  const double table = 1024.0 * 51200;
  EXPECT_DOUBLE_EQ(rank_parameters(a, one, *plan::make_layout(one, a, config::location_in("test"), d), 0).tables, table);
  for (const std::size_t rank : {0u, 1u}) EXPECT_DOUBLE_EQ(rank_parameters(a, two, *plan::make_layout(two, a, config::location_in("test"), d), rank).tables, table);
}

}  // namespace
}  // namespace zettatwin::workload
