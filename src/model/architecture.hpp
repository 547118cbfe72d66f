// SPDX-License-Identifier: Apache-2.0
// A decoder-only transformer as shapes: what config.json says once its many dialects are mapped to one vocabulary.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace zettatwin::model {

enum class AttentionKind {
  grouped_query,  // multi-head (kv_heads == heads), grouped-query and multi-query
  multi_latent,   // MLA: queries and keys/values through low-rank latents (DeepSeek-V2)
  linear,         // a state of head_dim x v_head_dim per head instead of keys and values
  compressed,     // a window of tokens and entries that each stand for several earlier ones (DeepSeek-V4): one vector of head_dim is key and value of all heads
};

// How the state of linear attention follows from the tokens, by the projections that it needs beside queries, keys, values and gates of the outputs.
enum class LinearRule {
  delta,          // gated delta rule (arXiv 2412.06464): step and decay per head
  channel_delta,  // Kimi Delta Attention (arXiv 2510.26692): a step per head, a decay per channel of the keys
  mamba2,         // state space duality (arXiv 2405.21060): a step per head; queries, keys and values are C, B and x
};

// Which keys a query attends to, where that is not all of them: small heads of their own score all earlier keys, the best are attended to. Over one key per token
// of head_dim for all heads (DeepSeek Sparse Attention, DeepSeek-V3.2; GLM-5), or over blocks of keys with a head per key/value head (MiniMax-M3).
struct Indexer {
  std::int64_t heads = 0;     // 0: the keys that an earlier layer chose are used again
  std::int64_t head_dim = 0;
  std::int64_t top = 0;       // blocks that a query attends to; 0: all keys, no indexer
  std::int64_t block = 1;     // keys of a block
  [[nodiscard]] std::int64_t keys() const { return top * block; }
  friend bool operator==(const Indexer&, const Indexer&) = default;
};

struct Attention {
  AttentionKind kind = AttentionKind::grouped_query;
  std::int64_t heads = 0;     // linear: heads of values
  std::int64_t kv_heads = 0;  // linear: heads of queries and keys
  std::int64_t head_dim = 0;    // of queries and keys; for MLA: qk_nope_dim + qk_rope_dim
  std::int64_t v_head_dim = 0;  // of values; == head_dim unless MLA
  std::int64_t q_lora_rank = 0;   // MLA, compressed, Step-3's grouped-query: width of a latent of the queries; 0: they are projected directly
  std::int64_t kv_lora_rank = 0;  // MLA
  std::int64_t qk_nope_dim = 0;   // MLA
  std::int64_t qk_rope_dim = 0;   // MLA
  std::int64_t window = 0;        // sliding window in tokens; 0: full causal attention
  bool qkv_bias = false;
  bool output_bias = false;
  bool qk_norm = false;  // normalisation of queries and keys per head
  bool qk_norm_per_projection = false;  // with qk_norm: its weights span all heads of the projection, not one head
  bool sinks = false;    // one learned sink logit per head
  bool output_gate = false;      // a sigmoid gate on every output, projected beside the queries
  bool head_gate = false;        // grouped-query: a sigmoid gate per head, projected from hidden
  bool keys_are_values = false;  // grouped-query: values are the projection of the keys
  bool shared_keys = false;      // grouped-query: keys and values of an earlier layer
  LinearRule rule = LinearRule::delta;
  std::int64_t convolution = 0;  // linear: tokens that the short convolution over queries, keys and values spans
  bool convolution_bias = false;
  std::int64_t decay_rank = 0;   // linear: features through which decays per channel are projected
  std::int64_t gate_rank = 0;    // linear: features through which gates of the outputs are projected; 0: directly
  std::int64_t compression = 0;  // compressed: tokens that an entry stands for; 0: there is only the window. With an indexer entries overlap: each is made of twice as many
  std::int64_t output_groups = 0;  // compressed: groups of heads whose outputs are projected
  std::int64_t output_rank = 0;    // to so many features each, which are projected to hidden together
  Indexer indexer = {};          // sparse attention; compressed: over entries
  friend bool operator==(const Attention&, const Attention&) = default;
};

struct FeedForward {
  std::int64_t intermediate = 0;
  bool gated = true;  // SwiGLU-like: gate, up and down; else up and down
  bool bias = false;
  friend bool operator==(const FeedForward&, const FeedForward&) = default;
};

struct MixtureOfExperts {
  std::int64_t routed_experts = 0;
  std::int64_t top_k = 0;
  std::int64_t zero_experts = 0;         // experts beside the routed ones that give a token back as it is (LongCat-Flash); top_k is then the expected number of others
  std::int64_t latent = 0;               // width that routed experts see, projected from hidden and back by all tokens; 0: hidden
  bool latent_norm = false;              // a norm of what comes back
  std::int64_t intermediate = 0;         // of one routed expert
  std::int64_t shared_intermediate = 0;  // of all shared experts together; 0: none
  std::int64_t groups = 1;               // expert groups of group-limited routing
  std::int64_t group_limit = 0;          // groups that a token may reach; 0: all
  bool gated = true;
  bool bias = false;         // of the experts' projections
  bool router_bias = false;  // router with bias or score-correction term
  bool wide_router = false;  // engines keep the router's weights in 32 bits and multiply in them
  bool shared_gate = false;  // a sigmoid gate (hidden -> 1) on the shared expert's output (Qwen2-MoE)
  friend bool operator==(const MixtureOfExperts&, const MixtureOfExperts&) = default;
};

// One transformer layer: attention and a dense feed-forward, a mixture of experts, neither (hybrids whose blocks do not alternate) or both, side by side (LongCat-Flash).
struct Layer {
  Attention attention;
  std::optional<FeedForward> dense;
  std::optional<MixtureOfExperts> experts;

  [[nodiscard]] bool is_moe() const { return experts.has_value(); }
  [[nodiscard]] bool has_feed_forward() const { return dense || experts; }
  friend bool operator==(const Layer&, const Layer&) = default;
};

struct LayerRun {
  std::int64_t count = 0;
  std::size_t kind = 0;  // index into Architecture::kinds
  friend bool operator==(const LayerRun&, const LayerRun&) = default;
};

enum class Norm { rms, layer };

// Number formats of published weights.
enum class WeightFormat {
  unstated,
  bf16,       // or float16
  fp8,        // a scale per tensor or channel
  fp8_block,  // a scale per 128 x 128 weights
  mxfp8,      // a scale per 32 weights
  fp4,        // NVFP4: a scale per 16 weights
  mxfp4,      // a scale per 32 weights
  int8,
  int4,
};

// Four-bit integers have a 16-bit scale per group of weights.
struct IntegerGroups {
  std::int64_t size = 32;  // weights of a group; -1: a whole channel
  bool zeros = false;      // with a 4-bit zero point each (AWQ, asymmetric GPTQ)
  friend bool operator==(const IntegerGroups&, const IntegerGroups&) = default;
};

// What the checkpoint that the authors publish is in. Tables, the output projection, norms and routers are in 16 bits in all of them.
struct PublishedFormats {
  WeightFormat weights = WeightFormat::unstated;    // unstated: nothing is known
  WeightFormat attention = WeightFormat::unstated;  // its projections; unstated: as `weights`
  WeightFormat experts = WeightFormat::unstated;    // routed; unstated: as `weights`
  IntegerGroups groups;                             // of int4
  friend bool operator==(const PublishedFormats&, const PublishedFormats&) = default;
};

struct Architecture {
  std::string name;        // "deepseek-v3"
  std::string model_type;  // of config.json
  std::int64_t hidden = 0;
  std::int64_t vocabulary = 0;
  std::int64_t learned_positions = 0;  // size of a learned position table; 0: none (RoPE, ALiBi)
  std::int64_t max_positions = 0;      // as stated; 0: unknown
  bool tied_embeddings = false;
  Norm norm = Norm::rms;
  bool norm_bias = false;
  std::int64_t norms_per_layer = 2;
  bool embedding_norm = false;  // a norm right after the input table (BLOOM)
  bool head_bias = false;       // the output projection has a bias
  std::int64_t residual_streams = 1;   // parallel residual streams that hyper-connections mix around every block (DeepSeek-V4, arXiv 2512.24880)
  std::int64_t residual_block = 0;     // layers whose outputs are summed up apart; the input of every block is a weighted sum of these sums (attention residuals, Kimi-K3); 0: none
  std::int64_t per_layer_width = 0;    // features of a token that each layer gets from a table of its own (Gemma 3n and 4 E models)
  std::int64_t per_layer_vocabulary = 0;  // rows of these tables
  std::vector<Layer> kinds;         // the distinct layers
  std::vector<LayerRun> runs;       // the stack, bottom up
  std::int64_t mtp_depth = 0;       // multi-token-prediction modules after the stack
  std::optional<Layer> mtp_layer;   // their transformer layer
  PublishedFormats published;       // of the weights

  [[nodiscard]] std::int64_t layers() const {
    std::int64_t sum = 0;
    for (const auto& run : runs) sum += run.count;
    return sum;
  }
  // The kind of layer i, 0 <= i < layers().
  [[nodiscard]] const Layer& layer(std::int64_t i) const {
    for (const auto& run : runs) {
      if (i < run.count) return kinds[run.kind];
      i -= run.count;
    }
    return kinds.back();
  }
};

}  // namespace zettatwin::model
