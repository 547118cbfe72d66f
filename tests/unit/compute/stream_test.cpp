// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "compute/explain.hpp"
#include "round_chip.hpp"

namespace zettatwin::compute {
namespace {

TEST(MemoryOp, BytesOverBandwidthPlusLaunches) {
  auto chip = round_chip();
  chip.efficiency.stream = {ratio(0.8), us(2), figure(1 * units::MB)};
  const auto t = time_of(chip, MemoryOp{.bytes = 800 * units::MB, .kernels = 3});
  EXPECT_NEAR(microseconds(t), 3 * 2 + (800 + 3) / 0.8, 1e-6);
  EXPECT_EQ(t.bound, "memory");
}

TEST(MemoryOp, ShortStreamsReachHalfTheBandwidth) {
  auto chip = round_chip();
  chip.efficiency.stream.half_bytes = figure(1 * units::MB);
  EXPECT_NEAR(microseconds(time_of(chip, MemoryOp{.bytes = 0.5 * units::MB})), 1.0, 1e-9);
}

TEST(Quantise, ReadsBf16AndWritesEachCopyWithItsScales) {
  using hardware::Precision;
  const double n = 1 << 20;
  EXPECT_DOUBLE_EQ(time_of(round_chip(), Quantise{.elements = n, .precision = Precision::fp8}).bytes.si(), 3 * n);
  EXPECT_DOUBLE_EQ(time_of(round_chip(), Quantise{.elements = n, .precision = Precision::fp8, .copies = 2}).bytes.si(), 4 * n);
  EXPECT_DOUBLE_EQ(time_of(round_chip(), Quantise{.elements = n, .precision = Precision::mxfp8}).bytes.si(), (3 + 1.0 / 32) * n);
  EXPECT_EQ(time_of(round_chip(), Quantise{}).time.count(), 0);
  // The scale of the whole tensor first: another pass over it.
  EXPECT_DOUBLE_EQ(time_of(round_chip(), Quantise{.elements = n, .precision = Precision::fp4, .copies = 2}).bytes.si(), (4 + 2 * 0.5625) * n);
}

// By hand: tiles of 64 x 16 on 4 cores of 1 TFLOP/s together at half of that: a step of one tile along k takes 2048 / (0.125e12) = 16.384 ns.
TEST(WideGemm, OneCoreTakesATileThroughAllOfK) {
  auto chip = round_chip();
  EXPECT_FALSE(has_wide_gemm(chip));
  const auto set = [](auto& figure, double si) {
    figure.value = std::remove_cvref_t<decltype(figure.value)>::from_si(si);
    figure.present = true;
  };
  auto& e = chip.efficiency.wide_gemm;
  set(e.launch, 1e-6);
  set(e.math, 0.5);
  set(e.memory, 0.0005);
  set(e.tf32, 0.25);
  set(chip.vector_peak[hardware::Precision::fp32], 1e12);
  set(chip.matrix_cores, 4);
  set(chip.memory.bandwidth, 1e12);
  ASSERT_TRUE(has_wide_gemm(chip));
  const auto time = [&](std::int64_t m, std::int64_t n, bool tf32 = false) { return time_of(chip, WideGemm{.m = m, .n = n, .k = 1000, .tf32 = tf32}).time.seconds().si() - 1e-6; };
  EXPECT_NEAR(time(64, 64), 16.384e-6, 1e-11) << "four tiles on four cores";
  EXPECT_EQ(time(17, 64), time(64, 64)) << "rows of a tile cost nothing";
  EXPECT_NEAR(time(128, 64), 2 * 16.384e-6, 1e-11);
  EXPECT_NEAR(time(64, 64, true), 0.25 * 16.384e-6, 1e-11);
  // Few rows: 4 bytes x 16 x 1000 at 0.5 GB/s would take 128 us, the loop is quicker; of two columns 16 us.
  EXPECT_EQ(time(16, 16), time(17, 16));
  EXPECT_NEAR(time(16, 2), 16e-6, 1e-11);
  EXPECT_EQ(time(0, 64), -1e-6);
}

TEST(Bound, LargerOfMathAndMemory) {
  const auto chip = round_chip();
  EXPECT_EQ(bound_of(chip, 100 * units::TFLOP, hardware::Precision::bf16, 1 * units::GB).count(), 1'000'000'000'000);
  EXPECT_EQ(bound_of(chip, 1 * units::TFLOP, hardware::Precision::bf16, 100 * units::GB).count(), 100'000'000'000);
  EXPECT_EQ(bound_of(chip, units::Flop{}, hardware::Precision::fp4, 1 * units::GB).count(), 1'000'000'000);
}

TEST(Explain, ListsFiguresWithTheirProvenance) {
  auto chip = round_chip();
  chip.efficiency.gemm.at(hardware::Precision::bf16).math.provenance = {.source = "ZT", .confidence = config::Confidence::estimated, .low_si = 0.5, .high_si = 1};
  const auto e = explain(chip, Gemm{.m = 1280, .n = 2560, .k = 1000});
  EXPECT_EQ(e.result.time, time_of(chip, Gemm{.m = 1280, .n = 2560, .k = 1000}).time);
  EXPECT_FALSE(e.formula.empty());
  EXPECT_NE(e.work.find("tile 128x256"), std::string::npos) << e.work;
  const auto math = std::find_if(e.inputs.begin(), e.inputs.end(), [](const Input& i) { return i.name == "efficiency.gemm.bf16.math"; });
  ASSERT_NE(math, e.inputs.end());
  EXPECT_EQ(math->provenance.source, "ZT");
  EXPECT_EQ(math->range, "0.500 to 1.000");
}

TEST(Explain, NamesTheEntryThatStandsIn) {
  const auto e = explain(round_chip(), Gemm{.m = 8, .n = 8, .k = 8, .precision = hardware::Precision::mxfp8});
  EXPECT_EQ(e.inputs.front().name, "matrix_peak.fp8");
  EXPECT_TRUE(std::any_of(e.inputs.begin(), e.inputs.end(), [](const Input& i) { return i.name == "efficiency.gemm.bf16.math"; }));
}

TEST(Explain, EveryOperatorHasFormulaAndInputs) {
  const auto chip = round_chip();
  const auto complete = [](const Explanation& e) { return !e.formula.empty() && !e.work.empty() && e.inputs.size() >= 3; };
  EXPECT_TRUE(complete(explain(chip, GroupedGemm{.experts = 4, .rows_total = 64, .n = 64, .k = 64})));
  EXPECT_TRUE(complete(explain(chip, AttentionOp{.heads = 1, .kv_heads = 1, .q_length = 8, .kv_length = 8, .head_dim = 64, .v_head_dim = 64, .backward = true})));
  EXPECT_TRUE(complete(explain(chip, MemoryOp{.bytes = 1 * units::MB})));
  EXPECT_TRUE(complete(explain(chip, Quantise{.elements = 1e6})));
}

}  // namespace
}  // namespace zettatwin::compute
