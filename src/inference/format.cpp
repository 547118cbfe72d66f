// SPDX-License-Identifier: Apache-2.0
#include "inference/format.hpp"

#include <array>

#include "base/contract.hpp"

namespace zettatwin::inference {
namespace {

using config::Word;
using hardware::Precision;

constexpr std::array kFormats{
    Word{"bf16", static_cast<int>(Format::bf16), "bfloat16 or float16"},
    Word{"fp8", static_cast<int>(Format::fp8), "8-bit floating point, scales per tensor or channel, activations with known scales"},
    Word{"fp8_block", static_cast<int>(Format::fp8_block), "8-bit floating point, a scale per 128 x 128 weights, activations scaled on the way"},
    Word{"mxfp8", static_cast<int>(Format::mxfp8), "8-bit floating point, a scale per 32 values"},
    Word{"fp4", static_cast<int>(Format::fp4), "NVFP4: 4-bit floating point, a scale per 16 values, activations too"},
    Word{"mxfp4", static_cast<int>(Format::mxfp4), "4-bit floating point, a scale per 32 weights; activations in mxfp8, or bf16 where the chip has no fp4"},
    Word{"int8", static_cast<int>(Format::int8), "8-bit integers, a scale per channel"},
    Word{"int4", static_cast<int>(Format::int4), "4-bit integers, a scale per int4_group weights, widened to bf16"},
    Word{"published", static_cast<int>(Format::published), "as the model is published, bf16 where it does not say"},
    Word{"as_weights", static_cast<int>(Format::as_weights), "as the pool's weights"}};
constexpr std::array kCaches{Word{"bf16", static_cast<int>(Format::bf16), "bfloat16 or float16"},
                             Word{"fp8", static_cast<int>(Format::fp8), "8-bit floating point"},
                             Word{"int8", static_cast<int>(Format::int8), "8-bit integers"}};

}  // namespace

std::span<const Word> format_words() { return kFormats; }
std::span<const Word> weight_words() { return std::span(kFormats).first(kFormats.size() - 1); }
std::span<const Word> cache_words() { return kCaches; }

Format format_of(model::WeightFormat format) {
  switch (format) {
    case model::WeightFormat::unstated:
    case model::WeightFormat::bf16: return Format::bf16;
    case model::WeightFormat::fp8: return Format::fp8;
    case model::WeightFormat::fp8_block: return Format::fp8_block;
    case model::WeightFormat::mxfp8: return Format::mxfp8;
    case model::WeightFormat::fp4: return Format::fp4;
    case model::WeightFormat::mxfp4: return Format::mxfp4;
    case model::WeightFormat::int8: return Format::int8;
    case model::WeightFormat::int4: return Format::int4;
  }
  ZT_EXPECT(false, "a format of weights that is not known");
  return Format::bf16;
}

double bytes_of(Format format, const model::IntegerGroups& groups) {
  switch (format) {
    case Format::bf16: return 2;
    case Format::fp8:
    case Format::int8: return 1;
    case Format::fp8_block: return 1 + 4.0 / (128 * 128);
    case Format::mxfp8: return 1 + 1.0 / 32;
    case Format::fp4: return 0.5 + 1.0 / 16;
    case Format::mxfp4: return 0.5 + 1.0 / 32;
    case Format::int4: return 0.5 + (groups.size > 0 ? (2 + (groups.zeros ? 0.5 : 0)) / static_cast<double>(groups.size) : 0);
    case Format::as_weights:
    case Format::published: break;
  }
  ZT_EXPECT(false, "a format that is not resolved");
  return 0;
}

Arithmetic arithmetic_of(const hardware::Chip& chip, Format format, const model::IntegerGroups& groups) {
  const auto has = [&](Precision p) { return chip.peak(p).si() > 0; };
  const double bytes = bytes_of(format, groups);
  const Arithmetic weight_only{.weight_bytes = bytes, .weight_only = true};
  switch (format) {
    case Format::bf16: return {.weight_bytes = bytes};
    case Format::fp8: return has(Precision::fp8) ? Arithmetic{Precision::fp8, bytes} : weight_only;
    case Format::fp8_block:
    case Format::mxfp8: return has(Precision::mxfp8) ? Arithmetic{Precision::mxfp8, bytes, true} : weight_only;
    case Format::fp4: return has(Precision::fp4) ? Arithmetic{Precision::fp4, bytes} : weight_only;
    case Format::mxfp4: return has(Precision::fp4) && has(Precision::mxfp8) ? Arithmetic{Precision::mxfp8, bytes} : weight_only;
    case Format::int8: return has(Precision::int8) ? Arithmetic{Precision::int8, bytes, true} : weight_only;
    case Format::int4: return weight_only;
    case Format::as_weights:
    case Format::published: break;
  }
  ZT_EXPECT(false, "a format that is not resolved");
  return {};
}

hardware::Precision cache_precision(const hardware::Chip& chip, Format cache) {
  if (cache == Format::fp8 && chip.peak(Precision::fp8).si() > 0) return Precision::fp8;
  if (cache == Format::int8 && chip.peak(Precision::int8).si() > 0) return Precision::int8;
  return Precision::bf16;
}

}  // namespace zettatwin::inference
