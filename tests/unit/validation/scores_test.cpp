// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>

#include "validation/show.hpp"

namespace zettatwin::validation {
namespace {

Judgement judged(const std::string& group, double measured, std::optional<double> predicted, const std::string& metric = "step_time") {
  Judgement j;
  j.id = group + "-1";
  j.set = "public";
  j.group = group;
  j.metric = metric;
  j.unit = "s";
  j.model = "m";
  j.measured = measured;
  j.predicted = predicted;
  j.sweep = metric;
  j.series = metric;
  return j;
}

TEST(Scores, ByHand) {
  // Signed errors -10, +20, +5, 0 %, and one row without an answer.
  const auto all = scores({{judged("A", 10, 9), judged("A", 10, 12), judged("A", 20, 21), judged("A", 40, 40), judged("A", 1, std::nullopt)}, {}});
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

TEST(Scores, CoverageIsOfFullySpecifiedRows) {
  auto open = judged("A", 1, std::nullopt);
  open.fully_specified = false;
  EXPECT_DOUBLE_EQ(scores({{judged("A", 1, 1), open, open}, {}})[0].coverage(), 1);
  EXPECT_DOUBLE_EQ(scores({{open, open}, {}})[0].coverage(), 0) << "none is: of all rows";
}

TEST(Scores, NothingPredictedIsNoNumber) {
  const Judgements none{{judged("A", 1, std::nullopt), judged("A", 0, 5)}, {}};
  EXPECT_EQ(scores(none)[0].predicted, 0);
  EXPECT_NE(json(none).find("\"mean\": null"), std::string::npos);
  for (const auto& text : {json(none), text(none), html(none, {}), csv(none.rows)}) {
    EXPECT_EQ(text.find("nan"), std::string::npos) << text;
    EXPECT_EQ(text.find("inf,"), std::string::npos);
  }
}

TEST(Scores, RowsKnownToBeWrongAreScoredApart) {
  auto wrong = judged("A", 1, 100);
  wrong.excluded = "another run says otherwise";
  const auto all = scores({{judged("A", 10, 11), wrong}, {}});
  ASSERT_EQ(all.size(), 3u);
  EXPECT_EQ(all[0].rows, 1);
  EXPECT_NEAR(all[0].max, 10, 1e-9);
  EXPECT_EQ(all[1].rows, 1);
  EXPECT_EQ(all[2].group, "excluded");
  EXPECT_NEAR(all[2].max, 9900, 1e-6);
}

TEST(Scores, MemoryIsNotMixedWithTime) {
  auto memory = judged("A memory", 50, 100, "peak memory allocated");
  const auto all = scores({{judged("A", 10, 11)}, {memory}});
  ASSERT_EQ(all.size(), 3u);
  EXPECT_EQ(all[1].group, "A memory");
  EXPECT_EQ(all[2].group, "all");
  EXPECT_EQ(all[2].rows, 1);
}

TEST(Scores, GroupsKeepTheOrderOfTheirFirstRows) {
  const auto all = scores({{judged("Z", 1, 1), judged("A", 1, 1), judged("Z", 1, 2)}, {}});
  ASSERT_EQ(all.size(), 3u);
  EXPECT_EQ(all[0].group, "Z");
  EXPECT_EQ(all[0].rows, 2);
  EXPECT_EQ(all[1].group, "A");
  EXPECT_EQ(all[2].rows, 3);
}

TEST(Scores, IntervalsHoldOrDoNotHold) {
  auto in = judged("A", 10, 11), out = judged("A", 10, 12);
  in.half_width = out.half_width = std::log(1.15);
  EXPECT_NEAR(*in.low(), 11 / 1.15, 1e-12);
  EXPECT_NEAR(*in.high(), 11 * 1.15, 1e-12);
  EXPECT_TRUE(in.inside());
  EXPECT_FALSE(out.inside()) << "10.43 to 13.8";
  const auto s = scores({{in, out, judged("A", 1, 1)}, {}})[0];
  EXPECT_EQ(s.with_interval, 2);
  EXPECT_EQ(s.inside, 1);
}

// Intervals learn from plans as rows tell them: not from times of plans that do not fit, nor of readings chosen because the first did not. Memory is compared all the same.
TEST(Samples, AreOfPlansAsRowsTellThem) {
  const auto of = [](Status status, bool read_otherwise, const std::string& family) {
    auto j = judged("A", 10, 8);
    j.status = status;
    j.read_otherwise = read_otherwise;
    j.traits.family = family;
    return samples({{j}, {}}).size();
  };
  const std::string time = std::string(uncertainty::kStepTime) + "/dense", memory = std::string(uncertainty::kMemory) + "/dense";
  EXPECT_EQ(of(Status::ok, false, time), 1u);
  EXPECT_EQ(of(Status::ok, true, time), 0u);
  EXPECT_EQ(of(Status::infeasible, false, time), 0u);
  EXPECT_EQ(of(Status::ok, true, memory), 1u);
}

TEST(Csv, OneLinePerRowAndQuotesWhereNeeded) {
  auto j = judged("A", 2, 3);
  j.note = "a, \"b\"\nc";
  EXPECT_NE(csv({j}).find("A-1,A,ok,step_time,s,2,3,50,,,,\"a, \"\"b\"\"\nc\"\n"), std::string::npos) << csv({j});
}

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t n = 0;
  for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + part.size())) ++n;
  return n;
}

TEST(Html, IsOnePageThatNeedsNothingElse) {
  auto odd = judged("A", 2, 3);
  odd.model = "<script>alert(\"&\")</script>";
  odd.note = "x < y";
  GroupNotes notes;
  notes.bars.push_back({.name = "A", .group = "A", .set = "", .kind = "", .words = {}, .mean = 5});
  const auto page = html({{odd, judged("A", 4, 4), judged("B", 1, std::nullopt)}, {}}, notes);
  for (const auto* tag : {"svg", "table", "tr", "td", "th", "div", "script", "h2", "p", "g", "text"})
    EXPECT_EQ(count(page, fmt::format("<{}>", tag)) + count(page, fmt::format("<{} ", tag)), count(page, fmt::format("</{}>", tag))) << tag;
  EXPECT_EQ(page.find("alert("), page.find("alert(&quot;")) << "what rows say is text";
  EXPECT_EQ(count(page, "http"), count(page, "http://www.w3.org/2000/svg")) << "no link leads outside";
  EXPECT_NE(page.find("missed"), std::string::npos);
}

TEST(Document, NamesBarsAndPlots) {
  GroupNotes notes;
  notes.groups.push_back({.group = "A", .title = "some runs", .source = "", .why = "because"});
  notes.bars.push_back({.name = "A", .group = "A", .set = "public", .kind = "", .words = {}, .mean = 30});
  const auto files = document({{judged("A", 10, 12)}, {}}, notes);
  ASSERT_EQ(files.size(), 3u);
  EXPECT_NE(files[0].text.find("| A | 1 | mean <= 30 % | mean 20.0 % | met |"), std::string::npos) << files[0].text;
  EXPECT_NE(files[0].text.find("+20.0 % | because |"), std::string::npos);
  EXPECT_NE(files[2].text.find("</svg>"), std::string::npos);
}

TEST(Document, SaysUnderAMissedBarWhatIsMissingAndShowsResiduals) {
  GroupNotes notes;
  notes.bars.push_back({.name = "met", .group = "A", .set = "", .kind = "", .words = {}, .mean = 30, .missing = "unseen"});
  notes.bars.push_back({.name = "missed", .group = "A", .set = "", .kind = "", .words = {}, .mean = 15, .missing = "Casts are not modelled.", .by = {"precision", "plan"}});
  auto a = judged("A", 10, 12), b = judged("A", 10, 7), c = judged("A", 10, 11), excluded = judged("A", 1, 9);
  a.precision = b.precision = "fp8";
  c.precision = "bf16";
  a.plan = b.plan = c.plan = "tp 8";
  excluded.excluded = "wrong";
  const auto text = document({{a, b, c, excluded}, {}}, notes)[0].text;
  EXPECT_EQ(text.find("unseen"), std::string::npos);
  EXPECT_NE(text.find("### missed: mean 20.0 %, bar mean <= 15 %\n\nCasts are not modelled.\n"), std::string::npos) << text;
  const auto worse = text.find("| fp8, tp 8 | 2 | -5.0 % | 25.0 % | -30.0 % | +20.0 % |"), better = text.find("| bf16, tp 8 | 1 | +10.0 % | 10.0 % | +10.0 % | +10.0 % |");
  EXPECT_NE(worse, std::string::npos) << text;
  EXPECT_LT(worse, better) << "what adds most comes first";
  EXPECT_EQ(document({{a}, {}}, {})[0].text.find("Bars that are missed"), std::string::npos);
}

TEST(Bars, OrderAndCoverageAreAtLeast) {
  auto low = judged("A", 1, 2), high = judged("A", 2, 1), none = judged("A", 3, std::nullopt);
  const Judgements all{{low, high, none}, {}};
  const auto results = held_against({{.name = "order", .tau = 0.8}, {.name = "much", .coverage = 98}, {.name = "some", .coverage = 60}}, all);
  ASSERT_EQ(results.size(), 3u);
  EXPECT_FALSE(results[0].met);
  EXPECT_EQ(words_of(results[0], "<=").bar, "tau >= 0.8");
  EXPECT_EQ(words_of(results[0], "<=").is, "tau -1.00");
  EXPECT_FALSE(results[1].met);
  EXPECT_TRUE(results[2].met);
  EXPECT_EQ(words_of(results[2], "<=").is, "coverage 66.7 %");
}

}  // namespace
}  // namespace zettatwin::validation
