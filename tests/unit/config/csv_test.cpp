// SPDX-License-Identifier: Apache-2.0
// Tables from CSV: cells and where they stand, what is no CSV, records of odd length.
#include <gtest/gtest.h>

#include "config/csv.hpp"

namespace zettatwin::config {
namespace {

TEST(Csv, CellsAndTheirPlaces) {
  Diagnostics diagnostics;
  const std::string text = "\xEF\xBB\xBF# a note\na, b ,c\n1,\"2, \"\"two\"\"\", 3\r\n\n4,5,6";
  const auto csv = Csv::parse(text, "t.csv", diagnostics);
  ASSERT_TRUE(csv);
  ASSERT_EQ(csv->rows(), 2u);
  EXPECT_EQ(csv->titles()[1], "b");
  EXPECT_EQ(csv->cell(0, 1), "2, \"two\"");
  EXPECT_EQ(csv->cell(0, 2), "3");
  EXPECT_EQ(csv->where(1, 2).text(), "t.csv:5:5");
}

TEST(Csv, WhatIsNoCsv) {
  for (const auto* text : {"", "a,b\n1\n", "a,b\n\"1,2\n", "a,b\n\"1\"x,2\n"}) {
    Diagnostics diagnostics;
    EXPECT_FALSE(Csv::parse(text, "t.csv", diagnostics)) << text;
    EXPECT_TRUE(diagnostics.has_errors()) << text;
  }
}

TEST(Csv, RecordsOfAnyLength) {
  Diagnostics diagnostics;
  const auto csv = Csv::parse("a,b,c\n1\n2,3,4,5\n6,\"7\n8\",9\n10,11,12\n", "t.csv", diagnostics, Csv::Length::any);
  ASSERT_TRUE(csv);
  ASSERT_EQ(csv->rows(), 4u);
  EXPECT_EQ(csv->cells(0), 1u);
  EXPECT_EQ(csv->cell(0, 2), "");
  EXPECT_EQ(csv->where(0, 2).text(), "t.csv:2:1");
  EXPECT_EQ(csv->cells(1), 4u);
  EXPECT_EQ(csv->cell(1, 3), "5");
  EXPECT_EQ(csv->cell(2, 1), "7\n8");
  EXPECT_EQ(csv->where(3, 0).text(), "t.csv:6:1");
}

}  // namespace
}  // namespace zettatwin::config
