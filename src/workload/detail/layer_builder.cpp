// SPDX-License-Identifier: Apache-2.0
#include "workload/detail/layer_builder.hpp"

#include <cmath>

#include "base/contract.hpp"

namespace zettatwin::workload::detail {
namespace {

constexpr double kActivationBytes = 2;  // bf16, also on the wire
constexpr auto kLibrary = compute::Library::training;
constexpr std::string_view kSearch = "search for scales";

std::int64_t whole(double rows) { return std::max<std::int64_t>(1, std::llround(rows)); }

}  // namespace

LayerBuilder::LayerBuilder(const plan::Plan& plan, const MicrobatchShape& shape, const software::Profile& software)
    : plan_(plan),
      shape_(shape),
      software_(software),
      precisions_(precisions_of(plan.recipe)),
      tokens_(shape.tokens() / static_cast<double>(plan.cp)),
      sp_(plan.sequence_parallel ? static_cast<double>(plan.tp) : 1) {}

void LayerBuilder::forward(Operation op, std::vector<Operation> backward) {
  operations_.forward.push_back(std::move(op));
  backward_.push_back(std::move(backward));
}

void LayerBuilder::quantise(std::vector<Operation>& into, std::string_view name, double elements, int copies) const {
  if (!precisions_.quantised) return;
  if (software_.row_scales && copies > 1) {
    for (int i = 0; i < copies; ++i) quantise(into, name, elements, 1);
    return;
  }
  if (software_.scale_search.present) into.push_back({kSearch, Category::quantise, compute::MemoryOp{units::Bytes::from_si(elements * software_.scale_search.si())}});
  into.push_back({name, Category::quantise, compute::Quantise{.elements = elements, .precision = precisions_.gemm, .copies = copies}});
}

void LayerBuilder::linear(const Linear& layer) {
  const auto precision = layer.high_precision ? hardware::Precision::bf16 : precisions_.gemm;
  const auto out = static_cast<double>(layer.out), in = static_cast<double>(layer.in);
  std::vector<Operation> backward;
  if (gather_for_weights_) backward.push_back(*std::exchange(gather_for_weights_, std::nullopt));
  if (!layer.high_precision) {
    const double inputs = layer.rows * in * cast_share(layer.gathered_input);
    std::vector<Operation> cast;
    quantise(cast, "cast of inputs", inputs, software_.row_scales ? 1 : 2);
    for (auto& op : cast) {
      // The largest value of a tensor is kept, those of its rows are not.
      op.recomputed_selectively = layer.recomputed_selectively && (op.name != kSearch || software_.row_scales);
      forward_only(std::move(op));
    }
    if (software_.row_scales && !plan_.frozen_weights) quantise(backward, "cast of inputs by column", inputs, 1);
    quantise(backward, "cast of gradients", layer.rows * out * cast_share(layer.gathered_gradient));
  }
  const auto rows = whole(layer.rows);
  const auto rescale = [&](double elements) {
    return Operation{"scales after the product", Category::quantise, compute::MemoryOp{units::Bytes::from_si(elements * software_.rescale.si())}};
  };
  const bool rescaled = software_.rescale.present && precisions_.quantised && !layer.high_precision;
  if (!layer.detached) {
    backward.push_back({layer.name, Category::gemm, compute::Gemm{.m = rows, .n = layer.in, .k = layer.out, .precision = precision, .library = kLibrary}});
    if (rescaled) backward.push_back(rescale(layer.rows * in));
  }
  const bool fused = !software_.accumulation.present;
  accumulate(layer.name, out * in);
  if (rescaled) weight_gradient(rescale(out * in));
  weight_gradient({layer.name, Category::gemm,
                   compute::Gemm{.m = layer.out, .n = layer.in, .k = rows, .precision = precision,
                                 .output_bytes = fused ? plan::bytes_of(plan_.gradient_type) : kActivationBytes, .accumulate = fused, .library = kLibrary}});
  Operation op{layer.name, Category::gemm, compute::Gemm{.m = rows, .n = layer.out, .k = layer.in, .precision = precision, .library = kLibrary}};
  op.recomputed_selectively = layer.recomputed_selectively;
  forward(std::move(op), std::move(backward));
}

void LayerBuilder::headwise(std::string_view name, std::int64_t heads, double rows, std::int64_t out, std::int64_t in, bool recomputed_selectively) {
  const auto m = whole(rows);
  const bool fused = !software_.accumulation.present;
  accumulate(name, static_cast<double>(heads * out * in));
  weight_gradient({name, Category::gemm,
                   compute::Gemm{.m = out, .n = in, .k = m, .batch = heads, .output_bytes = fused ? plan::bytes_of(plan_.gradient_type) : kActivationBytes, .accumulate = fused, .library = kLibrary}});
  Operation op{name, Category::gemm, compute::Gemm{.m = m, .n = out, .k = in, .batch = heads, .library = kLibrary}};
  op.recomputed_selectively = recomputed_selectively;
  forward(std::move(op), {{name, Category::gemm, compute::Gemm{.m = m, .n = in, .k = out, .batch = heads, .library = kLibrary}}});
}

void LayerBuilder::grouped_linear(std::string_view name, std::int64_t count, double rows, std::int64_t out, std::int64_t in) {
  std::vector<Operation> cast;
  quantise(cast, "cast of expert inputs", rows * static_cast<double>(in));
  for (auto& op : cast) forward_only(std::move(op));
  compute::GroupedGemm gemm{.experts = count, .rows_total = rows, .n = out, .k = in, .imbalance = plan_.expert_imbalance, .precision = precisions_.gemm, .library = kLibrary};
  auto input_gradient = gemm;
  std::swap(input_gradient.n, input_gradient.k);
  auto weights = gemm;
  weights.accumulate = !software_.accumulation.present;
  weights.output_bytes = weights.accumulate ? plan::bytes_of(plan_.gradient_type) : kActivationBytes;
  accumulate(name, static_cast<double>(count) * static_cast<double>(out) * static_cast<double>(in));
  std::vector<Operation> backward;
  quantise(backward, "cast of expert gradients", rows * static_cast<double>(out));
  backward.push_back({name, Category::experts, input_gradient});
  weight_gradient({name, Category::experts, weights});
  forward({name, Category::experts, gemm}, std::move(backward));
}

// Operations of weight gradients are laid out in reverse: this runs after its product.
void LayerBuilder::accumulate(std::string_view product, double parameters) {
  if (!software_.accumulation.present) return;
  weight_gradient({product, Category::memory_bound, compute::MemoryOp{units::Bytes::from_si(parameters * software_.accumulation.si())}});
}

void LayerBuilder::memory(std::string_view name, double elements, const software::Moved& moved, std::optional<software::Module> module, std::int64_t kernels) {
  const double scale = elements * software_.eager_factor();
  stream(name, scale * moved.forward.si(), scale * moved.backward.si(), module && software_.recomputes(*module), kernels);
}

void LayerBuilder::stream(std::string_view name, double forward_bytes, double backward_bytes, bool recomputed, std::int64_t kernels) {
  Operation op{name, Category::memory_bound, compute::MemoryOp{units::Bytes::from_si(forward_bytes), kernels}};
  op.recomputed_selectively = recomputed;
  Operation back{name, Category::memory_bound, compute::MemoryOp{units::Bytes::from_si(backward_bytes), kernels}};
  forward(std::move(op), {std::move(back)});
}

Operation LayerBuilder::tensor_communication(std::string_view name, network::Collective op, std::int64_t width, Hiding hiding, double element) const {
  return {name, Category::tensor_comm, Communication{.op = op, .group = Group::tensor, .bytes = units::Bytes::from_si(tokens_ * static_cast<double>(width) * element)}, hiding};
}

double LayerBuilder::gathered_bytes(bool high_precision) const {
  return high_precision || !software_.quantised_gather ? kActivationBytes : precisions_.gathered.si();
}

std::optional<Operation> LayerBuilder::collective_copy(std::int64_t width, double element) const {
  if (!software_.collective_copy.present || plan_.overlap.tp) return std::nullopt;
  const double bytes = tokens_ * static_cast<double>(width) * software_.collective_copy.si() * element / kActivationBytes;
  return Operation{"order of gathered parts", Category::memory_bound, compute::MemoryOp{units::Bytes::from_si(bytes)}};
}

std::optional<Operation> LayerBuilder::partial_sum(std::int64_t width) const {
  if (!software_.partial_sum.present || !plan_.overlap.tp) return std::nullopt;
  return Operation{"sum of the ranks' parts", Category::memory_bound, compute::MemoryOp{units::Bytes::from_si(tokens_ * static_cast<double>(width) * software_.partial_sum.si())}};
}

// A gather with the copy behind it, or a reduction with the copy before it or the sum behind it.
std::vector<Operation> LayerBuilder::exchange(Operation op, std::int64_t width, double element) const {
  std::vector<Operation> both;
  const auto copy = collective_copy(width, element);
  const bool gathers = std::get<Communication>(op.work).op == network::Collective::all_gather;
  if (copy && !gathers) both.push_back(*copy);
  both.push_back(std::move(op));
  if (copy && gathers) both.push_back(*copy);
  if (const auto sum = gathers ? std::nullopt : partial_sum(width)) both.push_back(*sum);
  return both;
}

// Sequence parallel (Korthikanti et al. 2022): gather before, scatter after, and the conjugates backward; the backward pass gathers the input once
// more for the weight gradient, beside the product that makes the input gradient, unless the framework keeps it. Without it: one all-reduce after,
// one backward before.
void LayerBuilder::enter_tensor_parallel(std::int64_t width, bool high_precision) {
  if (plan_.tp == 1) return;
  const auto hiding = plan_.overlap.tp ? Hiding::chunked : Hiding::none;
  if (plan_.sequence_parallel) {
    const double element = gathered_bytes(high_precision);
    auto gather = tensor_communication("all-gather of inputs", network::Collective::all_gather, width, hiding, element);
    auto backward = exchange(tensor_communication("reduce-scatter of input gradients", network::Collective::reduce_scatter, width, hiding), width, kActivationBytes);
    auto forwards = exchange(std::move(gather), width, element);
    for (auto& op : forwards) op.recomputed_selectively = software_.keeps_gathered;
    forward(std::move(forwards.front()), std::move(backward));
    for (std::size_t i = 1; i < forwards.size(); ++i) forward_only(std::move(forwards[i]));
    if (!plan_.frozen_weights && !software_.keeps_gathered)
      gather_for_weights_ = tensor_communication("all-gather for weight gradients", network::Collective::all_gather, width, Hiding::background, element);
  } else {
    backward_.push_back({tensor_communication("all-reduce of input gradients", network::Collective::all_reduce, width, hiding)});
  }
}

void LayerBuilder::leave_tensor_parallel(std::int64_t width, bool high_precision) {
  if (plan_.tp == 1) return;
  const auto hiding = plan_.overlap.tp ? Hiding::chunked : Hiding::none;
  if (!plan_.sequence_parallel) return forward_only(tensor_communication("all-reduce of outputs", network::Collective::all_reduce, width, hiding));
  const double element = gathered_bytes(high_precision);
  auto backward = exchange(tensor_communication("all-gather of output gradients", network::Collective::all_gather, width, hiding, element), width, element);
  auto forwards = exchange(tensor_communication("reduce-scatter of outputs", network::Collective::reduce_scatter, width, hiding), width, kActivationBytes);
  if (forwards.size() > 1) forward_only(std::move(forwards.front()));
  forward(std::move(forwards.back()), std::move(backward));
}

LayerOperations LayerBuilder::finish() {
  ZT_ASSERT(!gather_for_weights_, "an input was gathered for no linear layer");
  for (auto group = backward_.rbegin(); group != backward_.rend(); ++group)
    for (auto& op : *group) operations_.backward_input.push_back(std::move(op));
  for (auto op = weights_.rbegin(); op != weights_.rend(); ++op) operations_.backward_weight.push_back(std::move(*op));
  return std::move(operations_);
}

}  // namespace zettatwin::workload::detail
