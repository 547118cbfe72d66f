// SPDX-License-Identifier: Apache-2.0
// One timing: the operators that ran in a row, and how long they took. Several operators stand where a library's call is several
// kernels, such as a cast before a product; what is compared is the sum of their times.
#pragma once

#include <cstdint>
#include <string_view>
#include <variant>
#include <vector>

#include "compute/operator_time.hpp"

namespace zettatwin::calibration {

using Operator = std::variant<compute::Gemm, compute::GroupedGemm, compute::AttentionOp, compute::MemoryOp, compute::Quantise,
                              compute::ExpertLayer, compute::LatentDecode>;

struct Sample {
  std::vector<Operator> operators;
  double seconds = 0;
  std::uint64_t group = 0;  // samples of one group are held out together
};

// Seconds of isolated kernels: the loss of clock in long runs (`sustained`) is left out by the chip that is passed (isolated()).
[[nodiscard]] double predicted(const hardware::Chip& chip, const Sample& sample);
[[nodiscard]] hardware::Chip isolated(hardware::Chip chip);

}  // namespace zettatwin::calibration
