// SPDX-License-Identifier: Apache-2.0
// The fluid simulation of one component of a program: an event queue around the max-min solver. A flow's state is brought up to date only when its rate
// changes, so an event costs what it changes. One object plays many components, one after the other, in the same memory.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "flow/detail/components.hpp"
#include "flow/detail/event_queue.hpp"
#include "flow/detail/resource_ledger.hpp"
#include "flow/detail/shared_part.hpp"
#include "flow/simulation.hpp"

namespace zettatwin::flow {

class FluidRun final {
 public:
  // Outcomes go into `result`, whose flows and resources are there. All must outlive the run.
  FluidRun(const FlowProgram& program, const SimulationOptions& options, const Components& components, SimulationResult& result);

  // The changes: of resources of this component, by time. What never finishes is accounted for until `until`, at least until the last event; true if there is none.
  bool play(std::uint32_t component, std::span<const FlowProgram::CapacityChange> changes, units::Picoseconds until);
  [[nodiscard]] units::Picoseconds now() const { return now_; }
  // Many small components wait for memory: what this flow's followers need, in the order of components, is asked for now.
  void prefetch(std::size_t place) const;

 private:
  static constexpr std::uint32_t kNone = 0xffffffff;

  struct Flow {
    double left = 0;  // bytes at `since`
    double rate = 0;
    units::Picoseconds since;
    ResourceId limited_by = kUnlimited;  // in the program's numbers
    std::uint32_t missing = 0;           // flows that it waits for
    std::uint32_t version = 0;           // of its rate
    std::uint32_t limits = kNone;        // the last of them
    bool capped = false;                 // now
    double peak_rate = 0;
    units::Picoseconds at_cap;  // time
  };
  // How long a flow was limited by one resource: lists, one per flow, in one vector.
  struct Limit {
    ResourceId by;
    std::uint32_t previous;
    units::Picoseconds duration;
  };

  void load(std::uint32_t component);
  void list_successors();
  void change_capacities();
  void play_events();
  void ready(FlowId flow);
  void start(FlowId flow);
  void finish(FlowId flow);
  void share();
  void apply_share(FlowId flow);
  [[nodiscard]] ResourceId limit_of(FlowId flow) const;
  void close_interval(FlowId flow);
  [[nodiscard]] ResourceId longest_limit(FlowId flow) const;
  bool conclude();
  void account_private_resources(FlowId flow);
  [[nodiscard]] FlowOutcome& outcome(FlowId flow) { return result_.flows[part_.original_flow(flow)]; }

  // Flows and resources are numbered within the component, except where it says "of the program".
  const FlowProgram& program_;
  const SimulationOptions& options_;
  const Components& components_;
  SimulationResult& result_;
  SharedPart part_;
  MaxMinSolver<double> solver_;
  ResourceLedger ledger_;
  std::vector<Flow> flows_;
  std::vector<FlowId> place_;  // of the program's flows within their components; empty if none waits for another
  std::vector<std::uint32_t> first_successor_;
  std::vector<FlowId> successors_;
  std::vector<Limit> limits_;
  std::span<const FlowProgram::CapacityChange> changes_;  // by time
  std::size_t next_change_ = 0;
  EventQueue events_;  // of flows: by the version of the rate that predicted a finish, zero for a start; of no flow: changes
  units::Picoseconds now_;
  bool stale_ = false;  // rates
};

}  // namespace zettatwin::flow
