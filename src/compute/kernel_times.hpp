// SPDX-License-Identifier: Apache-2.0
// Which family's residual describes an operator's kernels, and how far a time that is made of such kernels may be off because of them.
// Model: efficiency.uncertainty of a chip holds low and high of measured over predicted time of single shapes, by family; w = ln(high / low) / 2. Shapes of one
// family share their error (a library, a bin), so its seconds count together; families that were measured err on their own, those whose residual is an estimate
// follow one rule and err together:
//   width^2 = sum over measured families (t w / T)^2 + (sum over estimated families t w / T)^2      T: the whole predicted time
// What has no family (messages, streams, the host) adds nothing. docs/math/uncertainty.md. Pure functions.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "compute/chosen_attention.hpp"
#include "compute/operator_time.hpp"

namespace zettatwin::compute {

struct KernelFamily {
  std::string_view kind;  // as in efficiency.uncertainty: "gemm", "attention", "decode", ...; empty: none
  hardware::Precision precision = hardware::Precision::bf16;
  friend auto operator<=>(const KernelFamily&, const KernelFamily&) = default;
};

[[nodiscard]] KernelFamily family_of(const hardware::Chip& chip, const Gemm& op);
[[nodiscard]] KernelFamily family_of(const hardware::Chip& chip, const GroupedGemm& op);
[[nodiscard]] KernelFamily family_of(const hardware::Chip& chip, const AttentionOp& op);
[[nodiscard]] KernelFamily family_of(const hardware::Chip& chip, const MemoryOp& op);
[[nodiscard]] KernelFamily family_of(const hardware::Chip& chip, const Quantise& op);
[[nodiscard]] KernelFamily family_of(const hardware::Chip& chip, const WideGemm& op);
[[nodiscard]] KernelFamily family_of(const hardware::Chip& chip, const LatentDecode& op);
[[nodiscard]] KernelFamily family_of(const hardware::Chip& chip, const ServedExperts& op);
[[nodiscard]] KernelFamily family_of(const hardware::Chip& chip, const ExpertLayer& op);
// Sparse attention has the figures, and so the residuals, of the attention that it stands for.
[[nodiscard]] KernelFamily family_of(const hardware::Chip& chip, const IndexScores& op);
[[nodiscard]] KernelFamily family_of(const hardware::Chip& chip, const ChosenAttention& op);

// Residual of a family on a chip: its own, or that of the kernels whose figures serve it (experts and decoding of a chip that knows only products and
// attention). Null if the chip says nothing of any.
[[nodiscard]] const hardware::Residual* residual_of(const hardware::Chip& chip, const KernelFamily& family);

// Half width of the family's residual in the logarithm; 0 without one.
[[nodiscard]] double half_width(const hardware::Chip& chip, const KernelFamily& family);

// Seconds of a predicted time by family of kernels.
class KernelTimes final {
 public:
  void add(const KernelFamily& family, double seconds);
  void add(const KernelTimes& other, double times = 1);
  [[nodiscard]] const std::map<KernelFamily, double>& seconds() const { return seconds_; }
  // Of a predicted time of `whole` seconds, in the logarithm.
  [[nodiscard]] double half_width(const hardware::Chip& chip, double whole) const;

 private:
  std::map<KernelFamily, double> seconds_;
};

}  // namespace zettatwin::compute
