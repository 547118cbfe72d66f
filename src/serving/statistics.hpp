// SPDX-License-Identifier: Apache-2.0
// What an instance did, accumulated in constant time per event.
#pragma once

#include <cstdint>
#include <vector>

#include "units/picoseconds.hpp"

namespace zettatwin::serving {

// Consecutive steps of the same sequences: one step with chunks of prompts, or a run of steps that only decode.
struct StepRun {
  units::Picoseconds begin;
  units::Picoseconds end;
  std::int64_t steps = 0;
  std::int64_t decoding = 0;       // sequences, in each step
  std::int64_t cached = 0;         // tokens in their caches at `begin`
  std::int64_t decode_tokens = 0;  // that came out
  std::int64_t prompt_tokens = 0;  // computed
};

struct Statistics {
  std::int64_t submitted = 0;
  std::int64_t finished = 0;
  std::int64_t rejected = 0;
  std::int64_t cancelled = 0;
  std::int64_t lost = 0;  // handed back by fail()
  std::int64_t preemptions = 0;

  units::Picoseconds busy;  // a step is running
  std::int64_t steps = 0;
  std::int64_t prefill_steps = 0;      // of them, with chunks of prompts
  std::int64_t prompt_tokens = 0;      // computed, recomputed ones too
  std::int64_t recomputed_tokens = 0;  // of them, computed before and lost by preemption or failure
  std::int64_t output_tokens = 0;      // that users got from here
  std::vector<std::int64_t> hit_tokens;  // found in the chips' cache, then in each tier, then in the store if there is one
  std::int64_t evicted_blocks = 0;     // cached ones that left the chips' memory

  // Time integrals in seconds x; divide by the time that the instance was there. Blocks are taken as the mean of the ends of each run of steps.
  double sequence_seconds = 0;  // decoding or with a chunk, per step
  double block_seconds = 0;     // used by sequences
  double waiting_seconds = 0;   // of requests that have left the queue
  std::int64_t blocks_max = 0;
  std::int64_t waiting_max = 0;
};

// The first `limit` runs of an instance, for a timeline.
class StepLog final {
 public:
  explicit StepLog(std::size_t limit) : limit_(limit) {}
  void add(const StepRun& run) {
    if (runs_.size() < limit_) runs_.push_back(run); else ++dropped_;
  }
  [[nodiscard]] const std::vector<StepRun>& runs() const { return runs_; }
  [[nodiscard]] std::int64_t dropped() const { return dropped_; }

 private:
  std::size_t limit_;
  std::vector<StepRun> runs_;
  std::int64_t dropped_ = 0;
};

}  // namespace zettatwin::serving
