// SPDX-License-Identifier: Apache-2.0
// Number formats of matrix units, and their bytes per element in memory (block scales included, as noted).
#pragma once

#include <span>
#include <string_view>

#include "config/schema.hpp"
#include "units/quantity.hpp"

namespace zettatwin::hardware {

enum class Precision { fp64, fp32, tf32, bf16, fp16, fp8, mxfp8, fp4, int8 };

// Vocabulary of catalog and plans. mxfp8: one 8-bit scale per 32 values; fp4: MXFP4 or NVFP4, one scale per 16-32.
[[nodiscard]] std::span<const config::Word> precision_words();
[[nodiscard]] inline std::string_view name_of(Precision p) { return config::word_of(precision_words(), p); }

// Storage per element: fp8 1 B, mxfp8 1 + 1/32 B, fp4 0.5 + 1/16 B.
[[nodiscard]] units::Bytes bytes_per_element(Precision p);

}  // namespace zettatwin::hardware
