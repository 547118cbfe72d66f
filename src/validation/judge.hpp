// SPDX-License-Identifier: Apache-2.0
// Predictions against measurements: each row lowered, asked and compared; then groups of rows.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "config/document.hpp"
#include "validation/lowering.hpp"

namespace zettatwin::validation {

enum class Status { ok, infeasible, unsupported, bad_row };
[[nodiscard]] std::string_view name_of(Status status);

struct Judgement {
  std::string id, set, group, metric, unit, chip, model;
  std::int64_t line = 0;
  Status status = Status::ok;
  double measured = 0;                // in the row's unit
  std::optional<double> predicted;    // in the row's unit; of an infeasible plan, what it would take if it fitted
  std::vector<std::string> assumed;
  std::string note;                   // why there is no prediction, or why the plan does not fit

  // (predicted / measured - 1) * 100.
  [[nodiscard]] std::optional<double> signed_error() const;
};

struct GroupScore {
  std::string group;
  std::int64_t rows = 0;
  std::int64_t predicted = 0;
  double median = 0, mean = 0, p90 = 0, max = 0;  // of |signed error|, %
  double bias = 0;                                // mean signed error, %
  std::optional<double> tau;                      // Kendall's, of measured and predicted; rows of one metric, two or more
  [[nodiscard]] double coverage() const { return rows > 0 ? static_cast<double>(predicted) / static_cast<double>(rows) : 0; }
};

struct Selection {
  std::string set;                  // "": all
  std::vector<std::string> groups;  // empty: all
};

// Called after each row with how many are done.
using Progress = std::function<void(std::size_t done, std::size_t all)>;

// One judgement per selected record, in order. Missing columns are diagnostics, errors if no row can be judged without them.
[[nodiscard]] std::vector<Judgement> judge(const Table& table, const Selection& selection, const config::DocumentSource& source, config::Diagnostics& diagnostics, const Progress& progress = {});

// By group, in the order of their first rows; then all together as "all".
[[nodiscard]] std::vector<GroupScore> scores(const std::vector<Judgement>& judgements);

[[nodiscard]] std::string csv(const std::vector<Judgement>& judgements);
[[nodiscard]] std::string json(const std::vector<Judgement>& judgements);
[[nodiscard]] std::string text(const std::vector<Judgement>& judgements);

}  // namespace zettatwin::validation
