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
