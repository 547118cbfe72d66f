// SPDX-License-Identifier: Apache-2.0
#include "validation/judge.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "api/library.hpp"
#include "api/scenario.hpp"
#include "validation/exclusions.hpp"
#include "validation/lowering.hpp"
#include "validation/memory.hpp"
#include "validation/serving_judge.hpp"
#include "validation/serving_lowering.hpp"
#include "validation/sweeps.hpp"
#include "workload/operations.hpp"

namespace zettatwin::validation {
namespace {

// The model's own FLOP as the source counts them, over those of this program.
double flop_as_counted(const MetricUnit& metric, const training::Job& job) {
  if (!metric.square_attention) return 1;
  return workload::hardware_flop_per_token(job.architecture, plan::Plan{}, job.software, job.sequence_length).si() / workload::model_flop_per_token(job.architecture, job.sequence_length).si();
}

double predicted(const MetricUnit& metric, const training::Job& job, const training::TrainingResult& result) {
  const double chips = static_cast<double>(result.chips);
  switch (metric.metric) {
    case Metric::step_time: return result.step_time.seconds().si() / metric.si;
    case Metric::tokens_per_s: return result.tokens_per_s / metric.si;
    case Metric::tokens_per_s_per_chip: return result.tokens_per_s / chips / metric.si;
    case Metric::model_flop_rate_per_chip: return result.model_rate_per_chip.si() * flop_as_counted(metric, job) / metric.si;
    case Metric::hardware_flop_rate_per_chip: return workload::hardware_flop_per_token(job.architecture, job.plan, job.software, job.sequence_length).si() * result.tokens_per_s / chips / metric.si;
    case Metric::sequences_per_s: return result.tokens_per_s / static_cast<double>(job.sequence_length) / metric.si;
    case Metric::sequences_per_s_per_chip: return result.tokens_per_s / static_cast<double>(job.sequence_length) / chips / metric.si;
    case Metric::mfu: return result.mfu * flop_as_counted(metric, job) / metric.si;
    case Metric::memory: break;  // memory.hpp
  }
  return 0;
}

std::string first_error(const config::Diagnostics& diagnostics) {
  for (const auto& d : diagnostics.all())
    if (d.severity == config::Severity::error) return fmt::format("{}{}", d.problem, d.why.empty() ? "" : fmt::format(" ({})", d.why));
  return "no answer";
}

// What all rows are judged with.
class Judge final {
 public:
  Judge(const config::DocumentSource& source, config::Diagnostics& diagnostics)
      : vocabulary_(load_vocabulary(source, diagnostics)), memory_(load_memory_vocabulary(source, diagnostics)), exclusions_(load_exclusions(source, diagnostics)),
        intervals_(uncertainty::load_intervals(source, diagnostics)), models_(source, diagnostics), names_(models_.names(), vocabulary_ ? vocabulary_->models : std::vector<NameRule>{}), library_(source) {}

  [[nodiscard]] bool ready() const { return vocabulary_ && memory_ && exclusions_; }

  void judge(const Row& row, Judgements& judgements) {
    auto j = what_the_row_says(row);
    auto lowered = lower(row, *vocabulary_, models_, names_);
    const auto* memory_rule = memory_metric(*memory_, row);
    if (memory_rule) {
      j.group += " memory";
      if (memory_rule->set.is_mapping()) lowered.scenario = config::merged(lowered.scenario, memory_rule->set);
    }
    j.measured = lowered.measured;
    j.assumed = std::move(lowered.assumed);
    j.traits.assumed = static_cast<std::int64_t>(j.assumed.size());
    auto answer = lowered.problems.empty() ? ask(lowered.scenario, j) : std::nullopt;
    if (answer && !answer->result.feasible && !memory_rule) read_otherwise(lowered, answer, j);
    if (!lowered.problems.empty()) {
      j.status = lowered.bad ? Status::bad_row : Status::unsupported;
      j.note = fmt::format("{}", fmt::join(lowered.problems, "; "));
    }
    const auto stated = memory_in_notes(*memory_, row);
    if (stated) judgements.memory.push_back(peak(j, *stated, answer));
    if (answer) conclude(j, memory_rule ? predicted_gib(memory_rule->is, answer->result) : predicted(lowered.metric, answer->prepared.job, answer->result), *answer, memory_rule ? uncertainty::kMemory : uncertainty::kStepTime);
    judgements.rows.push_back(std::move(j));
  }

 private:
  struct Answered {
    api::Prepared prepared;
    training::TrainingResult result;
  };

  [[nodiscard]] Judgement what_the_row_says(const Row& row) const {
    const auto text = [&](std::string_view column) { return std::string(row.text(column)); };
    Judgement j;
    j.id = text("id");
    j.set = text("set");
    j.group = row.group();
    j.metric = text("metric");
    j.unit = text("unit");
    j.chip = text("chip");
    j.model = text("model");
    j.source = text("source");
    j.precision = text("precision");
    j.plan = plan_of(row);
    j.line = row.line();
    const auto specified = row.number("fully_specified");
    j.fully_specified = !specified || *specified != 0;
    j.experts = row.whole("experts").value_or(0) > 0;
    j.chips = row.whole("num_chips").value_or(0);
    j.sequences = row.number("gbs").value_or(0);
    j.sweep = sweep_of(row);
    j.series = series_of(row);
    const auto* exclusion = find_exclusion(*exclusions_, j.id);
    if (exclusion) j.excluded = exclusion->reason;
    return j;
  }

  // Says in the judgement why there is no answer, or why the plan does not fit.
  std::optional<Answered> ask(const config::Node& scenario, Judgement& j) {
    config::Diagnostics diagnostics;
    auto prepared = api::prepare(scenario, library_, api::Looks::at_classes, diagnostics);
    auto result = prepared ? training::estimate(prepared->job, prepared->where, diagnostics) : std::nullopt;
    if (!result) {
      j.status = Status::unsupported;
      j.note = first_error(diagnostics);
      return std::nullopt;
    }
    if (!result->feasible) {
      j.status = Status::infeasible;
      j.note = result->infeasible->reason;
    }
    return Answered{std::move(*prepared), std::move(*result)};
  }

  // The run happened, so what its row leaves open was something that fits.
  void read_otherwise(const Lowered& lowered, std::optional<Answered>& answer, Judgement& j) {
    for (const auto& other : lowered.others) {
      auto again = j;
      auto scenario = lowered.scenario;
      if (other.instead) std::erase_if(scenario.entries, [](const config::Entry& e) { return e.key == "plan"; });
      auto fits = ask(config::merged(scenario, other.changes), again);
      if (!fits || !fits->result.feasible) continue;
      answer = std::move(fits);
      j.status = Status::ok;
      j.read_otherwise = true;
      j.note.clear();
      j.assumed.push_back(other.assumed);
      j.traits.assumed = static_cast<std::int64_t>(j.assumed.size());
      return;
    }
  }

  void conclude(Judgement& j, double value, const Answered& answer, const char* quantity) const {
    j.predicted = value;
    const auto assumed = j.traits.assumed;
    j.traits = uncertainty::traits_of(answer.prepared.job, answer.result, quantity);
    j.traits.assumed = assumed;
    const auto width = intervals_ ? uncertainty::half_width(*intervals_, j.traits) : std::nullopt;
    if (width) j.half_width = width->log;
  }

  // The peak that a row of another metric states as well.
  [[nodiscard]] Judgement peak(const Judgement& row, const MeasuredMemory& stated, const std::optional<Answered>& answer) const {
    auto j = row;
    j.group += " memory";
    j.metric = fmt::format("peak memory {}", config::word_of(memory_words(), stated.rule->is));
    j.unit = "GiB/GPU";
    j.measured = stated.gib;
    j.sweep += j.metric;
    j.series += j.metric;
    if (answer) conclude(j, predicted_gib(stated.rule->is, answer->result), *answer, uncertainty::kMemory);
    return j;
  }

  std::optional<Vocabulary> vocabulary_;
  std::optional<MemoryVocabulary> memory_;
  std::optional<std::vector<Exclusion>> exclusions_;
  std::optional<uncertainty::Intervals> intervals_;
  ModelIndex models_;
  ModelNames names_;
  api::Library library_;
};

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
std::optional<double> Judgement::low() const { return predicted && half_width > 0 ? std::optional(*predicted * std::exp(-half_width)) : std::nullopt; }
std::optional<double> Judgement::high() const { return predicted && half_width > 0 ? std::optional(*predicted * std::exp(half_width)) : std::nullopt; }
bool Judgement::inside() const { return low() && *low() <= measured && measured <= *high(); }

void nothing_chosen(const Table& table, const Selection& selection, config::Diagnostics& diagnostics) {
  std::set<std::string> sets, groups;
  for (const auto& record : table.records) {
    const Row row(table, record);
    sets.emplace(row.text("set"));
    groups.emplace(row.group());
  }
  if (table.records.empty()) return diagnostics.error(config::location_in(table.name), "the file has no rows", "its first line names the columns", "add a line per measured run");
  if (!selection.set.empty() && !sets.contains(selection.set))
    return diagnostics.error(config::location_in("--set"), fmt::format("no row is of the set '{}'", selection.set), fmt::format("sets are {}", fmt::join(sets, ", ")));
  diagnostics.error(config::location_in("--group"), fmt::format("no row{} is of {}", selection.set.empty() ? "" : fmt::format(" of the set '{}'", selection.set), fmt::join(selection.groups, ", ")),
                    fmt::format("ids of rows begin with {}", fmt::join(groups, ", ")), "write one of them before the first '-' of an id, or of serving results a group of the report");
}

Judgements judge(const Table& table, const Selection& selection, const config::DocumentSource& source, config::Diagnostics& diagnostics, const Progress& progress) {
  if (is_serving_table(table)) return judge_serving(table, selection, source, diagnostics, progress);
  if (!check_columns(table, diagnostics)) return {};
  Judge judge(source, diagnostics);
  if (!judge.ready() || diagnostics.has_errors()) return {};
  std::vector<Row> rows;
  for (const auto& record : table.records) {
    const Row row(table, record);
    const bool in_set = selection.set.empty() || row.text("set") == selection.set;
    const bool in_group = selection.groups.empty() || std::find(selection.groups.begin(), selection.groups.end(), row.group()) != selection.groups.end();
    if (in_set && in_group) rows.push_back(row);
  }
  if (rows.empty()) nothing_chosen(table, selection, diagnostics);
  Judgements judgements;
  judgements.rows.reserve(rows.size());
  for (const auto& row : rows) {
    judge.judge(row, judgements);
    if (progress) progress(judgements.rows.size(), rows.size());
  }
  return judgements;
}

}  // namespace zettatwin::validation
