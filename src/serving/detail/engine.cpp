// SPDX-License-Identifier: Apache-2.0
#include "serving/detail/engine.hpp"

#include <algorithm>

#include "base/contract.hpp"

namespace zettatwin::serving::detail {

using units::Picoseconds;

Engine::Engine(EngineSettings settings, const StepTimer& timer, Observer& observer, InstanceOptions options)
    : e_(std::move(settings)),
      unit_tokens_(e_.prefix_tokens == 0 ? e_.block_tokens : e_.prefix_tokens),
      lookahead_(e_.speculation.draft),
      watermark_(static_cast<std::int64_t>(e_.watermark * static_cast<double>(e_.blocks))),
      grows_(e_.admission != Admission::full),
      timer_(timer),
      observer_(observer),
      options_(options),
      draw_(e_.speculation, options.seed),
      cache_(e_.blocks, unit_tokens_ / e_.block_tokens, e_.tiers),
      batch_(TokenClock(e_.speculation), e_.block_tokens, lookahead_, grows_, !draw_.active()),
      expected_(e_) {
  if (!e_.prefix_caching || options_.store.bytes_per_token <= 0) options_.store.store = nullptr;
  statistics_.hit_tokens.assign(1 + e_.tiers.size() + (options_.store.store ? 1 : 0), 0);
  since_poll_ = e_.poll_steps;
}

void Engine::advance(Picoseconds until) {
  now_ = std::max(now_, until.count());
  while (running_step_ || begin(until.count())) {
    if (end_ > until.count()) break;
    end_run();
  }
  if (evicts_ && running_step_) settle(until.count());
}

// Whether a step runs from t_, if it begins before `until`.
bool Engine::begin(std::int64_t until) {
  for (;;) {
    if (running_.size == 0) {
      release_zombies();
      if (queue_.size == 0) return false;
      if (slots_[queue_.first].at > t_) expected_.ran_dry(batch_.steps());
      t_ = std::max(t_, slots_[queue_.first].at);
      if (blocked_ && next_in_queue() != kNoSlot) t_ = std::max(t_, slots_[next_in_queue()].at);
    }
    if (t_ >= until || stuck_) return false;
    compose();
    if (decoding_ || !chunks_.empty()) break;
    const bool later = running_.size == 0 && next_in_queue() != kNoSlot && slots_[next_in_queue()].at > t_;
    if (!preempted_ && zombies_.empty() && !later) stuck_ = true;
  }
  plan();
  return true;
}

void Engine::plan() {
  run_ = StepRun{.begin = Picoseconds(t_), .decoding = decoding_ ? batch_.size() : 0, .cached = decoding_ ? batch_.cached() : 0};
  run_clock_ = batch_.clock();
  steps_ = 1;
  evicts_ = false;
  std::int64_t time = 0;
  if (chunks_.empty()) {
    const Plan run = plan_run(cache_.available());
    pace_ = run.pace;
    if (fetch_ == 0 && swap_ == 0) {
      steps_ = run.steps;
      evicts_ = run.evicts;
    }
    time = pace_.time(steps_);
  } else {
    time = timer_.step({.sequences = run_.decoding, .cached = run_.cached, .chunks = chunks_by_rank()}).count();
    for (const auto& chunk : chunks_) run_.prompt_tokens += chunk.tokens;
  }
  ZT_EXPECT(time > 0, "a step takes time");
  if (fetch_ > 0) time = e_.fetch == Fetch::overlapped ? std::max(time, fetch_) : time + fetch_;
  end_ = t_ + time + swap_;
  running_step_ = true;
  run_used_ = used();
  statistics_.evicted_blocks = cache_.evicted_blocks();
  statistics_.blocks_max = std::max(statistics_.blocks_max, run_used_);
}

std::span<const Chunk> Engine::chunks_by_rank() {
  if (!bound()) return chunks_;
  by_rank_ = chunks_;
  std::stable_sort(by_rank_.begin(), by_rank_.end(), [](const Chunk& a, const Chunk& b) { return a.rank < b.rank; });
  return by_rank_;
}

// How many steps follow each other with the same sequences, until one ends, blocks run out, an arrival can be taken up, or the timer's piece ends.
// With so many blocks available beside those of the first step.
Engine::Plan Engine::plan_run(std::int64_t available) const {
  const auto n = batch_.size(), cached = batch_.cached();
  const auto piece = timer_.decode(n, cached);
  ZT_EXPECT(piece.from <= cached && cached < piece.to && piece.slope >= 0, "the timer's piece holds the load");
  const auto first = piece.base.count() + piece.slope * (cached - piece.from);
  ZT_EXPECT(first > 0, "a step takes time");
  Plan plan{.pace = batch_.pace(first, piece.slope)};
  if (draw_.active() || !zombies_.empty() || !newcomers_.empty()) return plan;
  plan.steps = std::min(batch_.steps_for((piece.to - 1 - cached) / n + 1), batch_.steps_for(ends_.top().end - batch_.clock()));
  if (holding_) plan.steps = std::min(plan.steps, e_.hold.steps - (batch_.steps() - held_since_));
  if (const Slot next = holding_ ? hold_next_ : next_in_queue(); next != kNoSlot && e_.policy != Policy::static_batch && !full_batch())
    plan.steps = steps_to_arrival(plan.pace, slots_[next].at, plan.steps);
  if (!grows_ || plan.steps == 1) return plan;
  const auto grown = batch_.grown_in(plan.steps - 1), bound = n * (grown / e_.block_tokens + 1);
  plan.evicts = e_.prefix_caching && bound > cache_.empty();
  if (bound > available && batch_.growth(grown) > available) plan.steps = std::min(plan.steps, batch_.steps_for(batch_.growth_within(available) + 1));
  return plan;
}

// The steps from t_ on after which a request that came at `at` can be taken up.
std::int64_t Engine::steps_to_arrival(const Pace& pace, std::int64_t at, std::int64_t most) const {
  auto steps = at <= t_ ? 1 : pace.steps_until(at - t_, most) + (e_.schedule_ahead ? 1 : 0);
  if (e_.poll_steps > 1 && at > polled_) steps += (e_.poll_steps - (since_poll_ + steps) % e_.poll_steps) % e_.poll_steps;
  return std::min(most, steps);
}

// Of so many decoding steps from t_ on, the first `composed` ends are begins of steps, at which an engine that is due looks for requests.
void Engine::count_looks(std::int64_t steps, std::int64_t composed) {
  if (e_.poll_steps == 1) return;
  const auto first = e_.poll_steps - since_poll_;
  since_poll_ += steps;
  if (first > composed) return;
  const auto last = first + (composed - first) / e_.poll_steps * e_.poll_steps;
  polled_ = t_ + pace_.time(e_.schedule_ahead ? last - 1 : last);
  since_poll_ = steps - last;
}

// The run ends with the step that runs at `at`.
void Engine::cut(std::int64_t at) {
  if (!chunks_.empty() || steps_ == 1) return;
  steps_ = at <= t_ ? 1 : pace_.steps_until(at - t_, steps_);
  end_ = t_ + pace_.time(steps_);
}

// The steps that ended before `until` are done; the one that runs then is the first of the rest.
void Engine::settle(std::int64_t until) {
  if (!chunks_.empty() || steps_ == 1 || until <= t_) return;
  const auto done = pace_.steps_until(until - t_, steps_) - 1;
  if (done == 0) return;
  count_looks(done, done);
  advance_batch(done);
  cache_.take(batch_.due());
  batch_.taken();
  t_ += pace_.time(done);
  pace_.first = pace_.step(done);
  pace_.now += done;
  steps_ -= done;
  statistics_.blocks_max = std::max(statistics_.blocks_max, used());
}

void Engine::advance_batch(std::int64_t steps) {
  cache_.take(batch_.growth_within_steps(steps));
  batch_.advance(steps);
  run_.steps += steps;
}

void Engine::end_run() {
  previous_begin_ = steps_ == 1 ? t_ : end_ - pace_.step(steps_ - 1);
  if (chunks_.empty()) count_looks(steps_, steps_ - 1);
  else since_poll_ = e_.poll_steps;
  holding_ = false;
  if (!decoding_) ++run_.steps;
  else if (draw_.active()) draw_step();
  else advance_batch(steps_);
  const auto used_now = used();
  statistics_.blocks_max = std::max(statistics_.blocks_max, used_now);
  statistics_.evicted_blocks = cache_.evicted_blocks();
  run_.end = Picoseconds(end_);
  const auto time = run_.end - run_.begin;
  statistics_.busy += time;
  statistics_.steps += run_.steps;
  statistics_.prefill_steps += !chunks_.empty();
  statistics_.block_seconds += time.seconds().si() * 0.5 * static_cast<double>(run_used_ + used_now);
  statistics_.sequence_seconds += time.seconds().si() * static_cast<double>(run_.decoding + static_cast<std::int64_t>(chunks_.size()));
  t_ = end_;
  running_step_ = false;
  release_zombies();
  if (!chunks_.empty()) blocked_ = aside_blocked_ = false;
  if (decoding_) {
    for (const Slot slot : newcomers_) observer_.first_token(slots_[slot].job.id, Picoseconds(t_));
    newcomers_.clear();
  }
  if (!draw_.active()) {
    run_.decode_tokens = run_.decoding * (batch_.clock() - run_clock_);
    while (!ends_.empty() && ends_.top().end <= batch_.clock()) {
      run_.decode_tokens -= batch_.clock() - ends_.top().end;
      leave(ends_.top().slot);
    }
  }
  end_chunks();
  statistics_.output_tokens += run_.decode_tokens;
  if (options_.tell_runs) observer_.ran(run_);
  if (!to_release_.empty() || !to_drop_.empty()) settle_boundary();
}

// A step in which each sequence draws how many of its drafts are accepted.
void Engine::draw_step() {
  ++run_.steps;
  batch_.drawn_step();
  std::vector<std::pair<std::int64_t, Slot>> ends;  // tokens that were to come
  for (Slot slot = running_.first; slot != kNoSlot; slot = slots_[slot].next) {
    Sequence& s = slots_[slot];
    if (s.stage != Stage::decoding) continue;
    const auto tokens = draw_.tokens(s.job.id, s.generated), to_come = remaining(s);
    s.due = static_cast<std::int32_t>(batch_.grow_one(s.cached, tokens));
    s.cached += static_cast<std::int32_t>(tokens);
    s.generated += static_cast<std::int32_t>(tokens);
    run_.decode_tokens += std::min(tokens, to_come);
    if (tokens >= to_come) ends.emplace_back(to_come, slot);
  }
  std::stable_sort(ends.begin(), ends.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  for (const auto& end : ends) drawn_ends_.push_back(end.second);
}

void Engine::end_chunks() {
  for (const Slot slot : drawn_ends_) leave(slot);
  drawn_ends_.clear();
  for (std::size_t i = 0; i < chunks_.size(); ++i) {
    const Slot slot = chunk_slots_[i];
    Sequence& s = slots_[slot];
    s.cached += chunks_[i].tokens;
    prefill_tokens_ -= chunks_[i].tokens;
    store(s, s.cached);
    if (s.cached < s.goal) continue;
    prefilling_.erase(std::find(prefilling_.begin(), prefilling_.end(), slot));
    prefill_to_come_ -= s.target - s.generated;
    ++statistics_.output_tokens;
    const bool first = ++s.generated == 1, last = s.generated == s.target;
    if (!last) join(slot);
    if (first) observer_.first_token(s.job.id, Picoseconds(t_));
    if (last) leave(slot);
  }
}

// Finished: its blocks are free, or kept for a transfer, or until the engine knows.
void Engine::leave(Slot slot) {
  Sequence& s = slots_[slot];
  const JobId id = s.job.id;
  if (s.stage == Stage::decoding) leave_batch(s, slot);
  s.generated = s.target;
  s.stage = Stage::finished;
  unlink(running_, slot);
  share(s, s.job.input + s.target - 1);
  store(s, s.job.input + s.target - 1);
  ++statistics_.finished;
  if (s.job.work == Work::prefill && s.job.hold) {
    // Found again by its id.
  } else if (e_.schedule_ahead) {
    by_id_.erase(id);
    zombies_.push_back(slot);
  } else {
    by_id_.erase(id);
    free_blocks(s);
    drop_slot(slot);
  }
  unblock();
  observer_.finished(id, Picoseconds(t_));
}

// Out of the sums of the batch, with its own state as of now.
void Engine::leave_batch(Sequence& s, Slot slot) {
  const auto tokens = cached(s), due_now = due(s);
  batch_.leave(tokens, generated(s), remaining(s), due_now);
  if (!draw_.active()) ends_.remove(slot);
  if (grows_) s.mapped = batch_.positions(tokens + 1 + lookahead_) - due_now;
  s.generated = static_cast<std::int32_t>(generated(s));
  s.cached = static_cast<std::int32_t>(tokens);
  s.stage = Stage::waiting;
}

}  // namespace zettatwin::serving::detail
