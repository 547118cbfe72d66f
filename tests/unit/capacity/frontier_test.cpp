// SPDX-License-Identifier: Apache-2.0
// Laws of the frontier of deployments.
#include "capacity/frontier.hpp"

#include "cases.hpp"

namespace zettatwin::capacity {
namespace {

TEST(CapacityFrontier, NoPointBeatsAnother) {
  const auto found = test::capacity_case("dgx-h200", "llama-3.1-70b", 16).answer();
  ASSERT_GT(found.points.size(), 4u);
  for (std::size_t i = 1; i < found.points.size(); ++i) {
    EXPECT_LT(found.points[i].per_user(), found.points[i - 1].per_user());
    EXPECT_GT(found.points[i].per_chip(), found.points[i - 1].per_chip());
  }
  EXPECT_GE(found.layouts, found.fitting);
  EXPECT_GT(found.states, found.fitting) << "several states of each layout";
}

TEST(CapacityFrontier, TheBestMeetsTheObjectives) {
  auto c = test::capacity_case("dgx-h200", "llama-3.1-70b", 16);
  double before = 0;
  for (const double tpot : {0.015, 0.025, 0.05, 0.1}) {
    c.slo.tpot = units::Seconds::from_si(tpot);
    c.slo.ttft = units::Seconds::from_si(2);
    const auto found = c.answer();
    ASSERT_TRUE(found.best) << tpot;
    EXPECT_LE(found.best->tpot, c.slo.tpot);
    EXPECT_LE(found.best->ttft, c.slo.ttft);
    EXPECT_GE(found.best->per_chip(), before) << "looser objectives never cost throughput";
    before = found.best->per_chip();
    for (const auto& p : found.points)
      if (p.tpot <= c.slo.tpot && p.ttft <= c.slo.ttft) {
        EXPECT_LE(p.per_chip(), found.best->per_chip());
      }
  }
}

TEST(CapacityFrontier, AnswersOnlyWhatFits) {
  // 671 GB of weights: not on one node of 80 GB cards, but on two.
  const auto one = test::capacity_case("dgx-h800", "deepseek-v3", 8).answer();
  EXPECT_TRUE(one.points.empty());
  ASSERT_TRUE(one.nearest_miss);
  EXPECT_GT(one.nearest_miss->needed, one.nearest_miss->available);
  const auto two = test::capacity_case("dgx-h800", "deepseek-v3", 16).answer(false);
  ASSERT_FALSE(two.points.empty());
  for (const auto& p : two.points) EXPECT_EQ(p.chips, 16);
}

TEST(CapacityFrontier, ObjectivesThatNothingMeetsHaveNoBest) {
  auto c = test::capacity_case("dgx-h200", "llama-3.1-70b", 8);
  c.slo.tpot = units::Seconds::from_si(1e-5);
  const auto found = c.answer();
  EXPECT_FALSE(found.best);
  EXPECT_FALSE(found.points.empty());
}

TEST(CapacityFrontier, PrefillApartCountsItsChips) {
  auto c = test::capacity_case("dgx-h200", "llama-3.1-70b", 64);
  c.slo.tpot = units::Seconds::from_si(0.03);
  const auto found = c.answer();
  ASSERT_TRUE(found.best_disaggregated);
  const auto& p = *found.best_disaggregated;
  ASSERT_EQ(p.deployment.pools.size(), 2u);
  EXPECT_GT(p.prefill_per_decode, 0);
  EXPECT_NEAR(p.chips, static_cast<double>(p.deployment.pools[1].chips()) + p.prefill_per_decode * static_cast<double>(p.deployment.pools[0].chips()), 1e-9);
}

TEST(CapacityFrontier, PrefillInstancesAreInTimeWithTheirQueue) {
  // Two pipeline stages cost the fewest chip-seconds; with two prompts in front of it a prompt of theirs takes more than the objective.
  auto c = test::capacity_case("dgx-h200", "llama-3.1-70b", 64, inference::Format::bf16);
  c.input = 2000;
  c.output = 300;
  c.slo.ttft = units::Seconds::from_si(1);
  c.slo.tpot = units::Seconds::from_si(0.04);
  const auto found = c.answer();
  ASSERT_TRUE(found.best_disaggregated);
  EXPECT_LE(found.best_disaggregated->ttft, c.slo.ttft);
  EXPECT_EQ(found.best_disaggregated->deployment.pools[0].pp, 1);
  // One request in flight: nobody waits longer than in front of instances that are 80 % busy.
  EXPECT_LT(found.points.front().ttft, c.slo.ttft);
}

TEST(CapacityFrontier, TheSmallestInstanceHasStagesOnlyIfItMust) {
  const auto smallest = [](const std::string& machine, const std::string& model, std::int64_t chips) {
    const auto c = test::capacity_case(machine, model, chips);
    return smallest_instance({.machine = c.machine, .model = c.model, .software = c.software, .chips = c.chips, .input = c.input, .output = c.output, .slo = c.slo, .base = c.base});
  };
  EXPECT_EQ(smallest("dgx-h200", "llama-3.1-70b", 8)->chips(), 1);
  const auto large = smallest("dgx-h200", "llama-3.1-405b", 16);  // 406 GB of weights in chips of 151
  ASSERT_TRUE(large);
  EXPECT_EQ(large->tp, 4);
  EXPECT_EQ(large->pp, 1);
  EXPECT_FALSE(smallest("dgx-h800", "deepseek-v3", 8));
  auto c = test::capacity_case("dgx-h100", "llama-3.1-70b", 8, inference::Format::bf16);  // 141 of 160 GB on two chips: hardly any cache
  const auto roomy = smallest_instance({.machine = c.machine, .model = c.model, .software = c.software, .chips = c.chips, .input = c.input, .output = c.output, .slo = c.slo, .base = c.base});
  ASSERT_TRUE(roomy);
  EXPECT_EQ(roomy->tp, 4);
}

TEST(CapacityFrontier, StagesWinWhereSumsAreDearAndWhereADomainIsTooSmall) {
  const auto stages = [](const std::string& machine, const std::string& model, std::int64_t chips, double tpot, inference::Format weights = inference::Format::fp8) {
    auto c = test::capacity_case(machine, model, chips, weights);
    c.slo.tpot = units::Seconds::from_si(tpot);
    const auto found = c.answer(false);
    return found.best ? found.best->deployment.pools.front().pp : 0;
  };
  EXPECT_GT(stages("h100-pcie-node", "llama-3.3-70b", 8, 0.1), 1) << "PCIe: two sums per layer cost more than one send per stage";
  EXPECT_EQ(stages("dgx-h200", "llama-3.1-8b", 8, 0.01), 1) << "a model of one chip under a tight limit: replicas";
  EXPECT_EQ(stages("dgx-h100", "llama-3.1-405b", 16, 0.2, inference::Format::bf16), 2) << "810 GB on nodes of 640 GB";
}

TEST(CapacityFrontier, IsTheSameTwice) {
  const auto c = test::capacity_case("dgx-h200", "mixtral-8x7b", 8);
  const auto a = c.answer(), b = c.answer();
  ASSERT_EQ(a.points.size(), b.points.size());
  for (std::size_t i = 0; i < a.points.size(); ++i) {
    EXPECT_EQ(a.points[i].tpot, b.points[i].tpot);
    EXPECT_EQ(a.points[i].tokens_per_s, b.points[i].tokens_per_s);
  }
}

}  // namespace
}  // namespace zettatwin::capacity
