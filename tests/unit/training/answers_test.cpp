// SPDX-License-Identifier: Apache-2.0
// What train() promises of its answers: sums, infeasible plans, diagnostics, determinism.
#include "../../support/figures.hpp"
#include "plan/check.hpp"

namespace zettatwin::training {
namespace {

Job dense_job(const plan::Plan& plan, const std::string& machine = "dgx-h100", std::int64_t chips = 64, const std::string& model = "llama-3.1-8b") {
  Job job{.machine = test::catalog_machine(machine, chips), .architecture = test::catalog_model(model), .software = test::catalog_software()};
  job.plan = plan;
  if (job.plan.global_batch == 0) job.plan.global_batch = 128;
  return job;
}

TEST(Answers, LeavesSumToTheStep) {
  for (const auto& plan : {plan::Plan{.tp = 8}, plan::Plan{.tp = 4, .pp = 4}, plan::Plan{.tp = 2, .cp = 2, .zero = 3}, plan::Plan{.tp = 1, .pp = 8, .zero = 0}}) {
    const auto r = test::answer(dense_job(plan));
    const auto* breakdown = r.tree.find("breakdown");
    ASSERT_NE(breakdown, nullptr);
    EXPECT_NEAR(test::sum_of_leaves(*breakdown), r.step_time.seconds().si(), 1e-9 * r.step_time.seconds().si());
    EXPECT_NEAR(breakdown->si, r.step_time.seconds().si(), 1e-9 * breakdown->si);
  }
}

TEST(Answers, MemoryPartsSumToThePeak) {
  const auto r = test::answer(dense_job({.tp = 8, .pp = 2}));
  EXPECT_NEAR(test::sum_of_leaves(*r.tree.find("memory")), r.memory_peak.si(), 1);
  EXPECT_EQ(r.memory.size(), 2u);
}

TEST(Answers, RolesCoverTheChips) {
  const auto r = test::answer(dense_job({.tp = 4, .pp = 4}));
  std::int64_t chips = 0;
  for (const auto& role : r.roles) {
    chips += role.chips;
    EXPECT_GE(role.idle.count(), 0);
    EXPECT_LE(role.busy + role.idle, r.step_time);
  }
  EXPECT_EQ(chips, r.chips);
  EXPECT_EQ(r.chips + r.idle_chips, 64);
  EXPECT_EQ(r.data_parallel * 16, r.chips);
}

TEST(Answers, TheSameBitsTwice) {
  const auto job = dense_job({.tp = 4, .pp = 4});
  EXPECT_EQ(test::hash_of(test::answer(job)), test::hash_of(test::answer(job)));
  auto other = job;
  other.plan.micro_batch = 2;
  EXPECT_NE(test::hash_of(test::answer(job)), test::hash_of(test::answer(other)));
}

TEST(Answers, EstimateIsTheSameAnswerWithoutItsTree) {
  const auto job = dense_job({.tp = 4, .pp = 4});
  config::Diagnostics diagnostics;
  const auto full = test::answer(job);
  const auto quick = estimate(job, config::location_in("test"), diagnostics);
  ASSERT_TRUE(quick);
  EXPECT_EQ(quick->step_time, full.step_time);
  EXPECT_EQ(quick->memory_peak, full.memory_peak);
  EXPECT_EQ(quick->mfu, full.mfu);
}

TEST(Answers, WhatDoesNotFitSaysWhatWouldHelp) {
  const auto job = dense_job({.tp = 1, .zero = 0}, "dgx-h100", 64, "llama-3.1-70b");
  const auto r = test::answer(job);
  ASSERT_FALSE(r.feasible);
  ASSERT_TRUE(r.infeasible);
  EXPECT_EQ(r.infeasible->limit, "memory");
  EXPECT_GT(r.infeasible->needed, r.infeasible->available);
  EXPECT_EQ(r.infeasible->available, job.machine.chip.memory.capacity.value);
  EXPECT_EQ(r.infeasible->needed, r.memory_peak);
  EXPECT_FALSE(r.infeasible->suggestions.empty());
  EXPECT_NE(r.infeasible->reason.find("GB"), std::string::npos);
}

TEST(Answers, RemediesThatFitDoFit) {
  auto job = dense_job({.tp = 4, .zero = 1}, "dgx-h100", 64, "llama-3.1-8b");
  job.plan.micro_batch = 16;
  job.plan.global_batch = 1024;
  const auto before = test::answer(job);
  ASSERT_FALSE(before.feasible);
  std::size_t fitting = 0;
  for (const auto& suggestion : before.infeasible->suggestions) {
    auto changed = job;
    config::Diagnostics diagnostics;
    const auto text = suggestion.substr(0, suggestion.find(':'));
    config::read(plan::parse_plan_text(text, "remedy", diagnostics), "plan", config::FigureForm::bare_allowed, diagnostics, changed.plan);
    const auto after = train(changed, config::location_in("test"), diagnostics);
    ASSERT_TRUE(after) << text << "\n" << test::text_of(diagnostics);
    EXPECT_LT(after->memory_peak, before.memory_peak) << text;
    const bool promised = suggestion.ends_with("then it fits");
    EXPECT_EQ(after->feasible, promised) << suggestion;
    fitting += promised;
  }
  EXPECT_GT(fitting, 0u);
}

TEST(Answers, AFormatThatTheChipLacksIsADiagnostic) {
  auto job = dense_job({.tp = 8, .recipe = plan::Recipe::fp8_block}, "dgx-a100", 64);
  config::Diagnostics diagnostics;
  EXPECT_FALSE(train(job, config::location_in("test"), diagnostics));
  EXPECT_NE(test::text_of(diagnostics).find("a100-80 has no matrix unit for fp8"), std::string::npos) << test::text_of(diagnostics);
}

TEST(Answers, StepsBeyondTheClockAreDiagnostics) {
  auto job = dense_job({.tp = 8});
  job.plan.global_batch = 1'000'000'000;
  config::Diagnostics diagnostics;
  EXPECT_FALSE(train(job, config::location_in("test"), diagnostics));
  EXPECT_NE(test::text_of(diagnostics).find("would take at least"), std::string::npos) << test::text_of(diagnostics);
  job = dense_job({.tp = 8});
  job.sequence_length = 1 << 30;
  config::Diagnostics more;
  EXPECT_FALSE(train(job, config::location_in("test"), more));
}

TEST(Answers, AllProblemsOfAPlanAtOnce) {
  auto job = dense_job({.tp = 3, .ep = 2, .pp = 5});
  job.plan.schedule = plan::ScheduleKind::dualpipe;
  config::Diagnostics diagnostics;
  EXPECT_FALSE(train(job, config::location_in("test"), diagnostics));
  EXPECT_GE(diagnostics.error_count(), 3u) << test::text_of(diagnostics);
}

TEST(Answers, BatchThatDoesNotDivide) {
  auto job = dense_job({.tp = 8, .dp = 8});
  job.plan.global_batch = 100;
  config::Diagnostics diagnostics;
  EXPECT_FALSE(train(job, config::location_in("test"), diagnostics));
  EXPECT_NE(test::text_of(diagnostics).find("try global_batch=104"), std::string::npos) << test::text_of(diagnostics);
}

TEST(Answers, ShardGroupsThatCutAcrossLevels) {
  auto job = dense_job({.tp = 4, .zero_group = 3}, "dgx-h100", 96);  // 24 replicas, two per node
  job.plan.global_batch = 24;
  config::Diagnostics diagnostics;
  EXPECT_FALSE(train(job, config::location_in("test"), diagnostics));
  EXPECT_NE(test::text_of(diagnostics).find("try zero_group=2"), std::string::npos) << test::text_of(diagnostics);
}

// Times in picoseconds would overflow: an answer in words, for any link from nothing to just too slow.
TEST(Answers, LinksThatAreTooSlow) {
  int refused = 0, answered = 0;
  for (const double bandwidth : {1e-12, 1e-3, 1.0, 1e2, 1e3, 1e4, 1e5, 1e6, 1e9})
    for (const double latency : {0.0, 1e-6, 1e-2, 1.0, 1e6}) {
      auto job = test::toy_job({.levels = {{"node", 4}, {"cluster", 4, bandwidth, latency}}}, test::kToyExperts);
      job.plan = {.tp = 2, .ep = 8, .pp = 2, .zero = 3, .global_batch = 64};
      config::Diagnostics diagnostics;
      const auto result = train(job, config::location_in("test"), diagnostics);
      const bool slow = test::text_of(diagnostics).find("cluster level") != std::string::npos;
      EXPECT_NE(result.has_value(), slow) << test::text_of(diagnostics);
      (slow ? refused : answered) += 1;
      const bool hopeless = bandwidth < 1e-2 || latency > 1e5, good = bandwidth > 1e7 && latency < 1e-3;
      EXPECT_TRUE(slow || !hopeless) << bandwidth << " B/s, " << latency << " s";
      EXPECT_FALSE(slow && good) << bandwidth << " B/s, " << latency << " s";
    }
  EXPECT_GT(refused, 0);
  EXPECT_GT(answered, 0);
}

// Two racks of three nodes and expert groups of eight: borders of racks cut them.
TEST(Answers, StraddlingUsesTheWholeMachine) {
  auto job = test::toy_job({.levels = {{"node", 4, 1e12}, {"rack", 3, 1e10}, {"cluster", 2, 1e9}}}, test::kToyExperts);
  job.plan = {.ep = 8, .global_batch = 24};
  const auto result = test::answer(job);
  EXPECT_EQ(result.idle_chips, 0);
  job.plan.straddle = false;
  job.plan.global_batch = 16;
  EXPECT_EQ(test::answer(job).idle_chips, 8);
}

TEST(Answers, EarlierErrorsOfTheCallerAreNotOurs) {
  config::Diagnostics diagnostics;
  diagnostics.error(config::location_in("elsewhere"), "something else");
  EXPECT_TRUE(train(dense_job({.tp = 8}), config::location_in("test"), diagnostics));
}

TEST(Answers, TheTraceIsThePrefixOfTheTimeline) {
  auto job = dense_job({.tp = 4, .pp = 4});
  job.trace_limit = 12;
  const auto traced = test::answer(job);
  job.trace_limit = 0;
  EXPECT_EQ(traced.step_time, test::answer(job).step_time) << "looking does not change it";
  std::size_t forward = 0;
  for (const auto& i : traced.trace) {
    EXPECT_LE(i.start, i.finish);
    EXPECT_LE(i.finish, traced.step_time);
    forward += i.name.starts_with("F");
  }
  EXPECT_GT(forward, 0u);
}

}  // namespace
}  // namespace zettatwin::training
