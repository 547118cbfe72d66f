// SPDX-License-Identifier: Apache-2.0
// One run of the fluid simulation: an event queue around the max-min solver. A flow's state is brought up to date only when its rate
// changes, so an event costs what it changes.
#pragma once

#include <cstdint>
#include <queue>
#include <vector>

#include "flow/detail/private_resources.hpp"
#include "flow/detail/resource_ledger.hpp"
#include "flow/simulation.hpp"

namespace zettatwin::flow {

class FluidRun final {
 public:
  FluidRun(const FlowProgram& program, const SimulationOptions& options);
  SimulationResult run();

 private:
  static constexpr std::uint32_t kNone = 0xffffffff;

  struct Event {
    units::Picoseconds time;
    FlowId flow;
    std::uint32_t version;  // of the rate that predicted this finish; zero for a start
    friend bool operator<(const Event& a, const Event& b) { return b.time < a.time; }  // queues have the earliest on top
  };
  struct Flow {
    double left = 0;  // bytes at `since`
    double rate = 0;
    units::Picoseconds since;
    ResourceId limited_by = kUnlimited;
    std::uint32_t missing = 0;  // flows that it waits for
    std::uint32_t version = 0;  // of its rate
    std::uint32_t limits = kNone;  // the last of them
    bool capped = false;           // now
    double peak_rate = 0;
    units::Picoseconds at_cap;     // time
  };
  // How long a flow was limited by one resource: lists, one per flow, in one vector.
  struct Limit {
    ResourceId by;
    std::uint32_t previous;
    units::Picoseconds duration;
  };

  void list_successors();
  [[nodiscard]] units::Picoseconds next_time() const;
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
  void conclude();
  void account_private_resources(FlowId flow);

  const FlowProgram& program_;
  SimulationOptions options_;
  SharedPart shared_;
  MaxMinSolver<double> solver_;
  ResourceLedger ledger_;
  SimulationResult result_;
  std::vector<Flow> flows_;
  std::vector<std::uint32_t> first_successor_;
  std::vector<FlowId> successors_;
  std::vector<Limit> limits_;
  std::vector<FlowProgram::CapacityChange> changes_;  // by time
  std::size_t next_change_ = 0;
  std::priority_queue<Event> events_;
  units::Picoseconds now_;
  bool stale_ = false;  // rates
};

}  // namespace zettatwin::flow
