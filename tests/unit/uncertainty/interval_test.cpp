// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cmath>

#include "../../support/catalog_files.hpp"
#include "uncertainty/fit.hpp"

namespace zettatwin::uncertainty {
namespace {

Traits traits(const std::string& family, std::int64_t assumed = 0, double kernels = 0) { return {.family = family, .chip_measured = true, .kernels = kernels, .assumed = assumed}; }

Intervals table() {
  Intervals t;
  t.families = {{.name = "step time", .width = 0.3, .assumed = 0, .rows = 10, .campaigns = 3}, {.name = "step time/dense", .width = 0.2, .assumed = 1.5, .kernels = 0.05, .rows = 8, .campaigns = 2}};
  t.knob.value = units::Ratio::from_si(0.1);
  t.served = {{.name = "time per token", .width = 0.1, .note = ""}};
  t.served_knob.value = units::Ratio::from_si(0.05);
  return t;
}

TEST(Interval, TakesTheNearestFamilyOnThePath) {
  EXPECT_DOUBLE_EQ(half_width(table(), traits("step time/dense/some-framework"))->log, 0.2);
  EXPECT_DOUBLE_EQ(half_width(table(), traits("step time/experts/some-framework"))->log, 0.3);
  EXPECT_FALSE(half_width(table(), traits("memory/dense")));
}

TEST(Interval, KnobsAndKernelsBeyondThoseOfTheFamilyWiden) {
  // 0.2^2 + (3 - 1.5) 0.1^2 + 0.15^2 - 0.05^2
  const auto wide = half_width(table(), traits("step time/dense", 3, 0.15));
  EXPECT_NEAR(wide->log, std::sqrt(0.04 + 0.015 + 0.0225 - 0.0025), 1e-12);
  EXPECT_NE(wide->basis.find("3 assumed knobs"), std::string::npos) << wide->basis;
  EXPECT_NE(wide->basis.find("known to 15 %"), std::string::npos) << wide->basis;
  EXPECT_DOUBLE_EQ(half_width(table(), traits("step time/dense", 0, 0.04))->log, 0.2) << "the family's runs knew theirs no better";
  EXPECT_DOUBLE_EQ(half_width(table(), traits("step time/dense", 1))->log, 0.2) << "the family's runs leave as many open";
}

TEST(Interval, OfServingAddsKernelsAndKnobsInQuadrature) {
  EXPECT_NEAR(*served_half_width(table(), "time per token", 0.2, 4), std::sqrt(0.01 + 0.04 + 4 * 0.0025), 1e-12);
  EXPECT_FALSE(served_half_width(table(), "colour", 0.2, 0));
}

TEST(Fit, KernelsOfAFamilyAreTheRootMeanSquare) {
  auto a = Sample{.traits = traits("q/a", 0, 0.3), .campaign = "A", .log_error = 0.1}, b = a;
  b.traits.kernels = 0.1;
  EXPECT_NEAR(fitted({}, {a, b}).families[0].kernels, std::sqrt(0.05), 1e-12);
}

TEST(Fit, WeightedQuantileByHand) {
  EXPECT_DOUBLE_EQ(weighted_quantile({{3, 1}, {1, 1}, {2, 1}, {4, 1}, {5, 1}}, 0.8), 4);
  EXPECT_DOUBLE_EQ(weighted_quantile({{1, 9}, {2, 1}}, 0.8), 1);
  EXPECT_DOUBLE_EQ(weighted_quantile({{1, 1}, {2, 9}}, 0.8), 2);
}

Sample sample(const std::string& family, const std::string& campaign, double error, std::int64_t assumed = 0) { return {.traits = traits(family, assumed), .campaign = campaign, .log_error = error}; }

TEST(Fit, FamiliesAreDrawnTowardsTheirParents) {
  // One campaign each: A is off by 0.1, B by 0.3. Of two campaigns the 80 % quantile is the larger.
  const auto t = fitted({}, {sample("q/a", "A", 0.1), sample("q/a", "A", -0.1), sample("q/b", "B", 0.3)});
  ASSERT_EQ(t.families.size(), 3u);
  // Left out in turn: A against 0.3 gives 1/3, B against 0.1 gives 3; the larger of the two campaigns decides.
  constexpr double kGrowth = 3;
  EXPECT_EQ(t.families[0].name, "q");
  EXPECT_NEAR(t.families[0].width, 0.3 * kGrowth, 1e-12);
  EXPECT_EQ(t.families[1].name, "q/a");
  EXPECT_NEAR(t.families[1].width, (0.1 + 0.3) / 2 * kGrowth, 1e-12);
  EXPECT_EQ(t.families[1].rows, 2);
  EXPECT_NEAR(t.families[2].width, 0.3 * kGrowth, 1e-12);
}

TEST(Fit, ManyRunsOfOneCampaignCountAsOne) {
  std::vector<Sample> samples{sample("q/a", "A", 0.1), sample("q/a", "B", 0.2), sample("q/a", "C", 0.3)};
  const auto once = fitted({}, samples);
  for (int i = 0; i < 50; ++i) samples.push_back(sample("q/a", "A", 0.1));
  const auto often = fitted({}, samples);
  for (std::size_t f = 0; f < once.families.size(); ++f) EXPECT_NEAR(once.families[f].width, often.families[f].width, 1e-12);
}

TEST(Fit, AKnobIsTheSlopeOfSquaredErrors) {
  // r^2 = 0.01 without and 0.05 with one assumed knob: a variance of 0.04 per knob.
  const auto t = fitted({}, {sample("step time/dense/x", "A", 0.1), sample("step time/dense/x", "A", std::sqrt(0.05), 1)});
  EXPECT_NEAR(t.knob.si(), 1.2816 * 0.2, 1e-9);
  EXPECT_EQ(fitted({}, {sample("step time/dense/x", "A", 0.2), sample("step time/dense/x", "A", 0.1, 1)}).knob.si(), 0) << "an assumption that helps does not narrow";
}

TEST(Fit, UnmeasuredChipsAreLeftOut) {
  auto odd = sample("q/a", "B", 2);
  odd.traits.chip_measured = false;
  const auto t = fitted({}, {sample("q/a", "A", 0.1), odd});
  EXPECT_EQ(t.families[0].rows, 1);
}

TEST(Catalog, IntervalsCanBeReadAndAreOrdered) {
  const test::CatalogFiles catalog;
  config::Diagnostics diagnostics;
  const auto t = load_intervals(catalog, diagnostics);
  ASSERT_TRUE(t) << test::text_of(diagnostics);
  EXPECT_EQ(t->share, 0.8);
  for (const auto& f : t->families) {
    EXPECT_GT(f.width, 0) << f.name;
    EXPECT_GE(f.rows, f.campaigns) << f.name;
    EXPECT_GE(f.campaigns, 1) << f.name;
  }
  EXPECT_TRUE(half_width(*t, traits("step time/dense/a framework of tomorrow")));
}

}  // namespace
}  // namespace zettatwin::uncertainty
