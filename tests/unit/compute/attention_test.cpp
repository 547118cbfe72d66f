// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "compute/explain.hpp"
#include "round_chip.hpp"

namespace zettatwin::compute {
namespace {

// Visible scores, counted one by one.
double slow_scores(const AttentionOp& op) {
  double scores = 0;
  for (std::int64_t i = 1; i <= op.q_length; ++i) {
    const std::int64_t seen = op.kv_length - op.q_length + i;
    scores += static_cast<double>(op.window > 0 ? std::min(seen, op.window) : seen);
  }
  return scores;
}

AttentionOp square(std::int64_t length) {
  return {.batch = 2, .heads = 100, .kv_heads = 25, .q_length = length, .kv_length = length, .head_dim = 128, .v_head_dim = 64};
}

TEST(Attention, FlopCountVisibleScoresOnly) {
  for (const std::int64_t q : {1, 7, 128, 1000})
    for (const std::int64_t extra : {0, 5, 900})
      for (const std::int64_t window : {0, 1, 6, 300, 5000}) {
        auto op = square(q);
        op.kv_length += extra;
        op.window = window;
        EXPECT_DOUBLE_EQ(time_of(round_chip(), op).flop.si(), 2.0 * (128 + 64) * 200 * slow_scores(op)) << q << " " << extra << " " << window;
      }
}

// 200 heads x 8 tiles of 128 queries on 100 cores: 16 waves; the mean tile sees (1024 + 1) / 2 + 64 keys.
TEST(Attention, CausalSquareByHand) {
  const auto t = time_of(round_chip(), square(1024));
  const double key = 128 * 2.0 * (128 + 64) / 1e12;
  EXPECT_NEAR(t.waves, 16, 1e-12);
  EXPECT_NEAR(t.math.si(), 16 * (512.5 + 64) * key, 1e-12);
  EXPECT_DOUBLE_EQ(t.bytes.si(), 2.0 * (128 + 64) * 2 * 1024 * (100 + 25));
  EXPECT_NEAR(t.time.seconds().si(), t.math.si() + t.memory.si(), 1e-11);
}

TEST(Attention, SoftmaxAndTileOverheadAdd) {
  auto chip = round_chip();
  auto& a = chip.efficiency.attention.at(hardware::Precision::bf16);
  const double plain = time_of(chip, square(1024)).math.si();
  a.softmax = us(1e-6);
  a.tile = us(2);
  EXPECT_NEAR(time_of(chip, square(1024)).math.si(), plain + 16 * (512.5 + 64) * 128e-12 + 16 * 2e-6, 1e-12);
}

TEST(Attention, FewTilesAreBoundByTheLongest) {
  auto op = square(128);
  op.batch = 1, op.heads = 1, op.kv_heads = 1, op.kv_length = 4096;
  EXPECT_NEAR(time_of(round_chip(), op).math.si(), 4096 * 128 * 2.0 * 192 / 1e12, 1e-12);
}

TEST(Attention, BackwardTakesFiveProductsAtItsOwnRate) {
  auto chip = round_chip();
  chip.efficiency.attention.at(hardware::Precision::bf16).backward = ratio(0.8);
  auto op = square(1024);
  const auto forward = time_of(chip, op);
  chip.efficiency.attention.at(hardware::Precision::bf16).flash1 = ratio(0.5);
  op.kernel = AttentionKernel::flash1;
  EXPECT_NEAR(time_of(chip, op).math.si(), 2 * forward.math.si(), 1e-12) << "half the rate";
  op.kernel = AttentionKernel::flash2;
  EXPECT_DOUBLE_EQ(time_of(chip, op).math.si(), forward.math.si()) << "no figure: the same";
  op.kernel = AttentionKernel::best;
  op.backward = true;
  const auto backward = time_of(chip, op);
  EXPECT_DOUBLE_EQ(backward.flop.si(), 2.5 * forward.flop.si());
  EXPECT_NEAR(backward.math.si(), 2.5 / 0.8 * forward.math.si(), 1e-12);
  EXPECT_DOUBLE_EQ(backward.bytes.si(), 2 * forward.bytes.si());
}

// Power that limits the clock in long runs slows the products and the softmax, not memory.
TEST(Attention, LongRunsLoseClock) {
  auto chip = round_chip();
  auto& attention = chip.efficiency.attention.at(hardware::Precision::bf16);
  const auto isolated = time_of(chip, square(1024));
  attention.sustained = ratio(0.8);
  const auto sustained = time_of(chip, square(1024));
  EXPECT_NEAR(sustained.math.si(), isolated.math.si() / 0.8, 1e-12);
  EXPECT_DOUBLE_EQ(sustained.memory.si(), isolated.memory.si());
  chip.efficiency.isolate();
  EXPECT_EQ(time_of(chip, square(1024)).time, isolated.time);
}

// Forward passes of serving run the kernels of its engines, where a chip's file has them; training and backward passes keep their own.
TEST(Attention, ServingHasItsOwnKernels) {
  auto chip = round_chip();
  const auto before = time_of(chip, square(1024));
  chip.efficiency.served_attention[hardware::Precision::bf16] = {.math = ratio(0.5), .softmax = us(1e-6), .tile = us(2), .launch = us(20), .memory = ratio(0.5), .window_keys = ratio(0), .backward = {}};
  auto op = square(1024);
  const double key = 128 * (2.0 * (128 + 64) / 0.5e12 + 1e-12);
  const auto served = time_of(chip, op);
  EXPECT_NEAR(served.math.si(), 16 * (2e-6 + (512.5 + 64) * key), 1e-12);
  EXPECT_DOUBLE_EQ(served.memory.si(), 2 * before.memory.si());
  EXPECT_NEAR(served.time.seconds().si(), 20e-6 + served.math.si() + served.memory.si(), 1e-11);
  op.precision = hardware::Precision::fp8;  // 16 bits stand in
  EXPECT_NEAR(time_of(chip, op).overhead.si(), 20e-6, 1e-15);
  op = square(1024);
  op.library = Library::training;
  EXPECT_EQ(time_of(chip, op).time, before.time);
  op.library = Library::inference;
  op.backward = true;
  const auto backward = time_of(chip, op);
  EXPECT_EQ(backward.time, time_of(round_chip(), op).time);
  EXPECT_EQ(explain(chip, square(1024)).inputs.at(2).name, "efficiency.served_attention.bf16.math");
  EXPECT_EQ(explain(chip, op).inputs.at(2).name, "efficiency.attention.bf16.math");
}

TEST(Attention, ShareReplacesTheMask) {
  auto op = square(1024);
  op.kv_length = 512;  // a chunk of keys of another rank
  op.causal_share = 1;
  const auto t = time_of(round_chip(), op);
  EXPECT_DOUBLE_EQ(t.flop.si(), 2.0 * 192 * 200 * 1024 * 512);
  EXPECT_NEAR(t.math.si(), 16 * 512 * 128 * 2.0 * 192 / 1e12, 1e-12);
  auto half = square(1024);
  const double derived = time_of(round_chip(), half).flop.si();
  half.causal_share = 0.5 + 0.5 / 1024;
  EXPECT_NEAR(time_of(round_chip(), half).flop.si(), derived, derived * 1e-12);
}

TEST(Attention, WindowBoundsTheKeysOfATile) {
  auto chip = round_chip();
  chip.efficiency.attention.at(hardware::Precision::bf16).window_keys = ratio(100);
  auto op = square(8192);
  op.window = 128;
  const double keys = slow_scores(op) / 8192 + 128 + 100;
  EXPECT_NEAR(time_of(chip, op).math.si(), 128 * keys * 128 * 2.0 * 192 / 1e12, 1e-12);
}

TEST(Attention, MoreQueriesThanKeysNeedAShare) {
  auto op = square(1024);
  op.kv_length = 512;
  EXPECT_THROW((void)time_of(round_chip(), op), ContractFailure);
}

}  // namespace
}  // namespace zettatwin::compute
