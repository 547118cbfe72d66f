// SPDX-License-Identifier: Apache-2.0
// What a benchmark tool sets, worked out by hand for a toy model of 2 layers of 4 heads of 128: 2 x 2 x 4 x 128 = 2,048 elements of cache per token.
#include "validation/serving_harness.hpp"

#include <gtest/gtest.h>

#include "../../support/toy.hpp"
#include "model/parameters.hpp"

namespace zettatwin::validation {
namespace {

struct Case {
  model::Architecture model = test::toy_model();
  HarnessRule rule{.words = {}, .formats = {{.is = "fp8", .bytes = 1, .elements = 1}, {.is = "fp4", .bytes = 0.5, .elements = 0.5}}, .share = 0.5, .note = ""};
  std::int64_t input = 1000, output = 1000;

  // Memory for so many requests of 2,000 tokens with a cache of one byte beside the weights, at half of what is left.
  [[nodiscard]] HarnessSettings of(double requests, double weight_bytes, const std::string& format, double cache_bytes = 1) const {
    const double weights = weight_bytes * static_cast<double>(model::parameters_of(model).total);
    const auto memory = units::Bytes::from_si(weights + 2 * requests * 2048 * 2000);
    return harness_settings(rule, {.model = &model, .memory = memory, .weights = format, .cache_bytes = cache_bytes, .input = input, .output = output});
  }
};

TEST(Harness, RoundsUpWhatTheCacheHolds) {
  Case asked;
  EXPECT_EQ(asked.of(100.5, 1, "fp8"), (HarnessSettings{128, 2048}));         // 32 x 4; 201 tokens, at least 2,048
  EXPECT_EQ(asked.of(100.5, 0.25, "fp4"), (HarnessSettings{128, 2048}));      // half an element, half a byte each
  EXPECT_EQ(asked.of(201, 1, "fp8", 2), (HarnessSettings{128, 2048}));        // half as many of twice the width
  EXPECT_EQ(asked.of(10, 1, "fp8"), (HarnessSettings{64, 2048}));
  EXPECT_EQ(asked.of(1000, 1, "fp8"), (HarnessSettings{1024, 2048}));         // 128 x 8; 2,000 tokens
  EXPECT_EQ(asked.of(3000, 1, "fp8"), (HarnessSettings{3072, 6144}));         // 256 x 12; 512 x 12
  EXPECT_EQ(asked.of(1e6, 1, "fp8"), (HarnessSettings{4096, 8192}));          // at most 4,096 in a batch
}

TEST(Harness, PromptsAreNotCut) {
  Case asked;
  asked.input = 1900;
  asked.output = 100;
  EXPECT_EQ(asked.of(100.5, 1, "fp8"), (HarnessSettings{128, 2048}));  // 2,010 tokens
  asked.input = 1999;
  asked.output = 1;
  EXPECT_EQ(asked.of(10, 1, "fp8"), (HarnessSettings{64, 20480}));       // 10 x 2,000
  EXPECT_EQ(asked.of(0.1, 1, "fp8"), (HarnessSettings{64, 2063}));       // 1,999 beside 64
}

TEST(Harness, LeavesFormatsThatItDoesNotKnow) {
  Case asked;
  EXPECT_EQ(asked.of(10, 1, "mxfp4"), (HarnessSettings{2048, 8192}));
  asked.input = 8000;
  EXPECT_EQ(asked.of(10, 1, "mxfp4"), (HarnessSettings{2048, 10048}));
}

}  // namespace
}  // namespace zettatwin::validation
