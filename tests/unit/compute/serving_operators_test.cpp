// SPDX-License-Identifier: Apache-2.0
// Operators of serving by hand: latent attention and experts of a tuned engine.
#include <gtest/gtest.h>

#include <cmath>

#include "../../support/catalog_files.hpp"
#include "compute/operator_time.hpp"

namespace zettatwin::compute {
namespace {

using hardware::Precision;

template <class Q>
void set(config::Figure<Q>& figure, double si) {
  figure.value = Q::from_si(si);
  figure.present = true;
}

// 1 TFLOP/s, 1 GB/s.
hardware::Chip slow() {
  auto chip = test::catalog_chip("h100");
  set(chip.matrix_peak[Precision::bf16], 1e12);
  set(chip.memory.bandwidth, 1e9);
  set(chip.efficiency.stream.memory, 0.5);
  auto& latent = chip.efficiency.decode_latent[Precision::bf16];
  set(latent.launch, 0.001);
  set(latent.math, 0.5);
  set(latent.memory, 0.5);
  set(latent.half_bytes, 1000);
  chip.efficiency.served_experts.erase(Precision::fp4);  // of widened weights
  auto& experts = chip.efficiency.served_experts[Precision::bf16];
  set(experts.launch, 0.002);
  set(experts.math, 0.5);
  set(experts.memory, 0.25);
  return chip;
}

TEST(LatentDecode, ReadsOneVectorForAllHeads) {
  const auto chip = slow();
  // 2 sequences of 1000 vectors of 24 elements, 4 heads: 96,000 bytes of cache and 1000 of ramp; queries and results 2 x 4 x (24 + 16) x 2 = 640.
  const LatentDecode op{.batch = 2, .heads = 4, .kv_length = 1000, .latent = 16, .rope = 8};
  EXPECT_NEAR(time_of(chip, op).time.seconds().si(), 0.001 + (97'000 + 640) / 0.5e9, 1e-11);
  // With 2^16 heads it multiplies: 2 (24 + 16) x 2 x 65536 x 1000 FLOP.
  const LatentDecode many{.batch = 2, .heads = 65536, .kv_length = 1000, .latent = 16, .rope = 8};
  EXPECT_NEAR(time_of(chip, many).time.seconds().si(), 0.001 + 97.0 / 96 * 80.0 * 2 * 65536 * 1000 / 0.5e12, 1e-9);
  EXPECT_EQ(time_of(chip, LatentDecode{}).time.count(), 0);
}

TEST(IndexScores, ReadsKeysOnceAndScoresThreeTimes) {
  auto chip = slow();
  set(chip.efficiency.stream.launch, 0.002);
  // 1,000 keys of 32 bytes and 1,000 of ramp; scores of 2,000 pairs, 4 bytes, written once and read twice.
  const IndexScores op{.pairs = 2000, .keys = 1000, .heads = 4, .head_dim = 16, .key_bytes = 32, .precision = Precision::bf16};
  EXPECT_NEAR(time_of(chip, op).time.seconds().si(), 0.003 + 33'000 / 0.5e9 + 12 * 2000 / 0.5e9, 1e-11);
  EXPECT_EQ(time_of(chip, op).flop.si(), 2.0 * 2000 * 4 * 16);
  // Blocks of 8 keys keep one score per head.
  auto blocks = op;
  blocks.block = 8;
  EXPECT_NEAR(time_of(chip, blocks).time.seconds().si(), 0.003 + 33'000 / 0.5e9 + 12 * 2000 * 4 / 8 / 0.5e9, 1e-11);
  // Many heads multiply: the ramp is the cache's.
  auto many = op;
  many.heads = 1 << 20;
  EXPECT_NEAR(time_of(chip, many).time.seconds().si(), 0.003 + 2.0 * 2000 * (1 << 20) * 16 / 0.5e12 + 12 * 2000 / 0.5e9, 1e-9);
  // Prompts score at the rates of prompts' attention, without a ramp.
  auto& prompt = chip.efficiency.attention[Precision::bf16];
  set(prompt.launch, 0.004);
  set(prompt.math, 0.25);
  set(prompt.memory, 1);
  many.decoding = false;
  EXPECT_NEAR(time_of(chip, many).time.seconds().si(), 0.006 + 2.0 * 2000 * (1 << 20) * 16 / 0.25e12 + 12 * 2000 / 0.5e9, 1e-9);
  EXPECT_EQ(time_of(chip, IndexScores{}).time.count(), 0);
}

TEST(LatentDecode, MoreIsNeverFaster) {
  const auto chip = test::catalog_chip("h800");
  for (const std::int64_t batch : {1, 7, 64, 500})
    for (const std::int64_t keys : {1, 100, 5000}) {
      const LatentDecode op{.batch = batch, .heads = 128, .q_length = 2, .kv_length = keys};
      auto more = op;
      more.kv_length += 1;
      EXPECT_GE(time_of(chip, more).time, time_of(chip, op).time);
      more = op;
      more.q_length += 1;
      EXPECT_GE(time_of(chip, more).time, time_of(chip, op).time);
    }
}

TEST(ServedExperts, ReadTheExpertsHitAndMoveTheRows) {
  const auto chip = slow();
  const ServedExperts op{.rows = 10, .hit = 3, .hidden = 100, .inter = 50};
  const double math = 6 * 10 * 100 * 50 / 0.5e12, stream = (3 * 100 * 50 * 2 * 3 + 2 * 10 * (200 + 150)) / 0.25e9, moving = 8 * 10 * 100 / 0.5e9;
  EXPECT_NEAR(time_of(chip, op).time.seconds().si(), 0.002 + std::hypot(math, stream) + moving, 1e-11);
  auto rounded = op;
  rounded.computed = 128 * 3;
  const double more = 6 * 384 * 100 * 50 / 0.5e12, wide = (3 * 100 * 50 * 2 * 3 + 2 * 384 * (200 + 150)) / 0.25e9;
  EXPECT_NEAR(time_of(chip, rounded).time.seconds().si(), 0.002 + std::hypot(more, wide) + moving, 1e-11) << "rows are moved as they are, and multiplied rounded up";
  auto narrow = op;
  narrow.weight_bytes = 0.5;
  EXPECT_NEAR((time_of(chip, op).time - time_of(chip, narrow).time).seconds().si(), 3 * 100 * 50 * 1.5 * 3 / 0.25e9, 1e-8);
}

TEST(ServedExperts, OrderedRowsAreNeitherSortedNorSummed) {
  auto chip = slow();
  const ServedExperts op{.rows = 10, .hit = 3, .hidden = 100, .inter = 50}, ordered{.rows = 10, .hit = 3, .hidden = 100, .inter = 50, .ordered = true};
  const auto saved = [&] { return (time_of(chip, op).time - time_of(chip, ordered).time).seconds().si(); };
  EXPECT_NEAR(saved(), 8 * 10 * 100 / 0.5e9, 1e-11) << "a launch that was measured stays";
  chip.efficiency.served_experts.clear();
  set(chip.efficiency.stream.launch, 1e-4);
  EXPECT_NEAR(saved(), 3 * 1e-4 + 8 * 10 * 100 / 0.5e9, 1e-11) << "of four small kernels the activation is left";
}

TEST(SortingOfOthers, FollowsTheLibraryTheEnginesOwnFigureOrTheStream) {
  auto chip = slow();
  chip.efficiency.expert_layer.clear();
  const auto time = [&] { return sorting_of_others(chip, Precision::bf16, 30, 2, 100).si(); };
  EXPECT_NEAR(time(), 30 * 4 * 100 / (2 * 1e9 * chip.efficiency.stream.memory.si()), 1e-12) << "a row of every token, shared by its choices";
  auto& layer = chip.efficiency.expert_layer[Precision::bf16];
  layer.combine.value = units::Ratio::from_si(0.25);
  layer.per_choice.value = units::Seconds::from_si(1e-6);
  EXPECT_NEAR(time(), 30 * (1e-6 + 4 * 100 / (2 * 1e9 * 0.25)), 1e-12);
  auto& own = chip.efficiency.served_experts[Precision::bf16].combine;
  own.value = units::Ratio::from_si(0.05);
  own.present = true;
  EXPECT_NEAR(time(), 30 * 4 * 100 / (2 * 1e9 * 0.05), 1e-12);
  EXPECT_EQ(sorting_of_others(chip, Precision::bf16, 0, 2, 100).si(), 0);
}

TEST(ServedExperts, NarrowWeightsOfMissingProductsAreWidened) {
  auto chip = slow();
  auto& widening = chip.efficiency.served_experts[Precision::fp4];
  set(widening.launch, 0.003);
  set(widening.math, 0.4);
  set(widening.memory, 0.125);
  const ServedExperts op{.rows = 10, .hit = 3, .hidden = 100, .inter = 50, .weight_bytes = 0.5};
  const double math = 6 * 10 * 100 * 50 / 0.4e12, stream = (3 * 100 * 50 * 0.5 * 3 + 2 * 10 * (200 + 150)) / 0.125e9, moving = 8 * 10 * 100 / 0.5e9;
  EXPECT_NEAR(time_of(chip, op).time.seconds().si(), 0.003 + std::hypot(math, stream) + moving, 1e-11);
  auto eight = op;
  eight.weight_bytes = 1;  // widened faster than memory brings them
  EXPECT_NEAR(time_of(chip, eight).time.seconds().si(), 0.002 + std::hypot(6 * 10 * 100 * 50 / 0.5e12, (3 * 100 * 50 * 3 + 7000) / 0.25e9) + moving, 1e-11);
  chip.matrix_peak[Precision::fp4] = chip.matrix_peak[Precision::bf16];  // then the entry is of products in fp4
  EXPECT_NEAR(time_of(chip, op).time.seconds().si(), 0.002 + std::hypot(6 * 10 * 100 * 50 / 0.5e12, (3 * 100 * 50 * 0.5 * 3 + 7000) / 0.25e9) + moving, 1e-11);
}

TEST(ServedExperts, DenseProductsReadNoFasterThanWeightsAreWidened) {
  auto chip = test::catalog_chip("h200");
  const Gemm op{.m = 8, .n = 16384, .k = 16384, .weight_bytes = 0.53125};
  const double bytes = 0.53125 * 16384 * 16384, share = chip.efficiency.served_experts.at(Precision::fp4).memory.si();
  EXPECT_LT(share, chip.efficiency.gemm_of(Precision::bf16).memory.si());
  EXPECT_GT(time_of(chip, op).time.seconds().si(), bytes / (share * chip.memory.bandwidth.si()));
  auto wide = op;
  wide.weight_bytes = 0;
  const auto before = time_of(chip, wide).time;
  chip.efficiency.served_experts.erase(Precision::fp4);
  EXPECT_EQ(time_of(chip, wide).time, before);
}

TEST(ServedExperts, WithoutFiguresGroupedAndDenseProductsServe) {
  auto chip = test::catalog_chip("h100");
  chip.efficiency.served_experts.clear();
  const auto built = served_experts_of(chip, Precision::bf16);
  const auto& gemm = chip.efficiency.gemm_of(Precision::bf16);
  EXPECT_DOUBLE_EQ(built.math.si(), gemm.math.si() * chip.efficiency.grouped.math.si() * chip.efficiency.sustained.si());
  EXPECT_DOUBLE_EQ(built.launch.si(), 2 * (gemm.launch.si() + chip.efficiency.grouped.launch.si()) + 4 * chip.efficiency.stream.launch.si());
}

TEST(DecodingTime, WithoutFiguresTheCacheStreams) {
  auto chip = test::catalog_chip("h100");
  const AttentionOp op{.batch = 64, .heads = 32, .kv_heads = 8, .q_length = 1, .kv_length = 4096, .head_dim = 128, .v_head_dim = 128};
  EXPECT_EQ(decoding_time(chip, op).time, time_of(chip, op).time);
  chip.efficiency.decode.clear();
  const auto& gemm = chip.efficiency.gemm_of(Precision::bf16);
  const double bytes = 256 * 2 * (64 * 8 * 4096.0 + 64 * 32);
  EXPECT_GE(decoding_time(chip, op).time.seconds().si(), bytes / (chip.memory.bandwidth.si() * gemm.memory.si()));
  EXPECT_LT(decoding_time(chip, op).time.seconds().si(), 1.2 * bytes / (chip.memory.bandwidth.si() * gemm.memory.si()));
}

TEST(NarrowWeights, AreReadNarrow) {
  const auto chip = test::catalog_chip("h100");
  const Gemm wide{.m = 8, .n = 16384, .k = 16384}, narrow{.m = 8, .n = 16384, .k = 16384, .weight_bytes = 0.5};
  EXPECT_LT(time_of(chip, narrow).time.seconds().si(), 0.4 * time_of(chip, wide).time.seconds().si());
}

}  // namespace
}  // namespace zettatwin::compute
