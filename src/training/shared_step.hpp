// SPDX-License-Identifier: Apache-2.0
// A whole step in which everything shares ports: passes of all pipeline ranks with their messages, sends between them, gathers of parameters and reductions of
// gradients, in one fluid simulation (docs/math/contention.md).
// Model: pipeline ranks run the steps of a token network. A step is a pass, its layers one after the other; tokens between ranks are messages, of which each
// channel sends one at a time. Messages under way share ports max-min fairly (shared_ports.hpp). Where nothing on a rank's ports meets its pass, layers take the
// time that they take alone; else the layer is played operation by operation (stream_player.hpp).
// What comes out are losses: how much longer each step and token takes than alone. The engine's run with them has the simulation's times.
// Cost: the iterations before the state of all ranks repeats to the picosecond; those that repeat are jumped over.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "engine/losses.hpp"
#include "training/script.hpp"

namespace zettatwin::training {

// A layer or end of a pass, or two passes that run together.
struct SharedBlock {
  std::vector<Script> scripts;
  units::Picoseconds time;       // alone, with interference and waiting for the host
  double interference = 0;       // of computation per time of overlap
  units::Picoseconds issued;     // the host's time
  // Its time if the streams take so long.
  [[nodiscard]] units::Picoseconds time_if(units::Picoseconds streams) const;
};
struct SharedBlocks {
  const SharedBlock* block = nullptr;
  std::int64_t count = 0;
};

inline constexpr std::int32_t kNoChunk = -1;
struct SharedPass {
  std::vector<SharedBlocks> blocks;          // what its step takes longer than these comes last
  std::int32_t first_forward = kNoChunk;     // of a local chunk, that needs its parameters
  std::int32_t last_backward = kNoChunk;     // of a local chunk, that makes its gradients final
};

struct SharedChannel {
  std::int32_t from = 0, to = 0;             // pipeline ranks
  const Footprint* ports = nullptr;
};

// The messages of the parameters or gradients of a layer or table, one after the other.
using SharedBucket = std::vector<Traffic>;

struct SharedRank {
  std::vector<SharedPass> passes;                      // by kind of step
  std::vector<std::vector<SharedBucket>> reductions;   // [local chunk], in the order in which the last backward makes them final; empty: not beside it
  std::vector<std::vector<SharedBucket>> gathers;      // [local chunk], in forward order; empty: not beside the pass
  std::vector<units::Picoseconds> forward;             // [local chunk]
};

struct SharedStep {
  engine::TokenNetwork network;  // with each step and delay alone
  std::vector<SharedRank> ranks;
  std::vector<SharedChannel> channels;
  double interference = 0;       // of a pass per time alone of messages beside it: they take cores and memory from computation
  double send_share = 0.5;       // of that, at each end of a send
};

// Who takes ports from a pass.
enum class Rival : std::uint8_t { send, gather, reduction };
inline constexpr std::size_t kRivals = 3;
using RivalTimes = std::array<units::Picoseconds, kRivals>;
// "pipeline sends"
[[nodiscard]] std::string_view name_of(Rival rival);

struct BusySpan {
  units::Picoseconds start, finish;
};

struct SharedOutcome {
  engine::Losses losses;                                   // empty if there are none
  std::vector<std::vector<RivalTimes>> lost;               // [rank], by index in the losses: their durations, by who took the ports; the rest is interference
  std::vector<std::vector<units::Picoseconds>> release;    // [rank][local chunk]: when the first forward starts for its parameters' sake
  std::vector<std::vector<BusySpan>> reductions;           // [rank]: of its buckets, in order
  std::vector<std::vector<BusySpan>> gathers;              // [rank]: of its buckets, in forward order
  std::vector<units::Picoseconds> finish;                  // [rank]: of its last step, with what it sends if it waits for that
  bool assumed_period = false;                             // the state did not repeat within the budget; the last iterations were taken to repeat
  std::int64_t events = 0;
};

struct SharedOptions {
  bool fold = true;                      // jump over iterations that repeat
  std::int64_t budget = 250'000;         // events to play before a period is assumed
};

[[nodiscard]] SharedOutcome play_shared(const SharedStep& step, const SharedOptions& options = {});

}  // namespace zettatwin::training
