// SPDX-License-Identifier: Apache-2.0
// From the deployments of a scenario to the fleet's pools: what inference makes of each model, laid side by side on one machine.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "api/library.hpp"
#include "api/serve_scenario.hpp"
#include "api/serve_traffic.hpp"
#include "fleet/spec.hpp"
#include "inference/serve.hpp"

namespace zettatwin::api::detail {

class PoolBuilder final {
 public:
  PoolBuilder(const hardware::Machine& machine, const ServeScenario& scenario, const std::vector<std::string>& names, const config::DocumentSource& source, Library& library)
      : machine_(machine), scenario_(scenario), names_(names), source_(source), library_(library) {}

  // The next model. `traffic` says how long its requests are; null if another model's trace has them.
  void add(const ServeModel& model, const model::Architecture& architecture, const Traffic* traffic, config::Diagnostics& diagnostics);
  // Puts pools, transfers, failures, scaling and routers into the fleet. Expects no errors so far. False after errors.
  [[nodiscard]] bool complete(fleet::FleetSpec& spec, const config::Location& where, config::Diagnostics& diagnostics);
  [[nodiscard]] std::vector<inference::Served> take() { return std::move(served_); }

 private:
  [[nodiscard]] std::int64_t chips_left() const;
  // Machines of the pools that have their own, and the chips that models before left of them.
  [[nodiscard]] std::vector<inference::PoolMachine> machines_of(const inference::Deployment& deployment, config::Diagnostics& diagnostics);
  void add_pools(std::size_t model, fleet::FleetSpec& spec) const;
  [[nodiscard]] std::int32_t pool_named(const std::string& name, const fleet::FleetSpec& spec, const config::Location& where, config::Diagnostics& diagnostics) const;

  [[nodiscard]] std::vector<std::pair<std::int64_t, std::int64_t>> failed_chips(const ServeFailure& failure, const config::Location& where, config::Diagnostics& diagnostics) const;
  void check_scaling(const fleet::FleetSpec& spec, const config::Location& where, config::Diagnostics& diagnostics) const;
  void fail_chips(const ServeFailure& failure, fleet::FleetSpec& spec, const config::Location& where, config::Diagnostics& diagnostics) const;

  const hardware::Machine& machine_;
  const ServeScenario& scenario_;
  const std::vector<std::string>& names_;
  const config::DocumentSource& source_;
  Library& library_;
  std::vector<std::pair<const hardware::Machine*, std::int64_t>> used_;  // chips of machines beside the scenario's
  std::vector<inference::Served> served_;
  std::vector<std::int64_t> block_tokens_;  // of the requests' prefix blocks, by model
};

}  // namespace zettatwin::api::detail
