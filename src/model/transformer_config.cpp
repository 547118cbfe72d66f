// SPDX-License-Identifier: Apache-2.0
#include "model/transformer_config.hpp"

#include <array>

namespace zettatwin::model {
namespace {

using config::FieldOptions;
using config::Presence;

// Generous bounds: a thousand times today's largest models, and products of them still fit the arithmetic.
constexpr config::Range kWidths{0, 1 << 20, true};
constexpr config::Range kOptionalWidths{0, 1 << 22, false};
constexpr config::Range kLayers{0, 1 << 14, true};
constexpr config::Range kCounts{0, 1 << 17, false};
constexpr config::Range kAtLeastOne{0, 1 << 17, true};
constexpr config::Range kVocabulary{0, 1 << 27, true};
constexpr config::Range kTokens{0, 1LL << 40, false};

constexpr FieldOptions required(config::Range range) {
  return {.presence = Presence::required, .range = range};
}
constexpr FieldOptions within(config::Range range) { return {.range = range}; }

constexpr std::array kNormWords{
    config::Word{"rms", static_cast<int>(Norm::rms), "root mean square, no centring"},
    config::Word{"layer", static_cast<int>(Norm::layer), "mean and variance"},
};

constexpr std::array kFormatWords{
    config::Word{"unstated", static_cast<int>(WeightFormat::unstated), "not known; of a part: as weight_format"},
    config::Word{"bf16", static_cast<int>(WeightFormat::bf16), "bfloat16 or float16"},
    config::Word{"fp8", static_cast<int>(WeightFormat::fp8), "8-bit floating point, a scale per tensor or channel"},
    config::Word{"fp8_block", static_cast<int>(WeightFormat::fp8_block), "8-bit floating point, a scale per 128 x 128 weights"},
    config::Word{"mxfp8", static_cast<int>(WeightFormat::mxfp8), "8-bit floating point, a scale per 32 weights"},
    config::Word{"fp4", static_cast<int>(WeightFormat::fp4), "4-bit floating point, a scale per 16 weights (NVFP4)"},
    config::Word{"mxfp4", static_cast<int>(WeightFormat::mxfp4), "4-bit floating point, a scale per 32 weights"},
    config::Word{"int8", static_cast<int>(WeightFormat::int8), "8-bit integers"},
    config::Word{"int4", static_cast<int>(WeightFormat::int4), "4-bit integers, a scale per group"},
};

constexpr std::array kRules{
    config::Word{"delta", static_cast<int>(LinearRule::delta), "gated delta rule: step and decay per head"},
    config::Word{"channel_delta", static_cast<int>(LinearRule::channel_delta), "Kimi Delta Attention: a decay per channel of the keys"},
    config::Word{"mamba2", static_cast<int>(LinearRule::mamba2), "Mamba-2: queries, keys and values are C, B and x"},
};

void describe_attention(config::Schema& s, TransformerConfig& c) {
  s.integer("num_attention_heads", c.num_attention_heads, "query heads", required(kWidths));
  s.integer("num_key_value_heads", c.num_key_value_heads, "key/value heads; default: as many as query heads",
            within(kCounts));
  s.integer("head_dim", c.head_dim, "width of one head; default: hidden_size / num_attention_heads",
            within(kOptionalWidths));
  s.integer("kv_lora_rank", c.kv_lora_rank,
            "width of the key/value latent; above 0 makes the attention multi-latent (MLA)",
            within(kOptionalWidths));
  s.integer("q_lora_rank", c.q_lora_rank, "MLA: width of the query latent; 0: queries are projected directly",
            within(kOptionalWidths));
  s.integer("qk_nope_head_dim", c.qk_nope_head_dim, "MLA: width of a head's part without rotary positions",
            within(kOptionalWidths));
  s.integer("qk_rope_head_dim", c.qk_rope_head_dim,
            "MLA: width of a head's rotary part, one key for all heads", within(kOptionalWidths));
  s.integer("v_head_dim", c.v_head_dim, "width of a value head; default: head_dim; needed by MLA", within(kOptionalWidths));
  s.boolean("attention_head_gate", c.attention_head_gate, "a sigmoid gate per head");
  s.integer("query_rank", c.query_rank, "width of a latent of the queries where attention is not multi-latent; 0: they are projected directly", within(kOptionalWidths));
  s.integer("full_num_attention_heads", c.full_num_attention_heads, "query heads of layers that attend fully, if other than num_attention_heads", within(kCounts));
  s.integer("full_num_key_value_heads", c.full_num_key_value_heads, "likewise key/value heads", within(kCounts));
  s.integer("full_head_dim", c.full_head_dim, "likewise width of a head", within(kOptionalWidths));
  s.integer("full_v_head_dim", c.full_v_head_dim, "likewise width of a value head", within(kOptionalWidths));
  s.boolean("full_keys_are_values", c.full_keys_are_values, "layers that attend fully have no projection to values: they are the keys' one");
  s.boolean("window_attention_sinks", c.window_attention_sinks, "windowed layers have a learned sink logit per head");
  s.integer("shared_key_layers", c.shared_key_layers, "so many last layers use the keys and values of the last earlier layer of their kind", within(kCounts));
  s.boolean("qkv_bias", c.qkv_bias, "biases on the query, key and value projections");
  s.boolean("output_bias", c.output_bias, "a bias on the attention's output projection");
  s.boolean("qk_norm", c.qk_norm, "normalise queries and keys");
  s.boolean("qk_norm_per_projection", c.qk_norm_per_projection,
            "with qk_norm: weights over all heads, not one head's width");
  s.boolean("attention_sinks", c.attention_sinks, "one learned sink logit per head");
  s.boolean("attention_output_gate", c.attention_output_gate, "a sigmoid gate on every output of attention, projected beside the queries");
  s.integer("linear_num_value_heads", c.linear_num_value_heads, "linear attention: heads of values", within(kCounts));
  s.integer("linear_num_key_heads", c.linear_num_key_heads, "linear attention: heads of queries and keys", within(kCounts));
  s.integer("linear_value_head_dim", c.linear_value_head_dim, "linear attention: width of a value head", within(kOptionalWidths));
  s.integer("linear_key_head_dim", c.linear_key_head_dim, "linear attention: width of a query and key head", within(kOptionalWidths));
  s.integer("linear_conv_kernel_dim", c.linear_conv_kernel_dim, "linear attention: tokens that the convolution spans", within(kCounts));
  s.boolean("linear_conv_bias", c.linear_conv_bias, "linear attention: the convolution has biases");
  s.choice("linear_rule", c.linear_rule, kRules, "linear attention: how the state follows from the tokens");
  s.integer("linear_decay_rank", c.linear_decay_rank, "linear attention with a decay per channel: features through which it is projected", within(kOptionalWidths));
  s.integer("linear_gate_rank", c.linear_gate_rank, "linear attention: features through which gates of the outputs are projected; 0: directly", within(kOptionalWidths));
  s.boolean("linear_full_rank_gate", c.linear_full_rank_gate, "linear attention: gates of the outputs are projected directly, whatever linear_gate_rank says");
  s.texts("linear_attention_layers", c.linear_attention_layers, "numbers of layers with linear attention, from 1; the others attend fully");
  s.texts("compress_ratios", c.compress_ratios,
          "per layer, and one more for the multi-token-prediction module: tokens that an entry stands for which is attended to beside a window, one vector of head_dim for all heads (DeepSeek-V4); 0: only the window");
  s.integer("index_compress_ratio", c.index_compress_ratio, "layers of this ratio attend to entries that the indexer chooses, and their entries overlap", within(kCounts));
  s.integer("output_groups", c.output_groups, "compressed attention: groups of heads whose outputs are projected", within(kCounts));
  s.integer("output_rank", c.output_rank, "compressed attention: to so many features each", within(kOptionalWidths));
  s.integer("index_topk", c.index_topk, "sparse attention: keys that a query attends to, or blocks of keys; 0: all keys", within(kCounts));
  s.integer("index_block_size", c.index_block_size, "sparse attention: keys of a block", within(kAtLeastOne));
  s.integer("index_n_heads", c.index_n_heads, "sparse attention: heads of the indexer that chooses the keys", within(kCounts));
  s.integer("index_head_dim", c.index_head_dim, "sparse attention: width of such a head", within(kOptionalWidths));
  s.texts("indexer_types", c.indexer_types, "sparse attention, per layer: full, or shared: the keys that an earlier layer chose are used again");
  s.texts("sparse_attention_freq", c.sparse_attention_freq, "per layer 0: all keys, 1: sparse attention; all are sparse if absent");
  s.integer("sliding_window", c.sliding_window,
            "tokens that a windowed layer attends to; 0: full causal attention", within(kTokens));
  s.boolean("use_sliding_window", c.use_sliding_window, "false: sliding_window has no effect");
  s.integer("first_window_layer", c.first_window_layer, "layers below it attend fully", within(kCounts));
  s.integer("full_attention_period", c.full_attention_period,
            "every n-th layer attends fully; 0: none, all are windowed or linear", within(kCounts));
  s.texts("layer_types", c.layer_types,
          "per layer: full_attention, sliding_attention or linear_attention; instead of the two keys above");
}

void describe_feed_forward(config::Schema& s, TransformerConfig& c) {
  s.texts("block_types", c.block_types, "where attention and feed-forwards do not alternate, each of num_hidden_layers blocks: mamba, attention, mlp or moe; a layer here is one of the first two with the feed-forward that follows, if one does");
  s.integer("intermediate_size", c.intermediate_size, "width of the dense feed-forward",
            within(kOptionalWidths));
  s.integer("expansion_ratio", c.expansion_ratio,
            "intermediate_size in units of hidden_size, if that is not given", within(kCounts));
  s.boolean("gated", c.gated, "gate, up and down (SwiGLU, GeGLU) rather than up and down");
  s.boolean("mlp_bias", c.mlp_bias, "biases in the dense feed-forward");
  s.boolean("shared_key_layers_double", c.shared_key_layers_double, "the feed-forward of shared_key_layers is twice as wide");
  s.integer("num_experts", c.num_experts, "routed experts per MoE layer; 0: dense", within(kCounts));
  s.integer("num_experts_per_tok", c.num_experts_per_tok, "routed experts that a token reaches",
            within(kCounts));
  s.integer("moe_intermediate_size", c.moe_intermediate_size, "width of one routed expert",
            within(kOptionalWidths));
  s.integer("n_shared_experts", c.n_shared_experts,
            "experts of moe_intermediate_size that every token reaches", within(kCounts));
  s.integer("shared_expert_intermediate_size", c.shared_expert_intermediate_size,
            "width of all shared experts together, instead of their number", within(kOptionalWidths));
  s.boolean("shared_expert_gate", c.shared_expert_gate, "a sigmoid gate on the shared expert");
  s.integer("n_group", c.n_group, "groups of experts for group-limited routing", within(kAtLeastOne));
  s.integer("topk_group", c.topk_group, "groups that a token may reach; 0: all", within(kCounts));
  s.boolean("router_bias", c.router_bias, "the router has a bias or a score-correction term");
  s.boolean("wide_router", c.wide_router, "engines keep the router's weights in 32 bits and multiply in them");
  s.boolean("expert_bias", c.expert_bias, "biases in the experts");
  s.integer("zero_experts", c.zero_experts, "experts among num_experts_per_tok choices, beside num_experts, that give a token back as it is; choices are taken to be even", within(kCounts));
  s.texts("moe_layers", c.moe_layers, "numbers of layers with experts, from 0; the others are dense");
  s.integer("num_hash_layers", c.num_hash_layers, "the first layers choose experts by a table of tokens, without router_bias", within(kCounts));
  s.integer("moe_latent_size", c.moe_latent_size, "width that routed experts see, projected from hidden_size and back by all tokens; 0: hidden_size", within(kOptionalWidths));
  s.boolean("moe_latent_norm", c.moe_latent_norm, "a norm of what comes back from the routed experts");
  s.integer("first_k_dense_replace", c.first_k_dense_replace, "the first k layers are dense",
            within(kCounts));
  s.integer("decoder_sparse_step", c.decoder_sparse_step, "layer i is MoE if i + 1 is a multiple of it",
            within(kAtLeastOne));
  s.texts("moe_layer_freq", c.moe_layer_freq,
          "one number n: layer i is MoE if i is a multiple of n; or per layer 0 dense, 1 MoE");
  s.texts("mlp_only_layers", c.mlp_only_layers, "numbers of dense layers, from 0");
  s.texts("mlp_layer_types", c.mlp_layer_types, "per layer: dense or sparse");
}

}  // namespace

void describe(config::Schema& s, TransformerConfig& c) {
  s.integer("hidden_size", c.hidden_size, "width of the residual stream", required(kWidths));
  s.integer("num_hidden_layers", c.num_hidden_layers, "transformer layers", required(kLayers));
  s.integer("vocab_size", c.vocab_size, "rows of the token table", required(kVocabulary));
  s.integer("pad_vocab_size_multiple", c.pad_vocab_size_multiple, "round vocab_size up to a multiple of it",
            within(kAtLeastOne));
  s.integer("max_position_embeddings", c.max_position_embeddings,
            "longest sequence; size of a learned position table", within(kTokens));
  s.boolean("learned_positions", c.learned_positions,
            "a learned position table is added to the token embedding");
  s.integer("position_offset", c.position_offset, "unused first rows of the learned position table",
            within(kCounts));
  s.boolean("relative_positions", c.relative_positions,
            "ALiBi: no position table, even if learned_positions is set");
  s.boolean("tie_word_embeddings", c.tie_word_embeddings, "the output projection is the token table");
  s.choice("norm", c.norm, kNormWords, "kind of normalisation");
  s.boolean("norm_bias", c.norm_bias, "norms have a bias");
  s.integer("norms_per_layer", c.norms_per_layer, "norms of hidden_size per layer", within(kAtLeastOne));
  s.boolean("embedding_norm", c.embedding_norm, "a norm right after the token table");
  s.boolean("head_bias", c.head_bias, "the output projection has a bias");
  s.integer("residual_streams", c.residual_streams, "parallel residual streams, mixed around every block (hyper-connections)", {.range = {1, 64}});
  s.integer("residual_block_size", c.residual_block_size, "layers whose outputs are summed up apart; every block's input is a weighted sum of these sums; 0: one residual stream", within(kCounts));
  s.boolean("paired_layers", c.paired_layers, "each of num_hidden_layers is two, with attention and a dense feed-forward each and the experts beside the first");
  s.integer("per_layer_width", c.per_layer_width, "features of a token that every layer gets from a table of its own; 0: none", within(kOptionalWidths));
  s.integer("per_layer_vocabulary", c.per_layer_vocabulary, "rows of these tables", within(kTokens));
  describe_attention(s, c);
  describe_feed_forward(s, c);
  s.integer("num_nextn_predict_layers", c.num_nextn_predict_layers,
            "multi-token-prediction modules after the stack", within(kCounts));
  s.choice("weight_format", c.weight_format, kFormatWords, "number format in which the weights are published; serving takes it where a deployment states none");
  s.choice("attention_format", c.attention_format, kFormatWords, "likewise of attention's projections, if other than weight_format");
  s.choice("expert_format", c.expert_format, kFormatWords, "likewise of routed experts, if other than weight_format");
  s.integer("int4_group", c.int4_group, "weights per 16-bit scale of int4; -1: a channel", {.range = {-1, 1 << 20}});
  s.boolean("int4_zeros", c.int4_zeros, "int4 has a 4-bit zero point per group");
}

}  // namespace zettatwin::model
