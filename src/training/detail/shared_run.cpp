// SPDX-License-Identifier: Apache-2.0
#include "training/detail/shared_run.hpp"

#include <algorithm>
#include <cmath>
#include <string>

#include "base/contract.hpp"

namespace zettatwin::training {

units::Picoseconds SharedBlock::time_if(units::Picoseconds streams) const {
  units::Picoseconds computed, communicated;
  for (const auto& script : scripts) {
    computed += script.computed;
    communicated += script.communicated;
  }
  const auto overlapped = std::max(units::Picoseconds(), communicated - (streams - computed));
  const auto lost = interference > 0 && overlapped.count() > 0 ? units::Picoseconds::from(overlapped.seconds() * interference) : units::Picoseconds();
  return std::max(streams + lost, issued);
}

std::string_view name_of(Rival rival) {
  constexpr std::array<std::string_view, kRivals> names{"pipeline sends", "parameter gathers", "gradient traffic"};
  return names[static_cast<std::size_t>(rival)];
}

SharedOutcome play_shared(const SharedStep& step, const SharedOptions& options) { return detail::SharedRun(step, options).run(); }

namespace detail {

SharedRun::SharedRun(const SharedStep& step, const SharedOptions& options)
    : step_(step), options_(options), ranks_(step.network.processes.size()), channels_(step.channels.size()), channels_of_(ranks_.size()), touched_(ranks_.size(), 1), outdated_(ranks_.size(), 1), due_(ranks_.size(), kNever), changed_(ranks_.size()), folding_(options.fold), send_parts_(std::llround(step.send_share * kParts)) {
  for (std::size_t c = 0; c < channels_.size(); ++c) {
    const auto& channel = step.channels[c];
    if (!channel.ports || channel.from == channel.to) continue;
    channels_of_[static_cast<std::size_t>(channel.from)].push_back(c);
    channels_of_[static_cast<std::size_t>(channel.to)].push_back(c);
  }
}

SharedOutcome SharedRun::run() {
  for (std::size_t r = 0; r < ranks_.size(); ++r) {
    auto& gathers = ranks_[r].gathers;
    for (const auto& chunk : step_.ranks[r].gathers) {
      for (const auto& bucket : chunk) enqueue(r, gathers, bucket, gathers.buckets.size());
      ranks_[r].gathers_until.push_back(gathers.buckets.size());
    }
    ranks_[r].releases.resize(step_.ranks[r].forward.size());
    find_section(r);
  }
  while (now_ != kNever) {
    ++events_;
    for (bool moved = true; moved;) moved = batch();
    rerate();
    if (std::exchange(iteration_ended_, false) && folding_) look_for_period();
    const auto next = next_event();
    ZT_ASSERT(next >= now_, "time goes back");
    if (next == kNever) break;
    now_ = next;
  }
  for (std::size_t r = 0; r < ranks_.size(); ++r) ZT_EXPECT(ranks_[r].state == State::ended, "deadlock: pipeline rank " + std::to_string(r) + " waits for ever");
  return outcome();
}

Picoseconds SharedRun::next_event() {
  Picoseconds next = kNever;
  for (std::size_t r = 0; r < ranks_.size(); ++r) {
    if (std::exchange(outdated_[r], std::uint8_t{0})) due_[r] = next_event_of(r);
    next = std::min(next, due_[r]);
  }
  for (const auto c : busy_) next = std::min(next, channels_[c].flow.finish());
  return next;
}

Picoseconds SharedRun::next_event_of(std::size_t r) const {
  const auto& rank = ranks_[r];
  const auto next = std::min({rank.wake, rank.gathers.finish(), rank.reductions.finish(), next_final(r)});
  return rank.state == State::played ? std::min(next, rank.player.next()) : next;
}

// Everything that happens at the present time, once over; true if anything did.
bool SharedRun::batch() {
  bool moved = false;
  for (std::size_t i = 0; i < busy_.size();) {
    const auto c = busy_[i];
    moved |= end_sends(c);
    if (i < busy_.size() && busy_[i] == c) ++i;
  }
  for (std::size_t r = 0; r < ranks_.size(); ++r) {
    if (!touched_[r] && due_[r] > now_) continue;
    outdated_[r] = 1;
    touched_[r] = 0;
    if (!batch_of(r)) continue;
    touched_[r] = 1;
    moved = true;
  }
  return moved;
}

bool SharedRun::batch_of(std::size_t r) {
  bool moved = end_background(r, ranks_[r].gathers);
  moved |= make_final(r);
  moved |= move(r);
  moved |= end_background(r, ranks_[r].reductions);
  return moved;
}

// Skips sections that are over.
void SharedRun::find_section(std::size_t r) {
  auto& rank = ranks_[r];
  const auto& p = process(r);
  if (rank.section == Section::prologue && rank.index == p.prologue.size()) {
    rank.section = Section::body;
    rank.index = 0;
  }
  if (rank.section == Section::body && rank.index == p.body.size()) {
    rank.index = 0;
    if (p.repeats > 0) ++rank.iteration;
    if (r == 0) iteration_ended_ = true;
  }
  if (rank.section == Section::body && (rank.iteration == p.repeats || p.body.empty())) {
    rank.section = Section::epilogue;
    rank.index = 0;
  }
  rank.wake = kNever;
  rank.finish = now_;
  rank.state = rank.section == Section::epilogue && rank.index == p.epilogue.size() ? State::ended : State::waiting;
  if (rank.state == State::ended) {
    rank.step = nullptr;
    rank.pass = nullptr;
    return;
  }
  const auto& codes = rank.section == Section::prologue ? p.prologue : rank.section == Section::body ? p.body : p.epilogue;
  const auto code = static_cast<std::size_t>(codes[rank.index]);
  rank.step = &p.steps[code];
  rank.pass = &step_.ranks[r].passes[code];
}

bool SharedRun::move(std::size_t r) {
  auto& rank = ranks_[r];
  switch (rank.state) {
    case State::ended: return false;
    case State::waiting:
      if (!may_start(r)) return false;
      start(r);
      return true;
    case State::played:
      if (rank.player.next() > now_) return false;
      if (rank.player.advance(now_)) change(r);
      if (rank.player.ended()) end_block(r);
      return true;
    case State::stalled:
      if (parameters_missing(r)) return false;
      rank.stall += now_ - rank.segment;
      rank.beside_before += done_beside(r) - rank.beside_at_stall;
      next_block(r);
      return true;
    case State::sending:
      if (rank.wake <= now_) rank.wake = kNever;
      if (rank.unsent > 0 || rank.wake != kNever) return false;
      next_step(r);
      return true;
    case State::opaque:
    case State::settling:
    case State::slowed:
    case State::tail: break;
  }
  if (rank.wake > now_) return false;
  rank.reached = rank.reaching;
  if (rank.state == State::slowed) {
    end_step(r);
    return true;
  }
  if (rank.state == State::tail) {
    end_pass(r);
    return true;
  }
  next_block(r);
  return true;
}

bool SharedRun::may_start(std::size_t r) {
  auto& rank = ranks_[r];
  const auto& step = step_at(r);
  for (const auto channel : step.takes)
    if (channel != engine::kNone && channels_[static_cast<std::size_t>(channel)].tokens == 0) return false;
  const auto chunk = pass_at(r).first_forward;
  rank.release = chunk == kNoChunk ? step.earliest : std::max(step.earliest, release_of(r, chunk));
  rank.wake = rank.release > now_ ? rank.release : kNever;  // sooner than that only if rates rise, which they cannot: it is foreseen at full speed
  return rank.release <= now_;
}

void SharedRun::start(std::size_t r) {
  auto& rank = ranks_[r];
  for (const auto channel : step_at(r).takes)
    if (channel != engine::kNone) --channels_[static_cast<std::size_t>(channel)].tokens;
  rank.begin = rank.segment = now_;
  rank.reached = rank.reaching = rank.stall = {};
  rank.lost = {};
  rank.beside_before = done_beside(r);
  rank.run = 0;
  rank.bucket = 0;
  const auto& blocks = pass_at(r).blocks;
  rank.left = blocks.empty() ? 0 : blocks.front().count;
  next_block(r);
}

// Begins what comes at the present place of the pass.
void SharedRun::next_block(std::size_t r) {
  auto& rank = ranks_[r];
  const auto& pass = pass_at(r);
  while (rank.left == 0 && rank.run < pass.blocks.size())
    if (++rank.run < pass.blocks.size()) rank.left = pass.blocks[rank.run].count;
  rank.segment = now_;
  if (rank.run == pass.blocks.size()) {
    rank.state = State::tail;
    rank.reaching = step_at(r).duration;
    rank.wake = now_ + (rank.reaching - rank.reached);
    return;
  }
  if (parameters_missing(r)) {
    rank.state = State::stalled;
    rank.wake = kNever;
    rank.beside_at_stall = done_beside(r);
    return;
  }
  const auto& block = *pass.blocks[rank.run].block;
  if (met(r, block)) {
    begin_played(r);
    return;
  }
  // Layers of a first forward pass are looked at one by one while parameters arrive.
  const bool arriving = pass.first_forward != kNoChunk && rank.gathers.busy();
  const std::int64_t count = arriving ? 1 : rank.left;
  rank.state = State::opaque;
  rank.reaching = rank.reached + block.time * count;
  rank.wake = now_ + block.time * count;
  rank.left -= count;
}

// In parts of a collective's work, so that periods are found by whole numbers: an end of a send is `send_parts_` of them.
Picoseconds SharedRun::done_beside(std::size_t r) const {
  if (!(step_.interference > 0)) return {};
  auto done = kParts * (ranks_[r].gathers.done_by(now_) + ranks_[r].reductions.done_by(now_));
  for (const auto c : channels_of_[r]) done += send_parts_ * channels_[c].done_by(now_);
  return done;
}

// What messages beside the pass have done takes its share of the pass's computation, at most of all its time.
void SharedRun::end_pass(std::size_t r) {
  auto& rank = ranks_[r];
  const auto overlapped = std::min(Picoseconds((done_beside(r) - rank.beside_before).count() / kParts), now_ - rank.begin - rank.stall);
  const auto taken = overlapped.count() > 0 ? Picoseconds::from(overlapped.seconds() * step_.interference) : Picoseconds();
  if (taken.count() == 0) return end_step(r);
  rank.state = State::slowed;
  rank.wake = now_ + taken;
}

void SharedRun::end_step(std::size_t r) {
  auto& rank = ranks_[r];
  const auto& step = step_at(r);
  while (make_final(r)) {}
  engine::StepLoss loss{.duration = now_ - rank.begin - rank.stall - step.duration, .delays = {}, .occupancy = {}};
  rank.losses.push_back(loss);
  rank.rivals.push_back(rank.lost);
  if (const auto chunk = pass_at(r).first_forward; chunk != kNoChunk)  // all waiting for parameters comes before it
    rank.releases[static_cast<std::size_t>(chunk)] = rank.stall.count() > 0 ? now_ - step.duration - loss.duration : rank.release;
  send(r, step, rank.losses.size() - 1);
  if (step.occupancy.count() > 0) {
    rank.state = State::sending;
    rank.segment = now_;
    rank.wake = now_ + step.occupancy;
    return;
  }
  next_step(r);
}

void SharedRun::next_step(std::size_t r) {
  auto& rank = ranks_[r];
  if (rank.state == State::sending) rank.losses.back().occupancy = now_ - rank.segment - step_at(r).occupancy;
  ++rank.index;
  find_section(r);
}

}  // namespace detail
}  // namespace zettatwin::training
