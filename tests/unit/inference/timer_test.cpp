// SPDX-License-Identifier: Apache-2.0
// Steps of small instances by hand. The toy chip multiplies 2^40 FLOP/s and moves memory in no time, so a step is its products.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "compute/operator_time.hpp"
#include "inference/detail/expert_spread.hpp"
#include "served.hpp"

namespace zettatwin::inference {
namespace {

using test::free_software;
using test::seconds;
using test::served;
using test::Toy;
using test::toy_machine;
using test::toy_model;

constexpr double kRounding = 1e-11;

double total(const Parts& parts) { return std::accumulate(parts.begin(), parts.end(), 0.0); }
double of(const Parts& parts, Part part) { return parts[static_cast<std::size_t>(part)]; }

TEST(DecodingStep, IsItsProducts) {
  const auto s = served(toy_machine(), toy_model(), free_software(), "instances=1");
  // 64 rows; per layer 2 x 64 x 512 x (1536 qkv + 512 output + 1024 up + 1024 down) = 2^28 FLOP; attention 2 x 256 x 64 x 4 heads x 512 keys = 2^26;
  // head 2 x 64 x 512 x 1024 = 2^26.
  const double layer = std::ldexp(1, -12) + std::ldexp(1, -14), head = std::ldexp(1, -14);
  EXPECT_NEAR(seconds(s.pools[0], 64, 64 * 512), 2 * layer + head, kRounding);
  // Of 9 sequences the kernels compute a tile of 64 rows, and the attention of 9.
  const double few = 2 * (std::ldexp(1, -12) + 9.0 / 64 * std::ldexp(1, -14)) + head;
  EXPECT_NEAR(seconds(s.pools[0], 9, 9 * 512), few, kRounding);
}

TEST(DecodingStep, IsPaddedToItsGraph) {
  auto software = free_software();
  software.graph_sizes = {256};
  const auto s = served(toy_machine(), toy_model(), software, "instances=1");
  // Products of 256 rows, attention and head of 64.
  EXPECT_NEAR(seconds(s.pools[0], 64, 64 * 512), 2 * (std::ldexp(1, -10) + std::ldexp(1, -14)) + std::ldexp(1, -14), kRounding);
  // Beside a prompt the decoding tokens still count as their graph does, so that a prompt never makes a step faster.
  const auto with = s.pools[0].timer->parts({.sequences = 64, .cached = 64 * 512, .chunks = std::vector<serving::Chunk>{{64, 0, false}}});
  EXPECT_NEAR(of(with, Part::dense), 2 * 320.0 / 64 * std::ldexp(1, -13), kRounding);
}

TEST(DecodingStep, NoGraphIsLargerThanTheLargestBatch) {
  auto software = free_software();
  software.graph_sizes = {1024};
  const auto s = served(toy_machine(), toy_model(), software, "instances=1");  // 256 sequences
  EXPECT_NEAR(seconds(s.pools[0], 64, 64 * 512), 2 * (std::ldexp(1, -10) + std::ldexp(1, -14)) + std::ldexp(1, -14), kRounding);
  // Where no graph takes prompts, a step with one computes what there is.
  software.graphs_with_prompts = false;
  const auto eager = served(toy_machine(), toy_model(), software, "instances=1");
  const auto with = eager.pools[0].timer->parts({.sequences = 64, .cached = 64 * 512, .chunks = std::vector<serving::Chunk>{{64, 0, false}}});
  EXPECT_NEAR(of(with, Part::dense), 2 * 128.0 / 64 * std::ldexp(1, -13), kRounding);
}

TEST(DecodingStep, ReadsWeightsAndCache) {
  // 2^30 B/s and products that take no time: 2 layers of 4 x 512 x 512 + 2 x 512 x 1024 weights, 1024 x 512 of the head, and 2 x 512 values per cached token
  // and layer, 2 bytes each; activations: inputs and outputs of every product.
  const Toy toy{.flop_per_s = 1e30, .bytes_per_s = 1073741824.0};
  const auto s = served(toy_machine(toy), toy_model(), free_software(), "instances=1");
  const double weights = 2 * (4 * 512.0 * 512 + 2 * 512.0 * 1024) + 1024.0 * 512;
  const double moved = 2 * (8 * ((512.0 + 1536) + (512 + 512) + (512 + 1024) + (1024 + 512))) + 8 * (512.0 + 1024);  // 8 sequences
  const double cache = 2 * (8 * 256 * 1024.0 + 8 * 1024.0);                                                        // keys and values, queries and results
  EXPECT_NEAR(seconds(s.pools[0], 8, 8 * 256), 2 * (weights + moved + cache) / 1073741824.0, 1e-9);
}

TEST(DecodingStep, NarrowWeightsAreReadNarrow) {
  const Toy toy{.flop_per_s = 1e30, .bytes_per_s = 1073741824.0, .fp8 = false};
  const auto wide = served(toy_machine(toy), toy_model(), free_software(), "instances=1");
  const auto narrow = served(toy_machine(toy), toy_model(), free_software(), "instances=1,weights=fp4");
  // The chip has no fp4: products in bf16, weights of 0.5625 bytes; the head stays wide.
  const double saved = 2 * (4 * 512.0 * 512 + 2 * 512.0 * 1024) * (2 - 0.5625);
  EXPECT_NEAR(seconds(wide.pools[0], 8, 2048) - seconds(narrow.pools[0], 8, 2048), saved / 1073741824.0, 1e-9);
  const auto output = served(toy_machine(toy), toy_model(), free_software(), "instances=1,attention_output=fp4");
  EXPECT_NEAR(seconds(wide.pools[0], 8, 2048) - seconds(output.pools[0], 8, 2048), 2 * 512.0 * 512 * (2 - 0.5625) / 1073741824.0, 1e-9);
}

TEST(PromptStep, IsItsProductsAndItsAttention) {
  const auto machine = toy_machine();
  const auto s = served(machine, toy_model(), free_software(), "instances=1");
  const auto attention = compute::time_of(machine.chip, compute::AttentionOp{.batch = 1, .heads = 4, .kv_heads = 4, .q_length = 1024, .kv_length = 3072, .head_dim = 128, .v_head_dim = 128});
  // 2 x 1024 x 512 x 4096 = 2^32 FLOP per layer; one sampled token: a tile of 64 rows of the head.
  EXPECT_NEAR(seconds(s.pools[0], 0, 0, {{1024, 2048, true}}), 2 * (std::ldexp(1, -8) + attention.time.seconds().si()) + std::ldexp(1, -14), kRounding);
  EXPECT_NEAR(seconds(s.pools[0], 0, 0, {{1024, 2048, false}}), 2 * (std::ldexp(1, -8) + attention.time.seconds().si()), kRounding);
}

TEST(PromptStep, LatentPromptsAreCastToTheCacheWhereTheEngineDoes) {
  constexpr const char* kLatent = "{model_type: transformer, hidden_size: 512, num_hidden_layers: 2, vocab_size: 1024, num_attention_heads: 4, intermediate_size: 1024, kv_lora_rank: 64,"
                                  " qk_nope_head_dim: 64, qk_rope_head_dim: 64, v_head_dim: 64}";
  const Toy toy{.bytes_per_s = 1073741824.0};
  const auto machine = toy_machine(toy);
  auto software = free_software();
  const auto attention = [&](const char* cache) {
    const auto s = served(machine, toy_model(kLatent), software, std::string("instances=1,cache=") + cache);
    return of(s.pools[0].timer->parts({.sequences = 0, .cached = 0, .chunks = std::vector<serving::Chunk>{{1024, 1024, true}}}), Part::attention);
  };
  const auto product = [&](hardware::Precision format) {
    return compute::time_of(machine.chip, compute::AttentionOp{.batch = 1, .heads = 4, .kv_heads = 4, .q_length = 1024, .kv_length = 2048, .head_dim = 128, .v_head_dim = 64, .precision = format}).time.seconds().si();
  };
  const double wide = attention("bf16");
  EXPECT_EQ(attention("fp8"), wide) << "16 bits, whatever the cache holds";
  software.latent_prompts_as_cache = true;
  EXPECT_EQ(attention("bf16"), wide);
  // Two layers; 3 bytes of each element of 1024 queries of 128, 2048 keys of 128 and values of 64, four heads.
  const double cast = 2 * 3 * 4 * (1024.0 * 128 + 2048.0 * 192) / 1073741824.0;
  const auto fp8 = hardware::Precision::fp8, bf16 = hardware::Precision::bf16;
  EXPECT_NEAR(attention("fp8") - wide, cast + 2 * (product(fp8) - product(bf16)), 1e-9);
  EXPECT_LT(product(fp8), product(bf16));
}

TEST(PromptStep, ShortPromptsShareAKernel) {
  Toy toy;
  toy.kernel_s = 1e-3;
  const auto s = served(toy_machine(toy), toy_model(), free_software(), "instances=1");
  const double one = seconds(s.pools[0], 0, 0, {{512, 0, true}}), two = seconds(s.pools[0], 0, 0, {{512, 0, true}, {512, 0, true}});
  const double both = seconds(s.pools[0], 0, 0, {{1024, 0, true}});
  EXPECT_LT(two, 2 * one - 0.009);  // 4 products, attention and half of the head's launch: once
  EXPECT_LT(two, both);             // and less attention than one prompt of the same length
}

TEST(Step, WithoutPromptsIsWhatDecodeSays) {
  const auto s = served(toy_machine(), toy_model(test::kToyExperts), free_software(), "instances=1");
  const auto& timer = *s.pools[0].timer;
  for (const std::int64_t n : {1, 7, 64, 200})
    for (const std::int64_t cached : {n, 17 * n, 1000 * n + 3}) {
      const auto piece = timer.decode(n, cached);
      ASSERT_LE(piece.from, cached);
      ASSERT_LT(cached, piece.to);
      EXPECT_EQ(timer.step({.sequences = n, .cached = cached, .chunks = {}}).count(), piece.base.count() + piece.slope * (cached - piece.from));
    }
}

TEST(Parts, SumToTheStep) {
  const auto s = served(test::catalog_machine("dgx-h200"), test::catalog_model("deepseek-v3"), test::catalog_serving("sglang"), "dp=8,ep=8,weights=fp8_block,instances=1", 8);
  const auto& timer = *s.pools[0].timer;
  const std::vector<serving::Chunk> chunks{{1000, 0, true}, {700, 3000, false}};
  for (const std::int64_t cached : {512, 10'000, 1'234'567})
    for (const auto& list : {std::vector<serving::Chunk>{}, chunks}) {
      const serving::StepLoad load{.sequences = 256, .cached = cached, .chunks = list};
      EXPECT_NEAR(total(timer.parts(load)) / timer.step(load).seconds().si(), 1, 1e-3);
      EXPECT_NEAR(timer.explain(load).si / timer.step(load).seconds().si(), 1, 1e-3);
    }
}

TEST(PowerLimit, SlowsProductsNotMemory) {
  auto machine = test::catalog_machine("dgx-h200");
  const auto model = test::catalog_model("llama-3.3-70b");
  const auto software = test::catalog_serving("vllm");
  const auto full = served(machine, model, software, "tp=4,weights=fp8,instances=1"), half = served(machine, model, software, "tp=4,weights=fp8,instances=1,power=350 W");
  const std::vector<serving::Chunk> chunks{{8000, 0, true}};
  const double prompts = seconds(half.pools[0], 0, 0, chunks) / seconds(full.pools[0], 0, 0, chunks), tokens = seconds(half.pools[0], 1, 1000) / seconds(full.pools[0], 1, 1000);
  EXPECT_GT(prompts, 1.5);
  EXPECT_LT(tokens, 1.1);
  EXPECT_EQ(seconds(served(machine, model, software, "tp=4,weights=fp8,instances=1,power=900 W").pools[0], 1, 1000), seconds(full.pools[0], 1, 1000));
}

TEST(Explanation, NamesOperatorsFormulasAndSources) {
  const auto s = served(test::catalog_machine("dgx-h200"), test::catalog_model("deepseek-v3"), test::catalog_serving("sglang"), "dp=8,ep=8,weights=fp8_block,instances=1", 8);
  const std::vector<serving::Chunk> chunks{{1000, 0, true}};
  const auto tree = s.pools[0].timer->explain({.sequences = 64, .cached = 64000, .chunks = chunks});
  for (const auto& part : tree.children) {
    EXPECT_FALSE(part.children.empty()) << part.key;
    for (const auto& op : part.children) EXPECT_FALSE(op.formula.empty()) << op.label;
  }
  const auto* experts = tree.find("experts.routed_experts");
  ASSERT_TRUE(experts);
  bool sourced = false;
  for (const auto& input : experts->inputs) sourced |= input.name == "served_experts.launch" && input.source == "AIC";
  EXPECT_TRUE(sourced);
  EXPECT_TRUE(tree.find("exchange.gather_of_tokens") && tree.find("attention.latent_attention_decoding") && tree.find("host.eager_layer"));
}

TEST(Explanation, HostStepNamesEveryFigureThatItRestsOn) {
  auto software = test::catalog_serving("vllm");
  software.host_step.value = units::Seconds::from_si(1);  // longer than the chip's work, so that it shows
  const auto inputs = [&](const std::string& deployment) {
    const auto s = served(test::catalog_machine("dgx-h200"), test::catalog_model("deepseek-v3"), software, deployment, 8);
    const auto tree = s.pools[0].timer->explain({.sequences = 64, .cached = 64000, .chunks = {}});
    const auto* step = tree.find("host.host_step");
    std::vector<std::string> names;
    if (step)
      for (const auto& input : step->inputs) names.push_back(input.name);
    return names;
  };
  EXPECT_EQ(inputs("dp=8,ep=8,weights=fp8_block,instances=1"), (std::vector<std::string>{"host_step", "host_sequence", "rank_agreement"}));
  EXPECT_EQ(inputs("tp=8,weights=fp8_block,instances=1"), (std::vector<std::string>{"host_step", "host_sequence"}));
}

TEST(TensorParallelism, HalvesProductsAndAddsAllReduces) {
  Toy toy;
  toy.levels = {{"node", 2, 1e9, 0}};
  const auto one = served(toy_machine(toy), toy_model(), free_software(), "instances=1");
  const auto two = served(toy_machine(toy), toy_model(), free_software(), "tp=2,instances=1");
  const auto a = one.pools[0].timer->parts({.sequences = 64, .cached = 64 * 512, .chunks = {}});
  const auto b = two.pools[0].timer->parts({.sequences = 64, .cached = 64 * 512, .chunks = {}});
  EXPECT_NEAR(of(b, Part::projections), of(a, Part::projections) / 2, kRounding);
  EXPECT_NEAR(of(b, Part::attention), of(a, Part::attention) / 2, kRounding);
  EXPECT_NEAR(of(b, Part::head), of(a, Part::head) / 2, kRounding);
  // Two per layer, 2 (N-1)/N x 64 x 512 x 2 bytes over 1 GB/s.
  EXPECT_NEAR(of(b, Part::all_reduce), 4 * 65536 / 1e9, kRounding);
  EXPECT_EQ(of(a, Part::all_reduce), 0);
}

TEST(Experts, GatheredTokensPassEveryChip) {
  const Toy toy{.flop_per_s = 1e30, .bytes_per_s = 1073741824.0};
  auto software = free_software();
  const std::string spread = "dp=2,ep=2,instances=1";
  const auto sent = served(toy_machine(toy), toy_model(test::kToyExperts), software, spread);
  software.expert_traffic = ExpertTraffic::gather;
  const auto gathered = served(toy_machine(toy), toy_model(test::kToyExperts), software, spread);
  const serving::StepLoad load{.sequences = 128, .cached = 12800, .chunks = {}};
  const auto rows = detail::ExpertSpread(sent.pools[0].pool.load, *sent.model->kinds.back().experts, 2, 0).on_busiest(128).rows;
  // Three layers of 128 tokens with two choices each, 512 features; a row of a token is written, and what its choices would share of four bytes each: 4 / 2 per choice and feature.
  const double others = 3 * 4.0 / 2 * (256 - rows) * 512 / 1073741824.0;
  const auto experts_of = [&](const Served& s) { return of(s.pools[0].timer->parts(load), Part::experts); };
  EXPECT_NEAR(experts_of(gathered) - experts_of(sent), others, 1e-9);
  EXPECT_NEAR(experts_of(served(toy_machine(toy), toy_model(test::kToyExperts), software, "tp=2,ep=2,instances=1")) - experts_of(sent), others, 1e-9) << "one rank's tokens are on all its chips";
  // No more chips than choices, and more.
  software.expert_traffic = ExpertTraffic::gather_few;
  EXPECT_EQ(served(toy_machine(toy), toy_model(test::kToyExperts), software, spread).pools[0].timer->parts(load), gathered.pools[0].timer->parts(load));
  const auto wide = [&](ExpertTraffic traffic) {
    software.expert_traffic = traffic;
    return served(toy_machine(toy), toy_model(test::kToyExperts), software, "dp=4,ep=4,instances=1").pools[0].timer->parts(load);
  };
  EXPECT_EQ(wide(ExpertTraffic::gather_few), wide(ExpertTraffic::exchange));
  EXPECT_NE(wide(ExpertTraffic::gather_few), wide(ExpertTraffic::gather));
}

// Zero-padded rows of all ranks are added up both ways where prompts are in the step: twice the bytes of a gather and of a sum, in 16 bits.
TEST(Experts, StepsWithPromptsMayBeGatheredByAllReduces) {
  Toy toy{.flop_per_s = 1e30, .bytes_per_s = 1e30};
  toy.levels = {{"node", 2, 1e9, 0}};
  auto software = free_software();
  software.expert_traffic = ExpertTraffic::gather;
  software.quantised_exchange = false;
  const auto exchange = [&](const serving::StepLoad& load) { return of(served(toy_machine(toy), toy_model(test::kToyExperts), software, "dp=2,ep=2,instances=1").pools[0].timer->parts(load), Part::exchange); };
  const std::vector<serving::Chunk> prompts(2, serving::Chunk{1000, 0, true});
  const serving::StepLoad decoding{.sequences = 128, .cached = 12800, .chunks = {}}, mixed{.sequences = 0, .cached = 0, .chunks = prompts};
  const double even = exchange(decoding), uneven = exchange(mixed);
  software.reduced_gathers = true;
  EXPECT_EQ(exchange(decoding), even) << "graphs pad ranks to equal numbers";
  EXPECT_NEAR(exchange(mixed), 2 * uneven, 1e-9 * uneven);
  // Three layers, two of these: 2000 tokens of 512 features and two bytes; half of them comes from the other chip.
  EXPECT_NEAR(uneven, 3 * 2 * 2000 * 512 * 2 * 0.5 / 1e9, 1e-9 * uneven);
}

// Two prompts on one rank take as long as three on three: the busiest rank decides, the exchange carries all tokens.
TEST(BoundRanks, TheBusiestRankDecides) {
  Toy toy;
  toy.levels = {{"node", 4, 1e30, 0}};
  const auto pool = served(toy_machine(toy), toy_model(), free_software(), "dp=4,instances=1");
  const auto time = [&](std::vector<std::int32_t> ranks) {
    std::vector<serving::Chunk> chunks;
    for (const auto rank : ranks) chunks.push_back({.tokens = 512, .context = 0, .last = true, .rank = rank});
    return seconds(pool.pools[0], 0, 0, chunks);
  };
  EXPECT_EQ(time({0, 1, 2, 3}), time({2}));
  EXPECT_EQ(time({1, 1}), time({0, 1, 1, 3}));
  EXPECT_GT(time({1, 1}), 1.5 * time({1}));
  // Unbound, they go where there is room.
  const auto any = serving::Chunk::kAnyRank;
  EXPECT_EQ(time({any, any, any, any}), time({0, 1, 2, 3}));
  EXPECT_EQ(time({any, any, any, any, any, any, any, any}), time({1, 1})) << "two on each";
}

TEST(BoundRanks, OnlyWherePromptsAloneAreComputed) {
  Toy toy;
  toy.levels = {{"node", 8, 1e12, 0}};
  auto software = free_software();
  software.random_ranks = true;
  const auto apart = served(toy_machine(toy), toy_model(), software, "prefill.dp=4,decode.dp=4");
  EXPECT_EQ(apart.pools[0].engine.bound_ranks, 4);
  EXPECT_EQ(served(toy_machine(toy), toy_model(), software, "prefill.dp=4,prefill.engine.max_tokens=4000,prefill.engine.max_chunk=3000,decode.dp=4").pools[0].engine.longest_chunk(), 1000);
  EXPECT_EQ(apart.pools[1].engine.bound_ranks, 1);
  EXPECT_EQ(served(toy_machine(toy), toy_model(), software, "dp=4,instances=1").pools[0].engine.bound_ranks, 1);
}

TEST(FourBits, AreCastByKernelsOfTheirOwnWhereAnEngineDoesSo) {
  auto machine = toy_machine({.bytes_per_s = 1073741824.0});
  machine.chip.matrix_peak[hardware::Precision::fp4] = machine.chip.matrix_peak[hardware::Precision::bf16];
  machine.chip.efficiency.gemm[hardware::Precision::fp4] = machine.chip.efficiency.gemm_of(hardware::Precision::bf16);
  auto software = free_software();
  const auto parts = [&](const std::string& formats) { return served(machine, toy_model(test::kToyExperts), software, "instances=1," + formats).pools[0].timer->parts({.sequences = 128, .cached = 12800, .chunks = {}}); };
  const auto fused = parts("weights=fp4"), wide = parts("weights=bf16");
  software.fp4_casts = true;
  const auto apart = parts("weights=fp4");
  const auto cast = [&](double rows, double columns) { return compute::time_of(machine.chip, compute::Quantise{.elements = rows * columns, .precision = hardware::Precision::fp4, .dynamic = true}).time.seconds().si(); };
  // Four layers' inputs of both projections of attention; three layers' tokens on their way to experts.
  EXPECT_NEAR(of(apart, Part::projections) - of(fused, Part::projections), 4 * 2 * cast(128, 512), 1e-9);
  EXPECT_NEAR(of(apart, Part::experts) - of(fused, Part::experts), 3 * cast(128, 512), 1e-9);
  EXPECT_EQ(parts("weights=bf16"), wide);
}

TEST(FusedKernels, LaunchOnceBeforeLatentAttention) {
  constexpr const char* kLatent = "{model_type: transformer, hidden_size: 512, num_hidden_layers: 2, vocab_size: 1024, num_attention_heads: 4, intermediate_size: 1024, q_lora_rank: 128, kv_lora_rank: 64,"
                                  " qk_nope_head_dim: 64, qk_rope_head_dim: 64, v_head_dim: 64}";
  const auto machine = toy_machine({.bytes_per_s = 1073741824.0, .kernel_s = 1e-3});
  auto software = free_software();
  const auto parts = [&](std::vector<serving::Chunk> chunks) { return served(machine, toy_model(kLatent), software, "instances=1,weights=fp8_block").pools[0].timer->parts({.sequences = 64, .cached = 6400, .chunks = chunks}); };
  const auto apart = parts({}), mixed = parts({{64, 0, true}});
  software.fused_latent = true;
  const auto fused = parts({});
  const auto cast = [&](double columns) { return compute::time_of(machine.chip, compute::Quantise{.elements = 64 * columns, .precision = arithmetic_of(machine.chip, Format::fp8_block).precision, .dynamic = true}).time.seconds().si(); };
  // Two layers: the query's and the absorbed key's products are launched with the first one, which casts what it and the query's read.
  EXPECT_NEAR(of(apart, Part::projections) - of(fused, Part::projections), 2 * (2 * 1e-3 + cast(512) + cast(128)), 1e-9);
  EXPECT_EQ(of(apart, Part::attention), of(fused, Part::attention));
  EXPECT_EQ(parts({{64, 0, true}}), mixed) << "prompts take kernels of their own";
}

TEST(FusedKernels, OrderedExchangesLeaveNothingToSort) {
  const auto machine = toy_machine({.bytes_per_s = 1073741824.0, .kernel_s = 1e-3});
  const auto model = toy_model(test::kToyExperts);
  auto software = free_software();
  const auto experts = [&](const std::string& plan) {
    return of(served(machine, model, software, "load.kind=balanced,instances=1," + plan).pools[0].timer->parts({.sequences = 256, .cached = 25600, .chunks = {}}), Part::experts);
  };
  const double spread = experts("dp=4,ep=4"), alone = experts("tp=4,ep=4");
  software.ordered_exchange = true;
  const auto moe = std::find_if(model.kinds.begin(), model.kinds.end(), [](const auto& kind) { return kind.is_moe(); });
  ASSERT_NE(moe, model.kinds.end());
  const double rows = detail::ExpertSpread({.kind = LoadKind::balanced}, *moe->experts, 4, 0).on_busiest(256).rows;
  EXPECT_NEAR(spread - experts("dp=4,ep=4"), 3 * (3 * 1e-3 + 8 * rows * 512 / 1073741824.0), 1e-9);
  EXPECT_EQ(experts("tp=4,ep=4"), alone) << "no exchange hands rows over";
}

TEST(DataParallelRanks, AgreeOnEachStep) {
  auto software = free_software();
  software.rank_agreement.value = units::Seconds::from_si(3e-3);
  const auto model = toy_model(test::kToyExperts);
  const auto host = [&](const std::string& text) { return of(served(toy_machine({}), model, software, "instances=1," + text).pools[0].timer->parts({.sequences = 128, .cached = 12800, .chunks = {}}), Part::host); };
  EXPECT_EQ(host("tp=2,ep=2"), 0);
  EXPECT_NEAR(host("dp=2,ep=2"), 3e-3, kRounding);
  software.overlapped_sequences = true;  // beside a chip that takes longer
  EXPECT_LT(host("dp=2,ep=2"), 3e-3);
}

TEST(Exchange, CopiesCrossTheLevel) {
  Toy toy;
  toy.levels = {{"node", 4, 1e9, 0}};
  auto software = free_software();
  const auto s = served(toy_machine(toy), toy_model(test::kToyExperts), software, "dp=4,ep=4,load.kind=balanced,instances=1");
  const auto parts = s.pools[0].timer->parts({.sequences = 256, .cached = 25600, .chunks = {}});
  // 3 expert layers; 64 tokens of a rank x 2 experts, three quarters of them elsewhere; 1.03125 bytes there, 2 back.
  EXPECT_NEAR(of(parts, Part::exchange), 3 * 64 * 2 * 0.75 * 512 * (1.03125 + 2) / 1e9, kRounding);
}

TEST(Exchange, TokensTravelAsExpertsMultiplyThem) {
  Toy toy;
  toy.levels = {{"node", 4, 1e9, 0}};
  auto machine = toy_machine(toy);
  machine.chip.matrix_peak[hardware::Precision::fp4] = machine.chip.matrix_peak[hardware::Precision::fp8];
  auto software = free_software();
  software.exchange_as_products = true;
  const auto exchanged = [&](const std::string& experts) {
    const auto s = served(machine, toy_model(test::kToyExperts), software, "dp=4,ep=4,load.kind=balanced,instances=1,experts=" + experts);
    return of(s.pools[0].timer->parts({.sequences = 256, .cached = 25600, .chunks = {}}), Part::exchange);
  };
  // As above; four bits and a scale of eight for sixteen values there, eight bits without scales, sixteen where scales of blocks are found on the way.
  EXPECT_NEAR(exchanged("fp4"), 3 * 64 * 2 * 0.75 * 512 * (0.5625 + 2) / 1e9, kRounding);
  EXPECT_NEAR(exchanged("fp8"), 3 * 64 * 2 * 0.75 * 512 * (1 + 2) / 1e9, kRounding);
  EXPECT_NEAR(exchanged("fp8_block"), 3 * 64 * 2 * 0.75 * 512 * (2 + 2) / 1e9, kRounding);
}

TEST(SharedExperts, OnChipsOfTheirOwnAreOneMoreExpertToTravelTo) {
  Toy toy;
  toy.levels = {{"node", 4, 1e9, 0}};
  const auto machine = toy_machine(toy);
  const auto model = toy_model(test::kToyExperts);
  const auto s = served(machine, model, free_software(), "dp=4,ep=4,load.kind=balanced,shared_copies=2,instances=1");
  const auto everywhere = served(machine, model, free_software(), "dp=4,ep=4,load.kind=balanced,instances=1");
  const serving::StepLoad load{.sequences = 256, .cached = 25600, .chunks = {}};
  const auto parts = s.pools[0].timer->parts(load), usual = everywhere.pools[0].timer->parts(load);
  // 64 tokens of a rank to three chips each.
  EXPECT_NEAR(of(parts, Part::exchange), of(usual, Part::exchange) * 3 / 2, kRounding);
  // No rank computes the shared experts for its own tokens: three layers of a gated feed-forward of 256 columns less.
  EXPECT_LT(of(parts, Part::dense), of(usual, Part::dense));
  // Eight routed experts on two chips take longer than the shared one for half of the 256 tokens.
  const auto& kinds = model.kinds;
  const auto moe = std::find_if(kinds.begin(), kinds.end(), [](const auto& kind) { return kind.is_moe(); });
  ASSERT_NE(moe, kinds.end());
  const auto& experts = moe->experts;
  const auto busiest = detail::ExpertSpread({.kind = LoadKind::balanced}, *experts, 2, 0).on_busiest(256);
  const compute::ServedExperts routed{.rows = busiest.rows, .hit = busiest.hit, .hidden = 512, .inter = 256, .gated = true, .precision = hardware::Precision::bf16, .weight_bytes = 2};
  EXPECT_NEAR(of(parts, Part::experts), 3 * compute::time_of(machine.chip, routed).time.seconds().si(), kRounding);
}

TEST(Pipeline, TwoStagesTakeHalfBatchesTurnByTurn) {
  Toy toy;
  toy.levels = {{"node", 2}};
  const auto one = served(toy_machine(toy), toy_model(), free_software(), "instances=1");
  const auto two = served(toy_machine(toy), toy_model(), free_software(), "pp=2,instances=1");
  // A batch of 128 as two of 64: each stage has one of two layers, and both are busy; the last has the head of 64 rows beside its layer, twice in a round.
  const double half = seconds(one.pools[0], 64, 64 * 512), head = of(one.pools[0].timer->parts({.sequences = 64, .cached = 64 * 512, .chunks = {}}), Part::head);
  EXPECT_GT(head, 100 * kRounding);
  EXPECT_NEAR(seconds(two.pools[0], 128, 128 * 512), half + head, kRounding);
}

TEST(Pipeline, EachPartIsAStepOfItsOwnForTheHost) {
  Toy toy;
  toy.levels = {{"node", 2}};
  auto software = free_software();
  software.overlapped_host = false;
  software.host_step.value = 1 * units::second;
  const auto free = served(toy_machine(toy), toy_model(), free_software(), "pp=2,instances=1"), busy = served(toy_machine(toy), toy_model(), software, "pp=2,instances=1");
  EXPECT_NEAR(seconds(busy.pools[0], 128, 128 * 512) - seconds(free.pools[0], 128, 128 * 512), 2, kRounding);
  EXPECT_NEAR(seconds(busy.pools[0], 1, 512) - seconds(free.pools[0], 1, 512), 1, kRounding) << "one sequence is in one part";
}

TEST(Pipeline, SequencesAreOfAStageOrOfAll) {
  Toy toy;
  toy.levels = {{"node", 2}};
  auto software = free_software();
  const auto most = [&](const char* sizes) { return served(toy_machine(toy), toy_model(), software, sizes).pools[0].timer->about().engine.max_sequences; };
  const auto one = most("instances=1");
  EXPECT_EQ(most("pp=2,instances=1"), one) << "vLLM and SGLang count all together";
  software.stage_sequences = true;
  EXPECT_EQ(most("pp=2,instances=1"), 2 * one) << "TensorRT-LLM holds max_batch_size x pp_size";
}

// Three layers on two stages: the last stage has one layer and the head beside the two of the first, so that the head hides if it is shorter than a layer.
TEST(Pipeline, TheHeadHidesWhereTheLastStageHasALayerLess) {
  Toy toy;
  toy.levels = {{"node", 2}};
  constexpr const char* kThree = "{model_type: transformer, hidden_size: 512, num_hidden_layers: 3, vocab_size: 16, num_attention_heads: 4, intermediate_size: 1024}";
  const auto one = served(toy_machine(toy), toy_model(kThree), free_software(), "instances=1"), two = served(toy_machine(toy), toy_model(kThree), free_software(), "pp=2,instances=1");
  const auto parts = one.pools[0].timer->parts({.sequences = 64, .cached = 64 * 512, .chunks = {}});
  const double all = seconds(one.pools[0], 64, 64 * 512), head = of(parts, Part::head), layers = all - head;
  EXPECT_LT(head, layers / 3);
  EXPECT_NEAR(seconds(two.pools[0], 128, 128 * 512), 4 * layers / 3, kRounding) << "two parts of two layers each";
  EXPECT_NEAR(seconds(two.pools[0], 1, 512), seconds(one.pools[0], 1, 512), kRounding) << "alone it needs three layers and the head";
}

TEST(Pipeline, ASequenceAloneTakesAllStages) {
  Toy toy;
  toy.levels = {{"node", 2}};
  const auto one = served(toy_machine(toy), toy_model(), free_software(), "instances=1");
  const auto two = served(toy_machine(toy), toy_model(), free_software(), "pp=2,instances=1");
  EXPECT_NEAR(seconds(two.pools[0], 1, 4096), seconds(one.pools[0], 1, 4096), kRounding);
  const double head = of(one.pools[0].timer->parts({.sequences = 1, .cached = 4096, .chunks = {}}), Part::head);
  EXPECT_NEAR(seconds(two.pools[0], 2, 8192), seconds(one.pools[0], 1, 4096) + head, kRounding) << "one in each stage, the head on top of the last";
}

TEST(Pipeline, APromptAloneGoesThroughAllStages) {
  Toy toy;
  toy.levels = {{"node", 2}};
  const auto one = served(toy_machine(toy), toy_model(), free_software(), "instances=1");
  const auto two = served(toy_machine(toy), toy_model(), free_software(), "pp=2,instances=1");
  const auto step = [](const ServedPool& pool, std::vector<serving::Chunk> chunks) { return pool.timer->step({.sequences = 0, .cached = 0, .chunks = chunks}).seconds().si(); };
  const serving::Chunk prompt{512, 1024, false};
  EXPECT_NEAR(step(two.pools[0], {prompt}), step(one.pools[0], {prompt}), kRounding) << "the second stage waits for the first";
  EXPECT_NEAR(step(two.pools[0], {prompt, prompt}), step(one.pools[0], {prompt}), kRounding) << "one prompt in each stage";
  EXPECT_GT(step(two.pools[0], {prompt, {64, 0, false}}), step(one.pools[0], {{288, 1024, false}}));
}

TEST(Host, HidesBehindTheChipOnlyIfItMay) {
  auto software = free_software();
  software.host_step.value = 1 * units::second;
  software.host_sequence.value = units::Seconds::from_si(0.001);
  const auto hidden = served(toy_machine(), toy_model(), software, "instances=1");
  const double chip = seconds(served(toy_machine(), toy_model(), free_software(), "instances=1").pools[0], 64, 6400);
  EXPECT_NEAR(seconds(hidden.pools[0], 64, 6400), 1.064, kRounding);  // longer than the chip
  software.overlapped_sequences = true;
  software.host_sequence.value = units::Seconds::from_si(0.1);
  software.host_step.value = units::Seconds::from_si(0.5);
  EXPECT_NEAR(seconds(served(toy_machine(), toy_model(), software, "instances=1").pools[0], 64, 6400), 6.9, kRounding);  // the host's alone
  software.host_sequence.value = units::Seconds::from_si(0);
  software.host_step.value = units::Seconds::from_si(0);
  EXPECT_NEAR(seconds(served(toy_machine(), toy_model(), software, "instances=1").pools[0], 64, 6400), chip, kRounding);
  software.host_sequence.value = units::Seconds::from_si(0.001);
  software.host_step.value = 1 * units::second;
  software.overlapped_host = false;
  EXPECT_NEAR(seconds(served(toy_machine(), toy_model(), software, "instances=1").pools[0], 64, 6400), chip + 1.064, kRounding);
  software = free_software();
  software.graphs = false;
  software.eager_layer.value = units::Seconds::from_si(0.5);
  EXPECT_NEAR(seconds(served(toy_machine(), toy_model(), software, "instances=1").pools[0], 64, 6400), 1, kRounding);  // two layers
}

TEST(Host, IssuesLayersWithLatentAttentionInTheirOwnTime) {
  constexpr const char* kLatent = "{model_type: transformer, hidden_size: 512, num_hidden_layers: 2, vocab_size: 1024, num_attention_heads: 4, intermediate_size: 1024, kv_lora_rank: 64,"
                                  " qk_nope_head_dim: 32, qk_rope_head_dim: 16, v_head_dim: 32}";
  auto software = free_software();
  software.graphs = false;
  software.eager_layer.value = units::Seconds::from_si(0.5);
  const auto step = [&](const char* model) { return seconds(served(toy_machine(), toy_model(model), software, "instances=1").pools[0], 64, 6400); };
  EXPECT_NEAR(step(kLatent), 1, kRounding);  // nothing of its own is known
  software.eager_latent_layer.value = units::Seconds::from_si(2);
  software.eager_latent_layer.present = true;
  EXPECT_NEAR(step(kLatent), 4, kRounding);
  EXPECT_NEAR(step(test::kToyDense), 1, kRounding);
}

TEST(Speculation, ChecksDraftsInOnePass) {
  const auto plain = served(toy_machine(), toy_model(), free_software(), "instances=1");
  const auto three = served(toy_machine(), toy_model(), free_software(), "instances=1,engine.speculation.draft=3,engine.speculation.acceptance=0.5");
  const auto parts = three.pools[0].timer->parts({.sequences = 16, .cached = 16 * 512, .chunks = {}});
  const auto same = plain.pools[0].timer->parts({.sequences = 64, .cached = 64 * 512, .chunks = {}});
  EXPECT_NEAR(of(parts, Part::projections), of(same, Part::projections), kRounding);  // 16 x (1 + 3) tokens
  EXPECT_NEAR(of(parts, Part::attention), of(same, Part::attention), kRounding);      // 4 queries on 512 keys
  // Three times a mean layer, its attention, a projection from 1024 to 512, and the head, of 16 sequences: a tile of 64 rows each.
  const double layer = std::ldexp(1, -12) + std::ldexp(1, -14), projection = std::ldexp(1, -14), head = std::ldexp(1, -14);
  EXPECT_NEAR(of(parts, Part::draft), 3 * (layer + projection + head), kRounding);
}

}  // namespace
}  // namespace zettatwin::inference
