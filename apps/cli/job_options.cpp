// SPDX-License-Identifier: Apache-2.0
#include "cli/job_options.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "cli/completion.hpp"
#include "cli/option_nodes.hpp"

namespace zettatwin::cli {

void add_job_options(CLI::App& command, JobOptions& o) {
  command.add_option("--machine", o.machine, "catalog machine (zettatwin catalog list machines)")->type_name("MACHINE|FILE");
  command.add_option("--model", o.model, "model preset or path of a Hugging Face config.json")->type_name("MODEL|FILE");
  command.add_option("--chips", o.chips, "chips of the job; default: the whole machine")->type_name("N");
  offers(command.add_option("--plan", o.plan, "auto, tp=8,pp=16,..., or a YAML file")->type_name("PLAN|FILE"), "auto");
  command.add_option("--seq", o.sequence_length, "tokens per sequence; default 4096")->type_name("N");
  command.add_option("--global-batch", o.global_batch, "sequences per step; default: published practice")->type_name("N");
  offers(command.add_option("--precision", o.precision, "bf16, fp8, mxfp8 or fp4")->type_name("P"), "bf16 fp8 mxfp8 fp4");
  command.add_option("--software", o.software, "framework (zettatwin catalog list software); default megatron-core")->type_name("SOFTWARE|FILE");
  command.add_option("--tokens", o.training_tokens, "tokens of the whole training run, for days and chip-hours")->type_name("N");
  offers(command.add_option("--fidelity", o.fidelity, "bound, folded (exact by symmetry) or unfolded (rank by rank, small machines)")->type_name("F"), "bound folded unfolded");
  command.add_option("--fault", o.faults, "KIND@PLACE[:fraction of speed left], such as slow-chip@pod=3/npu=5:0.8; may be repeated")->type_name("FAULT")->allow_extra_args(false);
  command.add_option("--jitter", o.jitter, "relative standard deviation of one operation's time on one chip, such as 2%; the report says what it costs")->type_name("RATIO");
  command.add_option("--step-jitter", o.step_jitter, "relative standard deviation of one chip's speed from step to step, such as 1%")->type_name("RATIO");
}

std::optional<config::Node> scenario_of(const JobOptions& o, const FileSource& source, config::Diagnostics& diagnostics) {
  const auto file = read_scenario(o.scenario, source, diagnostics);
  if (!file) return std::nullopt;
  const auto& root = *file;
  config::Node over = mapping(o.scenario.empty() ? "command line" : o.scenario);
  over.where = root.where;
  set(over, "machine", "--machine", o.machine);
  set(over, "model", "--model", o.model);
  set(over, "chips", "--chips", o.chips);
  set(over, "sequence_length", "--seq", o.sequence_length);
  set(over, "global_batch", "--global-batch", o.global_batch);
  set(over, "precision", "--precision", o.precision);
  set(over, "software", "--software", o.software);
  set(over, "training_tokens", "--tokens", o.training_tokens);
  set(over, "fidelity", "--fidelity", o.fidelity);
  if (!o.faults.empty()) {
    config::Node list;
    list.kind = config::Node::Kind::sequence;
    list.where = config::location_in("--fault");
    for (const auto& fault : o.faults) list.items.push_back(scalar("--fault", fault));
    over.entries.push_back({"faults", config::location_in("--fault"), std::move(list)});
  }
  config::Node jitter = mapping("--jitter");
  if (!o.jitter.empty()) jitter.entries.push_back({"operation", config::location_in("--jitter"), scalar("--jitter", o.jitter)});
  if (!o.step_jitter.empty()) jitter.entries.push_back({"step", config::location_in("--step-jitter"), scalar("--step-jitter", o.step_jitter)});
  if (!jitter.entries.empty()) over.entries.push_back({"jitter", jitter.where, std::move(jitter)});
  if (!o.plan.empty()) over.entries.push_back({"plan", config::location_in("--plan"), choice_of("--plan", o.plan, source, diagnostics)});
  if (diagnostics.has_errors()) return std::nullopt;
  return config::merged(root, over);
}

}  // namespace zettatwin::cli
