// SPDX-License-Identifier: Apache-2.0
#include "validation/judge.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "api/library.hpp"
#include "api/scenario.hpp"
#include "workload/operations.hpp"

namespace zettatwin::validation {
namespace {

double predicted(const MetricUnit& metric, const training::Job& job, const training::TrainingResult& result) {
  const double chips = static_cast<double>(result.chips);
  switch (metric.metric) {
    case Metric::step_time: return result.step_time.seconds().si() / metric.si;
    case Metric::tokens_per_s: return result.tokens_per_s / metric.si;
    case Metric::tokens_per_s_per_chip: return result.tokens_per_s / chips / metric.si;
    case Metric::model_flop_rate_per_chip: return result.model_rate_per_chip.si() / metric.si;
    case Metric::hardware_flop_rate_per_chip: return workload::hardware_flop_per_token(job.architecture, job.plan, job.software, job.sequence_length).si() * result.tokens_per_s / chips / metric.si;
  }
  return 0;
}

std::string first_error(const config::Diagnostics& diagnostics) {
  for (const auto& d : diagnostics.all())
    if (d.severity == config::Severity::error) return fmt::format("{}{}", d.problem, d.why.empty() ? "" : fmt::format(" ({})", d.why));
  return "no answer";
}

Judgement judge_row(const Row& row, const Vocabulary& vocabulary, const ModelIndex& models, api::Library& library) {
  const auto text = [&](std::string_view column) { return std::string(row.text(column)); };
  Judgement j{.id = text("id"), .set = text("set"), .group = row.group(), .metric = text("metric"), .unit = text("unit"), .chip = text("chip"), .model = text("model"), .line = row.line()};
  auto lowered = lower(row, vocabulary, models);
  j.measured = lowered.measured;
  j.assumed = std::move(lowered.assumed);
  if (!lowered.problems.empty()) {
    j.status = lowered.bad ? Status::bad_row : Status::unsupported;
    j.note = fmt::format("{}", fmt::join(lowered.problems, "; "));
    return j;
  }
  config::Diagnostics diagnostics;
  const auto prepared = api::prepare(lowered.scenario, library, api::Looks::at_classes, diagnostics);
  const auto result = prepared ? training::estimate(prepared->job, prepared->where, diagnostics) : std::nullopt;
  if (!result) {
    j.status = Status::unsupported;
    j.note = first_error(diagnostics);
    return j;
  }
  j.predicted = predicted(lowered.metric, prepared->job, *result);
  if (result->feasible) return j;
  j.status = Status::infeasible;
  j.note = result->infeasible->reason;
  return j;
}

// Names what the file lacks; false if nothing can be judged.
bool check_columns(const Table& table, config::Diagnostics& diagnostics) {
  std::vector<std::string> missing;
  for (const auto& column : known_columns())
    if (!table.column(column)) missing.push_back(column);
  std::vector<std::string> fatal;
  for (const auto& column : needed_columns())
    if (!table.column(column)) fatal.push_back(column);
  const auto where = config::location_in(table.name);
  if (!fatal.empty()) diagnostics.error(where, fmt::format("the file has no column {}", fmt::join(fatal, ", ")), "no row can be judged without", "the first line names the columns");
  else if (!missing.empty()) diagnostics.warning(where, fmt::format("the file has no column {}", fmt::join(missing, ", ")), "what they would say is assumed, row by row");
  return fatal.empty();
}

}  // namespace

std::string_view name_of(Status status) {
  switch (status) {
    case Status::ok: return "ok";
    case Status::infeasible: return "infeasible";
    case Status::unsupported: return "unsupported";
    case Status::bad_row: return "bad-row";
  }
  return "?";
}

std::optional<double> Judgement::signed_error() const { return predicted && measured > 0 ? std::optional(100 * (*predicted / measured - 1)) : std::nullopt; }

std::vector<Judgement> judge(const Table& table, const Selection& selection, const config::DocumentSource& source, config::Diagnostics& diagnostics, const Progress& progress) {
  if (!check_columns(table, diagnostics)) return {};
  const auto vocabulary = load_vocabulary(source, diagnostics);
  const ModelIndex models(source, diagnostics);
  if (!vocabulary || diagnostics.has_errors()) return {};
  std::vector<Row> rows;
  for (const auto& record : table.records) {
    const Row row(table, record);
    const bool in_set = selection.set.empty() || row.text("set") == selection.set;
    const bool in_group = selection.groups.empty() || std::find(selection.groups.begin(), selection.groups.end(), row.group()) != selection.groups.end();
    if (in_set && in_group) rows.push_back(row);
  }
  api::Library library(source);
  std::vector<Judgement> judgements;
  judgements.reserve(rows.size());
  for (const auto& row : rows) {
    judgements.push_back(judge_row(row, *vocabulary, models, library));
    if (progress) progress(judgements.size(), rows.size());
  }
  return judgements;
}

}  // namespace zettatwin::validation
