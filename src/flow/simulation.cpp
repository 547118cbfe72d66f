// SPDX-License-Identifier: Apache-2.0
#include "flow/simulation.hpp"

#include <algorithm>
#include <utility>

#include "flow/detail/components.hpp"
#include "flow/detail/fluid_run.hpp"

namespace zettatwin::flow {

using units::Picoseconds;

class Simulator final {
 public:
  Simulator(const FlowProgram& program, const SimulationOptions& options)
      : program_(program), components_(program.sharing_, changed_resources(), program.first_after_, program.after_), run_(program, options, components_, result_) {
    result_.flows.resize(program.sharing_.flows());
    result_.resources.resize(program.sharing_.resources());
  }

  SimulationResult run() {
    sort_changes();
    // Until nothing happens any more, anywhere: that long starved flows have been starving.
    Picoseconds last = last_change_;
    std::vector<std::uint32_t> stuck;
    for (std::uint32_t c = 0, flows = 0; c < components_.count(); ++c) {
      for (std::size_t i = 0; i < components_.flows(c).size(); ++i) run_.prefetch(flows++);
      const std::size_t rates = result_.rates.size();
      const std::int64_t solves = result_.solves;
      if (!run_.play(c, changes_of(c), {})) {
        stuck.push_back(c);
        result_.rates.resize(rates);
        result_.solves = solves;
      }
      last = std::max(last, run_.now());
    }
    for (const std::uint32_t c : stuck) run_.play(c, changes_of(c), last);
    conclude();
    return std::move(result_);
  }

 private:
  std::vector<ResourceId> changed_resources() {
    std::vector<ResourceId> resources;
    for (const auto& change : program_.changes_) resources.push_back(change.resource);
    return resources;
  }

  // By component, then by time, then in the order given; of resources without flows only the time matters.
  void sort_changes() {
    for (const auto& change : program_.changes_) {
      last_change_ = std::max(last_change_, change.time);
      if (components_.of_resource(change.resource) != Components::kNone) changes_.push_back(change);
    }
    std::stable_sort(changes_.begin(), changes_.end(), [this](const Change& a, const Change& b) {
      return std::pair(components_.of_resource(a.resource), a.time) < std::pair(components_.of_resource(b.resource), b.time);
    });
  }

  [[nodiscard]] std::span<const FlowProgram::CapacityChange> changes_of(std::uint32_t component) const {
    if (changes_.empty()) return {};
    const auto of = [this](const Change& change) { return components_.of_resource(change.resource); };
    const auto range = std::ranges::equal_range(changes_, component, {}, of);
    return {range.begin(), range.end()};
  }

  void conclude() {
    for (FlowId f = 0; f < result_.flows.size(); ++f) {
      if (result_.flows[f].state == FlowState::finished) result_.end = std::max(result_.end, result_.flows[f].finish);
      else result_.unfinished.push_back(f);
    }
    std::sort(result_.rates.begin(), result_.rates.end(), [](const RateInterval& a, const RateInterval& b) { return std::pair(a.flow, a.begin) < std::pair(b.flow, b.begin); });
  }

  using Change = FlowProgram::CapacityChange;
  const FlowProgram& program_;
  SimulationResult result_;
  Components components_;
  FluidRun run_;
  std::vector<Change> changes_;
  Picoseconds last_change_;
};

SimulationResult simulate(const FlowProgram& program, const SimulationOptions& options) { return Simulator(program, options).run(); }

}  // namespace zettatwin::flow
