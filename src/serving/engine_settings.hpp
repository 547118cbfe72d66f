// SPDX-License-Identifier: Apache-2.0
// How an inference engine schedules: the settings that vLLM, SGLang and TensorRT-LLM have in common. What each does exactly, with the engines' own
// documentation, is in docs/math/serving.md.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "config/schema.hpp"
#include "units/quantity.hpp"

namespace zettatwin::serving {

enum class Policy {
  mixed,          // decoding sequences first, then chunks of prompts up to the token budget, in one step (vLLM V1, TensorRT-LLM in-flight batching)
  prefill_first,  // prompts in steps of their own before any decoding (SGLang's default, vLLM V0)
  static_batch,   // a batch is filled, run until its last sequence ends, then the next
};
enum class Admission {
  prompt,    // when the prompt's blocks are free above the watermark; the cache grows later (vLLM)
  full,      // when prompt and all output tokens fit (TensorRT-LLM GUARANTEED_NO_EVICT)
  expected,  // when the prompt fits beside a share of the output that is still to come (SGLang's new-token ratio)
};
enum class Preemption { recompute, swap };
// Where prompts are computed apart: whose first token the client gets, and when.
enum class FirstToken {
  prompt,   // the prefill instance's, as soon as the prompt is done
  joined,   // the prefill instance's, sent by the decode instance when it takes the sequence up (SGLang, TensorRT-LLM)
  decoded,  // the decode instance's, which computes it once more (vLLM's connectors)
};
enum class Fetch {
  exposed,     // a step waits for the blocks that its sequences need from a tier
  overlapped,  // layer by layer under the step's computation: the step takes the longer of the two
};

struct CacheTier {
  std::string name;         // "host"
  std::int64_t blocks = 0;  // of block_tokens, for this instance
  units::Seconds latency;   // of one fetch
  double tokens_per_s = 0;  // into the chips of the instance
  // The same in bytes, for whoever knows those of a token (inference): zero where blocks and tokens_per_s are given.
  units::Bytes capacity;
  units::BytesPerSecond bandwidth;
};

// Drafting heads, draft models and multi-token prediction: `draft` tokens are proposed, the accepted ones and one more come out of a step.
enum class Acceptance {
  expected,  // every sequence gets the mean, in whole tokens that keep up with it: all sequences alike
  drawn,     // each sequence draws its own, from the seed, its request and its tokens
};
struct Speculation {
  std::int64_t draft = 0;          // tokens proposed per step; 0: none
  std::vector<double> acceptance;  // of the i-th proposed token, given that those before it were accepted; shorter lists repeat the last
  Acceptance mode = Acceptance::expected;
  [[nodiscard]] double accepts(std::int64_t i) const;  // the i-th proposed token, from 0
  [[nodiscard]] double mean_tokens_per_step() const;   // 1 + p1 + p1 p2 + ...
};

// New prompts are held back while sequences decode and no prompt is under way: until so many wait that a batch has room for, and until the step would have
// this share of max_tokens, but for no more than so many steps. TensorRT-LLM: batch_wait_timeout_iters and batch_wait_max_tokens_ratio; with data-parallel
// attention enable_balance and timeout_iters, where `prompts` is one for each rank.
struct Hold {
  std::int64_t steps = 0;    // 0: prompts are never held back
  std::int64_t prompts = 0;  // of the whole instance
  double share = 0;
};

// Budgets are of the whole instance (all its data-parallel attention ranks together).
struct EngineSettings {
  Policy policy = Policy::mixed;
  bool chunked_prefill = true;
  std::int64_t max_sequences = 256;  // in a batch
  std::int64_t max_tokens = 8192;    // of one step
  std::int64_t max_chunk = 0;        // of one sequence's prompt in one step; 0: as many as max_tokens
  std::int64_t block_tokens = 16;
  std::int64_t blocks = 0;  // capacity of the cache; set by whoever knows the memory
  double watermark = 0.01;  // share of the blocks kept free at admission
  Admission admission = Admission::prompt;
  double expected_output = 0.7;  // Admission::expected: the share of their remaining output for which running sequences are counted at first,
  double expected_output_least = 0.098;      // and after
  std::int64_t expected_output_steps = 600;  // decoding steps without preemption; 0: always the first
  Preemption preemption = Preemption::recompute;
  double swap_tokens_per_s = 0;  // to and from host memory
  bool prefix_caching = true;
  std::int64_t prefix_tokens = 0;  // tokens of one element of Job::blocks, a multiple of block_tokens; 0: block_tokens
  std::vector<CacheTier> tiers;    // behind the chips' own memory, nearest first
  Fetch fetch = Fetch::overlapped;
  bool schedule_ahead = false;     // the next step is composed while one runs (asynchronous scheduling): what happens in a step counts one step later
  std::int64_t poll_steps = 1;     // decoding steps between two looks for new requests; steps with prompts and idle engines look at once (SGLang's scheduler_recv_interval)
  Hold hold;
  std::int64_t stream_tokens = 1;  // output tokens after the first are sent in parcels of so many: what a client sees between two of them (stream_interval)
  FirstToken first_token = FirstToken::prompt;  // of instances that decode what others have begun
  Speculation speculation;
  // Of an instance that computes prompts alone: data-parallel ranks to which its requests are bound at random, each with its part of max_tokens; 1: prompts go where there is room. Set by whoever
  // knows the ranks.
  std::int64_t bound_ranks = 1;
  [[nodiscard]] std::int64_t longest_chunk() const { return max_chunk > 0 && max_chunk < max_tokens ? max_chunk : max_tokens; }
};
[[nodiscard]] std::span<const config::Word> policy_words();
[[nodiscard]] std::span<const config::Word> admission_words();
[[nodiscard]] std::span<const config::Word> preemption_words();
[[nodiscard]] std::span<const config::Word> fetch_words();
[[nodiscard]] std::span<const config::Word> first_token_words();
[[nodiscard]] std::span<const config::Word> acceptance_words();
void describe(config::Schema& s, CacheTier& tier);
void describe(config::Schema& s, Speculation& speculation);
void describe(config::Schema& s, Hold& hold);
void describe(config::Schema& s, EngineSettings& settings);

}  // namespace zettatwin::serving
