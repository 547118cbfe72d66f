// SPDX-License-Identifier: Apache-2.0
#include "cli/validate_command.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <memory>

#include "uncertainty/fit.hpp"
#include "validation/request_log.hpp"
#include "validation/serving_lowering.hpp"
#include "validation/show.hpp"

namespace zettatwin::cli {
namespace {

struct ValidateCommand {
  std::string rows;
  std::string requests, scenario;
  validation::Selection selection;
  bool json = false, csv = false, memory = false, html = false;
  std::string html_file, document, intervals;
};

// Rate and time left, on a terminal alone.
validation::Progress progress() {
  if (isatty(STDERR_FILENO) == 0) return {};
  const auto start = std::chrono::steady_clock::now();
  return [start](std::size_t done, std::size_t all) {
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    const double rate = static_cast<double>(done) / std::max(seconds, 1e-3);
    fmt::print(stderr, "\r{} of {} rows, {:.0f} rows/s, {:.0f} s left ", done, all, rate, static_cast<double>(all - done) / rate);
    if (done == all) fmt::print(stderr, "\n");
  };
}

// Writes the half widths that the judged rows give.
Exit fit_intervals(const std::string& path, const validation::Judgements& judgements, const FileSource& source) {
  config::Diagnostics diagnostics;
  auto intervals = uncertainty::load_intervals(source, diagnostics);
  print(diagnostics);
  if (!intervals) return Exit::bad_input;
  return write_file(path, uncertainty::yaml(uncertainty::fitted(std::move(*intervals), validation::samples(judgements)))) ? Exit::answered : Exit::bad_input;
}

Exit write_document(const std::string& folder, const validation::Judgements& judgements, const validation::GroupNotes& notes) {
  for (const auto& file : validation::document(judgements, notes)) {
    const std::filesystem::path path = folder + "/" + file.path;
    std::error_code error;
    std::filesystem::create_directories(path.parent_path(), error);
    if (!write_file(path.string(), file.text)) return Exit::bad_input;
  }
  return Exit::answered;
}

Exit show(const ValidateCommand& c, const validation::Judgements& judgements, const validation::GroupNotes& notes, const FileSource& source) {
  if (!c.intervals.empty()) return fit_intervals(c.intervals, judgements, source);
  if (!c.document.empty()) return write_document(c.document, judgements, notes);
  if (c.html && !c.html_file.empty()) return write_file(c.html_file, validation::html(judgements, notes)) ? Exit::answered : Exit::bad_input;
  if (c.html) fmt::print("{}", validation::html(judgements, notes));
  else if (c.csv) fmt::print("{}", validation::csv(c.memory ? judgements.memory : judgements.rows));
  else fmt::print("{}", c.json ? validation::json(judgements) : validation::text(judgements));
  return Exit::answered;
}

// A run logged request by request, on the deployment of a scenario.
Exit replay(const ValidateCommand& c, const FileSource& source) {
  config::Diagnostics diagnostics;
  const auto text = source.read(c.requests), scenario = source.read(c.scenario);
  if (!text) diagnostics.error(config::location_in(c.requests), "cannot be read", "", "name a file of JSON lines");
  if (!scenario) diagnostics.error(config::location_in(c.scenario.empty() ? "--scenario" : c.scenario), "cannot be read", "", "name the scenario on whose deployment the log is replayed");
  const auto node = scenario ? config::parse_document(*scenario, c.scenario, diagnostics) : std::nullopt;
  const auto log = text ? validation::read_request_log(*text, c.requests, diagnostics) : std::nullopt;
  const auto comparison = node && log ? validation::compare_log(*log, *text, c.requests, *node, source, diagnostics) : std::nullopt;
  print(diagnostics);
  if (!comparison) return Exit::bad_input;
  fmt::print("{}", c.json ? validation::json(*comparison) : validation::text(*comparison));
  return comparison->infeasible ? Exit::infeasible : Exit::answered;
}

Exit run_validate(const ValidateCommand& c, const FileSource& source) {
  if (!c.requests.empty()) return replay(c, source);
  config::Diagnostics diagnostics;
  const auto text = source.read(c.rows);
  if (!text) diagnostics.error(config::location_in(c.rows), "cannot be read", "", "name a CSV file of measured runs");
  const auto table = text ? validation::read_table(*text, c.rows, diagnostics) : std::nullopt;
  const auto notes = validation::load_group_notes(source, table && validation::is_serving_table(*table), diagnostics);
  const auto judgements = table && notes ? validation::judge(*table, c.selection, source, diagnostics, progress()) : validation::Judgements{};
  print(diagnostics);
  return diagnostics.has_errors() ? Exit::bad_input : show(c, judgements, *notes, source);
}

}  // namespace

void add_validate(CLI::App& app, const FileSource& source, Exit& exit) {
  auto* command = app.add_subcommand("validate", "predict measured runs and show the signed errors");
  auto c = std::make_shared<ValidateCommand>();
  auto* rows = command->add_option("--rows", c->rows, "CSV file of measured training runs or serving results; its first line names the columns, which tell the two apart")->type_name("FILE");
  auto* requests = command->add_option("--requests", c->requests, "log of a serving run, JSON lines with input_toks, output_toks, queued_ts, first_token_ts and last_token_ts (s), replayed on --scenario")->type_name("FILE")->excludes(rows);
  command->add_option("--scenario", c->scenario, "with --requests: serving scenario without traffic")->type_name("FILE")->needs(requests);
  command->require_option(1, 0);
  command->add_option("--set", c->selection.set, "only rows of this set, such as public")->type_name("SET");
  command->add_option("--group", c->selection.groups, "only rows of this group: what their ids begin with, or of serving results the group's name; may be repeated")->type_name("GROUP")->allow_extra_args(false);
  auto* json = command->add_flag("--json", c->json, "rows, what else their notes state, and scores of groups as JSON");
  auto* csv = command->add_flag("--csv", c->csv, "one line per row: id, status, measured, predicted, signed error, interval, what was assumed")->excludes(json);
  command->add_flag("--memory", c->memory, "with --csv: a line per row whose notes state a peak of memory instead")->needs(csv);
  auto* html = command->add_option("--html", c->html_file, "one page with tables, plots and all rows; to standard output without a name")->type_name("FILE")->expected(0, 1)->excludes(json)->excludes(csv);
  command->add_option("--document", c->document, "write validation.md (serving_validation.md) and its plots into this folder")->type_name("DIR")->excludes(json)->excludes(csv)->excludes(html);
  command->add_option("--fit-intervals", c->intervals, "write the half widths of intervals that the rows give; use with --set calibration")->type_name("FILE");
  command->footer("examples:\n"
                  "  zettatwin validate --rows training_results.csv\n"
                  "  zettatwin validate --rows training_results.csv --set public --group KOR --csv\n"
                  "  zettatwin validate --rows training_results.csv --html report.html\n"
                  "  zettatwin validate --rows inference_results.csv\n"
                  "  zettatwin validate --requests log.jsonl --scenario scenarios/serving/log-rtx4090-llama-8b.yaml\n"
                  "exit codes: 0 every row got a status, 1 the log's deployment does not fit, 2 the file cannot be read or written, 70 internal error");
  command->callback([c, html, &source, &exit] {
    c->html = html->count() > 0;
    exit = run_validate(*c, source);
  });
}

}  // namespace zettatwin::cli
