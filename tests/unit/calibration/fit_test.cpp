// SPDX-License-Identifier: Apache-2.0
// Fits: known figures come back from synthetic timings with noise; five timings of a chip that nobody measured bring its error down;
// the same timings give the same document.
#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "../../support/catalog_files.hpp"
#include "../../support/catalog_with.hpp"
#include "calibration/calibrate.hpp"
#include "calibration/plot.hpp"
#include "hardware/catalog.hpp"

namespace zettatwin::calibration {
namespace {

using hardware::Chip;
using hardware::Precision;

constexpr Precision kWide = Precision::bf16;

// GEMM timings as `truth` would give them, each off by a factor of e^(noise x normal).
std::vector<FamilySamples> synthetic(const Chip& truth, std::size_t count, double noise) {
  const auto own = isolated(truth);
  std::mt19937_64 random(7);
  std::normal_distribution<double> normal;
  std::vector<Sample> samples;
  for (std::size_t i = 0; i < count; ++i) {
    const auto size = [&] { return std::int64_t{1} << (4 + random() % 11); };
    Sample s{{compute::Gemm{.m = size(), .n = size(), .k = size(), .precision = kWide}}, 0, i};
    s.seconds = predicted(own, s) * std::exp(noise * normal(random));
    samples.push_back(std::move(s));
  }
  return {{{"gemm", kWide}, {{"gemm", kWide}}, std::move(samples)}};
}

Chip slower(Chip chip, double math, double launch) {
  auto& g = chip.efficiency.gemm.at(kWide);
  g.math.value *= math;
  g.launch.value *= launch;
  return chip;
}

TEST(Fit, KnownFiguresComeBack) {
  const auto before = test::catalog_chip("h100");
  const auto truth = slower(before, 0.75, 2.5);
  const auto result = calibrate(before, synthetic(truth, 600, 0.03), {.source = "test"});
  const auto& found = result.chip.efficiency.gemm.at(kWide);
  const auto& real = truth.efficiency.gemm.at(kWide);
  EXPECT_NEAR(found.math.si() / real.math.si(), 1, 0.02);
  EXPECT_NEAR(found.launch.si() / real.launch.si(), 1, 0.05);
  EXPECT_LT(result.families[0].after.median, 0.03);
  EXPECT_GT(result.families[0].before.median, 0.2);
  EXPECT_EQ(found.math.provenance.source, "test");
}

TEST(Fit, FiveTimingsOfAnUnknownChip) {
  const auto before = test::catalog_chip("h100");
  const auto truth = slower(before, 0.6, 1);
  auto few = synthetic(truth, 0, 0);
  for (const std::int64_t n : {1024, 2048, 4096, 8192, 16384}) {
    Sample s{{compute::Gemm{.m = n, .n = n, .k = n, .precision = kWide}}, 0, 0};
    s.seconds = predicted(isolated(truth), s);
    few[0].samples.push_back(s);
  }
  const auto result = calibrate(before, few, {.source = "test"});
  EXPECT_EQ(result.families[0].figures.size(), 5u) << "no more figures than timings";
  EXPECT_EQ(result.families[0].figures[0].path, "efficiency.gemm.bf16.math");
  const auto unseen = synthetic(truth, 300, 0)[0].samples;
  EXPECT_LT(goodness(isolated(result.chip), unseen).p90, 0.1);
  EXPECT_GT(goodness(isolated(before), unseen).p90, 0.3);
  EXPECT_NE(result.chip.efficiency.uncertainty.at("gemm.bf16").low.provenance.source, "test") << "five timings tell no quantiles";
}

TEST(Fit, OneOddTimingDoesNotPull) {
  const auto chip = test::catalog_chip("h100");
  auto samples = synthetic(chip, 100, 0.01);
  samples[0].samples[3].seconds *= 50;
  const auto found = calibrate(chip, samples, {.source = "test"}).chip.efficiency.gemm.at(kWide);
  EXPECT_NEAR(found.math.si() / chip.efficiency.gemm.at(kWide).math.si(), 1, 0.05);
}

TEST(Fit, SustainedRatesStay) {
  const auto chip = test::catalog_chip("b200");
  const auto result = calibrate(chip, synthetic(chip, 50, 0.01), {.source = "test"});
  EXPECT_EQ(result.chip.efficiency.sustained.si(), chip.efficiency.sustained.si());
  EXPECT_LT(chip.efficiency.attention_of(kWide).sustained.si(), 1);
  EXPECT_EQ(result.chip.efficiency.attention_of(kWide).sustained.si(), chip.efficiency.attention_of(kWide).sustained.si());
}

// Where a chip tells kernels of serving from those of training, timings are of the former.
TEST(Fit, TimingsOfPromptsAreOfServing) {
  const auto before = test::catalog_chip("ascend-910b");
  ASSERT_TRUE(before.efficiency.served_attention.contains(kWide));
  std::vector<FamilySamples> samples{{{"attention", kWide}, {{"attention", kWide}}, {}}};
  for (const std::int64_t length : {512, 1024, 2048, 3072, 4096, 6144, 8192, 12288, 16384, 24576, 32768}) {
    const compute::AttentionOp op{.batch = 4, .heads = 16, .kv_heads = 4, .q_length = length, .kv_length = length, .head_dim = 128, .v_head_dim = 128};
    samples.back().samples.push_back({{op}, 1.3 * compute::time_of(before, op).time.seconds().si(), 0});
  }
  const auto after = calibrate(before, samples, {.source = "test"}).chip.efficiency;
  const auto& served = after.served_attention.at(kWide);
  EXPECT_LT(served.math.si(), before.efficiency.served_attention.at(kWide).math.si());
  EXPECT_EQ(served.math.provenance.source, "test");
  EXPECT_EQ(after.attention.at(kWide).math.si(), before.efficiency.attention.at(kWide).math.si());
  EXPECT_EQ(after.uncertainty.at("served_attention.bf16").low.provenance.source, "test");
  EXPECT_FALSE(after.uncertainty.contains("attention.bf16"));
}

TEST(Document, ReadsBackAsTheCalibratedChip) {
  const auto before = test::catalog_chip("ascend-910b");
  auto samples = synthetic(slower(before, 0.8, 2), 40, 0.02);
  samples.push_back({{"decode", kWide}, {{"decode", kWide}}, {}});
  for (const std::int64_t length : {1024, 4096, 16384, 65536})
    samples.back().samples.push_back({{compute::AttentionOp{.batch = 8, .heads = 32, .kv_heads = 8, .q_length = 1, .kv_length = length, .head_dim = 128, .v_head_dim = 128}},
                                      20e-6 + 1e-8 * static_cast<double>(length), 0});
  const auto result = calibrate(before, samples, {.source = "it's mine.csv"});
  const auto text = chip_document(result, "ascend-910b", "a title: with a colon");
  EXPECT_EQ(text, chip_document(calibrate(before, samples, {.source = "it's mine.csv"}), "ascend-910b", "a title: with a colon"));
  config::Diagnostics diagnostics;
  const auto chip = hardware::load_chip(test::CatalogWith(text), "mine.yaml", {}, diagnostics);
  for (const auto& d : diagnostics.all()) ADD_FAILURE() << d.text();
  ASSERT_TRUE(chip) << text;
  EXPECT_EQ(chip->title, "a title: with a colon");
  EXPECT_NEAR(chip->efficiency.gemm.at(kWide).math.si(), result.chip.efficiency.gemm.at(kWide).math.si(), 1e-3);
  ASSERT_TRUE(chip->efficiency.residual_of("gemm", Precision::fp16));
  EXPECT_GT(chip->efficiency.residual_of("gemm", Precision::fp16)->high.si(), 1);
  EXPECT_EQ(chip->efficiency.residual_of("collective", kWide), nullptr);
}

TEST(Plot, HoldsAPointPerSample) {
  const auto chip = test::catalog_chip("h100");
  const auto svg = plot_svg(chip, synthetic(chip, 20, 0.1));
  std::size_t points = 0;
  for (auto at = svg.find("h0"); at != std::string::npos; at = svg.find("h0", at + 1)) ++points;
  EXPECT_EQ(points, 20u);
  EXPECT_TRUE(svg.ends_with("</svg>\n"));
}

}  // namespace
}  // namespace zettatwin::calibration
