// SPDX-License-Identifier: Apache-2.0
// Steps with slow and dead parts: who feels them, and what they cost.
#include "training/faults.hpp"

#include "../../support/toy.hpp"

namespace zettatwin::training {
namespace {

// Boards of 4 and a cluster of 4 boards, links by whose time a fault can be seen.
const test::Toy kToy{.bytes_per_s = 1e12, .interference = 0, .levels = {{"board", 4, 1e11, 1e-6}, {"cluster", 4, 2e10, 5e-6}}};

Job job_of(plan::Plan plan, const std::vector<std::string>& faults, const test::Toy& toy = kToy) {
  auto job = test::toy_job(toy, test::kToyExperts);
  plan.global_batch = 64;
  if (const auto chunks = plan::model_chunks(plan); chunks > 1) plan.layers_per_chunk.assign(static_cast<std::size_t>(chunks), 4 / chunks);
  job.plan = plan;
  config::Diagnostics diagnostics;
  for (const auto& text : faults)
    if (auto fault = traffic::parse_fault(text, job.machine, config::location_in("--fault"), diagnostics)) job.faults.push_back(std::move(*fault));
  EXPECT_FALSE(diagnostics.has_errors()) << test::text_of(diagnostics);
  return job;
}

TrainingResult answer(const plan::Plan& plan, const std::vector<std::string>& faults, const test::Toy& toy = kToy) {
  config::Diagnostics diagnostics;
  auto result = train(job_of(plan, faults, toy), config::location_in("test"), diagnostics);
  EXPECT_TRUE(result) << test::text_of(diagnostics);
  return result.value_or(TrainingResult{});
}

std::int64_t step(const plan::Plan& plan, const std::vector<std::string>& faults) { return answer(plan, faults).step_time.count(); }

TEST(Faults, HalfTheClockIsTwiceTheComputation) {
  const test::Toy compute_alone{};  // links and memory take no time
  const auto healthy = answer({.tp = 1}, {}, compute_alone).step_time.count();
  const auto slow = answer({.tp = 1}, {"slow-chip@chip=3:0.5"}, compute_alone);
  EXPECT_NEAR(static_cast<double>(slow.step_time.count()), 2.0 * static_cast<double>(healthy), 1e-6 * static_cast<double>(healthy));
  ASSERT_EQ(slow.faults.size(), 1u);
  EXPECT_EQ(slow.healthy_step_time.count(), healthy);
  EXPECT_EQ(slow.faults[0].cost, slow.step_time - slow.healthy_step_time);
}

TEST(Faults, NobodyIsFasterForAFaultAndAFactorOfOneIsNone) {
  for (const auto& plan : {plan::Plan{.tp = 2}, plan::Plan{.tp = 2, .ep = 4}, plan::Plan{.ep = 8, .zero = 3}, plan::Plan{.ep = 4, .pp = 4}, plan::Plan{.cp = 2, .ep = 2}}) {
    const auto healthy = step(plan, {});
    for (const auto* place : {"slow-chip@board=2/chip=1", "slow-hbm@board=2/chip=1", "slow-link@board=2/chip=1/port=board", "slow-link@board=2/chip=1/port=cluster"}) {
      EXPECT_NEAR(static_cast<double>(step(plan, {std::string(place) + ":1"})), static_cast<double>(healthy), 50) << place;  // ps: rounding of flows
      const auto half = step(plan, {std::string(place) + ":0.5"}), tenth = step(plan, {std::string(place) + ":0.1"});
      EXPECT_GE(half, healthy) << place;
      EXPECT_GE(tenth, half) << place;
    }
    EXPECT_GT(step(plan, {"slow-link@board=2/chip=1/port=cluster:0.1"}), healthy) << "gradients cross it in every plan";
  }
}

TEST(Faults, WhichReplicaIsSlowChangesNoBit) {
  const plan::Plan plan{.tp = 2, .pp = 2};  // dp 4 between them
  const auto at = [&](const std::string& place) { return step(plan, {"slow-chip@" + place + ":0.5"}); };
  EXPECT_EQ(at("board=0/chip=0"), at("board=0/chip=3")) << "a tensor peer of another replica";
  EXPECT_EQ(at("board=0/chip=0"), at("board=1/chip=1"));
  EXPECT_EQ(at("board=2/chip=0"), at("board=3/chip=2")) << "second stage";
}

TEST(Faults, SlowReplicasDoNotAddUpButSlowStagesOfOneDo) {
  const plan::Plan plan{.tp = 2, .pp = 2};  // the second stage is boards 2 and 3
  const auto first = step(plan, {"slow-chip@board=0/chip=0:0.5"});
  EXPECT_EQ(step(plan, {"slow-chip@board=0/chip=0:0.5", "slow-chip@board=1/chip=2:0.5"}), first) << "two replicas wait for each other, not longer";
  const auto both_stages = step(plan, {"slow-chip@board=0/chip=0:0.5", "slow-chip@board=2/chip=0:0.5"});
  const auto two_replicas = step(plan, {"slow-chip@board=0/chip=0:0.5", "slow-chip@board=3/chip=0:0.5"});
  EXPECT_GT(both_stages, two_replicas) << "one pipeline with two slow stages against two with one each";
}

TEST(Faults, ExpertPeersAreOneCluster) {
  config::Diagnostics diagnostics;
  const auto job = job_of({.tp = 2, .ep = 4, .pp = 2}, {});
  const auto placement = plan::place(job.plan, job.machine, 0, config::location_in("test"), diagnostics);
  ASSERT_TRUE(placement) << test::text_of(diagnostics);
  // tp 2, dp 4, pp 2: experts over 4 consecutive ranks of a stage.
  EXPECT_EQ(cluster_of(*placement, 0), cluster_of(*placement, 3));
  EXPECT_EQ(cluster_of(*placement, 0), cluster_of(*placement, 8)) << "the next stage";
  EXPECT_NE(cluster_of(*placement, 0), cluster_of(*placement, 4));
  EXPECT_EQ(cluster_of(*placement, 4), cluster_of(*placement, 15));
}

TEST(Faults, PlanesAndSwitchesAreFeltByTheStagesInTheirUnit) {
  config::Diagnostics diagnostics;
  const auto stages = [&](const std::string& fault) {
    const auto job = job_of({.tp = 2, .pp = 2}, {fault});
    const auto placement = plan::place(job.plan, job.machine, 0, config::location_in("test"), diagnostics);
    std::vector<std::int64_t> at;
    for (const auto& felt : felt_by(job.faults, *placement)) at.push_back(felt.stage);
    return at;
  };
  EXPECT_EQ(stages("dead-switch@board=1/port=board"), (std::vector<std::int64_t>{0}));
  EXPECT_EQ(stages("dead-switch@board=3/port=board"), (std::vector<std::int64_t>{1}));
  EXPECT_EQ(stages("dead-plane@port=cluster"), (std::vector<std::int64_t>{0, 1}));
}

TEST(Faults, ADeadChipOrTheOnlyPlaneStopsTheJob) {
  for (const auto* fault : {"dead-chip@board=1/chip=2", "dead-link@board=1/chip=2/port=cluster", "dead-plane@port=cluster"}) {
    const auto stopped = answer({.tp = 2}, {fault});
    EXPECT_FALSE(stopped.feasible) << fault;
    ASSERT_TRUE(stopped.infeasible) << fault;
    EXPECT_EQ(stopped.infeasible->limit, "faults");
    ASSERT_EQ(stopped.faults.size(), 1u);
    EXPECT_NE(stopped.faults[0].impossible, "");
  }
}

TEST(Faults, OutsideTheJobNobodyFeelsThem) {
  auto job = job_of({.tp = 2}, {"slow-chip@board=3/chip=0:0.1"});
  job.chips = 8;  // boards 0 and 1
  config::Diagnostics diagnostics;
  const auto result = train(job, config::location_in("test"), diagnostics);
  ASSERT_TRUE(result);
  EXPECT_EQ(result->step_time, result->healthy_step_time);
  EXPECT_NE(test::text_of(diagnostics).find("has no effect"), std::string::npos);
}

}  // namespace
}  // namespace zettatwin::training
