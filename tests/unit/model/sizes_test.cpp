// SPDX-License-Identifier: Apache-2.0
// Models of 2025 and 2026 by the sizes of their config.json: the counts are sums by hand, and what the models are named after.
#include <gtest/gtest.h>

#include "documents.hpp"
#include "model/parameters.hpp"

namespace zettatwin::model {
namespace {

struct Row {
  const char* name;
  const char* config;
  std::int64_t total, active;
};

constexpr Row kRows[] = {
    {"Seed-OSS-36B",
     "model_type: seed_oss, attention_bias: true, attention_out_bias: false, head_dim: 128, hidden_size: 5120, num_hidden_layers: 64, num_attention_heads: 80, num_key_value_heads: 8, intermediate_size: 27648, "
     "vocab_size: 155136, residual_dropout: 0.1, mlp_bias: false, tie_word_embeddings: false",
     36'151'104'512, 36'151'104'512},
    {"OLMo-2-32B", "model_type: olmo2, hidden_size: 5120, num_hidden_layers: 64, num_attention_heads: 40, num_key_value_heads: 8, intermediate_size: 27648, vocab_size: 100352, attention_bias: false", 32'234'279'936, 32'234'279'936},
    {"GLM-4-32B-0414", "model_type: glm4, hidden_size: 6144, num_hidden_layers: 61, num_attention_heads: 48, num_key_value_heads: 2, head_dim: 128, intermediate_size: 23040, vocab_size: 151552, attention_bias: false, partial_rotary_factor: 0.5",
     32'566'081'536, 32'566'081'536},
    {"EXAONE-4.0-32B", "model_type: exaone4, hidden_size: 5120, num_hidden_layers: 64, num_attention_heads: 40, num_key_value_heads: 8, head_dim: 128, intermediate_size: 27392, vocab_size: 102400, sliding_window: 4096, sliding_window_pattern: LLLG",
     32'003'216'384, 32'003'216'384},
    {"Command A",
     "model_type: cohere2, hidden_size: 12288, num_hidden_layers: 64, num_attention_heads: 96, num_key_value_heads: 8, head_dim: 128, intermediate_size: 36864, vocab_size: 256000, sliding_window: 4096, "
     "sliding_window_pattern: 4, logit_scale: 0.25, layer_norm_eps: 1.0e-5",
     111'057'580'032, 111'057'580'032},
    {"SmolLM3-3B",
     "model_type: smollm3, hidden_size: 2048, num_hidden_layers: 36, num_attention_heads: 16, num_key_value_heads: 4, intermediate_size: 11008, vocab_size: 128256, tie_word_embeddings: true, no_rope_layer_interval: 4, "
     "use_sliding_window: false, sliding_window: null",
     3'075'098'624, 3'075'098'624},
    {"ERNIE-4.5-21B-A3B",
     "model_type: ernie4_5_moe, hidden_size: 2560, intermediate_size: 12288, num_attention_heads: 20, num_key_value_heads: 4, head_dim: 128, num_hidden_layers: 28, vocab_size: 103424, use_bias: false, "
     "tie_word_embeddings: true, moe_num_experts: 64, moe_layer_start_index: 1, moe_intermediate_size: 1536, moe_k: 6, moe_layer_interval: 1, moe_num_shared_experts: 2, moe_layer_end_index: -1, moe_norm_min: 1.0e-12",
     21'825'437'888, 3'352'150'208},
    {"ERNIE-4.5-300B-A47B",
     "model_type: ernie4_5_moe, hidden_size: 8192, intermediate_size: 28672, num_attention_heads: 64, num_key_value_heads: 8, num_hidden_layers: 54, vocab_size: 103424, use_bias: false, tie_word_embeddings: false, "
     "moe_num_experts: 64, moe_layer_start_index: 3, moe_layer_end_index: 53, moe_intermediate_size: 3584, moe_k: 8, moe_num_shared_experts: 0",
     299'484'163'264, 47'926'586'560},
    {"Hunyuan-A13B",
     "model_type: hunyuan_v1_moe, hidden_size: 4096, num_hidden_layers: 32, num_attention_heads: 32, num_key_value_heads: 8, head_dim: 128, attention_head_dim: 128, intermediate_size: 3072, vocab_size: 128167, num_experts: 64, "
     "moe_intermediate_size: [3072, 3072, 3072], moe_topk: [8, 8, 8], num_shared_expert: [1, 1, 1], use_qk_norm: true, use_cla: false, cla_share_factor: 2, use_mixed_mlp_moe: true, tie_word_embeddings: true",
     80'393'183'232, 12'747'448'320},
    {"Ling-mini-2.0",
     "model_type: bailing_moe_v2, hidden_size: 2048, intermediate_size: 5120, num_hidden_layers: 20, num_attention_heads: 16, num_key_value_heads: 4, head_dim: 128, vocab_size: 157184, use_qkv_bias: false, use_bias: false, "
     "use_qk_norm: true, num_experts: 256, num_shared_experts: 1, num_experts_per_tok: 8, n_group: 8, topk_group: 4, moe_intermediate_size: 512, first_k_dense_replace: 1, moe_router_enable_expert_bias: true, max_window_layers: 20",
     16'255'643'392, 1'432'973'056},
    {"Ling-flash-2.0",
     "model_type: bailing_moe_v2, hidden_size: 4096, intermediate_size: 9216, num_hidden_layers: 32, num_attention_heads: 32, num_key_value_heads: 4, head_dim: 128, vocab_size: 157184, use_qk_norm: true, num_experts: 256, "
     "num_shared_experts: 1, num_experts_per_tok: 8, n_group: 8, topk_group: 4, moe_intermediate_size: 1024, first_k_dense_replace: 1",
     102'889'705'216, 6'152'277'760},
    {"GLM-4.7-Flash",
     "model_type: glm4_moe_lite, hidden_size: 2048, num_hidden_layers: 47, num_attention_heads: 20, num_key_value_heads: 20, q_lora_rank: 768, kv_lora_rank: 512, qk_nope_head_dim: 192, qk_rope_head_dim: 64, v_head_dim: 256, "
     "intermediate_size: 10240, vocab_size: 154880, n_routed_experts: 64, n_shared_experts: 1, num_experts_per_tok: 4, moe_intermediate_size: 1536, first_k_dense_replace: 1, topk_method: noaux_tc",
     29'943'393'920, 3'896'766'080},
    {"dots.llm1",
     "model_type: dots1, hidden_size: 4096, num_hidden_layers: 62, num_attention_heads: 32, num_key_value_heads: 32, intermediate_size: 10944, vocab_size: 152064, n_routed_experts: 128, n_shared_experts: 2, num_experts_per_tok: 6, "
     "moe_intermediate_size: 1408, first_k_dense_replace: 1, attention_bias: false, topk_method: noaux_tc, max_window_layers: 62, use_sliding_window: false",
     142'774'381'696, 14'016'588'928},
    {"Step-3",
     "model_type: step3_text, hidden_size: 7168, intermediate_size: 18432, num_hidden_layers: 61, vocab_size: 128815, moe_layers_enum: '4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31,32,33,34,35,"
     "36,37,38,39,40,41,42,43,44,45,46,47,48,49,50,51,52,53,54,55,56,57,58,59', use_mfa: true, num_attention_heads: 64, num_attention_groups: 1, head_dim: 256, share_q_dim: 2048, use_moe: true, moe_num_experts: 48, moe_top_k: 3, "
     "moe_intermediate_size: 5120, share_expert_dim: 5120, moe_router_scaling_factor: 2.0",
     316'294'538'240, 38'841'328'640},
    {"LongCat-Flash",
     "model_type: longcat_flash, num_layers: 28, hidden_size: 6144, ffn_hidden_size: 12288, expert_ffn_hidden_size: 2048, num_attention_heads: 64, q_lora_rank: 1536, kv_lora_rank: 512, qk_nope_head_dim: 128, qk_rope_head_dim: 64, "
     "v_head_dim: 128, n_routed_experts: 512, zero_expert_num: 256, zero_expert_type: identity, moe_topk: 12, vocab_size: 131072, attention_method: MLA, mla_scale_q_lora: true, mla_scale_kv_lora: true, router_bias: false",
     560'664'980'480, 27'954'818'048},
    {"Granite-4.0-H-Small",
     "model_type: granitemoehybrid, hidden_size: 4096, num_hidden_layers: 40, num_attention_heads: 32, num_key_value_heads: 8, num_local_experts: 72, num_experts_per_tok: 10, shared_intermediate_size: 1536, "
     "intermediate_size: 768, mamba_n_heads: 128, mamba_d_head: 64, mamba_n_groups: 1, mamba_d_state: 128, mamba_d_conv: 4, mamba_expand: 2, mamba_chunk_size: 256, mamba_conv_bias: true, mamba_proj_bias: false, "
     "tie_word_embeddings: true, vocab_size: 100352, attention_multiplier: 0.0078125, embedding_multiplier: 12, logits_scaling: 16, residual_multiplier: 0.22, normalization_function: rmsnorm, "
     "layer_types: [mamba, mamba, mamba, mamba, mamba, attention, mamba, mamba, mamba, mamba, mamba, mamba, mamba, mamba, mamba, attention, mamba, mamba, mamba, mamba, mamba, mamba, mamba, mamba, mamba, attention, "
     "mamba, mamba, mamba, mamba, mamba, mamba, mamba, mamba, mamba, attention, mamba, mamba, mamba, mamba]",
     32'207'337'984, 8'803'121'664},
};

TEST(Sizes, OfRecentModels) {
  for (const auto& row : kRows) {
    config::Diagnostics diagnostics;
    const auto a = testing::import_text("{" + std::string(row.config) + "}", diagnostics);
    ASSERT_TRUE(a) << row.name << "\n" << testing::all_text(diagnostics);
    EXPECT_TRUE(diagnostics.all().empty()) << row.name << "\n" << testing::all_text(diagnostics);
    EXPECT_EQ(parameters_of(*a).total, row.total) << row.name;
    EXPECT_EQ(parameters_of(*a).active, row.active) << row.name;
  }
}

TEST(Sizes, OfLayersThatDifferAreRefused) {
  config::Diagnostics diagnostics;
  EXPECT_FALSE(testing::import_text("{model_type: hunyuan_v1_moe, hidden_size: 64, num_hidden_layers: 2, num_attention_heads: 4, vocab_size: 100, num_experts: 8, moe_intermediate_size: 32, moe_topk: [2, 4]}", diagnostics));
  EXPECT_NE(testing::all_text(diagnostics).find("'moe_topk' differs from layer to layer"), std::string::npos) << testing::all_text(diagnostics);
}

}  // namespace
}  // namespace zettatwin::model
