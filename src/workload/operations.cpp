// SPDX-License-Identifier: Apache-2.0
#include "workload/operations.hpp"

#include "base/contract.hpp"
#include "workload/detail/layer_builder.hpp"

namespace zettatwin::workload {

using detail::LayerBuilder;

std::string_view name_of(Category category) {
  switch (category) {
    case Category::gemm: return "gemm";
    case Category::attention: return "attention";
    case Category::experts: return "experts";
    case Category::memory_bound: return "memory_bound";
    case Category::quantise: return "quantise";
    case Category::tensor_comm: return "tensor_parallel";
    case Category::context_comm: return "context_parallel";
    case Category::expert_comm: return "expert_parallel";
    case Category::parameter_comm: return "parameter_gather";
  }
  return "?";
}

std::string_view name_of(Group group) {
  switch (group) {
    case Group::tensor: return "tp";
    case Group::context: return "cp";
    case Group::expert: return "ep";
    case Group::expert_tensor: return "etp";
    case Group::shard: return "dp shards";
    case Group::replica: return "dp replicas";
    case Group::expert_shard: return "expert dp shards";
    case Group::expert_replica: return "expert dp replicas";
    case Group::pipeline: return "pp";
  }
  return "?";
}

// Dispatch sends what the experts read, combine sends bf16 (DeepSeek-V3: FP8 dispatch, BF16 combine).
RecipePrecisions precisions_of(plan::Recipe recipe) {
  using hardware::Precision;
  const auto bf16 = hardware::bytes_per_element(Precision::bf16), mxfp8 = hardware::bytes_per_element(Precision::mxfp8);
  switch (recipe) {
    case plan::Recipe::bf16: return {Precision::bf16, false, bf16, bf16, bf16};
    case plan::Recipe::fp8_block: return {Precision::fp8, true, mxfp8, mxfp8, bf16};  // a scale of four bytes per 128 values: as many bytes as mxfp8
    case plan::Recipe::mxfp8: return {Precision::mxfp8, true, mxfp8, mxfp8, bf16};
    case plan::Recipe::fp4: return {Precision::fp4, true, hardware::bytes_per_element(Precision::fp4), mxfp8, bf16};
  }
  ZT_ASSERT(false, "unknown recipe");
  return {};
}

LayerOperations layer_operations(const model::Architecture& architecture, const model::Layer& layer, const plan::Plan& plan, const MicrobatchShape& shape,
                                 const software::Profile& software) {
  LayerBuilder builder(plan, shape, software);
  detail::attention(builder, architecture, layer.attention);
  if (layer.experts) detail::experts(builder, architecture, *layer.experts);
  else if (layer.dense) detail::feed_forward(builder, architecture, layer.dense->intermediate, layer.dense->gated);
  return builder.finish();
}

LayerOperations embedding_operations(const model::Architecture& architecture, const plan::Plan& plan, const MicrobatchShape& shape, const software::Profile& software) {
  LayerBuilder builder(plan, shape, software);
  const double features = builder.tokens() * static_cast<double>(architecture.hidden);
  builder.memory("embedding", features, builder.software().embedding);
  builder.leave_tensor_parallel(architecture.hidden, true);
  return builder.finish();
}

namespace {

void head(LayerBuilder& builder, const model::Architecture& architecture) {
  const std::int64_t vocabulary = std::max<std::int64_t>(1, architecture.vocabulary / builder.tp());
  const double features = builder.norm_tokens() * static_cast<double>(architecture.hidden);
  const double logits = builder.tokens() * static_cast<double>(vocabulary);
  builder.memory("final norm", features, builder.software().norm);
  builder.enter_tensor_parallel(architecture.hidden, true);
  builder.linear({.name = "output projection", .rows = builder.tokens(), .out = vocabulary, .in = architecture.hidden, .high_precision = true});
  constexpr std::int64_t kKernels = 3;
  const auto& loss = builder.software().cross_entropy;
  builder.stream("cross entropy", logits * loss.forward.si(), logits * loss.backward.si(), false, kKernels);
}

}  // namespace

LayerOperations head_operations(const model::Architecture& architecture, const plan::Plan& plan, const MicrobatchShape& shape, const software::Profile& software) {
  LayerBuilder builder(plan, shape, software);
  head(builder, architecture);
  return builder.finish();
}

LayerOperations mtp_operations(const model::Architecture& architecture, const plan::Plan& plan, const MicrobatchShape& shape, const software::Profile& software) {
  ZT_EXPECT(architecture.mtp_layer.has_value(), architecture.name);
  LayerBuilder builder(plan, shape, software);
  const double features = builder.norm_tokens() * static_cast<double>(architecture.hidden);
  builder.memory("mtp norms", 2 * features, builder.software().norm, software::Module::layernorm, 2);
  builder.linear({.name = "mtp projection", .rows = builder.norm_tokens(), .out = architecture.hidden, .in = 2 * architecture.hidden});
  const auto& layer = *architecture.mtp_layer;
  detail::attention(builder, architecture, layer.attention);
  if (layer.experts) detail::experts(builder, architecture, *layer.experts);
  else if (layer.dense) detail::feed_forward(builder, architecture, layer.dense->intermediate, layer.dense->gated);
  head(builder, architecture);
  return builder.finish();
}

namespace {

enum class Scores { causal, square };

double flop_of(const Operation& op, Scores scores) {
  if (const auto* g = std::get_if<compute::Gemm>(&op.work)) return 2.0 * static_cast<double>(g->m) * static_cast<double>(g->n) * static_cast<double>(g->k) * static_cast<double>(g->batch);
  if (const auto* g = std::get_if<compute::GroupedGemm>(&op.work)) return 2.0 * g->rows_total * static_cast<double>(g->n) * static_cast<double>(g->k);
  if (const auto* s = std::get_if<compute::IndexScores>(&op.work)) return 2.0 * s->pairs * static_cast<double>(s->heads * s->head_dim);
  if (const auto* c = std::get_if<compute::ChosenAttention>(&op.work)) {
    const std::int64_t absorbed = 2 * c->latent + c->rope;
    return 2.0 * static_cast<double>(c->heads * (scores == Scores::causal ? c->projected : absorbed)) * c->pairs;
  }
  const auto* a = std::get_if<compute::AttentionOp>(&op.work);
  if (!a) return 0;
  const auto length = static_cast<double>(a->kv_length);
  const auto window = a->window > 0 ? std::min(static_cast<double>(a->window), length) : length;
  const double causal = window * (window + 1) / 2 + (length - window) * window;  // query-key pairs of one sequence
  return 2.0 * static_cast<double>(a->batch * a->heads) * (scores == Scores::causal ? causal : length * window) * static_cast<double>(a->head_dim + a->v_head_dim);
}

double forward_flop(const LayerOperations& operations, Scores scores = Scores::causal) {
  double flop = 0;
  for (const auto& op : operations.forward) flop += flop_of(op, scores);
  return flop;
}

// Of what a layer runs again in its backward pass.
double recomputed_flop(const LayerOperations& operations, plan::Recompute recompute) {
  double flop = 0;
  for (const auto& op : operations.forward)
    if (recompute == plan::Recompute::full || (recompute == plan::Recompute::selective && op.recomputed_selectively)) flop += flop_of(op, Scores::square);
  return flop;
}

}  // namespace

units::Flop model_flop_per_token(const model::Architecture& architecture, std::int64_t sequence_length) {
  const plan::Plan plan;  // unsharded bf16
  const software::Profile software;  // flash attention: products are counted once, causally
  const MicrobatchShape shape{.sequences = 1, .sequence_length = sequence_length};
  double flop = forward_flop(head_operations(architecture, plan, shape, software));
  for (const auto& run : architecture.runs)
    flop += static_cast<double>(run.count) * forward_flop(layer_operations(architecture, architecture.kinds[run.kind], plan, shape, software));
  if (architecture.mtp_layer) flop += static_cast<double>(architecture.mtp_depth) * forward_flop(mtp_operations(architecture, plan, shape, software));
  return units::Flop::from_si(3 * flop / shape.tokens());
}

units::Flop hardware_flop_per_token(const model::Architecture& architecture, const plan::Plan& plan, const software::Profile& software, std::int64_t sequence_length) {
  const plan::Plan whole;  // unsharded bf16
  const MicrobatchShape shape{.sequences = 1, .sequence_length = sequence_length};
  const auto head = head_operations(architecture, whole, shape, software);
  double flop = 3 * forward_flop(head, Scores::square);  // logits are kept
  for (const auto& run : architecture.runs) {
    const auto layer = layer_operations(architecture, architecture.kinds[run.kind], whole, shape, software);
    flop += static_cast<double>(run.count) * (3 * forward_flop(layer, Scores::square) + recomputed_flop(layer, plan.recompute));
  }
  if (architecture.mtp_layer) {
    const auto module = mtp_operations(architecture, whole, shape, software);
    const double again = recomputed_flop(module, plan.recompute) - recomputed_flop(head, plan.recompute);
    flop += static_cast<double>(architecture.mtp_depth) * (3 * forward_flop(module, Scores::square) + again);
  }
  return units::Flop::from_si(flop / shape.tokens());
}

}  // namespace zettatwin::workload
