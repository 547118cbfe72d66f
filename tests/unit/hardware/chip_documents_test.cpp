// SPDX-License-Identifier: Apache-2.0
// Documents that extend others, and what happens to bad ones.
#include <gtest/gtest.h>

#include "../../support/catalog_files.hpp"
#include "config/catalog_document.hpp"

namespace zettatwin::hardware {
namespace {

using test::Documents;
using test::text_of;

TEST(LaidOver, FiguresReplaceWholeAndMappingsMerge) {
  const Documents source({{"chips/base.yaml", "a: {value: 1, note: old, low: 0.5}\nb: {c: 1, d: 2}\ne: 3\n"},
                          {"chips/top.yaml", "extends: base\na: {value: 2}\nb: {d: 5}\ne: null\n"}});
  config::Diagnostics diagnostics;
  const auto node = config::load_document(source, "chips", "top", {}, diagnostics);
  ASSERT_TRUE(node) << text_of(diagnostics);
  EXPECT_EQ(node->find("a")->find("value")->text, "2");
  EXPECT_EQ(node->find("a")->find("note"), nullptr);  // a stale note would lie about the new value
  EXPECT_EQ(node->find("b")->find("c")->text, "1");
  EXPECT_EQ(node->find("b")->find("d")->text, "5");
  EXPECT_EQ(node->find("e")->kind, config::Node::Kind::null);
  EXPECT_EQ(node->find("extends"), nullptr);
}

TEST(LoadDocument, ChainsExtend) {
  const Documents source({{"chips/a.yaml", "x: 1\n"}, {"chips/b.yaml", "extends: a\ny: 2\n"}, {"chips/c.yaml", "extends: b\nz: 3\n"}});
  config::Diagnostics diagnostics;
  const auto node = config::load_document(source, "chips", "c", {}, diagnostics);
  ASSERT_TRUE(node);
  EXPECT_EQ(node->entries.size(), 3u);
}

TEST(LoadDocument, CycleIsAnErrorWithItsPlace) {
  const Documents source({{"chips/a.yaml", "extends: b\n"}, {"chips/b.yaml", "extends: a\n"}});
  config::Diagnostics diagnostics;
  EXPECT_FALSE(config::load_document(source, "chips", "a", {}, diagnostics));
  EXPECT_NE(text_of(diagnostics).find("chips/b.yaml:1:10"), std::string::npos) << text_of(diagnostics);
  EXPECT_NE(text_of(diagnostics).find("extends itself"), std::string::npos);
}

TEST(LoadDocument, UnknownNameSuggestsTheNearest) {
  const Documents source(Documents::Texts{{"chips/h100.yaml", "x: 1\n"}});
  config::Diagnostics diagnostics;
  EXPECT_FALSE(config::load_document(source, "chips", "h10", {}, diagnostics));
  EXPECT_NE(text_of(diagnostics).find("did you mean 'h100'?"), std::string::npos) << text_of(diagnostics);
}

TEST(LoadChip, ReportsAllProblemsAtOnce) {
  test::CatalogFiles files;
  const Documents source({{"chips/base.yaml", *files.read("chips/families/ascend-950.yaml")},
                          {"chips/x.yaml", "extends: base\ntitel: X\nclock: 1.65 GHz\npower: {value: 5 GB, source: ZT, confidence: derived}\n"
                                           "efficiency: {gemm: {bf17: {}, bf16: {math: {value: 1.2, source: ZT, confidence: derived}}}}\n"}});
  config::Diagnostics diagnostics;
  EXPECT_FALSE(load_chip(source, "x", {}, diagnostics));
  const auto text = text_of(diagnostics);
  for (const char* part : {"did you mean 'title'?", "'clock' of chip x has no source", "'power' of chip x has the wrong unit",
                           "'bf17' in gemm is not a precision", "'math' of chip x.efficiency.gemm.bf16 is 1.2", "lacks 'memory'"})
    EXPECT_NE(text.find(part), std::string::npos) << part << "\n" << text;
}

TEST(ChipPeak, TwinsServeEachOtherAndNothingElse) {
  Chip chip;
  chip.matrix_peak[Precision::bf16].value = 100 * units::TFLOP_per_s;
  EXPECT_EQ(chip.peak(Precision::fp16), 100 * units::TFLOP_per_s);
  EXPECT_EQ(chip.peak(Precision::fp8).si(), 0);
  chip.matrix_peak[Precision::fp8].value = 200 * units::TFLOP_per_s;
  EXPECT_EQ(chip.peak(Precision::mxfp8), 200 * units::TFLOP_per_s);
  EXPECT_EQ(chip.peak(Precision::fp4).si(), 0);
}

TEST(EfficiencyTables, FallBackOnTheNextWiderFormat) {
  Efficiency e;
  e.gemm[Precision::bf16].math.value = units::Ratio::from_si(0.1);
  e.gemm[Precision::fp8].math.value = units::Ratio::from_si(0.2);
  const auto math = [&](Precision p) { return e.gemm_of(p).math.si(); };
  EXPECT_EQ(math(Precision::fp16), 0.1);
  EXPECT_EQ(math(Precision::tf32), 0.1);
  EXPECT_EQ(math(Precision::mxfp8), 0.2);
  EXPECT_EQ(math(Precision::fp4), 0.2);
  EXPECT_EQ(math(Precision::int8), 0.2);
  e.gemm.erase(Precision::bf16);
  EXPECT_THROW((void)e.gemm_of(Precision::fp64), ContractFailure);
}

}  // namespace
}  // namespace zettatwin::hardware
