// SPDX-License-Identifier: Apache-2.0
// Activations of one layer against published formulas and hand counts.
#include "workload/memory_activations.hpp"

#include <gtest/gtest.h>

#include "memory_models.hpp"

namespace zettatwin::workload {
namespace {

using plan::Plan;
using plan::Recompute;

const software::Profile kFused;

RankShape shape_of(const model::Architecture& a, const Plan& plan, std::int64_t sequence, const software::Profile& software = kFused) { return {a, plan, sequence, software}; }

// Korthikanti et al. 2022 (arXiv 2205.05198), eq. 1-4: dropout, unfused attention.
const software::Profile kKorthikanti{.flash_attention = false, .dropout = true, .selective = {software::Module::core_attn, software::Module::layernorm, software::Module::mlp_act}};

TEST(LayerActivations, GptMatchesKorthikanti) {
  constexpr double s = 2048, b = 4, h = 6144, a = 64;
  const auto gpt = testing::gpt(48, 6144, 64);
  const auto bytes = [&](const Plan& plan) { return layer_activations(shape_of(gpt, plan, 2048, kKorthikanti), gpt.kinds[0]).all(); };
  EXPECT_DOUBLE_EQ(bytes({.micro_batch = 4}), s * b * h * (34 + 5 * a * s / h));                                                          // eq. 1
  EXPECT_DOUBLE_EQ(bytes({.tp = 8, .sequence_parallel = false, .micro_batch = 4}), s * b * h * (10 + 24.0 / 8 + 5 * a * s / (h * 8)));     // eq. 2
  EXPECT_DOUBLE_EQ(bytes({.tp = 8, .micro_batch = 4}), s * b * h / 8 * (34 + 5 * a * s / h));                                             // eq. 4
}

TEST(LayerActivations, SelectiveDropsScoresNormsAndActivationFunctions) {
  constexpr double s = 2048, h = 6144;
  const auto gpt = testing::gpt(48, 6144, 64);
  const auto layer = layer_activations(shape_of(gpt, {}, 2048, kKorthikanti), gpt.kinds[0]);
  // Korthikanti's selective keeps 34 sbh; ours also drops two norm outputs (4) and the activated features (8).
  EXPECT_DOUBLE_EQ(layer.kept(Recompute::selective), s * h * (34 - 4 - 8));
  EXPECT_DOUBLE_EQ(layer.kept(Recompute::full), 2 * s * h);
  EXPECT_DOUBLE_EQ(layer.kept(Recompute::none) - layer.kept(Recompute::selective), layer.dropped());
}

TEST(LayerActivations, FlashAttentionKeepsLogSumExpOnly) {
  constexpr double s = 2048, h = 6144, a = 64;
  const auto gpt = testing::gpt(48, 6144, 64);
  const auto layer = layer_activations(shape_of(gpt, {}, 2048), gpt.kinds[0]);
  EXPECT_DOUBLE_EQ(layer.all(), s * h * 32 + 4 * a * s);  // 34 less two masks of one byte
}

TEST(LayerActivations, GroupedQueryGatedByHand) {
  // Llama 3 8B, 8192 tokens: 2 h x (input, norm, ffn input, norm) + q, k, v + output + lse + 3 f.
  const auto llama = testing::llama(32, 4096, 14336, 32, 8);
  const auto layer = layer_activations(shape_of(llama, {}, 8192), llama.kinds[0]);
  EXPECT_DOUBLE_EQ(layer.all(), 8192.0 * (2 * 4 * 4096 + 2 * (4096 + 2 * 1024) + 2 * 4096 + 4 * 32 + 2 * 3 * 14336));
}

TEST(LayerActivations, KeyValueHeadsReplicateBeyondTheirNumber) {
  const auto llama = testing::llama(32, 4096, 14336, 32, 8);
  const auto kv = [&](std::int64_t tp) {
    for (const auto& t : layer_activations(shape_of(llama, {.tp = tp}, 8192), llama.kinds[0]).tensors)
      if (t.name == "queries, keys and values") return t.bytes;
    return 0.0;
  };
  EXPECT_DOUBLE_EQ(kv(8), 8192.0 * 2 * (4 * 128 + 2 * 128));
  EXPECT_DOUBLE_EQ(kv(16), 8192.0 * 2 * (2 * 128 + 2 * 128));
}

TEST(LayerActivations, LatentAttentionAndExpertsByHand) {
  const auto a = testing::latent_experts(3, 58);
  const auto shape = shape_of(a, {.ep = 64}, 4096);
  const auto layer = layer_activations(shape, a.kinds[1]);
  constexpr double h = 7168, heads = 128, e = 256, k = 8, m = 2048;
  const double attention = 4 * h + 2 * 2 * (1536 + 512) + 2 * heads * (192 + 192 + 128) + 2 * heads * 128 + 4 * heads;
  const double experts = 4 * h + 8 * e + 8 * k + 2 * 3 * m + k * (2 * h + 2 * 3 * m + 4);
  EXPECT_DOUBLE_EQ(layer.all(), 4096 * (attention + experts));
  // Selective keeps latents, drops the up projections; keeps what came through the network.
  const double dropped = 2 * h + 2 * (1536 + 512) + 2 * heads * (192 + 192 + 128) + 2 * h + 2 * m + k * 2 * m;
  EXPECT_DOUBLE_EQ(layer.dropped(), 4096 * dropped);
}

TEST(LayerActivations, ImbalanceAndExpertTensorParallelism) {
  const auto a = testing::latent_experts(3, 58);
  const auto inputs = [&](const Plan& plan) {
    for (const auto& t : layer_activations(shape_of(a, plan, 4096), a.kinds[1]).tensors)
      if (t.name == "expert inputs") return t.bytes;
    return 0.0;
  };
  const double even = 4096.0 * 8 * 7168 * 2;
  EXPECT_DOUBLE_EQ(inputs({.ep = 64}), even);
  EXPECT_DOUBLE_EQ(inputs({.ep = 64, .expert_imbalance = 1.5}), 1.5 * even);
  EXPECT_DOUBLE_EQ(inputs({.ep = 1, .expert_imbalance = 1.5}), even);  // one rank has all experts
  EXPECT_DOUBLE_EQ(inputs({.tp = 8, .ep = 64}), even / 8);
  EXPECT_DOUBLE_EQ(inputs({.tp = 8, .ep = 64, .etp = 8}), even);       // gathered over the expert-tensor group
}

TEST(LayerActivations, QuantisedInputsTakeLess) {
  const auto a = testing::latent_experts(3, 58);
  const auto bf16 = layer_activations(shape_of(a, {.ep = 64}, 4096), a.kinds[1]).all();
  const auto fp8 = layer_activations(shape_of(a, {.ep = 64, .recipe = plan::Recipe::fp8_block}, 4096), a.kinds[1]).all();
  EXPECT_LT(fp8, bf16);
  EXPECT_GT(fp8, 0.6 * bf16);
}

// DeepSeek-V3 as its report describes it (arXiv 2412.19437, sections 3.2.3 and 3.3.3), bytes per token of an expert layer: docs/math/memory.md has the table.
TEST(LayerActivations, PublishedRecipeOfDeepSeekByHand) {
  const auto a = testing::latent_experts(3, 58);
  const auto kept = [&](bool compress) {
    const Plan plan{.ep = 64, .compress_activations = compress, .recipe = plan::Recipe::fp8_block};
    return layer_activations(shape_of(a, plan, 4096), a.kinds[1]).kept(Recompute::selective) / 4096;
  };
  constexpr double tile = 4.0 / 128, fp8 = 1 + tile, e5m6 = 1.5 + tile;
  constexpr double h = 7168, out = 128 * 128, up = 2 * 2048, k = 8;
  const double always = 2 * h + 2 * (1536 + 512) + 4 * 128 + 2 * h + 8 * 256 + 8 * k + k * (fp8 * h + 4);
  EXPECT_DOUBLE_EQ(kept(false), always + 2 * out + (1 + k) * 2 * up);
  EXPECT_DOUBLE_EQ(kept(true), always + e5m6 * out + (1 + k) * fp8 * up);
}

// A weight gradient that waits needs its product's operands in the format that the product reads.
TEST(LayerActivations, PendingOperandsAreQuantised) {
  const auto a = testing::llama(32, 4096, 14336, 32, 8);
  const auto pending = [&](plan::Recipe recipe) { return layer_activations(shape_of(a, {.recipe = recipe}, 8192), a.kinds[0]).pending; };
  // Inputs and output gradients of qkv, output, up and down projection.
  const double elements = 8192.0 * (4096 + (4096 + 2 * 1024) + 4096 + 4096 + 4096 + 2 * 14336 + 14336 + 4096);
  EXPECT_DOUBLE_EQ(pending(plan::Recipe::bf16), 2 * elements);
  EXPECT_DOUBLE_EQ(pending(plan::Recipe::fp8_block), (1 + 1.0 / 32) * elements);
}

TEST(LayerActivations, ContextParallelismSharesTokens) {
  const auto a = testing::llama(32, 4096, 14336, 32, 8);
  const auto one = layer_activations(shape_of(a, {}, 8192), a.kinds[0]).all();
  EXPECT_DOUBLE_EQ(layer_activations(shape_of(a, {.cp = 4}, 8192), a.kinds[0]).all(), one / 4);
  EXPECT_DOUBLE_EQ(layer_activations(shape_of(a, {.cp = 4, .cp_kind = plan::ContextParallelKind::all_to_all}, 8192), a.kinds[0]).all(), one / 4);
}

}  // namespace
}  // namespace zettatwin::workload
