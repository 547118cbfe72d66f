// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <limits>

#include "base/contract.hpp"
#include "serving/detail/engine.hpp"
#include "serving/detail/rank_draw.hpp"

namespace zettatwin::serving::detail {

using units::Picoseconds;

void Engine::append(SlotList& list, Slot slot) {
  slots_[slot].previous = list.last;
  slots_[slot].next = kNoSlot;
  (list.last == kNoSlot ? list.first : slots_[list.last].next) = slot;
  list.last = slot;
  ++list.size;
}

void Engine::prepend(SlotList& list, Slot slot) {
  slots_[slot].next = list.first;
  slots_[slot].previous = kNoSlot;
  (list.first == kNoSlot ? list.last : slots_[list.first].previous) = slot;
  list.first = slot;
  ++list.size;
}

void Engine::unlink(SlotList& list, Slot slot) {
  const Sequence& s = slots_[slot];
  (s.previous == kNoSlot ? list.first : slots_[s.previous].next) = s.next;
  (s.next == kNoSlot ? list.last : slots_[s.next].previous) = s.previous;
  --list.size;
}

Slot Engine::slot_of(JobId id) const {
  const Slot* slot = by_id_.find(id);
  return slot ? *slot : kNoSlot;
}

void Engine::drop_slot(Slot slot) {
  slots_[slot].job.blocks = {};
  spare_.push_back(slot);
}

void Engine::submit(Job job, Picoseconds at) {
  ZT_EXPECT(job.input >= 1 && job.output > job.generated && job.generated >= 0, "a job with work to do");
  const auto target = job.work == Work::prefill ? job.generated + 1 : job.output;
  ZT_EXPECT(!bound() || (job.work != Work::decode && target == job.generated + 1), "requests are bound to ranks where prompts alone are computed");
  const bool arrived = job.work == Work::decode;
  ++statistics_.submitted;
  const std::int64_t longest = static_cast<std::int64_t>(job.input) + target - 1 + lookahead_;
  const bool fits = batch_.positions(longest) <= e_.blocks && longest <= std::numeric_limits<std::int32_t>::max() &&
                    (e_.chunked_prefill || arrived || job.input + job.generated <= e_.longest_chunk());
  if (!fits) {
    ++statistics_.rejected;
    return observer_.rejected(job.id, at);
  }
  Slot slot = kNoSlot;
  if (spare_.empty()) {
    slot = static_cast<Slot>(slots_.size());
    slots_.emplace_back();
  } else {
    slot = spare_.back();
    spare_.pop_back();
  }
  ZT_EXPECT(by_id_.insert(job.id, slot), "one request of each id");
  Sequence& s = slots_[slot];
  s = Sequence{};
  s.at = at.count();
  s.submission = submissions_++;
  s.generated = job.generated;
  s.target = target;
  s.arrived = arrived;
  if (bound()) s.rank = bound_rank(options_.seed, job.id, e_.bound_ranks);
  s.lost = job.work == Work::whole && job.generated > 0 ? job.input + job.generated : 0;
  s.job = std::move(job);
  const bool first = queue_.size == 0;
  append(queue_, slot);
  if (first_to_come_ == kNoSlot) first_to_come_ = slot;
  queue_tokens_ += to_do(s);
  if (reserved_.size() > 0 && reserved_.find(s.job.id)) {
    s.set_aside = true;
    set_aside_.push_back(slot);
    stuck_ = false;
  }
  const bool next = holding_ || (blocked_ ? next_in_queue() == slot : first);
  if (!next || !running_step_ || steps_ == 1 || e_.policy == Policy::static_batch || full_batch()) return;
  steps_ = steps_to_arrival(pace_, s.at, steps_);
  end_ = t_ + pace_.time(steps_);
}

Picoseconds Engine::next_event() const {
  if (running_step_) return Picoseconds(end_);
  if (stuck_ || running_.size + queue_.size == 0) return Picoseconds(std::numeric_limits<std::int64_t>::max());
  if (running_.size == 0) return Picoseconds(std::max(t_, slots_[queue_.first].at) + 1);
  // If nothing can be taken up at t_ and nothing must leave, the run that begins there is known.
  const Slot next = next_in_queue();
  const bool closed = next == kNoSlot || e_.policy == Policy::static_batch || slots_[next].at > t_;
  const auto left = cache_.available() - batch_.due();
  if (!closed || !prefilling_.empty() || left < 0) return Picoseconds(t_ + 1);
  const Plan run = plan_run(left);
  return Picoseconds(t_ + run.pace.time(run.steps));
}

// Everything up to `at` has happened, and if a step runs then, it is the last of its run: what is asked for counts from its end on.
void Engine::settle_for_call(Picoseconds at) {
  advance(at);
  if (!running_step_) return;
  cut(at.count());
  if (end_ <= at.count()) end_run();
  else settle(at.count());
}

void Engine::between_steps(std::int64_t at) {
  if (running_step_) return;
  t_ = std::max(t_, at);
  settle_boundary();
}

// What was asked for while a step ran.
void Engine::settle_boundary() {
  for (const JobId id : to_release_) {
    const Slot slot = slot_of(id);
    free_blocks(slots_[slot]);
    by_id_.erase(id);
    drop_slot(slot);
    unblock();
  }
  to_release_.clear();
  std::sort(to_drop_.begin(), to_drop_.end(), [&](const auto& a, const auto& b) { return slots_[a.first].order < slots_[b.first].order; });
  const auto dropped = std::move(to_drop_);
  to_drop_.clear();
  for (const auto& [slot, submission] : dropped) {
    Sequence& s = slots_[slot];
    if (s.submission != submission || (s.stage != Stage::decoding && s.stage != Stage::prefilling)) continue;  // finished in this step
    if (s.stage == Stage::decoding) {
      std::erase(newcomers_, slot);
      leave_batch(s, slot);
    } else {
      prefilling_.erase(std::find(prefilling_.begin(), prefilling_.end(), slot));
      prefill_tokens_ -= s.goal - s.cached;
      prefill_to_come_ -= s.target - s.generated;
    }
    unlink(running_, slot);
    free_blocks(s);
    const JobId id = s.job.id;
    by_id_.erase(id);
    s.stage = Stage::finished;
    drop_slot(slot);
    ++statistics_.cancelled;
    unblock();
    observer_.cancelled(id, Picoseconds(t_));
  }
}

void Engine::cancel(JobId id, Picoseconds at) {
  settle_for_call(at);
  drop_reservation(id);
  const Slot slot = slot_of(id);
  if (slot != kNoSlot && slots_[slot].stage == Stage::waiting) {
    Sequence& s = slots_[slot];
    if (first_to_come_ == slot) first_to_come_ = s.next;
    else if (first_to_come_ == kNoSlot || s.submission < slots_[first_to_come_].submission) --arrived_;
    queue_tokens_ -= to_do(s);
    unlink(queue_, slot);
    forget_set_aside(slot);
    by_id_.erase(id);
    drop_slot(slot);
    ++statistics_.cancelled;
    unblock();
    between_steps(at.count());
    return observer_.cancelled(id, at);
  }
  if (slot != kNoSlot && slots_[slot].stage != Stage::finished && !slots_[slot].dropped) {
    slots_[slot].dropped = true;
    to_drop_.emplace_back(slot, slots_[slot].submission);
  }
  between_steps(at.count());
}

void Engine::release(JobId id, Picoseconds at) {
  settle_for_call(at);
  const Slot slot = slot_of(id);
  if (slot == kNoSlot || slots_[slot].stage != Stage::finished || std::find(to_release_.begin(), to_release_.end(), id) != to_release_.end()) return;
  to_release_.push_back(id);
  between_steps(at.count());
}

bool Engine::reserve(JobId id, std::int32_t tokens, Picoseconds at) {
  settle_for_call(at);
  if (blocked_ && !full_batch() && queue_.size > 0 && !slots_[queue_.first].set_aside) return false;
  const auto count = batch_.positions(tokens + 1 + lookahead_);
  if (count + (running_.size == 0 ? 0 : watermark_) > cache_.available()) return false;
  ZT_EXPECT(reserved_.insert(id, count), "one reservation of each id");
  cache_.take(count);
  statistics_.evicted_blocks = cache_.evicted_blocks();
  statistics_.blocks_max = std::max(statistics_.blocks_max, used());
  return true;
}

void Engine::drop_reservation(JobId id) {
  const auto* const count = reserved_.find(id);
  if (!count) return;
  cache_.give(*count);
  reserved_.erase(id);
  unblock();
}

void Engine::timer_changed(Picoseconds at) { settle_for_call(at); }

std::vector<Job> Engine::fail(Picoseconds at) {
  settle_for_call(at);
  if (running_step_) {
    run_.end = Picoseconds(t_);
    if (!draw_.active() && decoding_) run_.decode_tokens = run_.decoding * (batch_.clock() - run_clock_);
    statistics_.busy += at - run_.begin;
    statistics_.steps += run_.steps;
    statistics_.output_tokens += run_.decode_tokens;
    statistics_.sequence_seconds += (run_.end - run_.begin).seconds().si() * static_cast<double>(run_.decoding);
    if (options_.tell_runs && run_.steps > 0) observer_.ran(run_);
  }
  std::vector<Slot> all;
  for (Slot slot = queue_.first; slot != kNoSlot; slot = slots_[slot].next) all.push_back(slot);
  for (Slot slot = running_.first; slot != kNoSlot; slot = slots_[slot].next) {
    if (!slots_[slot].dropped) { all.push_back(slot); continue; }
    ++statistics_.cancelled;
    observer_.cancelled(slots_[slot].job.id, at);
  }
  std::sort(all.begin(), all.end(), [&](Slot a, Slot b) { return slots_[a].submission < slots_[b].submission; });
  std::vector<Job> jobs;
  for (const Slot slot : all) {
    slots_[slot].job.generated = static_cast<std::int32_t>(generated(slots_[slot]));
    jobs.push_back(std::move(slots_[slot].job));
  }
  statistics_.lost += static_cast<std::int64_t>(jobs.size());
  const auto evicted = statistics_.evicted_blocks = cache_.evicted_blocks();
  cache_ = ContentCache(e_.blocks, cache_.unit(), e_.tiers);
  cache_.keep_count(evicted);
  batch_.clear();
  ends_.clear();
  slots_.clear();
  spare_.clear();
  queue_ = running_ = SlotList{};
  prefilling_.clear();
  set_aside_.clear();
  zombies_.clear();
  to_release_.clear();
  to_drop_.clear();
  newcomers_.clear();
  by_id_ = {};
  reserved_ = {};
  queue_tokens_ = prefill_tokens_ = prefill_to_come_ = arrived_ = 0;
  first_to_come_ = kNoSlot;
  t_ = at.count();
  running_step_ = blocked_ = aside_blocked_ = stuck_ = evicts_ = holding_ = false;
  since_poll_ = e_.poll_steps;
  held_since_ = -1;
  return jobs;
}

// Steps of the present run that have ended by now.
std::int64_t Engine::steps_done() const {
  if (!running_step_ || !chunks_.empty() || now_ <= t_) return 0;
  return end_ <= now_ ? steps_ : steps_ == 1 ? 0 : pace_.steps_until(now_ - t_ + 1, steps_) - 1;
}

std::int64_t Engine::blocks_used() const {
  const auto done = steps_done();
  if (done == 0) return used();
  return used() + batch_.growth_within_steps(done + (done < steps_ && t_ + pace_.time(done) < now_ ? 1 : 0));
}

std::int64_t Engine::tokens_to_do() const {
  const auto done = draw_.active() ? 0 : steps_done();
  return queue_tokens_ + prefill_tokens_ + prefill_to_come_ + batch_.to_come() - (done > 0 ? batch_.size() * batch_.grown_in(done) : 0);
}

std::int32_t Engine::cached_prefix(const std::vector<std::uint64_t>& contents) const {
  std::int64_t tokens = 0;
  if (!e_.prefix_caching) return 0;
  for (const auto content : contents) {
    if (cache_.find(content) == ContentCache::kNone) break;
    tokens += unit_tokens_;
  }
  return static_cast<std::int32_t>(tokens);
}

}  // namespace zettatwin::serving::detail
