// SPDX-License-Identifier: Apache-2.0
// Verdicts follow the catalog; bad claims are diagnostics.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "claims/report.hpp"
#include "claims_support.hpp"

namespace zettatwin::claims {
namespace {

std::string problems(const Edited& source) {
  config::Diagnostics diagnostics;
  const auto result = audited(source, {"atlas-950.chips", "atlas-950.fp8", "atlas-950.pod-memory"}, diagnostics);
  return test::text_of(diagnostics);
}

TEST(Audit, VerdictsFollowTheChip) {
  // 5 % more matrix peak: 524.3 EFLOP/s would need no reading.
  const auto claim = claim_of("atlas-950.fp8", Edited("chips/ascend-950dt-36.yaml", "fp8: {value: 973.2096 TFLOP/s", "fp8: {value: 1000 TFLOP/s"));
  EXPECT_EQ(claim.verdict, Verdict::holds_exactly);
}

TEST(Audit, VerdictsFollowTheMachine) {
  const auto claim = claim_of("atlas-950.cabinets", Edited("machines/atlas-950-superpod.yaml", "compute_racks: {value: 128", "compute_racks: {value: 100"));
  EXPECT_DOUBLE_EQ(claim.readings[0].value.si(), 64 * 132);
  EXPECT_EQ(claim.verdict, Verdict::does_not_hold);
  EXPECT_EQ(claim.holding, -1);
}

TEST(Audit, WhatTheCatalogLacksIsAValue) {
  const auto claim = claim_of("atlas-950.cost", Edited("chips/ascend-950dt-36.yaml", "price: {", "price: null # {"));
  EXPECT_EQ(claim.practice[0].value.missing, "the catalog has no price of ascend-950dt-36");
  EXPECT_EQ(claim.verdict, Verdict::cannot_be_checked);
}

TEST(Audit, AModelThatDoesNotFitIsAValue) {
  // 1024 chips of 80 GB; the search for a plan that fits is quick on them.
  const auto claim = claim_of("model-size", Edited("claims/atlas-950.yaml", "kind: model_size\n    machine: atlas-950-supercluster", "kind: model_size\n    machine: dgx-h100"));
  EXPECT_FALSE(claim.readings[1].agrees);
  EXPECT_NE(claim.readings[1].value.missing.find("synthetic-moe-10t"), std::string::npos);
  EXPECT_EQ(claim.verdict, Verdict::holds_exactly) << "by the first reading: two trillion do fit";
  EXPECT_TRUE(claim.readings[3].agrees) << "the states of one trillion, alone";
}

TEST(Audit, UnknownNamesHaveSuggestions) {
  config::Diagnostics diagnostics;
  const auto result = audited(test::CatalogFiles{}, {"atlas-950.fp9", "fp8"}, diagnostics);
  EXPECT_EQ(diagnostics.error_count(), 1U);
  EXPECT_NE(test::text_of(diagnostics).find("did you mean 'atlas-950.fp8'?"), std::string::npos) << test::text_of(diagnostics);
  EXPECT_TRUE(result.files.empty());
}

TEST(Audit, NamesSelectFilesClaimsAndIds) {
  config::Diagnostics diagnostics;
  EXPECT_EQ(audited(test::CatalogFiles{}, {"rubin"}, diagnostics).files.at(0).claims.size(), 4U);
  EXPECT_EQ(audited(test::CatalogFiles{}, {"cabinets", "cost"}, diagnostics).files.at(0).claims.size(), 2U);
  EXPECT_EQ(audited(test::CatalogFiles{}, {"pod-memory"}, diagnostics).files.size(), 2U);
}

TEST(Audit, BadDocumentsAreDiagnostics) {
  const std::string file = "claims/atlas-950.yaml";
  EXPECT_NE(problems({file, "relation: at_least", "relation: at_lest"}).find("at_least"), std::string::npos);
  EXPECT_NE(problems({file, "stated: {value: 524 EFLOP/s", "stated: {value: 524 TB/s"}).find("524 TB/s"), std::string::npos);
  EXPECT_NE(problems({file, "chip: ascend-950dt-32", "chip: ascend-950dt-33"}).find("ascend-950dt-33"), std::string::npos);
  EXPECT_NE(problems({file, "id: fp8", "id: chips"}).find("'chips' is there twice"), std::string::npos);
  EXPECT_NE(problems({file, "measure: matrix_peak", "measure: hbm_capacity"}).find("another unit"), std::string::npos);
  EXPECT_NE(problems({file, "    stated: {value: 524000, source: K25, confidence: claimed}\n", ""}).find("lacks 'stated'"), std::string::npos);
}

TEST(Report, JsonParsesAndCarriesTheSources) {
  config::Diagnostics diagnostics;
  const auto parsed = nlohmann::json::parse(json(audited(test::CatalogFiles{}, {"atlas-950.fp8", "power"}, diagnostics)));
  EXPECT_EQ(parsed["schema"], "zettatwin/claims/1");
  const auto& claim = parsed["claims"].at(0);
  EXPECT_EQ(claim["name"], "atlas-950.fp8");
  EXPECT_EQ(claim["verdict"], "holds in a reading");
  EXPECT_EQ(claim["stated"]["value"], 524e18);
  EXPECT_EQ(claim["stated"]["unit"], "FLOP/s");
  EXPECT_EQ(claim["readings"].at(1)["value"], 524.288e18);
  EXPECT_EQ(claim["readings"].at(1)["agrees"], true);
  EXPECT_EQ(claim["readings"].at(1)["inputs"].at(1)["source"], "K25");
  EXPECT_LT(parsed["claims"].at(1)["practice"].at(0)["low"], parsed["claims"].at(1)["practice"].at(0)["value"]);
  EXPECT_EQ(parsed["verdicts"]["cannot be checked"], 2);
}

TEST(Report, TextFitsTheTerminal) {
  config::Diagnostics diagnostics;
  const auto result = audited(test::CatalogFiles{}, {"atlas-950.chips", "fp4", "floor-area", "pod-bandwidth", "power", "deployment", "rubin"}, diagnostics);
  for (const bool details : {false, true}) {
    std::istringstream lines(text(result, details));
    for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 120U) << line;
  }
  EXPECT_NE(text(result, true).find("[claimed: WP]"), std::string::npos);
  EXPECT_EQ(text(result, false).find("[claimed: WP]"), std::string::npos);
}

}  // namespace
}  // namespace zettatwin::claims
