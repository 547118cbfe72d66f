// SPDX-License-Identifier: Apache-2.0
// The fast instance: what detail steps would do one by one is done per event, an event being a step with chunks of prompts, the end of a sequence,
// an arrival that can be taken up, a shortage of blocks, or the border of a piece of the timer. Between events DecodeBatch jumps.
// engine.cpp: steps and runs of steps; engine_admission.cpp: what goes into a step; engine_calls.cpp: what the fleet asks.
#pragma once

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "serving/detail/acceptance_draw.hpp"
#include "serving/detail/content_cache.hpp"
#include "serving/detail/decode_batch.hpp"
#include "serving/detail/expected_share.hpp"
#include "serving/detail/finish_heap.hpp"
#include "serving/instance.hpp"

namespace zettatwin::serving::detail {

using Slot = std::uint32_t;
inline constexpr Slot kNoSlot = 0xffffffff;

enum class Stage : std::uint8_t { waiting, prefilling, decoding, finished };  // finished: its blocks are kept

struct Sequence {
  Job job;
  std::int64_t at = 0;          // submission, picoseconds
  std::int64_t submission = 0;  // in order
  std::int64_t order = 0;       // of admission
  std::int64_t joined = 0;      // token clock when it began to decode
  std::int32_t cached = 0;      // tokens in the cache; of a decoding sequence: when it joined
  std::int32_t generated = 0;   // likewise
  std::int32_t target = 0;      // output tokens after which it ends
  std::int32_t goal = 0;        // tokens of its prefill
  std::int32_t lost = 0;        // tokens that were cached once
  std::int32_t held = 0;        // leading contents of job.blocks in use
  std::int32_t stored = 0;      // leading contents that the store was told of
  std::int64_t mapped = 0;      // blocks, own and shared; of a decoding sequence that grows: when it joined
  std::int32_t rank = Chunk::kAnyRank;  // of bound_ranks
  std::int32_t due = 0;         // blocks that its joining, or its last draw, made necessary
  Stage stage = Stage::waiting;
  bool arrived = false;         // its cache comes with it: a decode job, or swapped out
  bool swapped = false;
  bool seen = false;            // scheduled() was called
  bool set_aside = false;       // blocks are reserved for it
  bool dropped = false;         // cancelled while a step runs
  Slot next = kNoSlot, previous = kNoSlot;
};

// A doubly linked list through the slots.
struct SlotList {
  Slot first = kNoSlot, last = kNoSlot;
  std::int64_t size = 0;
};

class Engine final : public Instance {
 public:
  Engine(EngineSettings settings, const StepTimer& timer, Observer& observer, InstanceOptions options);

  void submit(Job job, units::Picoseconds at) override;
  void advance(units::Picoseconds until) override;
  units::Picoseconds next_event() const override;
  void cancel(JobId id, units::Picoseconds at) override;
  void release(JobId id, units::Picoseconds at) override;
  bool reserve(JobId id, std::int32_t tokens, units::Picoseconds at) override;
  void timer_changed(units::Picoseconds at) override;
  std::vector<Job> fail(units::Picoseconds at) override;

  std::int64_t waiting() const override { return queue_.size; }
  std::int64_t running() const override { return running_.size; }
  std::int64_t blocks() const override { return e_.blocks; }
  std::int64_t blocks_used() const override;
  std::int64_t tokens_to_do() const override;
  std::int32_t cached_prefix(const std::vector<std::uint64_t>& blocks) const override;
  const Statistics& statistics() const override { return statistics_; }

 private:
  // Steps (engine.cpp). Times are counts of picoseconds.
  [[nodiscard]] bool begin(std::int64_t until);
  void plan();
  struct Plan {
    Pace pace;
    std::int64_t steps = 1;
    bool evicts = false;  // idle content may leave within the run
  };
  [[nodiscard]] Plan plan_run(std::int64_t available) const;
  [[nodiscard]] std::int64_t steps_to_arrival(const Pace& pace, std::int64_t at, std::int64_t most) const;
  void cut(std::int64_t at);
  void settle(std::int64_t until);
  void advance_batch(std::int64_t steps);
  void end_run();
  void draw_step();
  void end_chunks();
  void leave(Slot slot);
  void settle_boundary();

  // Composition (engine_admission.cpp).
  void compose();
  void grow();
  void continue_prefills(std::int64_t& budget);
  void look();
  void count_looks(std::int64_t steps, std::int64_t composed);
  [[nodiscard]] bool holds_prompts(std::int64_t since);
  void admit(std::int64_t budget);
  void admit_set_aside(std::int64_t budget);
  void forget_set_aside(Slot slot);
  enum class Admitted { yes, step_full, cache_full };
  [[nodiscard]] Admitted try_admit(Slot slot, std::int64_t& budget);
  void admit_bound();
  [[nodiscard]] std::span<const Chunk> chunks_by_rank();
  [[nodiscard]] bool bound() const { return e_.bound_ranks > 1; }
  // What is left of the step for a sequence's prompt.
  [[nodiscard]] std::int64_t& left_for(const Sequence& s, std::int64_t& budget) { return bound() ? left_[static_cast<std::size_t>(s.rank)] : budget; }
  struct Match { std::int64_t idle = 0; };  // entries of the chips that nobody uses; all are in matched_ and hits_
  [[nodiscard]] Match match(const Sequence& s);
  [[nodiscard]] bool fits(const Sequence& s, const Match& found, std::int64_t count, std::int64_t reserved) const;
  void take_blocks(Sequence& s, std::int64_t count);
  void add_chunk(Slot slot, std::int64_t tokens);
  void join(Slot slot);
  void preempt();
  void share(Sequence& s, std::int64_t tokens);
  void store(Sequence& s, std::int64_t tokens);
  [[nodiscard]] std::int64_t fetch_from_store(const Sequence& s);
  void free_blocks(Sequence& s);
  void release_zombies();
  void count_arrived();

  // Calls (engine_calls.cpp).
  void settle_for_call(units::Picoseconds at);
  void between_steps(std::int64_t at);
  [[nodiscard]] Slot slot_of(JobId id) const;
  void drop_slot(Slot slot);
  void drop_reservation(JobId id);
  [[nodiscard]] std::int64_t steps_done() const;

  [[nodiscard]] std::int64_t remaining(const Sequence& s) const { return s.target - generated(s); }
  [[nodiscard]] std::int64_t lead(const Sequence& s) const { return s.stage == Stage::decoding ? batch_.clock() - s.joined : 0; }
  [[nodiscard]] std::int64_t generated(const Sequence& s) const { return s.generated + lead(s); }
  [[nodiscard]] std::int64_t cached(const Sequence& s) const { return s.cached + lead(s); }
  [[nodiscard]] std::int64_t due(const Sequence& s) const { return batch_.clock() == s.joined ? s.due : batch_.due_of(cached(s)); }
  [[nodiscard]] std::int64_t to_do(const Sequence& s) const { return (s.arrived ? 0 : s.job.input + s.generated) + s.target - s.generated; }
  // The first of the queue that may be taken up; beside a blocked one, the first whose blocks are set aside.
  [[nodiscard]] Slot next_in_queue() const { return !blocked_ ? queue_.first : set_aside_.empty() || aside_blocked_ ? kNoSlot : set_aside_.front(); }
  [[nodiscard]] bool full_batch() const { return running_.size + static_cast<std::int64_t>(zombies_.size()) >= e_.max_sequences; }
  [[nodiscard]] std::int64_t used() const { return e_.blocks - cache_.available(); }
  void unblock() { blocked_ = aside_blocked_ = stuck_ = false; }
  void append(SlotList& list, Slot slot);
  void prepend(SlotList& list, Slot slot);
  void unlink(SlotList& list, Slot slot);
  void leave_batch(Sequence& s, Slot slot);

  EngineSettings e_;
  std::int64_t unit_tokens_, lookahead_, watermark_;
  bool grows_;
  const StepTimer& timer_;
  Observer& observer_;
  InstanceOptions options_;
  AcceptanceDraw draw_;
  ContentCache cache_;
  DecodeBatch batch_;
  FinishHeap ends_;
  ExpectedShare expected_;
  Statistics statistics_;

  std::vector<Sequence> slots_;
  std::vector<Slot> spare_;
  SlotList queue_, running_;       // running_: in order of admission
  std::vector<Slot> prefilling_;   // of running_, in its order
  std::vector<Slot> set_aside_;    // of queue_, with reserved blocks
  std::vector<Slot> zombies_;      // schedule_ahead: finished, but the engine does not know yet
  std::vector<JobId> to_release_;
  std::vector<std::pair<Slot, std::int64_t>> to_drop_;  // with its submission
  IndexMap<Slot> by_id_;
  IndexMap<std::int64_t> reserved_;
  std::int64_t queue_tokens_ = 0, prefill_tokens_ = 0, prefill_to_come_ = 0;
  std::int64_t submissions_ = 0, admissions_ = 0;
  Slot first_to_come_ = kNoSlot;  // of queue_, not yet counted as arrived
  std::int64_t arrived_ = 0;      // of queue_, ahead of it

  // The run of steps: from t_ on `steps_` of them to end_.
  std::int64_t t_ = 0, end_ = 0, now_ = 0, previous_begin_ = 0, steps_ = 0, fetch_ = 0, swap_ = 0;
  bool running_step_ = false, decoding_ = false, evicts_ = false;
  bool blocked_ = false;   // the first in the queue cannot be taken up until something leaves or a prompt's chunk has been computed
  bool aside_blocked_ = false;  // neither can the first whose blocks are set aside
  bool stuck_ = false;     // nothing can run until something leaves
  bool preempted_ = false;
  std::int64_t polled_ = 0, since_poll_ = 0;  // requests that came by then were looked for; decoding steps since
  bool holding_ = false;                      // prompts that could be taken up are held back
  std::int64_t held_since_ = -1;              // decoding steps made when that began
  Slot hold_next_ = kNoSlot;                  // the first of the queue that may end it
  Pace pace_;
  StepRun run_;
  std::int64_t run_clock_ = 0, run_used_ = 0;
  std::vector<std::int64_t> left_;  // tokens of the step that is composed, by bound rank
  std::vector<Chunk> chunks_;
  std::vector<Slot> chunk_slots_;
  std::vector<Chunk> by_rank_;  // chunks_ of bound sequences, as the timer wants them
  std::vector<Slot> drawn_ends_;
  std::vector<Slot> newcomers_;  // decode, and have no token yet: their first step is a run of its own
  std::vector<ContentCache::Index> matched_;
  std::vector<std::int64_t> hits_;  // entries by place
  std::uint64_t marks_ = 0;
};

}  // namespace zettatwin::serving::detail
