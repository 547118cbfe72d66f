// SPDX-License-Identifier: Apache-2.0
// Scenarios that are answered: what may be written, what is chosen, what is warned about.
#include "../../support/ask.hpp"
#include "search/auto_plan.hpp"

namespace zettatwin::api {
namespace {

using test::ask;

const std::string kSmall = "machine: dgx-h100\nmodel: llama-3.1-8b\nchips: 64\n";

TEST(Scenario, TheLeastThatIsNeeded) {
  const auto asked = ask(kSmall);
  ASSERT_TRUE(asked.answer) << asked.problems();
  EXPECT_TRUE(asked.answer->prepared.automatic_plan);
  EXPECT_TRUE(asked.answer->prepared.automatic_batch);
  EXPECT_GT(asked.answer->prepared.candidates, 1);
  EXPECT_TRUE(asked.answer->result.feasible);
  EXPECT_EQ(asked.answer->prepared.job.plan.recipe, plan::Recipe::fp8_block) << "what the chip does best";
  EXPECT_NEAR(static_cast<double>(asked.answer->result.tokens_per_step) / search::kPublishedTokensPerStep, 1, 0.05);
}

TEST(Scenario, PrecisionNamesAndOverrides) {
  const auto recipe = [](const std::string& more) {
    const auto asked = ask(kSmall + more);
    EXPECT_TRUE(asked.answer) << asked.problems();
    return asked.answer ? asked.answer->prepared.job.plan.recipe : plan::Recipe::fp4;
  };
  EXPECT_EQ(recipe("precision: bf16\n"), plan::Recipe::bf16);
  EXPECT_EQ(recipe("precision: fp8\n"), plan::Recipe::fp8_block);
  EXPECT_EQ(recipe("precision: fp8_block\n"), plan::Recipe::fp8_block);
  EXPECT_EQ(recipe("precision: mxfp8\nplan: {tp: 8, recipe: bf16}\n"), plan::Recipe::mxfp8);
  EXPECT_EQ(recipe("plan: {tp: 8}\n"), plan::Recipe::bf16) << "a given plan is taken as it is";
  EXPECT_EQ(recipe("plan: {automatic: true, recipe: bf16}\n"), plan::Recipe::bf16);
}

TEST(Scenario, GivenPlansAreKept) {
  const auto asked = ask(kSmall + "global_batch: 256\nplan: {tp: 4, pp: 2, vpp: 2, schedule: interleaved, zero: 0, micro_batch: 2}\n");
  ASSERT_TRUE(asked.answer) << asked.problems();
  const auto& plan = asked.answer->prepared.job.plan;
  EXPECT_FALSE(asked.answer->prepared.automatic_plan);
  EXPECT_EQ(plan.tp, 4);
  EXPECT_EQ(plan.pp, 2);
  EXPECT_EQ(plan.vpp, 2);
  EXPECT_EQ(plan.zero, 0);
  EXPECT_EQ(plan.global_batch, 256);
  EXPECT_EQ(asked.answer->result.data_parallel, 8);
}

TEST(Scenario, PartlyAutomaticPlansKeepWhatIsGiven) {
  const auto asked = ask("machine: dgx-h100\nmodel: mixtral-8x7b\nchips: 64\nplan: {automatic: true, pp: 4, vpp: 2, overlap: {ep: true}, recompute: none}\n");
  ASSERT_TRUE(asked.answer) << asked.problems();
  const auto& plan = asked.answer->prepared.job.plan;
  EXPECT_EQ(plan.pp, 4);
  EXPECT_EQ(plan.vpp, 2);
  EXPECT_EQ(plan.schedule, plan::ScheduleKind::interleaved) << "the schedule that has vpp";
  EXPECT_TRUE(plan.overlap.ep);
  EXPECT_EQ(plan.recompute, plan::Recompute::none);
}

TEST(Scenario, MachinesWithChanges) {
  const auto asked = ask("machine: {extends: dgx-h100, nodes: 4, chip: {extends: h100, memory: {capacity: 160 GB}}}\nmodel: llama-3.1-8b\nplan: {tp: 8}\n");
  ASSERT_TRUE(asked.answer) << asked.problems();
  EXPECT_EQ(asked.answer->result.chips, 32);
  EXPECT_EQ(asked.answer->prepared.job.machine.chip.memory.capacity.si(), 160e9);
}

TEST(Scenario, ModelsByPathBesideTheScenario) {
  const std::string config = R"({"model_type": "llama", "hidden_size": 1024, "num_hidden_layers": 4, "num_attention_heads": 8, "num_key_value_heads": 8,
    "intermediate_size": 4096, "vocab_size": 32000, "hidden_act": "silu"})";
  const auto beside = ask("machine: dgx-h100\nmodel: mine/config.json\nchips: 8\n", {{"folder/mine/config.json", config}}, "folder/scenario.yaml");
  ASSERT_TRUE(beside.answer) << beside.problems();
  EXPECT_EQ(beside.answer->prepared.job.architecture.name, "mine");
  EXPECT_EQ(beside.answer->prepared.job.architecture.layers(), 4);
  EXPECT_TRUE(ask("machine: dgx-h100\nmodel: mine/config.json\nchips: 8\n", {{"mine/config.json", config}}, "folder/scenario.yaml").answer) << "or from where the user is";
}

TEST(Scenario, ModelsWithOverrides) {
  const auto asked = ask("machine: dgx-h100\nmodel: {preset: llama-3.1-8b, overrides: {num_hidden_layers: 4}}\nchips: 8\n");
  ASSERT_TRUE(asked.answer) << asked.problems();
  EXPECT_EQ(asked.answer->prepared.job.architecture.layers(), 4);
}

TEST(Scenario, ChipsThatAreNoWholeUnits) {
  const auto asked = ask("machine: gb200-nvl72\nmodel: llama-3.1-8b\nchips: 256\nglobal_batch: 1024\n");
  ASSERT_TRUE(asked.answer) << asked.problems();
  EXPECT_LE(asked.answer->result.chips, 256);
  EXPECT_EQ(asked.answer->result.chips + asked.answer->result.idle_chips, 256);
}

TEST(Scenario, ABatchBeyondPracticeIsFlaggedAndCompared) {
  const auto asked = ask(kSmall + "global_batch: 65536\n");
  ASSERT_TRUE(asked.answer) << asked.problems();
  EXPECT_TRUE(asked.says("4.0 times the largest published batches")) << asked.problems();
  ASSERT_TRUE(asked.answer->practice);
  EXPECT_NEAR(asked.answer->practice->times_larger, 4, 0.01);
  EXPECT_TRUE(asked.answer->practice->feasible);
  EXPECT_NEAR(static_cast<double>(asked.answer->practice->tokens_per_step), search::kPublishedTokensPerStep, 0.05 * search::kPublishedTokensPerStep);
  EXPECT_LE(asked.answer->practice->tokens_per_s, 1.05 * asked.answer->result.tokens_per_s);
  EXPECT_FALSE(ask(kSmall).answer->practice);
  EXPECT_FALSE(ask(kSmall + "global_batch: 65536\n", {}, "s.yaml", {.published_practice = false}).answer->practice);
}

TEST(Scenario, TwoBatchesAreWarnedAbout) {
  const auto asked = ask(kSmall + "global_batch: 128\nplan: {tp: 8, global_batch: 64}\n");
  ASSERT_TRUE(asked.answer) << asked.problems();
  EXPECT_TRUE(asked.says("scenario.yaml:5:29: warning: global_batch of the plan has no effect")) << asked.problems();
  EXPECT_EQ(asked.answer->prepared.job.plan.global_batch, 128);
}

TEST(Scenario, InputsWithoutEffectAreWarnedAbout) {
  const auto asked = ask(kSmall + "plan: {tp: 1, overlap: {tp: true}, expert_imbalance: 1.5}\n");
  ASSERT_TRUE(asked.answer) << asked.problems();
  EXPECT_TRUE(asked.says("overlap.tp has no effect")) << asked.problems();
  EXPECT_TRUE(asked.says("expert_imbalance has no effect")) << asked.problems();
}

TEST(Scenario, WhatDoesNotFitIsAnAnswer) {
  const auto asked = ask("machine: dgx-h100\nmodel: llama-3.1-405b\nchips: 64\nplan: {tp: 1, zero: 0}\n");
  ASSERT_TRUE(asked.answer) << asked.problems();
  EXPECT_FALSE(asked.answer->result.feasible);
  EXPECT_FALSE(asked.diagnostics.has_errors());
  // An automatic plan too: the one that lacks least.
  const auto automatic = ask("machine: dgx-h100\nmodel: llama-3.1-405b\nchips: 8\n");
  ASSERT_TRUE(automatic.answer) << automatic.problems();
  EXPECT_FALSE(automatic.answer->result.feasible);
}

TEST(Scenario, TheBoundIsBelowTheAnswer) {
  const auto folded = ask(kSmall + "global_batch: 256\nplan: {tp: 4, pp: 2}\n"), bound = ask(kSmall + "global_batch: 256\nplan: {tp: 4, pp: 2}\nfidelity: bound\n");
  ASSERT_TRUE(folded.answer && bound.answer);
  EXPECT_LT(bound.answer->result.step_time, folded.answer->result.step_time);
}

}  // namespace
}  // namespace zettatwin::api
