// SPDX-License-Identifier: Apache-2.0
#include "workload/memory.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/contract.hpp"
#include "units/text.hpp"
#include "workload/memory_activations.hpp"
#include "workload/memory_states.hpp"

namespace zettatwin::workload {
namespace {

using plan::Recompute;

double real(std::int64_t value) { return static_cast<double>(value); }

// One model chunk's demands for one microbatch.
struct ChunkBytes {
  double held = 0;       // from forward to backward
  double embedding = 0;  // of that
  double pending = 0;    // from input gradient to weight gradient
  double transient = 0;  // of its most demanding layer while it runs
  double dispatch = 0;
};

class ChunkModel final {
 public:
  explicit ChunkModel(const MemoryInput& input)
      : input_(input), shape_(input.architecture, input.plan, input.sequence_length, input.software) {
    for (const auto& kind : input.architecture.kinds) kinds_.push_back(layer_activations(shape_, kind));
    if (input.architecture.mtp_layer) mtp_ = mtp_activations(shape_, *input.architecture.mtp_layer);
  }

  [[nodiscard]] const RankShape& shape() const { return shape_; }

  [[nodiscard]] ChunkBytes of(const plan::ModelChunk& chunk) const {
    ChunkBytes bytes;
    // recompute=full with a layer count recomputes the chunk's first layers and keeps all of the others.
    const bool counted = input_.plan.recompute == Recompute::full && input_.plan.recompute_layers >= 0;
    std::int64_t recomputed = counted ? input_.plan.recompute_layers : chunk.layer_count() + chunk.mtp;
    const auto add = [&](const LayerActivations& layer, std::int64_t count) {
      const auto now = std::min(count, recomputed);
      recomputed -= now;
      add_layers(bytes, layer, now, input_.plan.recompute);
      add_layers(bytes, layer, count - now, Recompute::none);
    };
    for (const auto& span : chunk.layers) add(kinds_[span.kind], span.count);
    if (chunk.mtp > 0) add(mtp_, chunk.mtp);
    if (chunk.has_embedding) bytes.embedding = embedding();
    bytes.held += bytes.embedding;
    return bytes;
  }

 private:
  static void add_layers(ChunkBytes& bytes, const LayerActivations& layer, std::int64_t count, Recompute recompute) {
    if (count == 0) return;
    bytes.held += real(count) * layer.kept(recompute);
    bytes.pending += real(count) * layer.pending;
    bytes.transient = std::max(bytes.transient, layer.transient(recompute));
    bytes.dispatch = std::max(bytes.dispatch, layer.dispatch);
  }

  // Token numbers, and the dropout mask of the embedding's output.
  [[nodiscard]] double embedding() const {
    constexpr double kTokenNumber = 8;
    return kTokenNumber * shape_.tokens + (input_.software.dropout ? shape_.norm_tokens * shape_.hidden : 0);
  }

  const MemoryInput& input_;
  RankShape shape_;
  std::vector<LayerActivations> kinds_;
  LayerActivations mtp_;
};

void add(MemoryBreakdown& b, std::string_view name, double bytes, std::string_view formula) {
  if (bytes > 0) b.parts.push_back({name, units::Bytes::from_si(bytes), formula});
}

void add_states(MemoryBreakdown& b, const StateBytes& s) {
  add(b, "weights", s.weights, "P x parameter bytes (/ d under ZeRO 3)");
  add(b, "quantised weights", s.quantised, "GEMM parameters x cast bytes x copies");
  add(b, "gradients", s.gradients, "P x gradient bytes (/ d under ZeRO 2-3)");
  add(b, "master weights", s.master, "P x master bytes (/ d under ZeRO 1-3)");
  add(b, "optimizer moments", s.moments, "P x moments x moment bytes (/ d under ZeRO 1-3)");
}

// Activations that pass between pipeline ranks: received and to be sent, forward and backward; two of each if the sends run in the background.
double pipeline_buffers(const plan::Plan& plan, const RankShape& shape) {
  if (plan.pp == 1) return 0;
  constexpr double kBf16 = 2;
  const double directions = plan.schedule == plan::ScheduleKind::dualpipe ? 2 : 1;
  return 2 * directions * (plan.overlap.pp ? 2 : 1) * kBf16 * shape.norm_tokens * shape.hidden;
}

// Sequence-parallel ranks gather a layer's input before its first GEMM.
double sequence_gather(const plan::Plan& plan, const RankShape& shape) {
  constexpr double kBf16 = 2;
  return plan.sequence_parallel && plan.tp > 1 ? kBf16 * shape.tokens * shape.hidden : 0;
}

// The last chunk's backward follows its forward, so one microbatch's logits are alive; two where the schedule overlaps a forward with a backward.
double logits(const MemoryInput& input, const RankShape& shape, std::size_t rank) {
  double bytes = 0;
  const bool pairs = plan::pairs_passes(input.plan.schedule);
  for (const auto index : input.layout.held[rank]) {
    const auto& chunk = input.layout.chunks[static_cast<std::size_t>(index)];
    if (chunk.has_head) bytes += real(1 + chunk.mtp) * (pairs ? 2 : 1) * head_bytes(shape, input.architecture.vocabulary);
  }
  return bytes;
}

// Transformer Engine hands autograd a tensor of the weight's shape that nothing reads, where the product has added the gradient itself; it keeps one of each
// shape for all layers. Megatron-LM's output projection makes its own while it runs. Under ZeRO 2 and 3 products do not add.
double dummy_gradients(const MemoryInput& input, std::size_t rank) {
  constexpr double kBf16 = 2;
  const bool added_by_products = input.software.dummy_gradients && !input.software.accumulation.present && input.plan.zero < 2 && !input.plan.frozen_weights;
  return added_by_products ? kBf16 * distinct_weights(input.architecture, input.plan, input.layout, rank) : 0;
}

MemoryBreakdown rank_memory(const MemoryInput& input, const ChunkModel& model, std::size_t rank) {
  const auto& plan = input.plan;
  MemoryBreakdown b;
  std::vector<double> held, pending, embedding;
  ChunkBytes worst;
  for (const auto index : input.layout.held[rank]) {
    const auto chunk = model.of(input.layout.chunks[static_cast<std::size_t>(index)]);
    held.push_back(chunk.held);
    embedding.push_back(chunk.embedding);
    pending.push_back(chunk.pending);
    worst.transient = std::max(worst.transient, chunk.transient);
    worst.dispatch = std::max(worst.dispatch, chunk.dispatch);
  }
  b.in_flight = peak_in_flight(input.schedule.programs[rank], held, pending);
  b.activation_bytes = held;
  double activations = 0, waiting = 0, of_embedding = 0;
  for (std::size_t c = 0; c < held.size(); ++c) {
    activations += real(b.in_flight.forward[c]) * held[c];
    of_embedding += real(b.in_flight.forward[c]) * embedding[c];
    waiting += real(b.in_flight.weight[c]) * pending[c];
  }
  auto parameters = rank_parameters(input.architecture, plan, input.layout, rank);
  const auto bytes_of = [&] { return state_bytes(parameters, plan, input.dp, input.software.bucket_parameters, input.software.prefetch_layers); };
  const auto states = bytes_of();
  add_states(b, states);
  parameters.tables = 0;
  b.layer_states = units::Bytes::from_si(bytes_of().kept());
  b.layer_activations = units::Bytes::from_si(activations - of_embedding);
  const auto first_dynamic = b.parts.size();
  add(b, "activations", activations, "sum over chunks of microbatches in flight x bytes kept per microbatch");
  add(b, "pending weight gradients", waiting, "sum over chunks of microbatches between B and W x (linears' inputs + output gradients)");
  const double head = logits(input, model.shape(), rank);
  add(b, "logits and loss", head, "T V / t x bytes per logit + final norm, once per pass through the head");
  add(b, "working set", std::max(0.0, worst.transient - head), "one layer's activation gradients + recomputed tensors, beyond the logits' room");
  add(b, "expert dispatch buffers", worst.dispatch, "(received + sent token copies) x h x bytes, twice if overlapped");
  add(b, "sequence gather", sequence_gather(plan, model.shape()), "2 T h: a layer's input gathered over tp");
  add(b, "pipeline buffers", pipeline_buffers(plan, model.shape()), "2 T h / t per direction and pass, doubled in the background");
  add(b, "gathered parameters", states.gathered, "layers in use and prefetched x parameters x min(parameter bytes, 2)");
  add(b, "gradient buckets", states.buckets, "bucket x reduce bytes, or two layers under ZeRO 2-3");
  add(b, "unused gradients", dummy_gradients(input, rank), "2 bytes x parameters of one weight of each shape");
  double dynamic = 0;
  for (std::size_t i = first_dynamic; i < b.parts.size(); ++i) dynamic += b.parts[i].bytes.si();
  add(b, "fragmentation", input.software.fragmentation.si() * dynamic, "fraction of activations and buffers");
  add(b, "workspace", input.software.workspace.si(), "driver context, communicators, GEMM library");
  return b;
}

}  // namespace

units::Bytes MemoryBreakdown::total() const {
  units::Bytes sum;
  for (const auto& part : parts) sum += part.bytes;
  return sum;
}

const MemoryPart& MemoryBreakdown::largest() const {
  ZT_EXPECT(!parts.empty(), "empty breakdown");
  return *std::max_element(parts.begin(), parts.end(), [](const auto& a, const auto& b) { return a.bytes < b.bytes; });
}

MemoryReport memory_of(const MemoryInput& input, units::Bytes capacity) {
  ZT_EXPECT(input.layout.held.size() == input.schedule.programs.size(),
            fmt::format("{} ranks in the layout, {} in the schedule", input.layout.held.size(), input.schedule.programs.size()));
  ZT_EXPECT(input.dp >= 1 && input.sequence_length >= 1, fmt::format("dp {} sequence {}", input.dp, input.sequence_length));
  const ChunkModel model(input);
  MemoryReport report{.capacity = capacity};
  for (std::size_t rank = 0; rank < input.layout.held.size(); ++rank) {
    report.ranks.push_back(rank_memory(input, model, rank));
    if (report.ranks.back().total() > report.peak().total()) report.peak_rank = rank;
  }
  return report;
}

std::string infeasible_text(const MemoryReport& report) {
  const auto& part = report.peak().largest();
  return fmt::format("pipeline rank {} needs {}, {} more than the chip's {}; largest part: {} {}", report.peak_rank, units::human(report.peak().total()),
                     units::human(report.excess()), units::human(report.capacity), part.name, units::human(part.bytes));
}

}  // namespace zettatwin::workload
