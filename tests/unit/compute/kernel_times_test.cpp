// SPDX-License-Identifier: Apache-2.0
// How far kernels put a predicted time off, by hand; and that chips whose kernels nobody has measured say so.
#include "compute/kernel_times.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "../../support/catalog_files.hpp"
#include "round_chip.hpp"

namespace zettatwin::compute {
namespace {

using hardware::Precision;

hardware::Residual residual(double low, double high, config::Confidence confidence) {
  const auto figure = [&](double v) { return config::Figure<units::Ratio>{units::Ratio::from_si(v), {"test", confidence, "", 0, 0}, true}; };
  return {figure(low), figure(high)};
}

TEST(KernelTimes, MeasuredFamiliesErrApartEstimatedOnesTogether) {
  using config::Confidence;
  auto chip = round_chip();
  const double a = std::exp(0.1), b = std::exp(0.2);
  chip.efficiency.uncertainty = {{"gemm.bf16", residual(1 / a, a, Confidence::derived)}, {"attention.bf16", residual(1 / b, b, Confidence::derived)}};
  KernelTimes times;
  times.add({"gemm", Precision::bf16}, 4);
  times.add({"gemm", Precision::bf16}, 2);
  times.add({"attention", Precision::bf16}, 2);
  times.add(family_of(chip, MemoryOp{}), 2);  // of no family
  EXPECT_NEAR(times.half_width(chip, 10), std::hypot(0.6 * 0.1, 0.2 * 0.2), 1e-12);
  for (auto& [name, r] : chip.efficiency.uncertainty) r.low.provenance.confidence = Confidence::estimated;
  EXPECT_NEAR(times.half_width(chip, 10), 0.6 * 0.1 + 0.2 * 0.2, 1e-12);
}

TEST(KernelTimes, FamiliesThatAChipDoesNotNameTakeThoseOfTheirKernels) {
  auto chip = round_chip();
  chip.efficiency.uncertainty = {{"gemm.bf16", residual(0.9, 1.1, config::Confidence::derived)}, {"gemm", residual(0.8, 1.3, config::Confidence::estimated)},
                                 {"attention", residual(0.7, 1.3, config::Confidence::estimated)}};
  EXPECT_EQ(residual_of(chip, {"gemm", Precision::fp8})->low.si(), 0.8) << "the wider of the format's and the kind's";
  EXPECT_EQ(residual_of(chip, {"expert_layer", Precision::bf16})->low.si(), 0.8);
  EXPECT_EQ(residual_of(chip, {"decode_multi_head", Precision::bf16})->low.si(), 0.7);
  EXPECT_EQ(residual_of(chip, {}), nullptr);
  chip.efficiency.uncertainty["gemm"] = residual(0.95, 1.05, config::Confidence::estimated);
  EXPECT_EQ(residual_of(chip, {"gemm", Precision::bf16})->low.si(), 0.9);
}

TEST(KernelTimes, ServedAttentionIsAFamilyWhereAChipHasIt) {
  auto chip = round_chip();
  AttentionOp op{.heads = 8, .kv_heads = 8, .q_length = 64, .kv_length = 64, .head_dim = 192, .v_head_dim = 128};
  chip.efficiency.uncertainty = {{"attention", residual(0.7, 1.3, config::Confidence::estimated)}};
  chip.efficiency.served_attention = chip.efficiency.attention;
  EXPECT_EQ(family_of(chip, op).kind, "served_attention");
  EXPECT_EQ(residual_of(chip, family_of(chip, op))->low.si(), 0.7) << "nothing of its own: training's";
  chip.efficiency.uncertainty["served_attention"] = residual(0.9, 1.1, config::Confidence::derived);
  EXPECT_EQ(residual_of(chip, family_of(chip, op))->low.si(), 0.9);
  op.library = Library::training;
  EXPECT_EQ(family_of(chip, op).kind, "attention_latent");
}

TEST(KernelTimes, OperatorsKnowTheirFamilies) {
  const auto chip = round_chip();
  EXPECT_EQ(family_of(chip, AttentionOp{.heads = 8, .kv_heads = 2, .q_length = 1, .kv_length = 100, .head_dim = 64, .v_head_dim = 64}).kind, "decode");
  EXPECT_EQ(family_of(chip, AttentionOp{.heads = 8, .kv_heads = 8, .q_length = 1, .kv_length = 100, .head_dim = 64, .v_head_dim = 64}).kind, "decode_multi_head");
  EXPECT_EQ(family_of(chip, AttentionOp{.heads = 8, .kv_heads = 8, .q_length = 1, .kv_length = 100, .head_dim = 64, .v_head_dim = 64, .window = 16}).kind, "decode_windowed");
  EXPECT_EQ(family_of(chip, AttentionOp{.heads = 8, .kv_heads = 8, .q_length = 64, .kv_length = 64, .head_dim = 192, .v_head_dim = 128}).kind, "attention_latent");
  EXPECT_EQ(family_of(chip, GroupedGemm{.precision = Precision::fp8}), (KernelFamily{"expert_layer", Precision::fp8}));
  EXPECT_TRUE(family_of(chip, Quantise{}).kind.empty());
  EXPECT_EQ(family_of(chip, IndexScores{.decoding = true}).kind, "decode_latent");
  EXPECT_EQ(family_of(chip, ChosenAttention{}).kind, "attention");
}

// A dense training step and a decoding one.
double training_width(const hardware::Chip& chip) {
  KernelTimes times;
  times.add({"gemm", Precision::bf16}, 0.6);
  times.add({"attention", Precision::bf16}, 0.15);
  return times.half_width(chip, 1);
}
double decoding_width(const hardware::Chip& chip) {
  KernelTimes times;
  times.add({"expert_layer", Precision::bf16}, 0.5);
  times.add({"gemm", Precision::bf16}, 0.2);
  times.add({"decode", Precision::bf16}, 0.2);
  return times.half_width(chip, 1);
}

TEST(Catalog, ChipsWithoutMeasurementsAreLessSure) {
  double training = 0, decoding = 0;
  for (const auto* name : {"h100", "h200", "b200", "gb200"}) {
    const auto chip = test::catalog_chip(name);
    training = std::max(training, training_width(chip));
    decoding = std::max(decoding, decoding_width(chip));
    EXPECT_GT(training_width(chip), 0.02) << name;
  }
  for (const auto& name : test::CatalogFiles{}.list("chips")) {
    const auto chip = test::catalog_chip(name);
    EXPECT_GT(training_width(chip), 0) << name;
    if (!chip.efficiency.status.starts_with("unmeasured")) continue;
    EXPECT_GT(training_width(chip), training) << name;
    EXPECT_GT(decoding_width(chip), decoding) << name;
  }
}

}  // namespace
}  // namespace zettatwin::compute
