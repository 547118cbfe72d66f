// SPDX-License-Identifier: Apache-2.0
#include "cli/capacity_command.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "api/capacity.hpp"
#include "cli/option_nodes.hpp"
#include "cli/serve_options.hpp"
#include "cli/trace_files.hpp"

namespace zettatwin::cli {
namespace {

struct CapacityCommand {
  ServeOptionTexts options;
  std::string plot, users;
  double attainment = 0.99;
  bool json = false;
};

Exit run_capacity(const CapacityCommand& c, const FileSource& source) {
  config::Diagnostics diagnostics;
  if (!(c.attainment > 0 && c.attainment <= 1)) diagnostics.error(config::location_in("--attainment"), fmt::format("{} is no share of requests", c.attainment), "it is above 0 and at most 1", "write --attainment 0.99");
  api::CapacityOptions options{.attainment = c.attainment, .on_progress = {}};
  if (isatty(STDERR_FILENO) != 0) options.on_progress = [](const std::string& done) { fmt::print(stderr, "{}\n", done); };
  auto texts = c.options;
  if (!c.users.empty()) texts.concurrency = c.users;
  auto scenario = scenario_of(texts, source, diagnostics);
  const auto answer = scenario && !diagnostics.has_errors() ? api::capacity(*scenario, source, TraceFolder{}, options, diagnostics) : nullptr;
  print(diagnostics);
  if (!answer) return Exit::bad_input;
  if (!c.plot.empty() && !write_file(c.plot, report::plot_svg(answer->subject))) return Exit::bad_input;
  fmt::print("{}", c.json ? report::json(answer->subject) : report::text(answer->subject));
  return answer->subject.needed || answer->subject.most ? Exit::answered : Exit::infeasible;
}

}  // namespace

void add_capacity(CLI::App& app, const FileSource& source, Exit& exit) {
  auto* command = app.add_subcommand("capacity", "find the deployment that serves some traffic best and how many chips it needs, or the most that a stated deployment serves");
  auto c = std::make_shared<CapacityCommand>();
  command->add_option("scenario", c->options.scenario, "scenario file (YAML); options override it")->type_name("SCENARIO.yaml");
  add_serve_options(*command, c->options);
  command->add_option("--users", c->users, "so many users at a time, each with one request in flight: the same as --concurrency")->type_name("N")->excludes(command->get_option("--concurrency"));
  command->add_option("--attainment", c->attainment, "share of the requests that must meet the objectives")->type_name("SHARE")->capture_default_str();
  command->add_option("--plot", c->plot, "tokens/s per chip over tokens/s of one user as a picture (SVG)")->type_name("FILE.svg");
  command->add_flag("--json", c->json, "machine-readable result on standard output");
  command->footer("--deployment says what all layouts have in common, weights=fp8,kinds=aggregated (without weights: as the model is published); or the sizes of one, tp=8,instances=4: then the rate is raised to the most that it serves\n"
                  "examples:\n"
                  "  zettatwin capacity --machine dgx-h200 --chips 256 --model llama-3.1-70b --rate 50 --input-len 2000 --output-len 300 --slo ttft=1s,tpot=40ms\n"
                  "  zettatwin capacity --machine gb200-nvl72 --chips 288 --model deepseek-v3 --deployment automatic=true,weights=fp4 --users 5000 --input-len 4000 --output-len 1000 --slo tpot=50ms --plot frontier.svg\n"
                  "  zettatwin capacity --machine dgx-h200 --chips 16 --model llama-3.1-70b --deployment tp=4,instances=4,weights=fp8 --rate 10 --input-len 2000 --output-len 300 --slo ttft=1s,tpot=40ms\n"
                  "exit codes: 0 found, 1 the chips do not suffice, 2 bad input, 70 internal error");
  command->callback([c, &source, &exit] { exit = run_capacity(*c, source); });
}

}  // namespace zettatwin::cli
