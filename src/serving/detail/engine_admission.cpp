// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <utility>

#include "base/contract.hpp"
#include "serving/detail/engine.hpp"

namespace zettatwin::serving::detail {

using units::Picoseconds;

namespace {
std::int64_t duration(std::int64_t tokens, double tokens_per_s) { return Picoseconds::from(units::Seconds::from_si(static_cast<double>(tokens) / tokens_per_s)).count(); }
}  // namespace

void Engine::compose() {
  chunks_.clear();
  chunk_slots_.clear();
  fetch_ = swap_ = 0;
  preempted_ = false;
  count_arrived();
  look();
  holding_ = false;
  std::int64_t budget = e_.max_tokens;
  if (bound()) left_.assign(static_cast<std::size_t>(e_.bound_ranks), std::max<std::int64_t>(1, budget / e_.bound_ranks));
  if (e_.policy == Policy::mixed) {
    grow();
    budget -= batch_.size() * (1 + lookahead_);
    continue_prefills(budget);
    if (!preempted_) admit(budget);
  } else {
    if (e_.policy == Policy::static_batch && running_.size == 0) admit(0);
    continue_prefills(budget);
    if (e_.policy == Policy::prefill_first) admit(budget);
    if (chunks_.empty()) grow();
  }
  decoding_ = batch_.size() > 0 && (e_.policy == Policy::mixed || chunks_.empty());
}

void Engine::count_arrived() {
  for (; first_to_come_ != kNoSlot && slots_[first_to_come_].at <= t_; first_to_come_ = slots_[first_to_come_].next) ++arrived_;
  statistics_.waiting_max = std::max(statistics_.waiting_max, arrived_);
}

// Blocks for the tokens that decoding sequences add in this step.
void Engine::grow() {
  if (batch_.due() == 0) return;
  while (batch_.due() > cache_.available()) {
    if (running_.size == 1 && !zombies_.empty()) release_zombies();
    else preempt();
  }
  if (preempted_) expected_.preempted(batch_.steps(), batch_.size(), batch_.generated(), batch_.to_come());
  cache_.take(batch_.due());
  batch_.taken();
}

// The sequence that was admitted last goes back to the head of the queue.
void Engine::preempt() {
  const Slot slot = running_.last;
  Sequence& s = slots_[slot];
  const bool decoded = s.stage == Stage::decoding;
  if (decoded) {
    std::erase(newcomers_, slot);
    leave_batch(s, slot);
    share(s, s.cached);
  } else {
    prefilling_.pop_back();
    prefill_tokens_ -= s.goal - s.cached;
    prefill_to_come_ -= s.target - s.generated;
  }
  unlink(running_, slot);
  preempted_ = true;
  ++statistics_.preemptions;
  free_blocks(s);
  s.lost = std::max(s.lost, s.cached);
  s.swapped = s.arrived = e_.preemption == Preemption::swap && decoded;
  if (s.swapped) swap_ += duration(s.cached, e_.swap_tokens_per_s);
  else s.cached = 0;
  s.stage = Stage::waiting;
  prepend(queue_, slot);
  ++arrived_;
  queue_tokens_ += to_do(s);
  blocked_ = aside_blocked_ = holding_ = false;
  observer_.preempted(s.job.id, Picoseconds(t_));
}

void Engine::continue_prefills(std::int64_t& budget) {
  for (const Slot slot : prefilling_) {
    const std::int64_t rest = slots_[slot].goal - slots_[slot].cached;
    auto& left = left_for(slots_[slot], budget);
    const auto tokens = e_.chunked_prefill ? std::min({rest, left, e_.longest_chunk()}) : rest <= left || chunks_.empty() ? rest : 0;
    if (tokens <= 0 && bound()) continue;
    if (tokens <= 0) return;
    left -= tokens;
    add_chunk(slot, tokens);
  }
}

void Engine::add_chunk(Slot slot, std::int64_t tokens) {
  Sequence& s = slots_[slot];
  const auto end = s.cached + tokens;
  chunks_.push_back(Chunk{.tokens = static_cast<std::int32_t>(tokens), .context = s.cached, .last = end == s.goal, .rank = s.rank});
  chunk_slots_.push_back(slot);
  share(s, end);
  statistics_.recomputed_tokens += std::max<std::int64_t>(0, std::min<std::int64_t>(end, s.lost) - s.cached);
  statistics_.prompt_tokens += tokens;
}

// Its first `tokens` tokens are cached: whole contents among them are there for others.
void Engine::share(Sequence& s, std::int64_t tokens) {
  if (!e_.prefix_caching) return;
  while (static_cast<std::size_t>(s.held) < s.job.blocks.size() && (s.held + 1) * unit_tokens_ <= tokens) cache_.enter(s.job.blocks[static_cast<std::size_t>(s.held++)]);
}

// Likewise for other instances. Work that another instance has begun is there already.
void Engine::store(Sequence& s, std::int64_t tokens) {
  const StoreAccess& access = options_.store;
  if (!access.store) return;
  const double bytes = access.bytes_per_token * static_cast<double>(unit_tokens_);
  while (static_cast<std::size_t>(s.stored) < s.job.blocks.size() && (s.stored + 1) * unit_tokens_ <= tokens) access.store->put(access.key(s.job.blocks[static_cast<std::size_t>(s.stored++)]), bytes, access.port, Picoseconds(t_));
}

// The time until what was found in the store alone is here. Expects matched_ as match() left it.
std::int64_t Engine::fetch_from_store(const Sequence& s) {
  const StoreAccess& access = options_.store;
  if (!access.store || hits_.back() == 0) return 0;
  for (std::size_t i = 0; i < matched_.size(); ++i)
    if (matched_[i] == ContentCache::kNone) access.store->use(access.key(s.job.blocks[i]));
  return access.store->read(access.bytes_per_token * static_cast<double>(hits_.back() * unit_tokens_), access.port, Picoseconds(t_)).count();
}

void Engine::free_blocks(Sequence& s) {
  cache_.give(s.mapped - cache_.unit() * s.held);
  while (s.held > 0) cache_.release(s.job.blocks[static_cast<std::size_t>(--s.held)]);
  s.mapped = 0;
}

void Engine::release_zombies() {
  if (zombies_.empty()) return;
  for (const Slot slot : zombies_) {
    free_blocks(slots_[slot]);
    drop_slot(slot);
  }
  zombies_.clear();
  unblock();
}

// Whether an engine that looks for requests only so often does so now.
void Engine::look() {
  if (e_.poll_steps > 1 && since_poll_ < e_.poll_steps && running_.size > 0) return;
  polled_ = e_.schedule_ahead && running_.size > 0 ? previous_begin_ : t_;
  since_poll_ = 0;
}

// Prompts are counted as far as the batch has places; whether blocks are free for them is not asked.
bool Engine::holds_prompts(std::int64_t since) {
  if (e_.hold.steps == 0) return false;
  hold_next_ = kNoSlot;
  std::int64_t prompts = 0, tokens = batch_.size() * (1 + lookahead_);
  const double wanted = e_.hold.share * static_cast<double>(e_.max_tokens);
  const auto enough = [&] { return prompts >= e_.hold.prompts && static_cast<double>(tokens) >= wanted; };
  auto places = e_.max_sequences - running_.size - static_cast<std::int64_t>(zombies_.size());
  for (Slot slot = queue_.first; slot != kNoSlot && places > 0 && !(prompts > 0 && enough()); slot = slots_[slot].next, --places) {
    const Sequence& s = slots_[slot];
    if (s.at > polled_) {
      hold_next_ = slot;
      break;
    }
    if (s.arrived) continue;
    ++prompts;
    tokens += s.job.input + s.generated;
  }
  const bool waits = batch_.size() > 0 && prefilling_.empty() && prompts > 0 && !enough();
  const auto begin = since < 0 ? batch_.steps() : since;
  holding_ = waits && batch_.steps() - begin < e_.hold.steps;
  if (holding_) held_since_ = begin;
  return holding_;
}

void Engine::admit(std::int64_t budget) {
  const auto since = std::exchange(held_since_, -1);
  if (bound()) return admit_bound();
  bool asked = false;
  while (!blocked_ && queue_.size > 0 && slots_[queue_.first].at <= polled_) {
    const Slot slot = queue_.first;
    if (!slots_[slot].arrived && !std::exchange(asked, true) && holds_prompts(since)) break;
    if (e_.policy == Policy::mixed && budget < (slots_[slot].arrived ? 1 + lookahead_ : 1)) return;
    if (e_.policy == Policy::prefill_first && budget < 1) return;
    if (full_batch() || try_admit(slot, budget) != Admitted::yes) blocked_ = true;
  }
  if (blocked_ && !aside_blocked_ && !set_aside_.empty()) admit_set_aside(budget);
}

// Each rank takes up its own requests in their order; one whose step is full leaves the others theirs.
void Engine::admit_bound() {
  auto open = std::count_if(left_.begin(), left_.end(), [](std::int64_t left) { return left > 0; });
  for (Slot slot = queue_.first, next = kNoSlot; slot != kNoSlot && open > 0 && !blocked_ && slots_[slot].at <= polled_; slot = next) {
    next = slots_[slot].next;
    auto& left = left_[static_cast<std::size_t>(slots_[slot].rank)];
    if (left < 1) continue;
    const auto admitted = full_batch() ? Admitted::cache_full : try_admit(slot, left);
    blocked_ = admitted == Admitted::cache_full;
    if (admitted == Admitted::step_full) left = 0;
    open -= left < 1;
  }
}

// Those whose blocks are set aside take nothing from the blocked head of the queue, and what they hold may be what it waits for.
void Engine::admit_set_aside(std::int64_t budget) {
  while (!set_aside_.empty() && slots_[set_aside_.front()].at <= polled_ && !full_batch()) {
    if (e_.policy == Policy::mixed && budget < 1 + lookahead_) return;
    if (try_admit(set_aside_.front(), budget) != Admitted::yes) {
      aside_blocked_ = true;
      return;
    }
  }
}

void Engine::forget_set_aside(Slot slot) {
  if (!slots_[slot].set_aside) return;
  slots_[slot].set_aside = false;
  set_aside_.erase(std::find(set_aside_.begin(), set_aside_.end(), slot));
}

// What the cache has of a request, from its beginning on.
Engine::Match Engine::match(const Sequence& s) {
  Match found;
  matched_.clear();
  const auto* const stored = options_.store.store;
  hits_.assign(1 + e_.tiers.size() + (stored ? 1 : 0), 0);
  if (!e_.prefix_caching || s.job.blocks.empty()) return found;
  const auto most = std::min(static_cast<std::size_t>((s.job.input + s.generated - 1) / unit_tokens_), s.job.blocks.size());
  ++marks_;
  while (matched_.size() < most) {
    const auto content = s.job.blocks[matched_.size()];
    const auto entry = cache_.find(content);
    if (entry == ContentCache::kNone) {
      if (!stored || s.arrived || !stored->has(options_.store.key(content), Picoseconds(t_))) break;
      ++hits_.back();
      matched_.push_back(entry);
      continue;
    }
    const auto place = cache_.place(entry);
    if ((s.arrived && place > 0) || !cache_.mark(entry, marks_)) break;  // content that repeats is no chain of prefixes
    ++hits_[place];
    found.idle += cache_.idle(entry);
    matched_.push_back(entry);
  }
  return found;
}

bool Engine::fits(const Sequence& s, const Match& found, std::int64_t count, std::int64_t reserved) const {
  const auto available = cache_.available() - cache_.unit() * found.idle + reserved;
  const auto kept = running_.size == 0 || reserved > 0 ? 0 : watermark_;
  if (count - cache_.unit() * hits_[0] + kept > available) return false;
  if (e_.admission != Admission::expected || running_.size == 0 || reserved > 0) return true;
  const auto expected = expected_.of(batch_.to_come() + prefill_to_come_, batch_.steps());
  return available * e_.block_tokens - expected >= s.job.input - hits_[0] * unit_tokens_ + s.target;
}

void Engine::take_blocks(Sequence& s, std::int64_t count) {
  std::vector<ContentCache::Index>& entries = matched_;
  for (auto& entry : entries) {
    if (entry == ContentCache::kNone) continue;
    if (cache_.place(entry) == 0) {
      cache_.use(entry);
    } else {
      cache_.leave_tier(entry);
      entry = ContentCache::kNone;
    }
  }
  cache_.take(count - cache_.unit() * hits_[0]);
  // What comes from a tier or the store enters with blocks of its own.
  for (std::size_t i = 0; i < entries.size(); ++i)
    if (entries[i] == ContentCache::kNone) cache_.enter(s.job.blocks[i]);
  s.held = static_cast<std::int32_t>(entries.size());
  s.mapped = count;
}

Engine::Admitted Engine::try_admit(Slot slot, std::int64_t& budget) {
  Sequence& s = slots_[slot];
  const std::int64_t known = s.job.input + s.generated;
  const auto found = match(s);
  const auto cached_tokens = static_cast<std::int64_t>(matched_.size()) * unit_tokens_, rest = known - cached_tokens;
  if (!s.arrived && !e_.chunked_prefill && e_.policy != Policy::static_batch && rest > std::min(budget, e_.longest_chunk()) && !(chunks_.empty() && rest > e_.longest_chunk())) return Admitted::step_full;
  auto count = batch_.positions(known + lookahead_);
  if (!grows_) count = std::max(count, batch_.positions(s.job.input + s.target - 1 + lookahead_));
  const auto* const set_aside = reserved_.size() > 0 ? reserved_.find(s.job.id) : nullptr;
  const auto reserved = set_aside ? *set_aside : 0;
  if (!fits(s, found, count, reserved)) return Admitted::cache_full;

  queue_tokens_ -= to_do(s);
  if (first_to_come_ == slot) first_to_come_ = s.next;
  else --arrived_;
  unlink(queue_, slot);
  forget_set_aside(slot);
  if (set_aside) {
    cache_.give(reserved);
    reserved_.erase(s.job.id);
  }
  fetch_ += fetch_from_store(s);
  take_blocks(s, count);
  for (std::size_t tier = 1; tier <= e_.tiers.size(); ++tier)
    if (hits_[tier] > 0) fetch_ += Picoseconds::from(e_.tiers[tier - 1].latency).count() + duration(hits_[tier] * unit_tokens_, e_.tiers[tier - 1].tokens_per_s);
  for (std::size_t place = 0; place < hits_.size(); ++place) statistics_.hit_tokens[place] += hits_[place] * unit_tokens_;
  s.order = admissions_++;
  append(running_, slot);
  if (s.arrived) {
    if (s.swapped) swap_ += duration(s.cached, e_.swap_tokens_per_s);
    s.cached = static_cast<std::int32_t>(known - 1);
    s.arrived = s.swapped = false;
    share(s, s.cached);
    if (e_.policy == Policy::mixed) budget -= 1 + lookahead_;
    join(slot);
  } else {
    s.stage = Stage::prefilling;
    s.goal = static_cast<std::int32_t>(known);
    s.cached = static_cast<std::int32_t>(cached_tokens);
    prefilling_.push_back(slot);
    prefill_tokens_ += rest;
    prefill_to_come_ += s.target - s.generated;
    if (e_.policy != Policy::static_batch) {
      const auto tokens = e_.chunked_prefill ? std::min({rest, budget, e_.longest_chunk()}) : rest;
      budget -= tokens;
      add_chunk(slot, tokens);
    }
  }
  if (s.seen) return Admitted::yes;
  s.seen = true;
  statistics_.waiting_seconds += Picoseconds(t_ - s.at).seconds().si();
  observer_.scheduled(s.job.id, Picoseconds(t_), static_cast<std::int32_t>(cached_tokens));
  return Admitted::yes;
}

void Engine::join(Slot slot) {
  Sequence& s = slots_[slot];
  s.stage = Stage::decoding;
  s.joined = batch_.clock();
  s.due = grows_ ? static_cast<std::int32_t>(batch_.positions(s.cached + 1 + lookahead_) - s.mapped) : 0;
  batch_.join(s.cached, s.generated, s.target - s.generated, s.due);
  if (s.generated == 0) newcomers_.push_back(slot);
  if (!draw_.active()) ends_.push({.end = s.joined + s.target - s.generated, .order = s.order, .slot = slot});
}

}  // namespace zettatwin::serving::detail
