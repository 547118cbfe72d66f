// SPDX-License-Identifier: Apache-2.0
#include "training/stream_player.hpp"

#include <algorithm>

namespace zettatwin::training {

using units::Picoseconds;
using Kind = ScriptStep::Kind;

void StreamPlayer::start(std::span<const Script> scripts, Picoseconds now, Ledger* ledger, Recording* recording) {
  scripts_ = scripts;
  for (std::size_t s = 0; s < scripts.size(); ++s) {
    running_[s].at = 0;
    running_[s].arrived.assign(scripts[s].messages.size(), 0);
  }
  for (auto& queue : queues_) {
    queue.sent.clear();
    queue.next = 0;
  }
  computing_ = kIdle;
  compute_end_ = accounted_ = begin_ = now;
  ended_ = false;
  ledger_ = ledger;
  recording_ = recording;
}

Picoseconds StreamPlayer::next() const {
  if (ended_) return kNever;
  Picoseconds next = computing_ == kIdle ? kNever : compute_end_;
  for (const auto& queue : queues_)
    if (queue.busy()) next = std::min(next, queue.flow.finish());
  return next;
}

const Footprint* StreamPlayer::ports(std::size_t stream) const {
  const auto& queue = queues_[stream];
  return queue.busy() ? message(queue.sent[queue.next]).traffic.ports : nullptr;
}

bool StreamPlayer::advance(Picoseconds now) {
  bool changed = false;
  for (bool moved = true; moved;) {
    moved = end_computation(now);
    if (end_messages(now)) moved = changed = true;
    for (std::size_t s = 0; s < scripts_.size(); ++s)
      if (go_on(s, now)) moved = changed = true;
    if (begin_computation(now)) moved = true;
  }
  ended_ = computing_ == kIdle;
  for (std::size_t s = 0; s < scripts_.size(); ++s) ended_ = ended_ && at_end(s);
  for (const auto& queue : queues_) ended_ = ended_ && !queue.busy();
  return changed;
}

bool StreamPlayer::end_computation(Picoseconds now) {
  if (computing_ == kIdle || compute_end_ > now) return false;
  ++running_[computing_].at;
  computing_ = kIdle;
  return true;
}

bool StreamPlayer::end_messages(Picoseconds now) {
  bool any = false;
  for (std::size_t stream = 0; stream < kStreams; ++stream) {
    auto& queue = queues_[stream];
    if (!queue.busy() || queue.flow.finish() > now) continue;
    const Sent sent = queue.sent[queue.next++];
    running_[sent.script].arrived[sent.message] = 1;
    if (recording_) recording_->push_back({stream == 0 ? Stream::activations : Stream::parameters, message(sent).leaf, false, sent.start - begin_, now - begin_});
    if (queue.busy()) {
      queue.sent[queue.next].start = now;
      queue.flow = MessageFlow(now, message(queue.sent[queue.next]).traffic.time);
    }
    bool over = computing_ == kIdle;
    for (std::size_t s = 0; s < scripts_.size(); ++s) over = over && at_end(s);
    if (over) waited(message(sent).leaf, now);
    any = true;
  }
  return any;
}

// Up to the next computation or wait. True if it sent something.
bool StreamPlayer::go_on(std::size_t script, Picoseconds now) {
  auto& running = running_[script];
  const auto& steps = scripts_[script].steps;
  bool sent = false;
  if (computing_ == script) return false;
  for (; running.at < steps.size(); ++running.at) {
    const auto& step = steps[running.at];
    if (step.kind == Kind::compute) break;
    if (step.kind == Kind::send) {
      send(script, step.message, now);
      sent = true;
    } else {
      if (!running.arrived[step.message]) break;
      if (computing_ == kIdle) waited(scripts_[script].messages[step.message].leaf, now);
    }
  }
  return sent;
}

bool StreamPlayer::begin_computation(Picoseconds now) {
  if (computing_ != kIdle) return false;
  for (const bool only_going_on : {true, false})
    for (std::size_t s = 0; s < scripts_.size(); ++s) {
      if (at_end(s)) continue;
      const auto& step = scripts_[s].steps[running_[s].at];
      if (step.kind != Kind::compute || (only_going_on && !step.goes_on)) continue;
      computing_ = s;
      compute_end_ = now + step.time;
      accounted_ = compute_end_;
      if (ledger_) ledger_->add(step.leaf, step.time);
      if (recording_) recording_->push_back({Stream::computation, step.leaf, false, now - begin_, compute_end_ - begin_});
      return true;
    }
  return false;
}

void StreamPlayer::send(std::size_t script, std::size_t index, Picoseconds now) {
  const auto& m = scripts_[script].messages[index];
  auto& queue = queues_[m.parameters ? 1 : 0];
  const bool free = !queue.busy();
  queue.sent.push_back({script, index, now});
  if (free) queue.flow = MessageFlow(now, m.traffic.time);
}

// The computation stream had nothing to do until now, for want of a message.
void StreamPlayer::waited(LeafId leaf, Picoseconds now) {
  if (now <= accounted_) return;
  if (ledger_) ledger_->add(leaf, now - accounted_);
  if (recording_) recording_->push_back({Stream::computation, leaf, true, accounted_ - begin_, now - begin_});
  accounted_ = now;
}

}  // namespace zettatwin::training
