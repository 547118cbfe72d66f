// SPDX-License-Identifier: Apache-2.0
// Products in 16 bits with weights of 4 bits, where the matrix unit lacks the format of the weights (weight-only quantisation). Kernels stream the weights
// narrow; vector units widen them on the way, and this limits the stream: about 20 weights per core and clock on Hopper. Such kernels have figures of their
// own under fp4 in efficiency.served_experts of a chip that has no fp4: math is then a share of the 16-bit peak, memory of the bandwidth in reading narrow
// weights. Dense products keep their figures, but read no faster. A unit that multiplies 4-bit by 8-bit operands takes them as they are.
#pragma once

#include "hardware/chip.hpp"

namespace zettatwin::compute {

// Under which precision the figures of served experts are: fp4 where weights are widened and the chip's file says how, else that of the products.
[[nodiscard]] inline hardware::Precision figures_of_experts(const hardware::Chip& chip, hardware::Precision products, double weight_bytes) {
  using hardware::Precision;
  constexpr double kNarrow = 0.75;  // bytes: formats of 4 bits with their scales
  const bool widened = (products == Precision::bf16 || products == Precision::fp16) && weight_bytes > 0 && weight_bytes < kNarrow;
  return widened && chip.peak(Precision::fp4).si() <= 0 && chip.efficiency.served_experts.contains(Precision::fp4) ? Precision::fp4 : products;
}

}  // namespace zettatwin::compute
