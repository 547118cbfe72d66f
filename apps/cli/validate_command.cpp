// SPDX-License-Identifier: Apache-2.0
#include "cli/validate_command.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <memory>

#include "cli/csv_file.hpp"
#include "validation/judge.hpp"

namespace zettatwin::cli {
namespace {

struct ValidateCommand {
  std::string rows;
  validation::Selection selection;
  bool json = false, csv = false;
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

Exit run_validate(const ValidateCommand& c, const FileSource& source) {
  config::Diagnostics diagnostics;
  const auto text = source.read(c.rows);
  if (!text) diagnostics.error(config::location_in(c.rows), "cannot be read", "", "name a CSV file of measured runs");
  const auto table = text ? parse_csv(*text, c.rows, diagnostics) : std::nullopt;
  const auto judgements = table ? validation::judge(*table, c.selection, source, diagnostics, progress()) : std::vector<validation::Judgement>{};
  print(diagnostics);
  if (diagnostics.has_errors()) return Exit::bad_input;
  fmt::print("{}", c.csv ? validation::csv(judgements) : c.json ? validation::json(judgements) : validation::text(judgements));
  return Exit::answered;
}

}  // namespace

void add_validate(CLI::App& app, const FileSource& source, Exit& exit) {
  auto* command = app.add_subcommand("validate", "predict measured runs and show the signed errors");
  auto c = std::make_shared<ValidateCommand>();
  command->add_option("--rows", c->rows, "CSV file of measured runs; its first line names the columns")->type_name("FILE")->required();
  command->add_option("--set", c->selection.set, "only rows of this set, such as public")->type_name("SET");
  command->add_option("--group", c->selection.groups, "only rows whose id begins with this; may be repeated")->type_name("GROUP")->allow_extra_args(false);
  auto* json = command->add_flag("--json", c->json, "rows and scores of groups as JSON");
  command->add_flag("--csv", c->csv, "one line per row: id, status, measured, predicted, signed error, what was assumed")->excludes(json);
  command->footer("examples:\n"
                  "  zettatwin validate --rows training_results.csv\n"
                  "  zettatwin validate --rows training_results.csv --set public --group KOR --csv\n"
                  "exit codes: 0 every row got a status, 2 the file cannot be read, 70 internal error");
  command->callback([c, &source, &exit] { exit = run_validate(*c, source); });
}

}  // namespace zettatwin::cli
