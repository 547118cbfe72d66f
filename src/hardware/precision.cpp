// SPDX-License-Identifier: Apache-2.0
#include "hardware/precision.hpp"

#include <array>

#include "base/contract.hpp"

namespace zettatwin::hardware {

std::span<const config::Word> precision_words() {
  static constexpr std::array words{
      config::Word{"fp64", static_cast<int>(Precision::fp64), "64-bit floating point"},
      config::Word{"fp32", static_cast<int>(Precision::fp32), "32-bit floating point"},
      config::Word{"tf32", static_cast<int>(Precision::tf32), "19-bit mantissa-reduced fp32"},
      config::Word{"bf16", static_cast<int>(Precision::bf16), "bfloat16"},
      config::Word{"fp16", static_cast<int>(Precision::fp16), "IEEE half"},
      config::Word{"fp8", static_cast<int>(Precision::fp8), "8-bit floating point (E4M3, E5M2, HiF8)"},
      config::Word{"mxfp8", static_cast<int>(Precision::mxfp8), "8-bit with one scale per 32 values"},
      config::Word{"fp4", static_cast<int>(Precision::fp4), "4-bit with block scales (MXFP4, NVFP4)"},
      config::Word{"int8", static_cast<int>(Precision::int8), "8-bit integer"}};
  return words;
}

units::Bytes bytes_per_element(Precision p) {
  switch (p) {
    case Precision::fp64: return 8 * units::byte;
    case Precision::fp32:
    case Precision::tf32: return 4 * units::byte;
    case Precision::bf16:
    case Precision::fp16: return 2 * units::byte;
    case Precision::fp8:
    case Precision::int8: return 1 * units::byte;
    case Precision::mxfp8: return (1 + 1.0 / 32) * units::byte;
    case Precision::fp4: return (0.5 + 1.0 / 16) * units::byte;
  }
  ZT_ASSERT(false, "unknown precision");
  return {};
}

}  // namespace zettatwin::hardware
