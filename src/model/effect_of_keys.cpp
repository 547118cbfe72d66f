// SPDX-License-Identifier: Apache-2.0
// Which keys of config.json are known to change neither shapes nor modelled computation, and which names look as if they did.
#include <algorithm>
#include <array>

#include "model/dialects.hpp"

namespace zettatwin::model {
namespace {

using Pattern = std::string_view;  // '*' stands for any text, at either end only

constexpr std::array kNoEffect{
    // names and provenance
    Pattern{"architectures"}, Pattern{"auto_map"}, Pattern{"_name_or_path"}, Pattern{"transformers_version"}, Pattern{"model_type"},
    Pattern{"_attn_implementation*"}, Pattern{"attn_implementation"}, Pattern{"*_fixed"}, Pattern{"for_llm_compressor"}, Pattern{"custom_pipelines"},
    // tokens
    Pattern{"*_token_id"}, Pattern{"*_token_ids"}, Pattern{"*_token_index"}, Pattern{"id2label"}, Pattern{"label2id"}, Pattern{"num_labels"},
    Pattern{"tokenizer_class"}, Pattern{"bos_token*"}, Pattern{"eos_token*"}, Pattern{"finetuning_task"}, Pattern{"problem_type"}, Pattern{"task_specific_params"},
    // training and numerics
    Pattern{"*dropout*"}, Pattern{"*pdrop"}, Pattern{"initializer_*"}, Pattern{"init_*"}, Pattern{"*_init"}, Pattern{"init"}, Pattern{"*eps"}, Pattern{"*epsilon"},
    Pattern{"*jitter_noise"}, Pattern{"*aux_loss*"}, Pattern{"*z_loss*"}, Pattern{"seq_aux"}, Pattern{"pretraining_tp"}, Pattern{"ep_size"},
    Pattern{"*dtype"}, Pattern{"quantization_config"}, Pattern{"compression_config"}, Pattern{"fp8"}, Pattern{"use_bfloat16"}, Pattern{"quantization"},
    Pattern{"gradient_checkpointing"}, Pattern{"rescale_*"}, Pattern{"residual_in_fp32"}, Pattern{"mup_*"}, Pattern{"layerdrop"},
    // positions: rotary details change no shape
    Pattern{"rope_*"}, Pattern{"rotary_*"}, Pattern{"*rotary_factor"}, Pattern{"rotary_emb_base"}, Pattern{"original_max_position_embeddings"},
    Pattern{"initial_context_length"}, Pattern{"use_mrope"}, Pattern{"no_rope_layers"},
    // elementwise: activation, routing scores, scales
    Pattern{"hidden_act"}, Pattern{"hidden_activation"}, Pattern{"activation_function"}, Pattern{"mlp_hidden_act"}, Pattern{"norm_topk_prob"},
    Pattern{"routed_scaling_factor"}, Pattern{"scoring_func"}, Pattern{"swiglu_limit"}, Pattern{"*softcapping"}, Pattern{"query_pre_attn_scalar"},
    Pattern{"logit_scale"}, Pattern{"embedding_fraction"},
    // inference and Python interface
    Pattern{"use_cache"}, Pattern{"cache_implementation"}, Pattern{"output_*"}, Pattern{"return_dict*"}, Pattern{"torchscript"}, Pattern{"tf_legacy_loss"},
    Pattern{"is_decoder"}, Pattern{"use_return_dict"}, Pattern{"verbose"}, Pattern{"chunk_size_feed_forward"}, Pattern{"keys_to_ignore_at_inference"},
    // generation defaults that older files carry
    Pattern{"top_k"}, Pattern{"top_p"}, Pattern{"temperature"}, Pattern{"typical_p"}, Pattern{"num_beams"}, Pattern{"num_beam_groups"},
    Pattern{"num_return_sequences"}, Pattern{"max_length"}, Pattern{"min_length"}, Pattern{"length_penalty"}, Pattern{"repetition_penalty"},
    Pattern{"diversity_penalty"}, Pattern{"summary_*"}, Pattern{"model_max_length"},
};

// Parts of names under which shapes and computation are usually configured.
constexpr std::array kTelling{
    Pattern{"attention"}, Pattern{"attn"}, Pattern{"head"}, Pattern{"layer"}, Pattern{"hidden"}, Pattern{"_dim"}, Pattern{"_size"}, Pattern{"rank"},
    Pattern{"lora"}, Pattern{"expert"}, Pattern{"moe"}, Pattern{"router"}, Pattern{"gate"}, Pattern{"window"}, Pattern{"swa"}, Pattern{"mamba"},
    Pattern{"ssm"}, Pattern{"conv"}, Pattern{"linear"}, Pattern{"index"}, Pattern{"compress"}, Pattern{"block"}, Pattern{"pattern"}, Pattern{"shared"},
    Pattern{"mlp"}, Pattern{"ffn"}, Pattern{"sparse"}, Pattern{"mtp"}, Pattern{"nextn"}, Pattern{"norm"}, Pattern{"bias"}, Pattern{"latent"},
    Pattern{"encoder_decoder"}, Pattern{"depth"}, Pattern{"width"}, Pattern{"group"}, Pattern{"hc_"}, Pattern{"residual"}, Pattern{"nope"},
    Pattern{"sink"}, Pattern{"embed"}, Pattern{"n_embd"}, Pattern{"n_inner"}, Pattern{"d_model"}, Pattern{"position"}, Pattern{"alibi"}, Pattern{"vocab"}, Pattern{"tie_"},
};

bool matches(std::string_view text, Pattern pattern) {
  const bool any_start = pattern.starts_with('*'), any_end = pattern.ends_with('*');
  if (any_start) pattern.remove_prefix(1);
  if (any_end) pattern.remove_suffix(1);
  if (any_start && any_end) return text.find(pattern) != std::string_view::npos;
  if (any_start) return text.ends_with(pattern);
  if (any_end) return text.starts_with(pattern);
  return text == pattern;
}

}  // namespace

bool has_no_effect(std::string_view key) {
  return std::any_of(kNoEffect.begin(), kNoEffect.end(), [key](Pattern p) { return matches(key, p); });
}

bool may_change_computation(std::string_view key) {
  return std::any_of(kTelling.begin(), kTelling.end(), [key](Pattern p) { return key.find(p) != std::string_view::npos; });
}

}  // namespace zettatwin::model
