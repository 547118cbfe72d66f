// SPDX-License-Identifier: Apache-2.0
#include "serving/engine_settings.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include <fmt/format.h>

namespace zettatwin::serving {
namespace {

constexpr std::array<config::Word, 3> kPolicies{{
    {"mixed", static_cast<int>(Policy::mixed), "decoding sequences first, then chunks of prompts up to the token budget (vLLM, TensorRT-LLM)"},
    {"prefill_first", static_cast<int>(Policy::prefill_first), "prompts in steps of their own before any decoding (SGLang)"},
    {"static_batch", static_cast<int>(Policy::static_batch), "a batch runs until its last sequence ends, then the next is filled"},
}};
constexpr std::array<config::Word, 3> kAdmissions{{
    {"prompt", static_cast<int>(Admission::prompt), "when the prompt's blocks are free above the watermark; growth may preempt (vLLM)"},
    {"full", static_cast<int>(Admission::full), "when prompt and all output tokens fit; never preempts (TensorRT-LLM guaranteed no evict)"},
    {"expected", static_cast<int>(Admission::expected), "when the prompt fits beside a share of the output to come (SGLang)"},
}};
constexpr std::array<config::Word, 2> kPreemptions{{
    {"recompute", static_cast<int>(Preemption::recompute), "prompt and generated tokens are computed again"},
    {"swap", static_cast<int>(Preemption::swap), "the cache goes to host memory and comes back"},
}};
constexpr std::array<config::Word, 2> kFetches{{
    {"exposed", static_cast<int>(Fetch::exposed), "a step waits for blocks from other tiers"},
    {"overlapped", static_cast<int>(Fetch::overlapped), "blocks arrive layer by layer under the computation"},
}};
constexpr std::array<config::Word, 3> kFirstTokens{{
    {"prompt", static_cast<int>(FirstToken::prompt), "the prefill instance, as soon as the prompt is done"},
    {"joined", static_cast<int>(FirstToken::joined), "the decode instance sends what the prompt gave, when it takes the sequence up (SGLang, TensorRT-LLM)"},
    {"decoded", static_cast<int>(FirstToken::decoded), "the decode instance computes it once more (vLLM's connectors)"},
}};
constexpr std::array<config::Word, 2> kAcceptances{{
    {"expected", static_cast<int>(Acceptance::expected), "every sequence gets the mean number of tokens"},
    {"drawn", static_cast<int>(Acceptance::drawn), "each step of each sequence draws its own"},
}};

}  // namespace

std::span<const config::Word> policy_words() { return kPolicies; }
std::span<const config::Word> admission_words() { return kAdmissions; }
std::span<const config::Word> preemption_words() { return kPreemptions; }
std::span<const config::Word> fetch_words() { return kFetches; }
std::span<const config::Word> first_token_words() { return kFirstTokens; }
std::span<const config::Word> acceptance_words() { return kAcceptances; }

double Speculation::accepts(std::int64_t i) const {
  if (acceptance.empty()) return 0;
  return acceptance[std::min(static_cast<std::size_t>(i), acceptance.size() - 1)];
}

double Speculation::mean_tokens_per_step() const {
  double tokens = 1, all_accepted = 1;
  for (std::int64_t i = 0; i < draft; ++i) tokens += all_accepted *= accepts(i);
  return tokens;
}

void describe(config::Schema& s, CacheTier& tier) {
  s.text("name", tier.name, "what it is called in reports", {.presence = config::Presence::required});
  s.quantity("capacity", tier.capacity, "bytes for caches, of one instance");
  s.quantity("bandwidth", tier.bandwidth, "of fetches into the chips of an instance");
  s.quantity("latency", tier.latency, "of one fetch");
  s.integer("blocks", tier.blocks, "instead of capacity: in blocks of block_tokens");
  s.number("tokens_per_s", tier.tokens_per_s, "instead of bandwidth: in tokens per second");
  s.check((tier.capacity.si() > 0) != (tier.blocks > 0), "a tier needs a capacity, or blocks", "how much it holds for one instance", "write capacity: 500 GB");
  s.check((tier.bandwidth.si() > 0) != (tier.tokens_per_s > 0), "a tier needs a bandwidth, or tokens_per_s", "how fast blocks come back", "write bandwidth: 50 GB/s");
}

void describe(config::Schema& s, Speculation& speculation) {
  s.integer("draft", speculation.draft, "tokens proposed per step; 0: no speculation");
  std::vector<std::string> texts;
  for (const double p : speculation.acceptance) texts.push_back(fmt::format("{}", p));
  // The command line writes a list as 0.9+0.7+0.5.
  const auto split = [&] {
    std::vector<std::string> parts;
    for (const auto& text : texts)
      for (std::size_t at = 0; at != std::string::npos;) {
        const auto plus = text.find('+', at);
        parts.push_back(text.substr(at, plus == std::string::npos ? plus : plus - at));
        at = plus == std::string::npos ? plus : plus + 1;
      }
    return parts;
  };
  s.texts("acceptance", texts, "probability that the i-th proposed token is accepted if those before it were; the last holds for all that follow");
  speculation.acceptance.clear();
  for (const auto& text : split()) {
    double p = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), p);
    const bool ok = error == std::errc{} && end == text.data() + text.size() && p >= 0 && p <= 1;
    s.check(ok, "'" + text + "' in acceptance is not a probability", "each is the share of proposals accepted", "write numbers from 0 to 1");
    speculation.acceptance.push_back(ok ? p : 0);
  }
  s.choice("mode", speculation.mode, acceptance_words(), "whether accepted tokens are the mean or drawn");
  s.check(speculation.draft <= 64, "draft is larger than 64", "no engine proposes that many tokens");
  s.check(speculation.draft == 0 || !speculation.acceptance.empty(), "draft without acceptance", "what a step yields depends on it", "write acceptance: [0.8, 0.6]");
}

void describe(config::Schema& s, Hold& hold) {
  s.integer("steps", hold.steps, "most steps that new prompts wait while sequences decode; 0: none (TensorRT-LLM batch_wait_timeout_iters, timeout_iters)");
  s.integer("prompts", hold.prompts, "prompts that end the wait, of the whole instance; in a software profile of one data-parallel rank (TensorRT-LLM enable_balance)");
  s.number("share", hold.share, "share of max_tokens, decoding tokens counted, that ends the wait (TensorRT-LLM batch_wait_max_tokens_ratio)", {.range = config::kUnitInterval});
}

void describe(config::Schema& s, EngineSettings& e) {
  s.choice("policy", e.policy, policy_words(), "how steps are composed");
  s.boolean("chunked_prefill", e.chunked_prefill, "prompts may be cut to fill a step's tokens");
  s.integer("max_sequences", e.max_sequences, "sequences in a batch, of the whole instance", {.range = config::kPositive});
  s.integer("max_tokens", e.max_tokens, "tokens of one step, of the whole instance", {.range = config::kPositive});
  s.integer("max_chunk", e.max_chunk, "tokens of one sequence's prompt in one step; 0: as many as max_tokens, of one rank where attention is data-parallel (vLLM long_prefill_token_threshold)");
  s.integer("block_tokens", e.block_tokens, "tokens of one block of the cache", {.range = config::kPositive});
  s.integer("blocks", e.blocks, "capacity of the cache, if that is less than what the memory leaves");
  s.number("watermark", e.watermark, "share of the blocks kept free at admission", {.range = config::kUnitInterval});
  s.choice("admission", e.admission, admission_words(), "what must be free before a request is taken up");
  s.number("expected_output", e.expected_output, "share of their remaining output for which running sequences are counted (admission expected)", {.range = config::kUnitInterval});
  s.number("expected_output_least", e.expected_output_least, "what that share falls to", {.range = config::kUnitInterval});
  s.integer("expected_output_steps", e.expected_output_steps, "decoding steps without preemption over which it falls; 0: it does not fall");
  s.choice("preemption", e.preemption, preemption_words(), "what becomes of a sequence for which there are no blocks");
  s.number("swap_tokens_per_s", e.swap_tokens_per_s, "rate to and from host memory (preemption swap)");
  s.boolean("prefix_caching", e.prefix_caching, "blocks with the same content are kept and shared");
  s.integer("prefix_tokens", e.prefix_tokens, "tokens of one content block of the traffic, a multiple of block_tokens; 0: block_tokens");
  s.list("tiers", e.tiers, "memory behind the chips' own for cached blocks, nearest first");
  s.choice("fetch", e.fetch, fetch_words(), "whether fetches from tiers are hidden");
  s.boolean("schedule_ahead", e.schedule_ahead, "the next step is composed while one runs (asynchronous scheduling)");
  s.integer("poll_steps", e.poll_steps, "decoding steps between two looks for new requests (SGLang scheduler-recv-interval)", {.range = config::kPositive});
  s.object("hold", e.hold, "new prompts wait for others while sequences decode");
  s.integer("stream_tokens", e.stream_tokens, "output tokens after the first that are sent to the client together (stream interval)", {.range = config::kPositive});
  s.choice("first_token", e.first_token, first_token_words(), "who gives a client its first token, where prompts are computed apart");
  s.object("speculation", e.speculation, "drafted tokens (draft models, multi-token prediction)");
  s.check(e.max_tokens >= e.max_sequences * (1 + e.speculation.draft), "max_tokens is below max_sequences x (1 + draft)", "decoding sequences alone would overrun a step",
          "raise max_tokens or lower max_sequences");
  s.check(e.block_tokens <= 0 || e.prefix_tokens % e.block_tokens == 0, "prefix_tokens is no multiple of block_tokens", "cached content is held in whole blocks");
  s.check(e.preemption != Preemption::swap || e.swap_tokens_per_s > 0, "preemption: swap without swap_tokens_per_s", "the time of a swap depends on it");
}

}  // namespace zettatwin::serving
