// SPDX-License-Identifier: Apache-2.0
// One fault of every kind and place, each simulated alone: one run per orbit of the job's symmetry, with the number of parts that it stands for.
// All replicas of a job are alike, so that places differ by pipeline rank and by the part of the network alone; a mesh link also by the plan's
// dimension that its ends differ in.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "training/train.hpp"

namespace zettatwin::search {

struct SweptFault {
  std::string kind;             // "slow-link"
  std::string part;             // "port into pod", "board link", "chip clock"
  std::string fault;            // one of them, as --fault takes it
  std::vector<std::int64_t> pipeline_ranks;  // where it is felt alike
  std::int64_t parts = 0;       // in the job that it stands for
  std::string impossible;       // why the job cannot run; empty if it can
  units::Picoseconds step_time;
  units::Picoseconds cost;      // against no fault
  std::string waits;
};

struct FaultSweep {
  units::Picoseconds healthy;
  double remaining = 0.5;        // speed left of slow parts
  std::int64_t runs = 0;
  std::vector<SweptFault> rows;  // what stops the job first, then by cost
};

// Expects a job that runs; its own faults are ignored. `progress`, if any, is told the runs done and their number.
[[nodiscard]] FaultSweep sweep_faults(const training::Job& job, double remaining, const config::Location& where, const std::function<void(std::int64_t, std::int64_t)>& progress);

}  // namespace zettatwin::search
