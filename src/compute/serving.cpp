// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>

#include "base/contract.hpp"
#include "compute/detail/decode.hpp"
#include "compute/detail/finish.hpp"
#include "compute/detail/tiles.hpp"
#include "compute/weight_only.hpp"

namespace zettatwin::compute {
namespace {

constexpr double kWide = 2;  // bytes of activations outside the products
constexpr double kProducts = 2;      // of an expert: up (with gate) and down
constexpr double kSmallKernels = 4;  // beside them: two to sort, activation, weighted sum
constexpr double kActivation = 1;    // of them, where rows come ordered

}  // namespace

hardware::LatentDecodeEfficiency latent_decode_of(const hardware::Chip& chip, hardware::Precision precision) {
  if (const auto* own = hardware::Efficiency::find_entry(chip.efficiency.decode_latent, precision)) return *own;
  const auto& attention = chip.efficiency.attention_of(precision);
  return {.launch = attention.launch, .math = attention.math, .memory = attention.memory, .half_bytes = chip.efficiency.stream.half_bytes};
}

hardware::ServedExpertsEfficiency served_experts_of(const hardware::Chip& chip, hardware::Precision precision, bool ordered) {
  if (const auto* own = hardware::Efficiency::find_entry(chip.efficiency.served_experts, precision)) return *own;
  const auto& e = chip.efficiency;
  const auto& gemm = e.gemm_of(precision);
  hardware::ServedExpertsEfficiency built{.launch = e.grouped.launch, .math = gemm.math, .memory = gemm.memory};
  built.launch.value = kProducts * (gemm.launch.value + e.grouped.launch.value) + (ordered ? kActivation : kSmallKernels) * e.stream.launch.value;
  built.math.value = gemm.math.value * (e.grouped.math.si() * e.sustained.si());
  return built;
}

units::Seconds sorting_of_others(const hardware::Chip& chip, hardware::Precision precision, double others, double topk, double hidden) {
  ZT_EXPECT(others >= 0 && topk >= 1 && hidden >= 0, "sorting of impossible size");
  const auto* layer = hardware::Efficiency::find_entry(chip.efficiency.expert_layer, precision);
  const auto* served = hardware::Efficiency::find_entry(chip.efficiency.served_experts, precision);
  const bool own = served && served->combine.present;
  const double choice = layer && !own ? layer->per_choice.si() : 0, share = own ? served->combine.si() : layer ? layer->combine.si() : chip.efficiency.stream.memory.si();
  return units::Seconds::from_si(others * (choice + 2 * kWide * hidden / (topk * chip.memory.bandwidth.si() * share)));
}

const hardware::DecodeEfficiency* decoding_figures(const hardware::Chip& chip, const AttentionOp& op) { return detail::decode_of(chip, op); }

MemoryOp latent_preparation(double queries, double keys, std::int64_t heads, std::int64_t nope, std::int64_t rope, std::int64_t value) {
  ZT_EXPECT(queries >= 0 && keys >= 0 && heads >= 0 && nope >= 0 && rope >= 0 && value >= 0, "latent attention of impossible size");
  constexpr double kKernels = 2;  // queries, and keys with values
  const auto r = static_cast<double>(rope), k = static_cast<double>(nope), v = static_cast<double>(value);
  const double bytes = kWide * static_cast<double>(heads) * (queries * 2 * r + keys * (k + (k + r) + 2 * v));
  return {.bytes = units::Bytes::from_si(bytes), .kernels = bytes > 0 ? static_cast<std::int64_t>(kKernels) : 0};
}

OperatorTime decoding_time(const hardware::Chip& chip, const AttentionOp& op) {
  if (op.batch == 0 || op.heads == 0 || op.q_length == 0 || op.kv_length == 0) return {};
  if (const auto* own = detail::decode_of(chip, op)) return detail::decode_time(chip, op, *own);
  const auto& gemm = chip.efficiency.gemm_of(op.precision);
  const hardware::DecodeEfficiency built{.launch = chip.efficiency.attention_of(op.precision).launch, .memory = gemm.memory, .half_bytes = gemm.half_bytes};
  return detail::decode_time(chip, op, built);
}

OperatorTime time_of(const hardware::Chip& chip, const LatentDecode& op) {
  ZT_EXPECT(op.batch >= 0 && op.heads >= 0 && op.q_length >= 0 && op.kv_length >= 0 && op.latent > 0 && op.rope >= 0, "latent attention of impossible size");
  if (op.batch == 0 || op.heads == 0 || op.q_length == 0 || op.kv_length == 0) return {};
  const auto e = latent_decode_of(chip, op.precision);
  const auto key = static_cast<double>(op.latent + op.rope), value = static_cast<double>(op.latent);
  const auto rows = static_cast<double>(op.batch * op.heads * op.q_length), keys = static_cast<double>(op.kv_length);
  const double flop = 2 * (key + value) * rows * keys;
  const double cache = hardware::bytes_per_element(op.precision).si() * static_cast<double>(op.batch) * keys * key, ends = kWide * rows * (key + value);
  const double ramp = 1 + std::min(1.0, e.half_bytes.si() / cache);  // of the cache alone: more queries must not shorten it
  const double bytes = cache + ends;
  const double math = ramp * flop / (detail::peak_of(chip, op.precision) * e.math.si());
  const double memory = (ramp * cache + ends) / (chip.memory.bandwidth.si() * e.memory.si());
  return detail::finish({.flop = flop,
                         .bytes = bytes,
                         .math = math,
                         .memory = memory,
                         .overhead = e.launch.si(),
                         .total = e.launch.si() + std::max(math, memory),
                         .detail = "decoding on latent vectors"});
}

OperatorTime time_of(const hardware::Chip& chip, const IndexScores& op) {
  ZT_EXPECT(op.pairs >= 0 && op.keys >= 0 && op.heads >= 0 && op.head_dim >= 0 && op.block >= 1 && op.key_bytes >= 0, "scores of impossible size");
  if (op.pairs == 0 || op.heads == 0 || op.head_dim == 0) return {};
  constexpr double kScore = 4, kPasses = 3;  // bytes of a score; written, read for the threshold, read for the choice
  const auto decode = latent_decode_of(chip, op.precision);
  const auto& prompt = chip.efficiency.attention_of(op.precision);
  const double flop = 2 * op.pairs * static_cast<double>(op.heads * op.head_dim);
  const double cache = op.keys * op.key_bytes;
  const double ramp = op.decoding && cache > 0 ? 1 + std::min(1.0, decode.half_bytes.si() / cache) : 1;
  const double math = flop / (detail::peak_of(chip, op.precision) * (op.decoding ? decode.math.si() : prompt.math.si()));
  const double memory = ramp * cache / (chip.memory.bandwidth.si() * (op.decoding ? decode.memory.si() : prompt.memory.si()));
  const double scores = kScore * kPasses * (op.block > 1 ? op.pairs * static_cast<double>(op.heads) / static_cast<double>(op.block) : op.pairs);
  const auto& stream = chip.efficiency.stream;
  const double choice = scores / (chip.memory.bandwidth.si() * stream.memory.si());
  const double launch = (op.decoding ? decode.launch.si() : prompt.launch.si()) + stream.launch.si();
  return detail::finish({.flop = flop,
                         .bytes = cache + scores,
                         .math = math,
                         .memory = memory + choice,
                         .overhead = launch,
                         .total = launch + std::max(math, memory) + choice,
                         .detail = "scores and choice of keys"});
}

OperatorTime time_of(const hardware::Chip& chip, const ServedExperts& op) {
  ZT_EXPECT(op.rows >= 0 && op.hit >= 0 && op.hidden >= 0 && op.inter >= 0, "experts of impossible size");
  if (op.rows == 0 || op.hidden == 0 || op.inter == 0) return {};
  const auto e = served_experts_of(chip, figures_of_experts(chip, op.precision, op.weight_bytes), op.ordered);
  const auto h = static_cast<double>(op.hidden), f = static_cast<double>(op.inter);
  const double width = op.weight_bytes > 0 ? op.weight_bytes : hardware::bytes_per_element(op.precision).si();
  const double matrices = op.gated ? 3 : 2;
  const double computed = std::max(op.rows, op.computed);
  const double flop = 2 * matrices * computed * h * f;
  const double stream = matrices * h * f * width * op.hit + kWide * computed * (2 * h + matrices * f);  // rows into and out of both products
  const double moved = op.ordered ? 0 : 2 * kWide * 2 * op.rows * h;  // sorted before, weighted and summed after: each read and written
  const double math = flop / (detail::peak_of(chip, op.precision) * e.math.si());
  const double memory = stream / (chip.memory.bandwidth.si() * e.memory.si());
  const double moving = moved / (chip.memory.bandwidth.si() * chip.efficiency.stream.memory.si());
  return detail::finish({.flop = flop,
                         .bytes = stream + moved,
                         .math = math,
                         .memory = memory + moving,
                         .overhead = e.launch.si(),
                         .total = e.launch.si() + std::sqrt(math * math + memory * memory) + moving,
                         .detail = "routed experts of a serving engine"});
}

}  // namespace zettatwin::compute
