// SPDX-License-Identifier: Apache-2.0
// Reading timings: good ones become samples by family, bad ones are reported where they stand, all at once.
#include <gtest/gtest.h>

#include "../../support/catalog_files.hpp"
#include "calibration/timings.hpp"

namespace zettatwin::calibration {
namespace {

struct Read {
  std::vector<FamilySamples> families;
  config::Diagnostics diagnostics;
  [[nodiscard]] std::string all() const {
    std::string text;
    for (const auto& d : diagnostics.all()) text += d.text() + "\n";
    return text;
  }
};

Read timings(std::string_view text, const TimingDefaults& defaults = {}) {
  Read r;
  r.families = read_timings(text, "mine.csv", defaults, test::catalog_chip("h100"), r.diagnostics);
  return r;
}

TEST(Timings, FamiliesByOperatorAndPrecision) {
  const auto r = timings("op,precision,m,n,k,heads,q,kv,head_dim,kv_heads,bytes,time_us\n"
                         "gemm,fp8,4096,4096,4096,,,,,,,110\n"
                         "copy,,,,,,,,,,2e9,700\n"
                         "attention,bf16,,,,32,1,4096,128,8,,25\n"
                         "attention,bf16,,,,32,4096,4096,128,8,,600\n");
  EXPECT_FALSE(r.diagnostics.has_errors()) << r.all();
  ASSERT_EQ(r.families.size(), 4u);
  EXPECT_EQ(r.families[0].family.name(), "attention.bf16");
  EXPECT_EQ(r.families[1].family.name(), "decode.bf16");
  EXPECT_EQ(r.families[2].family.name(), "gemm.fp8");
  EXPECT_EQ(r.families[3].family.name(), "stream");
  EXPECT_DOUBLE_EQ(r.families[3].samples[0].seconds, 700e-6);
}

TEST(Timings, AsOthersWriteThem) {
  const auto r = timings("OP,Precision,M,N,K,time_ms\nGEMM,BFloat16,4096,4096,4096,0.25\nmatmul,FP16,8192,8192,8192,1.7\n");
  EXPECT_FALSE(r.diagnostics.has_errors()) << r.all();
  ASSERT_EQ(r.families.size(), 2u);
  EXPECT_DOUBLE_EQ(r.families[0].samples[0].seconds, 250e-6);
}

TEST(Timings, WhatIsMissingIsSaidOnce) {
  const auto all = timings("x,n,k\n1,2,3\n4,5,6\n", {"gemm", ""}).all();
  for (const auto* column : {"'m'", "'time_us'"}) {
    const auto at = all.find(column);
    ASSERT_NE(at, std::string::npos) << all;
    EXPECT_EQ(all.find(column, at + 1), std::string::npos) << all;
  }
  EXPECT_NE(timings("m;n;k;time_us\n1;2;3;4\n", {"gemm", ""}).all().find("separated by commas"), std::string::npos);
}

TEST(Timings, AWrongUnitIsAnError) {
  const auto r = timings("m,n,k,time_us\n4096,4096,4096,0.25\n8192,8192,8192,1.7\n2048,8192,4096,0.3\n", {"gemm", ""});
  EXPECT_TRUE(r.families.empty());
  EXPECT_NE(r.all().find("3 of 3 timings are shorter"), std::string::npos) << r.all();
}

TEST(Timings, MemoryAsBandwidthTestsReportIt) {
  const auto r = timings("op,bytes,time_us,seconds,gb_per_s\n"
                         "memory,2e9,700,,\n"
                         "memory,2e9,,7e-4,\n"
                         "memory,2e9,,,2857.142857142857\n");
  EXPECT_FALSE(r.diagnostics.has_errors()) << r.all();
  ASSERT_EQ(r.families.size(), 1u);
  ASSERT_EQ(r.families[0].samples.size(), 3u);
  for (const auto& s : r.families[0].samples) EXPECT_NEAR(s.seconds, 700e-6, 1e-12);
  const auto wrong = timings("op,bytes,time_us,seconds,gb_per_s\nmemory,2e9,700,7e-4,\nmemory,2e9,,,-1\nmemory,,700,,\n").all();
  for (const auto* part : {"mine.csv:2:12: error: two columns", "mine.csv:3:14: error: gb_per_s is '-1'", "mine.csv:4:8: error: bytes is ''"})
    EXPECT_NE(wrong.find(part), std::string::npos) << part << "\n" << wrong;
}

TEST(Timings, WhatMemoryReachesCarriesToSharesThatFollowARule) {
  const auto chip = test::catalog_chip("ascend-960");
  config::Diagnostics diagnostics;
  const auto timed = [&](const std::string& more) {
    const auto families = read_timings("op,precision,m,n,k,bytes,gb_per_s,time_us\nmemory,,,,,4e9," + std::to_string(0.9 * chip.memory.bandwidth.si() / 1e9) + ",\n" + more, "mine.csv", {}, chip, diagnostics);
    return calibrate(chip, families, {.source = "mine.csv"});
  };
  const auto memory = timed("");
  const auto& e = memory.chip.efficiency;
  const double ratio = e.stream.memory.si() / chip.efficiency.stream.memory.si();
  EXPECT_GT(ratio, 1.02);
  const auto& share = e.gemm.at(hardware::Precision::bf16).memory;
  EXPECT_NEAR(share.si(), std::min(0.98, ratio * chip.efficiency.gemm.at(hardware::Precision::bf16).memory.si()), 1e-9);
  EXPECT_EQ(share.provenance.confidence, config::Confidence::derived);
  EXPECT_LE(share.provenance.low_si, share.si());
  EXPECT_GE(share.provenance.high_si, share.si());
  EXPECT_TRUE(memory.made.contains("efficiency.gemm.bf16.memory"));
  EXPECT_TRUE(memory.chip.efficiency.status.starts_with("measured in part: stream by mine.csv; all else unmeasured: ")) << memory.chip.efficiency.status;
  EXPECT_NE(chip_document(memory, "ascend-960", "").find("  status: 'measured in part: stream by mine.csv"), std::string::npos);
  // A product that was timed speaks for itself, and measured figures of other chips stay.
  const auto both = timed("gemm,bf16,64,16384,16384,,,900\n");
  EXPECT_NE(both.chip.efficiency.gemm.at(hardware::Precision::bf16).memory.si(), share.si());
  const auto h100 = test::catalog_chip("h100");
  const auto own = calibrate(h100, read_timings("op,bytes,time_us\nmemory,4e9,1500\n", "mine.csv", {}, h100, diagnostics), {.source = "mine.csv"});
  EXPECT_EQ(own.chip.efficiency.status, h100.efficiency.status);
  EXPECT_EQ(own.chip.efficiency.gemm.at(hardware::Precision::bf16).memory.si(), h100.efficiency.gemm.at(hardware::Precision::bf16).memory.si());
  EXPECT_FALSE(diagnostics.has_errors());
}

TEST(Timings, EveryProblemWithItsPlace) {
  const auto r = timings("op,precision,m,n,k,time_us\n"
                         "gem,bf16,1,2,3,4\n"
                         "gemm,bf17,1,2,3,4\n"
                         "gemm,fp4,1,2,3,4\n"
                         "gemm,bf16,0,2.5,3,-4\n");
  EXPECT_TRUE(r.families.empty());
  const auto text = r.all();
  for (const auto* part : {"mine.csv:2:1: error: unknown op 'gem'", "did you mean 'gemm'", "mine.csv:3:6: error: unknown precision 'bf17'", "mine.csv:4:6: error: ",
                           "no matrix unit for fp4", "mine.csv:5:11: error: m is '0'", "mine.csv:5:13: error: n is '2.5'", "mine.csv:5:19: error: time_us is '-4'"})
    EXPECT_NE(text.find(part), std::string::npos) << part << "\n" << text;
}

TEST(Timings, MissingColumnsAndRows) {
  EXPECT_NE(timings("m,n,k,time\n1,2,3,4\n", {"gemm", "bf16"}).all().find("there is no column 'time_us'"), std::string::npos);
  EXPECT_NE(timings("m,n,k,time_us\n", {"gemm", "bf16"}).all().find("no timing follows"), std::string::npos);
  EXPECT_NE(timings("m,n,k,time_us\n1,2,3,4\n").all().find("name it by --op"), std::string::npos);
}

TEST(Timings, FasterThanTheDatasheetIsWarnedOf) {
  const auto r = timings("m,n,k,time_us\n8192,8192,8192,1.4\n", {"gemm", "bf16"});
  EXPECT_FALSE(r.diagnostics.has_errors());
  EXPECT_NE(r.all().find("warning: 1.4 us is less than the datasheet allows"), std::string::npos) << r.all();
}

}  // namespace
}  // namespace zettatwin::calibration
