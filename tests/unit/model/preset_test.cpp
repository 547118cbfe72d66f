// SPDX-License-Identifier: Apache-2.0
#include "model/preset.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "documents.hpp"
#include "model/parameters.hpp"

namespace zettatwin::model {
namespace {

using testing::all_text;
using testing::CatalogOnDisk;

const config::Location kHere = config::location_in("--model");

constexpr double kTolerance = 0.005;

// Within 0.5 % of what is published; where authors print few digits, the range of numbers that round to it is
// stated.
::testing::AssertionResult matches(std::int64_t ours, const config::Figure<units::Ratio>& published) {
  const auto& p = published.provenance;
  const bool ranged = p.low_si < p.high_si;
  const double low = (ranged ? p.low_si : published.si()) * (1 - kTolerance);
  const double high = (ranged ? p.high_si : published.si()) * (1 + kTolerance);
  if (low <= static_cast<double>(ours) && static_cast<double>(ours) <= high)
    return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure() << fmt::format("{} is not in [{:.4g}, {:.4g}]", ours, low, high);
}

TEST(Presets, AllLoadWithoutDiagnostics) {
  const CatalogOnDisk catalog;
  const auto names = catalog.list("models");
  EXPECT_GE(names.size(), 80u);
  for (const auto& name : names) {
    config::Diagnostics diagnostics;
    const auto preset = load_preset(catalog, name, kHere, diagnostics);
    const auto architecture = load_model(catalog, name, kHere, diagnostics);
    EXPECT_TRUE(preset && architecture && diagnostics.all().empty()) << name << "\n" << all_text(diagnostics);
    if (preset) {
      EXPECT_EQ(preset->name, name);
    }
  }
}

TEST(Presets, ParametersMatchThePublishedOnes) {
  const CatalogOnDisk catalog;
  int totals = 0, actives = 0;
  for (const auto& name : catalog.list("models")) {
    config::Diagnostics diagnostics;
    const auto preset = load_preset(catalog, name, kHere, diagnostics);
    const auto architecture = load_model(catalog, name, kHere, diagnostics);
    ASSERT_TRUE(preset && architecture) << all_text(diagnostics);
    const auto& published = preset->parameters_published;
    const auto parameters = parameters_of(*architecture);
    if (published.total.present) {
      ++totals;
      EXPECT_TRUE(matches(parameters.total, published.total)) << name << " total";
    }
    if (published.active.present) {
      ++actives;
      const auto active = parameters.active - (published.active_counts_embedding ? 0 : parameters.embedding);
      EXPECT_TRUE(matches(active, published.active)) << name << " active";
    }
  }
  EXPECT_GE(totals, 60);
  EXPECT_GE(actives, 60);
}

TEST(Presets, SyntheticModelsHaveTheSizeOfTheirName) {
  const CatalogOnDisk catalog;
  for (const auto& [name, size] :
       {std::pair{"synthetic-moe-2t", 2e12}, {"synthetic-moe-10t", 1e13}, {"synthetic-moe-100t", 1e14}}) {
    config::Diagnostics diagnostics;
    const auto architecture = load_model(catalog, name, kHere, diagnostics);
    ASSERT_TRUE(architecture);
    const auto parameters = parameters_of(*architecture);
    EXPECT_NEAR(static_cast<double>(parameters.total) / size, 1, 0.02) << name;
    const double share = static_cast<double>(parameters.active) / static_cast<double>(parameters.total);
    EXPECT_TRUE(share > 0.025 && share < 0.05) << name << " " << share;
    EXPECT_EQ(load_preset(catalog, name, kHere, diagnostics)->origin, Origin::synthetic);
  }
}

TEST(LoadModel, ReadsAConfigJsonByPathAndNamesItByItsFolder) {
  const CatalogOnDisk catalog;
  config::Diagnostics diagnostics;
  const auto from_file =
      load_model(catalog, (test::source_dir() / "scenarios/models/deepseek-v3/config.json").string(), kHere, diagnostics);
  const auto from_preset = load_model(catalog, "deepseek-v3", kHere, diagnostics);
  ASSERT_TRUE(from_file && from_preset) << all_text(diagnostics);
  EXPECT_TRUE(diagnostics.all().empty()) << all_text(diagnostics);
  EXPECT_EQ(from_file->name, "deepseek-v3");
  EXPECT_EQ(from_file->kinds, from_preset->kinds);
  EXPECT_EQ(from_file->runs, from_preset->runs);
  EXPECT_EQ(parameters_of(*from_file).total, 671'026'419'200);
}

TEST(LoadModel, LaysOverridesOverTheConfig) {
  const CatalogOnDisk catalog;
  config::Diagnostics diagnostics;
  const auto overrides = config::parse_document("{num_hidden_layers: 12}", "scenario", diagnostics);
  const auto architecture = load_model(catalog, "llama-3.1-70b", kHere, diagnostics, &*overrides);
  ASSERT_TRUE(architecture) << all_text(diagnostics);
  EXPECT_EQ(architecture->layers(), 12);
  const auto wrong = config::parse_document("{num_hidden_layer: 12}", "scenario", diagnostics);
  EXPECT_FALSE(load_model(catalog, "llama-3.1-70b", kHere, diagnostics, &*wrong));
}

TEST(LoadModel, UnknownNameSuggestsTheNearest) {
  const CatalogOnDisk catalog;
  config::Diagnostics diagnostics;
  EXPECT_FALSE(load_model(catalog, "deepsek-v3", kHere, diagnostics));
  EXPECT_EQ(all_text(diagnostics),
            "--model: error: there is no model 'deepsek-v3' in the catalog; did you mean 'deepseek-v3'?\n");
  config::Diagnostics missing;
  EXPECT_FALSE(load_model(catalog, "no/such/config.json", kHere, missing));
  EXPECT_EQ(missing.error_count(), 1u);
}

TEST(ModelNames, ComeFromStemOrFolder) {
  EXPECT_EQ(model_name_of("a/deepseek-v3/config.json"), "deepseek-v3");
  EXPECT_EQ(model_name_of("config.json"), "config");
  EXPECT_EQ(model_name_of("/config.json"), "config");
  EXPECT_EQ(model_name_of("models/mine.json"), "mine");
  EXPECT_TRUE(is_model_path("mine.json"));
  EXPECT_FALSE(is_model_path("llama-3.1-8b"));
}

}  // namespace
}  // namespace zettatwin::model
