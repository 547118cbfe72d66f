// SPDX-License-Identifier: Apache-2.0
// Our own config.json dialect, `model_type: transformer`: the one vocabulary into which all others are
// translated (dialects.hpp). Names are those of Hugging Face where it has one. describe() is its validation
// and its reference documentation; assemble() checks how the sizes fit together and builds the Architecture.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "config/schema.hpp"
#include "model/architecture.hpp"

namespace zettatwin::model {

struct TransformerConfig {
  std::int64_t hidden_size = 0;
  std::int64_t num_hidden_layers = 0;
  std::int64_t vocab_size = 0;
  std::int64_t pad_vocab_size_multiple = 1;
  std::int64_t max_position_embeddings = 0;
  bool learned_positions = false;
  std::int64_t position_offset = 0;
  bool relative_positions = false;
  bool tie_word_embeddings = false;
  Norm norm = Norm::rms;
  bool norm_bias = false;
  std::int64_t norms_per_layer = 2;
  bool embedding_norm = false;
  bool head_bias = false;
  std::int64_t residual_streams = 1;
  std::int64_t residual_block_size = 0;
  bool paired_layers = false;
  std::int64_t per_layer_width = 0;
  std::int64_t per_layer_vocabulary = 0;

  std::int64_t num_attention_heads = 0;
  std::int64_t num_key_value_heads = 0;
  std::int64_t head_dim = 0;
  std::int64_t q_lora_rank = 0;
  std::int64_t kv_lora_rank = 0;
  std::int64_t qk_nope_head_dim = 0;
  std::int64_t qk_rope_head_dim = 0;
  std::int64_t v_head_dim = 0;
  bool qkv_bias = false;
  bool output_bias = false;
  bool qk_norm = false;
  bool qk_norm_per_projection = false;
  bool attention_sinks = false;
  bool attention_output_gate = false;
  bool attention_head_gate = false;
  std::int64_t query_rank = 0;
  std::int64_t full_num_attention_heads = 0;
  std::int64_t full_num_key_value_heads = 0;
  std::int64_t full_head_dim = 0;
  std::int64_t full_v_head_dim = 0;
  bool full_keys_are_values = false;
  bool window_attention_sinks = false;
  std::int64_t shared_key_layers = 0;
  std::int64_t linear_num_value_heads = 0;
  std::int64_t linear_num_key_heads = 0;
  std::int64_t linear_value_head_dim = 0;
  std::int64_t linear_key_head_dim = 0;
  std::int64_t linear_conv_kernel_dim = 4;
  bool linear_conv_bias = false;
  LinearRule linear_rule = LinearRule::delta;
  std::int64_t linear_decay_rank = 0;
  std::int64_t linear_gate_rank = 0;
  bool linear_full_rank_gate = false;
  std::vector<std::string> linear_attention_layers;

  std::vector<std::string> compress_ratios;
  std::int64_t index_compress_ratio = 0;
  std::int64_t output_groups = 0;
  std::int64_t output_rank = 0;

  std::int64_t index_n_heads = 0;
  std::int64_t index_head_dim = 0;
  std::int64_t index_topk = 0;
  std::int64_t index_block_size = 1;
  std::vector<std::string> indexer_types;
  std::vector<std::string> sparse_attention_freq;

  std::int64_t sliding_window = 0;
  bool use_sliding_window = true;
  std::int64_t first_window_layer = 0;
  std::int64_t full_attention_period = 0;
  std::vector<std::string> layer_types;
  std::vector<std::string> block_types;

  std::int64_t intermediate_size = 0;
  std::int64_t expansion_ratio = 0;
  bool gated = true;
  bool mlp_bias = false;
  bool shared_key_layers_double = false;

  std::int64_t num_experts = 0;
  std::int64_t num_experts_per_tok = 0;
  std::int64_t moe_intermediate_size = 0;
  std::int64_t n_shared_experts = 0;
  std::int64_t shared_expert_intermediate_size = 0;
  bool shared_expert_gate = false;
  std::int64_t n_group = 1;
  std::int64_t topk_group = 0;
  bool router_bias = false;
  bool wide_router = false;
  std::int64_t num_hash_layers = 0;
  std::int64_t zero_experts = 0;
  std::vector<std::string> moe_layers;
  std::int64_t moe_latent_size = 0;
  bool moe_latent_norm = false;
  bool expert_bias = false;
  std::int64_t first_k_dense_replace = 0;
  std::int64_t decoder_sparse_step = 1;
  std::vector<std::string> moe_layer_freq;
  std::vector<std::string> mlp_only_layers;
  std::vector<std::string> mlp_layer_types;

  std::int64_t num_nextn_predict_layers = 0;

  WeightFormat weight_format = WeightFormat::unstated;
  WeightFormat attention_format = WeightFormat::unstated;
  WeightFormat expert_format = WeightFormat::unstated;
  std::int64_t int4_group = 32;
  bool int4_zeros = false;
};
void describe(config::Schema& s, TransformerConfig& c);

// `node` is the tree that `c` was read from; its places are where problems are reported.
[[nodiscard]] std::optional<Architecture> assemble(const TransformerConfig& c, const config::Node& node,
                                                   config::Diagnostics& diagnostics);

}  // namespace zettatwin::model
