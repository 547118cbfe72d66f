// SPDX-License-Identifier: Apache-2.0
#include "config/csv.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

namespace zettatwin::config {
namespace {

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlank = " \t";
  const auto first = text.find_first_not_of(kBlank);
  return first == std::string_view::npos ? std::string_view{} : text.substr(first, text.find_last_not_of(kBlank) - first + 1);
}

}  // namespace

class CsvReader final {
 public:
  CsvReader(std::string_view text, Csv& csv, Diagnostics& diagnostics, Csv::Length length) : text_(text), csv_(csv), diagnostics_(diagnostics), length_(length) {
    constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
    if (text_.starts_with(kByteOrderMark)) at_ = line_start_ = kByteOrderMark.size();
  }

  void read() {
    while (at_ < text_.size()) {
      if (skipped_line()) continue;
      if (!record()) return;
    }
    if (csv_.titles_.empty()) diagnostics_.error(location_in(*csv_.name_), "the file is empty", "its first line names the columns");
  }

 private:
  [[nodiscard]] std::uint32_t column_at(std::size_t at) const { return static_cast<std::uint32_t>(at - line_start_ + 1); }
  void error(std::uint32_t line, std::uint32_t column, std::string problem, std::string why) {
    diagnostics_.error({csv_.name_, line, column}, std::move(problem), std::move(why));
  }
  void end_line() {
    ++at_;
    ++line_;
    line_start_ = at_;
  }

  bool skipped_line() {
    const auto end = std::min(text_.find('\n', at_), text_.size());
    const auto line = text_.substr(at_, end - at_);
    if (!line.starts_with('#') && line.find_first_not_of(" \t\r") != std::string_view::npos) return false;
    at_ = end;
    end_line();
    return true;
  }

  // One record up to its line end. False where reading cannot go on.
  bool record() {
    std::vector<Csv::Cell> cells;
    const auto line = line_;
    bool more = true;
    while (more) {
      if (!cell(cells)) return false;
      more = at_ < text_.size() && text_[at_] == ',';
      if (more) ++at_;
    }
    if (at_ < text_.size()) end_line();
    take(cells, line);
    return true;
  }

  void take(const std::vector<Csv::Cell>& cells, std::uint32_t line) {
    if (csv_.titles_.empty()) {
      for (const auto& c : cells) csv_.titles_.push_back(c.text);
      csv_.title_line_ = line;
    } else if (length_ == Csv::Length::of_title && cells.size() != csv_.titles_.size()) {
      error(line, 1, fmt::format("{} cells instead of {}", cells.size(), csv_.titles_.size()), "every record has one cell per column of the first line");
    } else {
      csv_.begins_.push_back(csv_.cells_.size());
      csv_.cells_.insert(csv_.cells_.end(), cells.begin(), cells.end());
    }
  }

  bool cell(std::vector<Csv::Cell>& cells) {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t')) ++at_;
    const auto line = line_, column = column_at(at_);
    if (at_ < text_.size() && text_[at_] == '"') {
      const auto text = quoted(line, column);
      if (text) cells.push_back({*text, line, column});
      return text.has_value();
    }
    const auto end = std::min(text_.find_first_of(",\n", at_), text_.size());
    auto text = text_.substr(at_, end - at_);
    at_ = end;
    if (text.ends_with('\r')) text.remove_suffix(1);
    cells.push_back({trimmed(text), line, column});
    return true;
  }

  // "a ""quoted"" cell", which may hold commas and line ends.
  std::optional<std::string_view> quoted(std::uint32_t line, std::uint32_t column) {
    std::string content;
    for (++at_; at_ < text_.size(); ++at_) {
      if (text_[at_] == '"') {
        if (at_ + 1 >= text_.size() || text_[at_ + 1] != '"') break;
        ++at_;
      }
      content += text_[at_];
      if (text_[at_] == '\n') {
        ++line_;
        line_start_ = at_ + 1;
      }
    }
    if (at_ < text_.size()) ++at_;
    else return error(line, column, "the quote is not closed", "a quoted cell ends with a quote"), std::nullopt;
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\r')) ++at_;
    if (at_ < text_.size() && text_[at_] != ',' && text_[at_] != '\n')
      return error(line_, column_at(at_), "text after a quoted cell", "a quote inside a cell is doubled, and the cell is quoted"), std::nullopt;
    return csv_.unquoted_.emplace_back(std::move(content));
  }

  std::string_view text_;
  Csv& csv_;
  Diagnostics& diagnostics_;
  Csv::Length length_;
  std::size_t at_ = 0, line_start_ = 0;
  std::uint32_t line_ = 1;
};

std::optional<Csv> Csv::parse(std::string_view text, const std::string& name, Diagnostics& diagnostics, Length length) {
  const auto before = diagnostics.error_count();
  Csv csv;
  csv.name_ = std::make_shared<const std::string>(name);
  CsvReader(text, csv, diagnostics, length).read();
  if (diagnostics.error_count() != before) return std::nullopt;
  return csv;
}

std::optional<std::size_t> Csv::column(std::string_view title) const {
  const auto at = std::find(titles_.begin(), titles_.end(), title);
  return at == titles_.end() ? std::nullopt : std::optional(static_cast<std::size_t>(at - titles_.begin()));
}

Location Csv::where(std::size_t row, std::size_t column) const {
  const auto& cell = cells_[begins_[row] + (column < cells(row) ? column : 0)];
  return {name_, cell.line, cell.column};
}

Location Csv::title_place() const { return {name_, title_line_, 1}; }

std::optional<double> number_of(std::string_view cell) {
  double value = 0;
  const auto [end, error] = std::from_chars(cell.data(), cell.data() + cell.size(), value);
  if (error != std::errc{} || end != cell.data() + cell.size() || !std::isfinite(value)) return std::nullopt;
  return value;
}

}  // namespace zettatwin::config
