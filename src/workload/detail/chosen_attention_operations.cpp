// SPDX-License-Identifier: Apache-2.0
// Sparse attention: keys that an indexer chooses for every query. docs/math/operators.md.
#include <algorithm>

#include "workload/detail/attention_operations.hpp"

namespace zettatwin::workload::detail {
namespace {

constexpr double kBytes = 2;  // bf16 activations
constexpr double kLearning = 3;  // products of the indexer's backward pass per chosen pair: scores again, gradients of queries and of keys

double sequences(const LayerBuilder& b) { return static_cast<double>(b.shape().sequences); }
double length(const LayerBuilder& b) { return static_cast<double>(b.shape().sequence_length); }
double of_rank(const LayerBuilder& b) { return 1 / static_cast<double>(b.plan().cp); }  // of the queries: every rank has the same share of the causal triangle
double chosen(const LayerBuilder& b, const model::Attention& a) { return sequences(b) * compute::chosen_pairs(length(b), length(b), static_cast<double>(a.indexer.keys())); }
// Bytes per token of what every context-parallel rank needs whole.
double gathered(const LayerBuilder& b, double bytes) { return b.plan().cp_kind == plan::ContextParallelKind::ring ? bytes : bytes * static_cast<double>(b.plan().cp); }
std::int64_t index_heads(const LayerBuilder& b, const model::Attention& a) {  // one key serves all heads of latent attention: whole on every tensor-parallel rank
  return a.kind == model::AttentionKind::multi_latent ? a.indexer.heads : std::max<std::int64_t>(1, a.indexer.heads / b.tp());
}

compute::IndexScores scores(const LayerBuilder& b, const model::Attention& a) {
  const auto recipe = b.plan().recipe;
  const bool narrow = a.kind == model::AttentionKind::multi_latent && recipe != plan::Recipe::bf16 && recipe != plan::Recipe::fp4;
  const auto precision = narrow ? b.precisions().gemm : hardware::Precision::bf16;
  return {.pairs = sequences(b) * compute::chosen_pairs(length(b), length(b), length(b)) * of_rank(b), .keys = sequences(b) * length(b), .heads = index_heads(b, a), .head_dim = a.indexer.head_dim,
          .block = a.indexer.block, .key_bytes = hardware::bytes_per_element(precision).si() * static_cast<double>(a.indexer.head_dim), .decoding = false, .precision = precision};
}

compute::ChosenAttention core(const LayerBuilder& b, const model::Attention& a, compute::ChosenPass pass) {
  const auto& plan = b.plan();
  const bool scattered_heads = plan.cp > 1 && plan.cp_kind == plan::ContextParallelKind::all_to_all;
  const double share = scattered_heads ? 1 : of_rank(b);
  return {.pairs = chosen(b, a) * share, .queries = sequences(b) * length(b) * share, .heads = std::max<std::int64_t>(1, a.heads / (plan.tp * (scattered_heads ? plan.cp : 1))), .latent = a.kv_lora_rank,
          .rope = a.qk_rope_dim, .key_bytes = kBytes * static_cast<double>(a.kv_lora_rank + a.qk_rope_dim), .projected = a.head_dim + a.v_head_dim, .pass = pass};
}

}  // namespace

std::int64_t index_features(const LayerBuilder& b, const model::Attention& a) { return b.chooses_keys(a) && a.indexer.heads > 0 ? a.indexer.head_dim + a.indexer.heads : 0; }

void choose_keys(LayerBuilder& b, const model::Architecture& architecture, const model::Attention& a) {
  const auto& x = a.indexer;
  if (!b.chooses_keys(a) || x.heads == 0) return;
  const auto heads = index_heads(b, a);
  const bool latent = a.kind == model::AttentionKind::multi_latent;
  if (latent) {
    b.linear({.name = "indexer queries", .rows = b.tokens(), .out = heads * x.head_dim, .in = a.q_lora_rank, .detached = true});
    b.linear({.name = "indexer keys and weights", .rows = b.norm_tokens(), .out = x.head_dim + heads, .in = architecture.hidden, .detached = true});
  } else {
    b.linear({.name = "indexer queries and keys", .rows = b.tokens(), .out = (heads + 1) * x.head_dim, .in = architecture.hidden, .detached = true});
  }
  b.memory("indexer norms and rotation", b.tokens() * static_cast<double>((heads + 1) * x.head_dim), b.software().layout);
  if (b.plan().cp > 1) b.forward_only(context_exchange(b, "exchange of indexer keys", network::Collective::all_gather, gathered(b, kBytes * static_cast<double>(x.head_dim))));
  std::vector<Operation> learning;
  if (!b.plan().frozen_weights) {
    auto gradients = scores(b, a);
    gradients.pairs = kLearning * chosen(b, a) * of_rank(b);
    gradients.precision = hardware::Precision::bf16;
    if (latent) learning.push_back({"what the indexer learns from", Category::attention, core(b, a, compute::ChosenPass::scores)});
    learning.push_back({"indexer gradients", Category::attention, gradients});
  }
  b.forward({"choice of keys", Category::attention, scores(b, a)}, std::move(learning));
}

void chosen_latent_attention(LayerBuilder& b, const model::Attention& a) {
  const std::int64_t heads = a.heads / b.tp(), vector = a.kv_lora_rank + a.qk_rope_dim;
  const bool again = b.software().recomputes(software::Module::mla_up_proj);
  b.headwise("absorbed key projection", heads, b.tokens(), a.kv_lora_rank, a.qk_nope_dim, again);
  b.memory("rotary embedding and layout", b.tokens() * static_cast<double>(heads * vector + vector), b.software().layout, software::Module::mla_up_proj);
  Operation attention{"attention on chosen keys", Category::attention, core(b, a, compute::ChosenPass::forward)};
  attention.recomputed_selectively = b.software().recomputes(software::Module::core_attn);
  const Operation backward{"attention on chosen keys backward", Category::attention, core(b, a, compute::ChosenPass::backward)};
  const auto keys = kBytes * static_cast<double>(vector);
  const auto tp = static_cast<double>(b.tp()), all = static_cast<double>(a.heads) / tp;
  if (b.plan().cp == 1) {
    b.forward(attention, {backward});
  } else if (b.plan().cp_kind == plan::ContextParallelKind::ring) {
    const auto gather = context_exchange(b, "exchange of latent keys", network::Collective::all_gather, keys);
    b.forward_only(gather);
    b.forward(attention, {gather, backward, context_exchange(b, "exchange of latent key gradients", network::Collective::reduce_scatter, 2 * keys)});
  } else {
    const auto in = context_exchange(b, "all-to-all of q, k, v", network::Collective::all_to_all, gathered(b, keys) + kBytes * all * static_cast<double>(vector));
    const auto out = context_exchange(b, "all-to-all of outputs", network::Collective::all_to_all, kBytes * all * static_cast<double>(a.kv_lora_rank));
    b.forward(in, {in});
    b.forward(attention, {backward});
    b.forward(out, {out});
  }
  b.headwise("absorbed value projection", heads, b.tokens(), a.v_head_dim, a.kv_lora_rank);
}

}  // namespace zettatwin::workload::detail
