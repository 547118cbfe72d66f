// SPDX-License-Identifier: Apache-2.0
#include "cli/train_command.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "api/answer.hpp"
#include "result/tree.hpp"

namespace zettatwin::cli {
namespace {

// Options of a job as typed; empty or 0 leaves the scenario's value.
struct JobOptions {
  std::string scenario, machine, model, plan, precision, fidelity;
  std::string chips, sequence_length, global_batch, training_tokens;
  std::vector<std::string> faults;
};

void add_job_options(CLI::App& command, JobOptions& o) {
  command.add_option("--machine", o.machine, "catalog machine (zettatwin catalog list machines)")->type_name("NAME");
  command.add_option("--model", o.model, "model preset or path of a Hugging Face config.json")->type_name("NAME|FILE");
  command.add_option("--chips", o.chips, "chips of the job; default: the whole machine")->type_name("N");
  command.add_option("--plan", o.plan, "auto, tp=8,pp=16,..., or a YAML file")->type_name("PLAN");
  command.add_option("--seq", o.sequence_length, "tokens per sequence; default 4096")->type_name("N");
  command.add_option("--global-batch", o.global_batch, "sequences per step; default: published practice")->type_name("N");
  command.add_option("--precision", o.precision, "bf16, fp8, mxfp8 or fp4")->type_name("P");
  command.add_option("--tokens", o.training_tokens, "tokens of the whole training run, for days and chip-hours")->type_name("N");
  command.add_option("--fidelity", o.fidelity, "bound or folded")->type_name("F");
  command.add_option("--fault", o.faults, "KIND@PLACE[:fraction of speed left], such as slow-chip@pod=3/npu=5:0.8; may be repeated")->type_name("FAULT")->allow_extra_args(false);
}

config::Node scalar(const std::string& option, const std::string& text) {
  config::Node node;
  node.kind = config::Node::Kind::scalar;
  node.where = config::location_in(option);
  node.text = text;
  return node;
}

config::Node mapping(const std::string& name) {
  config::Node node;
  node.kind = config::Node::Kind::mapping;
  node.where = config::location_in(name);
  return node;
}

// The scenario file with the options laid over it; nothing after errors.
std::optional<config::Node> scenario_of(const JobOptions& o, const FileSource& source, config::Diagnostics& diagnostics) {
  config::Node root = mapping("command line");
  if (!o.scenario.empty()) {
    const auto text = source.read(o.scenario);
    if (!text) {
      diagnostics.error(config::location_in(o.scenario), "cannot be read", "", "name a scenario file such as scenarios/atlas-950-deepseek-v3.yaml");
      return std::nullopt;
    }
    auto document = config::parse_document(*text, o.scenario, diagnostics);
    if (!document) return std::nullopt;
    root = std::move(*document);
    if (!root.is_mapping()) {
      diagnostics.error(root.where, "a scenario must be a mapping of keys to values");
      return std::nullopt;
    }
  }
  config::Node over = mapping(o.scenario.empty() ? "command line" : o.scenario);
  over.where = root.where;
  const auto set = [&](const char* key, const char* option, const std::string& value) {
    if (!value.empty()) over.entries.push_back({key, config::location_in(option), scalar(option, value)});
  };
  set("machine", "--machine", o.machine);
  set("model", "--model", o.model);
  set("chips", "--chips", o.chips);
  set("sequence_length", "--seq", o.sequence_length);
  set("global_batch", "--global-batch", o.global_batch);
  set("precision", "--precision", o.precision);
  set("training_tokens", "--tokens", o.training_tokens);
  set("fidelity", "--fidelity", o.fidelity);
  if (!o.faults.empty()) {
    config::Node list;
    list.kind = config::Node::Kind::sequence;
    list.where = config::location_in("--fault");
    for (const auto& fault : o.faults) list.items.push_back(scalar("--fault", fault));
    over.entries.push_back({"faults", config::location_in("--fault"), std::move(list)});
  }
  if (!o.plan.empty()) {
    config::Node plan = scalar("--plan", o.plan);
    if (o.plan.find('=') != std::string::npos) {
      plan = plan::parse_plan_text(o.plan, "--plan", diagnostics);
    } else if (o.plan != "auto") {
      const auto text = source.read(o.plan);
      if (!text) diagnostics.error(config::location_in("--plan"), fmt::format("'{}' is neither auto, nor key=value,..., nor a file that can be read", o.plan));
      else if (auto document = config::parse_document(*text, o.plan, diagnostics)) plan = std::move(*document);
    }
    over.entries.push_back({"plan", config::location_in("--plan"), std::move(plan)});
  }
  if (diagnostics.has_errors()) return std::nullopt;
  return config::merged(root, over);
}

struct TrainCommand {
  JobOptions job;
  bool json = false;
  std::string explain;
  bool explain_set = false;
  std::string trace;
};

Exit run_train(const TrainCommand& c, const FileSource& source) {
  config::Diagnostics diagnostics;
  constexpr std::int64_t kTraceLimit = 2000;  // instructions per pipeline rank
  const auto scenario = scenario_of(c.job, source, diagnostics);
  const auto answer = scenario ? api::train(*scenario, source, {.trace_limit = c.trace.empty() ? 0 : kTraceLimit}, diagnostics) : nullptr;
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
  command->add_option("--trace", c->trace, "write a timeline for Perfetto or chrome://tracing")->type_name("OUT.json");
  command->footer("examples:\n"
                  "  zettatwin train scenarios/atlas-950-deepseek-v3.yaml\n"
                  "  zettatwin train --machine dgx-h100 --model llama-3.1-70b --chips 1024 --plan tp=8,pp=4\n"
                  "  zettatwin train --machine gb200-nvl72 --model path/to/config.json --chips 4608 --precision fp8 --json\n"
                  "  zettatwin train scenarios/atlas-950-deepseek-v3.yaml --explain breakdown.communication\n"
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
