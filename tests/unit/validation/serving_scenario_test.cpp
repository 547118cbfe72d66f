// SPDX-License-Identifier: Apache-2.0
#include "validation/serving_scenario.hpp"

#include <gtest/gtest.h>

#include "model/architecture.hpp"

namespace zettatwin::validation {
namespace {

model::Architecture with_experts(std::int64_t experts) {
  model::Architecture model;
  model.kinds.emplace_back();
  if (experts > 0) model.kinds.back().experts = model::MixtureOfExperts{.routed_experts = experts, .top_k = 8};
  return model;
}

ServingRow row_of(std::string_view parallelism, std::int64_t chips) {
  ServingRow row;
  row.words = parallel_words(parallelism);
  row.chips = chips;
  row.run = {.input = 1000, .output = 200};
  return row;
}

std::string at(const config::Node& node, const std::vector<std::string>& path) {
  const config::Node* here = &node;
  for (const auto& key : path)
    if (!(here = here->find(key))) return "absent";
  return here->text;
}

TEST(ServingScenario, OnePoolWithAsManyInstancesAsTheChipsHold) {
  const auto sizes = sizes_of(row_of("agg TP4 DP1 moeTP4 EP1", 16), with_experts(256));
  ASSERT_TRUE(sizes.whole);
  EXPECT_EQ(sizes.whole->tp, 4);
  EXPECT_EQ(sizes.whole->instances, 4);
  EXPECT_EQ(sizes.chips(), 16);
}

TEST(ServingScenario, TwoPools) {
  const auto row = row_of("P: 2x(TP1 DP8 EP8) bs1; D: 3x(TP8 DP1 EP8) bs21", 40);
  const auto sizes = sizes_of(row, with_experts(256));
  ASSERT_TRUE(sizes.prefill && sizes.decode);
  EXPECT_EQ(sizes.chips(), 40);
  const auto node = deployment_node(row, sizes);
  EXPECT_EQ(at(node, {"prefill", "dp"}), "8");
  EXPECT_EQ(at(node, {"prefill", "instances"}), "2");
  EXPECT_EQ(at(node, {"decode", "tp"}), "8");
  EXPECT_EQ(at(node, {"decode", "ep"}), "8");
}

TEST(ServingScenario, RequestsAreDealtOutAsTheRowSays) {
  auto row = row_of("P: 2x(TP1 DP8 EP8) bs1; D: 3x(TP8 DP1 EP8) bs21", 40);
  const auto routing = [&](const char* key) { return at(scenario_node(row, sizes_of(row, with_experts(256)), {.concurrency = 4, .rate = 0, .requests = 40}), {key, "routing"}); };
  EXPECT_EQ(routing("decode_router"), "absent");
  row.routing = "round_robin";
  EXPECT_EQ(routing("decode_router"), "round_robin");
  EXPECT_EQ(routing("router"), "round_robin");
  row.words = parallel_words("agg TP4 DP1 moeTP4 EP1");
  EXPECT_EQ(routing("decode_router"), "absent");
}

TEST(ServingScenario, ExpertsThatDoNotDivideAreCopied) {
  const auto sizes = sizes_of(row_of("EP72", 72), with_experts(256));
  ASSERT_TRUE(sizes.whole);
  EXPECT_EQ(sizes.whole->dp, 72);
  EXPECT_EQ(sizes.whole->redundant, 32);
}

TEST(ServingScenario, ADenseModelHasNoExpertGroups) {
  const auto sizes = sizes_of(row_of("TP8 EP1", 8), with_experts(0));
  ASSERT_TRUE(sizes.whole);
  EXPECT_EQ(sizes.whole->ep, 0);
}

TEST(ServingScenario, WithoutWordsNothingIsMadeUp) {
  EXPECT_EQ(sizes_of(row_of("", 8), with_experts(0)).chips(), 0);
  EXPECT_EQ(sizes_of(row_of("PD; large-scale EP, DP attn, EPLB; 12 nodes", 96), with_experts(256)).chips(), 0);
}

TEST(ServingScenario, TrafficOfBenchmarks) {
  auto row = row_of("TP8", 8);
  row.run.least = 0.8;
  const auto loop = traffic_node(row, {.concurrency = 64, .rate = 0, .requests = 640});
  EXPECT_EQ(at(loop, {"concurrency"}), "64");
  EXPECT_EQ(at(loop, {"input", "law"}), "uniform");
  EXPECT_EQ(at(loop, {"input", "low"}), "800");
  EXPECT_EQ(at(loop, {"output", "high"}), "200");
  row.run.least = 1;
  EXPECT_EQ(at(traffic_node(row, {.concurrency = 64, .rate = 0, .requests = 640}), {"input"}), "1000");
  EXPECT_EQ(at(traffic_node(row, {.concurrency = 0, .rate = 2.5, .requests = 640}), {"arrivals"}), "poisson");
}

}  // namespace
}  // namespace zettatwin::validation
