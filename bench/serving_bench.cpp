// SPDX-License-Identifier: Apache-2.0
// Why: a fleet of thousands of instances under a day of traffic is as fast as one instance is per request. Requests of 100 to 900 prompt and 50 to 450
// output tokens on one instance with a timer that costs nothing; the cost must depend on requests, not on tokens. The hash of all times is checked, so
// that a faster wrong answer fails.
#include <benchmark/benchmark.h>

#include <limits>
#include <string>
#include <vector>

#include "../tests/support/linear_timer.hpp"
#include "../tests/support/random.hpp"
#include "serving/instance.hpp"

namespace {

using namespace zettatwin;
using units::Picoseconds;

struct Lengths { std::int32_t input, output; std::int64_t gap; };

std::vector<Lengths> lengths(std::int64_t longer, double mean_gap) {
  test::Random random(7);
  std::vector<Lengths> all(1 << 16);
  for (auto& l : all)
    l = {static_cast<std::int32_t>(random.between(100, 900)), static_cast<std::int32_t>(random.between(50, 450) * longer), random.between(0, static_cast<std::int64_t>(2 * mean_gap))};
  return all;
}

test::LinearTimer timer() {
  test::LinearTimer t;
  t.step_base = 8'000'000'000;  // 8 ms, as of a model of 70 G parameters on eight chips
  t.per_sequence = 10'000'000;
  t.per_cached = 20'000;
  t.per_prompt_token = 20'000'000;
  t.per_context = 100;
  return t;
}

// Submits the next request when one ends (closed loop), or not at all; adds up what it is told.
struct Source final : serving::Observer {
  const std::vector<Lengths>& all;
  serving::Instance* instance = nullptr;
  std::int64_t left;
  bool closed;
  std::int64_t shared_blocks = 0;
  serving::JobId next = 0;
  std::uint64_t hash = 0;
  Source(const std::vector<Lengths>& lengths, std::int64_t count, bool closed_loop) : all(lengths), left(count), closed(closed_loop) {}
  void mix(serving::JobId id, Picoseconds at) { hash = (hash ^ (id * 31 + static_cast<std::uint64_t>(at.count()))) * 0x9e3779b97f4a7c15ULL; }
  void send(Picoseconds at) {
    if (left-- <= 0) return;
    const auto& l = all[next % all.size()];
    serving::Job job{.id = next++, .input = l.input, .output = l.output, .blocks = {}};
    if (shared_blocks > 0) {
      job.blocks.reserve(static_cast<std::size_t>(shared_blocks));
      for (std::int64_t b = 0; b < std::min<std::int64_t>(shared_blocks, l.input / 16); ++b)
        job.blocks.push_back((b < shared_blocks / 2 ? (next % 64) : next * 1000) * 100 + static_cast<std::uint64_t>(b));
    }
    instance->submit(std::move(job), at);
  }
  void scheduled(serving::JobId, Picoseconds, std::int32_t) override {}
  void first_token(serving::JobId id, Picoseconds at) override { mix(id, at); }
  void finished(serving::JobId id, Picoseconds at) override {
    mix(id, at);
    if (closed) send(at);
  }
  void preempted(serving::JobId id, Picoseconds at) override { mix(id, at); }
  void rejected(serving::JobId id, Picoseconds at) override { mix(id, at); }
};

struct Case {
  serving::EngineSettings settings;
  std::int64_t concurrency = 0;  // 0: open loop
  double mean_gap_s = 0;
  std::int64_t longer = 1;
  std::int64_t shared_blocks = 0;
  std::uint64_t hash = 0;
};

void run(benchmark::State& state, const Case& c) {
  const std::int64_t requests = 200'000;
  const auto all = lengths(c.longer, c.mean_gap_s * 1e12);
  const auto steps = timer();
  serving::Statistics statistics;
  for (auto _ : state) {
    Source source(all, requests, c.concurrency > 0);
    source.shared_blocks = c.shared_blocks;
    const auto instance = serving::make_instance(c.settings, steps, source);
    source.instance = instance.get();
    for (std::int64_t i = 0; i < c.concurrency; ++i) source.send(Picoseconds(0));
    std::int64_t at = 0;
    if (c.concurrency == 0)
      for (std::int64_t i = 0; i < requests; ++i) {
        at += all[static_cast<std::size_t>(i) % all.size()].gap;
        instance->advance(Picoseconds(at));
        source.send(Picoseconds(at));
      }
    instance->advance(Picoseconds(std::numeric_limits<std::int64_t>::max()));
    statistics = instance->statistics();
    if (source.hash != c.hash) state.SkipWithError(("hash " + std::to_string(source.hash)).c_str());
  }
  state.SetItemsProcessed(state.iterations() * requests);
  state.counters["batch"] = statistics.sequence_seconds / statistics.busy.seconds().si();
  state.counters["steps/request"] = static_cast<double>(statistics.steps) / requests;
  state.counters["preempted"] = static_cast<double>(statistics.preemptions) / requests;
  state.counters["tokens"] = static_cast<double>(statistics.output_tokens + statistics.prompt_tokens) / requests;
}

serving::EngineSettings engine(std::int64_t blocks) { return {.blocks = blocks, .prefix_caching = false, .tiers = {}, .speculation = {}}; }
serving::EngineSettings with(serving::EngineSettings s, void (*change)(serving::EngineSettings&)) {
  change(s);
  return s;
}

void closed_loop(benchmark::State& s) { run(s, {.settings = engine(40'000), .concurrency = 128, .hash = 15554001849034335440ULL}); }
void closed_loop_ten_times_longer(benchmark::State& s) { run(s, {.settings = engine(40'000), .concurrency = 128, .longer = 10, .hash = 3122735145889867112ULL}); }
void open_loop(benchmark::State& s) { run(s, {.settings = engine(40'000), .mean_gap_s = 0.04, .hash = 14888451334541785044ULL}); }
void short_of_blocks(benchmark::State& s) { run(s, {.settings = engine(3'000), .concurrency = 128, .hash = 17811045643517600438ULL}); }
void full_reservation(benchmark::State& s) {
  run(s, {.settings = with(engine(3'000), [](auto& e) { e.admission = serving::Admission::full; }), .concurrency = 128, .hash = 10392373928144978560ULL});
}
void prompts_first(benchmark::State& s) {
  run(s, {.settings = with(engine(40'000), [](auto& e) { e.policy = serving::Policy::prefill_first; e.admission = serving::Admission::expected; }), .concurrency = 128, .hash = 12134663962636472872ULL});
}
void schedule_ahead(benchmark::State& s) { run(s, {.settings = with(engine(40'000), [](auto& e) { e.schedule_ahead = true; }), .concurrency = 128, .hash = 676022242851393508ULL}); }
void drafts_expected(benchmark::State& s) {
  run(s, {.settings = with(engine(40'000), [](auto& e) { e.speculation = {.draft = 3, .acceptance = {0.8, 0.7, 0.6}}; }), .concurrency = 128, .hash = 18255646770876981716ULL});
}
void drafts_drawn(benchmark::State& s) {
  run(s, {.settings = with(engine(40'000), [](auto& e) { e.speculation = {.draft = 3, .acceptance = {0.8, 0.7, 0.6}, .mode = serving::Acceptance::drawn}; }), .concurrency = 128, .hash = 11955222230596560828ULL});
}
void shared_prefixes(benchmark::State& s) {
  run(s, {.settings = with(engine(10'000), [](auto& e) { e.prefix_caching = true; e.tiers = {{.name = "host", .blocks = 20'000, .latency = 1e-5 * units::second, .tokens_per_s = 1e6}}; }),
          .concurrency = 128, .shared_blocks = 16, .hash = 14278055967513369996ULL});
}

BENCHMARK(closed_loop)->Unit(benchmark::kMillisecond);
BENCHMARK(closed_loop_ten_times_longer)->Unit(benchmark::kMillisecond);
BENCHMARK(open_loop)->Unit(benchmark::kMillisecond);
BENCHMARK(short_of_blocks)->Unit(benchmark::kMillisecond);
BENCHMARK(full_reservation)->Unit(benchmark::kMillisecond);
BENCHMARK(prompts_first)->Unit(benchmark::kMillisecond);
BENCHMARK(schedule_ahead)->Unit(benchmark::kMillisecond);
BENCHMARK(drafts_expected)->Unit(benchmark::kMillisecond);
BENCHMARK(drafts_drawn)->Unit(benchmark::kMillisecond);
BENCHMARK(shared_prefixes)->Unit(benchmark::kMillisecond);

}  // namespace
