// SPDX-License-Identifier: Apache-2.0
#include "inference/predictor.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <vector>

#include "base/contract.hpp"

namespace zettatwin::inference {
namespace {

using serving::Chunk;

double seconds(const InstanceTimer& timer, double sequences, double length, std::span<const Chunk> chunks) {
  const auto n = static_cast<std::int64_t>(std::llround(std::max(0.0, sequences)));
  const auto cached = static_cast<std::int64_t>(std::llround(std::max(0.0, sequences) * length));
  if (n == 0 && chunks.empty()) return 0;
  return timer.step({.sequences = n, .cached = std::max(n, cached), .chunks = chunks}).seconds().si();
}

// Prompts of `input` tokens behind `cached` ones cut to steps of at most `budget` tokens, `longest` of one prompt: the batches of chunks that a wave of `count` prompts becomes, in order.
std::vector<std::vector<Chunk>> cut(std::int64_t input, std::int64_t count, std::int64_t budget, std::int64_t longest, bool chunked, std::int64_t cached = 0) {
  std::vector<std::vector<Chunk>> steps;
  std::vector<std::int64_t> done(static_cast<std::size_t>(count), 0);
  for (std::size_t first = 0; first < done.size();) {
    auto& step = steps.emplace_back();
    std::int64_t room = budget;
    for (std::size_t i = first; i < done.size() && room > 0; ++i) {
      const auto rest = input - done[i];
      if (!chunked && rest > room && !step.empty()) break;
      const auto tokens = chunked ? std::min({rest, room, longest}) : rest;
      step.push_back({static_cast<std::int32_t>(tokens), static_cast<std::int32_t>(cached + done[i]), tokens == rest});
      room -= tokens;
      done[i] += tokens;
    }
    while (first < done.size() && done[first] == input) ++first;
  }
  return steps;
}

// Sequences that the batch and the cache hold.
double most_running(const ServedPool& pool, const Workload& load) {
  const auto& engine = pool.engine;
  const double length = static_cast<double>(load.input) + static_cast<double>(load.output) * (engine.admission == serving::Admission::full ? 1.0 : 0.5);
  const double cache = static_cast<double>(pool.memory.tokens) / std::max(1.0, length);
  return std::max(1.0, std::min(static_cast<double>(engine.max_sequences), std::floor(cache)));
}

// Mean cached tokens of a sequence while it decodes.
double mean_length(const Workload& load) { return static_cast<double>(load.input) + static_cast<double>(load.output) / 2; }

struct Prefill {
  double per_request = 0;  // seconds of steps
  double first = 0;        // seconds until the first token of a prompt alone
};

Prefill prefill_of(const ServedPool& pool, const Workload& load, double beside, double length, std::int64_t together, std::int64_t cached = 0) {
  const bool mixed = pool.engine.policy == serving::Policy::mixed;
  const double running = mixed ? beside : 0;
  const auto budget = std::max<std::int64_t>(pool.engine.block_tokens, pool.engine.max_tokens - (mixed ? static_cast<std::int64_t>(running) : 0));
  const double alone = mixed && running >= 1 ? seconds(*pool.timer, running, length, {}) : 0;
  Prefill p;
  const auto add = [&](const std::vector<std::vector<Chunk>>& steps, double share, bool first) {
    for (const auto& step : steps) {
      const double t = seconds(*pool.timer, running, length, step);
      (first ? p.first : p.per_request) += (first ? t : t - alone) * share;
    }
  };
  add(cut(load.input, together, budget, pool.engine.longest_chunk(), pool.engine.chunked_prefill, cached), 1 / static_cast<double>(together), false);
  add(cut(load.input, 1, budget, pool.engine.longest_chunk(), pool.engine.chunked_prefill, cached), 1, true);
  return p;
}

}  // namespace

double most_requests_per_s(const ServedPool& pool, const FullLoad& load) {
  ZT_EXPECT(pool.timer && load.input >= 1 && load.cached >= 0 && load.output >= 1, "a workload on an instance that fits");
  const std::int64_t computed = std::max<std::int64_t>(1, std::llround(load.input - load.cached)), cached = std::llround(load.cached);
  const Workload work{.concurrency = 1, .input = computed, .output = std::llround(load.output)};
  if (pool.pool.role == Role::prefill) {
    const auto batch = std::clamp<std::int64_t>(pool.engine.max_tokens / std::min(computed, pool.engine.longest_chunk()), 1, pool.pool.dp * 64);
    return 1 / prefill_of(pool, work, 0, 0, batch, cached).per_request;
  }
  const double length = load.per_sequence > 0 ? load.per_sequence : load.input + load.output / 2;
  const double n = std::max(1.0, std::min(static_cast<double>(pool.engine.max_sequences), std::floor(static_cast<double>(pool.memory.tokens) / length)));
  const double steps = std::max(0.0, load.output - 1) / pool.engine.speculation.mean_tokens_per_step();
  const double decoding = steps * seconds(*pool.timer, n, length, {});
  if (pool.pool.role == Role::decode) return decoding > 0 ? n / decoding : 0;
  // Prompts wait, so that no data-parallel rank goes without one in a step that has some.
  const auto together = static_cast<std::int64_t>(std::clamp(std::max(std::round(n / std::max(1.0, steps)), static_cast<double>(pool.pool.dp)), 1.0, n));
  return n / (decoding + n * prefill_of(pool, work, n - 1, length, together, cached).per_request);
}

Steady steady_aggregated(const ServedPool& pool, const Software& software, const Workload& load) {
  ZT_EXPECT(pool.timer && load.concurrency > 0 && load.input >= 1 && load.output >= 1, "a workload on an instance that fits");
  Steady s;
  s.running = std::min(load.concurrency, most_running(pool, load));
  const double length = mean_length(load), per_step = pool.engine.speculation.mean_tokens_per_step();
  const double steps = std::max(0.0, static_cast<double>(load.output - 1)) / per_step;
  const double decode = seconds(*pool.timer, s.running, length, {});
  // While one request makes its output, all others are replaced once; prompts that arrive within one step share it.
  const auto together = static_cast<std::int64_t>(std::clamp(std::round(s.running / std::max(1.0, steps)), 1.0, s.running));
  const auto prompt = prefill_of(pool, load, s.running - 1, length, together);
  const double cycle = steps * decode + s.running * prompt.per_request;  // from first to last token
  const double others = (s.running - 1) * prompt.per_request;
  s.tpot = units::Seconds::from_si(load.output > 1 ? (steps * decode + others) / static_cast<double>(load.output - 1) : 0);
  const double waiting = load.concurrency > s.running ? (load.concurrency - s.running) / s.running * (cycle + prompt.first) : decode / 2;
  s.ttft = units::Seconds::from_si(software.frontend.si() + waiting + prompt.first);
  const double burst = s.running * prompt.per_request;
  s.ttft_burst = units::Seconds::from_si(software.frontend.si() + prompt.first + burst / 2);
  s.output_tokens_per_s = s.running * static_cast<double>(load.output) / (cycle + prompt.first - prompt.per_request);
  return s;
}

namespace {

// Prefill and decode as a closed network of the fewest whole instances on both sides: requests go round from prompt (servers with a queue) over the hand-over to decoding (all at once, slower the more there are).
struct Apart {
  double requests = 1;       // that go round
  double servers = 1;        // prefill instances
  double decoders = 1;       // decode instances
  double per_request = 0;    // seconds of a prefill instance
  double outside = 0;        // seconds of a round in neither queue nor decoding
  double steps = 0;          // of an answer
  std::function<double(double)> step;  // seconds of a decode step of so many sequences

  // The others that a request sees are those of a network without it (Bard, Schweitzer): all but one in `requests`.
  [[nodiscard]] double others() const { return (requests - 1) / requests; }
  // Of an answer on an instance where `running` sequences decode on average.
  [[nodiscard]] double decoding(double running) const { return steps * step(1 + running * others()); }
  [[nodiscard]] double rate(double running) const { return decoders * running / decoding(running); }
  [[nodiscard]] double most() const { return servers / per_request; }
  // That wait for a prefill instance: M/D/1 for many, none for one alone; several servers as Sakasegawa has them.
  [[nodiscard]] double waiting(double rate) const {
    const double busy = std::min(1.0, rate / most());
    return others() * std::pow(busy, std::sqrt(2 * (servers + 1))) / 2 / std::max(1e-12, 1 - others() * busy);
  }
  [[nodiscard]] double inside(double running) const { return decoders * running + rate(running) * outside + waiting(rate(running)); }
};

// The most `running` below `limit` for which neither the prefill instances are overrun nor more requests go round than there are. Both grow with it.
double running_of(const Apart& network, double limit) {
  const auto fits = [&](double running) { return network.rate(running) <= network.most() && network.inside(running) <= network.requests; };
  if (fits(limit)) return limit;
  double low = 0, high = limit;
  for (int i = 0; i < 60 && high - low > 1e-9 * high; ++i) {
    const double middle = 0.5 * (low + high);
    (fits(middle) ? low : high) = middle;
  }
  return low > 0 ? low : high;
}

// Between whole numbers of sequences.
double step_between(const InstanceTimer& timer, double sequences, double length) {
  const double whole = std::floor(sequences), part = sequences - whole;
  const double below = seconds(timer, whole, length, {});
  return part > 0 ? below + part * (seconds(timer, whole + 1, length, {}) - below) : below;
}

}  // namespace

Steady steady_disaggregated(const ServedPool& prefill, const ServedPool& decode, const HandOver& hand_over, const Software& software, double ratio, const Workload& load) {
  ZT_EXPECT(prefill.timer && decode.timer && ratio > 0 && load.concurrency > 0, "both pools fit");
  Steady s;
  const double length = mean_length(load), output = static_cast<double>(load.output);
  const auto giver = decode.engine.first_token;
  const bool again = giver == serving::FirstToken::decoded;  // its first token is one more step
  Apart network{.requests = std::max(1.0, load.concurrency * std::max(1.0, 1 / ratio)), .servers = std::max(1.0, ratio), .decoders = std::max(1.0, 1 / ratio),
                .steps = std::max(1e-9, (again ? output : output - 1) / decode.engine.speculation.mean_tokens_per_step()), .step = [&](double sequences) { return step_between(*decode.timer, sequences, length); }};
  // As many prompts in a step as its tokens allow, if there are so many.
  const auto room = std::max<std::int64_t>(1, std::min<std::int64_t>(prefill.engine.max_tokens / std::clamp<std::int64_t>(load.input, 1, prefill.engine.longest_chunk()), prefill.pool.dp * 64));
  const auto batch = std::clamp<std::int64_t>(static_cast<std::int64_t>(std::ceil(network.requests / network.servers)), 1, room);
  const double first = prefill_of(prefill, load, 0, length, 1).first;
  network.per_request = prefill_of(prefill, load, 0, length, batch).per_request;
  const double bytes = hand_over.cache.of(static_cast<double>(load.input)).si();
  const double port = std::min(prefill.port_rate.si() / static_cast<double>(prefill.pool.dp), decode.port_rate.si() / static_cast<double>(decode.pool.dp));
  s.hand_over = hand_over.latency + units::Seconds::from_si(port > 0 ? bytes / port : 0);
  network.outside = software.frontend.si() + first + s.hand_over.si();
  const double limit = most_running(decode, load);
  s.running = running_of(network, limit);
  const double requests = network.rate(s.running);
  // Whom the prefill instances cannot take yet waits before them; whom the decode instances have no room for waits behind.
  const bool before = s.running < limit;
  const double waiting = before ? network.requests - network.decoders * s.running - requests * network.outside : network.waiting(requests);
  const double behind = before ? 0 : std::max(0.0, network.requests - network.decoders * s.running - requests * network.outside - waiting) / requests;
  const double decoding = network.decoding(s.running), joins = s.hand_over.si() + behind;
  // Part of the time to the first token, rather than of the gap behind it.
  const double to_first = giver == serving::FirstToken::prompt || load.output == 1 ? 0 : joins + (again ? decoding / network.steps : 0);
  s.tpot = units::Seconds::from_si(load.output > 1 ? (decoding + joins - to_first) / (output - 1) : 0);
  s.ttft = units::Seconds::from_si(software.frontend.si() + first + std::max(0.0, waiting) / requests + to_first);
  s.ttft_burst = units::Seconds::from_si(software.frontend.si() + first + network.per_request * load.concurrency / ratio / 2);
  s.output_tokens_per_s = requests / network.decoders * output;
  s.prefill_utilisation = requests / network.most();
  return s;
}

}  // namespace zettatwin::inference
