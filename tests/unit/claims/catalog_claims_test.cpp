// SPDX-License-Identifier: Apache-2.0
// The claims of the catalog against arithmetic by hand.
#include <gtest/gtest.h>

#include <cmath>

#include "claims_support.hpp"

namespace zettatwin::claims {
namespace {

TEST(CatalogClaims, AllLoadAndNameKnownSources) {
  config::Diagnostics diagnostics;
  const test::CatalogFiles source;
  const auto files = load_claims(source, diagnostics);
  EXPECT_TRUE(diagnostics.all().empty()) << test::text_of(diagnostics);
  EXPECT_EQ(files.size(), source.list("claims").size());
  const auto keys = config::parse_document(source.read("sources.yaml").value_or(""), "sources.yaml", diagnostics);
  ASSERT_TRUE(keys);
  for (const auto& file : files)
    for (const auto& claim : file.claims)
      EXPECT_TRUE(!claim.stated.present || keys->find(claim.stated.provenance.source)) << claim.name();
}

TEST(CatalogClaims, Chips) {
  EXPECT_DOUBLE_EQ(claim_of("atlas-950.chips").readings[0].value.si(), 64 * 8192);
  EXPECT_EQ(claim_of("atlas-950.chips").verdict, Verdict::holds_exactly);
  EXPECT_DOUBLE_EQ(claim_of("atlas-960.chips").readings[0].value.si(), 65 * 15488);
}

TEST(CatalogClaims, Fp8HoldsWithTheAnnouncedPeakAlone) {
  const auto claim = claim_of("atlas-950.fp8");
  const double chips = 524288, clock = 1.65e9, cube = 2 * 16 * 16 * 16 * 2, vector = 2 * 512;  // fp8 is twice bf16
  for (const auto& [bin, cores] : {std::pair{"36", 36.0}, {"32", 32.0}, {"28", 28.0}}) {
    EXPECT_NEAR(value_of(claim, std::string("matrix unit alone, ") + bin + "-core bin").si() / (chips * cores * cube * clock), 1, 1e-6);
    EXPECT_NEAR(value_of(claim, std::string("matrix and vector unit, ") + bin + "-core bin").si() / (chips * cores * (cube + vector) * clock), 1, 1e-6);
  }
  EXPECT_NEAR(value_of(claim, "matrix unit alone, 36-core bin").si(), 510.2e18, 0.1e18);
  EXPECT_NEAR(value_of(claim, "matrix and vector unit, 28-core bin").si(), 421.7e18, 0.1e18);
  EXPECT_DOUBLE_EQ(value_of(claim, "announced 1 PFLOP/s per NPU").si(), 524.288e18);
  EXPECT_EQ(claim.verdict, Verdict::holds_in_reading);
  EXPECT_EQ(holding(claim), "announced 1 PFLOP/s per NPU");
  EXPECT_NEAR(value_of(claim, "racks of VR NVL144 with as many announced FP8 FLOP/s").si(), 524 / 1.2, 1e-6);
}

TEST(CatalogClaims, Fp4HoldsWithinFivePercent) {
  const auto claim = claim_of("atlas-950.fp4");
  EXPECT_EQ(claim.verdict, Verdict::holds_exactly);
  EXPECT_NEAR(claim.readings[0].value.si(), 524288 * 36 * 4 * 8192.0 * 1.65e9, 1e15);
  for (const auto& r : claim.readings) EXPECT_EQ(r.agrees, std::abs(r.value.si() - 1e21) <= 0.05e21) << r.reading.name;
}

TEST(CatalogClaims, FloorAreaIsThatOfThePodsAlone) {
  const auto claim = claim_of("atlas-950.floor-area");
  EXPECT_DOUBLE_EQ(value_of(claim, "pods only").si(), 64000);
  // 524,288 x 172 W in racks of 40 kW at 6.25 m2 each.
  EXPECT_NEAR(value_of(claim, "pods and racks for the scale-out network").si(), 64000 + 524288 * 172.0 / 40e3 * 6.25, 1e-6);
  EXPECT_EQ(holding(claim), "pods only");
  EXPECT_EQ(claim.verdict, Verdict::holds_in_reading);
  EXPECT_DOUBLE_EQ(value_of(claim, "area per cabinet of the pods").si(), 6.25);
  EXPECT_DOUBLE_EQ(claim_of("atlas-950.cabinets").readings[0].value.si(), 10240);
}

TEST(CatalogClaims, MemoryMixesBinaryAndDecimal) {
  const auto claim = claim_of("atlas-950.pod-memory");
  EXPECT_DOUBLE_EQ(claim.readings[0].value.si(), 8192 * 144e9);
  EXPECT_NEAR(claim.readings[1].value.si(), 1152e12, 1);
  EXPECT_EQ(claim.verdict, Verdict::holds_in_reading);
  EXPECT_EQ(claim_of("atlas-960.pod-memory").verdict, Verdict::holds_exactly);  // decimal there
}

TEST(CatalogClaims, BandwidthIsPortsInBothDirections) {
  const auto claim = claim_of("atlas-950.pod-bandwidth");
  EXPECT_DOUBLE_EQ(value_of(claim, "all ports, per direction").si(), 8192 * 1008e9);
  EXPECT_DOUBLE_EQ(value_of(claim, "all ports, both directions").si(), 8192 * 2016e9);
  EXPECT_EQ(holding(claim), "all ports, both directions, rounded to one digit per NPU (2 TB/s)");
  EXPECT_DOUBLE_EQ(value_of(claim, "bisection of the pod, per direction").si(), 4096 * 224e9);
  EXPECT_NEAR(value_of(claim, "bisection that long messages reach").si(), 4096 * 224e9 * 0.77, 1e6);
}

TEST(CatalogClaims, RatiosToNvl144CountDies) {
  EXPECT_EQ(holding(claim_of("npus-over-nvl144")), "NPU packages over GPU dies");
  EXPECT_NEAR(claim_of("npus-over-nvl144").readings[0].value.si(), 8192 / 72.0, 1e-9);
  EXPECT_NEAR(claim_of("compute-over-nvl144").readings[0].value.si(), 8192 * 973.2096 / (72 * 17500), 1e-9);
  EXPECT_NEAR(claim_of("memory-over-nvl144").readings[1].value.si(), 1152 / 75.0, 1e-9);
  EXPECT_NEAR(claim_of("bandwidth-over-nvl144").readings[1].value.si(), 16300 / 260.0, 1e-9);
  for (const auto* name : {"npus-over-nvl144", "compute-over-nvl144", "memory-over-nvl144", "bandwidth-over-nvl144"})
    EXPECT_EQ(claim_of(name).verdict, Verdict::holds_in_reading) << name;
}

TEST(CatalogClaims, PowerIsAnEstimateWithItsRange) {
  const auto claim = claim_of("atlas-950.power");
  EXPECT_EQ(claim.verdict, Verdict::cannot_be_checked);
  const auto power = value_of(claim, "IT power, estimated");
  EXPECT_NEAR(power.si(), 524288 * 1822.0, 1);
  EXPECT_NEAR(power.low, 524288 * 1195.0, 1);
  EXPECT_NEAR(power.high, 524288 * 2286.0, 1);
  EXPECT_TRUE(power.rests_on(config::Confidence::estimated));
}

TEST(CatalogClaims, InferenceIsArithmeticOnBandwidth) {
  const auto claim = claim_of("atlas-950.pod-inference");
  EXPECT_EQ(claim.verdict, Verdict::cannot_be_checked);
  EXPECT_NEAR(value_of(claim, "per NPU").si(), 19.6e6 / 8192, 1e-6);
  EXPECT_NEAR(value_of(claim, "bytes that can be read from HBM for one token").si(), 8192 * 4e12 / 19.6e6, 1);
}

TEST(CatalogClaims, TrainingImpliesModelSizeAndUtilisation) {
  const auto claim = claim_of("atlas-950.pod-training");
  EXPECT_EQ(claim.verdict, Verdict::cannot_be_checked);
  EXPECT_NEAR(value_of(claim, "active parameters that it means at 40 % of the FP8 peak").si(), 0.4 * 8192 * 973.2096e12 / 4.91e6 / 6, 1e3);
  const auto simulated = value_of(claim, "DeepSeek-V3 in FP8, simulated");
  EXPECT_GT(simulated.si(), 0);
  const auto mfu = value_of(claim, "MFU that it means for DeepSeek-V3, of the FP8 peak");
  EXPECT_EQ(mfu.node.dimension, units::kDimensionless);
  EXPECT_NEAR(mfu.si(), 0.155, 0.02);  // 37 B active parameters and attention: about 0.25 TFLOP per token
}

TEST(CatalogClaims, RubinRackNeedsCompressionLpddrAndTheFirstNvlink) {
  EXPECT_EQ(claim_of("rubin.fp8").verdict, Verdict::holds_exactly);
  EXPECT_EQ(holding(claim_of("rubin.fp4")), "with adaptive compression, as for inference");
  EXPECT_DOUBLE_EQ(value_of(claim_of("rubin.memory"), "HBM and LPDDR of the CPUs").si(), 72 * 1038e9);
  EXPECT_EQ(holding(claim_of("rubin.bandwidth")), "all ports, both directions, as first announced");
}

// Where a machine's own entry repeats the announced total, both say the same.
TEST(CatalogClaims, StateWhatTheMachinesState) {
  config::Diagnostics diagnostics;
  const test::CatalogFiles source;
  World world(source);
  for (const auto& [claim_name, machine] : {std::pair{"atlas-950.fp8", "atlas-950-supercluster"}, {"atlas-960.pod-fp8", "atlas-960-superpod"}, {"rubin.fp8", "vr-nvl144"}}) {
    const auto* m = world.machine({.machine = machine}, {}, diagnostics);
    ASSERT_NE(m, nullptr);
    EXPECT_DOUBLE_EQ(claim_of(claim_name).claim.stated.si, m->published.fp8.si()) << claim_name;
  }
}

}  // namespace
}  // namespace zettatwin::claims
