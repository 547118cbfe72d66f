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

// Within 0.5 % of what is published; where authors print few digits, the range of numbers that round to it is stated.
::testing::AssertionResult matches(std::int64_t ours, const config::Figure<units::Ratio>& published) {
  const auto& p = published.provenance;
  const bool ranged = p.low_si < p.high_si;
  const double low = (ranged ? p.low_si : published.si()) * (1 - kTolerance);
  const double high = (ranged ? p.high_si : published.si()) * (1 + kTolerance);
  if (low <= static_cast<double>(ours) && static_cast<double>(ours) <= high) return ::testing::AssertionSuccess();
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

}  // namespace
}  // namespace zettatwin::model
