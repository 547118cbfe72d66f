// SPDX-License-Identifier: Apache-2.0
// What the instance that steps is made of, for stepwise_instance.cpp alone.
#pragma once

#include <deque>
#include <limits>
#include <optional>
#include <utility>

#include "serving/detail/acceptance_draw.hpp"
#include "serving/detail/expected_share.hpp"
#include "serving/detail/token_clock.hpp"
#include "stepwise_instance.hpp"

namespace zettatwin::test::stepwise {

using serving::Chunk;
using serving::Job;
using serving::JobId;
using serving::Statistics;
using serving::detail::AcceptanceDraw;
using serving::detail::ExpectedShare;
using serving::detail::TokenClock;
using units::Picoseconds;
constexpr Picoseconds kNever{std::numeric_limits<std::int64_t>::max()};

struct Sequence {
  Job job;
  Picoseconds at;
  std::int64_t submission = 0;
  std::int64_t target = 0;     // output tokens after which it ends
  std::int64_t generated = 0;
  std::int64_t cached = 0;     // tokens whose keys and values are in the cache
  std::int64_t goal = 0;       // of the prefill
  std::int64_t lost = 0;       // tokens that were cached once
  bool prefilling = false;
  bool arrived = false;        // its cache comes with it: a decode job, or swapped out
  bool swapped = false;
  bool seen = false;           // scheduled() was called
  bool dropped = false;        // cancelled
  std::vector<std::int64_t> table;  // its own blocks
  std::int64_t held = 0;       // leading contents of job.blocks in use
  std::int64_t stored = 0;     // leading contents that the store was told of
  std::int64_t chunk = 0;      // in this step
  std::int32_t rank = Chunk::kAnyRank;
};
using Item = std::shared_ptr<Sequence>;

class Stepwise final : public Instance {
 public:
  Stepwise(EngineSettings settings, const StepTimer& timer, Observer& observer, InstanceOptions options)
      : e_(std::move(settings)), unit_tokens_(e_.prefix_tokens == 0 ? e_.block_tokens : e_.prefix_tokens), unit_(unit_tokens_ / e_.block_tokens),
        lookahead_(e_.speculation.draft), timer_(timer), observer_(observer), options_(options), clock_(e_.speculation), draw_(e_.speculation, options.seed), expected_(e_),
        cache_(e_.blocks, unit_, e_.tiers), since_poll_(e_.poll_steps) {
    if (!e_.prefix_caching) options_.store.store = nullptr;
    statistics_.hit_tokens.assign(1 + e_.tiers.size() + (options_.store.store ? 1 : 0), 0);
    if (e_.max_chunk > 0) most_of_one_ = std::min(e_.max_chunk, e_.max_tokens);
  }

  void submit(Job job, Picoseconds at) override;
  void advance(Picoseconds until) override {
    while (running_step_ || begin(until)) {
      if (end_ > until) break;
      end_step();
    }
  }
  Picoseconds next_event() const override {
    if (running_step_) return end_;
    if (stuck_ || (running_.empty() && queue_.empty())) return kNever;
    return (running_.empty() ? std::max(t_, queue_.front()->at) : t_) + Picoseconds(1);
  }
  void cancel(JobId id, Picoseconds at) override;
  void release(JobId id, Picoseconds at) override {
    advance(at);
    if (!held_.contains(id)) return;
    to_release_.push_back(id);
    between_steps(at);
  }
  bool reserve(JobId id, std::int32_t tokens, Picoseconds at) override {
    advance(at);
    const bool full = static_cast<std::int64_t>(running_.size() + zombies_.size()) >= e_.max_sequences;
    if (blocked_ && !full && !queue_.empty() && !reserved_.contains(queue_.front()->job.id)) return false;
    const auto count = (tokens + lookahead_) / e_.block_tokens + 1;
    if (count + (running_.empty() ? 0 : watermark()) > cache_.available()) return false;
    cache_.take(reserved_[id], count);
    statistics_.evicted_blocks = cache_.evicted;
    statistics_.blocks_max = std::max(statistics_.blocks_max, blocks_used());
    return true;
  }
  void timer_changed(Picoseconds at) override { advance(at); }
  std::vector<Job> fail(Picoseconds at) override;

  std::int64_t waiting() const override { return static_cast<std::int64_t>(queue_.size()); }
  std::int64_t running() const override { return static_cast<std::int64_t>(running_.size()); }
  std::int64_t blocks() const override { return e_.blocks; }
  std::int64_t blocks_used() const override { return e_.blocks - cache_.available(); }
  std::int64_t tokens_to_do() const override {
    std::int64_t tokens = 0;
    for (const auto& s : queue_) tokens += (s->arrived ? 0 : s->job.input + s->generated) + s->target - s->generated;
    for (const auto& s : running_) tokens += (s->prefilling ? s->goal - s->cached : 0) + s->target - s->generated;
    return tokens;
  }
  std::int32_t cached_prefix(const std::vector<std::uint64_t>& contents) const override {
    std::int32_t tokens = 0;
    for (const auto hash : contents) {
      if (!e_.prefix_caching || cache_.place_of(hash) < 0) break;
      tokens += static_cast<std::int32_t>(unit_tokens_);
    }
    return tokens;
  }
  const Statistics& statistics() const override { return statistics_; }

 private:
  bool begin(Picoseconds until);
  void compose();
  void grow();
  void continue_prefills(std::int64_t& budget);
  void admit(std::int64_t budget);
  void admit_bound();
  bool bound() const { return e_.bound_ranks > 1; }
  bool holds_prompts(std::int64_t since);
  bool try_admit(const Item& s, std::int64_t& budget);
  void chunk(Sequence& s, std::int64_t tokens);
  void share(Sequence& s, std::int64_t tokens);
  void store(Sequence& s, std::int64_t tokens);
  void preempt();
  void free_blocks(Sequence& s);
  void leave(const Item& s);
  void end_step();
  void settle_boundary();
  void between_steps(Picoseconds at) {
    if (running_step_) return;
    t_ = std::max(t_, at);
    settle_boundary();
  }
  Item first_set_aside() const {
    const auto found = std::find_if(queue_.begin(), queue_.end(), [&](const Item& s) { return reserved_.contains(s->job.id); });
    return found == queue_.end() ? nullptr : *found;
  }
  bool decodes(const Sequence& s) const { return !s.prefilling; }
  std::int64_t positions(std::int64_t tokens) const { return (tokens + e_.block_tokens - 1) / e_.block_tokens; }
  std::int64_t mapped(const Sequence& s) const { return static_cast<std::int64_t>(s.table.size()) + unit_ * s.held; }
  std::int64_t watermark() const { return static_cast<std::int64_t>(e_.watermark * static_cast<double>(e_.blocks)); }
  void release_zombies() {
    for (const auto& s : zombies_) free_blocks(*s);
    if (!zombies_.empty()) blocked_ = stuck_ = false;
    zombies_.clear();
  }
  void drop_reservation(JobId id) {
    const auto reserved = reserved_.find(id);
    if (reserved == reserved_.end()) return;
    cache_.give(reserved->second);
    reserved_.erase(reserved);
    blocked_ = stuck_ = false;
  }
  Picoseconds seconds(double s) const { return Picoseconds::from(units::Seconds::from_si(s)); }

  EngineSettings e_;
  std::int64_t unit_tokens_, unit_, lookahead_;
  const StepTimer& timer_;
  Observer& observer_;
  InstanceOptions options_;
  TokenClock clock_;
  AcceptanceDraw draw_;
  ExpectedShare expected_;
  StepwiseCache cache_;
  Statistics statistics_;

  std::deque<Item> queue_;
  std::vector<Item> running_;  // in order of admission
  std::vector<Item> zombies_;  // schedule_ahead: finished, but the engine does not know yet
  std::map<JobId, Item> held_;
  std::map<JobId, std::vector<std::int64_t>> reserved_;
  std::vector<JobId> to_release_;
  std::int64_t submissions_ = 0, steps_ = 0;  // steps with decoding
  std::int64_t most_of_one_ = e_.max_tokens;  // prompt tokens of a sequence in a step
  std::int64_t since_poll_;  // decoding steps since the engine looked for requests
  std::optional<std::int64_t> held_since_;  // decoding steps made when prompts began to be held back
  Picoseconds t_, end_, previous_begin_, fetch_, swap_, polled_;
  bool running_step_ = false, blocked_ = false, stuck_ = false, preempted_ = false, decoding_ = false;
  std::vector<Chunk> chunks_;
  std::map<std::int32_t, std::int64_t> left_;  // of a step's tokens, by bound rank
  bool step_full_ = false;                     // why try_admit() said no
};

}  // namespace zettatwin::test::stepwise
