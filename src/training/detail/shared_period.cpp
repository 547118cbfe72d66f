// SPDX-License-Identifier: Apache-2.0
// Iterations that repeat. The future depends on the state alone, all of which is integers (rates by their bits) and times; two states that are equal but for a shift
// in time have equal futures but for that shift, as long as all ranks stay in their loops.
#include <algorithm>

#include "base/contract.hpp"
#include "training/detail/shared_run.hpp"

namespace zettatwin::training::detail {
namespace {

constexpr std::size_t kCuts = 4096;  // kept, to be recognised
constexpr std::size_t kAssumed = 32; // iterations that are taken to repeat when none do

struct Writer {
  Picoseconds now;
  std::vector<std::int64_t> state;
  void time(const Picoseconds& t) { state.push_back(t == kNever ? kNever.count() : (t - now).count()); }
  void number(std::int64_t n) { state.push_back(n); }
};

struct Shift {
  Picoseconds by;
  void time(Picoseconds& t) const {
    if (t != kNever) t += by;
  }
  void number(std::int64_t) const {}
};

}  // namespace

template <class Visitor>
void SharedRun::visit(Visitor& v) {
  for (std::size_t r = 0; r < ranks_.size(); ++r) {
    auto& rank = ranks_[r];
    v.number(static_cast<std::int64_t>(rank.state));
    v.number(static_cast<std::int64_t>(rank.index));
    v.number(rank.iteration - ranks_.front().iteration);
    v.number(rank.unsent);
    if (rank.state == State::waiting || rank.state == State::ended) continue;
    for (auto* time : {&rank.begin, &rank.segment, &rank.wake}) v.time(*time);
    for (const auto time : {rank.reached, rank.reaching, rank.stall, done_beside(r) - rank.beside_before}) v.number(time.count());
    for (const auto& times : {rank.lost, rank.beside})
      for (const auto time : times) v.number(time.count());
    v.number(static_cast<std::int64_t>(rank.run));
    v.number(rank.left);
    v.number(static_cast<std::int64_t>(rank.bucket));
    if (rank.state != State::played) continue;
    v.time(rank.counted);
    rank.player.visit(v);
  }
  for (std::size_t c = 0; c < channels_.size(); ++c) {
    auto& channel = channels_[c];
    v.number(channel.tokens);
    v.number(static_cast<std::int64_t>(channel.sent.size()));
    const auto sent_so_far = channel.sent.empty() ? 0 : ranks_[static_cast<std::size_t>(step_.channels[c].from)].losses.size();
    for (auto& sent : channel.sent) {
      v.number(static_cast<std::int64_t>(sent_so_far - sent.record));
      v.number(static_cast<std::int64_t>(sent.slot));
      v.number(sent.work.count());
      v.time(sent.left);
    }
    if (!channel.sent.empty()) channel.flow.visit(v);
  }
}

void SharedRun::look_for_period() {
  for (const auto& rank : ranks_)
    if (rank.section != Section::body || rank.gathers.busy() || rank.reductions.busy()) return;
  Cut cut{.iterations = {}, .time = now_};
  for (const auto& rank : ranks_) cut.iterations.push_back(rank.iteration);
  Writer writer{.now = now_, .state = {}};
  visit(writer);
  if (const auto known = cuts_.find(writer.state); known != cuts_.end()) {
    const auto from = known->second;
    jump(from.iterations, from.time, ranks_.front().iteration - from.iterations.front());
    return;
  }
  if (events_ > options_.budget) assume_period();
  if (period_) return;
  if (cuts_.size() < kCuts) cuts_.emplace(std::move(writer.state), cut);
  last_cuts_.push_back(std::move(cut));
  if (last_cuts_.size() > kAssumed) last_cuts_.pop_front();
}

// The last iterations, as many for each rank, are taken to repeat though the state did not.
void SharedRun::assume_period() {
  if (last_cuts_.empty()) return;
  const auto from = last_cuts_.front();
  const auto period = ranks_.front().iteration - from.iterations.front();
  for (std::size_t r = 0; r < ranks_.size(); ++r)
    if (ranks_[r].iteration != from.iterations[r] + period) return;
  jump(from.iterations, from.time, period);
  assumed_ = period_.has_value();
}

void SharedRun::jump(const std::vector<std::int64_t>& from, Picoseconds period_begin, std::int64_t period) {
  std::int64_t times = INT64_MAX;
  for (std::size_t r = 0; r < ranks_.size(); ++r) times = std::min(times, (process(r).repeats - 1 - ranks_[r].iteration) / period);
  const auto [least, most] = std::minmax_element(from.begin(), from.end());
  if (times < 1 || times * period < *most - *least) return;
  Shift shift{.by = (now_ - period_begin) * times};
  visit(shift);
  now_ += shift.by;
  for (std::size_t r = 0; r < ranks_.size(); ++r) touch(r);
  for (auto& rank : ranks_) rank.iteration += times * period;
  period_ = Period{.from = from, .iterations = period, .times = times};
  folding_ = false;
  cuts_.clear();
}

// Losses in the order in which steps run. A rank's iterations repeat from the one behind the first cut on, up to that in which the jump ended; what
// all ranks have of them in common is the loop.
SharedOutcome SharedRun::outcome() {
  SharedOutcome outcome{.losses = {}, .lost = {}, .release = {}, .reductions = {}, .gathers = {}, .finish = {}, .assumed_period = assumed_, .events = events_};
  auto& losses = outcome.losses;
  if (period_) {
    const auto& p = *period_;
    const auto [least, most] = std::minmax_element(p.from.begin(), p.from.end());
    losses.before = *most + 1;
    losses.period = p.iterations;
    losses.times = (*least + p.iterations * (p.times + 1) + 1 - losses.before) / p.iterations;
  }
  bool any = false;
  for (std::size_t r = 0; r < ranks_.size(); ++r) {
    auto& rank = ranks_[r];
    const auto& loop = process(r);
    const auto body = static_cast<std::int64_t>(loop.body.size()), prologue = static_cast<std::int64_t>(loop.prologue.size());
    const std::int64_t before = period_ ? losses.before : loop.repeats, looped = losses.period * losses.times;
    // Where what was played of an iteration is kept.
    const auto played = [&](std::int64_t iteration) {
      if (!period_) return iteration;
      const auto [from, period, times] = *period_;
      if (iteration <= from[r] + period) return iteration;
      if (iteration <= from[r] + period * (times + 1)) return from[r] + 1 + (iteration - from[r] - 1) % period;
      return iteration - period * times;
    };
    auto& steps = losses.steps.emplace_back();
    auto& lost = outcome.lost.emplace_back();
    const auto keep = [&](std::int64_t record) {
      steps.push_back(rank.losses[static_cast<std::size_t>(record)]);
      lost.push_back(rank.rivals[static_cast<std::size_t>(record)]);
      any = any || !(steps.back() == engine::StepLoss{});
    };
    const auto keep_iterations = [&](std::int64_t first, std::int64_t last) {
      for (auto i = first; i < last; ++i)
        for (std::int64_t k = 0; k < body; ++k) keep(prologue + played(i) * body + k);
    };
    for (std::int64_t i = 0; i < prologue; ++i) keep(i);
    keep_iterations(0, before + losses.period);
    keep_iterations(before + looped, loop.repeats);
    const auto records = static_cast<std::int64_t>(rank.losses.size());
    for (auto i = records - static_cast<std::int64_t>(loop.epilogue.size()); i < records; ++i) keep(i);
    outcome.release.push_back(rank.releases);
    outcome.reductions.push_back(rank.reductions.buckets);
    outcome.gathers.push_back(rank.gathers.buckets);
    outcome.finish.push_back(rank.finish);
  }
  if (!any) {
    losses = {};
    outcome.lost.clear();
  }
  if (!period_ && any) {  // loops of several lengths are written out
    losses.before = 0;
  }
  return outcome;
}

}  // namespace zettatwin::training::detail
