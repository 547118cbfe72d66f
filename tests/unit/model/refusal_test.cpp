// SPDX-License-Identifier: Apache-2.0
// What cannot be imported: every reason at once, each with its place, and never a crash.
#include <gtest/gtest.h>

#include "documents.hpp"

namespace zettatwin::model {
namespace {

using testing::all_text;
using testing::import_text;

const std::string kSizes =
    "hidden_size: 64, num_hidden_layers: 4, num_attention_heads: 8, intermediate_size: 128, vocab_size: 1000";

// Imports `text`, which must fail; returns the diagnostics as text.
std::string refusal(const std::string& text) {
  config::Diagnostics diagnostics;
  EXPECT_FALSE(import_text(text, diagnostics)) << text;
  EXPECT_TRUE(diagnostics.has_errors()) << text;
  return all_text(diagnostics);
}
::testing::AssertionResult says(const std::string& text, std::initializer_list<std::string> parts) {
  for (const auto& part : parts)
    if (text.find(part) == std::string::npos)
      return ::testing::AssertionFailure() << "'" << part << "' is not in:\n" << text;
  return ::testing::AssertionSuccess();
}

TEST(Refusal, UnknownArchitectureNamesEachFieldWithItsLine) {
  const auto text = refusal(
      "{\n\"model_type\": \"jamba\",\n\"mamba_dt_rank\": 16,\n\"hidden_size\": "
      "64,\n\"mamba_inner_width\": 4\n}");
  EXPECT_TRUE(says(text, {"config.json:2:15: error: the architecture 'jamba' is not known",
                          "config.json:3:1: error: the field 'mamba_dt_rank'",
                          "config.json:5:1: error: the field 'mamba_inner_width'"}));
  EXPECT_EQ(text.find("'hidden_size'"), std::string::npos);
}

TEST(Refusal, UnknownFieldOfAKnownArchitectureThatMayChangeTheComputation) {
  EXPECT_TRUE(
      says(refusal("{model_type: deepseek_v3, " + kSizes + ", index_topk: 2048, index_n_heads: 64}"),
           {"the field 'index_topk' could not be mapped", "the field 'index_n_heads' could not be mapped"}));
  EXPECT_TRUE(says(refusal("{model_type: llama, layer_types: [mamba, full_attention, "
                           "full_attention, full_attention], " +
                           kSizes + "}"),
                   {"layer_types holds 'mamba'"}));
  EXPECT_TRUE(says(refusal("{model_type: qwen3_5_moe_text, layer_types: [linear_attention, full_attention, "
                           "full_attention, full_attention], " +
                           kSizes + "}"),
                   {"a layer is linear_attention but its sizes are not given"}));
  EXPECT_TRUE(says(refusal("{model_type: opt, do_layer_norm_before: false, ffn_dim: 128, " + kSizes + "}"),
                   {"'do_layer_norm_before: false' could not be mapped"}));
  EXPECT_TRUE(says(refusal("{model_type: minimax_m2, attn_type_list: [1, 0, 1, 1], " + kSizes + "}"),
                   {"'attn_type_list: 0' could not be mapped"}));
}

TEST(Refusal, MissingSizesAreReportedTogether) {
  EXPECT_TRUE(says(refusal("{model_type: llama}"), {"lacks 'hidden_size'", "lacks 'num_hidden_layers'",
                                                    "lacks 'vocab_size'", "lacks 'num_attention_heads'"}));
  EXPECT_TRUE(says(refusal("{hidden_size: 64}"), {"lacks 'model_type'"}));
  EXPECT_TRUE(says(refusal("{model_type: llama, hidden_size: 64, num_hidden_layers: 4, num_attention_heads: "
                           "8, vocab_size: 1000}"),
                   {"lacks 'intermediate_size'"}));
}

TEST(Refusal, SizesThatAreNoSizes) {
  const auto text = refusal(
      "{model_type: llama, hidden_size: -64, num_hidden_layers: 2.5, num_attention_heads: .nan, "
      "intermediate_size: 1e300, vocab_size: \"1000\"}");
  EXPECT_TRUE(says(text, {"'hidden_size'", "'num_hidden_layers'", "'num_attention_heads'",
                          "'intermediate_size'", "'vocab_size'"}));
  for (const std::string value : {"0", "-1", "NaN", "Infinity", "-Infinity", "99999999999999999999", "1e400",
                                  "[4]", "{a: 1}", "true", "null", "0x40", "4 GB", "''"})
    EXPECT_TRUE(says(refusal("{model_type: llama, num_hidden_layers: 4, num_attention_heads: 8, "
                             "intermediate_size: 128, vocab_size: 1000, hidden_size: " +
                             value + "}"),
                     {"hidden_size"}))
        << value;
}

TEST(Refusal, CountsThatDoNotDivide) {
  EXPECT_TRUE(says(refusal("{model_type: llama, num_hidden_layers: 4, num_attention_heads: 7, "
                           "intermediate_size: 128, vocab_size: 1000, hidden_size: 64}"),
                   {"hidden_size 64 does not divide among 7 heads"}));
  EXPECT_TRUE(says(refusal("{model_type: llama, num_key_value_heads: 3, " + kSizes + "}"),
                   {"8 query heads do not divide among 3"}));
  const std::string moe = ", num_experts: 10, moe_intermediate_size: 32";
  EXPECT_TRUE(says(refusal("{model_type: transformer, num_experts_per_tok: 12, n_group: 4, topk_group: 5, " +
                           kSizes + moe + "}"),
                   {"cannot reach 12 of 10 experts", "10 experts do not divide into 4 groups",
                    "cannot reach 5 of 4 expert groups"}));
  EXPECT_TRUE(says(refusal("{model_type: transformer, num_experts_per_tok: 6, n_group: 2, topk_group: 1, " +
                           kSizes + moe + "}"),
                   {"fewer than num_experts_per_tok 6"}));
}

TEST(Refusal, PartsThatBelongTogether) {
  EXPECT_TRUE(says(refusal("{model_type: transformer, kv_lora_rank: 16, " + kSizes + "}"),
                   {"lacks 'qk_nope_head_dim'", "lacks 'qk_rope_head_dim'", "lacks 'v_head_dim'"}));
  EXPECT_TRUE(says(refusal("{model_type: transformer, qk_rope_head_dim: 16, " + kSizes + "}"),
                   {"qk_rope_head_dim is set but kv_lora_rank is not"}));
  EXPECT_TRUE(says(refusal("{model_type: transformer, compress_ratios: [0, 4, 4], " + kSizes + "}"),
                   {"compress_ratios lists 3 layers", "lacks 'q_lora_rank'", "lacks 'output_groups'", "lacks 'sliding_window'", "one vector for all heads"}));
  EXPECT_TRUE(says(refusal("{model_type: transformer, linear_attention_layers: [0, 9], linear_rule: channel_delta, shared_key_layers: 4, per_layer_width: 8, " + kSizes + "}"),
                   {"linear_attention_layers holds '9'", "linear_attention_layers holds 0", "needs 'linear_decay_rank'", "4 of 4 layers cannot use keys of earlier ones", "lack 'per_layer_vocabulary'"}));
  EXPECT_TRUE(says(refusal("{model_type: transformer, num_experts: 4, " + kSizes + "}"),
                   {"lacks 'moe_intermediate_size'", "lacks 'num_experts_per_tok'"}));
  EXPECT_TRUE(says(refusal("{model_type: transformer, learned_positions: true, " + kSizes + "}"),
                   {"lacks its size 'max_position_embeddings'"}));
  EXPECT_TRUE(says(refusal("{model_type: transformer, layer_types: [sliding_attention], " + kSizes + "}"),
                   {"lists 1 layers", "there is no sliding_window"}));
  EXPECT_TRUE(says(refusal("{model_type: transformer, moe_layer_freq: [0, 1, 2, x], mlp_only_layers: [9], "
                           "num_experts: 4, num_experts_per_tok: 1, moe_intermediate_size: 8, " +
                           kSizes + "}"),
                   {"moe_layer_freq holds '2'", "mlp_only_layers holds '9'"}));
}

TEST(Refusal, ContradictionAndMisspelling) {
  EXPECT_TRUE(
      says(refusal("{model_type: gpt2, n_embd: 32, " + kSizes + "}"), {"contradicts an earlier key"}));
  EXPECT_TRUE(says(refusal("{model_type: transformer, num_hiden_layers: 3, " + kSizes + "}"),
                   {"unknown key 'num_hiden_layers'", "did you mean 'num_hidden_layers'?"}));
  EXPECT_TRUE(says(refusal("{model_type: lama, " + kSizes + "}"), {"the nearest known is 'llama'"}));
}

TEST(Refusal, HugeProductsDoNotOverflow) {
  EXPECT_TRUE(says(refusal("{model_type: transformer, hidden_size: 1048576, num_hidden_layers: 16384, "
                           "num_attention_heads: 1048576, head_dim: 4194304,"
                           " vocab_size: 134217728, intermediate_size: 4194304, num_experts: 131072, "
                           "num_experts_per_tok: 1, moe_intermediate_size: 4194304}"),
                   {"the limit is 1e+17"}));
}

TEST(Refusal, HostileDocuments) {
  for (const std::string text :
       {"", "[]", "7", "null", "{", "{\"a\":", "{\"model_type\": \"llama\"", "{model_type: [llama]}",
        "{model_type: {a: b}}", "{model_type: ''}", "{model_type: llama, model_type: llama}",
        "\t{\"model_type\": 1}", "{text_config: {}}", "{text_config: {text_config: {}}}", "]", "&a [*a]"})
    refusal(text);
  const std::string deep = "{\"model_type\": \"llama\", \"x\": " + std::string(100'000, '[');
  EXPECT_TRUE(says(refusal(deep), {"never closed"}));
  EXPECT_TRUE(says(refusal(deep + std::string(100'000, ']') + "}"), {"nested too deeply"}));
}

}  // namespace
}  // namespace zettatwin::model
