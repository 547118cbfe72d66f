// SPDX-License-Identifier: Apache-2.0
// A scenario: what a user asks. One mapping, from a YAML file, from the command line laid over it, or from another program.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "config/document.hpp"
#include "config/schema.hpp"
#include "training/train.hpp"

namespace zettatwin::api {

struct Scenario {
  std::string title;
  config::Node machine;  // a catalog name, or a mapping such as {extends: dgx-h100, nodes: 256}
  config::Node model;    // a preset, the path of a config.json, or {preset: ..., overrides: {...}}
  config::Node plan;     // auto, or a mapping of plan fields; what it leaves out of {automatic: true, ...} is chosen
  std::int64_t chips = 0;             // 0: all
  std::int64_t sequence_length = 4096;
  std::int64_t global_batch = 0;      // sequences; 0: published practice, adapted to the machine
  std::string precision;              // "" keeps the plan's recipe
  double training_tokens = 0;         // of the whole run, for days and chip-hours; 0: not asked
  training::Fidelity fidelity = training::Fidelity::folded;
  std::vector<std::string> faults;    // "slow-chip@pod=3/npu=5:0.8"; traffic/fault.hpp
  training::Jitter jitter;            // none by default
  config::Node software;              // a profile of the catalog, or {extends: NAME, ...}
  config::Node memory;                // changes of it: workspace, fragmentation, loss kernels
};
void describe(config::Schema& s, Scenario& scenario);

// A job ready to run, and which of its inputs were chosen rather than given.
struct Prepared {
  Scenario scenario;
  training::Job job;
  bool automatic_plan = false;
  bool automatic_batch = false;
  std::int64_t candidates = 0;       // plans that the automatic choice compared
  config::Location where;
};

// Reads, loads and completes. Problems go to diagnostics; nothing if there were errors. A plan that fits nowhere is not an error: the
// best-effort plan is returned and the run says what is missing. Where single chips will be looked at (faults, unfolded answers), a free plan keeps
// groups whole: borders of units do not cut them (plan::Plan::straddle).
enum class Looks { at_classes, at_single_chips };
[[nodiscard]] std::optional<Prepared> prepare(const config::Node& scenario, const config::DocumentSource& source, Looks looks, config::Diagnostics& diagnostics);
// The same for many scenarios that share machines, models and software.
class Library;
[[nodiscard]] std::optional<Prepared> prepare(const config::Node& scenario, Library& library, Looks looks, config::Diagnostics& diagnostics);

}  // namespace zettatwin::api
