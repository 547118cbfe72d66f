// SPDX-License-Identifier: Apache-2.0
#include "workload/memory_activations.hpp"

#include <algorithm>

#include "workload/operations.hpp"

namespace zettatwin::workload {
namespace {

constexpr double kBf16 = 2;
constexpr double kFp32 = 4;
constexpr double kMask = 1;  // dropout keeps one byte per element

double real(std::int64_t value) { return static_cast<double>(value); }

void add(LayerActivations& a, std::string_view name, double bytes, Keep keep = Keep::always) {
  if (bytes > 0) a.tensors.push_back({name, bytes, keep});
}

// Tokens of the input that a product keeps: the rank's part of the sequence, or all that were gathered.
double kept_tokens(const RankShape& s) { return s.software.keeps_gathered ? s.tokens : s.norm_tokens; }

Keep unless_again(const RankShape& s, software::Module module) { return s.software.recomputes(module) ? Keep::unless_selective : Keep::always; }

// Heads of a rank; fewer key/value heads than ranks are replicated.
double heads_of(const RankShape& s, std::int64_t heads) { return std::max(1.0, real(heads) / s.tp); }
// Key/value heads per rank as attention sees them: all-to-all replicates where tp * cp exceeds the heads.
double kv_heads_of(const RankShape& s, std::int64_t heads) {
  return s.all_to_all ? std::max(1.0, real(heads) / (s.tp * s.cp)) * s.cp : heads_of(s, heads);
}

// Attention scores of the unfused kernel: softmax output; with dropout also its mask and its output (the 5as/h of Korthikanti et al.).
double score_bytes(const RankShape& s, const model::Attention& a) {
  const double keys = a.window > 0 ? std::min(real(a.window), s.length) : s.length;
  return (s.software.dropout ? 2 * kBf16 + kMask : kBf16) * s.tokens * keys * heads_of(s, a.heads);
}

void queries_keys_values(LayerActivations& out, const RankShape& s, const model::Attention& a) {
  const double q = heads_of(s, a.heads) * real(a.head_dim);
  const double k = kv_heads_of(s, a.kv_heads) * real(a.head_dim);
  const double v = kv_heads_of(s, a.kv_heads) * real(a.v_head_dim);
  if (a.kind == model::AttentionKind::grouped_query) {
    add(out, "queries, keys and values", kBf16 * s.tokens * (q + k + v), unless_again(s, software::Module::attn_proj));
    if (a.qk_norm) add(out, "normalised queries and keys", kBf16 * s.tokens * (q + k), unless_again(s, software::Module::layernorm));
    out.pending += s.gemm_bytes * (s.norm_tokens * s.hidden + s.tokens * (q + k + v));
  } else {
    const double latents = real(a.q_lora_rank + a.kv_lora_rank);
    const double heads = heads_of(s, a.heads);
    const double expanded_q = heads * real(a.head_dim), expanded_kv = heads * real(a.head_dim + a.v_head_dim);
    add(out, "latents", kBf16 * s.norm_tokens * latents);
    add(out, "normalised latents", s.gemm_bytes * s.norm_tokens * latents, unless_again(s, software::Module::layernorm));
    add(out, "queries", kBf16 * s.tokens * expanded_q, a.q_lora_rank > 0 ? unless_again(s, software::Module::mla_up_proj) : Keep::always);
    if (chooses_keys(a, s.length)) {
      const double vector = real(a.kv_lora_rank + a.qk_rope_dim);
      add(out, "absorbed queries", kBf16 * s.tokens * heads * vector, unless_again(s, software::Module::mla_up_proj));
      add(out, "latent values of all heads", kBf16 * s.tokens * heads * real(a.kv_lora_rank));
      out.gradients = std::max(out.gradients, s.tokens * (kBf16 * heads * (vector + real(a.kv_lora_rank)) + kFp32 * vector));  // of queries, outputs and keys
    } else {
      add(out, "expanded keys and values", kBf16 * s.tokens * expanded_kv, unless_again(s, software::Module::mla_up_proj));
    }
    out.pending += s.gemm_bytes * (s.norm_tokens * (s.hidden + 2 * latents + real(a.qk_rope_dim)) + s.tokens * (expanded_q + heads * real(a.qk_nope_dim + a.v_head_dim)));
  }
}

// What chose the keys, for its gradients, and the choice: numbers of keys, or of blocks per key head.
void indexer(LayerActivations& out, const RankShape& s, const model::Attention& a) {
  if (!chooses_keys(a, s.length)) return;
  const auto& x = a.indexer;
  const bool latent = a.kind == model::AttentionKind::multi_latent;
  const double heads = latent ? real(x.heads) : heads_of(s, x.heads), lists = latent ? 1 : heads_of(s, a.kv_heads);
  add(out, "chosen keys", kFp32 * s.tokens * real(x.top) * lists);
  if (x.heads > 0) add(out, "indexer queries, keys and weights", kBf16 * s.tokens * ((heads + 1) * real(x.head_dim) + (latent ? heads : 0)));
}

void attention(LayerActivations& out, const RankShape& s, const model::Attention& a) {
  const double stream = kBf16 * s.norm_tokens * s.hidden;
  add(out, "layer input", stream);
  add(out, "normalised input of attention", s.gemm_bytes * kept_tokens(s) * s.hidden, unless_again(s, software::Module::layernorm));
  queries_keys_values(out, s, a);
  indexer(out, s, a);
  if (s.software.flash_attention) add(out, "log-sum-exp of scores", kFp32 * s.tokens * heads_of(s, a.heads));
  else add(out, "attention scores", score_bytes(s, a), unless_again(s, software::Module::core_attn));
  const double output = s.tokens * heads_of(s, a.heads) * real(a.v_head_dim);
  add(out, "attention output", s.output_bytes * output);
  if (s.quantised) add(out, "cast attention output", s.gemm_bytes * output, unless_again(s, software::Module::layernorm));
  if (s.software.dropout) add(out, "dropout mask after attention", kMask * s.norm_tokens * s.hidden);
  out.pending += s.gemm_bytes * (output + s.norm_tokens * s.hidden);
  // d(output), then d(q, k, v) beside the gradients of the layer's output and input.
  const double width = heads_of(s, a.heads) * real(a.head_dim + a.v_head_dim) + kv_heads_of(s, a.kv_heads) * real(a.head_dim + a.v_head_dim);
  out.gradients = std::max(out.gradients, kBf16 * s.tokens * width + 2 * stream);
}

// Up projection, activation function and down projection of `rows` tokens at `width` features.
void feed_forward_pair(LayerActivations& out, const RankShape& s, double rows, double width, bool gated, software::Module module, std::string_view up, std::string_view activated,
                       double up_bytes = kBf16) {
  const double up_width = (gated ? 2 : 1) * width;
  const bool dense = module == software::Module::mlp_act, all = dense && s.software.recomputes(software::Module::mlp);
  add(out, up, up_bytes * rows * up_width, all ? Keep::unless_selective : dense ? unless_again(s, software::Module::mlp_up) : Keep::always);
  add(out, activated, s.gemm_bytes * rows * width, all ? Keep::unless_selective : unless_again(s, module));
  out.pending += s.gemm_bytes * rows * (up_width + width);
}

void dense(LayerActivations& out, const RankShape& s, const model::FeedForward& f) {
  const double stream = s.norm_tokens * s.hidden;
  const double width = real(f.intermediate) / s.tp;
  feed_forward_pair(out, s, s.tokens, width, f.gated, software::Module::mlp_act, "up projections", "activated features");
  if (s.software.dropout) add(out, "dropout mask after feed-forward", kMask * stream);
  out.pending += 2 * s.gemm_bytes * stream;
  out.gradients = std::max(out.gradients, kBf16 * s.tokens * (f.gated ? 3 : 2) * width + 2 * kBf16 * stream);
}

void experts(LayerActivations& out, const RankShape& s, const model::MixtureOfExperts& m) {
  const double stream = s.norm_tokens * s.hidden;
  const double copies = s.norm_tokens * real(m.top_k);                            // sent by this rank
  const double rows = copies * s.etp * (s.ep > 1 ? s.imbalance : 1);               // run by this rank
  const double width = real(m.intermediate) / s.etp;
  add(out, "router logits and probabilities", 2 * kFp32 * s.norm_tokens * real(m.routed_experts));
  add(out, "routing map", 2 * kFp32 * copies);
  if (m.shared_intermediate > 0) {
    if (s.quantised) add(out, "cast input of shared experts", s.gemm_bytes * stream, unless_again(s, software::Module::layernorm));
    feed_forward_pair(out, s, s.tokens, real(m.shared_intermediate) / s.tp, m.gated, software::Module::mlp_act, "up projections of shared experts", "activated features of shared experts", s.up_bytes);
    out.pending += 2 * s.gemm_bytes * stream;
  }
  add(out, "expert inputs", s.dispatch_bytes * rows * s.hidden);
  feed_forward_pair(out, s, rows, width, m.gated, software::Module::moe_act, "up projections of experts", "activated features of experts", s.up_bytes);
  add(out, "probabilities of dispatched tokens", kFp32 * rows);
  out.pending += (s.dispatch_bytes + s.gemm_bytes) * rows * s.hidden;
  out.dispatch = (s.combine_bytes * rows + std::max(s.dispatch_bytes, s.combine_bytes) * copies) * s.hidden * (s.overlapped_experts ? 2 : 1);
  out.gradients = std::max(out.gradients, kBf16 * rows * ((m.gated ? 3 : 2) * width + s.hidden) + 2 * kBf16 * stream);
}

double bytes_per_logit(software::LossKernel loss) {
  switch (loss) {
    case software::LossKernel::fused: return kBf16;
    case software::LossKernel::in_place: return kBf16 + kFp32;
    case software::LossKernel::eager: return kBf16 + 3 * kFp32;
  }
  return kBf16;
}

}  // namespace

RankShape::RankShape(const model::Architecture& architecture, const plan::Plan& plan, std::int64_t sequence_length, const software::Profile& of)
    : hidden(real(architecture.hidden)),
      tp(real(plan.tp)),
      cp(real(plan.cp)),
      ep(real(plan.ep)),
      etp(real(plan.etp)),
      length(real(sequence_length)),
      tokens(real(plan.micro_batch) * length / cp),
      norm_tokens(plan.sequence_parallel ? tokens / tp : tokens),
      norms(real(architecture.norms_per_layer)),
      output_bytes(plan.compress_activations ? kCompressedOutput : kBf16),
      up_bytes(plan.compress_activations ? kCompressedFeature : kBf16),
      all_to_all(plan.cp > 1 && plan.cp_kind == plan::ContextParallelKind::all_to_all),
      overlapped_experts(plan.overlap.ep && plan.ep > 1 && plan::pairs_passes(plan.schedule)),
      imbalance(plan.expert_imbalance),
      software(of) {
  const auto precisions = precisions_of(plan.recipe);
  quantised = precisions.quantised;
  // Scales of block formats are stored with the values: 1/32 byte per element for 1x128 tiles with fp32 scales as for MX.
  gemm_bytes = plan.recipe == plan::Recipe::fp8_block ? hardware::bytes_per_element(hardware::Precision::mxfp8).si()
                                                      : hardware::bytes_per_element(precisions.gemm).si();
  dispatch_bytes = of.quantised_dispatch ? precisions.dispatch.si() : kBf16;
  combine_bytes = precisions.combine.si();
}

double LayerActivations::all() const {
  double sum = 0;
  for (const auto& t : tensors) sum += t.bytes;
  return sum;
}

double LayerActivations::dropped() const {
  double sum = 0;
  for (const auto& t : tensors)
    if (t.keep == Keep::unless_selective) sum += t.bytes;
  return sum;
}

double LayerActivations::kept(plan::Recompute recompute) const {
  switch (recompute) {
    case plan::Recompute::none: return all();
    case plan::Recompute::selective: return all() - dropped();
    case plan::Recompute::full: return input();
  }
  return all();
}

double LayerActivations::transient(plan::Recompute recompute) const { return gradients + all() - kept(recompute); }

LayerActivations layer_activations(const RankShape& s, const model::Layer& layer) {
  LayerActivations out;
  attention(out, s, layer.attention);
  const double stream = s.norm_tokens * s.hidden;
  if (s.norms >= 2) {  // one norm feeds both blocks of a parallel layer
    add(out, "input of feed-forward norm", kBf16 * stream);
    add(out, "normalised input of feed-forward", layer.experts ? kBf16 * stream : s.gemm_bytes * kept_tokens(s) * s.hidden, unless_again(s, software::Module::layernorm));
  }
  add(out, "inputs of further norms", std::max(0.0, s.norms - 2) * kBf16 * stream);
  if (layer.experts) experts(out, s, *layer.experts);
  else if (layer.dense) dense(out, s, *layer.dense);
  return out;
}

LayerActivations mtp_activations(const RankShape& s, const model::Layer& layer) {
  auto out = layer_activations(s, layer);
  const double stream = s.norm_tokens * s.hidden;
  add(out, "inputs of mtp norms", 2 * kBf16 * stream);
  add(out, "input of mtp projection", 2 * s.gemm_bytes * stream, unless_again(s, software::Module::layernorm));
  out.pending += 3 * s.gemm_bytes * stream;
  return out;
}

double head_bytes(const RankShape& s, std::int64_t vocabulary) {
  const double logits = s.tokens * real(vocabulary) / s.tp;
  return 2 * kBf16 * s.norm_tokens * s.hidden + bytes_per_logit(s.software.loss) * logits;
}

}  // namespace zettatwin::workload
