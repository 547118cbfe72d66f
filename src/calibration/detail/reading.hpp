// SPDX-License-Identifier: Apache-2.0
// One timing by column names; every problem is reported where it is.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstdint>
#include <optional>
#include <string>

#include "config/csv.hpp"

namespace zettatwin::calibration::detail {

inline constexpr double kMicrosecond = 1e-6, kGiga = 1e9;
inline constexpr std::int64_t kMostSize = 1 << 24, kMostBatch = 1 << 14;  // products of three stay within 64 bits

[[nodiscard]] inline std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return out;
}

// Titles and words count in any case of letters.
class Reading final {
 public:
  Reading(const config::Csv& csv, std::size_t row, config::Diagnostics& diagnostics) : csv_(csv), row_(row), diagnostics_(diagnostics) {}

  [[nodiscard]] std::string_view text(std::string_view column, std::string_view otherwise) const {
    const auto at = find(column);
    return at && !csv_.cell(row_, *at).empty() ? csv_.cell(row_, *at) : otherwise;
  }
  [[nodiscard]] config::Location where(std::string_view column) const {
    const auto at = find(column);
    return at ? csv_.where(row_, *at) : csv_.title_place();
  }
  void error(std::string_view column, std::string problem, std::string why = "", std::string suggestion = "") {
    diagnostics_.error(where(column), std::move(problem), std::move(why), std::move(suggestion));
  }
  // A number in (0, 1e15]; 1 after a problem, so that reading can go on.
  double positive(std::string_view column) {
    const auto cell = text(column, "");
    const auto value = config::number_of(cell);
    if (value && *value > 0 && *value <= 1e15) return *value;
    failed_ = true;
    if (find(column)) error(column, fmt::format("{} is '{}'", column, cell), "it must be a number above 0 and at most 1e15");
    else missing(column);
    return 1;
  }
  std::int64_t whole(std::string_view column, std::int64_t most = kMostSize) {
    const double value = positive(column);
    if (value == std::floor(value) && value <= static_cast<double>(most)) return static_cast<std::int64_t>(value);
    error(column, fmt::format("{} is '{}'", column, text(column, "")), fmt::format("it must be a whole number, at most {}", most));
    return 1;
  }
  std::int64_t whole_or(std::string_view column, std::int64_t otherwise, std::int64_t most = kMostSize) {
    return text(column, "").empty() ? otherwise : whole(column, most);
  }

  // A number was missing or wrong, whether this row was the first to say so or not.
  [[nodiscard]] bool failed() const { return failed_; }

 private:
  [[nodiscard]] std::optional<std::size_t> find(std::string_view column) const {
    if (const auto at = csv_.column(column)) return at;
    const auto& titles = csv_.titles();
    const auto same = std::find_if(titles.begin(), titles.end(), [&](std::string_view title) { return lower(title) == column; });
    return same == titles.end() ? std::nullopt : std::optional(static_cast<std::size_t>(same - titles.begin()));
  }
  // Once per file, at the first line that needs it.
  void missing(std::string_view column) {
    auto problem = fmt::format("there is no column '{}'", column);
    const auto& all = diagnostics_.all();
    if (std::any_of(all.begin(), all.end(), [&](const auto& d) { return d.problem == problem; })) return;
    const auto& titles = csv_.titles();
    const bool apart = titles.size() == 1 && titles.front().find_first_of(";\t") != std::string_view::npos;
    error(column, std::move(problem), fmt::format("line {} needs it", where_of_row().line), apart ? "cells are separated by commas" : near(column));
  }
  [[nodiscard]] config::Location where_of_row() const { return csv_.where(row_, 0); }
  [[nodiscard]] std::string near(std::string_view column) const {
    constexpr std::size_t kTelling = 3;  // shorter names resemble all others of their length
    if (column.size() < kTelling) return "";
    const auto found = config::nearest(column, {csv_.titles().begin(), csv_.titles().end()});
    return found.empty() ? "" : fmt::format("is it '{}'?", found);
  }
  const config::Csv& csv_;
  std::size_t row_;
  config::Diagnostics& diagnostics_;
  bool failed_ = false;
};

}  // namespace zettatwin::calibration::detail
