// SPDX-License-Identifier: Apache-2.0
// Faults on named cables of graphs: rates by hand, jobs that run on them or cannot.
#include "training/cable_faults.hpp"

#include <gtest/gtest.h>

#include "../../support/toy.hpp"

namespace zettatwin::training {
namespace {

// 16 nodes of 8 chips, four under each of four leaves, eight cables each; leaves joined by two spines.
Job job_with(const std::vector<std::string>& faults) {
  Job job{.machine = test::catalog_machine("example-graph"), .architecture = test::catalog_model("llama-3.1-8b"), .plan = {.tp = 8}, .software = test::catalog_software()};
  job.plan.global_batch = 128;
  job.sequence_length = 2048;
  config::Diagnostics diagnostics;
  for (const auto& text : faults)
    if (auto fault = traffic::parse_fault(text, job.machine, config::location_in("test"), diagnostics)) job.faults.push_back(std::move(*fault));
  EXPECT_FALSE(diagnostics.has_errors()) << test::text_of(diagnostics);
  return job;
}

const hardware::GraphRates& rates_of(const Job& job) { return *job.machine.levels[1].network.rates; }

// In a ring each node sends to the next over its own eight cables: half of them left is half the rate. All to all it is at most half of the ports.
TEST(CableFaults, RatesAreThoseOfWhatIsLeft) {
  const auto job = job_with({"slow-link@from=unit5/to=leaf1:0.5"});
  const auto left = without_named_cables(job);
  ASSERT_TRUE(left);
  EXPECT_TRUE(left->job.faults.empty());
  EXPECT_EQ(left->impossible, "");
  EXPECT_NEAR(rates_of(left->job).neighbours.si(), 0.5 * rates_of(job).ports.si(), 1e-3);
  EXPECT_NEAR(rates_of(left->job).uniform.si(), 0.5 * rates_of(job).ports.si(), 1e-3);
  EXPECT_EQ(rates_of(left->job).ports, rates_of(job).ports);
}

TEST(CableFaults, WaysAvoidDeadCables) {
  const auto job = job_with({"dead-link@from=leaf0/to=spine0"});
  const auto left = without_named_cables(job);
  ASSERT_TRUE(left);
  EXPECT_EQ(left->impossible, "");
  EXPECT_LT(rates_of(left->job).uniform, rates_of(job).uniform);
  EXPECT_GT(rates_of(left->job).uniform.si(), 0);
}

TEST(CableFaults, ANodeWithoutCablesStopsTheJob) {
  const auto job = job_with({"dead-link@from=unit5/to=leaf1"});
  config::Diagnostics diagnostics;
  const auto result = train(job, config::location_in("test"), diagnostics);
  ASSERT_TRUE(result) << test::text_of(diagnostics);
  ASSERT_TRUE(result->infeasible);
  EXPECT_EQ(result->infeasible->limit, "faults");
}

TEST(CableFaults, AreCostedOneByOneAndTogether) {
  const auto job = job_with({"slow-link@from=unit5/to=leaf1:0.5", "slow-chip@node=1/gpu=1:0.9"});
  config::Diagnostics diagnostics;
  const auto result = train(job, config::location_in("test"), diagnostics);
  ASSERT_TRUE(result) << test::text_of(diagnostics);
  ASSERT_EQ(result->faults.size(), 2U);
  EXPECT_GT(result->faults[0].cost.count(), 0);
  EXPECT_EQ(result->faults[0].part, "cable from unit5 to leaf1 at 50 %");
  EXPECT_GE(result->step_time, result->healthy_step_time + std::max(result->faults[0].cost, result->faults[1].cost));
}

TEST(CableFaults, OfOtherLevelsAreNot) {
  const auto job = job_with({});
  EXPECT_FALSE(without_named_cables(job));
  config::Diagnostics diagnostics;
  const auto port = traffic::parse_fault("slow-link@node=1/gpu=1/port=node:0.5", job.machine, config::location_in("test"), diagnostics);
  ASSERT_TRUE(port) << test::text_of(diagnostics);
  EXPECT_FALSE(graph_level_of(*port, job.machine));
}

}  // namespace
}  // namespace zettatwin::training
