// SPDX-License-Identifier: Apache-2.0
// Options that describe a job, shared by the commands that simulate one.
#pragma once

#include <CLI/App.hpp>
#include <optional>
#include <string>
#include <vector>

#include "cli/files.hpp"
#include "config/document.hpp"

namespace zettatwin::cli {

// Options of a job as typed; empty or 0 leaves the scenario's value.
struct JobOptions {
  std::string scenario, machine, model, plan, precision, software, fidelity;
  std::string chips, sequence_length, global_batch, training_tokens;
  std::vector<std::string> faults;
  std::string jitter, step_jitter;
};

void add_job_options(CLI::App& command, JobOptions& options);
// The scenario file with the options laid over it; nothing after errors.
[[nodiscard]] std::optional<config::Node> scenario_of(const JobOptions& options, const FileSource& source, config::Diagnostics& diagnostics);

}  // namespace zettatwin::cli
