// SPDX-License-Identifier: Apache-2.0
// Options that describe a serving scenario, shared by the commands that serve.
#pragma once

#include <CLI/App.hpp>
#include <optional>
#include <string>
#include <vector>

#include "cli/files.hpp"
#include "config/document.hpp"

namespace zettatwin::cli {

// As typed; empty leaves the scenario's value.
struct ServeOptionTexts {
  std::string scenario, machine, model, software, deployment;
  std::string chips, duration, requests, warm_up, seed, slo, routing, cache_pool, link;
  std::string trace, trace_format, speed, rate, concurrency, input, output, arrivals, cv;
  std::vector<std::string> failures;
};

void add_serve_options(CLI::App& command, ServeOptionTexts& options);
// The scenario file with the options laid over it; nothing after errors.
[[nodiscard]] std::optional<config::Node> scenario_of(const ServeOptionTexts& options, const FileSource& source, config::Diagnostics& diagnostics);

}  // namespace zettatwin::cli
