// SPDX-License-Identifier: Apache-2.0
// The decoding sequences of an instance as sums, and what a run of steps does to them, in closed form. All advance by the same tokens in a step (see
// token_clock.hpp), so that
//   cached tokens at the begin of step i of a run:  C + n (F(s+i) - F(s));
//   time of k steps:                                k d + slope n sum_{i<k} (F(s+i) - F(s)),   d the time of the first;
//   blocks that begin while each grows by D tokens: n floor(D/B) + the sequences whose phase (tokens mod B) is among the last D mod B.
// A sequence with c cached tokens has blocks for c + 1 + lookahead (the token of its next step, and drafts); growth that the last step made necessary
// is `due` until it is taken at the begin of the next. Proofs: docs/math/serving.md.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <vector>

#include "base/contract.hpp"
#include "serving/detail/token_clock.hpp"

namespace zettatwin::serving::detail {

// Steps that only decode, from the present state of a batch on.
struct Pace {
  const TokenClock* clock = nullptr;
  std::int64_t now = 0;        // steps that the clock has made
  std::int64_t first = 0;      // picoseconds of the first step
  std::int64_t per_token = 0;  // and of each token by which every sequence has grown
  [[nodiscard]] std::int64_t grown(std::int64_t steps) const { return clock->tokens(now + steps) - clock->tokens(now); }
  [[nodiscard]] std::int64_t step(std::int64_t i) const { return first + per_token * grown(i); }
  [[nodiscard]] std::int64_t time(std::int64_t steps) const {
    return static_cast<std::int64_t>(static_cast<Wide>(steps) * first + (per_token == 0 ? Wide{0} : per_token * clock->lead(now, steps)));
  }
  // The fewest of at least 1 and at most `most` steps whose time is at least `time`; `most` if that is not enough.
  [[nodiscard]] std::int64_t steps_until(std::int64_t wanted, std::int64_t most) const {
    std::int64_t high = std::min(most, std::max<std::int64_t>(1, (wanted - 1) / first + 1));
    std::int64_t low = std::clamp<std::int64_t>((wanted - 1) / step(high - 1) + 1, 1, high);
    while (low < high) {
      const std::int64_t middle = low + (high - low) / 2;
      if (time(middle) >= wanted) high = middle;
      else low = middle + 1;
    }
    return low;
  }
};

class DecodeBatch final {
 public:
  // `grows`: blocks are taken as tokens come. `alike`: all advance by the same tokens; otherwise steps are accounted sequence by sequence.
  DecodeBatch(const TokenClock& clock, std::int64_t block_tokens, std::int64_t lookahead, bool grows, bool alike)
      : clock_(clock), block_(block_tokens), shift_(std::has_single_bit(static_cast<std::uint64_t>(block_tokens)) ? std::countr_zero(static_cast<std::uint64_t>(block_tokens)) : -1),
        lookahead_(lookahead), grows_(grows), histogram_(grows && alike), phases_(static_cast<std::size_t>(block_tokens)) {}

  [[nodiscard]] std::int64_t size() const { return size_; }
  [[nodiscard]] std::int64_t cached() const { return cached_; }
  [[nodiscard]] std::int64_t to_come() const { return to_come_; }
  [[nodiscard]] std::int64_t generated() const { return generated_; }
  [[nodiscard]] std::int64_t due() const { return due_; }
  [[nodiscard]] std::int64_t steps() const { return steps_; }
  [[nodiscard]] std::int64_t clock() const { return tokens_; }
  [[nodiscard]] std::int64_t last_advance() const { return last_advance_; }
  [[nodiscard]] std::int64_t positions(std::int64_t tokens) const { return blocks_in(tokens + block_ - 1); }

  void join(std::int64_t cached, std::int64_t generated, std::int64_t to_come, std::int64_t due) {
    ++size_;
    cached_ += cached;
    generated_ += generated;
    to_come_ += to_come;
    due_ += due;
    if (histogram_) ++phase_of(cached);
  }
  void leave(std::int64_t cached, std::int64_t generated, std::int64_t to_come, std::int64_t due) {
    --size_;
    cached_ -= cached;
    generated_ -= generated;
    to_come_ -= to_come;
    due_ -= due;
    if (histogram_) --phase_of(cached);
  }
  // Blocks that the last advance made necessary for a sequence that was part of it.
  [[nodiscard]] std::int64_t due_of(std::int64_t cached) const {
    return grows_ ? positions(cached + 1 + lookahead_) - positions(cached - last_advance_ + 1 + lookahead_) : 0;
  }
  void taken() { due_ = 0; }

  // Blocks that begin while every sequence grows by `tokens`.
  [[nodiscard]] std::int64_t growth(std::int64_t tokens) const {
    if (!grows_) return 0;
    const std::int64_t part = tokens % block_;
    std::int64_t count = size_ * (tokens / block_);
    if (part == 0) return count;
    return count + (2 * part <= block_ ? in_phases(block_ - part, part) : size_ - in_phases(0, block_ - part));
  }
  // The most tokens by which every sequence can grow with so many blocks. Expects size() > 0.
  [[nodiscard]] std::int64_t growth_within(std::int64_t blocks) const {
    const std::int64_t cycles = blocks / size_;
    std::int64_t rest = blocks % size_, part = 0;
    while (part + 1 < block_ && (rest -= in_phases(block_ - part - 1, 1)) >= 0) ++part;
    return cycles * block_ + part;
  }
  // The fewest steps in which every sequence grows by at least `tokens`.
  [[nodiscard]] std::int64_t steps_for(std::int64_t tokens) const { return clock_.steps_for(steps_, tokens); }
  [[nodiscard]] std::int64_t grown_in(std::int64_t steps) const { return clock_.tokens(steps_ + steps) - tokens_; }
  // Blocks to be taken while `steps` steps run, but for those that are due at their end.
  [[nodiscard]] std::int64_t growth_within_steps(std::int64_t steps) const { return steps > 1 ? growth(clock_.tokens(steps_ + steps - 1) - tokens_) : 0; }
  // What is due afterwards replaces what was due before, which expects to have been taken.
  void advance(std::int64_t steps) {
    const std::int64_t before = clock_.tokens(steps_ + steps - 1), after = clock_.tokens(steps_ + steps);
    move(before - tokens_);
    due_ = growth(last_advance_ = after - before);
    move(after - before);
    steps_ += steps;
  }
  // Not alike: a step in which each sequence grew by tokens of its own, accounted one by one with grow_one(); the token clock stands.
  void drawn_step() { ++steps_; }
  // The blocks that are due for it.
  std::int64_t grow_one(std::int64_t cached, std::int64_t tokens) {
    const std::int64_t due = grows_ ? blocks_in(cached + tokens + lookahead_) - blocks_in(cached + lookahead_) : 0;
    cached_ += tokens;
    generated_ += tokens;
    to_come_ -= tokens;
    due_ += due;
    return due;
  }
  void clear() {
    std::fill(phases_.begin(), phases_.end(), 0);
    size_ = cached_ = generated_ = to_come_ = due_ = 0;
  }
  [[nodiscard]] Pace pace(std::int64_t first, std::int64_t slope) const { return {.clock = &clock_, .now = steps_, .first = first, .per_token = slope * size_}; }

 private:
  void move(std::int64_t tokens) {
    tokens_ += tokens;
    phase_now_ = (phase_now_ + tokens) % block_;
    cached_ += size_ * tokens;
    generated_ += size_ * tokens;
    to_come_ -= size_ * tokens;
  }
  [[nodiscard]] std::int64_t blocks_in(std::int64_t tokens) const { return shift_ >= 0 ? tokens >> shift_ : tokens / block_; }  // whole ones
  // Counts are kept by the phase that a sequence had when the clock stood at 0, so that a step moves none.
  [[nodiscard]] std::int32_t& phase_of(std::int64_t cached) {
    const std::int64_t tokens = cached + lookahead_, phase = tokens - blocks_in(tokens) * block_ - phase_now_;
    return phases_[static_cast<std::size_t>(phase < 0 ? phase + block_ : phase)];
  }
  // Sequences whose phase is now in [first, first + count); count < block.
  [[nodiscard]] std::int64_t in_phases(std::int64_t first, std::int64_t count) const {
    std::int64_t begin = first - phase_now_;
    if (begin < 0) begin += block_;
    const std::int64_t end = begin + count;
    std::int64_t sum = 0;
    for (std::int64_t i = begin; i < std::min(end, block_); ++i) sum += phases_[static_cast<std::size_t>(i)];
    for (std::int64_t i = 0; i < end - block_; ++i) sum += phases_[static_cast<std::size_t>(i)];
    return sum;
  }

  TokenClock clock_;
  std::int64_t block_;
  int shift_;  // of a block that is a power of two, else -1
  std::int64_t lookahead_;
  bool grows_, histogram_;
  std::vector<std::int32_t> phases_;
  std::int64_t phase_now_ = 0;
  std::int64_t size_ = 0, cached_ = 0, generated_ = 0, to_come_ = 0, due_ = 0;
  std::int64_t steps_ = 0, tokens_ = 0, last_advance_ = 0;
};

}  // namespace zettatwin::serving::detail
