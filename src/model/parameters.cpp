// SPDX-License-Identifier: Apache-2.0
#include "model/parameters.hpp"

#include "base/contract.hpp"

namespace zettatwin::model {
namespace {

std::int64_t norm_weights(const Architecture& a, std::int64_t width) {
  return a.norm_bias ? 2 * width : width;
}

std::int64_t grouped_query(const Attention& t, std::int64_t hidden) {
  const std::int64_t q = t.heads * t.head_dim, k = t.kv_heads * t.head_dim, v = t.kv_heads * t.v_head_dim;
  const std::int64_t keys = t.shared_keys ? 0 : t.keys_are_values ? k : k + v;
  std::int64_t sum = hidden * keys + (t.q_lora_rank > 0 ? hidden * t.q_lora_rank + t.q_lora_rank + t.q_lora_rank * q : hidden * q) + t.heads * t.v_head_dim * hidden;
  if (t.head_gate) sum += hidden * t.heads;
  if (t.output_gate) sum += hidden * q;
  if (t.qkv_bias) sum += q + keys;
  if (t.output_bias) sum += hidden;
  if (t.qk_norm) sum += t.qk_norm_per_projection ? q + k : (t.shared_keys ? 1 : 2) * t.head_dim;
  return sum;
}

// Down-projections to the latents (each latent with a norm), up-projections per head; the rotary key part is
// one vector for all heads and leaves the down-projection directly (DeepSeek-V2, arXiv 2405.04434,
// section 2.1).
std::int64_t multi_latent(const Attention& t, std::int64_t hidden) {
  const std::int64_t q = t.heads * (t.qk_nope_dim + t.qk_rope_dim);
  std::int64_t sum =
      t.q_lora_rank > 0 ? hidden * t.q_lora_rank + t.q_lora_rank + t.q_lora_rank * q : hidden * q;
  sum += hidden * (t.kv_lora_rank + t.qk_rope_dim) + t.kv_lora_rank;
  sum += t.kv_lora_rank * t.heads * (t.qk_nope_dim + t.v_head_dim);
  sum += t.heads * t.v_head_dim * hidden;
  if (t.output_gate) sum += hidden * t.heads * t.v_head_dim;
  if (t.qkv_bias)
    sum += t.q_lora_rank + t.kv_lora_rank + t.qk_rope_dim;  // only the down-projections carry one
  if (t.output_bias) sum += hidden;
  return sum;
}

// Projections to queries, keys, values and gates; a depthwise convolution over the first three; scalars per head; a norm of a head's outputs, in Mamba-2 of all heads'.
// Delta rule (Yang et al. 2024, arXiv 2412.06464, as Qwen3-Next has it): step and decay per head are projected, a rate and an offset of the decay. With a decay per
// channel (Kimi Linear): the step is projected per head, decays through decay_rank features, their offsets are per channel. Mamba-2: the step is projected, its offset, a rate and a skip are per head.
std::int64_t linear(const Attention& t, std::int64_t hidden) {
  const std::int64_t keys = t.kv_heads * t.head_dim, values = t.heads * t.v_head_dim, channels = 2 * keys + values;
  const std::int64_t gates = t.gate_rank > 0 ? hidden * t.gate_rank + t.gate_rank * values : hidden * values;
  std::int64_t sum = hidden * channels + gates + channels * (t.convolution + (t.convolution_bias ? 1 : 0)) + values * hidden;
  switch (t.rule) {
    case LinearRule::delta: return sum + 2 * hidden * t.heads + 2 * t.heads + t.v_head_dim;
    case LinearRule::channel_delta: return sum + hidden * (t.heads + t.decay_rank) + t.decay_rank * t.heads * t.head_dim + t.heads + t.heads * t.head_dim + t.v_head_dim;
    case LinearRule::mamba2: return sum + hidden * t.heads + 3 * t.heads + values;
  }
  return sum;
}

// What makes entries of `width` features out of `compression` tokens each, of twice as many where entries overlap: a value and a weight per token and feature, an
// offset per place of a token, a norm (DeepSeek-V4's modelling code in huggingface/transformers).
std::int64_t compressor(const Attention& t, std::int64_t hidden, std::int64_t width) {
  const std::int64_t features = (t.indexer.top > 0 ? 2 : 1) * width;
  return 2 * hidden * features + t.compression * features + width;
}

// Queries through a latent, one vector of head_dim per token, each with a norm; outputs by groups of heads through low ranks.
std::int64_t compressed(const Attention& t, std::int64_t hidden) {
  const std::int64_t wide = t.heads * t.head_dim, narrow = t.output_groups * t.output_rank;
  std::int64_t sum = hidden * t.q_lora_rank + t.q_lora_rank + t.q_lora_rank * wide + hidden * t.head_dim + t.head_dim;
  sum += wide / t.output_groups * narrow + narrow * hidden;
  if (t.compression > 0) sum += compressor(t, hidden, t.head_dim);
  return sum;
}

std::int64_t attention_parameters(const Attention& t, std::int64_t hidden) {
  if (t.kind == AttentionKind::linear) return linear(t, hidden);
  const std::int64_t beside = (t.sinks ? t.heads : 0) + indexer_parameters(t, hidden);
  if (t.kind == AttentionKind::compressed) return beside + compressed(t, hidden);
  return beside + (t.kind == AttentionKind::multi_latent ? multi_latent(t, hidden) : grouped_query(t, hidden));
}

std::int64_t feed_forward(std::int64_t hidden, std::int64_t intermediate, bool gated, bool bias) {
  const std::int64_t matrices_in = gated ? 2 : 1;
  return (matrices_in + 1) * hidden * intermediate + (bias ? matrices_in * intermediate + hidden : 0);
}

// At the end hyper-connections join the streams with a weight each, projected from all of them.
std::int64_t streams_to_one(const Architecture& a) {
  const std::int64_t n = a.residual_streams;
  return n > 1 ? n * n * a.hidden + n + 1 : 0;
}

// Projects the normalised hidden state and the normalised embedding of the next token (2h -> h), then one
// layer and the norm before the shared head (DeepSeek-V3, arXiv 2412.19437, section 2.2).
std::int64_t mtp_module(const Architecture& a) {
  return parameters_of(a, *a.mtp_layer).total() + 2 * a.hidden * a.hidden + 3 * norm_weights(a, a.hidden) + streams_to_one(a);
}

}  // namespace

// All streams are projected to a weight per stream for a block's input, one for its output, and a matrix that mixes the streams; an offset each, three scales
// (DeepSeek-V4's modelling code).
std::int64_t hyper_connections(const Architecture& a, const Layer& layer) {
  const std::int64_t n = a.residual_streams, weights = (2 + n) * n;
  return n > 1 ? (layer.has_feed_forward() ? 2 : 1) * (weights * n * a.hidden + weights + 3) : 0;
}

std::int64_t compressor_parameters(const Attention& t, std::int64_t hidden) {
  if (t.kind != AttentionKind::compressed || t.compression == 0) return 0;
  return compressor(t, hidden, t.head_dim) + index_compressor_parameters(t, hidden);
}

std::int64_t index_compressor_parameters(const Attention& t, std::int64_t hidden) {
  return t.kind == AttentionKind::compressed && t.compression > 0 && t.indexer.top > 0 ? compressor(t, hidden, t.indexer.head_dim) : 0;
}

// Queries from the query latent (without one, from the hidden state), one key for all heads with a norm, a weight per head (DeepSeek-V3.2's published inference
// code); over blocks without weights, queries normalised too (MiniMax-M3).
std::int64_t indexer_parameters(const Attention& t, std::int64_t hidden) {
  const auto& x = t.indexer;
  if (x.top == 0 || x.heads == 0) return 0;
  if (t.kind == AttentionKind::compressed) return t.q_lora_rank * x.heads * x.head_dim + hidden * x.heads + index_compressor_parameters(t, hidden);
  if (t.kind == AttentionKind::multi_latent) return t.q_lora_rank * x.heads * x.head_dim + hidden * (x.head_dim + x.heads) + 2 * x.head_dim;
  return hidden * (x.heads + 1) * x.head_dim + (t.qk_norm ? 2 * x.head_dim : 0);
}

LayerParameters parameters_of(const Architecture& a, const Layer& layer) {
  LayerParameters p;
  p.attention = attention_parameters(layer.attention, a.hidden);
  p.norms = (layer.has_feed_forward() ? a.norms_per_layer : 1) * norm_weights(a, a.hidden) + hyper_connections(a, layer);
  if (a.residual_block > 0) p.norms += 2 * (layer.has_feed_forward() ? 2 : 1) * a.hidden;  // a norm and weights before each block
  if (a.per_layer_width > 0) p.norms += 2 * a.hidden * a.per_layer_width + norm_weights(a, a.hidden);  // gate, projection, norm
  if (layer.dense)
    p.dense = feed_forward(a.hidden, layer.dense->intermediate, layer.dense->gated, layer.dense->bias);
  if (layer.experts) {
    const auto& e = *layer.experts;
    p.router = (a.hidden + (e.router_bias ? 1 : 0)) * (e.routed_experts + e.zero_experts);
    const std::int64_t seen = e.latent > 0 ? e.latent : a.hidden;
    if (e.latent > 0) p.router += 2 * a.hidden * e.latent + (e.latent_norm ? e.latent : 0);
    p.one_expert = feed_forward(seen, e.intermediate, e.gated, e.bias);
    p.routed_experts = e.routed_experts * p.one_expert;
    if (e.shared_intermediate > 0)
      p.shared_experts = feed_forward(a.hidden, e.shared_intermediate, e.gated, e.bias);
    if (e.shared_gate) p.shared_experts += a.hidden;
  }
  return p;
}

Parameters parameters_of(const Architecture& a) {
  Parameters p;
  p.embedding = (a.vocabulary + a.learned_positions) * a.hidden;
  if (a.embedding_norm) p.embedding += norm_weights(a, a.hidden);
  if (a.per_layer_width > 0) p.embedding += a.layers() * a.per_layer_width * (a.per_layer_vocabulary + a.hidden) + a.per_layer_width;  // tables, what hidden adds to them, a norm
  p.head = (a.tied_embeddings ? 0 : a.vocabulary * a.hidden) + (a.head_bias ? a.vocabulary : 0);
  p.total = p.embedding + p.head + norm_weights(a, a.hidden) + streams_to_one(a) + (a.residual_block > 0 ? 2 * a.hidden : 0);
  std::int64_t idle = 0;  // experts that a token does not reach
  for (const auto& run : a.runs) {
    const Layer& layer = a.kinds.at(run.kind);
    const auto parts = parameters_of(a, layer);
    p.total += run.count * parts.total();
    if (layer.experts)
      idle += run.count * (layer.experts->routed_experts - layer.experts->top_k) * parts.one_expert;
  }
  p.active = p.total - idle;
  if (a.mtp_depth > 0) p.mtp = a.mtp_depth * mtp_module(a);
  ZT_ENSURE(p.total >= p.active && p.active > 0, a.name);
  return p;
}

}  // namespace zettatwin::model
