// SPDX-License-Identifier: Apache-2.0
// Every chip file of the catalog loads cleanly, and its figures carry sources and sane ranges and keep their identities.
#include <gtest/gtest.h>

#include "../../support/catalog_files.hpp"

namespace zettatwin::hardware {
namespace {

using test::catalog_chip;
using test::CatalogFiles;

TEST(ChipCatalog, EveryChipLoadsWithoutDiagnostics) {
  const auto names = CatalogFiles{}.list("chips");
  EXPECT_GE(names.size(), 20u);
  for (const auto& name : names) EXPECT_EQ(catalog_chip(name).name, name);
}

TEST(ChipCatalog, HasTheChipsOfTheMachines) {
  const auto names = CatalogFiles{}.list("chips");
  for (const char* name : {"ascend-910b", "ascend-910c", "ascend-910c-die", "ascend-950dt-36", "ascend-950dt-32", "ascend-950dt-28",
                           "ascend-950dt-36-96gb", "ascend-950pr-32", "ascend-950pr-28", "ascend-960", "a100-40", "a100-80", "h100", "h800",
                           "h200", "b200", "gb200", "gb300", "vr200", "rubin-ultra", "tpu-v5p", "ironwood"})
    EXPECT_TRUE(std::binary_search(names.begin(), names.end(), name)) << name;
}

TEST(ChipCatalog, EveryFigureNamesAKnownSourceAndItsRangeHoldsItsValue) {
  config::Diagnostics diagnostics;
  const auto sources = config::parse_document(*CatalogFiles{}.read("sources.yaml"), "sources.yaml", diagnostics);
  ASSERT_TRUE(sources) << test::text_of(diagnostics);
  for (const auto& name : CatalogFiles{}.list("chips")) {
    for (const auto& row : config::values_of(catalog_chip(name))) {
      if (!row.provenance) continue;
      const auto where = name + " " + row.path;
      EXPECT_TRUE(sources->find(row.provenance->source)) << where << ": " << row.provenance->source;
      EXPECT_NE(row.provenance->confidence, config::Confidence::stated) << where;
      if (row.provenance->low_si == 0 && row.provenance->high_si == 0) continue;
      EXPECT_LE(row.provenance->low_si, row.si) << where;
      EXPECT_GE(row.provenance->high_si, row.si) << where;
    }
  }
}

TEST(ChipCatalog, OwnEstimatesOfUnmeasuredChipsHaveRanges) {
  for (const auto& name : CatalogFiles{}.list("chips")) {
    const auto chip = catalog_chip(name);
    if (!chip.efficiency.status.starts_with("unmeasured")) continue;
    const auto& math = chip.efficiency.gemm_of(Precision::bf16).math.provenance;
    if (math.confidence != config::Confidence::estimated) continue;
    EXPECT_LT(math.low_si, math.high_si) << name;
  }
}

// The matrix unit of an Ascend core multiplies 16^3 pairs per cycle; vendors' totals add the vector unit.
TEST(ChipCatalog, Ascend950PeaksFollowFromCoresAndClock) {
  const std::map<std::string, std::array<double, 3>> totals{{"36", {547, 1034, 2007}}, {"32", {486, 919, 1784}}, {"28", {425, 804, 1561}}};
  for (const auto& [cores, total] : totals) {
    const auto chip = catalog_chip("ascend-950dt-" + cores);
    const double bf16 = chip.matrix_cores.si() * 16 * 16 * 16 * 2 * 1.65e9;
    EXPECT_DOUBLE_EQ(chip.peak(Precision::bf16).si(), bf16);
    EXPECT_DOUBLE_EQ(chip.peak(Precision::fp8).si(), 2 * bf16);
    EXPECT_DOUBLE_EQ(chip.peak(Precision::fp4).si(), 4 * bf16);
    const double vector = chip.vector_peak.at(Precision::fp16).si();
    EXPECT_DOUBLE_EQ(vector, chip.matrix_cores.si() * 2 * 512 * 1.65e9);
    EXPECT_NEAR((bf16 + vector) / 1e12, total[0], 1.0);
    EXPECT_NEAR((2 * bf16 + vector) / 1e12, total[1], 1.0);
    EXPECT_NEAR((4 * bf16 + vector) / 1e12, total[2], 1.0);
    EXPECT_DOUBLE_EQ(chip.headline_peak.at(Precision::fp8).si(), 1e15);
    EXPECT_DOUBLE_EQ(chip.headline_peak.at(Precision::fp4).si(), 2e15);
  }
}

TEST(ChipCatalog, Ascend910PackageIsTwoDies) {
  const auto die = catalog_chip("ascend-910c-die"), package = catalog_chip("ascend-910c");
  EXPECT_DOUBLE_EQ(package.peak(Precision::bf16).si(), 2 * die.peak(Precision::bf16).si());
  EXPECT_DOUBLE_EQ(package.memory.bandwidth.si(), 2 * die.memory.bandwidth.si());
  EXPECT_EQ(die.rank_unit, "die");
  EXPECT_EQ(package.rank_unit, "package");
  const double vector = die.vector_peak.at(Precision::fp16).si();
  EXPECT_NEAR((die.peak(Precision::bf16).si() + vector) / 1e12, 376, 0.5);
}

TEST(ChipCatalog, BandwidthsArePerDirection) {
  EXPECT_NEAR(catalog_chip("ascend-950dt-36").scale_up_bandwidth.value.in(units::GB_per_s), 72 * 112 / 8.0, 1e-6);
  EXPECT_NEAR(catalog_chip("h100").scale_up_bandwidth.value.in(units::GB_per_s), 450, 1e-6);
  EXPECT_NEAR(catalog_chip("vr200").scale_up_bandwidth.value.in(units::GB_per_s), 1500, 1e-6);
}

}  // namespace
}  // namespace zettatwin::hardware
