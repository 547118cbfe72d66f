// SPDX-License-Identifier: Apache-2.0
#include "training/streams.hpp"

#include <algorithm>
#include <array>

namespace zettatwin::training {
namespace {

using units::Picoseconds;
using workload::Hiding;

// The streams' clocks and the account of the computation stream.
struct Streams {
  Picoseconds computation;
  std::array<Picoseconds, 2> communication;  // of activations, of parameters
  StreamResult result;

  void compute(const TimedOperation& op, Picoseconds start) {
    computation = start + op.time;
    result.ledger.add(op.leaf, op.time);
  }
  // Runs a communication of a program that has come to `now`, and returns when the program may go on (docs/math/overlap.md). Chunked: a gather keeps
  // the last chunk of the computation behind it waiting, a reduction could start with the first chunk of the computation before it.
  Picoseconds communicate(const TimedOperation& op, Picoseconds now) {
    auto& stream = communication[op.parameters ? 1 : 0];
    const bool chunked = op.hiding == Hiding::chunked && op.chunks > 1;
    const Picoseconds beside = chunked ? op.partner - Picoseconds(op.partner.count() / op.chunks) : Picoseconds();
    stream = std::max(op.partner_follows ? now : now - beside, stream) + op.time;
    return op.partner_follows ? stream - beside : stream;
  }
  void wait(LeafId leaf, Picoseconds until) {
    if (until <= computation) return;
    result.ledger.add(leaf, until - computation);
    computation = until;
  }
};

struct Background {
  LeafId leaf;
  Picoseconds finish;
};

// Waits for what is still under way, in the order in which it finishes.
void finish(Streams& streams, std::vector<Background>& pending) {
  std::sort(pending.begin(), pending.end(), [](const Background& a, const Background& b) { return a.finish < b.finish; });
  for (const auto& background : pending) streams.wait(background.leaf, background.finish);
  streams.result.time = streams.computation;
}

}  // namespace

StreamResult run_streams(const std::vector<TimedOperation>& program) {
  Streams s;
  std::vector<Background> pending;
  Picoseconds communicated, computed;
  for (const auto& op : program) {
    if (!op.communication) {
      s.compute(op, s.computation);
      computed += op.time;
      continue;
    }
    communicated += op.time;
    const Picoseconds until = s.communicate(op, s.computation);
    if (op.hiding == Hiding::background) pending.push_back({op.leaf, until});
    else s.wait(op.leaf, until);
  }
  finish(s, pending);
  s.result.overlapped = std::max(Picoseconds(), communicated - (s.result.time - computed));
  return std::move(s.result);
}

StreamResult run_streams_together(const std::vector<TimedOperation>& first, const std::vector<TimedOperation>& second) {
  struct Program {
    const std::vector<TimedOperation>* operations;
    std::size_t next = 0;
    Picoseconds ready;
    LeafId waits_for = 0;  // the communication that set `ready`
  };
  std::array<Program, 2> programs{Program{&first}, Program{&second}};
  Streams s;
  std::vector<Background> pending;
  Picoseconds communicated, computed;
  const auto start_of = [&s](const Program& p) {
    const auto& op = (*p.operations)[p.next];
    return std::max(p.ready, op.communication ? s.communication[op.parameters ? 1 : 0] : s.computation);
  };
  while (true) {
    Program* chosen = nullptr;
    for (auto& p : programs)
      if (p.next < p.operations->size() && (!chosen || start_of(p) < start_of(*chosen))) chosen = &p;
    if (!chosen) break;
    const auto& op = (*chosen->operations)[chosen->next++];
    if (!op.communication) {
      const Picoseconds start = std::max(chosen->ready, s.computation);
      s.wait(chosen->waits_for, start);
      s.compute(op, start);
      chosen->ready = s.computation;
      computed += op.time;
      continue;
    }
    communicated += op.time;
    const Picoseconds until = s.communicate(op, chosen->ready);
    if (op.hiding == Hiding::background) {
      pending.push_back({op.leaf, until});
    } else if (until > chosen->ready) {
      chosen->ready = until;
      chosen->waits_for = op.leaf;
    }
  }
  for (const auto& p : programs)
    if (p.ready > s.computation) pending.push_back({p.waits_for, p.ready});
  finish(s, pending);
  s.result.overlapped = std::max(Picoseconds(), communicated - (s.result.time - computed));
  return std::move(s.result);
}

}  // namespace zettatwin::training
