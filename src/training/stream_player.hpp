// SPDX-License-Identifier: Apache-2.0
// Plays one or two scripts on a rank's streams, event by event: computation, messages of activations, messages of parameters and gradients. Of a stream's
// messages one is under way at a time, in the order in which they were sent. Who plays it says at what rates the messages under way progress, since others may
// share their ports. Of two scripts the first computes first if both could.
#pragma once

#include <array>
#include <limits>
#include <span>
#include <vector>

#include "training/message_flow.hpp"
#include "training/script.hpp"
#include "training/streams.hpp"

namespace zettatwin::training {

inline constexpr units::Picoseconds kNever{std::numeric_limits<std::int64_t>::max()};

class StreamPlayer final {
 public:
  static constexpr std::size_t kStreams = 2;  // of messages: activations, parameters

  // Begins at `now`. With a ledger and a recording it writes them.
  void start(std::span<const Script> scripts, units::Picoseconds now, Ledger* ledger = nullptr, Recording* recording = nullptr);
  // When something happens next, if rates stay; kNever when all has ended.
  [[nodiscard]] units::Picoseconds next() const;
  // Everything that happens at `now`, not after next(). True if other messages are under way than before.
  bool advance(units::Picoseconds now);
  [[nodiscard]] bool ended() const { return ended_; }
  // The ports that the stream's message under way uses; null if there is none.
  [[nodiscard]] const Footprint* ports(std::size_t stream) const;
  void set_rate(std::size_t stream, units::Picoseconds now, double rate) {
    if (queues_[stream].busy()) queues_[stream].flow.set_rate(now, rate);
  }

  template <class Visitor>
  void visit(Visitor& visitor) {
    visitor.time(compute_end_);
    for (auto& s : running_) visitor.number(static_cast<std::int64_t>(s.at));
    visitor.number(static_cast<std::int64_t>(computing_));
    for (auto& q : queues_) {
      visitor.number(static_cast<std::int64_t>(q.next));
      for (const auto& sent : q.sent) visitor.number(static_cast<std::int64_t>(2 * sent.message + sent.script));
      if (q.busy()) q.flow.visit(visitor);
    }
  }

 private:
  static constexpr std::size_t kIdle = kStreams;
  struct Sent {
    std::size_t script = 0, message = 0;
    units::Picoseconds start;
  };
  struct Queue {
    std::vector<Sent> sent;  // in order
    std::size_t next = 0;    // under way, or not sent yet
    MessageFlow flow;
    [[nodiscard]] bool busy() const { return next < sent.size(); }
  };
  struct Running {
    std::size_t at = 0;  // step
    std::vector<std::uint8_t> arrived;  // messages
  };

  [[nodiscard]] const ScriptMessage& message(const Sent& sent) const { return scripts_[sent.script].messages[sent.message]; }
  [[nodiscard]] bool at_end(std::size_t script) const { return running_[script].at == scripts_[script].steps.size(); }
  bool end_computation(units::Picoseconds now);
  bool end_messages(units::Picoseconds now);
  bool go_on(std::size_t script, units::Picoseconds now);
  bool begin_computation(units::Picoseconds now);
  void send(std::size_t script, std::size_t message, units::Picoseconds now);
  void waited(LeafId leaf, units::Picoseconds now);

  std::span<const Script> scripts_;
  std::array<Running, 2> running_;
  std::array<Queue, kStreams> queues_;
  std::size_t computing_ = kIdle;  // script
  units::Picoseconds compute_end_; // of the computation under way, or of the last
  units::Picoseconds accounted_;   // the computation stream's time so far
  units::Picoseconds begin_;
  bool ended_ = true;
  Ledger* ledger_ = nullptr;
  Recording* recording_ = nullptr;
};

}  // namespace zettatwin::training
