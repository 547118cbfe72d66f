// SPDX-License-Identifier: Apache-2.0
// What claims are checked against: machines, chips and models of the catalog, and simulated training and serving of models on them. Everything is loaded or
// simulated once and kept; a World is not thread-safe.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <tuple>

#include "capacity/frontier.hpp"
#include "config/document.hpp"
#include "hardware/machine.hpp"
#include "model/architecture.hpp"
#include "model/parameters.hpp"
#include "training/train.hpp"

namespace zettatwin::claims {

struct MachineKey {
  std::string machine;
  std::int64_t chips = 0;  // 0: all
  std::string chip;        // in place of the machine's own; "": that
  friend auto operator<=>(const MachineKey&, const MachineKey&) = default;
};

struct SimulationKey {
  MachineKey machine;
  std::string model;
  hardware::Precision precision = hardware::Precision::fp8;
  std::int64_t global_batch = 0;  // sequences; 0: published practice
  std::int64_t sequence_length = 4096;
  friend auto operator<=>(const SimulationKey&, const SimulationKey&) = default;
};

// A model trained with the automatic plan.
struct Simulation {
  bool feasible = false;
  std::string reason;  // why not
  plan::Plan plan;
  std::string plan_text;
  std::int64_t candidates = 0;
  std::int64_t sequence_length = 0;
  training::TrainingResult result;
};

struct ServingKey {
  MachineKey machine;
  std::string model;
  hardware::Precision precision = hardware::Precision::fp8;  // of the weights
  std::int64_t input = 4096;
  std::int64_t output = 1024;
  double tpot_s = 0.05;
  bool decode_only = false;  // prompts come computed
  friend auto operator<=>(const ServingKey&, const ServingKey&) = default;
};

// A model served by the deployment with the most output per chip that keeps the time per output token, on every chip.
struct Serving {
  bool feasible = false;
  std::string reason;  // why not
  capacity::Point unit;
  std::string deployment;
  std::string software;
  std::int64_t layouts = 0;
  double output_tokens_per_s = 0;  // of the machine
  units::Flop flop_per_output_token;  // forward pass of prompt and answer, per token of the answer
};

struct Model {
  model::Architecture architecture;
  model::Parameters parameters;
};

class World final {
 public:
  explicit World(const config::DocumentSource& source) : source_(source) {}

  // Null, with diagnostics at `where`, if the catalog has none or the machine cannot have that size.
  [[nodiscard]] const hardware::Machine* machine(const MachineKey& key, const config::Location& where, config::Diagnostics& diagnostics);
  [[nodiscard]] const Model* model(const std::string& name, const config::Location& where, config::Diagnostics& diagnostics);
  [[nodiscard]] std::shared_ptr<const Serving> serving(const ServingKey& key, const config::Location& where, config::Diagnostics& diagnostics);
  [[nodiscard]] std::shared_ptr<const Simulation> simulation(const SimulationKey& key, const config::Location& where, config::Diagnostics& diagnostics);

 private:
  const config::DocumentSource& source_;
  std::map<MachineKey, std::unique_ptr<hardware::Machine>> machines_;
  std::map<std::string, std::unique_ptr<Model>> models_;
  std::map<SimulationKey, std::shared_ptr<const Simulation>> simulations_;
  std::map<ServingKey, std::shared_ptr<const Serving>> servings_;
};

}  // namespace zettatwin::claims
