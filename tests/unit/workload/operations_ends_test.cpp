// SPDX-License-Identifier: Apache-2.0
// The ends of the model: embedding, head and multi-token prediction; FLOP of the whole model.
#include <algorithm>

#include "../../support/catalog_files.hpp"
#include "model/parameters.hpp"
#include "model/preset.hpp"
#include "operations_fixture.hpp"

namespace zettatwin::workload {
namespace {

using namespace testing;
using compute::Gemm;
using Names = std::vector<std::string>;

model::Architecture preset(const std::string& name) {
  config::Diagnostics diagnostics;
  const auto a = model::load_model(test::CatalogFiles{}, name, config::location_in("test"), diagnostics);
  EXPECT_TRUE(a) << test::text_of(diagnostics);
  return a.value_or(model::Architecture{});
}

TEST(EmbeddingOperations, LookUpAndAccumulate) {
  const auto ops = embedding_operations(dense_model(), {}, kShape, test::catalog_software());
  EXPECT_EQ(names_of(ops.forward), Names{"embedding"});
  EXPECT_EQ(bytes_of(ops.forward, "embedding"), 4 * kTokens * 1024);
  EXPECT_EQ(bytes_of(ops.backward_input, "embedding"), 10 * kTokens * 1024) << "reads a bf16 gradient, reads and writes fp32 rows";
  EXPECT_TRUE(ops.backward_weight.empty());
  const auto sharded = embedding_operations(dense_model(), {.tp = 4}, kShape, test::catalog_software());
  EXPECT_EQ(names_of(sharded.forward), (Names{"embedding", "reduce-scatter of outputs"}));
}

TEST(HeadOperations, ProjectsToTheVocabulary) {
  const auto ops = head_operations(dense_model(), {}, kShape, test::catalog_software());
  EXPECT_EQ(names_of(ops.forward), (Names{"final norm", "output projection", "cross entropy"}));
  EXPECT_EQ(text(work_of<Gemm>(ops.forward, "output projection")), "4096 x 32000 x 1024");
  EXPECT_EQ(bytes_of(ops.forward, "cross entropy") + bytes_of(ops.backward_input, "cross entropy"), 16 * kTokens * 32000);
}

TEST(HeadOperations, VocabularyParallelAndAlwaysInBf16) {
  const auto ops = head_operations(dense_model(), {.tp = 4, .recipe = plan::Recipe::fp8_block}, kShape, test::catalog_software());
  EXPECT_EQ(text(work_of<Gemm>(ops.forward, "output projection")), "4096 x 8000 x 1024");
  EXPECT_EQ(work_of<Gemm>(ops.forward, "output projection").precision, hardware::Precision::bf16);
  for (const auto& op : ops.forward) EXPECT_NE(op.category, Category::quantise) << op.name;
  EXPECT_EQ(names_of(ops.backward_input), (Names{"cross entropy", "all-gather for weight gradients", "output projection", "reduce-scatter of input gradients", "final norm"}));
}

TEST(MtpOperations, ProjectionLayerAndHead) {
  auto model = dense_model();
  model.mtp_depth = 1;
  model.mtp_layer = model.kinds[0];
  const auto ops = mtp_operations(model, {}, kShape, test::catalog_software());
  EXPECT_EQ(text(work_of<Gemm>(ops.forward, "mtp projection")), "4096 x 1024 x 2048") << "hidden state and embedding side by side";
  const double parts = flop_of(layer_of(model, {}).forward) + flop_of(head_operations(model, {}, kShape, test::catalog_software()).forward) + 2 * kTokens * 1024 * 2048;
  EXPECT_DOUBLE_EQ(flop_of(ops.forward), parts);
}

TEST(ModelFlop, OfAGptByHand) {
  const auto gpt = preset("gpt3-175b");
  const double h = 12288, layers = 96, s = 2048;
  ASSERT_EQ(gpt.hidden, 12288);
  ASSERT_EQ(gpt.layers(), 96);
  // 6 FLOP per weight of the products: 12 h^2 per layer and the head; 12 L h s of attention, of which causality leaves (s + 1) / 2s.
  const double by_hand = 6 * (12 * layers * h * h + static_cast<double>(gpt.vocabulary) * h) + 12 * layers * h * (s + 1) / 2;
  EXPECT_NEAR(model_flop_per_token(gpt, 2048).si() / by_hand, 1, 1e-12);
  // The usual 6 N of 175 B parameters, without attention.
  EXPECT_NEAR(model_flop_per_token(gpt, 1).si() / (6 * 175e9), 1, 0.01);
}

TEST(ModelFlop, OfDeepSeekV3AsPublished) {
  auto v3 = preset("deepseek-v3");
  v3.mtp_depth = 0;
  v3.mtp_layer.reset();
  // 385 TFLOP/s at 1542 tokens/s per GPU, attention counted causally (DeepSeek, profile of the training framework).
  EXPECT_NEAR(model_flop_per_token(v3, 4096).si() / (385e12 / 1542), 1, 0.015);
}

TEST(ModelFlop, MultiTokenPredictionCounts) {
  const auto with = preset("deepseek-v3");
  auto without = with;
  without.mtp_depth = 0;
  without.mtp_layer.reset();
  // Its layer, projection and pass through the head: about 6 x (0.66 + 0.10 + 0.93) B parameters and an attention.
  const double extra = model_flop_per_token(with, 4096).si() - model_flop_per_token(without, 4096).si();
  EXPECT_NEAR(extra / 1.05e10, 1, 0.1);
}

TEST(ModelFlop, ActiveParametersOfAMixture) {
  const auto mixtral = preset("mixtral-8x7b");
  const auto p = model::parameters_of(mixtral);
  // Without attention a token costs 6 FLOP per active weight outside the input table.
  EXPECT_NEAR(model_flop_per_token(mixtral, 1).si() / (6.0 * static_cast<double>(p.active - p.embedding)), 1, 1e-3);
}

TEST(ModelFlop, WindowsLimitAttention) {
  auto full = dense_model();
  auto windowed = full;
  windowed.kinds[0].attention.window = 1000;
  const std::int64_t length = 4096;
  // 4 layers, 8 heads, 3 x 2 x 256 FLOP per pair; the window drops pairs more than 1000 back.
  const double pairs_full = 4096.0 * 4097 / 2, pairs_windowed = 1000.0 * 1001 / 2 + 3096.0 * 1000;
  const double difference = model_flop_per_token(full, length).si() - model_flop_per_token(windowed, length).si();
  EXPECT_NEAR(difference, 4 * 8 * 3 * 2 * 256 * (pairs_full - pairs_windowed) / 4096, 1);
}

}  // namespace
}  // namespace zettatwin::workload
