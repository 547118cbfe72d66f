// SPDX-License-Identifier: Apache-2.0
// Which keys of config.json are known to change neither shapes nor modelled computation, and which names look
// as if they did.
#include <algorithm>
#include <iterator>

#include "model/dialects.hpp"

namespace zettatwin::model {
namespace {

using Pattern = std::string_view;  // '*' stands for any text, at either end only

constexpr Pattern kNoEffect[] = {
    // names and provenance
    "architectures", "auto_map", "_name_or_path", "transformers_version", "model_type",
    "_attn_implementation*", "attn_implementation", "*_fixed", "for_llm_compressor", "custom_pipelines",
    // tokens
    "*_token_id", "*_token_ids", "*_token_index", "id2label", "label2id", "num_labels", "tokenizer_class",
    "bos_token*", "eos_token*", "finetuning_task", "problem_type", "task_specific_params",
    // training and numerics; formats of the weights are read apart (quantisation.hpp)
    "*dropout*", "*pdrop", "initializer_*", "init_*", "*_init", "init", "*eps", "*epsilon", "*jitter_noise",
    "*aux_loss*", "*z_loss*", "seq_aux", "pretraining_tp", "ep_size", "*dtype", "quantization_config",
    "compression_config", "fp8", "use_bfloat16", "quantization", "gradient_checkpointing", "rescale_*",
    "residual_in_fp32", "mup_*", "layerdrop",
    // positions: rotary details change no shape
    "rope_*", "rotary_*", "*rotary_factor", "rotary_emb_base", "original_max_position_embeddings",
    "initial_context_length", "use_mrope", "no_rope_layers",
    // elementwise: activation, routing scores, scales
    "hidden_act", "hidden_activation", "activation_function", "mlp_hidden_act", "norm_topk_prob",
    "routed_scaling_factor", "scoring_func", "swiglu_limit", "*softcapping", "query_pre_attn_scalar",
    "logit_scale", "embedding_fraction",
    // inference and Python interface
    "use_cache", "cache_implementation", "output_*", "return_dict*", "torchscript", "tf_legacy_loss",
    "is_decoder", "use_return_dict", "verbose", "chunk_size_feed_forward", "keys_to_ignore_at_inference",
    // generation defaults that older files carry
    "top_k", "top_p", "temperature", "typical_p", "num_beams", "num_beam_groups", "num_return_sequences",
    "max_length", "min_length", "length_penalty", "repetition_penalty", "diversity_penalty", "summary_*",
    "model_max_length"};

// Parts of names under which shapes and computation are usually configured.
constexpr Pattern kTelling[] = {"attention", "attn",     "head",
                                "layer",     "hidden",   "_dim",
                                "_size",     "rank",     "lora",
                                "expert",    "moe",      "router",
                                "gate",      "window",   "swa",
                                "mamba",     "ssm",      "conv",
                                "linear",    "index",    "compress",
                                "block",     "pattern",  "shared",
                                "mlp",       "ffn",      "sparse",
                                "mtp",       "nextn",    "norm",
                                "bias",      "latent",   "encoder_decoder",
                                "depth",     "width",    "group",
                                "hc_",       "residual", "nope",
                                "sink",      "embed",    "n_embd",
                                "n_inner",   "d_model",  "position",
                                "alibi",     "vocab",    "tie_"};

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
  return std::any_of(std::begin(kNoEffect), std::end(kNoEffect),
                     [key](Pattern p) { return matches(key, p); });
}

bool may_change_computation(std::string_view key) {
  return std::any_of(std::begin(kTelling), std::end(kTelling),
                     [key](Pattern p) { return key.find(p) != std::string_view::npos; });
}

}  // namespace zettatwin::model
