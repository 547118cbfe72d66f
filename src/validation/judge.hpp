// SPDX-License-Identifier: Apache-2.0
// Predictions against measurements: each row lowered, asked and compared.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "config/document.hpp"
#include "uncertainty/interval.hpp"
#include "validation/table.hpp"

namespace zettatwin::validation {

enum class Status { ok, infeasible, unsupported, bad_row };
[[nodiscard]] std::string_view name_of(Status status);

struct Judgement {
  std::string id, set, group, metric, unit, chip, model, source, precision;
  std::string plan;                   // training: sizes that are not 1; serving: as the row has it
  std::int64_t line = 0;
  bool fully_specified = true;        // every knob is known and consistent; a file without the column says so of all rows
  bool experts = false;               // of the row's model
  std::int64_t chips = 0;             // of the run; 0: not given
  double sequences = 0;               // of a step; 0: not given
  std::string sweep;                  // rows with the same differ in their plan alone (sweeps.hpp)
  std::string series;                 // rows with the same differ in the number of chips and the plan
  Status status = Status::ok;
  bool read_otherwise = false;        // as told the plan does not fit; this is another reading of what the row leaves open
  double measured = 0;                // in the row's unit
  std::optional<double> predicted;    // in the row's unit; of an infeasible plan, what it would take if it fitted
  double half_width = 0;              // of the interval, in the logarithm; 0: none
  uncertainty::Traits traits;
  std::vector<std::string> assumed;
  std::string note;                   // why there is no prediction, or why the plan does not fit
  std::string excluded;               // why it is scored apart; empty: it is not

  // (predicted / measured - 1) * 100.
  [[nodiscard]] std::optional<double> signed_error() const;
  // Ends of the interval.
  [[nodiscard]] std::optional<double> low() const;
  [[nodiscard]] std::optional<double> high() const;
  [[nodiscard]] bool inside() const;  // the measured value
};

struct Judgements {
  std::vector<Judgement> rows;    // one per selected record, in order
  std::vector<Judgement> memory;  // of those whose notes state a peak
  std::vector<Judgement> stated;  // serving: other figures that notes state beside the row's own
  bool serving = false;           // rows of serving results

  // The three lists, one after the other.
  template <class Visit>
  void each(Visit visit) const {
    for (const auto* list : {&rows, &memory, &stated})
      for (const auto& j : *list) visit(j);
  }
};

struct Selection {
  std::string set;                  // "": all
  std::vector<std::string> groups;  // empty: all
};

// Called after each row with how many are done.
using Progress = std::function<void(std::size_t done, std::size_t all)>;

// Says why a selection has no rows.
void nothing_chosen(const Table& table, const Selection& selection, config::Diagnostics& diagnostics);
// Columns tell training runs from serving results (serving_lowering.hpp). Missing columns are diagnostics, errors if no row can be judged without them.
[[nodiscard]] Judgements judge(const Table& table, const Selection& selection, const config::DocumentSource& source, config::Diagnostics& diagnostics, const Progress& progress = {});

}  // namespace zettatwin::validation
