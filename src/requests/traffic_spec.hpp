// SPDX-License-Identifier: Apache-2.0
// Traffic as documents describe it, from laws:
//   traffic:
//     arrivals: poisson              # or gamma with cv, or deterministic
//     rate: 100 requests/s
//     diurnal: {peak_to_mean: 1.4, peak: 14 h}
//     input: {mean: 1024, cv: 0.5}   # or a number
//     output: {law: uniform, low: 205, high: 256}
//     shared_prefixes: {share: 0.8, count: 10, tokens: 2048}
//     requests: 1000000
// or as benchmark harnesses run it: {concurrency: 64, requests: 640, input: 1024, output: 128},
// or from a trace: {trace: {file: conversation.jsonl, format: mooncake}, rate: 20 requests/s}.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "config/schema.hpp"
#include "requests/length_law.hpp"
#include "requests/stream.hpp"
#include "requests/trace.hpp"

namespace zettatwin::requests {

enum class ArrivalShape { poisson, gamma, deterministic };
[[nodiscard]] std::span<const config::Word> arrival_words();

// The rate rises and falls as a cosine.
struct DiurnalSpec {
  double peak_to_mean = 1.5;                      // 1 to 2
  units::Seconds period = units::day;
  units::Seconds peak = 12 * units::hour;         // time of the highest rate, from the start
};

// Some requests begin with one of a few common prefixes (system prompts, documents), in front of what the input law draws.
struct SharedPrefixSpec {
  double share = 1;          // of requests
  std::int64_t count = 1;    // different prefixes
  std::int64_t tokens = 0;   // of each
  double zipf = 0;           // popularity of the prefix of rank r is proportional to r^-zipf
};

// Conversations: each turn repeats all that was said before and adds what the input law draws. `rate` stays that of requests.
struct SessionSpec {
  LengthSpec turns{.law = LengthShape::geometric, .mean = 4};
  units::Seconds think = units::Seconds::from_si(60);  // mean time from one request of a conversation to the next
  double think_cv = 1;                                 // gamma; 1: exponential, 0: fixed
  std::int64_t max_context = 131'072;                  // a conversation ends before prompt and answer exceed this
};

// Requests of a file (of a folder: servegen) instead of laws. `rate` stretches or compresses time to that mean rate; `concurrency` takes the
// requests in their order and not their times.
struct TraceSpec {
  std::string file;
  TraceFormat format = TraceFormat::requests;
  double rate_scale = 1;         // arrivals come that many times as fast; of servegen's clients, that many times as many
  units::Seconds start;          // what comes before is left out, and time begins here
  std::int64_t block_tokens = 0; // of the blocks that format `requests` names
};

struct TrafficSpec {
  std::optional<TraceSpec> trace;
  ArrivalShape arrivals = ArrivalShape::poisson;
  units::Hertz rate;              // mean, over a period where it is diurnal
  double cv = 1;                  // of gaps, for gamma arrivals
  std::optional<DiurnalSpec> diurnal;
  std::int64_t concurrency = 0;   // closed loop instead of a rate
  LengthSpec input, output;
  std::optional<SharedPrefixSpec> shared_prefixes;
  std::optional<SessionSpec> sessions;
  std::int64_t requests = 0;      // at most; 0: no limit
  units::Seconds duration;        // arrivals end here; 0: no limit
  std::int64_t block_tokens = 16; // of the blocks by which requests share content
  std::int64_t seed = 1;
};
void describe(config::Schema& s, DiurnalSpec& spec);
void describe(config::Schema& s, SharedPrefixSpec& spec);
void describe(config::Schema& s, SessionSpec& spec);
void describe(config::Schema& s, TraceSpec& spec);
void describe(config::Schema& s, TrafficSpec& spec);

// Reads the mapping; lengths may be given as plain numbers (`input: 1024`).
[[nodiscard]] std::optional<TrafficSpec> read_traffic(const config::Node& node, config::Diagnostics& diagnostics);

// The stream, of laws or of the trace; nothing and diagnostics if the trace cannot be read. `models`: what a trace may name.
[[nodiscard]] std::unique_ptr<Stream> open_traffic(const TrafficSpec& spec, const TraceFiles& files, const std::vector<std::string>& models,
                                                  config::Diagnostics& diagnostics);

// The stream of laws. Expects what describe() checks, and no trace. Memory: the conversations under way, and the common prefixes.
// A stream without limits ends at 106 days, the range of Picoseconds; a closed loop ends with `requests`.
[[nodiscard]] std::unique_ptr<Stream> synthetic(const TrafficSpec& spec);

}  // namespace zettatwin::requests
