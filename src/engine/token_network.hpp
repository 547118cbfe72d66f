// SPDX-License-Identifier: Apache-2.0
// A timed token network: sequential processes, each a looped program of steps, that exchange tokens over FIFO channels.
// Model: a step starts when its process is free and a token is in each channel that it takes from:
//   start  = max(clock, earliest, arrivals of its tokens)
//   finish = start + duration;   a token put arrives at finish + delay;   clock = finish + occupancy
// This is a max-plus linear system (Baccelli, Cohen, Olsder, Quadrat: Synchronization and Linearity, 1992), and times do not depend on the
// order in which the steps are computed. Loops are run until the increments of one period repeat, then jumped over: the result is
// bit-identical to the full run (derivation and proof: docs/math/period.md).
// Assumptions: each channel has one producing and one consuming process; durations, delays and occupancies are not negative.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "units/picoseconds.hpp"

namespace zettatwin::engine {

using units::Picoseconds;

inline constexpr std::int32_t kNone = -1;

// One kind of step of a process; programs refer to kinds by index.
struct Step {
  std::array<std::int32_t, 2> takes{kNone, kNone};  // channels to wait for
  std::array<std::int32_t, 2> puts{kNone, kNone};   // channels that get a token
  std::array<Picoseconds, 2> delays;                // of the tokens put
  Picoseconds duration;
  Picoseconds occupancy;      // the process stays occupied so long after the finish
  Picoseconds earliest;       // never starts before
  std::int32_t probe = kNone; // slot of Run::probes that records when it ran last
};

// Runs prologue, then `repeats` times body, then epilogue.
struct Process {
  std::vector<Step> steps;
  std::vector<std::int32_t> prologue;  // indices into steps
  std::vector<std::int32_t> body;
  std::int64_t repeats = 0;
  std::vector<std::int32_t> epilogue;
};

struct TokenNetwork {
  std::vector<Process> processes;
  std::int32_t channels = 0;
  std::int32_t probes = 0;
};

struct Span {
  Picoseconds start;
  Picoseconds finish;
};

// Where a process waits forever: the index of the step in program order, loops unrolled.
struct Stuck {
  std::size_t process = 0;
  std::int64_t position = 0;
};

// What decided when a step started.
inline constexpr std::uint8_t kClockWon = 0, kEarliestWon = 1, kTokenWon = 2;  // + index in Step::takes; a tie counts for the first of these

// After `after` iterations were played, `times` periods of `period` iterations were jumped over.
struct Jump {
  std::int64_t after = 0, period = 0, times = 0;
};

struct Run {
  std::vector<Picoseconds> finish;  // per process: its clock at the end
  std::vector<Span> probes;
  std::optional<Stuck> stuck;       // the first process that could not end; the times are then meaningless
  std::int64_t iterations_jumped = 0;
  std::int64_t period_iterations = 0;    // of the last jump
  Picoseconds period;                    // time per period, of the slowest process at the last jump
  std::vector<std::vector<Span>> trace;  // per process, in program order
  std::vector<std::vector<std::uint8_t>> winners;  // per process, of the steps that were played, if asked for
  std::vector<Jump> jumps;
};

struct RunOptions {
  bool fold = true;              // look for the period and jump
  std::int64_t trace_limit = 0;  // keep so many spans per process; nothing is jumped then
  bool winners = false;          // record what decided each start
};

[[nodiscard]] Run run(const TokenNetwork& network, const RunOptions& options = {});

}  // namespace zettatwin::engine
