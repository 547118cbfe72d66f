// SPDX-License-Identifier: Apache-2.0
// The JSON's contract: names, units and sums (docs/json.md).
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "../../support/places.hpp"
#include "answered.hpp"

namespace zettatwin::report {
namespace {

using Json = nlohmann::json;
using namespace testing;

Json parsed(const Answered& a) { return Json::parse(json(a.subject())); }

TEST(ReportJson, HasTheFieldsThatScriptsRelyOn) {
  const auto& a = usual();
  const auto j = parsed(a);
  EXPECT_EQ(j["schema"], "zettatwin/train/1");
  const auto& r = j["results"];
  EXPECT_EQ(r["feasible"], true);
  EXPECT_DOUBLE_EQ(r["step_time_s"], a.result.step_time.seconds().si());
  EXPECT_DOUBLE_EQ(r["tokens_per_s"], a.result.tokens_per_s);
  EXPECT_DOUBLE_EQ(r["mfu"], a.result.mfu);
  EXPECT_DOUBLE_EQ(r["memory_peak_bytes"], a.result.memory_peak.si());
  EXPECT_EQ(r["chips"], 64);
  EXPECT_EQ(r["idle_chips"], 0);
  EXPECT_FALSE(r.contains("infeasible"));
  EXPECT_DOUBLE_EQ(r["breakdown"]["total_s"], r["step_time_s"]);
  EXPECT_EQ(j["plan"]["automatic"], false);
}

TEST(ReportJson, FiguresAgreeWithEachOther) {
  const auto r = parsed(usual())["results"];
  const double step = r["step_time_s"], tokens = r["tokens_per_step"], rate = r["tokens_per_s"], chips = r["chips"];
  EXPECT_NEAR(rate, tokens / step, 1e-6 * rate);
  EXPECT_NEAR(r["model_flop_per_s_per_chip"].get<double>(), r["model_flop_per_token"].get<double>() * rate / chips, 1e6);
  EXPECT_NEAR(r["mfu"].get<double>(), r["model_flop_per_s_per_chip"].get<double>() / r["mfu_peak_flop_per_s"].get<double>(), 1e-12);
  EXPECT_NEAR(r["training_time_s"].get<double>(), 1e12 / rate, 1e-3);
  EXPECT_NEAR(r["training_chip_hours"].get<double>(), 1e12 / rate / 3600 * chips, 1e-3);
}

// Totals equal the sums of what is below them, and every figure's name ends in its unit.
double check_tree(const Json& tree, const std::string& suffix, const std::string& path) {
  double sum = 0;
  for (const auto& [key, value] : tree.items()) {
    if (key == "total" + suffix) continue;
    if (value.is_object()) {
      sum += check_tree(value, suffix, path + "." + key);
    } else {
      EXPECT_TRUE(value.is_number()) << path << "." << key;
      EXPECT_TRUE(key.ends_with(suffix)) << path << "." << key;
      sum += value.get<double>();
    }
  }
  const double total = tree.at("total" + suffix);
  EXPECT_NEAR(sum, total, 1e-9 * total) << path;
  return total;
}

TEST(ReportJson, TreesSumUp) {
  for (const auto* a : {&usual(), &infeasible()}) {
    const auto r = parsed(*a)["results"];
    EXPECT_NEAR(check_tree(r["breakdown"], "_s", "breakdown"), r["step_time_s"].get<double>(), 1e-9);
    EXPECT_NEAR(check_tree(r["memory"], "_bytes", "memory"), r["memory_peak_bytes"].get<double>(), 1);
  }
}

TEST(ReportJson, AnInfeasiblePlanIsAnAnswer) {
  const auto& a = infeasible();
  const auto r = parsed(a)["results"];
  EXPECT_EQ(r["feasible"], false);
  EXPECT_EQ(r["infeasible"]["limit"], "memory");
  EXPECT_GT(r["infeasible"]["needed"].get<double>(), r["infeasible"]["available"].get<double>());
  EXPECT_EQ(r["infeasible"]["available"], 81559 * 1048576.0);  // what a card sold as 80 GB reports
  EXPECT_TRUE(r["infeasible"]["role"].is_string());
  EXPECT_TRUE(r["infeasible"]["reason"].is_string());
  EXPECT_FALSE(r["infeasible"]["suggestions"].empty());
}

TEST(ReportJson, OneRolePerPipelineRank) {
  const auto r = parsed(usual())["results"];
  ASSERT_EQ(r["roles"].size(), 2u);
  EXPECT_EQ(r["roles"][0]["chips"].get<int>() + r["roles"][1]["chips"].get<int>(), 64);
  for (const auto& role : r["roles"]) {
    EXPECT_LE(role["busy_s"].get<double>() + role["idle_s"].get<double>(), r["step_time_s"].get<double>());
    EXPECT_GT(role["memory_bytes"].get<double>(), 0);
  }
}

TEST(ReportJson, EveryNumberIsFinite) {
  for (const auto* a : {&usual(), &infeasible()}) EXPECT_EQ(json(a->subject()).find("null"), std::string::npos);
}

TEST(ReportJson, TitlesOfAnyTextSurvive) {
  auto a = usual();
  a.title = "\"quoted\" \\ \n \t \x01 é 昇";
  EXPECT_EQ(parsed(a)["title"], a.title);
}

TEST(ReportJson, TheSameTextTwice) {
  const auto& a = usual();
  EXPECT_EQ(json(a.subject()), json(answered(a.job.plan).subject()));
}

TEST(ReportJson, ComparisonHoldsBoth) {
  const auto faster = answered({.tp = 1, .ep = 8, .pp = 4});
  const auto j = Json::parse(comparison_json(usual().subject(), faster.subject()));
  EXPECT_EQ(j["schema"], "zettatwin/compare/1");
  EXPECT_EQ(j["a"], parsed(usual()));
  EXPECT_EQ(j["b"], parsed(faster));
  EXPECT_NEAR(j["tokens_per_s_b_over_a"].get<double>(), faster.result.tokens_per_s / usual().result.tokens_per_s, 1e-12);
  EXPECT_EQ(Json::parse(comparison_json(usual().subject(), infeasible().subject()))["tokens_per_s_b_over_a"], 0);
}

// Every name outside of the trees is in docs/json.md, so that none is added without its meaning.
void expect_documented(const std::string& text, const Json& value, const std::string& path) {
  if (path.ends_with(".breakdown") || path.ends_with(".memory")) return;
  if (value.is_array() && !value.empty()) return expect_documented(text, value[0], path + "[]");
  if (!value.is_object()) return;
  for (const auto& [key, child] : value.items()) {
    EXPECT_NE(text.find("`" + key + "`"), std::string::npos) << path << "." << key << " is not documented";
    expect_documented(text, child, path + "." + key);
  }
}

TEST(ReportJson, EveryNameIsDocumented) {
  std::ifstream file(test::source_dir() / "docs/json.md");
  const std::string text(std::istreambuf_iterator<char>(file), {});
  ASSERT_FALSE(text.empty()) << "docs/json.md";
  auto subject = usual().subject();
  subject.practice = PublishedPractice{.tokens_per_step = 1, .times_larger = 2, .feasible = true, .tokens_per_s = 1, .mfu = 0.5, .plan = "tp=1"};
  expect_documented(text, Json::parse(json(subject)), "");
  expect_documented(text, parsed(infeasible()), "");
  expect_documented(text, Json::parse(comparison_json(usual().subject(), usual().subject())), "");
}

}  // namespace
}  // namespace zettatwin::report
