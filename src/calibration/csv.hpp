// SPDX-License-Identifier: Apache-2.0
// Rows of numbers and words from CSV text (RFC 4180), each cell with its place. Meant for tables of 10^5 rows: cells are views of
// the text that the caller keeps. The first record names the columns; empty lines and lines that begin with '#' are no records.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/diagnostic.hpp"

namespace zettatwin::calibration {

class Csv final {
 public:
  // Reports cells that no CSV has, records of another length than the title, and an empty text.
  [[nodiscard]] static std::optional<Csv> parse(std::string_view text, const std::string& name, config::Diagnostics& diagnostics);

  [[nodiscard]] const std::vector<std::string_view>& titles() const { return titles_; }
  [[nodiscard]] std::optional<std::size_t> column(std::string_view title) const;
  [[nodiscard]] std::size_t rows() const { return titles_.empty() ? 0 : cells_.size() / titles_.size(); }
  [[nodiscard]] std::string_view cell(std::size_t row, std::size_t column) const { return cells_[row * titles_.size() + column].text; }
  [[nodiscard]] config::Location where(std::size_t row, std::size_t column) const;
  [[nodiscard]] config::Location title_place() const;

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
  std::deque<std::string> unquoted_;  // cells with doubled quotes
};

// The whole cell as a finite number; nothing if it is none.
[[nodiscard]] std::optional<double> number_of(std::string_view cell);

}  // namespace zettatwin::calibration
