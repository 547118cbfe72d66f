// SPDX-License-Identifier: Apache-2.0
#include "validation/serving_judge.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "api/library.hpp"
#include "validation/exclusions.hpp"
#include "validation/serving_lowering.hpp"
#include "validation/serving_operators.hpp"
#include "validation/serving_runs.hpp"

namespace zettatwin::validation {
namespace {

class ServingJudge final {
 public:
  ServingJudge(const config::DocumentSource& source, config::Diagnostics& diagnostics)
      : vocabulary_(load_serving_vocabulary(source, diagnostics)), training_(load_vocabulary(source, diagnostics)), exclusions_(load_exclusions(source, diagnostics)), models_(source.list("models"), training_ ? training_->models : std::vector<NameRule>{}), intervals_(uncertainty::load_intervals(source, diagnostics)), library_(source),
        runs_(source, library_, vocabulary_ ? vocabulary_->acceptance : 0) {}

  [[nodiscard]] bool ready() const { return vocabulary_ && training_ && exclusions_; }

  [[nodiscard]] ServingRow lowered(const Row& row) const { return lower_serving(row, *vocabulary_, *training_, models_); }

  void judge(const Row& row, const ServingRow& asked, Judgements& judgements) {
    auto j = what_the_row_says(row, asked);
    if (!asked.problems.empty()) {
      j.status = asked.bad ? Status::bad_row : Status::unsupported;
      j.note = fmt::format("{}", fmt::join(asked.problems, "; "));
    }
    std::optional<RunAnswer> answer;
    if (asked.problems.empty()) {
      if (asked.is_operator) {
        const auto told = ask_operator(asked, library_);
        conclude(j, asked.figure, told.value, told.kernels, told.why);
      } else {
        answer = runs_.ask(asked);
        j.assumed.insert(j.assumed.end(), answer->assumed.begin(), answer->assumed.end());
        j.traits.assumed = static_cast<std::int64_t>(j.assumed.size());
        if (answer->infeasible) j.status = Status::infeasible;
        conclude(j, asked.figure, answer->value(asked.figure), answer->kernels(asked.figure), answer->why);
      }
    }
    for (const auto& figure : asked.stated) judgements.stated.push_back(beside(j, figure, answer));
    judgements.rows.push_back(std::move(j));
  }

 private:
  [[nodiscard]] Judgement what_the_row_says(const Row& row, const ServingRow& asked) const {
    const auto text = [&](std::string_view column) { return std::string(row.text(column)); };
    Judgement j;
    j.id = text("id");
    j.set = text("set");
    j.group = asked.group;
    j.metric = text("metric");
    j.unit = text("unit");
    j.chip = text("chip");
    j.model = text("model");
    j.source = text("source");
    j.precision = text("precision");
    j.plan = text("parallelism");
    j.line = row.line();
    j.chips = asked.chips;
    j.measured = asked.measured;
    j.assumed = asked.assumed;
    j.traits.assumed = static_cast<std::int64_t>(j.assumed.size());
    for (const auto column : {"set", "source", "model", "chip", "precision", "isl", "osl", "metric", "unit"}) j.sweep += text(column) + '\x1f';
    j.sweep += asked.group + (asked.words.apart ? "apart" : "");
    j.series = j.id;
    if (const auto* exclusion = find_exclusion(*exclusions_, j.id, "")) j.excluded = exclusion->reason;
    return j;
  }

  // `kernels`: half width that their residuals give the figure.
  void conclude(Judgement& j, const Figure& figure, const std::optional<double>& value, double kernels, const std::string& why) const {
    if (!why.empty()) j.note = why;
    if (!value) {
      if (j.status == Status::ok) j.status = Status::unsupported;
      if (j.note.empty()) j.note = "this figure is not predicted";
      return;
    }
    j.predicted = *value / figure.si;
    j.traits.kernels = kernels;
    const auto name = config::word_of(asked_words(), figure.is);
    const auto rule = std::find_if(vocabulary_->widths.begin(), vocabulary_->widths.end(), [&](const WidthRule& r) { return std::find(r.is.begin(), r.is.end(), name) != r.is.end(); });
    if (!intervals_ || rule == vocabulary_->widths.end()) return;
    j.half_width = uncertainty::served_half_width(*intervals_, rule->width, kernels, j.traits.assumed).value_or(0);
  }

  // A figure that the notes state beside the row's own.
  [[nodiscard]] Judgement beside(const Judgement& row, const StatedFigure& stated, const std::optional<RunAnswer>& answer) const {
    auto j = row;
    j.predicted.reset();
    j.half_width = 0;
    j.group = row.group + " " + stated.group;
    j.metric = stated.metric;
    j.unit = stated.unit;
    j.measured = stated.measured;
    j.sweep += stated.metric;
    j.series += stated.metric;
    const auto* exclusion = find_exclusion(*exclusions_, j.id, stated.group);
    j.excluded = exclusion ? exclusion->reason : "";
    if (answer) conclude(j, stated.figure, answer->value(stated.figure), answer->kernels(stated.figure), answer->why);
    return j;
  }

  std::optional<ServingVocabulary> vocabulary_;
  std::optional<Vocabulary> training_;
  std::optional<std::vector<Exclusion>> exclusions_;
  ModelNames models_;
  std::optional<uncertainty::Intervals> intervals_;
  api::Library library_;
  Runs runs_;
};

// Names what the file lacks; false if nothing can be judged.
bool check_serving_columns(const Table& table, config::Diagnostics& diagnostics) {
  std::vector<std::string> missing, fatal;
  for (const auto& column : serving_columns()) {
    if (table.column(column)) continue;
    const bool needed = column == "id" || column == "chip" || column == "metric" || column == "value";
    (needed ? fatal : missing).push_back(column);
  }
  const auto where = config::location_in(table.name);
  if (!fatal.empty()) diagnostics.error(where, fmt::format("the file has no column {}", fmt::join(fatal, ", ")), "no row can be judged without", "the first line names the columns");
  else if (!missing.empty()) diagnostics.warning(where, fmt::format("the file has no column {}", fmt::join(missing, ", ")), "what they would say is assumed, row by row");
  return fatal.empty();
}

}  // namespace

Judgements judge_serving(const Table& table, const Selection& selection, const config::DocumentSource& source, config::Diagnostics& diagnostics, const Progress& progress) {
  if (!check_serving_columns(table, diagnostics)) return {};
  ServingJudge judge(source, diagnostics);
  if (!judge.ready() || diagnostics.has_errors()) return {};
  std::vector<std::pair<Row, ServingRow>> rows;
  for (const auto& record : table.records) {
    const Row row(table, record);
    auto asked = judge.lowered(row);
    const auto chosen = [&](const std::string& group) { return group == asked.group || group == row.group(); };
    const bool in_set = selection.set.empty() || row.text("set") == selection.set;
    if (in_set && (selection.groups.empty() || std::any_of(selection.groups.begin(), selection.groups.end(), chosen))) rows.emplace_back(row, std::move(asked));
  }
  if (rows.empty()) nothing_chosen(table, selection, diagnostics);
  Judgements judgements;
  judgements.serving = true;
  judgements.rows.reserve(rows.size());
  for (const auto& [row, asked] : rows) {
    judge.judge(row, asked, judgements);
    if (progress) progress(judgements.rows.size(), rows.size());
  }
  return judgements;
}

}  // namespace zettatwin::validation
