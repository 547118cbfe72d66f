// SPDX-License-Identifier: Apache-2.0
// Architectures beyond plain transformers: parts by hand in small numbers, and whole models as their authors publish them.
#include <gtest/gtest.h>

#include "documents.hpp"
#include "model/parameters.hpp"

namespace zettatwin::model {
namespace {

using testing::all_text;

Architecture small() {
  Architecture a;
  a.name = "small";
  a.hidden = 10;
  a.vocabulary = 100;
  return a;
}
std::int64_t attention(const Attention& t) { return parameters_of(small(), {.attention = t}).attention; }

Architecture imported(const std::string& text) {
  config::Diagnostics diagnostics;
  const auto a = testing::import_text(text, diagnostics);
  EXPECT_TRUE(a && diagnostics.all().empty()) << all_text(diagnostics);
  return a.value_or(Architecture{});
}

// `one` joined `count` times with commas.
std::string times(std::int64_t count, const std::string& one) {
  std::string text;
  for (std::int64_t i = 0; i < count; ++i) text += (i > 0 ? ", " : "") + one;
  return text;
}

TEST(LinearRules, HaveScalarsAndLowRanksOfTheirOwn) {
  // 4 heads of 3 for queries, keys and decays, of 5 for values; convolution over 4 tokens of 12 + 12 + 20 channels.
  Attention t{.kind = AttentionKind::linear, .heads = 4, .kv_heads = 4, .head_dim = 3, .v_head_dim = 5, .rule = LinearRule::channel_delta, .convolution = 4, .decay_rank = 2, .gate_rank = 6};
  const std::int64_t projections = 10 * 44, convolution = 4 * 44, output = 20 * 10;
  const std::int64_t gates = 10 * 6 + 6 * 20, decays = 10 * 2 + 2 * 12, step = 10 * 4, scalars = 4 + 12, norm = 5;
  EXPECT_EQ(attention(t), projections + convolution + output + gates + decays + step + scalars + norm);
  t.gate_rank = 0;
  EXPECT_EQ(attention(t), projections + convolution + output + 10 * 20 + decays + step + scalars + norm) << "gates directly";
  // Mamba-2: 2 groups of C and B of 3, 4 heads of 5; a step per head, three scalars, a norm over all heads, biases of the convolution.
  const Attention mamba{.kind = AttentionKind::linear, .heads = 4, .kv_heads = 2, .head_dim = 3, .v_head_dim = 5, .rule = LinearRule::mamba2, .convolution = 4, .convolution_bias = true};
  EXPECT_EQ(attention(mamba), 10 * (2 * 6 + 2 * 20 + 4) + 5 * (2 * 6 + 20) + 3 * 4 + 20 + 20 * 10);
}

TEST(CompressedAttention, CountsLatentsEntriesAndGroups) {
  // Query latent of 6, 4 heads of 8, outputs of 2 groups of heads to 3 features each.
  Attention t{.kind = AttentionKind::compressed, .heads = 4, .kv_heads = 1, .head_dim = 8, .v_head_dim = 8, .q_lora_rank = 6, .qk_rope_dim = 2, .window = 16, .sinks = true, .output_groups = 2, .output_rank = 3};
  const std::int64_t plain = 10 * 6 + 6 + 6 * 32 + 10 * 8 + 8 + 2 * (16 * 3) + 6 * 10 + 4;
  EXPECT_EQ(attention(t), plain);
  EXPECT_EQ(compressor_parameters(t, 10), 0);
  t.compression = 32;  // all entries are attended to: a value and a weight per feature, an offset per place of the 32
  EXPECT_EQ(attention(t), plain + 2 * 10 * 8 + 32 * 8 + 8);
  t.compression = 4;  // chosen by an indexer of 2 heads of 5, whose keys are compressed too; entries overlap
  t.indexer = {.heads = 2, .head_dim = 5, .top = 7};
  const std::int64_t entries = 2 * 10 * 16 + 4 * 16 + 8, keys = 2 * 10 * 10 + 4 * 10 + 5;
  EXPECT_EQ(attention(t), plain + entries + keys + 6 * 10 + 10 * 2);
  EXPECT_EQ(compressor_parameters(t, 10), entries + keys);
  EXPECT_EQ(indexer_parameters(t, 10), keys + 6 * 10 + 10 * 2);
}

TEST(SharedKeys, HaveNoProjections) {
  Attention t{.heads = 4, .kv_heads = 2, .head_dim = 3, .v_head_dim = 3, .qk_norm = true};
  EXPECT_EQ(attention(t), 10 * (12 + 12) + 12 * 10 + 6);
  t.keys_are_values = true;
  EXPECT_EQ(attention(t), 10 * (12 + 6) + 12 * 10 + 6);
  t.shared_keys = true;
  EXPECT_EQ(attention(t), 10 * 12 + 12 * 10 + 3) << "queries alone, and their norm";
}

TEST(Streams, TablesAndLatents) {
  auto a = small();
  a.kinds = {{.attention = {.heads = 1, .kv_heads = 1, .head_dim = 1, .v_head_dim = 1}, .dense = FeedForward{.intermediate = 7}}};
  a.runs = {{.count = 3, .kind = 0}};
  const auto plain = parameters_of(a);
  a.residual_streams = 4;  // (4 + 4 + 16) weights from 40 features around each of two blocks; four at the end
  EXPECT_EQ(parameters_of(a).total - plain.total, 3 * 2 * (24 * 40 + 24 + 3) + 4 * 40 + 4 + 1);
  EXPECT_EQ(hyper_connections(a, {.attention = a.kinds[0].attention}), 24 * 40 + 24 + 3) << "one block";
  a.residual_streams = 1;
  a.per_layer_width = 2;
  a.per_layer_vocabulary = 50;
  EXPECT_EQ(parameters_of(a).total - plain.total, 3 * 2 * (50 + 10) + 2 + 3 * (2 * 10 * 2 + 10));
  EXPECT_EQ(parameters_of(a).embedding - plain.embedding, 3 * 2 * (50 + 10) + 2);
  const MixtureOfExperts e{.routed_experts = 8, .top_k = 2, .latent = 4, .latent_norm = true, .intermediate = 3, .shared_intermediate = 5};
  const auto p = parameters_of(small(), {.attention = {}, .experts = e});
  EXPECT_EQ(p.one_expert, 3 * 4 * 3);
  EXPECT_EQ(p.shared_experts, 3 * 10 * 5);
  EXPECT_EQ(p.router, 10 * 8 + 2 * 10 * 4 + 4);
}

TEST(Gates, LatentsOfQueriesAndResiduals) {
  Attention t{.heads = 4, .kv_heads = 2, .head_dim = 3, .v_head_dim = 3, .q_lora_rank = 5, .head_gate = true};
  EXPECT_EQ(attention(t), 10 * 5 + 5 + 5 * 12 + 10 * 12 + 10 * 4 + 12 * 10);
  auto a = small();
  a.kinds = {{.attention = t, .dense = FeedForward{.intermediate = 7}}, {.attention = t}};
  a.runs = {{.count = 3, .kind = 0}, {.count = 1, .kind = 1}};
  const auto plain = parameters_of(a);
  a.residual_block = 2;
  EXPECT_EQ(parameters_of(a).total - plain.total, 2 * 10 * (3 * 2 + 1 + 1)) << "a norm and weights before seven blocks and at the end";
  const auto p = parameters_of(small(), {.attention = {}, .experts = MixtureOfExperts{.routed_experts = 8, .top_k = 2, .zero_experts = 4, .intermediate = 3, .router_bias = true}});
  EXPECT_EQ(p.router, 11 * 12);
}

// Windows have more heads than full layers; modules after the stack are dense.
TEST(Import, Step35) {
  const auto a = imported(
      "{model_type: step3p5, hidden_size: 64, intermediate_size: 96, num_attention_heads: 4, num_attention_groups: 2, head_dim: 16, num_hidden_layers: 4, vocab_size: 1000, moe_num_experts: 8, moe_top_k: 2, "
      "moe_intermediate_size: 32, share_expert_dim: 48, use_moe_router_bias: true, use_head_wise_attn_gate: true, use_qk_norm: true, sliding_window: 8, moe_layers_enum: '1,2,3', num_nextn_predict_layers: 1, "
      "layer_types: [full_attention, sliding_attention, full_attention, full_attention, sliding_attention], swiglu_limits_shared: [0.0, 7.0], attention_other_setting: {attention_type: sliding_attention, "
      "num_attention_heads: 6, num_attention_groups: 2, head_dim: 16, true_head_dim: 16}}");
  EXPECT_EQ(a.layer(0).attention.heads, 4);
  EXPECT_EQ(a.layer(1).attention.heads, 6);
  EXPECT_TRUE(a.layer(0).dense && a.layer(1).is_moe() && a.layer(1).attention.head_gate);
  EXPECT_TRUE(a.mtp_layer->dense);
  EXPECT_EQ(a.mtp_layer->attention.window, 8);
}

// Two layers for one, the experts beside the first's feed-forward; of 6 choices among 8 experts and 4 that compute nothing 4 compute.
TEST(Import, LongCatFlash) {
  const auto a = imported(
      "{model_type: longcat_flash, num_layers: 3, hidden_size: 64, ffn_hidden_size: 96, expert_ffn_hidden_size: 32, num_attention_heads: 4, q_lora_rank: 16, kv_lora_rank: 8, qk_nope_head_dim: 8, qk_rope_head_dim: 4, "
      "v_head_dim: 8, n_routed_experts: 8, zero_expert_num: 4, zero_expert_type: identity, moe_topk: 6, vocab_size: 1000}");
  ASSERT_EQ(a.layers(), 6);
  EXPECT_TRUE(a.layer(0).dense && a.layer(0).experts);
  EXPECT_TRUE(a.layer(1).dense && !a.layer(1).experts);
  EXPECT_EQ(a.layer(0).experts->top_k, 4);
}

// 20 layers of Kimi Delta Attention, 7 of multi-latent attention whose queries have no latent; published as 48B with 3B active, 49.1B in its checkpoint.
TEST(Import, KimiLinear) {
  const auto a = imported(
      "{model_type: kimi_linear, dtype: bfloat16, first_k_dense_replace: 1, head_dim: 72, hidden_size: 2304, intermediate_size: 9216, kv_lora_rank: 512, linear_attn_config: {full_attn_layers: [4, 8, 12, 16, 20, "
      "24, 27], head_dim: 128, kda_layers: [1, 2, 3, 5, 6, 7, 9, 10, 11, 13, 14, 15, 17, 18, 19, 21, 22, 23, 25, 26], num_heads: 32, short_conv_kernel_size: 4}, mla_use_nope: true, model_max_length: 1048576, "
      "moe_intermediate_size: 1024, moe_layer_freq: 1, moe_renormalize: true, moe_router_activation_func: sigmoid, num_attention_heads: 32, num_expert_group: 1, num_experts: 256, num_experts_per_token: 8, "
      "num_hidden_layers: 27, num_key_value_heads: 32, num_nextn_predict_layers: 0, num_shared_experts: 1, q_lora_rank: null, qk_nope_head_dim: 128, qk_rope_head_dim: 64, routed_scaling_factor: 2.446, "
      "tie_word_embeddings: false, topk_group: 1, use_grouped_topk: true, v_head_dim: 128, vocab_size: 163840}");
  EXPECT_EQ(parameters_of(a).total, 49'122'681'728);
  EXPECT_EQ(parameters_of(a).active - parameters_of(a).embedding, 3'106'972'544);
  EXPECT_EQ(a.layer(0).attention.kind, AttentionKind::linear);
  EXPECT_EQ(a.layer(3).attention.kind, AttentionKind::multi_latent);
  EXPECT_EQ(a.layer(26).attention.kind, AttentionKind::multi_latent);
  EXPECT_FALSE(a.layer(0).is_moe());
}

// Windows of 128 tokens with 8 key heads and sinks, every sixth layer full with 4; published as 309B with 15B active.
TEST(Import, MiMoV2Flash) {
  const auto a = imported(
      "{model_type: mimo_v2_flash, num_hidden_layers: 48, hidden_size: 4096, num_attention_heads: 64, num_key_value_heads: 4, head_dim: 192, v_head_dim: 128, intermediate_size: 16384, vocab_size: 152576, "
      "sliding_window: 128, sliding_window_size: 128, attention_chunk_size: 128, swa_num_attention_heads: 64, swa_num_key_value_heads: 8, swa_head_dim: 192, swa_v_head_dim: 128, swa_rope_theta: 10000, "
      "hybrid_layer_pattern: [0, 1, 1, 1, 1, " + times(7, "0, 1, 1, 1, 1, 1") + ", 0], moe_layer_freq: [0, " + times(47, "1") + "], moe_intermediate_size: 2048, n_routed_experts: 256, n_shared_experts: null, "
      "num_experts_per_tok: 8, n_group: 1, topk_group: 1, topk_method: noaux_tc, layernorm_epsilon: 1.0e-5, attention_bias: false, attention_value_scale: 0.707, add_swa_attention_sink_bias: true, "
      "add_full_attention_sink_bias: false, tie_word_embeddings: false}");
  EXPECT_EQ(parameters_of(a).total, 308'778'780'864);
  EXPECT_EQ(parameters_of(a).active, 15'445'936'320);
  const auto &full = a.layer(0).attention, &windowed = a.layer(1).attention;
  EXPECT_EQ(full.kv_heads, 4);
  EXPECT_EQ(full.window, 0);
  EXPECT_FALSE(full.sinks);
  EXPECT_EQ(windowed.kv_heads, 8);
  EXPECT_EQ(windowed.window, 128);
  EXPECT_TRUE(windowed.sinks);
  EXPECT_EQ(windowed.v_head_dim, 128);
}

// Published as 284B with 13B active, without the input table.
TEST(Import, DeepSeekV4Flash) {
  const std::string sizes =
      "hc_mult: 4, hc_sinkhorn_iters: 20, head_dim: 512, hidden_size: 4096, index_head_dim: 128, index_n_heads: 64, index_topk: 512, moe_intermediate_size: 2048, n_routed_experts: 256, n_shared_experts: 1, "
      "num_attention_heads: 64, num_experts_per_tok: 6, num_hidden_layers: 43, num_hash_layers: 3, num_key_value_heads: 1, num_nextn_predict_layers: 1, o_groups: 8, o_lora_rank: 1024, q_lora_rank: 1024, "
      "qk_rope_head_dim: 64, sliding_window: 128, topk_method: noaux_tc, scoring_func: sqrtsoftplus, vocab_size: 129280, compress_rope_theta: 160000, swiglu_limit: 10.0";
  const auto a = imported("{model_type: deepseek_v4, expert_dtype: fp4, compress_ratios: [0, 0, " + times(20, "4, 128") + ", 4, 0], " + sizes + "}");
  EXPECT_EQ(parameters_of(a).total, 284'332'240'471);
  EXPECT_EQ(parameters_of(a).active - parameters_of(a).embedding, 13'270'101'591);
  EXPECT_EQ(parameters_of(a).mtp, 6'610'048'891) << "its layer has a window alone";
  EXPECT_EQ(a.residual_streams, 4);
  EXPECT_EQ(a.layer(1).attention.compression, 0);
  EXPECT_EQ(a.layer(2).attention.compression, 4);
  EXPECT_EQ(a.layer(2).attention.indexer.top, 512);
  EXPECT_EQ(a.layer(3).attention.compression, 128);
  EXPECT_EQ(a.layer(3).attention.indexer.top, 0);
  EXPECT_FALSE(a.layer(2).experts->router_bias) << "experts of a token by a table";
  EXPECT_TRUE(a.layer(3).experts->router_bias);
}

// Published as 25.2B with 3.8B active; the dense model as 30.7B; E2B as 2.3B without its per-layer tables.
TEST(Import, Gemma4) {
  const std::string same = "model_type: gemma4_text, head_dim: 256, global_head_dim: 512, vocab_size: 262144, tie_word_embeddings: true, use_bidirectional_attention: vision, final_logit_softcapping: 30.0";
  const auto moe = imported("{" + same + ", attention_k_eq_v: true, enable_moe_block: true, hidden_size: 2816, hidden_size_per_layer_input: 0, intermediate_size: 2112, layer_types: [" +
                            times(5, times(5, "sliding_attention") + ", full_attention") +
                            "], moe_intermediate_size: 704, num_attention_heads: 16, num_experts: 128, num_global_key_value_heads: 2, num_hidden_layers: 30, num_key_value_heads: 8, num_kv_shared_layers: 0, "
                            "sliding_window: 1024, top_k_experts: 8, use_double_wide_mlp: false, vocab_size_per_layer_input: 262144}");
  EXPECT_EQ(parameters_of(moe).total, 25'233'141'760);
  EXPECT_EQ(parameters_of(moe).active, 3'822'530'560);
  EXPECT_EQ(moe.layer(5).attention.head_dim, 512);
  EXPECT_EQ(moe.layer(5).attention.kv_heads, 2);
  EXPECT_TRUE(moe.layer(5).attention.keys_are_values);
  EXPECT_EQ(moe.layer(0).attention.kv_heads, 8);
  EXPECT_EQ(moe.layer(0).experts->shared_intermediate, 2112) << "beside the experts";
  const auto small = imported("{" + same + ", attention_k_eq_v: false, enable_moe_block: false, hidden_size: 1536, hidden_size_per_layer_input: 256, intermediate_size: 6144, layer_types: [" +
                              times(7, times(4, "sliding_attention") + ", full_attention") +
                              "], num_attention_heads: 8, num_experts: null, num_global_key_value_heads: null, num_hidden_layers: 35, num_key_value_heads: 1, num_kv_shared_layers: 20, sliding_window: 512, "
                              "top_k_experts: null, use_double_wide_mlp: true, vocab_size_per_layer_input: 262144}");
  EXPECT_EQ(parameters_of(small).total, 4'628'569'344);
  EXPECT_EQ(parameters_of(small).total - 35 * 256 * 262144LL, 2'279'759'104);
  EXPECT_FALSE(small.layer(14).attention.shared_keys);
  EXPECT_TRUE(small.layer(15).attention.shared_keys);
  EXPECT_EQ(small.layer(15).dense->intermediate, 2 * 6144);
}

// Blocks of one kind each: a mixer and the feed-forward after it are a layer, a mixer before another one is a layer of its own.
TEST(Import, NemotronH) {
  const std::string sizes =
      "model_type: nemotron_h, hidden_size: 64, vocab_size: 1000, num_attention_heads: 4, num_key_value_heads: 2, head_dim: 16, intermediate_size: 96, mamba_num_heads: 8, mamba_head_dim: 16, n_groups: 2, ssm_state_size: 8, "
      "conv_kernel: 4, use_conv_bias: true, n_routed_experts: 8, num_experts_per_tok: 2, moe_intermediate_size: 32, n_shared_experts: 1, moe_shared_expert_intermediate_size: 48, moe_latent_size: 24, expand: 2";
  const auto a = imported("{" + sizes + ", hybrid_override_pattern: 'MEM*EM-', num_hidden_layers: 7, num_nextn_predict_layers: 1, mtp_hybrid_override_pattern: '*E'}");
  ASSERT_EQ(a.layers(), 4);
  EXPECT_TRUE(a.layer(0).is_moe() && a.layer(0).attention.rule == LinearRule::mamba2);
  EXPECT_FALSE(a.layer(1).has_feed_forward());
  EXPECT_TRUE(a.layer(2).is_moe() && a.layer(2).attention.kind == AttentionKind::grouped_query);
  EXPECT_TRUE(a.layer(3).dense && !a.layer(3).dense->gated);
  const std::int64_t mamba = 64 * (2 * 128 + 2 * 16 + 8) + (128 + 32) * 5 + 3 * 8 + 128 + 128 * 64, attention = 64 * (64 + 2 * 32) + 64 * 64;
  const std::int64_t moe = 64 * 8 + 8 + 2 * 64 * 24 + 8 * 2 * 24 * 32 + 2 * 64 * 48, mlp = 2 * 64 * 96;
  EXPECT_EQ(parameters_of(a).total, 2 * 64 * 1000 + 64 + 3 * mamba + attention + 2 * moe + mlp + 7 * 64) << "a norm per block";
  EXPECT_EQ(imported("{" + sizes + ", layers_block_type: [mamba, moe, mamba, attention, moe, mamba, mlp]}").runs, a.runs) << "as a list, which says how many";
  config::Diagnostics diagnostics;
  EXPECT_FALSE(testing::import_text("{" + sizes + ", hybrid_override_pattern: 'MEE', num_hidden_layers: 3}", diagnostics));
  EXPECT_NE(all_text(diagnostics).find("block 2 is a feed-forward that follows no mamba or attention"), std::string::npos) << all_text(diagnostics);
  EXPECT_FALSE(testing::import_text("{" + sizes + ", hybrid_override_pattern: 'MX', num_hidden_layers: 2}", diagnostics));
  EXPECT_NE(all_text(diagnostics).find("block_types holds 'X'"), std::string::npos) << all_text(diagnostics);
}

}  // namespace
}  // namespace zettatwin::model
