// SPDX-License-Identifier: Apache-2.0
#include "cli/serve_command.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <memory>

#include "api/serve.hpp"
#include "cli/serve_options.hpp"
#include "cli/trace_files.hpp"
#include "result/tree.hpp"

namespace zettatwin::cli {
namespace {

struct ServeCommand {
  ServeOptionTexts options;
  bool json = false;
  std::string explain;
  bool explain_set = false;
  std::string timeline, series, requests;
  std::int64_t timeline_instances = 4;
};

// Simulated time, requests and how many of them per second of waiting, while somebody watches.
std::function<void(const fleet::Progress&)> progress() {
  if (isatty(STDERR_FILENO) == 0) return {};
  const auto began = std::chrono::steady_clock::now();
  return [began](const fleet::Progress& p) {
    const double passed = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
    const auto left = p.share > 0 ? fmt::format(", {:.0f} %, {:.0f} s left", 100 * p.share, passed * (1 - p.share) / p.share) : std::string();
    fmt::print(stderr, "\r{:.0f} s simulated, {} requests done, {:.3g} per second{}   ", p.time.seconds().si(), p.done, passed > 0 ? static_cast<double>(p.done) / passed : 0.0, left);
  };
}

constexpr std::size_t kMostOnTimeline = 100'000;  // requests

bool write_files(const ServeCommand& c, const report::ServingSubject& subject, const std::string& requests, const std::vector<fleet::RequestRecord>& records) {
  return (c.timeline.empty() || write_file(c.timeline, report::trace(subject, records))) && (c.series.empty() || write_file(c.series, report::series_csv(subject))) &&
         (c.requests.empty() || write_file(c.requests, requests));
}

Exit run_serve(const ServeCommand& c, const FileSource& source) {
  config::Diagnostics diagnostics;
  std::string requests = c.requests.empty() ? "" : report::request_csv_head();
  api::ServeOptions options{.on_request = {}, .on_progress = progress(), .timeline_instances = c.timeline.empty() ? 0 : c.timeline_instances};
  std::vector<fleet::RequestRecord> records;
  if (!c.requests.empty() || !c.timeline.empty())
    options.on_request = [&](const fleet::RequestRecord& record) {
      if (!c.requests.empty()) requests += report::request_csv_line(record);
      if (!c.timeline.empty() && records.size() < kMostOnTimeline) records.push_back(record);
    };
  const auto scenario = scenario_of(c.options, source, diagnostics);
  const auto answer = scenario ? api::serve(*scenario, source, TraceFolder{}, options, diagnostics) : nullptr;
  if (options.on_progress && answer) fmt::print(stderr, "\n");
  if (!answer) {
    print(diagnostics);
    return Exit::bad_input;
  }
  const auto& subject = answer->subject;
  std::string explanation;
  if (c.explain_set) {
    const auto found = report::explanation(subject.tree, c.explain);
    if (!found) {
      const auto near = config::nearest(c.explain, result::paths(subject.tree));
      diagnostics.error(config::location_in("--explain"), fmt::format("the result has no '{}'", c.explain), "", near.empty() ? "write --explain without a path to see all" : fmt::format("did you mean '{}'?", near));
      print(diagnostics);
      return Exit::bad_input;
    }
    explanation = *found;
  }
  const auto unused = [&](const char* option, const char* why) { diagnostics.warning(config::location_in(option), "has no effect", why, "leave one of them out"); };
  if (c.json && c.explain_set) unused("--explain", "--json prints all results, without formulas");
  print(diagnostics);
  if (subject.feasible() && !write_files(c, subject, requests, records)) return Exit::bad_input;
  if (c.json) fmt::print("{}", report::json(subject));
  else fmt::print("{}", c.explain_set ? explanation : report::text(subject));
  return subject.feasible() ? Exit::answered : Exit::infeasible;
}

}  // namespace

void add_serve(CLI::App& app, const FileSource& source, Exit& exit) {
  auto* command = app.add_subcommand("serve", "predict latency, throughput and goodput of a serving fleet");
  auto c = std::make_shared<ServeCommand>();
  command->add_option("scenario", c->options.scenario, "scenario file (YAML); options override it")->type_name("SCENARIO.yaml");
  add_serve_options(*command, c->options);
  command->add_flag("--json", c->json, "machine-readable result on standard output");
  auto* explain = command->add_option("--explain", c->explain, "formula, inputs and sources of a step or of memory, e.g. pools.decode.decode_step; of all without a path")->type_name("PATH")->expected(0, 1);
  auto* timeline = command->add_option("--timeline", c->timeline, "write the steps of some instances and the fleet's load for Perfetto or chrome://tracing")->type_name("OUT.json");
  command->add_option("--timeline-instances", c->timeline_instances, "how many instances of each pool it shows")->type_name("N")->capture_default_str()->check(CLI::Range(std::int64_t{1}, std::int64_t{1'000'000}))->needs(timeline);
  command->add_option("--series", c->series, "write load, throughput and cache use over time")->type_name("OUT.csv");
  command->add_option("--requests-csv", c->requests, "write one line per request, in order of completion")->type_name("OUT.csv");
  command->footer("metrics are defined in docs/serving_metrics.md, traffic in docs/requests.md, deployments in docs/math/inference.md\n"
                  "examples:\n"
                  "  zettatwin serve scenarios/serving/atlas-950-deepseek-v3.yaml\n"
                  "  zettatwin serve --machine dgx-h200 --chips 8 --model llama-3.1-70b --deployment tp=4,weights=fp8 --rate 4 --input-len 1024 --output-len 256 --slo ttft=1s,tpot=40ms\n"
                  "  zettatwin serve --machine dgx-h200 --chips 8 --model deepseek-v3 --deployment tp=8,weights=fp8_block --software sglang --concurrency 64 --input-len 1024 --output-len 1024\n"
                  "  zettatwin serve --machine dgx-h800 --chips 128 --model deepseek-v3 --deployment tp=8,pp=2 --trace conversation.jsonl.gz --trace-format mooncake --speed 0.5\n"
                  "exit codes: 0 answered (stable or saturated), 1 cannot start, 2 bad input, 70 internal error");
  command->callback([c, explain, &source, &exit] {
    c->explain_set = explain->count() > 0;
    exit = run_serve(*c, source);
  });
}

}  // namespace zettatwin::cli
