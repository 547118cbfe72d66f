// SPDX-License-Identifier: Apache-2.0
// Kernels of inference libraries, by hand: decoding and the routed experts of a layer on a chip of round figures.
#include <gtest/gtest.h>

#include <cmath>

#include "round_chip.hpp"

namespace zettatwin::compute {
namespace {

using hardware::Precision;

TEST(Decode, OneStreamPerCore) {
  auto chip = round_chip();
  const AttentionOp op{.batch = 50, .heads = 8, .kv_heads = 2, .q_length = 1, .kv_length = 1000, .head_dim = 128, .v_head_dim = 128};
  const double prefill = microseconds(time_of(chip, op));
  chip.efficiency.decode[Precision::bf16] = {us(1), ratio(1), figure(units::Bytes{}), us(2), us(1), us(1e-3), us(1), ratio(1)};
  // 100 streams on 100 cores: 2 + 1 + 1000 x 1 ns. Bytes: 256 x (2 x 100 x 1000 + 2 x 400), at 1 MB per us. Kernels that cut long caches join one part too: 1.
  EXPECT_NEAR(microseconds(time_of(chip, op)), 2 + std::hypot(4.0, 51.4048), 1e-3);
  auto wide = op, brief = op;
  wide.head_dim = wide.v_head_dim = 256;  // 2 ns per key
  EXPECT_NEAR(microseconds(time_of(chip, wide)), 2 + std::hypot(5.0, 2 * 51.4048), 1e-3);
  brief.kv_length = 128;  // nothing is cut, nothing joined
  EXPECT_NEAR(microseconds(time_of(chip, brief)), 1 + std::hypot(3.128, 256e-6 * (2 * 100 * 128 + 2 * 400)), 1e-3);
  EXPECT_NE(microseconds(time_of(chip, op)), prefill);
  auto longer = op;
  longer.kv_length = 2000;
  EXPECT_GT(time_of(chip, longer).time, time_of(chip, op).time);
}

TEST(Decode, PartsOfACutCacheStartOnEveryCore) {
  auto chip = round_chip();
  chip.memory.bandwidth.value = 1e6 * units::TB_per_s;
  chip.efficiency.decode[Precision::bf16] = {us(0), ratio(1), figure(units::Bytes{}), us(2), us(1), us(1e-3), us(0), ratio(1), ratio(4)};
  AttentionOp op{.batch = 50, .heads = 8, .kv_heads = 2, .q_length = 1, .kv_length = 1024, .head_dim = 128, .v_head_dim = 128};
  // 100 streams, four parts per core: 4 x (2 + 1) and all keys of the streams, 1024 ns each.
  EXPECT_NEAR(microseconds(time_of(chip, op)), 4 * 3 + 1.024, 1e-3);
  op.kv_length = 256;  // two parts of 128
  EXPECT_NEAR(microseconds(time_of(chip, op)), 2 * 3 + 0.256, 1e-3);
  op.kv_length = 1024;
  op.window = 128;  // parts outside the window start and end, too
  EXPECT_NEAR(microseconds(time_of(chip, op)), 4 * 3 + 0.128, 1e-3);
  chip.efficiency.decode_windowed[Precision::bf16] = chip.efficiency.decode.at(Precision::bf16);
  chip.efficiency.decode_windowed[Precision::bf16].split_waves = ratio(1);
  EXPECT_NEAR(microseconds(time_of(chip, op)), 3 + 0.128, 1e-3) << "figures of windowed kernels";
  op.window = 0;
  op.heads = 32;  // sixteen queries share a stream: twice the products
  EXPECT_NEAR(microseconds(time_of(chip, op)), 4 * (2 + 2) + 2 * 1.024, 1e-3);
}

// Kernels that cut a cache by its length alone, into sqrt(8 n) parts of n times 128 keys before the last, and start all of them before any key counts.
TEST(Decode, PartsByLengthAloneStartBeforeTheStreams) {
  auto chip = round_chip();
  chip.memory.bandwidth.value = 1e6 * units::TB_per_s;
  chip.matrix_peak[Precision::bf16] = figure(1e6 * units::TFLOP_per_s);
  auto& decode = chip.efficiency.decode[Precision::bf16];
  decode = {us(1), ratio(1), figure(units::Bytes{}), us(2), us(1), us(1e-3), us(0.5), ratio(1), ratio(4)};
  decode.resident = ratio(2);
  decode.narrow = us(3);
  AttentionOp op{.batch = 50, .heads = 8, .kv_heads = 2, .q_length = 1, .kv_length = 1025, .head_dim = 128, .v_head_dim = 128};
  // 100 streams of eight parts, eight blocks per core: eight starts of 2 + 1, three doublings to join, 1025 ns of keys.
  EXPECT_NEAR(microseconds(time_of(chip, op)), 1 + 3 * 0.5 + 8 * 3 + 1.025, 1e-3);
  op.kv_length = 129;  // one part: two blocks start at once, no more are there
  EXPECT_NEAR(microseconds(time_of(chip, op)), 1 + 2 * 3 + 0.129, 1e-3);
  op.kv_length = 16385;  // sqrt(1024) parts would be 32 blocks per core: eight at most
  EXPECT_NEAR(microseconds(time_of(chip, op)), 1 + 3 * 0.5 + 8 * 3 + 16.385, 1e-3);
  op.batch = 1;  // two streams of 32 parts: the longest of them, 513 keys, beside 328 per core
  EXPECT_NEAR(microseconds(time_of(chip, op)), 1 + 5 * 0.5 + 2 * 3 + 16385.0 / 32 * 1e-3, 1e-3);
  op.batch = 50;
  op.kv_length = 1025;
  op.heads = 24;  // twelve queries share a stream: a tile of sixteen
  EXPECT_NEAR(microseconds(time_of(chip, op)), 1 + 3 * 0.5 + 8 * (2 + 2) + 2 * 1.025, 1e-3);
  op.heads = 8;
  op.head_dim = op.v_head_dim = 64;
  EXPECT_NEAR(microseconds(time_of(chip, op)), 1 + 3 + 3 * 0.5 + 8 * 3 + 0.5 * 1.025, 1e-3);
}

TEST(Latent, WhatIsPutTogetherBeforePrefill) {
  const auto op = latent_preparation(10, 100, 4, 128, 64, 128);
  EXPECT_DOUBLE_EQ(op.bytes.si(), 2.0 * 4 * (10 * 128 + 100 * (128 + 192 + 256)));
  EXPECT_EQ(op.kernels, 2);
}

TEST(ExpertLayer, EvenRowsByHand) {
  auto chip = round_chip();
  chip.efficiency.expert_layer[Precision::bf16] = {ratio(1), us(10), ratio(1), figure(units::Bytes{}), figure(1e6 * units::TB_per_s), us(0), us(0.5), ratio(1), ratio(1), us(1e-3)};
  const ExpertLayer op{.tokens = 1024, .hidden = 1024, .inter = 512, .topk = 2, .experts = 16, .expert_parallel = 2};
  const auto t = time_of(chip, op);
  // 8 experts get 1024 of the 2048 rows: 2 x 1024 x 1024 x 1024 + 2 x 1024 x 1024 x 512 FLOP.
  EXPECT_DOUBLE_EQ(t.flop.si(), 3.0 * 1024 * 1024 * 1024);
  EXPECT_NEAR(t.overhead.si() * 1e6, 10 + 0.5 * 8 + 2.048, 1e-9);
  EXPECT_GT(t.time.seconds().si(), t.overhead.si() + t.flop.si() / 100e12);
}

}  // namespace
}  // namespace zettatwin::compute
