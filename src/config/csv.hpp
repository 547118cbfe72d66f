// SPDX-License-Identifier: Apache-2.0
// Rows of numbers and words from CSV text (RFC 4180), each cell with its place: the one reader of tables. Meant for tables of 10^5 rows:
// cells are views of the text that the caller keeps. The first record names the columns; empty lines and lines that begin with '#' are no
// records.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/diagnostic.hpp"

namespace zettatwin::config {

class Csv final {
 public:
  enum class Length {
    of_title,  // a record of another length than the title is an error
    any,       // records are as long as they are: whoever reads them judges each
  };
  // Reports cells that no CSV has, records of a wrong length, and an empty text.
  [[nodiscard]] static std::optional<Csv> parse(std::string_view text, const std::string& name, Diagnostics& diagnostics, Length length = Length::of_title);

  [[nodiscard]] const std::vector<std::string_view>& titles() const { return titles_; }
  [[nodiscard]] std::optional<std::size_t> column(std::string_view title) const;
  [[nodiscard]] std::size_t rows() const { return begins_.size(); }
  [[nodiscard]] std::size_t cells(std::size_t row) const { return (row + 1 < begins_.size() ? begins_[row + 1] : cells_.size()) - begins_[row]; }
  // Empty where the record is shorter.
  [[nodiscard]] std::string_view cell(std::size_t row, std::size_t column) const { return column < cells(row) ? cells_[begins_[row] + column].text : std::string_view{}; }
  // Of the record where it is shorter.
  [[nodiscard]] Location where(std::size_t row, std::size_t column) const;
  [[nodiscard]] Location title_place() const;

 private:
  struct Cell {
    std::string_view text;
    std::uint32_t line, column;
  };
  friend class CsvReader;

  std::shared_ptr<const std::string> name_;
  std::uint32_t title_line_ = 1;
  std::vector<std::string_view> titles_;
  std::vector<Cell> cells_;
  std::vector<std::size_t> begins_;  // of the records, in cells_
  std::deque<std::string> unquoted_;  // cells with doubled quotes
};

// The whole cell as a finite number; nothing if it is none.
[[nodiscard]] std::optional<double> number_of(std::string_view cell);

}  // namespace zettatwin::config
