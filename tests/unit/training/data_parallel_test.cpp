// SPDX-License-Identifier: Apache-2.0
// Once-per-step work of a rank: bytes and times by hand, on links of 2^30 B/s.
#include "../../support/toy.hpp"
#include "training/data_parallel.hpp"
#include "workload/memory_states.hpp"

namespace zettatwin::training {
namespace {

constexpr double kLink = 1073741824.0;
// Per layer of the toy model: 4 h^2 of attention, 2 h f of feed-forward, two norms.
constexpr double kLayer = 4 * 512.0 * 512 + 2 * 512.0 * 1024 + 2 * 512;
constexpr double kTable = 1024.0 * 512;

class DataParallelTest : public ::testing::Test {
 protected:
  void make(plan::Plan plan, std::int64_t chips, const std::string& model = test::kToyDense, double memory = 1e24) {
    job = test::toy_job({.bytes_per_s = memory, .levels = {{"node", chips, kLink}}}, model);
    job.plan = std::move(plan);
    config::Diagnostics diagnostics;
    placement = plan::place(job.plan, job.machine, 0, config::location_in("test"), diagnostics);
    ASSERT_TRUE(placement) << test::text_of(diagnostics);
    timer.emplace(job.machine.chip, job.plan, *placement, job.architecture);
    data_parallel.emplace(job.architecture, job.plan, *timer, job.software);
  }
  static double seconds(units::Picoseconds t) { return t.seconds().si(); }

  training::Job job;
  std::optional<plan::Placement> placement;
  std::optional<OperationTimer> timer;
  std::optional<DataParallel> data_parallel;
};

TEST_F(DataParallelTest, OneBucketPerLayerAndEnd) {
  make({}, 1);
  const auto buckets = data_parallel->buckets({.layers = {{0, 2, 0}}, .has_embedding = true, .has_head = true});
  ASSERT_EQ(buckets.size(), 4u);
  EXPECT_EQ(buckets[0].dense, kTable);
  EXPECT_EQ(buckets[1].dense, kLayer);
  EXPECT_EQ(buckets[2].dense, kLayer);
  EXPECT_EQ(buckets[3].dense, kTable);
  EXPECT_EQ(buckets[1].experts, 0);
}

// From the back: the table of the head with one layer, the other layer with the input table.
TEST_F(DataParallelTest, LayersArePutTogetherUntilABucketIsFull) {
  make({}, 1);
  const plan::ModelChunk chunk{.layers = {{0, 2, 0}}, .has_embedding = true, .has_head = true};
  job.software.bucket_parameters = static_cast<std::int64_t>(kTable + kLayer);
  const auto two = data_parallel->buckets(chunk);
  ASSERT_EQ(two.size(), 2u);
  EXPECT_EQ(two[0].dense, kTable + kLayer);
  EXPECT_EQ(two[1].dense, kLayer + kTable);
  job.software.bucket_parameters = static_cast<std::int64_t>(2 * kTable + 2 * kLayer) - 1;
  const auto rest = data_parallel->buckets(chunk);
  ASSERT_EQ(rest.size(), 2u);
  EXPECT_EQ(rest[0].dense, kTable) << "what comes first in the model is left for last";
  job.software.bucket_parameters += 1;
  EXPECT_EQ(data_parallel->buckets(chunk).size(), 1u);
}

// 8 bytes per parameter of a memory of 2^30 B/s, where there is somebody to reduce with.
TEST_F(DataParallelTest, CopiesIntoBucketsAndBack) {
  const ShardedParameters all{.dense = 1024.0 * 1024, .experts = 0};
  make({.dp = 2}, 2, test::kToyDense, kLink);
  EXPECT_EQ(data_parallel->copy_time(all).count(), 0) << "reduced in place";
  job.software.bucket_copy = {.value = units::Bytes::from_si(8), .provenance = {}, .present = true};
  const double seconds_each = 8 * all.dense / kLink;
  EXPECT_NEAR(seconds(data_parallel->copy_time(all)), seconds_each, 1e-9);
  make({.dp = 2, .zero = 2}, 2, test::kToyDense, kLink);
  job.software.bucket_copy = {.value = units::Bytes::from_si(8), .provenance = {}, .present = true};
  EXPECT_EQ(data_parallel->copy_time(all).count(), 0) << "layers are reduced one by one";
  make({}, 1, test::kToyDense, kLink);
  job.software.bucket_copy = {.value = units::Bytes::from_si(8), .provenance = {}, .present = true};
  EXPECT_EQ(data_parallel->copy_time(all).count(), 0) << "nobody to reduce with";
}

TEST_F(DataParallelTest, ATiedTableIsOneOnItsRank) {
  const std::string tied = "{model_type: transformer, hidden_size: 512, num_hidden_layers: 2, vocab_size: 1024, num_attention_heads: 4, intermediate_size: 1024, tie_word_embeddings: true}";
  make({}, 1, tied);
  EXPECT_EQ(data_parallel->buckets({.has_embedding = true, .has_head = true}).back().dense, 0);
  EXPECT_EQ(data_parallel->buckets({.has_head = true}).back().dense, kTable) << "a copy on another rank has gradients of its own";
}

TEST_F(DataParallelTest, BucketsAreTheParametersThatMemoryCounts) {
  make({.tp = 2, .ep = 2}, 4, test::kToyExperts);
  const plan::Layout layout{.chunks = {{.layers = {{0, 1, 0}, {1, 3, 1}}, .has_embedding = true, .has_head = true}}, .held = {{0}}};
  const auto counted = workload::rank_parameters(job.architecture, job.plan, layout, 0);
  ShardedParameters sum;
  for (const auto& bucket : data_parallel->buckets(layout.chunks[0])) {
    sum.dense += bucket.dense;
    sum.experts += bucket.experts;
  }
  EXPECT_DOUBLE_EQ(sum.experts, counted.experts);
  EXPECT_NEAR(sum.dense, counted.tables + counted.hidden, 512) << "but for the final norm";
}

TEST_F(DataParallelTest, ReductionByZeroStage) {
  const ShardedParameters bucket{.dense = kLayer};
  const double half = 4 * kLayer / 2 / kLink;  // fp32 gradients: a reduce-scatter over two moves half of them
  make({.zero = 1}, 2);
  EXPECT_NEAR(seconds(data_parallel->reduce_time(bucket)), half, 1e-11);
  make({.zero = 0}, 2);
  EXPECT_NEAR(seconds(data_parallel->reduce_time(bucket)), 2 * half, 1e-11) << "an all-reduce moves twice that";
  make({.zero = 1, .reduce_type = plan::NumberType::bf16}, 2);
  EXPECT_NEAR(seconds(data_parallel->reduce_time(bucket)), half / 2, 1e-11);
  for (const std::int64_t zero : {2, 3}) {
    make({.zero = zero}, 2);
    EXPECT_EQ(data_parallel->reduce_time(bucket).count(), 0) << "each microbatch reduced already";
  }
}

TEST_F(DataParallelTest, GatherByZeroStage) {
  const ShardedParameters bucket{.dense = kLayer};
  for (const std::int64_t zero : {1, 2}) {
    make({.zero = zero}, 2);
    EXPECT_NEAR(seconds(data_parallel->gather_time(bucket)), 2 * kLayer / 2 / kLink, 1e-11) << "bf16 parameters";
  }
  for (const std::int64_t zero : {0, 3}) {
    make({.zero = zero}, 2);
    EXPECT_EQ(data_parallel->gather_time(bucket).count(), 0);
  }
}

TEST_F(DataParallelTest, HybridShardingReducesInTheGroupAndThenOverReplicas) {
  make({.zero = 1, .zero_group = 2}, 8);
  const ShardedParameters bucket{.dense = kLayer};
  const double scatter = 4 * kLayer / 2 / kLink, over_replicas = 2 * (4 * kLayer / 2) * 3 / 4 / kLink;
  EXPECT_NEAR(seconds(data_parallel->reduce_time(bucket)), scatter + over_replicas, 1e-11);
  EXPECT_NEAR(seconds(data_parallel->gather_time(bucket)), 2 * kLayer / 2 / kLink, 1e-11) << "within the group";
}

TEST_F(DataParallelTest, ExpertsReduceOverTheirOwnReplicas) {
  make({.ep = 4, .zero = 1}, 8, test::kToyExperts);  // each expert is on two ranks
  const ShardedParameters bucket{.dense = 0, .experts = 1e6};
  EXPECT_NEAR(seconds(data_parallel->reduce_time(bucket)), 4e6 / 2 / kLink, 1e-11);
}

TEST_F(DataParallelTest, BytesOfTheOptimizer) {
  const ShardedParameters all{.dense = 1000, .experts = 0};
  make({.zero = 0}, 2);
  // Adam, fp32 states: gradients twice, master read and written, two moments read and written, bf16 parameters written.
  EXPECT_EQ(data_parallel->optimizer_bytes(all).si(), 1000 * (8 + 8 + 16 + 2));
  make({.zero = 1}, 2);
  EXPECT_EQ(data_parallel->optimizer_bytes(all).si(), 500 * 34) << "each rank updates its shard";
  make({.zero = 0, .optimizer = plan::OptimizerKind::sgd_momentum}, 2);
  EXPECT_EQ(data_parallel->optimizer_bytes(all).si(), 1000 * 26);
  make({.zero = 0, .master_type = plan::NumberType::none}, 2);
  EXPECT_EQ(data_parallel->optimizer_bytes(all).si(), 1000 * (8 + 16 + 2 + 2)) << "without a master copy the parameters are read";
  make({.ep = 4, .zero = 1}, 8, test::kToyExperts);
  EXPECT_EQ(data_parallel->optimizer_bytes({.dense = 8000, .experts = 1000}).si(), 34 * (1000 + 500));
}

TEST_F(DataParallelTest, TimeOfTheOptimizer) {
  make({.zero = 0}, 1, test::kToyDense, 1e9);
  EXPECT_NEAR(seconds(data_parallel->optimizer_time({.dense = 1e6})), 34e6 / 1e9, 1e-11);
}

TEST_F(DataParallelTest, OneReplicaReducesNothing) {
  make({.zero = 1}, 1);
  EXPECT_EQ(data_parallel->reduce_time({.dense = 1e6}).count(), 0);
  EXPECT_EQ(data_parallel->gather_time({.dense = 1e6}).count(), 0);
  EXPECT_EQ(data_parallel->norm_time().count(), 0);
}

}  // namespace
}  // namespace zettatwin::training
