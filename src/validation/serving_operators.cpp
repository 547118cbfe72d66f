// SPDX-License-Identifier: Apache-2.0
#include "validation/serving_operators.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "compute/kernel_times.hpp"
#include "compute/operator_time.hpp"
#include "inference/exchange.hpp"
#include "network/collective.hpp"
#include "topology/fabric.hpp"

namespace zettatwin::validation {
namespace {

using hardware::Precision;
using network::Collective;

hardware::Chip isolated(hardware::Chip chip) {
  chip.efficiency.isolate();
  return chip;
}

std::optional<Precision> precision_of(const std::string& name) {
  for (const auto& word : hardware::precision_words())
    if (word.name == name) return static_cast<Precision>(word.value);
  return std::nullopt;
}

// nccl-tests: bytes over time, times the share of the bytes that must cross a rank's ports.
OperatorAnswer bus_bandwidth(const ServingRow& row, const hardware::Machine& machine) {
  struct Kind {
    std::string_view name;
    Collective op;
    double passes;
  };
  constexpr std::array kKinds{Kind{"all-reduce", Collective::all_reduce, 2}, Kind{"all-gather", Collective::all_gather, 1}, Kind{"reduce-scatter", Collective::reduce_scatter, 1}, Kind{"all-to-all", Collective::all_to_all, 1}};
  const auto kind = std::find_if(kKinds.begin(), kKinds.end(), [&](const Kind& k) { return k.name == row.op.op; });
  if (kind == kKinds.end()) return {.why = fmt::format("the collective '{}' is not known", row.op.op)};
  const auto fabric = topology::whole(machine);
  const auto n = static_cast<double>(row.op.ranks);
  const network::CollectiveRequest request{.op = kind->op, .bytes = units::Bytes::from_si(row.op.bytes), .spread = topology::spread_of(fabric, space::View{{{.size = row.op.ranks, .stride = 1}}})};
  const double seconds = network::collective_duration(fabric, request).seconds().si();
  return {.value = row.op.bytes / seconds * kind->passes * (n - 1) / n};
}

template <class Op>
double flop_rate(const hardware::Chip& chip, const Op& op) {
  const auto time = compute::time_of(chip, op);
  return time.flop.si() / time.time.seconds().si();
}

OperatorAnswer product_rate(const ServingRow& row, const hardware::Chip& chip) {
  const auto precision = precision_of(row.op.precision);
  if (!precision || chip.peak(*precision).si() <= 0) return {.why = fmt::format("the chip has no products in '{}'", row.op.precision)};
  const auto rate = [&](std::int64_t m, std::int64_t n, std::int64_t k) { return flop_rate(chip, compute::Gemm{.m = m, .n = n, .k = k, .precision = *precision}); };
  const double kernels = compute::half_width(chip, {"gemm", *precision});
  if (const auto& p = row.op.product) return {.value = rate(p->m, p->n, p->k), .kernels = kernels};
  constexpr std::array<std::int64_t, 5> kSides{2048, 4096, 8192, 12288, 16384};
  double best = 0;
  for (const auto m : kSides)
    for (const auto n : kSides)
      for (const auto k : kSides) best = std::max(best, rate(m, n, k));
  return {.value = best, .kernels = kernels};
}

// STREAM kernels on arrays of 2^25 doubles, the default of BabelStream.
OperatorAnswer memory_bandwidth(const ServingRow& row, const hardware::Chip& chip) {
  constexpr double kArray = 8.0 * (1 << 25);
  const auto bytes = units::Bytes::from_si(kArray * (row.op.elements_read + row.op.elements_written));
  return {.value = bytes.si() / compute::time_of(chip, compute::MemoryOp{.bytes = bytes}).time.seconds().si()};
}

OperatorAnswer host_bandwidth(const hardware::Machine& machine) {
  if (machine.host.link_bandwidth.present) return {.value = machine.host.link_bandwidth.value.si()};
  for (const auto& tier : machine.memory_tiers)
    if (tier.name == "host" && tier.bandwidth_per_chip.present) return {.value = tier.bandwidth_per_chip.value.si()};
  return {.why = "the machine's file has no link to the host"};
}

template <class Op>
OperatorAnswer duration(const hardware::Chip& chip, const Op& op) {
  return {.value = compute::time_of(chip, op).time.seconds().si(), .kernels = compute::half_width(chip, compute::family_of(chip, op))};
}

// One layer's attention: compressed keys and values are expanded for prompts (as the engines do) and read as they are when decoding.
OperatorAnswer attention_time(const ServingRow& row, const hardware::Chip& chip, const model::Architecture& model) {
  const auto precision = precision_of(row.op.precision);
  if (!precision) return {.why = fmt::format("the precision '{}' is not known", row.op.precision)};
  const auto& a = model.kinds.front().attention;
  const bool latent = a.kind == model::AttentionKind::multi_latent;
  const auto batch = static_cast<std::int64_t>(row.run.amount);
  if (row.figure.is == Asked::prefill_attention_time) {
    const compute::AttentionOp op{.batch = batch, .heads = a.heads, .kv_heads = latent ? a.heads : a.kv_heads, .q_length = row.run.input, .kv_length = row.run.input, .head_dim = a.head_dim, .v_head_dim = a.v_head_dim, .precision = *precision};
    return duration(chip, op);
  }
  if (!latent) {
    const compute::AttentionOp op{.batch = batch, .heads = a.heads, .kv_heads = a.kv_heads, .q_length = 1, .kv_length = row.run.input, .head_dim = a.head_dim, .v_head_dim = a.v_head_dim, .precision = *precision};
    return duration(chip, op);
  }
  const compute::LatentDecode op{.batch = batch, .heads = a.heads, .q_length = 1, .kv_length = row.run.input, .latent = a.kv_lora_rank, .rope = a.qk_rope_dim, .precision = *precision};
  return duration(chip, op);
}

// The best of many batches and lengths, 128 heads on latent vectors of 512 + 64 elements, as the kernels' authors show them.
OperatorAnswer best_latent_decode(const ServingRow& row, const hardware::Chip& chip) {
  const auto precision = precision_of(row.op.precision);
  if (!precision) return {.why = fmt::format("the precision '{}' is not known", row.op.precision)};
  double rate = 0, bandwidth = 0;
  for (const std::int64_t batch : {16, 64, 128})
    for (const std::int64_t length : {4096, 8192, 16384})
      for (const auto& [heads, queries] : {std::pair<std::int64_t, std::int64_t>{128, 2}, {128, 1}, {16, 1}}) {
        const auto time = compute::time_of(chip, compute::LatentDecode{.batch = batch, .heads = heads, .q_length = queries, .kv_length = length, .precision = *precision});
        rate = std::max(rate, time.flop.si() / time.time.seconds().si());
        bandwidth = std::max(bandwidth, time.bytes.si() / time.time.seconds().si());
      }
  return {.value = row.figure.is == Asked::decode_attention_rate ? rate : bandwidth, .kernels = compute::half_width(chip, {"decode_latent", *precision})};
}

OperatorAnswer best_prefill_attention(const ServingRow& row, const hardware::Chip& chip) {
  const auto precision = precision_of(row.op.precision);
  if (!precision) return {.why = fmt::format("the precision '{}' is not known", row.op.precision)};
  double best = 0;
  for (const std::int64_t length : {4096, 8192, 16384, 32768})
    best = std::max(best, flop_rate(chip, compute::AttentionOp{.batch = 4, .heads = 16, .kv_heads = 16, .q_length = length, .kv_length = length, .head_dim = 128, .v_head_dim = 128, .precision = *precision}));
  return {.value = best, .kernels = compute::half_width(chip, {"attention", *precision})};
}

// Tokens of one rank to their experts, in eight bits with a scale per 128 elements, or back in bf16.
OperatorAnswer exchange_time(const ServingRow& row, const hardware::Machine& machine, const model::Architecture& model) {
  const auto kind = std::find_if(model.kinds.begin(), model.kinds.end(), [](const model::Layer& layer) { return layer.is_moe(); });
  if (kind == model.kinds.end() || row.op.tokens <= 0 || row.op.ranks < 2) return {.why = "the tokens or the ranks of the exchange are not given"};
  constexpr double kQuantised = 1 + 4.0 / 128, kPlain = 2;
  const auto fabric = topology::whole(machine);
  const double bytes = static_cast<double>(model.hidden) * (row.figure.is == Asked::combine_time ? kPlain : kQuantised);
  const auto time = inference::exchange(fabric, topology::spread_of(fabric, space::View{{{.size = row.op.ranks, .stride = 1}}}),
                                        {.tokens = static_cast<double>(row.op.tokens), .copies = static_cast<double>(kind->experts->top_k), .bytes_per_copy = bytes, .reachable_units = kind->experts->group_limit});
  return {.value = time.seconds};
}

OperatorAnswer asked_of(const ServingRow& row, const hardware::Machine& machine, const model::Architecture* model) {
  const auto chip = isolated(machine.chip);
  switch (row.figure.is) {
    case Asked::bus_bandwidth: return bus_bandwidth(row, machine);
    case Asked::product_rate: return product_rate(row, chip);
    case Asked::memory_bandwidth: return memory_bandwidth(row, chip);
    case Asked::host_bandwidth: return host_bandwidth(machine);
    case Asked::prefill_attention_time:
    case Asked::decode_attention_time: return attention_time(row, chip, *model);
    case Asked::prefill_attention_rate: return best_prefill_attention(row, chip);
    case Asked::dispatch_time:
    case Asked::combine_time: return exchange_time(row, machine, *model);
    case Asked::dispatch_bandwidth: return {.why = "which bytes the bandwidth counts differs between sources"};
    case Asked::decode_attention_rate:
    case Asked::decode_attention_bandwidth: return best_latent_decode(row, chip);
    default: return {.why = "this figure of an operator is not predicted"};
  }
}

}  // namespace

OperatorAnswer ask_operator(const ServingRow& row, api::Library& library) {
  config::Diagnostics diagnostics;
  const std::int64_t chips = row.op.ranks > 0 ? row.op.ranks : std::max<std::int64_t>(1, row.chips);
  const auto* machine = library.machine(row.machine, chips, diagnostics);
  config::Node preset;
  preset.kind = config::Node::Kind::scalar;
  preset.text = row.model;
  const auto* model = machine && !row.model.empty() ? library.architecture(preset, diagnostics) : nullptr;
  if (!machine || (!row.model.empty() && !model)) {
    for (const auto& d : diagnostics.all())
      if (d.severity == config::Severity::error) return {.why = d.problem};
    return {.why = "no answer"};
  }
  return asked_of(row, *machine, model);
}

}  // namespace zettatwin::validation
