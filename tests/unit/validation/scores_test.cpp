// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cmath>

#include "validation/judge.hpp"

namespace zettatwin::validation {
namespace {

Judgement judged(const std::string& group, double measured, std::optional<double> predicted, const std::string& metric = "step_time") {
  return {.id = group + "-1", .set = "public", .group = group, .metric = metric, .unit = "s", .chip = "", .model = "", .measured = measured, .predicted = predicted, .assumed = {}, .note = ""};
}

TEST(Scores, ByHand) {
  // Signed errors -10, +20, +5, 0 %, and one row without an answer.
  const auto all = scores({judged("A", 10, 9), judged("A", 10, 12), judged("A", 20, 21), judged("A", 40, 40), judged("A", 1, std::nullopt)});
  ASSERT_EQ(all.size(), 2u);
  const auto& s = all[0];
  EXPECT_EQ(s.rows, 5);
  EXPECT_EQ(s.predicted, 4);
  EXPECT_DOUBLE_EQ(s.coverage(), 0.8);
  EXPECT_NEAR(s.mean, 35.0 / 4, 1e-12);
  EXPECT_NEAR(s.bias, 15.0 / 4, 1e-12);
  EXPECT_NEAR(s.median, 7.5, 1e-12);
  EXPECT_NEAR(s.p90, 17, 1e-12) << "0.9 * 3 = 2.7 from 0 in 0, 5, 10, 20";
  EXPECT_NEAR(s.max, 20, 1e-12);
  EXPECT_EQ(all[1].group, "all");
}

TEST(Scores, KendallCountsPairsInOrder) {
  // Measured 1 2 3 4, predicted 1 3 2 4: one of six pairs is out of order.
  EXPECT_NEAR(*scores({judged("A", 1, 1), judged("A", 2, 3), judged("A", 3, 2), judged("A", 4, 4)})[0].tau, 4.0 / 6, 1e-12);
  EXPECT_NEAR(*scores({judged("A", 1, 2), judged("A", 2, 1)})[0].tau, -1, 1e-12);
  // A tie on one side: tau-b = 2 / sqrt(3 * 2).
  EXPECT_NEAR(*scores({judged("A", 1, 1), judged("A", 2, 2), judged("A", 3, 2)})[0].tau, 2 / std::sqrt(6.0), 1e-12);
  EXPECT_FALSE(scores({judged("A", 1, 1)})[0].tau);
  EXPECT_FALSE(scores({judged("A", 1, 1), judged("A", 2, 2, "tokens_per_s")})[0].tau) << "different things are not ranked";
}

TEST(Scores, GroupsKeepTheOrderOfTheirFirstRows) {
  const auto all = scores({judged("Z", 1, 1), judged("A", 1, 1), judged("Z", 1, 2)});
  ASSERT_EQ(all.size(), 3u);
  EXPECT_EQ(all[0].group, "Z");
  EXPECT_EQ(all[0].rows, 2);
  EXPECT_EQ(all[1].group, "A");
  EXPECT_EQ(all[2].rows, 3);
}

TEST(Csv, OneLinePerRowAndQuotesWhereNeeded) {
  auto j = judged("A", 2, 3);
  j.note = "a, \"b\"\nc";
  const auto text = csv({j});
  EXPECT_NE(text.find("A-1,A,ok,step_time,s,2,3,50,,,,\"a, \"\"b\"\"\nc\"\n"), std::string::npos) << text;
}

}  // namespace
}  // namespace zettatwin::validation
