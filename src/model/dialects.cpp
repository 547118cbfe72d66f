// SPDX-License-Identifier: Apache-2.0
#include "model/dialects.hpp"

#include <algorithm>
#include <array>

namespace zettatwin::model {
namespace {

constexpr std::array kNegated{WordPair{"true", "false"}, WordPair{"false", "true"}};
constexpr std::array kScoreCorrection{WordPair{"noaux_tc", "true"}, WordPair{"greedy", "false"},
                                      WordPair{"group_limited_greedy", "false"}};
constexpr std::array kMptAttention{WordPair{"multihead_attention", ""}, WordPair{"multiquery_attention", "1"},
                                   WordPair{"grouped_query_attention", ""}};
constexpr std::array kMptFeedForward{WordPair{"mptmlp", "false"}, WordPair{"mptglu", "true"},
                                     WordPair{"mptgeglu", "true"}};
constexpr std::array kMptNorm{WordPair{"low_precision_layernorm", "layer"}, WordPair{"layernorm", "layer"},
                              WordPair{"rmsnorm", "rms"}, WordPair{"low_precision_rmsnorm", "rms"}};
constexpr std::array kMptWindow{WordPair{"-1", ""}, WordPair{"*", "*"}};
constexpr std::array kPerProjection{WordPair{"per_layer", "true"}, WordPair{"per_head", "false"}};
constexpr std::array kMiniMaxLayers{WordPair{"1", "full_attention"}};
constexpr std::array kMiMoLayers{WordPair{"0", "full_attention"}, WordPair{"1", "sliding_attention"}};
constexpr std::array kOfVisionOnly{WordPair{"vision", ""}, WordPair{"false", ""}};
constexpr std::array kGemma4Norms{WordPair{"true", "8"}, WordPair{"false", ""}};
constexpr std::array kDsaLayers{WordPair{"deepseek_sparse_attention", ""}, WordPair{"full_attention", ""}};
constexpr std::array kAttentionAndExperts{WordPair{"*E", ""}, WordPair{"attention", ""}, WordPair{"moe", ""}};
constexpr std::array kGraniteLayers{WordPair{"mamba", "linear_attention"}, WordPair{"attention", "full_attention"}};
constexpr std::array kOfWindows{WordPair{"sliding_attention", ""}};
constexpr std::array kIdentity{WordPair{"identity", ""}};
constexpr std::array kMla{WordPair{"MLA", ""}};
constexpr std::array kLocalGlobal{WordPair{"LLLG", "4"}};
constexpr std::array kRmsNorm{WordPair{"rmsnorm", ""}};
constexpr std::array kMultiQuery{WordPair{"true", "1"}, WordPair{"false", "null"}};
constexpr std::array kMustBeTrue{WordPair{"true", ""}};
constexpr std::array kMustBeFalse{WordPair{"false", ""}};

constexpr std::array kCommon{
    Key{"hidden_size"},
    Key{"num_hidden_layers"},
    Key{"num_attention_heads"},
    Key{"num_key_value_heads"},
    Key{"head_dim"},
    Key{"intermediate_size"},
    Key{"vocab_size"},
    Key{"max_position_embeddings"},
    Key{"tie_word_embeddings"},
    Key{"layer_types"},
};
constexpr std::array kWindow{Key{"sliding_window"}};
constexpr std::array kQwenWindow{Key{"sliding_window"}, Key{"use_sliding_window"},
                                 Key{"max_window_layers", "first_window_layer"}};
constexpr std::array kFourBiases{Key{"attention_bias", "qkv_bias"}, Key{"attention_bias", "output_bias"}};
constexpr std::array kInputBiases{Key{"attention_bias", "qkv_bias"}};
// Qwen2 and its kin always have biases on q, k and v; a stated attention_bias repeats that.
constexpr std::array kFixedBias{Key{"attention_bias", "", kMustBeTrue}, Key{"qkv_bias"}};
constexpr std::array kMlpBias{Key{"mlp_bias"}};
constexpr std::array kQkNorm{Key{"use_qk_norm", "qk_norm"}};
constexpr std::array kLatent{Key{"q_lora_rank"},          Key{"kv_lora_rank"}, Key{"qk_nope_head_dim"},
                             Key{"qk_rope_head_dim"},     Key{"v_head_dim"},   Key{"head_dim", kNoField},
                             Key{"qk_head_dim", kNoField}};
constexpr std::array kDeepSeekExperts{
    Key{"n_routed_experts", "num_experts"},
    Key{"num_local_experts", "num_experts"},
    Key{"num_experts"},
    Key{"num_experts_per_tok"},
    Key{"moe_intermediate_size"},
    Key{"n_shared_experts"},
    Key{"n_group"},
    Key{"topk_group"},
    Key{"topk_method", "router_bias", kScoreCorrection},
    Key{"first_k_dense_replace"},
    Key{"moe_layer_freq"},
    Key{"mlp_layer_types"},
    Key{"num_nextn_predict_layers"},
};
constexpr std::array kQwenExperts{
    Key{"num_experts"},
    Key{"num_local_experts", "num_experts"},
    Key{"num_experts_per_tok"},
    Key{"moe_intermediate_size"},
    Key{"decoder_sparse_step"},
    Key{"mlp_only_layers"},
    Key{"shared_expert_intermediate_size"},
    Key{"qkv_bias"},
};
// All layers are MoE and intermediate_size is an expert's.
constexpr std::array kMixtralExperts{
    Key{"num_local_experts", "num_experts"},
    Key{"num_experts"},
    Key{"num_experts_per_tok"},
    Key{"experts_per_token", "num_experts_per_tok"},
    Key{"intermediate_size", "moe_intermediate_size"},
    Key{"moe_intermediate_size"},
};
constexpr std::array kMiniMax{
    Key{"qk_norm_type", "qk_norm_per_projection", kPerProjection},
    Key{"use_routing_bias", "router_bias"},
    Key{"attn_type_list", "layer_types", kMiniMaxLayers},
    Key{"shared_intermediate_size", "shared_expert_intermediate_size"},
};
// Chunks of attention count as windows: a token attends to half a chunk on average, to a whole one at most.
constexpr std::array kLlama4{Key{"attention_chunk_size", "sliding_window"},
                             Key{"interleave_moe_layer_step", "decoder_sparse_step"},
                             Key{"intermediate_size", "moe_intermediate_size"},
                             Key{"intermediate_size_mlp", "intermediate_size"},
                             Key{"num_local_experts", "num_experts"},
                             Key{"num_experts_per_tok"},
                             Key{"use_qk_norm", kNoField},
                             Key{"no_rope_layer_interval", "full_attention_period"}};
constexpr std::array kLinear{Key{"linear_num_value_heads"},
                             Key{"linear_num_key_heads"},
                             Key{"linear_value_head_dim"},
                             Key{"linear_key_head_dim"},
                             Key{"linear_conv_kernel_dim"},
                             Key{"attn_output_gate", "attention_output_gate"},
                             Key{"full_attention_interval", "full_attention_period"},
                             Key{"mamba_ssm_dtype", kNoField},
                             Key{"mtp_use_dedicated_embeddings", "", kMustBeFalse},
                             Key{"mtp_num_hidden_layers", "num_nextn_predict_layers"}};
constexpr std::array kIndexer{Key{"index_n_heads"},
                              Key{"index_head_dim"},
                              Key{"index_topk"},
                              Key{"indexer_types"},
                              Key{"layer_types", "", kDsaLayers},
                              Key{"indexer_rope_interleave", kNoField},
                              Key{"rope_interleave", kNoField},
                              // what indexer_types says layer by layer
                              Key{"index_topk_freq", kNoField},
                              Key{"index_skip_topk_offset", kNoField},
                              Key{"index_topk_pattern", kNoField},
                              Key{"index_share_for_mtp_iteration", kNoField}};
constexpr std::array kMiniMax3{Key{"dense_intermediate_size", "intermediate_size"},
                               Key{"intermediate_size", kNoField},  // an expert's, as moe_intermediate_size
                               Key{"attention_output_gate"},
                               Key{"use_gemma_norm", kNoField},
                               Key{"sparse_attention_config.use_sparse_attention", "", kMustBeTrue},
                               Key{"sparse_attention_config.sparse_num_index_heads", "index_n_heads"},
                               Key{"sparse_attention_config.sparse_index_dim", "index_head_dim"},
                               Key{"sparse_attention_config.sparse_topk_blocks", "index_topk"},
                               Key{"sparse_attention_config.sparse_block_size", "index_block_size"},
                               Key{"sparse_attention_config.sparse_attention_freq", "sparse_attention_freq"},
                               // among the blocks that are chosen; values of the index branch are not used
                               Key{"sparse_attention_config.sparse_init_block", kNoField},
                               Key{"sparse_attention_config.sparse_local_block", kNoField},
                               Key{"sparse_attention_config.sparse_score_type", kNoField},
                               Key{"sparse_attention_config.sparse_disable_index_value", kNoField}};
constexpr std::array kKimiLinear{Key{"linear_attn_config.kda_layers", "linear_attention_layers"},
                                 Key{"linear_attn_config.full_attn_layers", kNoField},  // the others
                                 Key{"linear_attn_config.num_heads", "linear_num_value_heads"},
                                 Key{"linear_attn_config.num_heads", "linear_num_key_heads"},
                                 Key{"linear_attn_config.head_dim", "linear_value_head_dim"},
                                 Key{"linear_attn_config.head_dim", "linear_key_head_dim"},
                                 Key{"linear_attn_config.head_dim", "linear_decay_rank"},
                                 Key{"linear_attn_config.head_dim", "linear_gate_rank"},
                                 Key{"linear_attn_config.short_conv_kernel_size", "linear_conv_kernel_dim"},
                                 Key{"linear_attn_config.use_full_rank_gate", "linear_full_rank_gate"},
                                 Key{"linear_attn_config.gate_lower_bound", kNoField},
                                 // of Kimi-K3
                                 Key{"mla_use_output_gate", "attention_output_gate"},
                                 Key{"attn_res_block_size", "residual_block_size"},
                                 Key{"routed_expert_hidden_size", "moe_latent_size"},
                                 Key{"latent_moe_use_norm", "moe_latent_norm"},
                                 Key{"activation_situ_beta", kNoField},
                                 Key{"activation_situ_linear_beta", kNoField},
                                 Key{"mla_use_nope", kNoField},
                                 Key{"num_experts"},
                                 Key{"num_experts_per_token", "num_experts_per_tok"},
                                 Key{"moe_intermediate_size"},
                                 Key{"num_shared_experts", "n_shared_experts"},
                                 Key{"num_expert_group", "n_group"},
                                 Key{"topk_group"},
                                 Key{"topk_method", "router_bias", kScoreCorrection},
                                 Key{"use_grouped_topk", kNoField},
                                 Key{"moe_renormalize", kNoField},
                                 Key{"moe_router_activation_func", kNoField},
                                 Key{"first_k_dense_replace"},
                                 Key{"moe_layer_freq"},
                                 Key{"num_nextn_predict_layers"}};
constexpr std::array kMiMo2{Key{"num_attention_heads", "full_num_attention_heads"},
                            Key{"num_key_value_heads", "full_num_key_value_heads"},
                            Key{"head_dim", "full_head_dim"},
                            Key{"v_head_dim", "full_v_head_dim"},
                            Key{"swa_num_attention_heads", "num_attention_heads"},
                            Key{"swa_num_key_value_heads", "num_key_value_heads"},
                            Key{"swa_head_dim", "head_dim"},
                            Key{"swa_v_head_dim", "v_head_dim"},
                            Key{"swa_rope_theta", kNoField},
                            Key{"sliding_window"},
                            Key{"sliding_window_size", "sliding_window"},
                            Key{"attention_chunk_size", kNoField},  // the window once more
                            Key{"attention_value_scale", kNoField},
                            Key{"add_swa_attention_sink_bias", "window_attention_sinks"},
                            Key{"add_full_attention_sink_bias", "attention_sinks"},
                            Key{"hybrid_layer_pattern", "layer_types", kMiMoLayers}};
// In the models with experts every layer has a feed-forward of intermediate_size beside them, as shared experts are; three more norms and the router's scales of hidden_size
// are counted as norms.
constexpr std::array kGemma4{Key{"sliding_window"},
                             Key{"global_head_dim", "full_head_dim"},
                             Key{"num_global_key_value_heads", "full_num_key_value_heads"},
                             Key{"attention_k_eq_v", "full_keys_are_values"},
                             Key{"num_kv_shared_layers", "shared_key_layers"},
                             Key{"use_double_wide_mlp", "shared_key_layers_double"},
                             Key{"hidden_size_per_layer_input", "per_layer_width"},
                             Key{"vocab_size_per_layer_input", "per_layer_vocabulary"},
                             Key{"use_bidirectional_attention", "", kOfVisionOnly},
                             Key{"enable_moe_block", "norms_per_layer", kGemma4Norms},
                             Key{"intermediate_size"},
                             Key{"intermediate_size", "shared_expert_intermediate_size"},
                             Key{"num_experts"},
                             Key{"top_k_experts", "num_experts_per_tok"},
                             Key{"moe_intermediate_size"},
                             Key{"expert_intermediate_size", "moe_intermediate_size"}};
constexpr std::array kDeepSeek4{Key{"q_lora_rank"},
                                Key{"qk_rope_head_dim"},
                                Key{"o_groups", "output_groups"},
                                Key{"o_lora_rank", "output_rank"},
                                Key{"compress_ratios"},
                                Key{"compress_rope_theta", kNoField},
                                Key{"sliding_window"},
                                Key{"hc_mult", "residual_streams"},
                                Key{"hc_sinkhorn_iters", kNoField},
                                Key{"num_hash_layers"}};
constexpr std::array kNemotronH{Key{"hybrid_override_pattern", "block_types"},
                                Key{"layers_block_type", "block_types"},
                                Key{"mtp_hybrid_override_pattern", "", kAttentionAndExperts},
                                Key{"mtp_layers_block_type", "", kAttentionAndExperts},
                                Key{"attention_head_dim", "head_dim"},
                                Key{"mamba_num_heads", "linear_num_value_heads"},
                                Key{"mamba_head_dim", "linear_value_head_dim"},
                                Key{"n_groups", "linear_num_key_heads"},
                                Key{"ssm_state_size", "linear_key_head_dim"},
                                Key{"conv_kernel", "linear_conv_kernel_dim"},
                                Key{"use_conv_bias", "linear_conv_bias"},
                                Key{"mamba_proj_bias", "", kMustBeFalse},
                                Key{"use_bias", "", kMustBeFalse},
                                Key{"mamba_hidden_act", kNoField},
                                Key{"use_mamba_kernels", kNoField},
                                Key{"chunk_size", kNoField},  // of a kernel
                                Key{"expand", kNoField},      // mamba_num_heads x mamba_head_dim says it
                                Key{"time_step_rank", kNoField},
                                Key{"time_step_limit", kNoField},
                                Key{"time_step_min", kNoField},
                                Key{"time_step_max", kNoField},
                                Key{"time_step_floor", kNoField},
                                Key{"num_logits_to_keep", kNoField},
                                Key{"sliding_window"},
                                Key{"moe_shared_expert_intermediate_size", "shared_expert_intermediate_size"},
                                Key{"moe_shared_expert_overlap", kNoField},
                                Key{"moe_latent_size"}};
constexpr std::array kErnie{Key{"use_bias", "qkv_bias"}, Key{"use_bias", "output_bias"}, Key{"use_bias", "mlp_bias"}};
constexpr std::array kErnieExperts{Key{"moe_num_experts", "num_experts"},
                                   Key{"moe_k", "num_experts_per_tok"},
                                   Key{"moe_intermediate_size"},
                                   Key{"moe_num_shared_experts", "n_shared_experts"},
                                   Key{"moe_layer_start_index", "first_k_dense_replace"},
                                   Key{"moe_layer_end_index", kNoField},  // the last layer
                                   Key{"moe_layer_interval", "decoder_sparse_step"},
                                   Key{"moe_gate", kNoField},
                                   Key{"moe_gate_act", kNoField},
                                   Key{"moe_norm_min", kNoField},
                                   Key{"moe_capacity", kNoField},
                                   Key{"moe_use_aux_free", "router_bias"},
                                   Key{"num_nextn_predict_layers"}};
constexpr std::array kHunyuanExperts{Key{"num_experts", "", {}, true},
                                     Key{"moe_topk", "num_experts_per_tok", {}, true},
                                     Key{"moe_intermediate_size", "", {}, true},
                                     Key{"num_shared_expert", "n_shared_experts", {}, true},
                                     Key{"moe_layer_num_skipped", "first_k_dense_replace"},
                                     Key{"use_mixed_mlp_moe", "", kMustBeTrue},
                                     Key{"moe_drop_tokens", kNoField},
                                     Key{"moe_random_routing_dropped_token", kNoField}};
constexpr std::array kHunyuan{Key{"attention_head_dim", "head_dim"}, Key{"use_cla", "", kMustBeFalse}, Key{"cla_share_factor", kNoField}, Key{"use_mla", "", kMustBeFalse}, Key{"position_embedding_xdrope", kNoField}};
constexpr std::array kBailing{Key{"use_qkv_bias", "qkv_bias"},
                              Key{"use_bias", "output_bias"},
                              Key{"use_rmsnorm", "", kMustBeTrue},
                              Key{"num_shared_experts", "n_shared_experts"},
                              Key{"moe_shared_expert_intermediate_size", kNoField},  // num_shared_experts x moe_intermediate_size
                              Key{"moe_router_enable_expert_bias", "router_bias"},
                              Key{"moe_router_enable_shared_expert", "", kMustBeTrue},
                              Key{"moe_router_topk_scaling_factor", kNoField},
                              Key{"max_window_layers", kNoField},
                              Key{"mtp_loss_scaling_factor", kNoField},
                              Key{"norm_softmax", kNoField},
                              Key{"norm_head", "", kMustBeFalse},
                              Key{"using_split_qkv_in_self_attention", kNoField},
                              Key{"embedding_dropout", kNoField}};
constexpr std::array kGraniteHybrid{Key{"layer_types", "", kGraniteLayers},
                                    Key{"mamba_n_heads", "linear_num_value_heads"},
                                    Key{"mamba_d_head", "linear_value_head_dim"},
                                    Key{"mamba_n_groups", "linear_num_key_heads"},
                                    Key{"mamba_d_state", "linear_key_head_dim"},
                                    Key{"mamba_d_conv", "linear_conv_kernel_dim"},
                                    Key{"mamba_conv_bias", "linear_conv_bias"},
                                    Key{"mamba_proj_bias", "", kMustBeFalse},
                                    Key{"mamba_expand", kNoField},
                                    Key{"mamba_chunk_size", kNoField},
                                    Key{"num_local_experts", "num_experts"},
                                    Key{"num_experts_per_tok"},
                                    Key{"shared_intermediate_size", "shared_expert_intermediate_size"},
                                    // without experts the shared one is the feed-forward
                                    Key{"shared_intermediate_size", "intermediate_size"},
                                    Key{"intermediate_size", "moe_intermediate_size"},
                                    Key{"normalization_function", "", kRmsNorm},
                                    Key{"position_embedding_type", kNoField}};
constexpr std::array kGranite{Key{"attention_multiplier", kNoField}, Key{"embedding_multiplier", kNoField}, Key{"residual_multiplier", kNoField}, Key{"logits_scaling", kNoField}};
constexpr std::array kSeed{Key{"attention_bias", "qkv_bias"}, Key{"attention_out_bias", "output_bias"}, Key{"residual_dropout", kNoField}};
constexpr std::array kCohere2{Key{"sliding_window"}, Key{"sliding_window_pattern", "full_attention_period"}, Key{"use_gated_activation", "gated"}, Key{"use_embedding_sharing", kNoField}, Key{"use_parallel_block", "", kMustBeTrue}, Key{"use_parallel_embedding", kNoField},
                              Key{"use_qk_norm", "", kMustBeFalse}, Key{"rotary_pct", kNoField}, Key{"order_of_interleaved_layers", kNoField}, Key{"position_embedding_type", kNoField}, Key{"layer_switch", kNoField}};
constexpr std::array kExaone{Key{"sliding_window"}, Key{"sliding_window_pattern", "full_attention_period", kLocalGlobal}};
constexpr std::array kSmol{Key{"no_rope_layer_interval", kNoField}, Key{"sliding_window"}, Key{"use_sliding_window"}, Key{"max_window_layers", kNoField}};
constexpr std::array kStepExperts{Key{"use_moe", "", kMustBeTrue},
                                  Key{"moe_num_experts", "num_experts"},
                                  Key{"num_experts"},
                                  Key{"moe_top_k", "num_experts_per_tok"},
                                  Key{"num_experts_per_tok"},
                                  Key{"moe_intermediate_size"},
                                  Key{"share_expert_dim", "shared_expert_intermediate_size"},
                                  Key{"share_expert_dims", "shared_expert_intermediate_size"},
                                  Key{"n_shared_experts", kNoField},
                                  Key{"moe_layers_enum", "moe_layers"},
                                  Key{"first_k_dense_replace"},
                                  Key{"moe_layer_offset", kNoField},
                                  Key{"moe_every_n_layer", kNoField},
                                  Key{"use_moe_router_bias", "router_bias"},
                                  Key{"moe_router_activation", kNoField},
                                  Key{"moe_router_scaling_factor", kNoField},
                                  Key{"norm_expert_weight", kNoField},
                                  Key{"need_fp32_gate", kNoField},
                                  Key{"swiglu_limits", kNoField},
                                  Key{"swiglu_limits_shared", kNoField},
                                  Key{"max_seq_len", kNoField},
                                  Key{"att_impl_type", kNoField},
                                  Key{"num_nextn_predict_layers"}};
// Windows have heads of their own, which attention_other_setting names.
constexpr std::array kStep35{Key{"num_attention_heads", "full_num_attention_heads"},
                             Key{"num_attention_groups", "full_num_key_value_heads"},
                             Key{"num_key_value_heads", "full_num_key_value_heads"},
                             Key{"head_dim", "full_head_dim"},
                             Key{"attention_other_setting.attention_type", "", kOfWindows},
                             Key{"attention_other_setting.num_attention_heads", "num_attention_heads"},
                             Key{"attention_other_setting.num_attention_groups", "num_key_value_heads"},
                             Key{"attention_other_setting.head_dim", "head_dim"},
                             Key{"attention_other_setting.true_head_dim", kNoField},
                             Key{"use_head_wise_attn_gate", "attention_head_gate"},
                             Key{"sliding_window"},
                             Key{"partial_rotary_factors", kNoField},
                             Key{"yarn_only_types", kNoField},
                             Key{"zero_centered", kNoField}};
constexpr std::array kStep3{Key{"num_attention_groups", "num_key_value_heads"}, Key{"share_q_dim", "query_rank"}, Key{"use_mfa", "", kMustBeTrue}};
constexpr std::array kLongCat{Key{"num_layers", "num_hidden_layers"},
                              Key{"ffn_hidden_size", "intermediate_size"},
                              Key{"expert_ffn_hidden_size", "moe_intermediate_size"},
                              Key{"n_routed_experts", "num_experts"},
                              Key{"zero_expert_num", "zero_experts"},
                              Key{"zero_expert_type", "", kIdentity},
                              Key{"moe_topk", "num_experts_per_tok"},
                              Key{"router_bias", kNoField},  // of the product; the choice has one
                              Key{"attention_method", "", kMla},
                              Key{"mla_scale_q_lora", kNoField},
                              Key{"mla_scale_kv_lora", kNoField}};
constexpr std::array kPhiMoe{Key{"lm_head_bias", "head_bias"}};
constexpr std::array kGpt2{
    Key{"n_embd", "hidden_size"},
    Key{"n_layer", "num_hidden_layers"},
    Key{"n_head", "num_attention_heads"},
    Key{"n_inner", "intermediate_size"},
    Key{"n_positions", "max_position_embeddings"},
    Key{"n_ctx", kNoField},
    Key{"add_cross_attention", "", kMustBeFalse},
    Key{"scale_attn_weights", kNoField},
    Key{"scale_attn_by_inverse_layer_idx", kNoField},
    Key{"reorder_and_upcast_attn", kNoField},
};
constexpr std::array kBigCode{Key{"multi_query", "num_key_value_heads", kMultiQuery}};
constexpr std::array kNeoX{Key{"use_parallel_residual", kNoField}};
constexpr std::array kMpt{
    Key{"d_model", "hidden_size"},
    Key{"n_layers", "num_hidden_layers"},
    Key{"n_heads", "num_attention_heads"},
    Key{"max_seq_len", "max_position_embeddings"},
    Key{"expansion_ratio"},
    Key{"learned_pos_emb", "learned_positions"},
    Key{"no_bias", "qkv_bias", kNegated},
    Key{"no_bias", "output_bias", kNegated},
    Key{"no_bias", "mlp_bias", kNegated},
    Key{"no_bias", "norm_bias", kNegated},
    Key{"norm_type", "norm", kMptNorm},
    Key{"attn_config.alibi", "relative_positions"},
    Key{"attn_config.attn_type", "num_key_value_heads", kMptAttention},
    Key{"attn_config.kv_n_heads", "num_key_value_heads"},
    Key{"attn_config.qk_ln", "qk_norm"},
    Key{"attn_config.qk_ln", "qk_norm_per_projection"},
    Key{"attn_config.sliding_window_size", "sliding_window", kMptWindow},
    Key{"ffn_config.ffn_type", "gated", kMptFeedForward},
    Key{"ffn_config.ffn_hidden_size", "intermediate_size"},
    Key{"attn_config.attn_impl", kNoField},
    Key{"attn_config.softmax_scale", kNoField},
    Key{"attn_config.clip_qkv", kNoField},
    Key{"attn_config.alibi_bias_max", kNoField},
    Key{"attn_config.attn_uses_sequence_id", kNoField},
    Key{"attn_config.attn_pdrop", kNoField},
    Key{"attn_config.prefix_lm", "", kMustBeFalse},
};
constexpr std::array kOpt{Key{"ffn_dim", "intermediate_size"},
                          Key{"enable_bias", "", kMustBeTrue},
                          Key{"do_layer_norm_before", "", kMustBeTrue},
                          Key{"layer_norm_elementwise_affine", "", kMustBeTrue},
                          Key{"_remove_final_layer_norm", "", kMustBeFalse},
                          Key{"word_embed_proj_dim", "hidden_size"}};
constexpr std::array kBloom{Key{"n_embed", "hidden_size"},
                            Key{"n_layer", "num_hidden_layers"},
                            Key{"n_head", "num_attention_heads"},
                            Key{"seq_length", "max_position_embeddings"},
                            Key{"apply_residual_connection_post_layernorm", kNoField},
                            Key{"offset_alibi", kNoField},
                            Key{"slow_but_exact", kNoField}};
constexpr std::array kGemmaPattern{Key{"sliding_window"},
                                   Key{"sliding_window_pattern", "full_attention_period"},
                                   Key{"use_bidirectional_attention", "", kMustBeFalse}};

std::vector<Dialect> all_dialects() {
  return {
      {{"llama"}, {kFourBiases, kMlpBias}, "{}"},
      {{"internlm2", "baichuan", "yi"}, {kFourBiases}, "{}"},
      {{"smollm3"}, {kSmol, kFourBiases, kMlpBias}, "{use_sliding_window: false}"},
      {{"ministral3"}, {kWindow}, "{}"},
      {{"granite"}, {kFourBiases, kMlpBias, kGranite}, "{}"},
      {{"arcee"}, {kFourBiases, kMlpBias}, "{gated: false}"},
      {{"apertus"}, {kFourBiases, kMlpBias}, "{gated: false, qk_norm: true}"},
      {{"seed_oss"}, {kSeed, kMlpBias}, "{qkv_bias: true, head_dim: 128}"},
      {{"olmo2", "olmo3"}, {kWindow, kFourBiases}, "{qk_norm: true, qk_norm_per_projection: true}"},
      {{"exaone4"}, {kExaone, kFourBiases}, "{qk_norm: true}"},
      {{"glm4"}, {kInputBiases}, "{norms_per_layer: 4, num_key_value_heads: 2, head_dim: 128}"},
      {{"cohere2"}, {kCohere2, kFourBiases}, "{tie_word_embeddings: true, norm: layer, norms_per_layer: 1, sliding_window: 4096, full_attention_period: 4}"},
      {{"ernie4_5"}, {kErnie}, "{head_dim: 128, tie_word_embeddings: true}"},
      {{"ernie4_5_moe"}, {kErnie, kErnieExperts}, "{tie_word_embeddings: true, router_bias: true, first_k_dense_replace: 1, n_shared_experts: 2}"},
      {{"hunyuan_v1_dense"}, {kHunyuan, kQkNorm, kFourBiases, kMlpBias}, "{qk_norm: true}"},
      {{"hunyuan_v1_moe"}, {kHunyuan, kHunyuanExperts, kQkNorm, kFourBiases, kMlpBias}, "{qk_norm: true, tie_word_embeddings: true}"},
      {{"bailing_moe_v2"}, {kBailing, kQkNorm, kDeepSeekExperts}, "{qk_norm: true, router_bias: true, n_shared_experts: 1}"},
      {{"dots1"}, {kQwenWindow, kInputBiases, kDeepSeekExperts}, "{qk_norm: true, router_bias: true, head_dim: 128, use_sliding_window: false}"},
      {{"granitemoehybrid"}, {kGraniteHybrid, kGranite, kFourBiases, kMlpBias}, "{linear_rule: mamba2, linear_conv_bias: true, tie_word_embeddings: true}"},
      {{"mistral", "ministral"}, {kWindow}, "{num_key_value_heads: 8, sliding_window: 4096}"},
      {{"mixtral"},
       {kWindow, kMixtralExperts},
       "{num_key_value_heads: 8, num_experts: 8, num_experts_per_tok: 2}"},
      {{"qwen2", "qwen2_vl_text", "qwen2_5_vl_text"},
       {kQwenWindow, kFixedBias},
       "{num_key_value_heads: 32, qkv_bias: true, use_sliding_window: false, first_window_layer: 28}"},
      {{"mimo"},
       {kQwenWindow, kFixedBias, kDeepSeekExperts},
       "{num_key_value_heads: 32, qkv_bias: true, use_sliding_window: false, first_window_layer: 28}"},
      {{"qwen2_moe"},
       {kQwenWindow, kQwenExperts, kFixedBias},
       "{qkv_bias: true, use_sliding_window: false, first_window_layer: 28, shared_expert_gate: true}"},
      {{"qwen3", "qwen3_vl_text"},
       {kQwenWindow, kFourBiases, kQkNorm},
       "{num_key_value_heads: 32, qk_norm: true, head_dim: 128, use_sliding_window: false, "
       "first_window_layer: 28}"},
      {{"qwen3_moe", "qwen3_vl_moe_text"},
       {kQwenWindow, kFourBiases, kQkNorm, kQwenExperts},
       "{qk_norm: true, head_dim: 128, num_key_value_heads: 4, use_sliding_window: false, "
       "first_window_layer: 28}"},
      {{"qwen3_next", "qwen3_5_moe_text"},
       {kLinear, kFourBiases, kQwenExperts},
       "{qk_norm: true, attention_output_gate: true, shared_expert_gate: true}"},
      {{"qwen3_5_text"},
       {kLinear, kFourBiases},
       "{qk_norm: true, attention_output_gate: true, head_dim: 256, num_key_value_heads: 4, full_attention_period: 4, linear_num_value_heads: 32, linear_num_key_heads: 16,"
       " linear_value_head_dim: 128, linear_key_head_dim: 128}"},
      {{"llama4_text"},
       {kLlama4, kFourBiases},
       "{full_attention_period: 4, n_shared_experts: 1, num_experts_per_tok: 1}"},
      {{"deepseek_v2"},
       {kLatent, kDeepSeekExperts, kFourBiases, kMlpBias},
       "{q_lora_rank: 1536, kv_lora_rank: 512, qk_nope_head_dim: 128, qk_rope_head_dim: 64, v_head_dim: "
       "128}"},
      {{"deepseek_v3", "kimi_k2", "glm4_moe_lite"},
       {kLatent, kDeepSeekExperts, kFourBiases},
       "{q_lora_rank: 1536, kv_lora_rank: 512, qk_nope_head_dim: 128, qk_rope_head_dim: 64, v_head_dim: 128, "
       "router_bias: true}"},
      {{"deepseek_v32"},
       {kLatent, kDeepSeekExperts, kFourBiases, kIndexer},
       "{q_lora_rank: 1536, kv_lora_rank: 512, qk_nope_head_dim: 128, qk_rope_head_dim: 64, v_head_dim: 128, "
       "router_bias: true, index_n_heads: 64, index_head_dim: 128, index_topk: 2048}"},
      {{"deepseek_v4", "deepseek_ref"},
       {kDeepSeek4, kDeepSeekExperts, kFourBiases, kIndexer},
       "{num_key_value_heads: 1, head_dim: 512, q_lora_rank: 1024, qk_rope_head_dim: 64, output_groups: 8, output_rank: 1024, sliding_window: 128, attention_sinks: true, "
       "index_compress_ratio: 4, index_n_heads: 64, index_head_dim: 128, index_topk: 512, residual_streams: 4, router_bias: true, n_shared_experts: 1, num_hash_layers: 3}"},
      {{"kimi_linear"}, {kLatent, kKimiLinear}, "{linear_rule: channel_delta, router_bias: true}"},
      {{"step3_text"}, {kStep3, kStepExperts, kFourBiases}, "{num_key_value_heads: 1}"},
      {{"step3p5", "step3p7"}, {kStep35, kStepExperts, kQkNorm, kFourBiases}, "{num_attention_heads: 96, num_key_value_heads: 8, head_dim: 128, qk_norm: true, attention_head_gate: true, router_bias: true}"},
      {{"longcat_flash"}, {kLatent, kLongCat, kFourBiases}, "{router_bias: true, paired_layers: true}"},
      {{"mimo_v2_flash"}, {kMiMo2, kDeepSeekExperts, kInputBiases}, "{router_bias: true}"},
      {{"glm_moe_dsa"},
       {kLatent, kDeepSeekExperts, kFourBiases, kIndexer},
       "{q_lora_rank: 2048, kv_lora_rank: 512, qk_nope_head_dim: 192, qk_rope_head_dim: 64, v_head_dim: 256, "
       "router_bias: true, index_n_heads: 32, index_head_dim: 128, index_topk: 2048}"},
      {{"minimax_m3"},
       {kMiniMax3, kMiniMax, kQkNorm, kDeepSeekExperts},
       "{qk_norm: true, router_bias: true, wide_router: true}",
       {"num_mtp_modules"}},
      {{"gpt_oss"},
       {kWindow, kMixtralExperts, kFourBiases},
       "{head_dim: 64, num_key_value_heads: 8, qkv_bias: true, output_bias: true, attention_sinks: true, "
       "sliding_window: 128,"
       " full_attention_period: 2, num_experts: 128, num_experts_per_tok: 4, router_bias: true, expert_bias: "
       "true}"},
      {{"glm4_moe"},
       {kInputBiases, kQkNorm, kDeepSeekExperts},
       "{router_bias: true, num_key_value_heads: 8}"},
      {{"minimax_m2"},
       {kWindow, kMiniMax, kQkNorm, kMixtralExperts},
       "{qk_norm: true, qk_norm_per_projection: true, router_bias: true, wide_router: true}",
       {"use_mtp", "num_mtp_modules", "mtp_transformer_layers"}},
      {{"phi3"}, {kWindow}, "{}"},
      {{"phimoe"},
       {kWindow, kMixtralExperts, kFourBiases, kPhiMoe},
       "{norm: layer, norm_bias: true, num_experts: 16, num_experts_per_tok: 2}"},
      {{"nemotron"}, {kFourBiases, kMlpBias}, "{gated: false, norm: layer, norm_bias: true}"},
      {{"nemotron_h"}, {kNemotronH, kDeepSeekExperts, kFourBiases, kMlpBias}, "{gated: false, linear_rule: mamba2, router_bias: true, linear_conv_bias: true, num_key_value_heads: 8}"},
      {{"gemma"}, {kFourBiases}, "{tie_word_embeddings: true, head_dim: 256}"},
      {{"gemma2"},
       {kGemmaPattern, kFourBiases},
       "{tie_word_embeddings: true, head_dim: 256, num_key_value_heads: 4, norms_per_layer: 4, "
       "sliding_window: 4096, full_attention_period: 2}"},
      {{"gemma3_text"},
       {kGemmaPattern, kFourBiases},
       "{tie_word_embeddings: true, head_dim: 256, num_attention_heads: 8, num_key_value_heads: 4, "
       "vocab_size: 262208,"
       " max_position_embeddings: 131072, norms_per_layer: 4, qk_norm: true, sliding_window: 4096, "
       "full_attention_period: 6}"},
      {{"gemma4_text"},
       {kGemma4, kFourBiases},
       "{tie_word_embeddings: true, head_dim: 256, full_head_dim: 512, num_key_value_heads: 4, norms_per_layer: 4, qk_norm: true, sliding_window: 512, full_attention_period: 6, "
       "vocab_size: 262144, per_layer_width: 256, per_layer_vocabulary: 262144, router_bias: true}"},
      {{"gpt2"},
       {kGpt2},
       "{gated: false, norm: layer, norm_bias: true, qkv_bias: true, output_bias: true, mlp_bias: true, "
       "tie_word_embeddings: true,"
       " learned_positions: true, max_position_embeddings: 1024, vocab_size: 50257, expansion_ratio: 4}"},
      {{"gpt_bigcode"},
       {kGpt2, kBigCode},
       "{gated: false, norm: layer, norm_bias: true, qkv_bias: true, output_bias: true, mlp_bias: true, "
       "tie_word_embeddings: true,"
       " learned_positions: true, max_position_embeddings: 1024, vocab_size: 50257, expansion_ratio: 4, "
       "num_key_value_heads: 1}"},
      {{"gpt_neox"},
       {kNeoX, kFourBiases},
       "{gated: false, norm: layer, norm_bias: true, qkv_bias: true, output_bias: true, mlp_bias: true}"},
      {{"mpt"},
       {kMpt},
       "{gated: false, norm: layer, tie_word_embeddings: true, learned_positions: true, relative_positions: "
       "true, expansion_ratio: 4,"
       " max_position_embeddings: 2048, vocab_size: 50368}"},
      {{"opt"},
       {kOpt},
       "{gated: false, norm: layer, norm_bias: true, qkv_bias: true, output_bias: true, mlp_bias: true, "
       "tie_word_embeddings: true,"
       " learned_positions: true, position_offset: 2, max_position_embeddings: 2048, vocab_size: 50272}"},
      {{"bloom"},
       {kBloom},
       "{gated: false, norm: layer, norm_bias: true, qkv_bias: true, output_bias: true, mlp_bias: true, "
       "tie_word_embeddings: true,"
       " embedding_norm: true, expansion_ratio: 4, vocab_size: 250880}"},
  };
}

}  // namespace

const std::vector<Dialect>& dialects() {
  static const std::vector<Dialect> all = all_dialects();
  return all;
}

const Dialect* find_dialect(std::string_view model_type) {
  for (const auto& dialect : dialects())
    if (std::find(dialect.model_types.begin(), dialect.model_types.end(), model_type) !=
        dialect.model_types.end())
      return &dialect;
  return nullptr;
}

std::span<const Key> common_keys() { return kCommon; }

}  // namespace zettatwin::model
