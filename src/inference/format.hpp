// SPDX-License-Identifier: Apache-2.0
// Number formats of weights and caches in serving, and what a chip computes with them. A chip whose matrix unit lacks a format reads the narrow weights and
// multiplies in bf16 (weight-only quantisation).
#pragma once

#include <span>

#include "config/schema.hpp"
#include "hardware/chip.hpp"
#include "model/architecture.hpp"

namespace zettatwin::inference {

enum class Format {
  as_weights,  // of a part: as the pool's weights
  published,   // as the model's checkpoint is published, bf16 where the model does not say: what a deployment means that states nothing
  bf16,
  fp8,        // per tensor or channel, activations with scales known beforehand
  fp8_block,  // one fp32 scale per 128 x 128 weights; activations are scaled on the way, per 128
  mxfp8,      // one 8-bit scale per 32
  fp4,        // NVFP4: one 8-bit scale per 16, activations in the same format
  mxfp4,      // one 8-bit scale per 32; activations in mxfp8
  int8,       // per channel; activations are scaled on the way, per token
  int4,       // a 16-bit scale per group of weights (model::IntegerGroups); no matrix unit takes them: kernels widen them to bf16
};
[[nodiscard]] std::span<const config::Word> format_words();
[[nodiscard]] std::span<const config::Word> weight_words();  // without as_weights
[[nodiscard]] std::span<const config::Word> cache_words();   // bf16, fp8, int8
[[nodiscard]] Format format_of(model::WeightFormat format);  // unstated: bf16

// Per stored weight, scales and zero points included; `groups` of int4.
[[nodiscard]] double bytes_of(Format format, const model::IntegerGroups& groups = {});

struct Arithmetic {
  hardware::Precision precision = hardware::Precision::bf16;  // of the products
  double weight_bytes = 2;
  bool casts = false;        // activations are cast by kernels of their own before the products
  bool weight_only = false;  // the chip has no unit for the format
};
[[nodiscard]] Arithmetic arithmetic_of(const hardware::Chip& chip, Format format, const model::IntegerGroups& groups = {});

// Precision in which attention reads a cache and multiplies.
[[nodiscard]] hardware::Precision cache_precision(const hardware::Chip& chip, Format cache);

}  // namespace zettatwin::inference
