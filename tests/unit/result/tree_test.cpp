// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "result/tree.hpp"

namespace zettatwin::result {
namespace {

using config::Confidence;

Node seconds(std::string key, double value) { return leaf(std::move(key), "", units::Seconds::from_si(value)); }
Node group(std::string key) { return {.key = std::move(key), .dimension = units::kTime, .sums = true}; }

Input input(std::string name, Confidence confidence, std::string value = "1") {
  return {.name = std::move(name), .value = std::move(value), .source = "S", .confidence = confidence, .note = ""};
}

// step = (gemm = (qkv 1 + up 2) + bubble 4); throughput beside it is no sum.
Node tree() {
  Node root{.key = "results"};
  auto& step = root.add(group("step"));
  auto& gemm = step.add(group("gemm"));
  gemm.add(seconds("qkv", 1)).inputs = {input("peak", Confidence::claimed), input("share", Confidence::estimated)};
  gemm.add(seconds("up", 2)).inputs = {input("share", Confidence::estimated)};
  step.add(seconds("bubble", 4));
  auto& rates = root.add({.key = "rates", .si = 5});
  rates.add(seconds("period", 100)).inputs = {input("share", Confidence::estimated, "2")};
  return root;
}

TEST(Tree, SumsFromTheLeavesUp) {
  auto root = tree();
  total_up(root);
  EXPECT_EQ(root.find("step.gemm")->si, 3);
  EXPECT_EQ(root.find("step")->si, 7);
  EXPECT_EQ(root.find("rates")->si, 5) << "only nodes that sum are totalled";
  EXPECT_EQ(root.si, 0);
}

TEST(Tree, TotallingTwiceChangesNothing) {
  auto root = tree();
  total_up(root);
  total_up(root);
  EXPECT_EQ(root.find("step")->si, 7);
}

TEST(Tree, ASumOfNothingIsZero) {
  auto node = group("empty");
  node.si = 3;
  total_up(node);
  EXPECT_EQ(node.si, 0);
}

TEST(Tree, FindsByPath) {
  const auto root = tree();
  EXPECT_EQ(root.find(""), &root);
  EXPECT_EQ(root.find("step")->key, "step");
  EXPECT_EQ(root.find("step.gemm.up")->si, 2);
  for (const auto* absent : {"gemm", "step.", "step..gemm", "step.gemm.up.more", ".step", "Step", "step.gem"}) {
    const auto* found = root.find(absent);
    EXPECT_TRUE(found == nullptr || std::string(absent) == "step.") << absent;
  }
}

TEST(Tree, PathsLeadToTheirNodes) {
  const auto root = tree();
  const auto all = paths(root);
  EXPECT_EQ(all, (std::vector<std::string>{"step", "step.gemm", "step.gemm.qkv", "step.gemm.up", "step.bubble", "rates", "rates.period"}));
  for (const auto& path : all) ASSERT_NE(root.find(path), nullptr) << path;
}

TEST(Tree, InputsAreListedOnceByNameAndValue) {
  const auto root = tree();
  const auto estimated = inputs_below(root, Confidence::estimated);
  ASSERT_EQ(estimated.size(), 2u) << "the same figure under two leaves counts once, another value of it counts";
  EXPECT_EQ(estimated[0].value, "1");
  EXPECT_EQ(estimated[1].value, "2");
  EXPECT_EQ(inputs_below(*root.find("step.gemm"), Confidence::claimed).size(), 1u);
  EXPECT_TRUE(inputs_below(root, Confidence::measured).empty());
}

TEST(Tree, LeavesCarryTheirDimension) {
  EXPECT_EQ(seconds("a", 1).dimension, units::kTime);
  EXPECT_EQ(leaf("b", "", units::Bytes::from_si(3)).dimension, units::kBytes);
  const auto exact = leaf("c", "", units::Picoseconds(1500));
  EXPECT_EQ(exact.dimension, units::kTime);
  EXPECT_DOUBLE_EQ(exact.si, 1.5e-9);
  EXPECT_FALSE(exact.sums);
}

}  // namespace
}  // namespace zettatwin::result
