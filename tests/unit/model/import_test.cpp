// SPDX-License-Identifier: Apache-2.0
#include "model/import.hpp"

#include <gtest/gtest.h>

#include <set>

#include "documents.hpp"
#include "model/dialects.hpp"
#include "model/parameters.hpp"
#include "model/transformer_config.hpp"

namespace zettatwin::model {
namespace {

using testing::all_text;
using testing::import_text;

Architecture imported(const std::string& text) {
  config::Diagnostics diagnostics;
  const auto architecture = import_text(text, diagnostics);
  EXPECT_TRUE(architecture.has_value()) << all_text(diagnostics);
  EXPECT_TRUE(diagnostics.all().empty()) << all_text(diagnostics);
  return architecture.value_or(Architecture{});
}

const std::string kSizes =
    "hidden_size: 64, num_hidden_layers: 4, num_attention_heads: 8, intermediate_size: 128, vocab_size: 1000";
std::string llama(const std::string& more) {
  return "{model_type: llama, " + kSizes + (more.empty() ? "" : ", " + more) + "}";
}

TEST(Dialects, TablesNameFieldsThatExist) {
  std::set<std::string, std::less<>> fields;
  for (const auto& row : config::reference_of<TransformerConfig>()) fields.insert(row.path);
  std::set<std::string_view> types;
  for (const auto& dialect : dialects()) {
    for (const auto type : dialect.model_types)
      EXPECT_TRUE(types.insert(type).second) << type << " appears twice";
    for (const auto& group : dialect.keys)
      for (const auto& key : group) {
        const bool states_nothing =
            !key.words.empty() && std::all_of(key.words.begin(), key.words.end(),
                                              [](const WordPair& w) { return w.value.empty(); });
        EXPECT_TRUE(fields.contains(key.target()) || key.target() == kNoField || states_nothing)
            << dialect.model_types.front() << " " << key.name;
      }
    config::Diagnostics diagnostics;
    const auto defaults = config::parse_document(dialect.defaults, "defaults", diagnostics);
    ASSERT_TRUE(defaults) << dialect.model_types.front();
    for (const auto& entry : defaults->entries)
      EXPECT_TRUE(fields.contains(entry.key)) << dialect.model_types.front() << " " << entry.key;
  }
  for (const auto& key : common_keys()) EXPECT_TRUE(fields.contains(key.name)) << key.name;
}

TEST(Import, AbsentKeysTakeHuggingFaceDefaults) {
  const auto a = imported(llama(""));
  EXPECT_EQ(a.layers(), 4);
  EXPECT_EQ(a.kinds.size(), 1u);
  EXPECT_EQ(a.layer(0).attention.kv_heads, 8);
  EXPECT_EQ(a.layer(0).attention.head_dim, 8);
  EXPECT_FALSE(a.tied_embeddings);
  EXPECT_TRUE(a.layer(0).dense->gated);
  EXPECT_EQ(imported("{model_type: mistral, " + kSizes + "}").layer(0).attention.window, 4096);
  EXPECT_EQ(imported("{model_type: mistral, sliding_window: null, " + kSizes + "}").layer(0).attention.window,
            0);
  EXPECT_TRUE(imported("{model_type: gemma, " + kSizes + "}").tied_embeddings);
  EXPECT_EQ(imported("{model_type: gemma, " + kSizes + "}").layer(0).attention.head_dim, 256);
}

// Three of four layers linear, the feed-forward dense. By hand: 48 linear layers of 5120 x (10240 + 6144 + 2 x 48), a convolution over 4 of 10240 channels, two scalars per
// head, a norm of 128, an output of 6144 x 5120; 16 full ones with 24 heads of 256 for queries and their gates, 4 for keys and values, two norms of 256; 64 feed-forwards.
TEST(Import, DenseQwen35IsExact) {
  const std::string sizes =
      "hidden_size: 5120, num_hidden_layers: 64, num_attention_heads: 24, num_key_value_heads: 4, head_dim: 256, intermediate_size: 17408, vocab_size: 248320, "
      "linear_num_value_heads: 48, linear_num_key_heads: 16, linear_key_head_dim: 128, linear_value_head_dim: 128, linear_conv_kernel_dim: 4, mtp_num_hidden_layers: 1, output_gate_type: swish";
  const auto a = imported("{model_type: qwen3_5_text, attn_output_gate: true, full_attention_interval: 4, mamba_ssm_dtype: float32, mlp_only_layers: [], " + sizes + "}");
  EXPECT_EQ(parameters_of(a).total, 26'895'998'464);
  EXPECT_EQ(parameters_of(a).active, parameters_of(a).total);
  EXPECT_EQ(parameters_of(a).mtp, 424'699'392);
  EXPECT_EQ(a.layer(2).attention.kind, AttentionKind::linear);
  EXPECT_EQ(a.layer(3).attention.kind, AttentionKind::grouped_query);
  EXPECT_FALSE(a.layer(0).is_moe());
  EXPECT_EQ(imported("{model_type: qwen3_5_text, " + sizes + "}").kinds, a.kinds) << "as Hugging Face's defaults say";
}

TEST(Import, Gpt2IsExact) {
  const auto a = imported(
      "{model_type: gpt2, n_embd: 768, n_layer: 12, n_head: 12, n_positions: 1024, n_ctx: 1024, n_inner: "
      "null, vocab_size: 50257, resid_pdrop: 0.1}");
  EXPECT_EQ(parameters_of(a).total, 124'439'808);
  EXPECT_EQ(a.learned_positions, 1024);
  EXPECT_TRUE(a.tied_embeddings);
}

TEST(Import, OtherDenseFamiliesAreExact) {
  // Parameter counts of the published weights of pythia-6.9b, opt-125m, bloom-560m, Phi-3-mini-4k and
  // gemma-2-2b.
  EXPECT_EQ(
      parameters_of(
          imported(
              "{model_type: gpt_neox, hidden_size: 4096, num_hidden_layers: 32, num_attention_heads: 32, "
              "intermediate_size: 16384, vocab_size: 50432, use_parallel_residual: true, rotary_pct: 0.25}"))
          .total,
      6'857'302'016);
  EXPECT_EQ(parameters_of(
                imported("{model_type: opt, hidden_size: 768, num_hidden_layers: 12, num_attention_heads: "
                         "12, ffn_dim: 3072, vocab_size: 50272, word_embed_proj_dim: 768, "
                         "do_layer_norm_before: true, max_position_embeddings: 2048}"))
                .total,
            125'239'296);
  EXPECT_EQ(
      parameters_of(
          imported(
              "{model_type: bloom, n_embed: 1024, n_layer: 24, num_attention_heads: 16, vocab_size: 250880}"))
          .total,
      559'214'592);
  EXPECT_EQ(
      parameters_of(
          imported(
              "{model_type: phi3, hidden_size: 3072, num_hidden_layers: 32, num_attention_heads: 32, "
              "num_key_value_heads: 32, intermediate_size: 8192, vocab_size: 32064, sliding_window: 2047}"))
          .total,
      3'821'079'552);
  const auto gemma2 = imported(
      "{model_type: gemma2, hidden_size: 2304, num_hidden_layers: 26, num_attention_heads: 8, "
      "num_key_value_heads: 4, head_dim: 256, intermediate_size: 9216, vocab_size: 256000, "
      "attn_logit_softcapping: 50.0}");
  EXPECT_EQ(parameters_of(gemma2).total, 2'614'341'888);
  EXPECT_EQ(gemma2.runs.size(), 26u);  // windowed and full layers alternate
}

TEST(Import, MultiQueryCanBeSwitchedOff) {
  const std::string starcoder = "model_type: gpt_bigcode, n_embd: 6144, n_layer: 40, n_head: 48, n_inner: 24576, "
                                "n_positions: 8192, vocab_size: 49152";
  const auto a = imported("{" + starcoder + ", multi_query: true}");
  EXPECT_EQ(a.layer(0).attention.kv_heads, 1);
  EXPECT_EQ(parameters_of(a).total, 15'517'456'384);  // of the published weights
  EXPECT_EQ(imported("{" + starcoder + ", multi_query: false}").layer(0).attention.kv_heads, 48);
}

TEST(Import, MptPositionsFollowAlibi) {
  const std::string sizes = "d_model: 64, n_layers: 2, n_heads: 4, max_seq_len: 256, vocab_size: 1000";
  const auto learned = imported(
      "{model_type: mpt, no_bias: true, attn_config: {alibi: false, attn_impl: flash}, " + sizes + "}");
  EXPECT_EQ(learned.learned_positions, 256);
  EXPECT_FALSE(learned.layer(0).attention.qkv_bias);
  EXPECT_EQ(imported("{model_type: mpt, attn_config: {alibi: true}, " + sizes + "}").learned_positions, 0);
  EXPECT_TRUE(imported("{model_type: mpt, no_bias: false, " + sizes + "}").layer(0).dense->bias);
  EXPECT_EQ(imported("{model_type: mpt, attn_config: {attn_type: multiquery_attention}, " + sizes + "}")
                .layer(0)
                .attention.kv_heads,
            1);
}

TEST(Import, PlacesMoeLayers) {
  const std::string moe = "num_experts: 4, num_experts_per_tok: 2, moe_intermediate_size: 32";
  const auto pattern = [&](const std::string& more) {
    const auto a = imported("{model_type: transformer, " + kSizes + ", " + moe + more + "}");
    std::string text;
    for (std::int64_t i = 0; i < a.layers(); ++i) text += a.layer(i).is_moe() ? 'm' : 'd';
    return text;
  };
  EXPECT_EQ(pattern(""), "mmmm");
  EXPECT_EQ(pattern(", first_k_dense_replace: 1"), "dmmm");
  EXPECT_EQ(pattern(", moe_layer_freq: 2"), "mdmd");
  EXPECT_EQ(pattern(", decoder_sparse_step: 2"), "dmdm");
  EXPECT_EQ(pattern(", mlp_only_layers: [1, 2]"), "mddm");
  EXPECT_EQ(pattern(", moe_layer_freq: [0, 0, 1, 0]"), "ddmd");
  EXPECT_EQ(pattern(", mlp_layer_types: [sparse, dense, dense, dense]"), "mddd");
}

TEST(Import, PlacesWindows) {
  const auto pattern = [&](const std::string& head) {
    const auto a = imported("{" + head + ", " + kSizes + "}");
    std::string text;
    for (std::int64_t i = 0; i < a.layers(); ++i) text += a.layer(i).attention.window > 0 ? 'w' : 'f';
    return text;
  };
  EXPECT_EQ(pattern("model_type: transformer, sliding_window: 16"), "wwww");
  EXPECT_EQ(pattern("model_type: transformer, sliding_window: 16, full_attention_period: 2"), "wfwf");
  EXPECT_EQ(pattern("model_type: qwen2, num_key_value_heads: 8, sliding_window: 16, max_window_layers: 2, "
                    "use_sliding_window: true"),
            "ffww");
  EXPECT_EQ(pattern("model_type: qwen2, num_key_value_heads: 8, sliding_window: 16, max_window_layers: 2, "
                    "use_sliding_window: false"),
            "ffff");
  EXPECT_EQ(pattern("model_type: gemma3_text, sliding_window: 16, layer_types: [full_attention, "
                    "sliding_attention, full_attention, full_attention]"),
            "fwff");
}

TEST(Import, DeepSeekRoutingAndPrediction) {
  const auto a = imported(
      "{model_type: deepseek_v3, hidden_size: 64, num_hidden_layers: 4, num_attention_heads: 8, "
      "intermediate_size: 128, vocab_size: 1000, n_routed_experts: 16,"
      " num_experts_per_tok: 4, moe_intermediate_size: 32, n_shared_experts: 2, n_group: 4, topk_group: 2, "
      "topk_method: noaux_tc, first_k_dense_replace: 1,"
      " moe_layer_freq: 1, num_nextn_predict_layers: 1, q_lora_rank: 24, kv_lora_rank: 16, qk_nope_head_dim: "
      "8, qk_rope_head_dim: 4, v_head_dim: 8, head_dim: 4}");
  const auto& e = *a.layer(3).experts;
  EXPECT_EQ(a.layer(0).attention.kind, AttentionKind::multi_latent);
  EXPECT_EQ(a.layer(0).attention.head_dim, 12);
  EXPECT_EQ(e.shared_intermediate, 64);
  EXPECT_EQ(e.groups, 4);
  EXPECT_EQ(e.group_limit, 2);
  EXPECT_TRUE(e.router_bias);
  EXPECT_EQ(a.mtp_depth, 1);
  ASSERT_TRUE(a.mtp_layer);
  EXPECT_TRUE(a.mtp_layer->is_moe());
}

// Per layer: queries 24 x 2 x 8 from the latent, a key of 8 and two weights from the hidden state of 64, the norm of the key.
TEST(Import, IndexersOfSparseAttention) {
  const std::string rest = ", hidden_size: 64, num_hidden_layers: 4, num_attention_heads: 8, intermediate_size: 128, vocab_size: 1000, n_routed_experts: 16, num_experts_per_tok: 4, moe_intermediate_size: 32,"
                           " q_lora_rank: 24, kv_lora_rank: 16, qk_nope_head_dim: 8, qk_rope_head_dim: 4, v_head_dim: 8";
  const std::string index = ", index_n_heads: 2, index_head_dim: 8, index_topk: 32";
  const auto plain = imported("{model_type: deepseek_v3" + rest + "}"), sparse = imported("{model_type: deepseek_v32" + rest + index + "}");
  EXPECT_EQ(parameters_of(sparse).total - parameters_of(plain).total, 4 * (24 * 2 * 8 + 64 * (8 + 2) + 2 * 8));
  EXPECT_EQ(sparse.layer(3).attention.indexer, (Indexer{.heads = 2, .head_dim = 8, .top = 32}));
  // Layers that use an earlier one's keys have no indexer of their own.
  const auto shared = imported("{model_type: glm_moe_dsa" + rest + index + ", indexer_types: [full, shared, full, shared], index_topk_freq: 2}");
  EXPECT_EQ(parameters_of(shared).total - parameters_of(plain).total, 2 * (24 * 2 * 8 + 64 * (8 + 2) + 2 * 8));
  EXPECT_EQ(shared.layer(1).attention.indexer.keys(), 32);
  EXPECT_EQ(shared.layer(1).attention.indexer.heads, 0);
}

TEST(Import, IndexersOfBlocks) {
  const auto a = imported(
      "{model_type: minimax_m3, hidden_size: 64, num_hidden_layers: 2, num_attention_heads: 8, num_key_value_heads: 2, head_dim: 16, intermediate_size: 32, dense_intermediate_size: 128, vocab_size: 1000,"
      " num_local_experts: 16, num_experts_per_tok: 4, moe_intermediate_size: 32, moe_layer_freq: [0, 1], qk_norm_type: per_head, use_qk_norm: true,"
      " sparse_attention_config: {use_sparse_attention: true, sparse_num_index_heads: 2, sparse_index_dim: 8, sparse_topk_blocks: 4, sparse_block_size: 16, sparse_attention_freq: [0, 1]}}");
  EXPECT_EQ(a.layer(0).attention.indexer.keys(), 0);
  EXPECT_EQ(a.layer(0).dense->intermediate, 128);
  EXPECT_EQ(a.layer(1).attention.indexer, (Indexer{.heads = 2, .head_dim = 8, .top = 4, .block = 16}));
  EXPECT_EQ(a.layer(1).experts->intermediate, 32);
  EXPECT_EQ(parameters_of(a, a.layer(1)).attention - parameters_of(a, a.layer(0)).attention, 64 * 3 * 8 + 2 * 8);
}

TEST(Import, PadsTheVocabulary) {
  EXPECT_EQ(imported("{model_type: transformer, pad_vocab_size_multiple: 128, " + kSizes + "}").vocabulary,
            1024);
}

TEST(Import, WrapperGivesItsLanguageModelWithAWarning) {
  config::Diagnostics diagnostics;
  const auto a = import_text(
      "{model_type: some_vl, tie_word_embeddings: true, vision_config: {depth: 3}, text_config: " +
          llama("") + "}",
      diagnostics);
  ASSERT_TRUE(a);
  EXPECT_TRUE(a->tied_embeddings);
  ASSERT_EQ(diagnostics.all().size(), 1u);
  EXPECT_NE(all_text(diagnostics).find("only the language model 'text_config'"), std::string::npos);
}

TEST(Import, UnusedKeyIsWarnedAbout) {
  config::Diagnostics diagnostics;
  EXPECT_TRUE(
      import_text(llama("favourite_colour: blue, torch_dtype: bfloat16, rope_theta: 1e6, some_switch: false"),
                  diagnostics));
  ASSERT_EQ(diagnostics.all().size(), 1u);
  EXPECT_EQ(diagnostics.all()[0].severity, config::Severity::warning);
  EXPECT_EQ(diagnostics.all()[0].problem, "'favourite_colour' is not used");
}

}  // namespace
}  // namespace zettatwin::model
