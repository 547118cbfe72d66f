// SPDX-License-Identifier: Apache-2.0
// One layer of each kind by hand, in numbers small enough to add up on paper.
#include "model/parameters.hpp"

#include <gtest/gtest.h>

namespace zettatwin::model {
namespace {

Architecture small() {
  Architecture a;
  a.name = "small";
  a.hidden = 10;
  a.vocabulary = 100;
  return a;
}
const Attention kPlain{.heads = 4, .kv_heads = 2, .head_dim = 3, .v_head_dim = 3};

TEST(LayerParameters, GroupedQueryWithGatedFeedForward) {
  const auto p = parameters_of(small(), {.attention = kPlain, .dense = FeedForward{.intermediate = 7}});
  EXPECT_EQ(p.attention, 10 * 12 + 2 * 10 * 6 + 12 * 10);  // q, k and v, o
  EXPECT_EQ(p.dense, 3 * 10 * 7);
  EXPECT_EQ(p.norms, 20);
  EXPECT_EQ(p.total(), 360 + 210 + 20);
  EXPECT_EQ(p.without_experts(), p.total());
}

TEST(LayerParameters, LinearAttentionAndOutputGate) {
  // 2 heads of queries and keys of 3, 4 heads of values of 5, convolution over 4 tokens.
  const Attention linear{.kind = AttentionKind::linear, .heads = 4, .kv_heads = 2, .head_dim = 3, .v_head_dim = 5, .convolution = 4};
  // q, k: 2 x 6; v, gate: 2 x 20; decay and step: 2 x 4; convolution over q, k, v; decay and bias per head; norm of a head; output
  EXPECT_EQ(parameters_of(small(), {.attention = linear}).attention, 10 * (12 + 40 + 8) + 4 * (12 + 20) + 8 + 5 + 20 * 10);
  Attention gated = kPlain;
  gated.output_gate = true;
  EXPECT_EQ(parameters_of(small(), {.attention = gated}).attention, 360 + 10 * 12);
}

TEST(LayerParameters, BiasesNormsAndSinksOfAttention) {
  Attention t = kPlain;
  t.qkv_bias = t.output_bias = t.qk_norm = t.sinks = true;
  auto a = small();
  a.norm_bias = true;
  const Layer layer{.attention = t, .dense = FeedForward{.intermediate = 7, .gated = false, .bias = true}};
  const auto p = parameters_of(a, layer);
  EXPECT_EQ(p.attention, 360 + (12 + 6 + 6) + 10 + 2 * 3 + 4);
  EXPECT_EQ(p.dense, 2 * 10 * 7 + 7 + 10);
  EXPECT_EQ(p.norms, 2 * (10 + 10));
  t.qk_norm_per_projection = true;
  EXPECT_EQ(parameters_of(a, {.attention = t}).attention, 360 + 24 + 10 + (12 + 6) + 4);
}

TEST(LayerParameters, MultiLatentAttention) {
  Attention t{.kind = AttentionKind::multi_latent,
              .heads = 4,
              .kv_heads = 4,
              .head_dim = 5,
              .v_head_dim = 2,
              .q_lora_rank = 6,
              .kv_lora_rank = 8,
              .qk_nope_dim = 3,
              .qk_rope_dim = 2};
  const std::int64_t keys_values = 10 * (8 + 2) + 8 + 8 * 4 * (3 + 2), output = 4 * 2 * 10;
  EXPECT_EQ(parameters_of(small(), {.attention = t}).attention,
            10 * 6 + 6 + 6 * 4 * 5 + keys_values + output);
  t.q_lora_rank = 0;
  EXPECT_EQ(parameters_of(small(), {.attention = t}).attention, 10 * 4 * 5 + keys_values + output);
}

TEST(LayerParameters, MixtureOfExperts) {
  const MixtureOfExperts e{.routed_experts = 5,
                           .top_k = 2,
                           .intermediate = 3,
                           .shared_intermediate = 6,
                           .router_bias = true,
                           .shared_gate = true};
  const auto p = parameters_of(small(), {.attention = kPlain, .experts = e});
  EXPECT_EQ(p.one_expert, 3 * 10 * 3);
  EXPECT_EQ(p.routed_experts, 5 * 90);
  EXPECT_EQ(p.shared_experts, 3 * 10 * 6 + 10);
  EXPECT_EQ(p.router, 50 + 5);
  EXPECT_EQ(p.without_experts(), p.total() - 450);
  MixtureOfExperts biased = e;
  biased.bias = true;
  EXPECT_EQ(parameters_of(small(), {.attention = kPlain, .experts = biased}).one_expert, 90 + 2 * 3 + 10);
}

Architecture small_moe() {
  auto a = small();
  a.kinds = {
      {.attention = kPlain, .dense = FeedForward{.intermediate = 7}},
      {.attention = kPlain, .experts = MixtureOfExperts{.routed_experts = 5, .top_k = 2, .intermediate = 3}}};
  a.runs = {{1, 0}, {3, 1}};
  return a;
}

TEST(Parameters, StackEmbeddingAndHead) {
  const auto a = small_moe();
  const auto p = parameters_of(a);
  const std::int64_t dense = 590, moe = 360 + 20 + 50 + 450;
  EXPECT_EQ(p.embedding, 1000);
  EXPECT_EQ(p.head, 1000);
  EXPECT_EQ(p.total, 1000 + 1000 + 10 + dense + 3 * moe);
  EXPECT_EQ(p.active, p.total - 3 * 3 * 90);
  EXPECT_EQ(p.mtp, 0);
}

TEST(Parameters, TiedHeadLearnedPositionsAndOddParts) {
  auto a = small_moe();
  const auto before = parameters_of(a);
  a.tied_embeddings = true;
  a.learned_positions = 30;
  EXPECT_EQ(parameters_of(a).head, 0);
  EXPECT_EQ(parameters_of(a).embedding, 1300);
  EXPECT_EQ(parameters_of(a).total, before.total - 1000 + 300);
  a.embedding_norm = true;
  a.head_bias = true;
  EXPECT_EQ(parameters_of(a).embedding, 1310);
  EXPECT_EQ(parameters_of(a).head, 100);
}

TEST(Parameters, MultiTokenPredictionIsCountedApart) {
  auto a = small_moe();
  const auto before = parameters_of(a);
  a.mtp_depth = 2;
  a.mtp_layer = a.kinds[1];
  const auto p = parameters_of(a);
  EXPECT_EQ(p.total, before.total);
  EXPECT_EQ(p.mtp, 2 * (880 + 2 * 10 * 10 + 3 * 10));
}

}  // namespace
}  // namespace zettatwin::model
