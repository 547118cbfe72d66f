// SPDX-License-Identifier: Apache-2.0
#include "validation/table.hpp"

#include <gtest/gtest.h>

#include "config/diagnostic.hpp"

namespace zettatwin::validation {
namespace {

// The number in one cell of one column.
std::optional<double> number(const std::string& column, const std::string& cell) {
  Table table{.name = "t", .columns = {column}, .units = {}, .records = {{.line = 2, .cells = {cell}}}};
  return Row(table, table.records[0]).number(column);
}

TEST(Table, NumbersAsOthersWriteThem) {
  EXPECT_EQ(number("gbs", "1,024"), 1024);
  EXPECT_EQ(number("value", "1,234,567.5"), 1234567.5);
  EXPECT_EQ(number("gbs", "1,02"), 1) << "no group of three";
  EXPECT_EQ(number("num_chips", "~6000"), 6000);
  EXPECT_EQ(number("num_chips", "64x8"), 512);
  EXPECT_EQ(number("tp", "TP8"), 8);
  EXPECT_EQ(number("pp", "pp = 4"), 4);
  EXPECT_EQ(number("tp", "PP8"), std::nullopt) << "of another column";
  EXPECT_EQ(number("seq_len", "8K"), 8192);
  EXPECT_EQ(number("seq_len", "128k"), 131072);
  EXPECT_EQ(number("value", "1.5k"), 1500);
  EXPECT_EQ(number("value", "12.5 kg"), 12.5) << "a word, not a multiplier";
  EXPECT_EQ(number("value", "723-808"), 765.5);
  EXPECT_EQ(number("value", "1.2e3"), 1200);
  EXPECT_EQ(number("value", "54.2%"), 54.2);
  EXPECT_EQ(number("value", "-3"), -3);
  EXPECT_EQ(number("params_total_b", "1T"), 1000);
  EXPECT_EQ(number("vocab", "51200 (assumed)"), 51200);
  for (const auto* nothing : {"", "fast", "-", "n/a", "nan", "inf", "1e999"}) EXPECT_EQ(number("value", nothing), std::nullopt) << nothing;
}

TEST(Table, TitlesAsOthersWriteThem) {
  config::Diagnostics diagnostics;
  const auto table = read_table("\xef\xbb\xbfID,GPU,Num GPUs,Sequence Length (tokens),value [ms],Notes\nA-1,H100,64,4096,12.5,x\n", "t.csv", diagnostics);
  ASSERT_TRUE(table);
  const Row row(*table, table->records[0]);
  EXPECT_EQ(row.text("id"), "A-1");
  EXPECT_EQ(row.text("chip"), "H100");
  EXPECT_EQ(row.whole("num_chips"), 64);
  EXPECT_EQ(row.whole("seq_len"), 4096);
  EXPECT_EQ(row.text("unit"), "ms") << "in the title of value";
}

TEST(Table, AColumnsOwnNameComesBeforeSynonyms) {
  config::Diagnostics diagnostics;
  const auto table = read_table("gpu,chip,unit,value (ms)\nno,H100,s,1\n", "t.csv", diagnostics);
  ASSERT_TRUE(table);
  const Row row(*table, table->records[0]);
  EXPECT_EQ(row.text("chip"), "H100");
  EXPECT_EQ(row.text("gpu"), "no");
  EXPECT_EQ(row.text("unit"), "s");
}

}  // namespace
}  // namespace zettatwin::validation
