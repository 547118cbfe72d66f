// SPDX-License-Identifier: Apache-2.0
// Dense feed-forward and mixture-of-experts blocks.
#include <cmath>

#include "workload/detail/layer_builder.hpp"

namespace zettatwin::workload::detail {
namespace {

// Compressed inputs are written once more in fewer bits by the forward kernel and read in them by the backward kernel.
void activation(LayerBuilder& b, std::string_view name, software::Module module, double features, bool gated, bool compressed = false) {
  const double inputs = (gated ? 2 : 1) * features;
  const auto& moved = gated ? b.software().gated_activation : b.software().activation;
  const double scale = b.software().eager_factor() * features;
  if (compressed) b.forward_only({"compression of activations", Category::memory_bound, compute::MemoryOp{units::Bytes::from_si(kCompressedFeature * inputs), 0}});
  b.stream(name, scale * moved.forward.si(), scale * moved.backward.si() - (compressed ? (2 - kCompressedFeature) * inputs : 0), b.software().recomputes(module) || (module == software::Module::mlp_act && b.software().recomputes(software::Module::mlp)));
}

void dense_pair(LayerBuilder& b, std::string_view up, std::string_view down, std::int64_t hidden, std::int64_t intermediate, bool gated,
                bool compressed = false) {
  const std::int64_t width = std::max<std::int64_t>(1, intermediate / b.tp());
  const bool whole = b.software().recomputes(software::Module::mlp);
  b.linear({.name = up, .rows = b.tokens(), .out = (gated ? 2 : 1) * width, .in = hidden, .recomputed_selectively = whole || b.software().recomputes(software::Module::mlp_up), .gathered_input = true});
  activation(b, "activation", software::Module::mlp_act, b.tokens() * static_cast<double>(width), gated, compressed);
  b.linear({.name = down, .rows = b.tokens(), .out = hidden, .in = width, .recomputed_selectively = whole, .gathered_gradient = true});
}

// The experts wait for their tokens: only another microbatch's computation can run beside (docs/math/overlap.md). Schedules that pair passes play both;
// under others a pass stands for its neighbour, which is alike.
Operation expert_exchange(const LayerBuilder& b, std::string_view name, double tokens, double copies, std::int64_t hidden, units::Bytes quantised) {
  const double element = b.software().quantised_dispatch ? quantised.si() : hardware::bytes_per_element(hardware::Precision::bf16).si();
  const double token_bytes = static_cast<double>(hidden) * element;
  Communication exchange{.op = network::Collective::all_to_all, .group = Group::expert, .bytes = units::Bytes::from_si(tokens * copies * token_bytes)};
  if (b.software().dispatcher == software::Dispatcher::deduplicated) {
    exchange.tokens_sent = tokens;
    exchange.bytes_per_token = units::Bytes::from_si(token_bytes);
  }
  const bool beside = b.plan().overlap.ep && !plan::pairs_passes(b.plan().schedule);
  return {name, Category::expert_comm, exchange, beside ? Hiding::background : Hiding::none};
}

}  // namespace

void feed_forward(LayerBuilder& b, const model::Architecture& architecture, std::int64_t intermediate, bool gated) {
  norm_and_residual(b, architecture);
  b.enter_tensor_parallel(architecture.hidden);
  dense_pair(b, "feed-forward up projection", "feed-forward down projection", architecture.hidden, intermediate, gated);
  b.leave_tensor_parallel(architecture.hidden);
}

// Tokens sharded over tp (sequence parallel) are routed, permuted, dispatched over the expert group, run through the local experts and combined. The
// backward pass sends gradients the same ways.
void experts(LayerBuilder& b, const model::Architecture& architecture, const model::MixtureOfExperts& moe) {
  norm_and_residual(b, architecture);
  const auto& plan = b.plan();
  const auto hidden = architecture.hidden;
  const double tokens = b.norm_tokens();
  const double copies = static_cast<double>(moe.top_k);
  const double copied = tokens * copies * static_cast<double>(hidden);

  b.linear({.name = "router", .rows = tokens, .out = moe.routed_experts, .in = hidden, .high_precision = true});
  const double scores = tokens * static_cast<double>(moe.routed_experts);
  b.memory("routing", scores, b.software().routing, {}, 3);
  if (moe.shared_intermediate > 0) {
    b.enter_tensor_parallel(hidden);
    dense_pair(b, "shared expert up projection", "shared expert down projection", hidden, moe.shared_intermediate, moe.gated, plan.compress_activations);
    b.leave_tensor_parallel(hidden);
  }
  const double sorted = copied + tokens * static_cast<double>(hidden);
  b.memory("permutation", sorted, b.software().permutation);
  const auto& p = b.precisions();
  if (plan.ep > 1)
    b.forward(expert_exchange(b, "dispatch", tokens, copies, hidden, p.dispatch), {expert_exchange(b, "dispatch backward", tokens, copies, hidden, p.combine)});
  // Every rank of the expert group sends as much as it gets: rows = tokens * top_k, over its routed_experts/ep experts; the copies of an expert-tensor
  // group are gathered first.
  const double rows = tokens * copies * static_cast<double>(plan.etp);
  const std::int64_t local = std::max<std::int64_t>(1, moe.routed_experts / plan.ep);
  const std::int64_t width = std::max<std::int64_t>(1, moe.intermediate / plan.etp);
  if (plan.etp > 1) {
    Communication gather{.op = network::Collective::all_gather, .group = Group::expert_tensor, .bytes = units::Bytes::from_si(rows * static_cast<double>(hidden) * 2)};
    Communication scatter = gather;
    scatter.op = network::Collective::reduce_scatter;
    b.forward({"all-gather of expert inputs", Category::tensor_comm, gather}, {{"reduce-scatter of expert input gradients", Category::tensor_comm, scatter}});
  }
  b.grouped_linear("expert up projection", local, rows, (moe.gated ? 2 : 1) * width, hidden);
  activation(b, "expert activation", software::Module::moe_act, rows * static_cast<double>(width), moe.gated, plan.compress_activations);
  b.grouped_linear("expert down projection", local, rows, hidden, width);
  if (moe.bias && b.software().expert_bias.forward.present) b.memory("expert bias", rows * static_cast<double>(hidden), b.software().expert_bias);
  if (plan.etp > 1) {
    Communication scatter{.op = network::Collective::reduce_scatter, .group = Group::expert_tensor, .bytes = units::Bytes::from_si(rows * static_cast<double>(hidden) * 2)};
    Communication gather = scatter;
    gather.op = network::Collective::all_gather;
    b.forward({"reduce-scatter of expert outputs", Category::tensor_comm, scatter}, {{"all-gather of expert output gradients", Category::tensor_comm, gather}});
  }
  if (plan.ep > 1)
    b.forward(expert_exchange(b, "combine", tokens, copies, hidden, p.combine), {expert_exchange(b, "combine backward", tokens, copies, hidden, p.dispatch)});
  b.memory("unpermutation", sorted, b.software().permutation);
}

}  // namespace zettatwin::workload::detail
