// SPDX-License-Identifier: Apache-2.0
#include "compute/chosen_attention.hpp"

#include <algorithm>

#include "base/contract.hpp"
#include "compute/detail/finish.hpp"
#include "compute/detail/tiles.hpp"

namespace zettatwin::compute {
namespace {

constexpr std::int64_t kTileHeads = 64;
constexpr double kWide = 2;             // bytes of queries, outputs and their gradients
constexpr double kAddition = 2 * 4;     // a float read and written

struct Counts {
  double flop_per_pair = 0;    // and head
  double bytes_per_pair = 0;   // gathered
  double bytes_per_query = 0;  // and head
  std::string_view detail;
};

Counts counts_of(const ChosenAttention& op) {
  const auto latent = static_cast<double>(op.latent), wide = static_cast<double>(op.latent + op.rope);
  switch (op.pass) {
    case ChosenPass::forward: return {2 * (wide + latent), op.key_bytes, kWide * (wide + latent), "attention on chosen keys, forward"};
    case ChosenPass::backward: return {2 * (3 * wide + 2 * latent), op.key_bytes + kAddition * wide, 2 * kWide * (wide + latent), "attention on chosen keys, backward"};
    case ChosenPass::scores: return {2 * wide, op.key_bytes, kWide * wide, "scores of chosen keys"};
  }
  return {};
}

}  // namespace

OperatorTime time_of(const hardware::Chip& chip, const ChosenAttention& op) {
  ZT_EXPECT(op.pairs >= 0 && op.queries >= 0 && op.heads >= 0 && op.latent >= 0 && op.rope >= 0 && op.key_bytes >= 0, "attention on chosen keys of impossible size");
  if (op.pairs == 0 || op.heads == 0) return {};
  using hardware::Precision;
  const auto& attention = chip.efficiency.attention_of(Precision::bf16);
  const auto counts = counts_of(op);
  const auto heads = static_cast<double>(std::max(op.heads, kTileHeads));
  const double pass = op.pass == ChosenPass::backward ? attention.backward.si() : 1;
  const double math = heads * counts.flop_per_pair * op.pairs / (detail::peak_of(chip, Precision::bf16) * attention.math.si() * pass);
  const double gathered = counts.bytes_per_pair * op.pairs / chip.efficiency.gemm_of(Precision::bf16).l2_bandwidth.si();
  const double bytes = counts.bytes_per_query * static_cast<double>(op.heads) * op.queries;
  const double memory = std::max(gathered, bytes / (chip.memory.bandwidth.si() * attention.memory.si()));
  return detail::finish({.flop = static_cast<double>(op.heads) * counts.flop_per_pair * op.pairs,
                         .bytes = bytes,
                         .math = math,
                         .memory = memory,
                         .overhead = attention.launch.si(),
                         .total = attention.launch.si() + std::max(math, memory),
                         .detail = counts.detail});
}

double chosen_pairs(double queries, double keys, double most) {
  const double first = keys - queries + 1;
  const double growing = std::clamp(most - first + 1, 0.0, queries);  // queries that see no more than `most`
  return growing * first + growing * (growing - 1) / 2 + (queries - growing) * most;
}

}  // namespace zettatwin::compute
