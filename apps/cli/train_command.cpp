// SPDX-License-Identifier: Apache-2.0
#include "cli/train_command.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "api/answer.hpp"
#include "cli/job_options.hpp"
#include "result/tree.hpp"

namespace zettatwin::cli {
namespace {

struct TrainCommand {
  JobOptions job;
  bool json = false;
  std::string explain;
  bool explain_set = false;
  std::string trace;
  std::optional<std::int64_t> unfold;
};

Exit run_train(const TrainCommand& c, const FileSource& source) {
  config::Diagnostics diagnostics;
  constexpr std::int64_t kTraceLimit = 2000;  // instructions per pipeline rank
  const auto scenario = scenario_of(c.job, source, diagnostics);
  const auto answer = scenario ? api::train(*scenario, source, {.trace_limit = c.trace.empty() ? 0 : kTraceLimit, .unfold = c.unfold}, diagnostics) : nullptr;
  if (!answer) {
    print(diagnostics);
    return Exit::bad_input;
  }
  const auto subject = answer->subject();
  std::string explanation;
  if (c.explain_set) {
    const auto found = report::explanation(subject, c.explain);
    if (!found) {
      const auto paths = result::paths(answer->result.tree);
      const auto near = config::nearest(c.explain, paths);
      diagnostics.error(config::location_in("--explain"), fmt::format("the result has no '{}'", c.explain), "",
                        near.empty() ? "write --explain without a path to see all" : fmt::format("did you mean '{}'?", near));
      print(diagnostics);
      return Exit::bad_input;
    }
    explanation = *found;
  }
  if (!c.trace.empty() && !write_file(c.trace, report::trace(subject))) return Exit::bad_input;
  if (c.json && c.explain_set) diagnostics.warning(config::location_in("--explain"), "has no effect", "--json prints all results, without formulas", "leave one of them out");
  print(diagnostics);
  if (c.json) fmt::print("{}", report::json(subject));
  else fmt::print("{}", c.explain_set ? explanation : report::text(subject));
  return answer->result.feasible ? Exit::answered : Exit::infeasible;
}

}  // namespace

void add_train(CLI::App& app, const FileSource& source, Exit& exit) {
  auto* command = app.add_subcommand("train", "predict one training step of a model on a machine");
  auto c = std::make_shared<TrainCommand>();
  command->add_option("scenario", c->job.scenario, "scenario file (YAML); options override it")->type_name("SCENARIO.yaml");
  add_job_options(*command, c->job);
  command->add_flag("--json", c->json, "machine-readable result on standard output");
  auto* explain = command->add_option("--explain", c->explain, "formula, inputs and sources of a result, e.g. breakdown.compute.gemm; of all without a path")
                      ->type_name("PATH")->expected(0, 1);
  command->add_option("--trace", c->trace, "write a timeline for Perfetto or chrome://tracing; of one chip with --unfold")->type_name("OUT.json");
  command->add_option("--unfold", c->unfold, "one chip: its place, peers, faults, and its operations in time order")->type_name("RANK");
  command->footer("examples:\n"
                  "  zettatwin train scenarios/atlas-950-deepseek-v3.yaml\n"
                  "  zettatwin train --machine dgx-h100 --model llama-3.1-70b --chips 1024 --plan tp=8,pp=4\n"
                  "  zettatwin train --machine gb200-nvl72 --model path/to/config.json --chips 4608 --precision fp8 --json\n"
                  "  zettatwin train scenarios/atlas-950-deepseek-v3.yaml --explain breakdown.communication\n"
                  "  zettatwin train scenarios/atlas-950-deepseek-v3.yaml --unfold 4711 --trace chip.json\n"
                  "  zettatwin train scenarios/atlas-950-deepseek-v3.yaml --jitter 2% --step-jitter 1%\n"
                  "exit codes: 0 answered, 1 the plan does not fit, 2 bad input, 70 internal error");
  command->callback([c, explain, &source, &exit] {
    c->explain_set = explain->count() > 0;
    exit = run_train(*c, source);
  });
}

void add_compare(CLI::App& app, const FileSource& source, Exit& exit) {
  struct Command {
    std::string a, b;
    JobOptions job;
    bool json = false;
  };
  auto* command = app.add_subcommand("compare", "two scenarios side by side");
  auto c = std::make_shared<Command>();
  command->add_option("A", c->a, "first scenario")->required()->type_name("A.yaml");
  command->add_option("B", c->b, "second scenario")->required()->type_name("B.yaml");
  add_job_options(*command, c->job);
  command->add_flag("--json", c->json, "machine-readable result on standard output");
  command->footer("options apply to both, e.g. --model llama-3.1-405b\nexample:\n  zettatwin compare scenarios/a.yaml scenarios/b.yaml --precision bf16");
  command->callback([c, &source, &exit] {
    config::Diagnostics diagnostics;
    std::unique_ptr<api::Answer> answers[2];
    for (int i = 0; i < 2; ++i) {
      JobOptions job = c->job;
      job.scenario = i == 0 ? c->a : c->b;
      config::Diagnostics own;
      if (const auto scenario = scenario_of(job, source, own)) answers[i] = api::train(*scenario, source, {.published_practice = false}, own);
      diagnostics.append(own);
    }
    print(diagnostics);
    if (!answers[0] || !answers[1]) {
      exit = Exit::bad_input;
      return;
    }
    const auto a = answers[0]->subject(), b = answers[1]->subject();
    fmt::print("{}", c->json ? report::comparison_json(a, b) : report::comparison(a, b));
    exit = answers[0]->result.feasible && answers[1]->result.feasible ? Exit::answered : Exit::infeasible;
  });
}

}  // namespace zettatwin::cli
