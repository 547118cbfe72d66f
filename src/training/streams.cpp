// SPDX-License-Identifier: Apache-2.0
#include "training/streams.hpp"

#include <algorithm>
#include <array>

#include "training/message_streams.hpp"

namespace zettatwin::training {
namespace {

using units::Picoseconds;
using workload::Hiding;
using Program = std::vector<TimedOperation>;
enum class Ports { shared, separate };

// A message under way, and how long before its end the program may go on.
struct Sent {
  LeafId leaf = 0;
  MessageStreams::Id message;
  Picoseconds early;
};

struct Wait {
  LeafId leaf;
  Picoseconds until;
};

// The streams' clocks and the account of the computation stream.
struct Streams {
  Ports ports;
  Picoseconds computation;
  MessageStreams communication;
  std::vector<Sent> background;
  Picoseconds communicated, computed;
  Ledger ledger;
  Recording* recording;
  std::vector<Sent> messages;  // all, while recording

  Streams(Ports p, Recording* r) : ports(p), recording(r) {}

  void compute(const TimedOperation& op, Picoseconds start) {
    if (recording) recording->push_back({Stream::computation, op.leaf, false, start, start + op.time});
    computation = start + op.time;
    computed += op.time;
    ledger.add(op.leaf, op.time);
  }
  // Sends a communication of a program that has come to `now` (docs/math/overlap.md). Chunked: a gather keeps the last chunk of the computation
  // behind it waiting, a reduction could start with the first chunk of the computation before it.
  Sent communicate(const TimedOperation& op, Picoseconds now) {
    const bool chunked = op.hiding == Hiding::chunked && op.chunks > 1;
    const Picoseconds beside = chunked ? op.partner - Picoseconds(op.partner.count() / op.chunks) : Picoseconds();
    communicated += op.time;
    const Traffic message{ports == Ports::shared ? op.ports : nullptr, op.time};
    const Sent now_sent{op.leaf, communication.send(op.parameters, op.partner_follows ? now : now - beside, message), op.partner_follows ? beside : Picoseconds()};
    if (op.hiding == Hiding::background) background.push_back(now_sent);
    if (recording) messages.push_back(now_sent);
    return now_sent;
  }
  [[nodiscard]] Picoseconds until(const Sent& sent) const { return communication.finish(sent.message) - sent.early; }
  void wait(LeafId leaf, Picoseconds until) {
    if (until <= computation) return;
    ledger.add(leaf, until - computation);
    if (recording) recording->push_back({Stream::computation, leaf, true, computation, until});
    computation = until;
  }
  // A message that is delayed once nobody waits for it any more is shown up to the end of the program.
  void record_messages() {
    if (!recording) return;
    for (const auto& message : messages) {
      const auto finish = std::min(communication.finish(message.message), computation), start = std::min(communication.start(message.message), finish);
      recording->push_back({message.message.parameters ? Stream::parameters : Stream::activations, message.leaf, false, start, finish});
    }
  }
  // Waits for what is still under way, in the order in which it finishes, and for `others`.
  StreamResult finish(std::vector<Wait> others = {}) {
    std::vector<Wait> waits;
    for (const auto& sent : background) waits.push_back({sent.leaf, until(sent)});
    waits.insert(waits.end(), others.begin(), others.end());
    std::sort(waits.begin(), waits.end(), [](const Wait& a, const Wait& b) { return a.until < b.until; });
    for (const auto& w : waits) wait(w.leaf, w.until);
    record_messages();
    return {.time = computation, .overlapped = std::max(Picoseconds(), communicated - (computation - computed)), .contention = {}, .ledger = std::move(ledger)};
  }
};

// One of two programs: where it is and when its next operation may start.
struct Running {
  const Program* operations = nullptr;
  std::size_t next = 0;
  Picoseconds ready;
  LeafId waits_for = 0;  // the communication that set `ready`
  bool waiting = false;  // for `sent`, which others' messages may yet delay
  Sent sent;

  [[nodiscard]] bool done() const { return next == operations->size(); }
  [[nodiscard]] const TimedOperation& operation() const { return (*operations)[next]; }
  void settle(const Streams& s) {
    if (!waiting || s.until(sent) <= ready) return;
    ready = s.until(sent);
    waits_for = sent.leaf;
  }
  [[nodiscard]] Picoseconds start(const Streams& s) const {
    const auto& op = operation();
    return std::max(ready, op.communication ? s.communication.free(op.parameters) : s.computation);
  }
  void run_next(Streams& s) {
    const auto& op = operation();
    ++next;
    if (op.communication) {
      const Sent now = s.communicate(op, ready);
      if (op.hiding == Hiding::background) return;
      sent = now;
      waiting = true;
      return;
    }
    const Picoseconds start = std::max(ready, s.computation);
    s.wait(waits_for, start);
    s.compute(op, start);
    ready = s.computation;
  }
};

// With what contention cost: `run` plays the programs with shared or with separate ports.
template <class Run>
StreamResult with_contention(Run&& run, Recording* recording) {
  Streams shared(Ports::shared, recording);
  StreamResult result = run(shared);
  if (!shared.communication.contended()) return result;
  Streams separate(Ports::separate, nullptr);
  result.contention = std::max(Picoseconds(), result.time - run(separate).time);
  return result;
}

}  // namespace

StreamResult run_streams(const Program& program, Recording* recording) {
  return with_contention([&](Streams& s) {
    for (const auto& op : program) {
      if (!op.communication) {
        s.compute(op, s.computation);
        continue;
      }
      const Sent sent = s.communicate(op, s.computation);
      if (op.hiding != Hiding::background) s.wait(op.leaf, s.until(sent));
    }
    return s.finish();
  }, recording);
}

StreamResult run_streams_together(const Program& first, const Program& second, Recording* recording) {
  return with_contention([&](Streams& s) {
    std::array<Running, 2> programs{Running{.operations = &first}, Running{.operations = &second}};
    while (true) {
      Running* chosen = nullptr;
      for (auto& p : programs) p.settle(s);
      for (auto& p : programs)
        if (!p.done() && (!chosen || p.start(s) < chosen->start(s))) chosen = &p;
      if (!chosen) break;
      chosen->run_next(s);
    }
    std::vector<Wait> ends;
    for (auto& p : programs) {
      p.settle(s);
      if (p.ready > s.computation) ends.push_back({p.waits_for, p.ready});
    }
    return s.finish(std::move(ends));
  }, recording);
}

}  // namespace zettatwin::training
