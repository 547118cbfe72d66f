// SPDX-License-Identifier: Apache-2.0
// Measured results as a table: columns by name, one record per measurement; cells stay text.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/diagnostic.hpp"

namespace zettatwin::validation {

struct Record {
  std::int64_t line = 0;  // where it begins in the file
  std::vector<std::string> cells;
};

struct Table {
  std::string name;  // of the file, for messages
  std::vector<std::string> columns;  // by the names below, whatever case, blanks or common synonyms the file uses
  std::vector<std::string> units;    // in brackets behind a title, of each column; may be shorter
  std::vector<Record> records;

  [[nodiscard]] std::optional<std::size_t> column(std::string_view title) const;
};

// From CSV; records may be shorter or longer than the title, which is for the judge to say.
[[nodiscard]] std::optional<Table> read_table(std::string_view text, const std::string& name, config::Diagnostics& diagnostics);

// One record read by column names. What a table lacks reads as empty.
class Row final {
 public:
  Row(const Table& table, const Record& record) : table_(table), record_(record) {}

  [[nodiscard]] std::string_view text(std::string_view column) const;
  // The number that the cell begins with: "51200 (assumed)" is 51200, "1,024" 1024, "~6000" 6000, "TP8" in column tp 8, "8K" tokens 8192, "723-808" as a value the
  // middle, "64x8" chips 512; nothing if it begins with none.
  [[nodiscard]] std::optional<double> number(std::string_view column) const;
  [[nodiscard]] std::optional<std::int64_t> whole(std::string_view column) const;
  [[nodiscard]] std::int64_t line() const { return record_.line; }
  [[nodiscard]] bool complete() const { return record_.cells.size() == table_.columns.size(); }
  // What stands before the first '-' or digit group of the id: rows of one source.
  [[nodiscard]] std::string group() const;

 private:
  const Table& table_;
  const Record& record_;
};

// Columns that a row is read from; the rest of a file is ignored.
[[nodiscard]] const std::vector<std::string>& known_columns();
// Columns without which no row can be judged.
[[nodiscard]] const std::vector<std::string>& needed_columns();

}  // namespace zettatwin::validation
