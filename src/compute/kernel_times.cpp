// SPDX-License-Identifier: Apache-2.0
#include "compute/kernel_times.hpp"

#include <array>
#include <cmath>

#include "base/contract.hpp"
#include "compute/detail/decode.hpp"
#include "compute/weight_only.hpp"

namespace zettatwin::compute {
namespace {

// Whose kernels serve a family that a chip says nothing of.
struct StandIn {
  std::string_view kind, instead;
};
constexpr std::array kStandIns{StandIn{"decode_windowed", "decode"}, StandIn{"decode_multi_head", "decode"}, StandIn{"decode_latent", "decode"},  StandIn{"decode", "attention"},
                               StandIn{"attention_latent", "attention"}, StandIn{"served_attention", "attention"}, StandIn{"expert_layer", "gemm"},    StandIn{"dynamic_quantise", "gemm"}, StandIn{"attention", "gemm"}};

std::string_view stand_in(std::string_view kind) {
  for (const auto& s : kStandIns)
    if (s.kind == kind) return s.instead;
  return {};
}

double log_width(const hardware::Residual& r) { return std::log(r.high.si() / r.low.si()) / 2; }

}  // namespace

KernelFamily family_of(const hardware::Chip&, const Gemm& op) { return {"gemm", op.precision}; }
KernelFamily family_of(const hardware::Chip&, const GroupedGemm& op) { return {"expert_layer", op.precision}; }
KernelFamily family_of(const hardware::Chip&, const MemoryOp&) { return {}; }
KernelFamily family_of(const hardware::Chip&, const Quantise& op) { return op.dynamic ? KernelFamily{"dynamic_quantise", op.precision} : KernelFamily{}; }
KernelFamily family_of(const hardware::Chip&, const WideGemm&) { return {"gemm", hardware::Precision::bf16}; }
KernelFamily family_of(const hardware::Chip&, const LatentDecode& op) { return {"decode_latent", op.precision}; }
KernelFamily family_of(const hardware::Chip&, const IndexScores& op) { return {op.decoding ? "decode_latent" : "attention", op.precision}; }
KernelFamily family_of(const hardware::Chip&, const ChosenAttention&) { return {"attention", hardware::Precision::bf16}; }
KernelFamily family_of(const hardware::Chip&, const ExpertLayer& op) { return {"expert_layer", op.precision}; }
KernelFamily family_of(const hardware::Chip& chip, const ServedExperts& op) { return {"expert_layer", figures_of_experts(chip, op.precision, op.weight_bytes)}; }

KernelFamily family_of(const hardware::Chip& chip, const AttentionOp& op) {
  if (!detail::is_decoding(op)) {
    const auto table = attention_figures(chip, op).table;
    return {table == "attention" && op.head_dim != op.v_head_dim ? "attention_latent" : table, op.precision};
  }
  if (op.window > 0) return {"decode_windowed", op.precision};
  return {op.heads == op.kv_heads ? "decode_multi_head" : "decode", op.precision};
}

const hardware::Residual* residual_of(const hardware::Chip& chip, const KernelFamily& family) {
  for (auto kind = family.kind; !kind.empty(); kind = stand_in(kind))
    if (const auto* found = chip.efficiency.residual_of(kind, family.precision)) return found;
  return nullptr;
}

double half_width(const hardware::Chip& chip, const KernelFamily& family) {
  const auto* residual = residual_of(chip, family);
  return residual ? log_width(*residual) : 0;
}

void KernelTimes::add(const KernelFamily& family, double seconds) {
  ZT_EXPECT(seconds >= 0, "kernels of negative time");
  if (!family.kind.empty() && seconds > 0) seconds_[family] += seconds;
}

void KernelTimes::add(const KernelTimes& other, double times) {
  for (const auto& [family, seconds] : other.seconds_) add(family, times * seconds);
}

double KernelTimes::half_width(const hardware::Chip& chip, double whole) const {
  ZT_EXPECT(whole > 0, "kernels of a time that is nothing");
  double apart = 0, together = 0;
  for (const auto& [family, seconds] : seconds_) {
    const auto* residual = residual_of(chip, family);
    if (!residual) continue;
    const double off = seconds / whole * log_width(*residual);
    if (residual->low.provenance.confidence == config::Confidence::estimated) together += off;
    else apart += off * off;
  }
  return std::sqrt(apart + together * together);
}

}  // namespace zettatwin::compute
