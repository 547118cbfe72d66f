// SPDX-License-Identifier: Apache-2.0
#include "cli/faults_command.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <memory>

#include "api/fault_sweep.hpp"
#include "cli/job_options.hpp"

namespace zettatwin::cli {
namespace {

struct FaultsCommand {
  JobOptions job;
  double remaining = 0.5;
  bool json = false;
};

// On a terminal: runs done, their rate and what is left, once a second.
std::function<void(std::int64_t, std::int64_t)> progress() {
  using Clock = std::chrono::steady_clock;
  if (isatty(STDERR_FILENO) == 0) return [](std::int64_t, std::int64_t) {};
  return [start = Clock::now(), shown = Clock::now()](std::int64_t done, std::int64_t all) mutable {
    const auto now = Clock::now();
    if (done == all - 1) return fmt::print(stderr, "\r{:60}\r", "");
    if (now - shown < std::chrono::seconds(1)) return;
    shown = now;
    const double rate = static_cast<double>(done) / std::chrono::duration<double>(now - start).count();
    fmt::print(stderr, "\r{} of {} faults, {:.0f} per second, {:.0f} s left   ", done, all, rate, static_cast<double>(all - done) / rate);
  };
}

Exit run_faults(const FaultsCommand& c, const FileSource& source) {
  config::Diagnostics diagnostics;
  if (!(c.remaining > 0 && c.remaining < 1)) diagnostics.error(config::location_in("--remaining"), fmt::format("{} is not a fraction of speed", c.remaining), "it is above 0 and below 1", "write --remaining 0.5");
  const auto scenario = scenario_of(c.job, source, diagnostics);
  const auto answer = scenario && !diagnostics.has_errors() ? api::sweep_faults(*scenario, source, c.remaining, progress(), diagnostics) : nullptr;
  print(diagnostics);
  if (!answer) return Exit::bad_input;
  fmt::print("{}", c.json ? api::json(*answer) : api::text(*answer));
  return answer->healthy->result.feasible ? Exit::answered : Exit::infeasible;
}

}  // namespace

void add_faults(CLI::App& app, const FileSource& source, Exit& exit) {
  auto* command = app.add_subcommand("faults", "what each single fault would cost a training job, one run per orbit");
  auto c = std::make_shared<FaultsCommand>();
  command->add_option("scenario", c->job.scenario, "scenario file (YAML); options override it")->type_name("SCENARIO.yaml");
  add_job_options(*command, c->job);
  command->add_option("--remaining", c->remaining, "fraction of speed that slow parts keep")->type_name("F")->capture_default_str();
  command->add_flag("--json", c->json, "machine-readable result on standard output");
  command->footer("examples:\n"
                  "  zettatwin faults scenarios/atlas-950-deepseek-v3.yaml\n"
                  "  zettatwin faults --machine dgx-h100 --model llama-3.1-70b --chips 512 --plan tp=8,pp=4 --remaining 0.8 --json\n"
                  "exit codes: 0 answered, 1 the plan does not fit, 2 bad input, 70 internal error");
  command->callback([c, &source, &exit] { exit = run_faults(*c, source); });
}

}  // namespace zettatwin::cli
