// SPDX-License-Identifier: Apache-2.0
// Promises of the automatic plan: feasible where a plan is, deterministic, respectful, sensible with the batch.
#include "../../support/figures.hpp"
#include "../../support/thinning.hpp"
#include "search/auto_plan.hpp"

namespace zettatwin::search {
namespace {

struct Found {
  std::optional<Choice> choice;
  config::Diagnostics diagnostics;
};

Found choose(const training::Job& job, const Freedom& freedom = {.sizes = true}) {
  Found found;
  found.choice = choose_plan(job, freedom, config::location_in("test"), found.diagnostics);
  return found;
}

training::Job job(const std::string& machine, const std::string& model, std::int64_t chips, std::int64_t batch = 0) {
  training::Job j{.machine = test::catalog_machine(machine, chips), .architecture = test::catalog_model(model), .chips = chips, .software = test::catalog_software()};
  j.plan.global_batch = batch;
  return j;
}

TEST(AutoPlan, IsFeasibleOnUsualPairs) {
  struct Pair { const char* machine; const char* model; std::int64_t chips; };
  std::uint64_t count = 0;
  for (const auto& [machine, model, chips] : {Pair{"dgx-h100", "llama-3.1-8b", 8}, {"dgx-h100", "llama-3.1-70b", 64}, {"dgx-h100", "llama-3.1-405b", 1024}, {"dgx-a100", "gpt3-175b", 1024},
                                              {"dgx-h100", "mixtral-8x22b", 128}, {"dgx-h800", "deepseek-v3", 2048}, {"gb200-nvl72", "deepseek-v3", 576}, {"atlas-950-superpod", "deepseek-v3", 8192},
                                              {"cloudmatrix384", "deepseek-v3", 768}}) {
    if (count++ % test::kThinning != 0) continue;
    const auto j = job(machine, model, chips);
    const auto found = choose(j);
    ASSERT_TRUE(found.choice) << machine << " " << model << test::text_of(found.diagnostics);
    EXPECT_TRUE(found.choice->feasible) << machine << " " << model;
    auto chosen = j;
    chosen.plan = found.choice->plan;
    const auto r = test::answer(chosen);
    EXPECT_TRUE(r.feasible) << "what is promised is what train() says";
    EXPECT_GT(r.mfu_bf16, 0.1) << machine << " " << model;
    EXPECT_LE(static_cast<double>(r.tokens_per_step), 1.5 * kPublishedTokensPerStep) << machine << " " << model;
  }
}

TEST(AutoPlan, IsDeterministic) {
  const auto j = job("dgx-h100", "mixtral-8x7b", 64);
  const auto a = choose(j), b = choose(j);
  ASSERT_TRUE(a.choice && b.choice);
  EXPECT_EQ(a.choice->candidates, b.choice->candidates);
  auto first = j, second = j;
  first.plan = a.choice->plan;
  second.plan = b.choice->plan;
  EXPECT_EQ(test::hash_of(test::answer(first)), test::hash_of(test::answer(second)));
}

TEST(AutoPlan, KeepsWhatIsGiven) {
  auto j = job("dgx-h100", "mixtral-8x7b", 64);
  j.plan.tp = 4;
  j.plan.zero = 0;
  j.plan.dp = 4;
  j.plan.vpp = 2;
  const auto found = choose(j, {.sizes = true, .given = {"tp", "zero", "dp", "vpp"}});
  ASSERT_TRUE(found.choice) << test::text_of(found.diagnostics);
  EXPECT_EQ(found.choice->plan.tp, 4);
  EXPECT_EQ(found.choice->plan.zero, 0);
  EXPECT_EQ(found.choice->plan.dp, 4);
  EXPECT_EQ(found.choice->plan.vpp, 2);
}

TEST(AutoPlan, TakesFp8WhereTheChipHasItUnlessTold) {
  EXPECT_EQ(choose(job("dgx-h100", "llama-3.1-8b", 8)).choice->plan.recipe, plan::Recipe::fp8_block);
  EXPECT_EQ(choose(job("dgx-a100", "llama-3.1-8b", 8)).choice->plan.recipe, plan::Recipe::bf16);
  EXPECT_EQ(choose(job("dgx-h100", "llama-3.1-8b", 8), {.sizes = true, .recipe_given = true}).choice->plan.recipe, plan::Recipe::bf16);
}

TEST(AutoPlan, ChoosesOnlyTheBatchOfAGivenPlan) {
  auto j = job("dgx-h100", "llama-3.1-8b", 64);
  j.plan.tp = 2;
  j.plan.pp = 4;
  const auto found = choose(j, {});
  ASSERT_TRUE(found.choice);
  EXPECT_EQ(found.choice->plan.tp, 2);
  EXPECT_EQ(found.choice->plan.recipe, plan::Recipe::bf16);
  EXPECT_NEAR(static_cast<double>(found.choice->plan.global_batch * 4096) / kPublishedTokensPerStep, 1, 0.01);
}

TEST(AutoPlan, TheChosenBatchSuitsTheSchedule) {
  for (const auto schedule : {plan::ScheduleKind::interleaved, plan::ScheduleKind::dualpipe, plan::ScheduleKind::dualpipe_v, plan::ScheduleKind::zb_v, plan::ScheduleKind::zb_h1}) {
    auto j = job("dgx-h100", "llama-3.1-8b", 1024);
    j.sequence_length = 65536;  // few sequences per step
    j.plan.pp = 8;
    j.plan.vpp = schedule == plan::ScheduleKind::interleaved ? 2 : 1;
    j.plan.schedule = schedule;
    const auto found = choose(j, {.sizes = false, .given = {"pp", "vpp", "schedule"}});
    ASSERT_TRUE(found.choice) << test::text_of(found.diagnostics);
    auto chosen = j;
    chosen.plan = found.choice->plan;
    config::Diagnostics diagnostics;
    EXPECT_TRUE(training::train(chosen, config::location_in("test"), diagnostics)) << static_cast<int>(schedule) << test::text_of(diagnostics);
  }
}

TEST(AutoPlan, AGivenBatchIsKept) {
  for (const std::int64_t batch : {1, 7, 96, 1000, 1024}) {
    const auto j = job("dgx-h100", "llama-3.1-8b", 64, batch);
    const auto found = choose(j);
    ASSERT_TRUE(found.choice) << batch << test::text_of(found.diagnostics);
    EXPECT_EQ(found.choice->plan.global_batch, batch);
  }
}

TEST(AutoPlan, OddMachinesAndModels) {
  EXPECT_TRUE(choose(job("dgx-h100", "llama-3.1-8b", 1)).choice) << "one chip";
  EXPECT_TRUE(choose(job("dgx-h100", "llama-3.1-8b", 7)).choice) << "a prime number";
  EXPECT_TRUE(choose(job("gb200-nvl72", "llama-3.1-8b", 72)).choice) << "no power of two";
  auto odd = job("dgx-h100", "llama-3.1-8b", 8, 8);
  odd.sequence_length = 4095;
  EXPECT_TRUE(choose(odd).choice) << "an odd sequence";
  auto few = training::Job{.machine = test::catalog_machine("dgx-h100", 8), .architecture = test::toy_model("{model_type: transformer, hidden_size: 512, num_hidden_layers: 1, vocab_size: 1000,"
                                                                                                          " num_attention_heads: 3, head_dim: 64, intermediate_size: 999}"), .chips = 8};
  EXPECT_TRUE(choose(few).choice) << "one layer, three heads, odd widths";
}

// From tp=32 the way to tp=8 cp=4 leads over tp=16 cp=2, which is slower than both.
TEST(AutoPlan, PassesASlowerHalf) {
  auto j = job("atlas-950-supercluster", "deepseek-v3", 524288);
  const auto found = choose(j);
  ASSERT_TRUE(found.choice) << test::text_of(found.diagnostics);
  const auto time = [&](const plan::Plan& p) {
    j.plan = p;
    const auto answer = test::answer(j);
    return answer.step_time.seconds().si() / static_cast<double>(answer.tokens_per_step);
  };
  const double chosen = time(found.choice->plan);
  auto known = found.choice->plan;
  known.tp = 8;
  known.cp = 4;
  known.dp = 0;
  EXPECT_LE(chosen, time(known));
}

TEST(AutoPlan, SaysWhatIsWrongWhenNothingIsValid) {
  auto j = job("dgx-h100", "llama-3.1-8b", 64, 3);
  j.plan.micro_batch = 2;
  const auto found = choose(j, {.sizes = true, .given = {"micro_batch"}});
  EXPECT_FALSE(found.choice);
  EXPECT_GE(found.diagnostics.error_count(), 2u);
}

TEST(AutoPlan, WithoutRoomTheLeastLackingIsShown) {
  const auto found = choose(job("dgx-h100", "llama-3.1-405b", 8));
  ASSERT_TRUE(found.choice);
  EXPECT_FALSE(found.choice->feasible);
}

}  // namespace
}  // namespace zettatwin::search
