// SPDX-License-Identifier: Apache-2.0
#include "workload/memory_states.hpp"

#include <algorithm>

#include "hardware/precision.hpp"
#include "model/parameters.hpp"

namespace zettatwin::workload {
namespace {

double real(std::int64_t value) { return static_cast<double>(value); }

// Attention parameters that every tensor-parallel rank holds: latent down projections and their indexer, or key/value heads beyond one per rank.
double attention_on_rank(const model::Attention& a, double total, double hidden, double tp) {
  if (a.kind == model::AttentionKind::multi_latent) {
    const double latents = real(a.q_lora_rank + a.kv_lora_rank);
    const double replicated = hidden * (latents + real(a.qk_rope_dim)) + latents  // with the latents' norms
                              + real(model::indexer_parameters(a, static_cast<std::int64_t>(hidden)));
    return replicated + (total - replicated) / tp;
  }
  const double kv = hidden * real(a.kv_heads) * real(a.head_dim + a.v_head_dim);
  return (total - kv) / tp + kv / std::min(tp, real(a.kv_heads));
}

}  // namespace

LayerShare layer_on_rank(const model::Architecture& architecture, const model::Layer& layer, const plan::Plan& plan) {
  const auto p = model::parameters_of(architecture, layer);
  const double tp = real(plan.tp);
  return {attention_on_rank(layer.attention, real(p.attention), real(architecture.hidden), tp) + real(p.dense + p.shared_experts) / tp + real(p.router + p.norms),
          real(p.routed_experts) / real(plan.ep * plan.etp)};
}

RankParameters rank_parameters(const model::Architecture& architecture, const plan::Plan& plan, const plan::Layout& layout, std::size_t rank) {
  RankParameters result;
  const auto add = [&](const model::Layer& layer, double count, double extra) {
    const auto share = layer_on_rank(architecture, layer, plan);
    result.hidden += count * (share.hidden + extra);
    result.experts += count * share.experts;
    result.widest = std::max(result.widest, share.hidden + share.experts + extra);
  };
  const double hidden = real(architecture.hidden);
  bool input_table = false, output_table = false, head = false;
  for (const auto index : layout.held[rank]) {
    const auto& chunk = layout.chunks[static_cast<std::size_t>(index)];
    for (const auto& span : chunk.layers) add(architecture.kinds[span.kind], real(span.count), 0);
    if (chunk.mtp > 0) add(*architecture.mtp_layer, real(chunk.mtp), 2 * hidden * hidden + 3 * hidden);
    // Multi-token prediction looks up the next tokens, tied heads multiply with the input table.
    input_table = input_table || chunk.has_embedding || chunk.mtp > 0 || (chunk.has_head && architecture.tied_embeddings);
    output_table = output_table || (chunk.has_head && !architecture.tied_embeddings);
    head = head || chunk.has_head;
    if (chunk.has_embedding) result.tables += real(architecture.learned_positions) * hidden;
  }
  const double table = hidden * real(architecture.vocabulary) / real(plan.tp);
  result.tables += (input_table ? table : 0) + (output_table ? table : 0);
  if (head) result.hidden += hidden;  // final norm
  return result;
}

double distinct_weights(const model::Architecture& architecture, const plan::Plan& plan, const plan::Layout& layout, std::size_t rank) {
  const double tp = real(plan.tp);
  double attention = 0, dense = 0, expert = 0, head = 0;
  const auto see = [&](const model::Layer& layer) {
    const auto p = model::parameters_of(architecture, layer);
    attention = std::max(attention, attention_on_rank(layer.attention, real(p.attention), real(architecture.hidden), tp));
    dense = std::max(dense, real(p.dense + p.shared_experts) / tp);
    expert = std::max(expert, real(p.one_expert) / real(plan.etp));
  };
  for (const auto index : layout.held[rank]) {
    const auto& chunk = layout.chunks[static_cast<std::size_t>(index)];
    for (const auto& span : chunk.layers) see(architecture.kinds[span.kind]);
    if (chunk.mtp > 0) see(*architecture.mtp_layer);
    if (chunk.has_head) head = real(architecture.hidden) * real(architecture.vocabulary) / tp;
  }
  return attention + dense + expert + head;
}

Shards shards_of(const plan::Plan& plan, std::int64_t dp) {
  if (plan.zero == 0) return {};
  const double group = plan.zero_group > 0 ? real(plan.zero_group) : real(dp * plan.cp);
  // The same ranks, seen from the experts: tp * group ranks hold etp * ep different shares.
  return {group, std::max(1.0, group * real(plan.tp) / real(plan.etp * plan.ep))};
}

StateBytes state_bytes(const RankParameters& p, const plan::Plan& plan, std::int64_t dp, std::int64_t bucket_parameters, std::int64_t prefetch_layers) {
  const auto shards = shards_of(plan, dp);
  const double dense = p.tables + p.hidden;
  const auto sharded = [&](int from_stage, double per_dense, double per_expert) {
    return plan.zero >= from_stage ? per_dense / shards.dense + per_expert / shards.experts : per_dense + per_expert;
  };
  const double replicas = real(dp * plan.cp);
  const double parameter = plan::bytes_of(plan.parameter_type);
  const double moment = plan::bytes_of(plan.moment_type);
  const double per_hidden = plan.optimizer == plan::OptimizerKind::adam ? 2 : 1;
  const double per_table = plan.optimizer == plan::OptimizerKind::sgd_momentum ? 1 : 2;  // Muon leaves tables to Adam

  StateBytes bytes;
  bytes.weights = parameter * sharded(3, dense, p.experts);
  if (!plan.frozen_weights) {
    bytes.gradients = plan::bytes_of(plan.gradient_type) * sharded(2, dense, p.experts);
    bytes.master = plan::bytes_of(plan.master_type) * sharded(1, dense, p.experts);
    bytes.moments = moment * sharded(1, per_table * p.tables + per_hidden * p.hidden, per_hidden * p.experts);
  }

  const double at_once = std::max(p.widest, p.tables);
  if (plan.zero == 3 && shards.dense > 1) {
    constexpr double kComputeBytes = 2;  // gathered in bf16 even if the shards are fp32
    bytes.gathered = std::min(parameter, kComputeBytes) * std::max(at_once, real(1 + prefetch_layers) * p.widest);
  }
  // Casts are kept from the first microbatch to the last. Square blocks serve both passes; MX and FP4 blocks run along the inner
  // dimension, which differs between them: two copies.
  if (plan.recipe != plan::Recipe::bf16 && plan.parameter_type != plan::NumberType::fp8) {
    const double copies = plan.recipe == plan::Recipe::fp8_block ? 1 : 2;
    const double element = hardware::bytes_per_element(plan.recipe == plan::Recipe::fp4 ? hardware::Precision::fp4 : hardware::Precision::mxfp8).si();
    bytes.quantised = copies * element * (plan.zero == 3 ? p.widest : p.hidden + p.experts);
  }
  if (plan.frozen_weights) return bytes;
  // ZeRO 2 and 3 reduce layer by layer, one on the wire while the next fills; others reduce in place unless the wire's format differs.
  if (replicas > 1 && plan.zero >= 2) bytes.buckets = plan::bytes_of(plan.reduce_type) * p.widest * (plan.overlap.gradients ? 2 : 1);
  else if (replicas > 1 && plan.reduce_type != plan.gradient_type) bytes.buckets = plan::bytes_of(plan.reduce_type) * std::min(real(bucket_parameters), p.total());
  return bytes;
}

}  // namespace zettatwin::workload
