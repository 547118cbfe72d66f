// SPDX-License-Identifier: Apache-2.0
// Why an operator takes its time: the formula, and every figure of the chip that enters it, with its provenance.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "compute/chosen_attention.hpp"
#include "compute/operator_time.hpp"

namespace zettatwin::compute {

struct Input {
  std::string name;   // path in the chip's document, "efficiency.gemm.bf16.math"
  std::string value;  // human text with unit
  std::string range;  // "0.48 to 0.85", or empty
  config::Provenance provenance;
};

struct Explanation {
  OperatorTime result;
  std::string_view formula;
  std::string work;  // the operator's own sizes, and what the formula chose
  std::vector<Input> inputs;
};

[[nodiscard]] Explanation explain(const hardware::Chip& chip, const Gemm& op);
[[nodiscard]] Explanation explain(const hardware::Chip& chip, const GroupedGemm& op);
[[nodiscard]] Explanation explain(const hardware::Chip& chip, const AttentionOp& op);
[[nodiscard]] Explanation explain(const hardware::Chip& chip, const IndexScores& op);
[[nodiscard]] Explanation explain(const hardware::Chip& chip, const ChosenAttention& op);
[[nodiscard]] Explanation explain(const hardware::Chip& chip, const MemoryOp& op);
[[nodiscard]] Explanation explain(const hardware::Chip& chip, const Quantise& op);
[[nodiscard]] Explanation explain(const hardware::Chip& chip, const WideGemm& op);

}  // namespace zettatwin::compute
