// SPDX-License-Identifier: Apache-2.0
// Attention blocks: grouped-query and multi-latent, with ring or all-to-all context parallelism.
#include <algorithm>

#include "workload/detail/attention_operations.hpp"

namespace zettatwin::workload::detail {
namespace {

constexpr double kBytes = 2;  // bf16 activations

compute::AttentionKernel kernel_of(const software::Profile& software) {
  switch (software.attention) {
    case software::AttentionKernel::best: return compute::AttentionKernel::best;
    case software::AttentionKernel::flash2: return compute::AttentionKernel::flash2;
    case software::AttentionKernel::flash1: return compute::AttentionKernel::flash1;
  }
  return compute::AttentionKernel::best;
}

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
                          .window = b.chooses_keys(a) ? a.indexer.keys() : a.window,
                          .backward = backward,
                          .library = compute::Library::training};
  op.kernel = kernel_of(b.software());
  // Ring context parallelism in the zig-zag order gives every rank the same share of the causal triangle.
  if (plan.cp > 1 && !scattered_heads && op.window == 0) op.causal_share = 0.5 + 0.5 / static_cast<double>(length);
  Operation result{backward ? "attention backward" : "attention", Category::attention, op};
  result.recomputed_selectively = !backward && b.software().recomputes(software::Module::core_attn);
  return result;
}

// Every score is computed and stored: a product, the softmax in memory, a product; backward twice as many products.
void unfused_core(LayerBuilder& b, const model::Attention& a) {
  const auto flash = std::get<compute::AttentionOp>(core(b, a, false).work);
  const compute::Gemm scores{.m = flash.q_length, .n = flash.kv_length, .k = flash.head_dim, .batch = flash.batch * flash.heads};
  const compute::Gemm values{.m = flash.q_length, .n = flash.v_head_dim, .k = flash.kv_length, .batch = scores.batch};
  const bool again = b.software().recomputes(software::Module::core_attn);
  const auto product = [&](std::string_view name, const compute::Gemm& gemm) {
    Operation op{name, Category::attention, gemm};
    op.recomputed_selectively = again;
    return op;
  };
  b.forward(product("attention scores", scores), {product("attention scores", values), product("attention scores", values)});
  b.memory("softmax", static_cast<double>(scores.batch) * static_cast<double>(scores.m) * static_cast<double>(scores.n), b.software().scores, software::Module::core_attn);
  b.forward(product("attention values", values), {product("attention values", scores), product("attention values", values)});
}

void attention_core(LayerBuilder& b, const model::Attention& a) {
  if (!b.software().flash_attention) return unfused_core(b, a);
  b.forward(core(b, a, false), {core(b, a, true)});
}

// Keys and values travel round the ring (gathered in effect); their gradients come back reduced. All-to-all (Ulysses) swaps sequence for heads
// on the way in (q, k, v) and out (o).
void context_parallel_core(LayerBuilder& b, const model::Attention& a) {
  const auto tp = static_cast<double>(b.tp());
  const bool ring = b.plan().cp_kind == plan::ContextParallelKind::ring;
  const auto sent = static_cast<double>(ring && b.software().repeats_keys ? a.heads : a.kv_heads);
  const double kv_heads = std::max(1.0, sent / tp);  // replicated when there are fewer than ranks
  const double kv_bytes = kBytes * kv_heads * static_cast<double>(a.head_dim + a.v_head_dim);
  const double q_bytes = kBytes * static_cast<double>(a.heads) * static_cast<double>(a.head_dim) / tp;
  const double o_bytes = kBytes * static_cast<double>(a.heads) * static_cast<double>(a.v_head_dim) / tp;
  if (b.plan().cp == 1) return attention_core(b, a);
  if (ring) {
    b.forward_only(context_exchange(b, "ring exchange of keys and values", network::Collective::all_gather, kv_bytes));
    b.forward(core(b, a, false), {context_exchange(b, "ring exchange of keys and values", network::Collective::all_gather, kv_bytes), core(b, a, true),
                                  context_exchange(b, "ring exchange of key and value gradients", network::Collective::reduce_scatter, 2 * kv_bytes)});
    const double joined = b.tokens() * static_cast<double>(b.plan().cp - 1) * o_bytes / kBytes;
    const auto& merge = b.software().ring_merge;
    if (merge.forward.present) b.stream("joining of partial results", joined * merge.forward.si(), joined * merge.backward.si(), b.software().recomputes(software::Module::core_attn), b.plan().cp - 1);
    return;
  }
  const auto in = context_exchange(b, "all-to-all of q, k, v", network::Collective::all_to_all, q_bytes + kv_bytes);
  const auto out = context_exchange(b, "all-to-all of outputs", network::Collective::all_to_all, o_bytes);
  b.forward(in, {in});
  attention_core(b, a);
  b.forward(out, {out});
}

// What is kept of the attention output may be compressed: written in fewer bits forward, read and expanded backward.
void output_projection(LayerBuilder& b, std::int64_t hidden, std::int64_t features) {
  const double bytes = (kBytes + kCompressedOutput) * b.tokens() * static_cast<double>(features);
  if (b.plan().compress_activations) b.stream("compression of attention output", bytes, bytes);
  b.linear({.name = "attention output projection", .rows = b.tokens(), .out = hidden, .in = features,
            .recomputed_selectively = b.software().recomputes(software::Module::attn_proj) && b.tp() == 1, .gathered_gradient = true});
}

void grouped_query(LayerBuilder& b, const model::Architecture& architecture, const model::Attention& a) {
  const std::int64_t hidden = architecture.hidden;
  const auto tp = b.tp();
  const std::int64_t kv = std::max<std::int64_t>(1, a.kv_heads / tp);  // replicated when there are fewer than ranks
  const std::int64_t out = a.heads / tp * a.head_dim + kv * (a.head_dim + a.v_head_dim);
  choose_keys(b, architecture, a);
  b.linear({.name = "qkv projection", .rows = b.tokens(), .out = out, .in = hidden, .recomputed_selectively = b.software().recomputes(software::Module::attn_proj), .gathered_input = true});
  b.memory("rotary embedding and layout", b.tokens() * static_cast<double>(out), b.software().layout, software::Module::attn_proj);  // queries, keys and values are kept as attention reads them
  context_parallel_core(b, a);
  output_projection(b, hidden, a.heads / tp * a.v_head_dim);
}

// DeepSeek-V2. With low-rank queries the down projections run where the sequence is sharded and only the latents are gathered (Megatron-LM); without, the
// hidden states are. The up projections are sharded by head.
void multi_latent(LayerBuilder& b, const model::Architecture& architecture, const model::Attention& a) {
  const std::int64_t hidden = architecture.hidden;
  const std::int64_t heads = a.heads / b.tp();
  const std::int64_t q_out = heads * a.head_dim;
  const std::int64_t kv_latent = a.kv_lora_rank + a.qk_rope_dim;
  const bool up_again = b.software().recomputes(software::Module::mla_up_proj);
  if (a.q_lora_rank > 0) {
    b.linear({.name = "q and kv down projection", .rows = b.norm_tokens(), .out = a.q_lora_rank + kv_latent, .in = hidden});
    const double latents = b.norm_tokens() * static_cast<double>(a.q_lora_rank + a.kv_lora_rank);
    b.memory("latent norms", latents, b.software().norm, software::Module::layernorm, 2);
    b.enter_tensor_parallel(a.q_lora_rank + kv_latent + index_features(b, a), true);  // latents are gathered before their norm and cast
    b.linear({.name = "q up projection", .rows = b.tokens(), .out = q_out, .in = a.q_lora_rank, .recomputed_selectively = up_again});
  } else {
    b.enter_tensor_parallel(hidden);
    b.linear({.name = "q projection", .rows = b.tokens(), .out = q_out, .in = hidden, .gathered_input = true});
    b.linear({.name = "kv down projection", .rows = b.tokens(), .out = kv_latent, .in = hidden, .gathered_input = true});
    const double latents = b.tokens() * static_cast<double>(a.kv_lora_rank);
    b.memory("latent norms", latents, b.software().norm, software::Module::layernorm);
  }
  if (b.chooses_keys(a)) {
    choose_keys(b, architecture, a);
    chosen_latent_attention(b, a);
    return output_projection(b, hidden, heads * a.v_head_dim);
  }
  b.linear({.name = "kv up projection", .rows = b.tokens(), .out = heads * (a.qk_nope_dim + a.v_head_dim), .in = a.kv_lora_rank, .recomputed_selectively = up_again});
  const double features = b.tokens() * static_cast<double>(q_out + heads * (a.head_dim + a.v_head_dim));
  b.memory("rotary embedding and layout", features, b.software().layout, software::Module::mla_up_proj);
  context_parallel_core(b, a);
  output_projection(b, hidden, heads * a.v_head_dim);
}

}  // namespace

Operation context_exchange(const LayerBuilder& b, std::string_view name, network::Collective op, double bytes_per_token) {
  const auto& plan = b.plan();
  const bool ring = plan.cp_kind == plan::ContextParallelKind::ring;
  return {name, Category::context_comm,
          Communication{.op = op, .group = Group::context, .bytes = units::Bytes::from_si(b.tokens() * bytes_per_token * (ring ? static_cast<double>(plan.cp) : 1))},
          ring && plan.overlap.cp ? Hiding::chunked : Hiding::none};
}

void norm_and_residual(LayerBuilder& b, const model::Architecture& architecture) {
  const double features = b.norm_tokens() * static_cast<double>(architecture.hidden);
  b.memory("norm", features, b.software().norm, software::Module::layernorm);
  b.memory("residual", features, b.software().residual);
}

void attention(LayerBuilder& b, const model::Architecture& architecture, const model::Attention& a) {
  norm_and_residual(b, architecture);
  if (a.kind == model::AttentionKind::multi_latent) {
    multi_latent(b, architecture, a);
  } else {
    b.enter_tensor_parallel(architecture.hidden);
    grouped_query(b, architecture, a);
  }
  b.leave_tensor_parallel(architecture.hidden);
}

}  // namespace zettatwin::workload::detail
