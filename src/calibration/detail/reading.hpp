// SPDX-License-Identifier: Apache-2.0
// One timing by column names; every problem is reported where it is.
#pragma once

#include <fmt/format.h>

#include <cmath>
#include <cstdint>
#include <string>

#include "config/csv.hpp"

namespace zettatwin::calibration::detail {

inline constexpr double kMicrosecond = 1e-6, kGiga = 1e9;
inline constexpr std::int64_t kMostSize = 1 << 24, kMostBatch = 1 << 14;  // products of three stay within 64 bits

class Reading final {
 public:
  Reading(const config::Csv& csv, std::size_t row, config::Diagnostics& diagnostics) : csv_(csv), row_(row), diagnostics_(diagnostics) {}

  [[nodiscard]] std::string_view text(std::string_view column, std::string_view otherwise) const {
    const auto at = csv_.column(column);
    return at && !csv_.cell(row_, *at).empty() ? csv_.cell(row_, *at) : otherwise;
  }
  [[nodiscard]] config::Location where(std::string_view column) const {
    const auto at = csv_.column(column);
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
    const auto titles = csv_.titles();
    if (csv_.column(column)) error(column, fmt::format("{} is '{}'", column, cell), "it must be a number above 0 and at most 1e15");
    else error(column, fmt::format("there is no column '{}'", column), fmt::format("line {} needs it", where_of_row().line), near(column));
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

 private:
  [[nodiscard]] config::Location where_of_row() const { return csv_.where(row_, 0); }
  [[nodiscard]] std::string near(std::string_view column) const {
    const auto found = config::nearest(column, {csv_.titles().begin(), csv_.titles().end()});
    return found.empty() ? "" : fmt::format("is it '{}'?", found);
  }
  const config::Csv& csv_;
  std::size_t row_;
  config::Diagnostics& diagnostics_;
};

}  // namespace zettatwin::calibration::detail
