// SPDX-License-Identifier: Apache-2.0
// Sparse attention by hand, and against the same model without it.
#include <gtest/gtest.h>

#include "compute/operator_time.hpp"
#include "served.hpp"

namespace zettatwin::inference {
namespace {

using test::free_software;
using test::served;
using test::toy_machine;
using test::toy_model;

double of(const Parts& parts, Part part) { return parts[static_cast<std::size_t>(part)]; }
Parts parts_of(const Served& s, std::int64_t sequences, std::int64_t cached, std::vector<serving::Chunk> chunks = {}) { return s.pools[0].timer->parts({.sequences = sequences, .cached = cached, .chunks = chunks}); }

const std::string kLatent =
    "model_type: transformer, hidden_size: 512, num_hidden_layers: 2, vocab_size: 1024, num_attention_heads: 128, intermediate_size: 1024, q_lora_rank: 64, kv_lora_rank: 96, qk_nope_head_dim: 32,"
    " qk_rope_head_dim: 32, v_head_dim: 32";
const std::string kIndexer = ", index_topk: 256, index_n_heads: 4, index_head_dim: 32";
const std::string kDense = "{" + kLatent + "}", kSparse = "{" + kLatent + kIndexer + "}";

TEST(SparseAttention, CachesAKeyPerLayerOnEveryRank) {
  const auto bytes = [](const std::string& model, const std::string& text) { return cache_size(toy_model(model), test::deployment(text).pools[0], true); };
  for (const char* tp : {"tp=1", "tp=4"}) EXPECT_EQ(bytes(kSparse, tp).per_token.si() - bytes(kDense, tp).per_token.si(), 2 * (32 + 4)) << "8 bits and a scale, whatever the cache's format";
  EXPECT_EQ(bytes(kSparse, "tp=4").token_in_instance.si() - bytes(kDense, "tp=4").token_in_instance.si(), 2 * (32 + 4)) << "handed over once";
  const std::string grouped = "{model_type: transformer, hidden_size: 512, num_hidden_layers: 2, vocab_size: 1024, num_attention_heads: 4, num_key_value_heads: 2, intermediate_size: 1024, index_topk: 2,"
                              " index_block_size: 128, index_n_heads: 2, index_head_dim: 32, sparse_attention_freq: [0, 1]}";
  EXPECT_EQ(bytes(grouped, "tp=2").per_token.si(), 2 * 2 * 128 * 2 + 32 * 2) << "in one of the two layers";
  EXPECT_EQ(bytes(grouped, "tp=2").token_in_instance.si(), 2 * 2 * 2 * 128 * 2 + 32 * 2);
}

TEST(SparseAttention, DecodesOnChosenKeys) {
  const auto machine = toy_machine();
  const auto s = served(machine, toy_model(kSparse), free_software(), "instances=1");
  const auto& chip = s.pools[0].timer->about().chip;
  const auto precision = arithmetic_of(chip, Format::fp8).precision;
  // 8 sequences of 4,096 cached tokens: all are scored, 256 are attended to.
  const double scores = compute::time_of(chip, compute::IndexScores{.pairs = 8 * 4096, .keys = 8 * 4096, .heads = 4, .head_dim = 32, .key_bytes = 36, .precision = precision}).time.seconds().si();
  const double chosen = compute::time_of(chip, compute::LatentDecode{.batch = 8, .heads = 128, .kv_length = 256, .latent = 96, .rope = 32}).time.seconds().si();
  EXPECT_NEAR(of(parts_of(s, 8, 8 * 4096), Part::attention), 2 * (scores + chosen), 1e-11);
  EXPECT_LT(of(parts_of(s, 8, 8 * 4096), Part::attention), of(parts_of(served(machine, toy_model(kDense), free_software(), "instances=1"), 8, 8 * 4096), Part::attention) / 2);
  // With a drafted token each query has keys of its own.
  const auto two = served(machine, toy_model(kSparse), free_software(), "instances=1,engine.speculation.draft=1,engine.speculation.acceptance=0.5");
  const double scores2 = compute::time_of(chip, compute::IndexScores{.pairs = 2 * 8 * 4096, .keys = 8 * 4096, .heads = 4, .head_dim = 32, .key_bytes = 36, .precision = precision}).time.seconds().si();
  const double chosen2 = compute::time_of(chip, compute::LatentDecode{.batch = 16, .heads = 128, .kv_length = 256, .latent = 96, .rope = 32}).time.seconds().si();
  EXPECT_NEAR(of(parts_of(two, 8, 8 * 4096), Part::attention), 2 * (scores2 + chosen2), 1e-11);
}

// Fewer heads than rows of a tile cost as many as it has: cutting a query's heads further gains nothing.
TEST(SparseAttention, FillsTilesWithTheHeadsOfOneQuery) {
  const auto attention = [](const std::string& text) { return of(parts_of(served(toy_machine(), toy_model(kSparse), free_software(), text), 8, 8 * 4096), Part::attention); };
  EXPECT_LT(attention("tp=2,instances=1"), attention("tp=1,instances=1"));
  EXPECT_EQ(attention("tp=4,instances=1"), attention("tp=2,instances=1"));
}

TEST(SparseAttention, ShortPromptsAttendToAllLongOnesChoose) {
  const auto sparse = served(toy_machine(), toy_model(kSparse), free_software(), "instances=1"), dense = served(toy_machine(), toy_model(kDense), free_software(), "instances=1");
  const std::vector<serving::Chunk> brief{{192, 0, true}}, full{{256, 0, true}}, beyond{{257, 0, true}}, far{{1024, 65536, true}};
  EXPECT_LE(of(parts_of(sparse, 0, 0, brief), Part::attention), of(parts_of(dense, 0, 0, brief), Part::attention)) << "no scores where all keys are chosen";
  EXPECT_GE(of(parts_of(sparse, 0, 0, beyond), Part::attention), of(parts_of(sparse, 0, 0, full), Part::attention));
  EXPECT_LT(of(parts_of(sparse, 0, 0, far), Part::attention), 0.5 * of(parts_of(dense, 0, 0, far), Part::attention));
  // 1,024 queries on 256 keys each, 128 heads: 2 x 128 x (2 x 96 + 32) FLOP per pair on the toy chip's 2^40 per second, or the scores of all pairs before.
  const auto& chip = sparse.pools[0].timer->about().chip;
  const double pairs = 1024 * 65536.0 + 1024 * 1025 / 2.0;
  const double scores = compute::time_of(chip, compute::IndexScores{.pairs = pairs, .keys = 66560, .heads = 4, .head_dim = 32, .key_bytes = 36, .decoding = false, .precision = arithmetic_of(chip, Format::fp8).precision})
                            .time.seconds().si();
  const double math = 2 * 128 * (2 * 96 + 32.0) * 1024 * 256 / (chip.peak(hardware::Precision::bf16).si() * chip.efficiency.attention_of(hardware::Precision::bf16).math.si());
  EXPECT_NEAR(of(parts_of(sparse, 0, 0, far), Part::attention), 2 * (scores + math + chip.efficiency.attention_of(hardware::Precision::bf16).launch.si()), 1e-9);
}

TEST(SparseAttention, LayersThatShareKeysScoreNothing) {
  const std::string shared = "{" + kLatent + kIndexer + ", indexer_types: [full, shared]}";
  const auto one = of(parts_of(served(toy_machine(), toy_model(shared), free_software(), "instances=1"), 8, 8 * 65536), Part::attention);
  const auto both = of(parts_of(served(toy_machine(), toy_model(kSparse), free_software(), "instances=1"), 8, 8 * 65536), Part::attention);
  EXPECT_LT(one, both);
  EXPECT_GT(one, both / 2);
}

// At 128k tokens DeepSeek-V3.2 decodes in a fraction of DeepSeek-V3's time; at 1k it costs no less.
TEST(SparseAttention, PaysAtLongContexts) {
  const auto timer = [](const std::string& model) { return test::served(test::catalog_machine("dgx-h200"), test::catalog_model(model), test::catalog_serving("vllm"), "tp=8,weights=fp8_block,instances=1", 8); };
  const auto sparse = timer("deepseek-v3.2"), dense = timer("deepseek-v3");
  EXPECT_LT(of(parts_of(sparse, 4, 4 * 131072), Part::attention), 0.6 * of(parts_of(dense, 4, 4 * 131072), Part::attention));
  EXPECT_GT(of(parts_of(sparse, 4, 4 * 1024), Part::attention), of(parts_of(dense, 4, 4 * 1024), Part::attention));
}

}  // namespace
}  // namespace zettatwin::inference
