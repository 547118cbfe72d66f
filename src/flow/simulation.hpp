// SPDX-License-Identifier: Apache-2.0
// Fluid simulation: flows that become ready, share resources max-min fairly while they last, and make others ready.
// Model: a flow becomes ready when all flows that it comes after have finished, starts `latency` later, and then moves its bytes at the
// rate that max_min.hpp gives it among the flows then active. Rates change only when a flow starts or finishes or a capacity changes.
// Time is in whole picoseconds: a finish is the nearest one (halves up), and all that happens in one picosecond is one batch, after
// which rates are computed once. Assumes that rates settle at once (no congestion control transients) and that buffers hold nothing.
// As in max_min.hpp, a flow may be a class of alike flows and a resource a class of alike resources; bytes and rates are then those of one
// flow, and figures of resources those of one resource.
// Results do not depend on the order in which flows and resources are listed.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <vector>

#include "flow/max_min.hpp"
#include "units/picoseconds.hpp"
#include "units/quantity.hpp"

namespace zettatwin::flow {

inline constexpr units::Picoseconds kNever{std::numeric_limits<std::int64_t>::max()};

struct FlowSpec {
  units::Bytes bytes;
  std::vector<Use<double>> uses;
  double weight = 1;
  std::optional<units::BytesPerSecond> rate_cap;
  units::Picoseconds latency;
  std::vector<FlowId> after;  // flows added before
};

// What is to be simulated. Ids are consecutive from zero in the order of adding; delays are flows without bytes.
class FlowProgram final {
 public:
  ResourceId add_resource(units::BytesPerSecond capacity);
  FlowId add_flow(const FlowSpec& spec);  // expects resources or a rate cap if there are bytes
  FlowId add_delay(units::Picoseconds duration, std::vector<FlowId> after);
  // From then on; of several changes in one picosecond the last added counts.
  void change_capacity(units::Picoseconds time, ResourceId resource, units::BytesPerSecond capacity);

  [[nodiscard]] const SharingProblem<double>& sharing() const { return sharing_; }
  [[nodiscard]] units::Bytes bytes(FlowId flow) const { return units::Bytes::from_si(bytes_[flow]); }
  [[nodiscard]] units::Picoseconds latency(FlowId flow) const { return latency_[flow]; }
  [[nodiscard]] std::span<const FlowId> after(FlowId flow) const { return {after_.data() + first_after_[flow], after_.data() + first_after_[flow + 1]}; }
  [[nodiscard]] bool has_changes() const { return !changes_.empty(); }

 private:
  friend class FluidRun;
  friend class Simulator;
  struct CapacityChange {
    units::Picoseconds time;
    ResourceId resource = 0;
    double capacity = 0;
  };
  SharingProblem<double> sharing_;
  std::vector<double> bytes_;
  std::vector<units::Picoseconds> latency_;
  std::vector<std::uint32_t> first_after_ = {0};
  std::vector<FlowId> after_;
  std::vector<CapacityChange> changes_;
};

struct SimulationOptions {
  bool record_rates = false;
};

enum class FlowState : std::uint8_t {
  finished,
  starved,  // started, but moves nothing (or too little to finish in the range of time)
  waiting,  // for flows that never finish
};

struct FlowOutcome {
  units::Picoseconds start = kNever;
  units::Picoseconds finish = kNever;
  FlowState state = FlowState::waiting;
  ResourceId limited_by = kUnlimited;  // for the longest time (the earliest of equals); kUnlimited if it had no bytes to move
};

struct ResourceOutcome {
  units::Bytes carried;
  double peak_utilisation = 0;
  units::Picoseconds saturated;  // time during which it limited flows
};

// A flow's rate and what limits it are constant from begin to end.
struct RateInterval {
  FlowId flow = 0;
  ResourceId limited_by = kUnlimited;
  units::Picoseconds begin;
  units::Picoseconds end;
  units::BytesPerSecond rate;
};

struct SimulationResult {
  std::vector<FlowOutcome> flows;
  std::vector<ResourceOutcome> resources;
  std::vector<RateInterval> rates;  // by flow, then by time; if recorded
  units::Picoseconds end;           // the last finish
  std::vector<FlowId> unfinished;   // empty if all is well
  std::int64_t solves = 0;          // how often rates were computed
};

[[nodiscard]] SimulationResult simulate(const FlowProgram& program, const SimulationOptions& options = {});

}  // namespace zettatwin::flow
