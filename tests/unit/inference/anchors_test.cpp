// SPDX-License-Identifier: Apache-2.0
// Published figures of wide expert parallelism, from chip files alone. Bands are what the model reaches today, widened to full percents; docs/math/inference.md
// has the table.
#include <gtest/gtest.h>

#include "served.hpp"

namespace zettatwin::inference {
namespace {

struct Rate {
  double tokens_per_s = 0;  // per chip
  double tpot_s = 0;
};

Rate decoding(const std::string& machine, const Software& software, const std::string& text, std::int64_t per_rank, std::int64_t length) {
  const auto s = test::served(test::catalog_machine(machine), test::catalog_model("deepseek-v3"), software, text + ",instances=1,load.kind=balanced");
  const auto& pool = s.pools[0];
  const auto n = per_rank * pool.pool.dp;
  const double step = test::seconds(pool, n, n * length), tokens = pool.engine.speculation.mean_tokens_per_step();
  return {static_cast<double>(n) * tokens / step / static_cast<double>(pool.chips_per_instance), step / tokens};
}

Rate decoding(const std::string& machine, const std::string& software, const std::string& text, std::int64_t per_rank, std::int64_t length) {
  return decoding(machine, test::catalog_serving(software), text, per_rank, length);
}

Rate prefill(const std::string& machine, const std::string& software, const std::string& text, std::int64_t per_rank, std::int64_t length) {
  const auto s = test::served(test::catalog_machine(machine), test::catalog_model("deepseek-v3"), test::catalog_serving(software), "load.kind=balanced,prefill." + text + ",prefill.instances=1,decode.dp=32,decode.ep=32,decode.instances=1");
  const auto& pool = s.pools[0];
  const std::vector<serving::Chunk> chunks(static_cast<std::size_t>(per_rank * pool.pool.dp), serving::Chunk{static_cast<std::int32_t>(length), 0, true});
  return {static_cast<double>(per_rank * length) / test::seconds(pool, 0, 0, chunks), 0};
}

TEST(Anchors, DeepSeekDecodingOnH800) {
  // 144 chips, 4,989 tokens of context, 45 to 50 ms per token and 14,800 tokens/s per node of eight, batch not published.
  const auto fleet = decoding("dgx-h800", "deepseek", "dp=144,ep=144,redundant_experts=32,weights=fp8_block,two_batch_overlap=true", 88, 4989);
  EXPECT_GT(fleet.tpot_s, 0.045);
  EXPECT_LT(fleet.tpot_s, 0.050);
  EXPECT_NEAR(8 * fleet.tokens_per_s / 14800, 1, 0.05);
  // Published profile: 128 chips, 128 requests each, 4,096 tokens: 2,324 tokens/s per chip.
  EXPECT_NEAR(decoding("dgx-h800", "deepseek", "dp=128,ep=128,weights=fp8_block,two_batch_overlap=true", 128, 4096).tokens_per_s / 2324, 1, 0.10);
}

TEST(Anchors, DeepSeekPrefillOnH800) {
  // Published profile: 32 chips, four prompts of 4,096 tokens each: 7,839 tokens/s per chip.
  EXPECT_NEAR(prefill("dgx-h800", "deepseek", "dp=32,prefill.ep=32,prefill.weights=fp8_block,prefill.two_batch_overlap=true", 4, 4096).tokens_per_s / 7839, 1, 0.10);
}

TEST(Anchors, SglangDecodingOnH100) {
  // 72 chips, 2,000 tokens, 22,300 tokens/s per node: one batch after the other.
  EXPECT_NEAR(8 * decoding("dgx-h100", "deepseek", "dp=72,ep=72,redundant_experts=32,weights=fp8_block", 256, 2050).tokens_per_s / 22300, 1, 0.05);
}

TEST(Anchors, CloudMatrixDecoding) {
  // 320 dies, 96 requests per package of two dies, 4k tokens, one draft accepted in 70 %: 1,943 tokens/s per package under 50 ms.
  const auto full = decoding("cloudmatrix384", "cann", "dp=320,ep=320,redundant_experts=32,shared_copies=32,weights=int8,two_batch_overlap=true,engine.speculation.draft=1,engine.speculation.acceptance=0.7", 48, 4096);
  EXPECT_NEAR(2 * full.tokens_per_s / 1943, 1, 0.02);
}

TEST(Anchors, RecipesOnAtlasA3) {
  // 128 dies, 96 requests per package, 4,096 tokens, INT8 cache, balanced experts, one draft accepted in 70 %: 44.9 ms per token. One batch; shared experts on a second stream.
  auto software = test::catalog_serving("cann");
  software.shared_stream = 1024;
  const auto rate = decoding("cloudmatrix384", software, "dp=128,ep=128,weights=int8,cache=int8,engine.speculation.draft=1,engine.speculation.acceptance=0.7", 48, 4096);
  EXPECT_NEAR(rate.tpot_s / 0.0449, 1, 0.07);
}

}  // namespace
}  // namespace zettatwin::inference
