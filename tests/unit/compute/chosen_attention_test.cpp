// SPDX-License-Identifier: Apache-2.0
// Attention on chosen keys by hand: 100 TFLOP/s, 1 TB/s, a cache of the chip that is never the limit unless a test makes it so.
#include <gtest/gtest.h>

#include "compute/chosen_attention.hpp"
#include "compute/explain.hpp"
#include "round_chip.hpp"

namespace zettatwin::compute {
namespace {

// A million pairs, 128 heads on vectors of 512 + 64.
ChosenAttention op(ChosenPass pass = ChosenPass::forward) { return {.pairs = 1e6, .heads = 128, .latent = 512, .rope = 64, .key_bytes = 1152, .pass = pass}; }

hardware::Chip wide_cache() {
  auto chip = round_chip();
  chip.efficiency.gemm[hardware::Precision::bf16].l2_bandwidth = figure(1000 * units::TB_per_s);
  return chip;
}

TEST(ChosenAttention, ProductsOfEveryPass) {
  const auto chip = wide_cache();
  EXPECT_NEAR(microseconds(time_of(chip, op())), 128 * 1e6 * 2 * (576 + 512) / 100e12 * 1e6, 1e-3);
  EXPECT_NEAR(microseconds(time_of(chip, op(ChosenPass::backward))), 128 * 1e6 * 2 * (3 * 576 + 2 * 512) / 100e12 * 1e6, 1e-3);
  EXPECT_NEAR(microseconds(time_of(chip, op(ChosenPass::scores))), 128 * 1e6 * 2 * 576 / 100e12 * 1e6, 1e-3);
}

TEST(ChosenAttention, GatheredVectorsCanBeTheLimit) {
  auto chip = wide_cache();
  chip.efficiency.gemm[hardware::Precision::bf16].l2_bandwidth = figure(0.1 * units::TB_per_s);
  EXPECT_NEAR(microseconds(time_of(chip, op())), 1e6 * 1152 / 0.1e12 * 1e6, 1e-3);
  EXPECT_NEAR(microseconds(time_of(chip, op(ChosenPass::backward))), 1e6 * (1152 + 8 * 576) / 0.1e12 * 1e6, 1e-3) << "gradients of keys are read and written in four bytes";
}

TEST(ChosenAttention, QueriesAndOutputsAreStreamed) {
  auto few = op();
  few.pairs = 1;
  few.queries = 1000;
  EXPECT_NEAR(microseconds(time_of(wide_cache(), few)), 1000.0 * 128 * 2 * (576 + 512) / 1e12 * 1e6, 1e-3);
}

TEST(ChosenAttention, FewHeadsFillTheirTile) {
  const auto chip = wide_cache();
  auto few = op();
  few.heads = 16;
  auto tile = op();
  tile.heads = 64;
  EXPECT_EQ(time_of(chip, few).time, time_of(chip, tile).time);
  EXPECT_LT(time_of(chip, few).flop.si(), time_of(chip, tile).flop.si()) << "filling is no useful work";
}

TEST(ChosenAttention, PairsAreThoseOfACausalTriangleCutAtTheChoice) {
  const auto slow = [](int queries, int keys, int most) {
    double sum = 0;
    for (int q = 0; q < queries; ++q) sum += std::min(most, keys - queries + q + 1);
    return sum;
  };
  for (const int queries : {1, 3, 7, 20})
    for (const int context : {0, 1, 5, 40})
      for (const int most : {1, 4, 21, 100}) EXPECT_EQ(chosen_pairs(queries, queries + context, most), slow(queries, queries + context, most)) << queries << " " << context << " " << most;
}

TEST(ChosenAttention, ExplanationsNameTheWork) {
  const auto chip = wide_cache();
  const auto e = explain(chip, op(ChosenPass::backward));
  EXPECT_EQ(e.result.time, time_of(chip, op(ChosenPass::backward)).time);
  EXPECT_NE(e.work.find("1e+06 pairs"), std::string::npos) << e.work;
  const IndexScores scores{.pairs = 1e6, .keys = 1000, .heads = 64, .head_dim = 128, .key_bytes = 132, .decoding = false};
  EXPECT_EQ(explain(chip, scores).result.time, time_of(chip, scores).time);
  EXPECT_NE(explain(chip, scores).work.find("64 heads of 128"), std::string::npos);
}

}  // namespace
}  // namespace zettatwin::compute
