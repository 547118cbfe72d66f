// SPDX-License-Identifier: Apache-2.0
#include "stepwise_instance.hpp"

#include <algorithm>
#include <cmath>
#include <set>
#include <utility>

#include "base/contract.hpp"
#include "serving/detail/rank_draw.hpp"
#include "stepwise_parts.hpp"

namespace zettatwin::test {
namespace stepwise {

using namespace serving;

void Stepwise::submit(Job job, Picoseconds at) {
  ZT_EXPECT(job.input >= 1 && job.output > job.generated && job.generated >= 0, "a job with work to do");
  auto s = std::make_shared<Sequence>();
  s->at = at;
  s->submission = submissions_++;
  s->generated = job.generated;
  s->target = job.work == Work::prefill ? job.generated + 1 : job.output;
  s->arrived = job.work == Work::decode;
  if (job.work == Work::whole && job.generated > 0) s->lost = job.input + job.generated;
  ++statistics_.submitted;
  const bool fits = positions(job.input + s->target - 1 + lookahead_) <= e_.blocks && (e_.chunked_prefill || s->arrived || job.input + job.generated <= most_of_one_);
  if (bound()) s->rank = detail::bound_rank(options_.seed, job.id, e_.bound_ranks);
  s->job = std::move(job);
  if (!fits) {
    ++statistics_.rejected;
    return observer_.rejected(s->job.id, at);
  }
  if (reserved_.contains(s->job.id)) stuck_ = false;
  queue_.push_back(s);
}

// Whether a step runs from t_, if it begins before `until`.
bool Stepwise::begin(Picoseconds until) {
  for (;;) {
    if (running_.empty()) {
      release_zombies();
      if (queue_.empty()) return false;
      if (queue_.front()->at > t_) expected_.ran_dry(steps_);
      t_ = std::max(t_, queue_.front()->at);
      if (const Item s = first_set_aside(); blocked_ && s) t_ = std::max(t_, s->at);
    }
    if (t_ >= until || stuck_) return false;
    compose();
    if (decoding_ || !chunks_.empty()) break;
    const Item s = blocked_ ? first_set_aside() : nullptr;
    if (!preempted_ && zombies_.empty() && !(running_.empty() && s && s->at > t_)) stuck_ = true;
  }
  auto by_rank = chunks_;
  std::stable_sort(by_rank.begin(), by_rank.end(), [](const Chunk& a, const Chunk& b) { return a.rank < b.rank; });
  StepLoad load{.chunks = by_rank};
  if (decoding_)
    for (const auto& s : running_)
      if (decodes(*s)) {
        ++load.sequences;
        load.cached += s->cached;
      }
  Picoseconds time = timer_.step(load);
  if (chunks_.empty()) {  // the same, from what runs of steps are made of
    const auto piece = timer_.decode(load.sequences, load.cached);
    ZT_EXPECT(piece.from <= load.cached && load.cached < piece.to, "the piece holds the load");
    ZT_EXPECT(time == piece.base + Picoseconds(piece.slope * (load.cached - piece.from)), "decode() and step() agree");
  }
  time = (e_.fetch == Fetch::overlapped ? std::max(time, fetch_) : time + fetch_) + swap_;
  ZT_EXPECT(time > Picoseconds(0), "a step takes time");
  end_ = t_ + time;
  running_step_ = true;
  statistics_.blocks_max = std::max(statistics_.blocks_max, blocks_used());
  statistics_.evicted_blocks = cache_.evicted;
  return true;
}

void Stepwise::compose() {
  chunks_.clear();
  fetch_ = swap_ = Picoseconds(0);
  preempted_ = decoding_ = false;
  std::int64_t waiting = 0;
  for (const auto& s : queue_) waiting += s->at <= t_;
  statistics_.waiting_max = std::max(statistics_.waiting_max, waiting);
  const bool looks = e_.poll_steps == 1 || since_poll_ >= e_.poll_steps || running_.empty();
  if (looks) polled_ = e_.schedule_ahead && !running_.empty() ? previous_begin_ : t_, since_poll_ = 0;
  auto budget = e_.max_tokens;
  for (std::int32_t rank = 0; bound() && rank < e_.bound_ranks; ++rank) left_[rank] = std::max<std::int64_t>(1, e_.max_tokens / e_.bound_ranks);
  if (e_.policy == Policy::mixed) {
    grow();
    for (const auto& s : running_) budget -= decodes(*s) ? 1 + lookahead_ : 0;
    continue_prefills(budget);
    if (!preempted_) admit(budget);
  } else {
    if (e_.policy == Policy::static_batch && running_.empty()) admit(0);
    continue_prefills(budget);
    if (e_.policy == Policy::prefill_first) admit(budget);
    if (chunks_.empty()) grow();
  }
  if (e_.policy == Policy::mixed || chunks_.empty())
    for (const auto& s : running_) decoding_ |= decodes(*s);
}

// Blocks for the tokens that decoding sequences add in this step.
void Stepwise::grow() {
  const auto need = [&](const Sequence& s) { return decodes(s) ? std::max<std::int64_t>(0, positions(s.cached + 1 + lookahead_) - mapped(s)) : 0; };
  const auto total = [&] {
    std::int64_t sum = 0;
    for (const auto& s : running_) sum += need(*s);
    return sum;
  };
  while (total() > cache_.available()) {
    if (running_.size() == 1 && !zombies_.empty()) release_zombies();
    else preempt();
  }
  if (preempted_) {
    std::int64_t sequences = 0, generated = 0, to_come = 0;
    for (const auto& s : running_) {
      if (!decodes(*s)) continue;
      ++sequences;
      generated += s->generated;
      to_come += s->target - s->generated;
    }
    expected_.preempted(steps_, sequences, generated, to_come);
  }
  for (const auto& s : running_) cache_.take(s->table, need(*s));
}

void Stepwise::preempt() {
  const Item s = running_.back();
  running_.pop_back();
  preempted_ = true;
  ++statistics_.preemptions;
  if (decodes(*s)) share(*s, s->cached);
  free_blocks(*s);
  s->lost = std::max(s->lost, s->cached);
  s->swapped = e_.preemption == Preemption::swap && decodes(*s);
  s->arrived = s->swapped;
  if (s->swapped) swap_ += seconds(static_cast<double>(s->cached) / e_.swap_tokens_per_s);
  else s->cached = 0;
  s->prefilling = false;
  queue_.push_front(s);
  blocked_ = false;
  observer_.preempted(s->job.id, t_);
}

void Stepwise::free_blocks(Sequence& s) {
  cache_.give(s.table);
  while (s.held > 0) cache_.release(s.job.blocks[static_cast<std::size_t>(--s.held)]);
}

void Stepwise::continue_prefills(std::int64_t& budget) {
  for (const auto& s : running_) {
    if (decodes(*s)) continue;
    const auto rest = s->goal - s->cached;
    auto& left = bound() ? left_[s->rank] : budget;
    const auto tokens = e_.chunked_prefill ? std::min({rest, left, most_of_one_}) : rest <= left || chunks_.empty() ? rest : 0;
    if (tokens <= 0 && !bound()) return;
    if (tokens <= 0) continue;
    left -= tokens;
    chunk(*s, tokens);
  }
}

void Stepwise::chunk(Sequence& s, std::int64_t tokens) {
  s.chunk = tokens;
  chunks_.push_back(Chunk{.tokens = static_cast<std::int32_t>(tokens), .context = static_cast<std::int32_t>(s.cached), .last = s.cached + tokens == s.goal, .rank = s.rank});
  share(s, s.cached + tokens);
  statistics_.recomputed_tokens += std::max<std::int64_t>(0, std::min(s.cached + tokens, s.lost) - s.cached);
  statistics_.prompt_tokens += tokens;
}

// Its first `tokens` tokens are cached: whole contents among them are there for others.
void Stepwise::share(Sequence& s, std::int64_t tokens) {
  if (!e_.prefix_caching) return;
  while (s.held < static_cast<std::int64_t>(s.job.blocks.size()) && (s.held + 1) * unit_tokens_ <= tokens) cache_.enter(s.job.blocks[static_cast<std::size_t>(s.held++)], s.table);
}

void Stepwise::store(Sequence& s, std::int64_t tokens) {
  const auto& access = options_.store;
  while (access.store && s.stored < static_cast<std::int64_t>(s.job.blocks.size()) && (s.stored + 1) * unit_tokens_ <= tokens)
    access.store->put(access.key(s.job.blocks[static_cast<std::size_t>(s.stored++)]), access.bytes_per_token * static_cast<double>(unit_tokens_), access.port, t_);
}

// Prompts wait for others while sequences decode and no prompt is under way: what could join by the places of the batch is too little, and not for too long.
bool Stepwise::holds_prompts(std::int64_t since) {
  if (e_.hold.steps == 0) return false;
  std::int64_t decoding = 0, prefilling = 0, prompts = 0, tokens = 0;
  for (const auto& s : running_) ++(decodes(*s) ? decoding : prefilling);
  const auto places = e_.max_sequences - static_cast<std::int64_t>(running_.size() + zombies_.size());
  for (std::int64_t i = 0; i < places && i < static_cast<std::int64_t>(queue_.size()); ++i) {
    const auto& s = queue_[static_cast<std::size_t>(i)];
    if (s->at > polled_) break;
    if (!s->arrived) ++prompts, tokens += s->job.input + s->generated;
  }
  const bool enough = prompts >= e_.hold.prompts && static_cast<double>(tokens + decoding * (1 + lookahead_)) >= e_.hold.share * static_cast<double>(e_.max_tokens);
  if (decoding == 0 || prefilling > 0 || prompts == 0 || enough || steps_ - since >= e_.hold.steps) return false;
  return held_since_ = since, true;
}

// One rank after the other looks through the queue for the first of its own; the earliest found is asked, until no rank can take one.
void Stepwise::admit_bound() {
  while (!blocked_) {
    Item first;
    for (const auto& s : queue_)
      if (!first && s->at <= polled_ && left_[s->rank] >= 1) first = s;
    if (!first) return;
    step_full_ = false;
    if (static_cast<std::int64_t>(running_.size() + zombies_.size()) >= e_.max_sequences) blocked_ = true;
    else if (!try_admit(first, left_[first->rank])) (step_full_ ? void(left_[first->rank] = 0) : void(blocked_ = true));
  }
}

void Stepwise::admit(std::int64_t budget) {
  if (bound()) return admit_bound();
  const auto since = std::exchange(held_since_, std::nullopt).value_or(steps_);
  bool asked = false;
  while (!blocked_ && !queue_.empty() && queue_.front()->at <= polled_) {
    const Item s = queue_.front();
    if (!s->arrived && !std::exchange(asked, true) && holds_prompts(since)) break;
    if (e_.policy == Policy::mixed && budget < (s->arrived ? 1 + lookahead_ : 1)) return;
    if (e_.policy == Policy::prefill_first && budget < 1) return;
    if (static_cast<std::int64_t>(running_.size() + zombies_.size()) >= e_.max_sequences || !try_admit(s, budget)) blocked_ = true;
  }
  // Those whose blocks are set aside pass a blocked head.
  for (Item s = first_set_aside(); blocked_ && s && s->at <= polled_; s = first_set_aside()) {
    if (static_cast<std::int64_t>(running_.size() + zombies_.size()) >= e_.max_sequences) return;
    if ((e_.policy == Policy::mixed && budget < 1 + lookahead_) || !try_admit(s, budget)) return;
  }
}

bool Stepwise::try_admit(const Item& s, std::int64_t& budget) {
  const auto known = s->job.input + s->generated;
  // What the cache has of it.
  auto* const stored = options_.store.store;
  std::vector<std::int64_t> hits(1 + e_.tiers.size() + (stored ? 1 : 0), 0);
  std::set<std::int64_t> from_store;  // places in its blocks
  std::int64_t found = 0, idle = 0;
  std::set<std::uint64_t> seen;  // content that repeats within a request is no chain of prefixes
  const auto most = std::min((known - 1) / unit_tokens_, static_cast<std::int64_t>(s->job.blocks.size()));
  for (; e_.prefix_caching && found < most; ++found) {
    const auto hash = s->job.blocks[static_cast<std::size_t>(found)];
    const auto place = cache_.place_of(hash);
    if (place < 0 && stored && !s->arrived && stored->has(options_.store.key(hash), t_)) {
      ++hits.back();
      from_store.insert(found);
      continue;
    }
    if (place < 0 || (s->arrived && place > 0) || !seen.insert(hash).second) break;
    ++hits[static_cast<std::size_t>(place)];
    idle += cache_.idle(hash);
  }
  const auto rest = known - found * unit_tokens_;
  if (!s->arrived && !e_.chunked_prefill && e_.policy != Policy::static_batch && (rest > most_of_one_ ? !chunks_.empty() : rest > budget)) return step_full_ = true, false;
  // Blocks.
  auto count = positions(known + lookahead_);
  if (e_.admission == Admission::full) count = std::max(count, positions(s->job.input + s->target - 1 + lookahead_));
  const auto reserved = reserved_.find(s->job.id);
  const auto reserved_count = reserved == reserved_.end() ? 0 : static_cast<std::int64_t>(reserved->second.size());
  const auto needed = count - unit_ * hits[0];
  const auto available = cache_.available() - unit_ * idle + reserved_count;
  const auto kept = running_.empty() || reserved_count > 0 ? 0 : watermark();
  if (needed + kept > available) return false;
  if (e_.admission == Admission::expected && !running_.empty() && reserved_count == 0) {
    std::int64_t to_come = 0;
    for (const auto& other : running_) to_come += other->target - other->generated;
    const auto expected = expected_.of(to_come, steps_);
    if (available * e_.block_tokens - expected < known - hits[0] * unit_tokens_ + s->target - s->generated) return false;
  }
  queue_.erase(std::find(queue_.begin(), queue_.end(), s));
  if (reserved_count > 0) {
    cache_.give(reserved->second);
    reserved_.erase(reserved);
  }
  for (const auto i : from_store) stored->use(options_.store.key(s->job.blocks[static_cast<std::size_t>(i)]));
  if (!from_store.empty()) fetch_ += stored->read(options_.store.bytes_per_token * static_cast<double>(hits.back() * unit_tokens_), options_.store.port, t_);
  std::set<std::int64_t> come = from_store;
  for (std::int64_t i = 0; i < found; ++i) {
    const auto hash = s->job.blocks[static_cast<std::size_t>(i)];
    if (from_store.contains(i)) continue;
    if (cache_.place_of(hash) == 0) {
      cache_.use(hash);
    } else {
      cache_.leave_tier(hash);
      come.insert(i);
    }
  }
  cache_.take(s->table, needed);
  // What comes from a tier or the store enters with blocks of its own.
  for (const auto i : come) cache_.enter(s->job.blocks[static_cast<std::size_t>(i)], s->table);
  s->held = found;
  for (std::size_t tier = 1; tier <= e_.tiers.size(); ++tier)
    if (hits[tier] > 0)
      fetch_ += Picoseconds::from(e_.tiers[tier - 1].latency) + seconds(static_cast<double>(hits[tier] * unit_tokens_) / e_.tiers[tier - 1].tokens_per_s);
  running_.push_back(s);
  statistics_.waiting_seconds += s->seen ? 0 : (t_ - s->at).seconds().si();
  for (std::size_t place = 0; place < hits.size(); ++place) statistics_.hit_tokens[place] += hits[place] * unit_tokens_;
  if (!s->seen) observer_.scheduled(s->job.id, t_, static_cast<std::int32_t>(found * unit_tokens_));
  s->seen = true;
  if (s->arrived) {
    if (s->swapped) swap_ += seconds(static_cast<double>(s->cached) / e_.swap_tokens_per_s);
    s->cached = known - 1;
    s->arrived = s->swapped = false;
    share(*s, s->cached);
    if (e_.policy == Policy::mixed) budget -= 1 + lookahead_;
    return true;
  }
  s->prefilling = true;
  s->goal = known;
  s->cached = found * unit_tokens_;
  if (e_.policy == Policy::static_batch) return true;
  const auto tokens = e_.chunked_prefill ? std::min({rest, budget, most_of_one_}) : rest;
  budget -= tokens;
  chunk(*s, tokens);
  return true;
}

void Stepwise::end_step() {
  StepRun run{.begin = t_, .end = end_, .steps = 1};
  const auto time = (end_ - t_).seconds().si();
  statistics_.busy += end_ - t_;
  ++statistics_.steps;
  statistics_.prefill_steps += !chunks_.empty();
  statistics_.block_seconds += time * static_cast<double>(blocks_used());
  previous_begin_ = t_;
  t_ = end_;
  running_step_ = false;
  release_zombies();
  const auto running = running_;
  std::vector<std::pair<std::int64_t, Item>> ends;  // tokens that were to come
  std::vector<JobId> firsts;
  if (decoding_) {
    const auto advance = clock_.tokens(steps_ + 1) - clock_.tokens(steps_);
    ++steps_;
    ++since_poll_;
    for (const auto& s : running) {
      if (!decodes(*s)) continue;
      ++run.decoding;
      run.cached += s->cached;
      const auto tokens = draw_.active() ? draw_.tokens(s->job.id, s->generated) : advance;
      const auto to_come = s->target - s->generated;
      if (s->generated == 0) firsts.push_back(s->job.id);
      run.decode_tokens += std::min(tokens, to_come);
      s->cached += tokens;
      s->generated += std::min(tokens, to_come);
      if (tokens >= to_come) ends.emplace_back(to_come, s);
    }
  }
  std::stable_sort(ends.begin(), ends.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  statistics_.sequence_seconds += time * static_cast<double>(run.decoding + static_cast<std::int64_t>(chunks_.size()));
  for (const auto& c : chunks_) run.prompt_tokens += c.tokens;
  statistics_.output_tokens += run.decode_tokens;
  if (!chunks_.empty()) blocked_ = false, since_poll_ = e_.poll_steps;
  for (const JobId id : firsts) observer_.first_token(id, t_);
  for (const auto& [unused, s] : ends) leave(s);
  for (const auto& s : running) {
    if (s->chunk == 0) continue;
    s->cached += s->chunk;
    s->chunk = 0;
    store(*s, s->cached);
    if (s->cached < s->goal) continue;
    s->prefilling = false;
    ++statistics_.output_tokens;
    if (++s->generated == 1) observer_.first_token(s->job.id, t_);
    if (s->generated == s->target) leave(s);
  }
  if (options_.tell_runs) observer_.ran(run);
  settle_boundary();
}

// Finished: its blocks are free, or kept for a transfer, or until the engine knows.
void Stepwise::leave(const Item& s) {
  std::erase(running_, s);
  if (e_.prefix_caching) share(*s, s->job.input + s->generated - 1);
  store(*s, s->job.input + s->generated - 1);
  ++statistics_.finished;
  if (s->job.work == Work::prefill && s->job.hold) held_[s->job.id] = s;
  else if (e_.schedule_ahead) zombies_.push_back(s);
  else free_blocks(*s);
  blocked_ = stuck_ = false;
  observer_.finished(s->job.id, t_);
}

// What was asked for while a step ran.
void Stepwise::settle_boundary() {
  for (const auto id : to_release_) {
    if (!held_.contains(id)) continue;  // asked for twice
    free_blocks(*held_.at(id));
    held_.erase(id);
    blocked_ = stuck_ = false;
  }
  to_release_.clear();
  const auto running = running_;
  for (const auto& s : running) {
    if (!s->dropped) continue;
    std::erase(running_, s);
    free_blocks(*s);
    ++statistics_.cancelled;
    blocked_ = stuck_ = false;
    observer_.cancelled(s->job.id, t_);
  }
}

void Stepwise::cancel(JobId id, Picoseconds at) {
  advance(at);
  drop_reservation(id);
  const auto queued = std::find_if(queue_.begin(), queue_.end(), [&](const Item& s) { return s->job.id == id; });
  if (queued != queue_.end()) {
    queue_.erase(queued);
    ++statistics_.cancelled;
    blocked_ = stuck_ = false;
    between_steps(at);
    return observer_.cancelled(id, at);
  }
  for (const auto& s : running_) s->dropped |= s->job.id == id;
  between_steps(at);
}

std::vector<Job> Stepwise::fail(Picoseconds at) {
  advance(at);
  if (running_step_) statistics_.busy += at - t_;
  std::vector<Item> all(queue_.begin(), queue_.end());
  std::vector<Job> jobs;
  for (const auto& s : running_) {
    if (!s->dropped) { all.push_back(s); continue; }
    ++statistics_.cancelled;
    observer_.cancelled(s->job.id, at);
  }
  std::sort(all.begin(), all.end(), [](const Item& a, const Item& b) { return a->submission < b->submission; });
  for (const auto& s : all) {
    s->job.generated = static_cast<std::int32_t>(s->generated);
    jobs.push_back(std::move(s->job));
  }
  statistics_.lost += static_cast<std::int64_t>(jobs.size());
  queue_.clear();
  running_.clear();
  zombies_.clear();
  held_.clear();
  reserved_.clear();
  to_release_.clear();
  const auto evicted = cache_.evicted;
  cache_ = StepwiseCache(e_.blocks, unit_, e_.tiers);
  cache_.evicted = evicted;
  t_ = at;
  running_step_ = blocked_ = stuck_ = false;
  since_poll_ = e_.poll_steps;
  held_since_.reset();
  return jobs;
}

}  // namespace stepwise

std::unique_ptr<Instance> make_stepwise(EngineSettings settings, const StepTimer& timer, Observer& observer, InstanceOptions options) {
  ZT_EXPECT(settings.blocks > 0 && settings.block_tokens > 0 && settings.max_sequences > 0, "an engine with a cache");
  ZT_EXPECT(settings.max_tokens >= settings.max_sequences * (1 + settings.speculation.draft), "decoding fits into a step");
  return std::make_unique<stepwise::Stepwise>(std::move(settings), timer, observer, options);
}

}  // namespace zettatwin::test
