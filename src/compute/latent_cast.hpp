// SPDX-License-Identifier: Apache-2.0
// Latent attention of prompts that multiplies in 8 bits (TensorRT-LLM with an 8-bit cache): queries, keys and values of 16 bits are cast by a kernel of their own
// before the attention, 2 bytes read and 1 written per element. In operator tables this makes prompts up to 4k tokens slower than products of 16 bits, longer ones quicker.
#pragma once

#include <cstdint>

#include "compute/operator_time.hpp"

namespace zettatwin::compute {

// Of so many queries and keys with `heads` heads each; a head's keys are `head_dim` wide, its values `v_head_dim`.
[[nodiscard]] inline MemoryOp latent_cast(double queries, double keys, std::int64_t heads, std::int64_t head_dim, std::int64_t v_head_dim) {
  constexpr double kMoved = 3;  // bytes per element
  const double elements = static_cast<double>(heads) * (queries * static_cast<double>(head_dim) + keys * static_cast<double>(head_dim + v_head_dim));
  return {.bytes = units::Bytes::from_si(kMoved * elements), .kernels = elements > 0 ? 1 : 0};
}

}  // namespace zettatwin::compute
