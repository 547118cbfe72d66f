// SPDX-License-Identifier: Apache-2.0
#include "training/script.hpp"

#include <algorithm>

#include "training/streams.hpp"

namespace zettatwin::training {
namespace {

using units::Picoseconds;
using workload::Hiding;

// A step that takes no time, after so much computation.
struct Mark {
  Picoseconds at;
  ScriptStep step;
};

}  // namespace

Script script_of(const std::vector<TimedOperation>& program) {
  using Kind = ScriptStep::Kind;
  Script script;
  std::vector<Mark> marks;
  Picoseconds all;
  for (const auto& op : program)
    if (!op.communication) all += op.time;
  for (const auto& op : program) {
    if (!op.communication) {
      script.computed += op.time;
      continue;
    }
    const bool chunked = op.hiding == Hiding::chunked && op.chunks > 1;
    const Picoseconds beside = chunked ? op.partner - Picoseconds(op.partner.count() / op.chunks) : Picoseconds(), here = script.computed;
    const auto message = script.messages.size();
    script.messages.push_back({op.leaf, {op.ports, op.time}, op.parameters});
    script.communicated += op.time;
    marks.push_back({op.partner_follows ? here : std::max(Picoseconds(), here - beside), {.kind = Kind::send, .time = {}, .message = message}});
    if (op.hiding != Hiding::background) marks.push_back({op.partner_follows ? std::min(all, here + beside) : here, {.kind = Kind::wait, .time = {}, .message = message}});
  }
  std::stable_sort(marks.begin(), marks.end(), [](const Mark& a, const Mark& b) { return a.at < b.at; });
  auto mark = marks.begin();
  Picoseconds done;
  const auto take_marks = [&](Picoseconds until) {
    for (; mark != marks.end() && mark->at <= until; ++mark) script.steps.push_back(mark->step);
  };
  for (const auto& op : program) {
    if (op.communication) continue;
    take_marks(done);
    const auto end = done + op.time;
    for (bool goes_on = false; done < end; goes_on = true) {
      const auto until = mark == marks.end() ? end : std::min(end, mark->at);
      script.steps.push_back({.kind = Kind::compute, .goes_on = goes_on, .leaf = op.leaf, .time = until - done});
      done = until;
      if (done < end) take_marks(done);
    }
  }
  take_marks(all);
  return script;
}

}  // namespace zettatwin::training
