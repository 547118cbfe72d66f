// SPDX-License-Identifier: Apache-2.0
// What the simulation of a whole step knows of one pipeline rank and of one channel.
#pragma once

#include <deque>
#include <vector>

#include "training/message_flow.hpp"
#include "training/shared_step.hpp"
#include "training/stream_player.hpp"

namespace zettatwin::training::detail {

using units::Picoseconds;

// Buckets whose messages go one after the other in the background.
struct Background {
  struct Item {
    Traffic traffic;
    std::size_t bucket = 0;
  };
  std::vector<Item> items;
  std::size_t next = 0;  // under way
  MessageFlow flow;
  std::vector<BusySpan> buckets;   // of those that have begun
  std::size_t ended = 0;           // buckets
  Picoseconds done;                // work of messages that have ended

  [[nodiscard]] bool busy() const { return next < items.size(); }
  [[nodiscard]] const Footprint* ports() const { return busy() ? items[next].traffic.ports : nullptr; }
  [[nodiscard]] Picoseconds finish() const { return busy() ? flow.finish() : kNever; }
  // Work up to now.
  [[nodiscard]] Picoseconds done_by(Picoseconds now) const { return busy() ? done + (items[next].traffic.time - flow.left_at(now)) : done; }
};

struct ChannelState {
  struct Sent {
    std::size_t record = 0;      // the sender's step
    std::size_t slot = 0;        // token of it
    Picoseconds work, left;      // alone, and when the sender had it ready
  };
  std::deque<Sent> sent;         // the first is under way
  MessageFlow flow;
  std::int64_t tokens = 0;       // arrived
  Picoseconds done;              // work of messages that have ended
  [[nodiscard]] Picoseconds done_by(Picoseconds now) const { return sent.empty() ? done : done + (sent.front().work - flow.left_at(now)); }
  [[nodiscard]] const Footprint* ports(const SharedChannel& channel) const { return sent.empty() ? nullptr : channel.ports; }
};

struct RankState {
  enum class State : std::uint8_t {
    waiting,  // for tokens, or for parameters before its first forward pass
    opaque,   // layers that nothing meets
    played,   // one layer, operation by operation
    settling, // interference and the host's time of a layer that was played
    slowed,   // by what messages beside the pass took from its computation
    stalled,  // between two layers: parameters of the next one are not there
    tail,     // what the pass takes beside its layers
    sending,  // waits for what it sends
    ended
  };
  enum class Section : std::uint8_t { prologue, body, epilogue };

  State state = State::waiting;
  const engine::Step* step = nullptr;      // at which it is; none once it has ended
  const SharedPass* pass = nullptr;
  Section section = Section::prologue;
  std::size_t index = 0;           // in the section
  std::int64_t iteration = 0;
  Picoseconds begin;               // of the step
  Picoseconds segment;             // begin of what it does now
  Picoseconds wake = kNever;       // end of it
  Picoseconds reached, reaching;   // alone time of the pass at its begin and at its end
  std::size_t run = 0;             // blocks
  std::int64_t left = 0;           // of them, with those under way
  StreamPlayer player;
  Picoseconds stall;               // of the step, so far
  Picoseconds beside_before;       // done by messages beside the rank before the pass, or while it stood still (SharedRun::done_beside)
  Picoseconds beside_at_stall;     // so far, when it began to stand still
  RivalTimes lost{};               // of the step, so far
  RivalTimes beside{};             // of the layer that is played
  Picoseconds counted;             // until then
  std::size_t bucket = 0;          // next one to become final
  std::int64_t unsent = 0;         // messages that it waits for
  Picoseconds release;             // that its first forward had
  Background gathers, reductions;
  std::vector<std::size_t> gathers_until;   // [local chunk]: gathers of it and of those before
  std::vector<engine::StepLoss> losses;
  std::vector<RivalTimes> rivals;
  std::vector<Picoseconds> releases;        // [local chunk]
  Picoseconds finish;              // of the last step
};

}  // namespace zettatwin::training::detail
