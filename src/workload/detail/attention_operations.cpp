// SPDX-License-Identifier: Apache-2.0
// Attention blocks: grouped-query and multi-latent, with ring or all-to-all context parallelism.
#include <algorithm>

#include "workload/detail/layer_builder.hpp"

namespace zettatwin::workload::detail {
namespace {

constexpr double kBytes = 2;  // bf16 activations

// Norm: read and write; residual: read two, write one. Backward of both reads the saved input as well.
// Bytes per token: forward 4h + 6h, backward 8h + 4h (fused kernels as in Transformer Engine).
constexpr double kNormForward = 4, kNormBackward = 8, kResidualForward = 6, kResidualBackward = 4;

Operation core(const LayerBuilder& b, const model::Attention& a, bool backward) {
  const auto& plan = b.plan();
  const bool scattered_heads = plan.cp > 1 && plan.cp_kind == plan::ContextParallelKind::all_to_all;
  const std::int64_t head_split = plan.tp * (scattered_heads ? plan.cp : 1);
  const std::int64_t length = b.shape().sequence_length;
  compute::AttentionOp op{.batch = b.shape().sequences,
                          .heads = std::max<std::int64_t>(1, a.heads / head_split),
                          .kv_heads = std::max<std::int64_t>(1, a.kv_heads / head_split),
                          .q_length = scattered_heads ? length : length / plan.cp,
                          .kv_length = length,
                          .head_dim = a.head_dim,
                          .v_head_dim = a.v_head_dim,
                          .window = a.window,
                          .backward = backward};
  // Ring context parallelism in the zig-zag order gives every rank the same share of the causal triangle.
  if (plan.cp > 1 && !scattered_heads && a.window == 0) op.causal_share = 0.5 + 0.5 / static_cast<double>(length);
  return {backward ? "attention backward" : "attention", Category::attention, op};
}

Operation exchange(const LayerBuilder& b, std::string_view name, network::Collective op, double bytes_per_token) {
  const auto& plan = b.plan();
  const bool ring = plan.cp_kind == plan::ContextParallelKind::ring;
  return {name, Category::context_comm,
          Communication{.op = op, .group = Group::context, .bytes = units::Bytes::from_si(b.tokens() * bytes_per_token * (ring ? static_cast<double>(plan.cp) : 1))},
          ring && plan.overlap.cp ? Hiding::chunked : Hiding::none};
}

// Keys and values travel round the ring (gathered in effect); their gradients come back reduced. All-to-all (Ulysses) swaps sequence for heads
// on the way in (q, k, v) and out (o).
void context_parallel_core(LayerBuilder& b, const model::Attention& a) {
  const auto tp = static_cast<double>(b.tp());
  const double kv_heads = std::max(1.0, static_cast<double>(a.kv_heads) / tp);  // replicated when there are fewer than ranks
  const double kv_bytes = kBytes * kv_heads * static_cast<double>(a.head_dim + a.v_head_dim);
  const double q_bytes = kBytes * static_cast<double>(a.heads) * static_cast<double>(a.head_dim) / tp;
  const double o_bytes = kBytes * static_cast<double>(a.heads) * static_cast<double>(a.v_head_dim) / tp;
  const bool ring = b.plan().cp_kind == plan::ContextParallelKind::ring;
  if (b.plan().cp == 1) return b.forward(core(b, a, false), {core(b, a, true)});
  if (ring) {
    b.forward_only(exchange(b, "ring exchange of keys and values", network::Collective::all_gather, kv_bytes));
    b.forward(core(b, a, false), {exchange(b, "ring exchange of keys and values", network::Collective::all_gather, kv_bytes), core(b, a, true),
                                  exchange(b, "ring exchange of key and value gradients", network::Collective::reduce_scatter, 2 * kv_bytes)});
    return;
  }
  const auto in = exchange(b, "all-to-all of q, k, v", network::Collective::all_to_all, q_bytes + kv_bytes);
  const auto out = exchange(b, "all-to-all of outputs", network::Collective::all_to_all, o_bytes);
  b.forward(in, {in});
  b.forward(core(b, a, false), {core(b, a, true)});
  b.forward(out, {out});
}

// What is kept of the attention output may be compressed: written in fewer bits forward, read and expanded backward.
void output_projection(LayerBuilder& b, std::int64_t hidden, std::int64_t features) {
  const double bytes = (kBytes + kCompressedOutput) * b.tokens() * static_cast<double>(features);
  if (b.plan().compress_activations) b.memory("compression of attention output", bytes, bytes);
  b.linear({.name = "attention output projection", .rows = b.tokens(), .out = hidden, .in = features});
}

void grouped_query(LayerBuilder& b, std::int64_t hidden, const model::Attention& a) {
  const auto tp = b.tp();
  const std::int64_t kv = std::max<std::int64_t>(1, a.kv_heads / tp);  // replicated when there are fewer than ranks
  const std::int64_t out = a.heads / tp * a.head_dim + kv * (a.head_dim + a.v_head_dim);
  b.linear({.name = "qkv projection", .rows = b.tokens(), .out = out, .in = hidden});
  // Rotary embedding and layout: read and write q, k (8 bytes per feature with norm); backward 10.
  const double features = b.tokens() * static_cast<double>(out);
  b.memory("rotary embedding and layout", 8 * features, 10 * features, true);
  context_parallel_core(b, a);
  output_projection(b, hidden, a.heads / tp * a.v_head_dim);
}

// DeepSeek-V2. With low-rank queries the down projections run where the sequence is sharded and only the latents are gathered (Megatron-LM); without, the
// hidden states are. The up projections are sharded by head.
void multi_latent(LayerBuilder& b, std::int64_t hidden, const model::Attention& a) {
  const std::int64_t heads = a.heads / b.tp();
  const std::int64_t q_out = heads * a.head_dim;
  const std::int64_t kv_latent = a.kv_lora_rank + a.qk_rope_dim;
  if (a.q_lora_rank > 0) {
    b.linear({.name = "q and kv down projection", .rows = b.norm_tokens(), .out = a.q_lora_rank + kv_latent, .in = hidden});
    const double latents = b.norm_tokens() * static_cast<double>(a.q_lora_rank + a.kv_lora_rank);
    b.memory("latent norms", kNormForward * latents, kNormBackward * latents, true, 2);
    b.enter_tensor_parallel(a.q_lora_rank + kv_latent);
    b.linear({.name = "q up projection", .rows = b.tokens(), .out = q_out, .in = a.q_lora_rank, .recomputed_selectively = true});
  } else {
    b.enter_tensor_parallel(hidden);
    b.linear({.name = "q projection", .rows = b.tokens(), .out = q_out, .in = hidden});
    b.linear({.name = "kv down projection", .rows = b.tokens(), .out = kv_latent, .in = hidden});
    const double latents = b.tokens() * static_cast<double>(a.kv_lora_rank);
    b.memory("latent norms", kNormForward * latents, kNormBackward * latents, true);
  }
  b.linear({.name = "kv up projection", .rows = b.tokens(), .out = heads * (a.qk_nope_dim + a.v_head_dim), .in = a.kv_lora_rank, .recomputed_selectively = true});
  const double features = b.tokens() * static_cast<double>(q_out + heads * (a.head_dim + a.v_head_dim));
  b.memory("rotary embedding and layout", 8 * features, 10 * features, true);
  context_parallel_core(b, a);
  output_projection(b, hidden, heads * a.v_head_dim);
}

}  // namespace

void norm_and_residual(LayerBuilder& b, const model::Architecture& architecture) {
  const double features = b.norm_tokens() * static_cast<double>(architecture.hidden);
  b.memory("norm", kNormForward * features, kNormBackward * features, true);
  b.memory("residual", kResidualForward * features, kResidualBackward * features);
}

void attention(LayerBuilder& b, const model::Architecture& architecture, const model::Attention& a) {
  norm_and_residual(b, architecture);
  if (a.kind == model::AttentionKind::multi_latent) {
    multi_latent(b, architecture.hidden, a);
  } else {
    b.enter_tensor_parallel(architecture.hidden);
    grouped_query(b, architecture.hidden, a);
  }
  b.leave_tensor_parallel(architecture.hidden);
}

}  // namespace zettatwin::workload::detail
