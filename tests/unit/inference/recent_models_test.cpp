// SPDX-License-Identifier: Apache-2.0
// Compressed, shared and linear attention, residual streams and latents of experts: caches, states and times by hand, products against counts of parameters.
#include <gtest/gtest.h>

#include <cmath>

#include "compute/chosen_attention.hpp"
#include "compute/operator_time.hpp"
#include "model/parameters.hpp"
#include "served.hpp"

namespace zettatwin::inference {
namespace {

using test::free_software;
using test::served;
using test::toy_machine;
using test::toy_model;

double of(const Parts& parts, Part part) { return parts[static_cast<std::size_t>(part)]; }
Parts parts_of(const Served& s, std::int64_t sequences, std::int64_t cached, std::vector<serving::Chunk> chunks = {}) { return s.pools[0].timer->parts({.sequences = sequences, .cached = cached, .chunks = chunks}); }
CacheSize cache(const model::Architecture& model, const std::string& text = "tp=1", bool windows = true) { return cache_size(model, test::deployment(text).pools[0], windows); }
double seconds(const compute::OperatorTime& time) { return time.time.seconds().si(); }

model::Architecture preset(const std::string& name) {
  config::Diagnostics diagnostics;
  const auto model = model::load_model(test::CatalogFiles{}, name, config::location_in("test"), diagnostics);
  EXPECT_TRUE(model) << test::text_of(diagnostics);
  return model.value_or(model::Architecture{});
}

// One layer with a window of 16 alone, one with entries of 4 tokens of which 8 are chosen, one with entries of 32.
const std::string kCompressed =
    "{model_type: transformer, hidden_size: 512, num_hidden_layers: 3, vocab_size: 1024, num_attention_heads: 128, num_key_value_heads: 1, head_dim: 64, q_lora_rank: 64, qk_rope_head_dim: 16,"
    " intermediate_size: 1024, compress_ratios: [0, 4, 32], index_compress_ratio: 4, index_topk: 8, index_n_heads: 4, index_head_dim: 32, output_groups: 4, output_rank: 32, sliding_window: 16";

TEST(CompressedAttention, CachesEntriesWindowsAndWhatTheNextEntryIsMadeOf) {
  const auto model = toy_model(kCompressed + "}");
  for (const char* tp : {"tp=1", "tp=4"}) {  // the same on every rank
    EXPECT_EQ(cache(model, tp).per_token.si(), (64 * 2 + 32 + 4) / 4.0 + 64 * 2 / 32.0) << "keys of the indexer in 8 bits with a scale";
    const double chosen = 2 * 4 * (2 * 4) * (2 * (64 + 32)), all = 2 * 4 * 32 * 64;  // a value and a weight in 4 bytes; twice as many tokens and features where entries overlap
    EXPECT_EQ(cache(model, tp).per_sequence.si(), 3 * 16 * 64 * 2 + chosen + all);
    EXPECT_EQ(cache(model, tp).in_instance.of(1e3).si() - 1e3 * cache(model, tp).in_instance.per_token.si(), 3 * 16 * 64 * 2 + chosen + all) << "handed over once";
  }
  EXPECT_EQ(cache(model, "cache=fp8").per_token.si(), (48 + 16 * 2 + 1 + 36) / 4.0 + (48 + 16 * 2 + 1) / 32.0) << "the rotary part stays in 16 bits";
  EXPECT_EQ(cache(model, "tp=1", false).per_token.si() - cache(model).per_token.si(), 3 * 64 * 2) << "engines that keep every token of a window";
}

// DeepSeek-V4-Flash as vLLM holds it: 448 + 2 x 64 + 8 bytes per vector; 21 layers with an entry per 4 tokens and an index key, 20 with one per 128, all with a window of 128.
TEST(CompressedAttention, OfDeepSeekV4Flash) {
  const auto c = cache(preset("deepseek-v4-flash"), "cache=fp8");
  EXPECT_DOUBLE_EQ(c.per_token.si(), 21 * (584 + 132) / 4.0 + 20 * 584 / 128.0);
  EXPECT_EQ(c.per_sequence.si(), 43 * 128 * 584 + 21 * 2 * 4 * 8 * 2 * (512 + 128) + 20 * 2 * 4 * 128 * 512);
}

TEST(CompressedAttention, DecodesOnWindowAndEntries) {
  const auto s = served(toy_machine(), toy_model(kCompressed + "}"), free_software(), "instances=1");
  const auto& chip = s.pools[0].timer->about().chip;
  const auto attend = [&](std::int64_t keys) { return seconds(compute::time_of(chip, compute::LatentDecode{.batch = 8, .heads = 128, .kv_length = keys, .latent = 64, .rope = 0})); };
  const double scores = seconds(compute::time_of(chip, compute::IndexScores{.pairs = 8 * 1024, .keys = 8 * 1024, .heads = 4, .head_dim = 32, .key_bytes = 36, .precision = arithmetic_of(chip, Format::fp8).precision}));
  // 8 sequences of 4,096 tokens: 1,024 entries are scored, 8 are chosen; 128 entries of the other layer are all attended to.
  EXPECT_NEAR(of(parts_of(s, 8, 8 * 4096), Part::attention), attend(16) + scores + attend(16 + 8) + attend(16 + 128), 1e-12);
  EXPECT_NEAR(of(parts_of(s, 8, 8 * 8), Part::attention), attend(8) + seconds(compute::time_of(chip, compute::IndexScores{.pairs = 8 * 2, .keys = 8 * 2, .heads = 4, .head_dim = 32, .key_bytes = 36, .precision = arithmetic_of(chip, Format::fp8).precision})) + attend(8 + 2) + attend(8), 1e-12) << "before anything is left out";
}

TEST(CompressedAttention, PromptsAttendToWindowsAndEntries) {
  const auto s = served(toy_machine(), toy_model(kCompressed + "}"), free_software(), "instances=1");
  const auto& chip = s.pools[0].timer->about().chip;
  // A prompt of 1,024: pairs of a window of 16; entries of 4 up to 8, that is 32 tokens; entries of 32, all.
  const auto causal = [](double most) { return most * (most + 1) / 2 + (1024 - most) * most; };
  const auto attend = [&](double pairs) { return 128 * 2.0 * (64 + 64) * pairs / std::pow(2.0, 40); };
  const double scores = seconds(compute::time_of(chip, compute::IndexScores{.pairs = causal(1024) / 4, .keys = 256, .heads = 4, .head_dim = 32, .key_bytes = 36, .decoding = false, .precision = arithmetic_of(chip, Format::fp8).precision}));
  EXPECT_NEAR(of(parts_of(s, 0, 0, {{.tokens = 1024, .context = 0}}), Part::attention), attend(causal(16)) + scores + attend(causal(16) + causal(32) / 4) + attend(causal(16) + causal(1024) / 32), 1e-10);
}

// What nobody has measured is among the figures that an answer rests on.
TEST(CompressedAttention, SaysWhatItTakesForGranted) {
  const auto s = served(toy_machine(), toy_model(kCompressed + ", residual_streams: 2}"), free_software(), "instances=1");
  const auto assumed = [&](const serving::StepLoad& load) {
    std::string names;
    for (const auto& input : result::inputs_below(s.pools[0].timer->explain(load), config::Confidence::estimated)) names += input.name + ";";
    return names;
  };
  EXPECT_NE(assumed({.sequences = 8, .cached = 8 * 4096}).find("rates of compressed attention"), std::string::npos);
  const std::vector<serving::Chunk> prompt{{.tokens = 1024, .context = 0}};
  EXPECT_NE(assumed({.chunks = prompt}).find("rates of compressed attention"), std::string::npos);
}

TEST(SharedKeys, TakeNoCache) {
  const std::string sizes = "{model_type: transformer, hidden_size: 512, num_hidden_layers: 4, vocab_size: 1024, num_attention_heads: 4, num_key_value_heads: 2, intermediate_size: 1024";
  EXPECT_EQ(cache(toy_model(sizes + ", shared_key_layers: 3}")).per_token.si(), 2 * 2 * 128 * 2);
  // Full layers with heads of their own: one of four, 1 key head of 256; windowed ones of 8 tokens.
  const auto mixed = toy_model(sizes + ", sliding_window: 8, full_attention_period: 4, full_head_dim: 256, full_num_key_value_heads: 1}");
  EXPECT_EQ(cache(mixed).per_token.si(), 2 * 256 * 2);
  EXPECT_EQ(cache(mixed).per_sequence.si(), 3 * 8 * 2 * 2 * 128 * 2);
}

// Kimi Linear: 20 states of 32 heads of 128 x 128 in 4 bytes, 3 tokens of queries, keys and values for the convolution; 7 layers with a latent of 512 + 64. Published: a cache of
// up to 75 % less than with latent attention everywhere, 20 of 27 layers.
TEST(Caches, OfKimiLinearAndMiMo) {
  const auto kimi = cache(preset("kimi-linear-48b-a3b"));
  EXPECT_EQ(kimi.per_token.si(), 7 * 576 * 2);
  EXPECT_EQ(kimi.per_sequence.si(), 20 * (32 * 128 * 128 * 4 + 3 * 3 * 32 * 128 * 2));
  // MiMo-V2-Flash: 9 full layers with 4 key heads of 192 + 128, 39 windows of 128 tokens with 8.
  const auto mimo = cache(preset("mimo-v2-flash"));
  EXPECT_EQ(mimo.per_token.si(), 9 * 4 * 320 * 2);
  EXPECT_EQ(mimo.per_sequence.si(), 39 * 128 * 8 * 320 * 2);
  // Gemma 4 26B: 5 full layers with 2 key heads of 512, 25 windows of 1,024 with 8 of 256; keys and values are kept although one projection makes both.
  EXPECT_EQ(cache(preset("gemma-4-26b-a4b")).per_token.si(), 5 * 2 * 2 * 512 * 2);
  EXPECT_EQ(cache(preset("gemma-4-26b-a4b")).per_sequence.si(), 25.0 * 1024 * 8 * 2 * 256 * 2);
  // E4B: the last 18 of 42 layers keep nothing; of the first 24, 4 are full.
  EXPECT_EQ(cache(preset("gemma-4-e4b")).per_token.si(), 4 * 2 * 2 * 512 * 2);
  EXPECT_EQ(cache(preset("gemma-4-e4b")).per_sequence.si(), 20 * 512 * 2 * 2 * 256 * 2);
  // Nemotron 3 Nano: 6 attention layers with 2 key heads of 128; 23 states of 64 heads of 64 x 128, 3 tokens of 4,096 features and 8 groups of twice 128.
  const auto nano = cache(preset("nemotron-3-nano-30b-a3b"));
  EXPECT_EQ(nano.per_token.si(), 6 * 2 * 2 * 128 * 2);
  EXPECT_EQ(nano.per_sequence.si(), 23 * (64 * 64 * 128 * 4 + 3 * (4096 + 2 * 8 * 128) * 2));
  const auto qwen = cache(preset("qwen3.5-27b"));
  EXPECT_EQ(qwen.per_token.si(), 16 * 4 * 2 * 256 * 2);
  EXPECT_EQ(qwen.per_sequence.si(), 48 * (48 * 128 * 128 * 4 + 3 * 10240 * 2));
}

// On a chip that only multiplies, what is not attention takes two FLOP per weight that a token uses: lowering and counting agree. Tables, norms and convolutions multiply nothing;
// tiles of odd sizes are filled up.
TEST(Products, AreTwoFlopPerActiveWeight) {
  for (const std::string name : {"qwen3.5-27b", "qwen3.5-122b-a10b", "kimi-linear-48b-a3b", "mimo-v2-flash", "deepseek-v4-flash", "deepseek-v4-pro", "gemma-4-26b-a4b", "gemma-4-31b", "gemma-4-e4b", "deepseek-v3", "gpt-oss-120b", "nemotron-3-nano-30b-a3b", "nemotron-3-super-120b-a12b",
                                 "nemotron-3-ultra-550b-a55b", "kimi-k3", "longcat-flash"}) {
    const auto model = preset(name);
    const auto s = served(toy_machine({.fp8 = false}), model, free_software(), "instances=1,weights=bf16,load.kind=balanced");
    constexpr std::int64_t kTokens = 1024;
    const auto parts = parts_of(s, kTokens, kTokens * 8);
    const double products = of(parts, Part::projections) + of(parts, Part::dense) + of(parts, Part::router) + of(parts, Part::experts) + of(parts, Part::head);
    const auto p = model::parameters_of(model);
    double active = static_cast<double>(p.active - p.embedding) + (model.tied_embeddings ? static_cast<double>(model.vocabulary * model.hidden) : 0);
    active += static_cast<double>(model.layers() * model.per_layer_width * model.hidden);  // in `embedding`, beside the tables
    EXPECT_NEAR(products * std::pow(2.0, 40) / (2 * kTokens) / active, 1, 1e-3) << name;
  }
}

// Weights of all chips together: what tensor parallelism copies is latents, vectors and entries, whole on each.
TEST(Weights, OfCompressedAttentionOnSeveralChips) {
  const auto model = toy_model(kCompressed + "}");
  const auto attention = [&](const std::string& text) {
    const auto s = served(toy_machine(), model, free_software(), text);
    for (const auto& part : s.pools[0].memory.parts)
      if (part.name == "attention") return part.bytes.si();
    return 0.0;
  };
  double all = 0, whole = 0;
  for (const auto& run : model.runs) {
    const auto& layer = model.kinds[run.kind];
    all += static_cast<double>(run.count * model::parameters_of(model, layer).attention);
    whole += static_cast<double>(run.count * (512 * (64 + 64) + model::compressor_parameters(layer.attention, 512) + (layer.attention.indexer.top > 0 ? 64 * 4 * 32 + 512 * 4 : 0)));
  }
  EXPECT_NEAR(attention("tp=1,instances=1"), 2 * all, 1e-6);
  EXPECT_NEAR(attention("tp=4,instances=1"), 2 * (whole + (all - whole) / 4), 1e-6);
  double entries = 0;
  for (const auto& run : model.runs) entries += static_cast<double>(run.count * model::compressor_parameters(model.kinds[run.kind].attention, 512));
  EXPECT_NEAR(attention("tp=1,instances=1,weights=fp8"), all + entries, 1e-6) << "what makes entries stays in 16 bits";
}

// Mamba-2 with and without a feed-forward after it: no all-reduce for what is not there; prompts in blocks of 128 tokens.
TEST(StateSpace, LayersWithoutAFeedForward) {
  const std::string sizes =
      "{model_type: transformer, hidden_size: 512, num_hidden_layers: 3, vocab_size: 1024, num_attention_heads: 4, intermediate_size: 1024, linear_rule: mamba2, linear_num_value_heads: 8, linear_num_key_heads: 2,"
      " linear_value_head_dim: 64, linear_key_head_dim: 128, block_types: ";
  test::Toy linked;
  linked.levels = {{"node", 8, std::pow(2.0, 20)}};
  const auto reduced = [&](const std::string& blocks) { return of(parts_of(served(toy_machine(linked), toy_model(sizes + blocks + "}"), free_software(), "tp=2,instances=1"), 64, 64), Part::all_reduce); };
  EXPECT_NEAR(reduced("[mamba, mamba, mamba]") / reduced("[mamba, mamba, mlp]"), 1, 1e-9) << "one per block";
  const auto s = served(toy_machine(), toy_model(sizes + "[mamba, mamba, mamba]}"), free_software(), "instances=1");
  EXPECT_NEAR(of(parts_of(s, 0, 0, {{.tokens = 1024, .context = 0}}), Part::attention), 3 * 2.0 * 1024 * (128 * (2 * 128 + 8 * 64) + 2 * 8 * 128 * 64) / std::pow(2.0, 40), 1e-12);
}

TEST(Streams, MixAndTravel) {
  const std::string sizes = "{model_type: transformer, hidden_size: 512, num_hidden_layers: 2, vocab_size: 1024, num_attention_heads: 4, intermediate_size: 1024";
  test::Toy slow;
  slow.bytes_per_s = std::pow(2.0, 30);
  slow.flop_per_s = 1e30;
  const auto plain = served(toy_machine(slow), toy_model(sizes + "}"), free_software(), "instances=1"), streams = served(toy_machine(slow), toy_model(sizes + ", residual_streams: 4}"), free_software(), "instances=1");
  // Around 4 blocks, 64 tokens: 4 streams are read twice and written once, the block's input and output once; besides 24 weights from 2,048 features.
  const double moved = 4 * 64 * 512 * 2.0 * (3 * 4 + 2) / std::pow(2.0, 30);
  EXPECT_NEAR(of(parts_of(streams, 64, 64), Part::kernels) - of(parts_of(plain, 64, 64), Part::kernels), moved, 1e-9);
  EXPECT_GT(of(parts_of(streams, 64, 64), Part::dense), of(parts_of(plain, 64, 64), Part::dense));
  test::Toy linked;
  linked.levels = {{"node", 8, std::pow(2.0, 20)}};
  const auto sent = [&](const std::string& more) { return of(parts_of(served(toy_machine(linked), toy_model(sizes + more), free_software(), "pp=2,instances=1"), 64, 64), Part::pipeline); };
  EXPECT_NEAR(sent(", residual_streams: 4}") / sent("}"), 4, 1e-6);
}

// Three layers, sums of two of them: before attention 0, 1, 1 sums and the current one are read, before the feed-forward 1, 1, 2, at the end 2; one is written each time.
TEST(Streams, SumsThatStayApart) {
  const std::string sizes = "{model_type: transformer, hidden_size: 512, num_hidden_layers: 3, vocab_size: 1024, num_attention_heads: 4, intermediate_size: 1024";
  test::Toy slow;
  slow.bytes_per_s = std::pow(2.0, 30);
  slow.flop_per_s = 1e30;
  const auto kernels = [&](const std::string& more) { return of(parts_of(served(toy_machine(slow), toy_model(sizes + more), free_software(), "instances=1"), 64, 64), Part::kernels); };
  const double rows = (0 + 1 + 1) + (1 + 1 + 2) + 2 + 7 + 7;
  EXPECT_NEAR(kernels(", residual_block_size: 2}") - kernels("}"), 64 * 512 * 2.0 * rows / std::pow(2.0, 30), 1e-9);
}

// Experts on a latent of an eighth: less to stream, less to send.
TEST(Experts, OnALatent) {
  const std::string sizes =
      "{model_type: transformer, hidden_size: 512, num_hidden_layers: 2, vocab_size: 1024, num_attention_heads: 4, num_experts: 8, num_experts_per_tok: 2, moe_intermediate_size: 256";
  const auto held = [&](const std::string& more) {
    const auto s = served(toy_machine(), toy_model(sizes + more), free_software(), "dp=4,ep=4,instances=1");
    for (const auto& part : s.pools[0].memory.parts)
      if (part.name == "routed experts") return part.bytes.si();
    return 0.0;
  };
  EXPECT_EQ(held(", moe_latent_size: 64}"), 2 * 2 * 3 * 64 * 256 * 2);
  EXPECT_EQ(held("}"), 8 * held(", moe_latent_size: 64}"));
  test::Toy linked;
  linked.levels = {{"node", 8, std::pow(2.0, 20)}};
  const auto sent = [&](const std::string& more) { return of(parts_of(served(toy_machine(linked), toy_model(sizes + more), free_software(), "dp=4,ep=4,instances=1"), 64, 64), Part::exchange); };
  EXPECT_NEAR(sent("}") / sent(", moe_latent_size: 64}"), 8, 1e-6);
}

}  // namespace
}  // namespace zettatwin::inference
