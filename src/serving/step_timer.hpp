// SPDX-License-Identifier: Apache-2.0
// How long one step of one serving instance takes: the only thing that the simulation of queues, batches and caches must know of chips, models and
// networks. A step is one pass through the model for all that the scheduler put into its batch: one token (or one draft with its check) of every
// decoding sequence, and chunks of prompts.
// Steps without chunks are linear in the cached tokens piece by piece, in whole picoseconds, so that a run of them has a closed form that is the
// sum of the single steps to the picosecond: with n sequences and k steps, k base + slope (k (cached - from) + growth k (k-1) / 2).
#pragma once

#include <cstdint>
#include <span>

#include "units/picoseconds.hpp"

namespace zettatwin::serving {

// Part of a prompt that is computed in one step, behind `context` tokens of the same sequence that are cached already.
struct Chunk {
  std::int32_t tokens = 0;
  std::int32_t context = 0;
  bool last = true;  // its last token is sampled
  std::int32_t rank = kAnyRank;  // of data-parallel attention that has its sequence; chunks of bound sequences come rank by rank
  static constexpr std::int32_t kAnyRank = -1;
};

struct StepLoad {
  std::int64_t sequences = 0;    // that decode, in the whole instance
  std::int64_t cached = 0;       // tokens in their caches, together
  std::span<const Chunk> chunks;
};

// Of steps that only decode, for cached tokens in [from, to).
struct DecodePiece {
  std::int64_t from = 0;
  std::int64_t to = 0;
  units::Picoseconds base;       // at `from`
  std::int64_t slope = 0;        // picoseconds per cached token; >= 0
  units::Picoseconds exchange;   // of `base`: bytes moving through ports that transfers of caches use too
};

class StepTimer {
 public:
  virtual ~StepTimer() = default;
  // The piece that holds `cached`. Expects sequences >= 1 and cached >= sequences.
  [[nodiscard]] virtual DecodePiece decode(std::int64_t sequences, std::int64_t cached) const = 0;
  // Any step that is not empty. Without chunks it is what decode() says. More work is never faster.
  [[nodiscard]] virtual units::Picoseconds step(const StepLoad& load) const = 0;
};

}  // namespace zettatwin::serving
