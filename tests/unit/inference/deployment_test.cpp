// SPDX-License-Identifier: Apache-2.0
#include "inference/deployment.hpp"

#include <gtest/gtest.h>

#include "served.hpp"

namespace zettatwin::inference {
namespace {

std::string problems(const std::string& text, const std::string& model = test::kToyExperts) {
  config::Diagnostics diagnostics;
  const auto parsed = parse_deployment(text, "--deployment", diagnostics);
  if (parsed)
    for (const auto& pool : parsed->pools) (void)check(pool, test::toy_model(model), config::location_in("--deployment"), diagnostics);
  return test::text_of(diagnostics);
}

TEST(Deployment, OnePool) {
  const auto d = test::deployment("tp=8,dp=2,ep=16,instances=4,weights=fp8,experts=fp4,cache=fp8");
  ASSERT_EQ(d.pools.size(), 1u);
  const auto& p = d.pools[0];
  EXPECT_EQ(p.role, Role::aggregated);
  EXPECT_EQ(p.chips(), 16);
  EXPECT_EQ(p.attention_format(), Format::fp8);
  EXPECT_EQ(p.expert_format(), Format::fp4);
  EXPECT_FALSE(d.disaggregated());
}

TEST(Deployment, PrefillAndDecodeShareWhatIsBesideThem) {
  const auto d = test::deployment("weights=fp8,prefill.tp=8,prefill.instances=2,decode.dp=64,decode.ep=64,decode.cache=fp8");
  ASSERT_EQ(d.pools.size(), 2u);
  EXPECT_TRUE(d.disaggregated());
  EXPECT_EQ(d.pools[0].role, Role::prefill);
  EXPECT_EQ(d.pools[0].tp, 8);
  EXPECT_EQ(d.pools[0].weights, Format::fp8);
  EXPECT_EQ(d.pools[0].cache, Format::bf16);
  EXPECT_EQ(d.pools[1].dp, 64);
  EXPECT_EQ(d.pools[1].weights, Format::fp8);
  EXPECT_EQ(d.pools[1].cache, Format::fp8);
}

TEST(Deployment, ListOfPools) {
  config::Diagnostics diagnostics;
  const auto node = config::parse_document("{software: sglang, weights: fp8, pools: [{role: prefill, tp: 4}, {role: decode, name: far, dp: 8, load: {kind: listed, shares: [3, 1, 1, 1, 1, 1, 1, 1]}}]}", "d.yaml", diagnostics);
  const auto d = read_deployment(*node, diagnostics);
  ASSERT_TRUE(d) << test::text_of(diagnostics);
  EXPECT_EQ(d->software.text, "sglang");
  EXPECT_EQ(d->pools[1].name, "far");
  EXPECT_EQ(d->pools[1].load.shares.size(), 8u);
  EXPECT_EQ(d->pools[0].weights, Format::fp8);
}

TEST(Deployment, ExpertsSpreadByDefaultWithDataParallelRanks) {
  const auto model = test::toy_model(test::kToyExperts);
  EXPECT_EQ(test::deployment("tp=4").pools[0].expert_parallel(model), 1);
  EXPECT_EQ(test::deployment("tp=4").pools[0].expert_tp(model), 4);
  EXPECT_EQ(test::deployment("dp=8").pools[0].expert_parallel(model), 8);
  EXPECT_EQ(test::deployment("dp=8,ep=2").pools[0].expert_tp(model), 4);
  EXPECT_EQ(test::deployment("tp=4").pools[0].expert_parallel(test::toy_model()), 1);
}

TEST(Deployment, TextGivesItAgain) {
  const auto model = test::toy_model(test::kToyExperts);
  for (const std::string text : {"tp=2,instances=3", "weights=fp8,prefill.tp=4,prefill.instances=2,decode.dp=8,decode.redundant_experts=8,decode.shared_copies=2,decode.two_batch_overlap=true"}) {
    const auto once = text_of(test::deployment(text), model);
    EXPECT_EQ(text_of(test::deployment(once), model), once);
  }
}

TEST(Deployment, BadSizesAreReportedWithTheNearest) {
  EXPECT_EQ(problems("tp=4"), "");
  EXPECT_NE(problems("tp=3").find("tp 3 does not divide the 4 attention heads; try tp=2"), std::string::npos) << problems("tp=3");
  EXPECT_NE(problems("dp=4,ep=3").find("ep 3 does not divide the 4 chips"), std::string::npos);
  EXPECT_NE(problems("dp=16").find("try redundant_experts=8"), std::string::npos) << problems("dp=16");
  EXPECT_NE(problems("dp=4,shared_copies=1").find("8 experts and 0 copies do not divide among the 3 chips that shared experts leave (each chip holds as many); try redundant_experts=1"), std::string::npos) << problems("dp=4,shared_copies=1");
  EXPECT_NE(problems("dp=4,shared_copies=4").find("cannot have chips of their own"), std::string::npos);
  EXPECT_NE(problems("dp=4,ep=2,shared_copies=1").find("whole experts"), std::string::npos);
  EXPECT_NE(problems("ep=2", test::kToyDense).find("no routed experts"), std::string::npos);
  EXPECT_NE(problems("prefill.tp=2").find("no decode pool"), std::string::npos);
  EXPECT_NE(problems("instance=2").find("did you mean 'instances'"), std::string::npos) << problems("instance=2");
  EXPECT_NE(problems("weights=fp7").find("fp7"), std::string::npos);
  EXPECT_NE(problems("pp=9").find("more than the 4 layers"), std::string::npos);
}

TEST(Deployment, InstancesAreCountedAgainstTheChips) {
  test::Toy toy;
  toy.levels = {{"node", 8}};
  config::Diagnostics diagnostics;
  const auto d = test::deployment("tp=4,instances=3");
  EXPECT_FALSE(serve({.machine = test::toy_machine(toy), .model = test::toy_model(), .deployment = d, .software = test::free_software()}, config::location_in("x"), diagnostics));
  EXPECT_NE(test::text_of(diagnostics).find("needs 12 chips, there are 8"), std::string::npos) << test::text_of(diagnostics);
  const auto all = test::served(test::toy_machine(toy), test::toy_model(), test::free_software(), "tp=4");
  EXPECT_EQ(all.pools[0].instances, 2);
  EXPECT_EQ(all.idle_chips, 0);
  const auto both = test::served(test::toy_machine(toy), test::toy_model(), test::free_software(), "prefill.tp=1,decode.tp=2");
  EXPECT_EQ(both.pools[0].instances, 2);
  EXPECT_EQ(both.pools[1].instances, 2);
  EXPECT_EQ(both.idle_chips, 2);
  ASSERT_TRUE(both.hand_over);
  EXPECT_EQ(both.hand_over->cache.per_token.si(), 2 * 2 * 4 * 128 * 2);
  EXPECT_EQ(both.hand_over->layers, 2);
}

// Any instance may send to any: pools of one node through its network, pools of two through the one between them.
TEST(Deployment, HandOversCrossTheLevelThatHoldsBothPools) {
  test::Toy toy;
  toy.levels = {{"node", 8, 100e9, 0}, {"rack", 4, 10e9, 0}};
  const auto s = [&](const char* text) { return test::served(test::toy_machine(toy), test::toy_model(), test::free_software(), text); };
  const auto inside = s("prefill.tp=1,prefill.instances=4,decode.tp=1,decode.instances=4"), across = s("prefill.tp=1,prefill.instances=5,decode.tp=1,decode.instances=4");
  ASSERT_TRUE(inside.hand_over && across.hand_over);
  EXPECT_EQ(inside.hand_over->level, "node");
  EXPECT_EQ(across.hand_over->level, "rack");
  EXPECT_NEAR(inside.pools[0].port_rate.si(), 10 * across.pools[0].port_rate.si(), 1);
}

// A sequence stays on its rank, whose scheduler has its own budget.
TEST(Deployment, ASequenceHasTheTokensOfItsRank) {
  const auto four = test::served(test::toy_machine(), test::toy_model(), test::free_software(), "dp=4,instances=1");
  EXPECT_EQ(four.pools[0].engine.max_tokens, 4 * 8192);
  EXPECT_EQ(four.pools[0].engine.longest_chunk(), 8192);
  // Each stage works on a part of the batch that is a step of the engine's own: one budget of tokens per part, and no prompt's chunk in two of them.
  const auto stages = test::served(test::toy_machine(), test::toy_model(), test::free_software(), "pp=2,instances=1");
  EXPECT_EQ(stages.pools[0].engine.max_tokens, 2 * 8192);
  EXPECT_EQ(stages.pools[0].engine.longest_chunk(), 8192);
  EXPECT_EQ(stages.pools[0].engine.max_sequences, test::served(test::toy_machine(), test::toy_model(), test::free_software(), "instances=1").pools[0].engine.max_sequences);
  const auto less = test::served(test::toy_machine(), test::toy_model(), test::free_software(), "dp=4,instances=1,engine.max_tokens=4096,engine.max_sequences=64");
  EXPECT_EQ(less.pools[0].engine.longest_chunk(), 1024);
  EXPECT_EQ(test::served(test::toy_machine(), test::toy_model(), test::free_software(), "instances=1").pools[0].engine.longest_chunk(), 8192);
}

}  // namespace
}  // namespace zettatwin::inference
