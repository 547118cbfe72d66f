// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "compute/explain.hpp"
#include "round_chip.hpp"

namespace zettatwin::compute {
namespace {

// 1280 x 2560 x 1000 is 100 tiles of 128 x 256 (10 x 10) on 100 cores: one full wave, 6.5536 GFLOP at 100 TFLOP/s.
TEST(Gemm, OneFullWaveRunsAtPeak) {
  const auto t = time_of(round_chip(), Gemm{.m = 1280, .n = 2560, .k = 1000});
  EXPECT_DOUBLE_EQ(t.flop.si(), 2.0 * 1280 * 2560 * 1000);
  EXPECT_NEAR(t.math.si() * 1e6, 65.536, 1e-9);
  const double bytes = 2.0 * (1280 * 1000 + 2560 * 1000 + 1280 * 2560);
  EXPECT_DOUBLE_EQ(t.bytes.si(), bytes);
  EXPECT_NEAR(microseconds(t), std::hypot(65.536, bytes / 1e6), 1e-5);
  EXPECT_EQ(t.bound, "math");
}

// 64 x 16 is the smallest tile: a thin product pays for the whole tile, and one tile keeps one core busy.
TEST(Gemm, ThinProductPaysOneTileOnOneCore) {
  const auto t = time_of(round_chip(), Gemm{.m = 1, .n = 16, .k = 1000});
  EXPECT_NEAR(t.math.si() * 1e6, 2.0 * 64 * 16 * 1000 / 1e12 * 1e6, 1e-9);
  EXPECT_EQ(t.detail, "tile 64x16");
  EXPECT_DOUBLE_EQ(t.waves, 0.01);
}

// 128-wide tiles fetch (128 + 256) x 2 B per step and core: 768 B x 100 cores / 0.1 TB/s = 0.768 us per step against 0.065536 us.
TEST(Gemm, SlowL2BoundsTheLoop) {
  auto chip = round_chip();
  chip.efficiency.gemm.at(hardware::Precision::bf16).l2_bandwidth = figure(0.1 * units::TB_per_s);
  const auto t = time_of(chip, Gemm{.m = 1280, .n = 2560, .k = 1000});
  EXPECT_NEAR(t.math.si() * 1e6, 768.0, 1e-9);
}

TEST(Gemm, LatencyOfTheLoopIsAFloor) {
  auto chip = round_chip();
  chip.efficiency.gemm.at(hardware::Precision::bf16).k_latency = us(128);  // 1 us per step
  EXPECT_NEAR(time_of(chip, Gemm{.m = 64, .n = 16, .k = 1000}).math.si() * 1e6, 1000, 1e-9);
}

// One 64 x 16 tile, k = 25,600: splitting over at most 32 parts; the pass costs 4 x 1024 B per part through L2.
TEST(Gemm, SplitsAlongKWhenCoresAreIdle) {
  auto chip = round_chip();
  auto& gemm = chip.efficiency.gemm.at(hardware::Precision::bf16);
  const Gemm op{.m = 64, .n = 16, .k = 25600};
  const double loop = 2.0 * 64 * 16 * 25600 / 1e12;
  EXPECT_NEAR(time_of(chip, op).math.si(), loop, 1e-15);
  gemm.split = us(1);
  EXPECT_NEAR(time_of(chip, op).math.si(), loop / 32 + 1e-6 + 32 * 4096 / 1e18, 1e-15);
  gemm.split = us(1000);  // a pass that costs more than it saves is not taken
  EXPECT_NEAR(time_of(chip, op).math.si(), loop, 1e-15);
}

TEST(Gemm, OverheadsAndSharesEnterAsWritten) {
  auto chip = round_chip();
  auto& gemm = chip.efficiency.gemm.at(hardware::Precision::bf16);
  gemm.math = ratio(0.8);
  gemm.memory = ratio(0.5);
  gemm.half_bytes = figure(1 * units::MB);
  gemm.launch = us(3);
  gemm.ramp = us(2);
  chip.efficiency.sustained = ratio(0.5);
  const auto t = time_of(chip, Gemm{.m = 1280, .n = 2560, .k = 1000});
  EXPECT_NEAR(t.math.si() * 1e6, 65.536 / 0.4 + 2, 1e-9);
  EXPECT_NEAR(t.memory.si() * 1e6, (t.bytes.si() + 1e6) / 0.5e6, 1e-9);
  EXPECT_NEAR(microseconds(t), 3 + std::hypot(t.math.si(), t.memory.si()) * 1e6, 1e-5);
}

// The loop of a kernel of the training library takes loop / training; what inference runs does not change.
TEST(Gemm, TrainingLibrariesRunTheLoopAtTheirOwnRate) {
  auto chip = round_chip();
  auto& gemm = chip.efficiency.gemm.at(hardware::Precision::bf16);
  gemm.math = ratio(0.5);
  gemm.ramp = us(2);
  const Gemm op{.m = 1280, .n = 2560, .k = 1000};
  auto trained = op;
  trained.library = Library::training;
  EXPECT_EQ(time_of(chip, trained).time, time_of(chip, op).time);
  gemm.training = ratio(1.6);
  EXPECT_NEAR(time_of(chip, op).math.si() * 1e6, 65.536 / 0.5 + 2, 1e-9);
  EXPECT_NEAR(time_of(chip, trained).math.si() * 1e6, 65.536 / 0.8 + 2, 1e-9);
  gemm.training = ratio(3);  // never beyond the peak
  EXPECT_NEAR(time_of(chip, trained).math.si() * 1e6, 65.536 + 2, 1e-9);
  const auto listed = [&](const Gemm& g) {
    const auto inputs = explain(chip, g).inputs;
    return std::any_of(inputs.begin(), inputs.end(), [](const Input& i) { return i.name == "efficiency.gemm.bf16.training"; });
  };
  EXPECT_TRUE(listed(trained));
  EXPECT_FALSE(listed(op));
}

TEST(Gemm, AccumulatingReadsAndWritesTheOutput) {
  const Gemm op{.m = 100, .n = 200, .k = 300, .batch = 2, .output_bytes = 4, .accumulate = true};
  EXPECT_DOUBLE_EQ(time_of(round_chip(), op).bytes.si(), 2 * (2.0 * (100 * 300 + 200 * 300) + 8.0 * 100 * 200));
}

TEST(Gemm, NarrowFormatsMoveFewerBytesAtTheirOwnPeak) {
  const Gemm op{.m = 1280, .n = 2560, .k = 1000, .precision = hardware::Precision::fp8};
  const auto t = time_of(round_chip(), op);
  EXPECT_NEAR(t.math.si() * 1e6, 32.768, 1e-9);
  EXPECT_DOUBLE_EQ(t.bytes.si(), 1280 * 1000 + 2560 * 1000 + 2.0 * 1280 * 2560);
}

TEST(Gemm, EmptyProductTakesNoTimeAndMissingUnitIsABrokenContract) {
  EXPECT_EQ(time_of(round_chip(), Gemm{.m = 0, .n = 5, .k = 5}).time.count(), 0);
  EXPECT_THROW((void)time_of(round_chip(), Gemm{.m = 1, .n = 1, .k = 1, .precision = hardware::Precision::fp4}), ContractFailure);
}

// 4 experts x 128 rows, n = 256: 4 tiles of 128 x 256, less than a wave; the smaller 16 x 128 tiles fill 64 cores instead.
TEST(GroupedGemm, ChoosesTilesThatFillTheCores) {
  const auto t = time_of(round_chip(), GroupedGemm{.experts = 4, .rows_total = 512, .n = 256, .k = 1000});
  EXPECT_EQ(t.detail, "tile 16x128");
  EXPECT_NEAR(t.waves, 0.64, 1e-12);
  EXPECT_NEAR(t.math.si(), 2.0 * 16 * 128 * 1000 / 1e12, 1e-15);
  EXPECT_DOUBLE_EQ(t.flop.si(), 2.0 * 512 * 256 * 1000);
  EXPECT_DOUBLE_EQ(t.bytes.si(), 2.0 * (4 * 256 * 1000 + 512 * 1000 + 512 * 256));
}

// 160 experts x 100 rows: each pads to 112 rows with tiles of 16, 160 x 7 x 8 tiles.
TEST(GroupedGemm, PaddingOfRowsCosts) {
  const GroupedGemm op{.experts = 160, .rows_total = 16000, .n = 1024, .k = 1000};
  EXPECT_NEAR(time_of(round_chip(), op).math.si(), 2.0 * 160 * 112 * 1024 * 1000 / 1e14, 1e-12);
}

TEST(GroupedGemm, ExpertsWithoutRowsAreNotRead) {
  const auto t = time_of(round_chip(), GroupedGemm{.experts = 256, .rows_total = 8, .n = 1000, .k = 1000});
  EXPECT_DOUBLE_EQ(t.bytes.si(), 2.0 * (8 * 1000 * 1000 + 8 * 1000 + 8 * 1000));
}

// Weight gradients: every expert's n x k gradient is read and written in fp32; the rows are the reduction.
TEST(GroupedGemm, WeightGradientsReduceOverRows) {
  const GroupedGemm op{.experts = 10, .rows_total = 10000, .n = 1280, .k = 2560, .output_bytes = 4, .accumulate = true};
  const auto t = time_of(round_chip(), op);
  EXPECT_NEAR(t.math.si(), 2.0 * 10000 * 1280 * 2560 / 1e14, 1e-12);
  EXPECT_DOUBLE_EQ(t.bytes.si(), 2.0 * 10000 * (1280 + 2560) + 10.0 * 1280 * 2560 * 8);
  auto skewed = op;
  skewed.imbalance = 4;  // the busiest expert has 4000 rows; its tiles spread over all cores
  EXPECT_NEAR(time_of(round_chip(), skewed).math.si(), t.math.si(), 1e-12);
}

// Each gradient is one tile of 16 x 128: a single core walks the 7,500 rows of the busiest expert.
TEST(GroupedGemm, BusiestExpertBoundsItsGradient) {
  const auto t = time_of(round_chip(), GroupedGemm{.experts = 2, .rows_total = 10000, .n = 16, .k = 128, .imbalance = 1.5, .output_bytes = 4, .accumulate = true});
  EXPECT_NEAR(t.math.si(), 7500 * 2.0 * 16 * 128 / 1e12, 1e-12);
}

TEST(GroupedGemm, ImbalanceAddsTilesOfTheBusiestExpert) {
  auto op = GroupedGemm{.experts = 100, .rows_total = 1600, .n = 1280, .k = 1000};
  const double even = time_of(round_chip(), op).math.si();  // 100 experts x 1 tile of 16 rows
  op.imbalance = 4;                                          // 64 rows = 4 tiles, the others still one each
  EXPECT_NEAR(time_of(round_chip(), op).math.si() / even, 103.0 / 100, 1e-9);
}

}  // namespace
}  // namespace zettatwin::compute
