// SPDX-License-Identifier: Apache-2.0
// Why: capacity planners ask about millions of requests and thousands of instances. Synthetic traffic on instances of a plausible decode speed, all
// answers checked: conservation, and the load that queueing theory gives for tokens in flight (Little's law).
#include <benchmark/benchmark.h>

#include <cmath>

#include "../tests/support/fleet_cases.hpp"
#include "fleet/fleet.hpp"
#include "fleet/transfer_network.hpp"

namespace {

using namespace zettatwin;

// 8 ms plus 20 us per sequence and 0.1 us per thousand cached tokens; 30 us per prompt token beyond the first.
struct ChipTimer final : serving::StepTimer {
  [[nodiscard]] serving::DecodePiece decode(std::int64_t sequences, std::int64_t) const override {
    return {.from = 0, .to = INT64_MAX, .base = units::Picoseconds(8'000'000'000 + 20'000'000 * sequences), .slope = 100, .exchange = units::Picoseconds(2'000'000'000)};
  }
  [[nodiscard]] units::Picoseconds step(const serving::StepLoad& load) const override {
    std::int64_t time = 8'000'000'000 + 20'000'000 * load.sequences + 100 * load.cached;
    for (const auto& chunk : load.chunks) time += std::int64_t{30'000'000} * chunk.tokens;
    return units::Picoseconds(time);
  }
};

fleet::FleetSpec fleet_of(const ChipTimer& timer, std::int64_t instances, double rate_per_instance, std::int64_t requests, fleet::Routing routing) {
  requests::TrafficSpec traffic;
  traffic.rate = units::Hertz::from_si(rate_per_instance * static_cast<double>(instances));
  traffic.requests = requests;
  traffic.input = {.mean = 500, .cv = 1};
  traffic.output = {.mean = 200, .cv = 1};
  fleet::FleetSpec spec = test::one_pool(timer, 256, test::traffic(traffic), instances);
  spec.pools[0].engine.blocks = 60'000;
  spec.pools[0].engine.max_tokens = 2048;
  spec.router.routing = routing;
  return spec;
}

void run(benchmark::State& state, const fleet::FleetSpec& spec, std::int64_t expected) {
  fleet::FleetResult r;
  for (auto _ : state) r = fleet::simulate(spec);
  const double in_flight = r.all.requests_per_s.value * r.all.e2e.mean.value;  // Little's law over sequences inside and in queues
  double measured = 0;
  for (const auto& pool : r.pools) measured += (pool.running + pool.waiting) * static_cast<double>(pool.instances);
  if (r.requests.arrived != r.requests.finished || (expected > 0 && r.requests.finished != expected)) state.SkipWithError("requests are missing");
  if (std::abs(measured / in_flight - 1) > 0.03) state.SkipWithError("Little's law does not hold");
  if (r.judgement.verdict != fleet::Verdict::stable) state.SkipWithError("not stable");
  state.SetItemsProcessed(state.iterations() * r.requests.finished);
  state.counters["ttft_ms"] = r.all.ttft.mean.value * 1e3;
  state.counters["tpot_ms"] = r.all.tpot.mean.value * 1e3;
  state.counters["events"] = static_cast<double>(r.events);
  state.counters["instances"] = static_cast<double>(r.sampling.sampled ? r.sampling.instances : r.pools[0].instances);
}

// Each instance for itself.
void round_robin(benchmark::State& state) {
  const ChipTimer timer;
  run(state, fleet_of(timer, state.range(0), 5, state.range(1), fleet::Routing::round_robin), state.range(1));
}
// All on one clock.
void least_requests(benchmark::State& state) {
  const ChipTimer timer;
  run(state, fleet_of(timer, state.range(0), 5, state.range(1), fleet::Routing::least_requests), state.range(1));
}
// 10^9 requests a day on 8,192 instances: a sample.
void a_day(benchmark::State& state) {
  const ChipTimer timer;
  fleet::FleetSpec spec = fleet_of(timer, 8192, 1e9 / 86400 / 8192, 0, fleet::Routing::round_robin);
  spec.horizon = units::day;
  run(state, spec, 0);
}

// Caches that pile up between 16 prefill and 16 decode instances, all begun before one ends: the cost of one should not depend on how many there are.
void transfers(benchmark::State& state) {
  const auto count = state.range(0);
  const double network = static_cast<double>(state.range(1)) * 1e9;
  double last = 0, bytes = 0;
  for (auto _ : state) {
    fleet::TransferNetwork net(std::vector<double>(16, 50e9), std::vector<double>(16, 100e9), network);
    RandomStream random(1, 1);
    bytes = 0;
    for (std::int64_t i = 0; i < count; ++i) {
      const double one = random.uniform(1e8, 4e8);
      bytes += one;
      (void)net.start(random.below(16), random.below(16), one, 0, units::Picoseconds(i));
    }
    for (; net.next_finish() < units::Picoseconds(INT64_MAX); (void)net.take_finished()) last = net.next_finish().seconds().si();
  }
  const double least = bytes / (network > 0 ? network : 16 * 50e9);
  if (last < least || last > 1.3 * least) state.SkipWithError("the ports or the network are not full");
  state.SetItemsProcessed(state.iterations() * count);
}

// A cache pool of 8,192 instances for conversations at the rate of 10^9 requests a day, ten minutes: a sample by content.
void a_pool(benchmark::State& state) {
  const ChipTimer timer;
  requests::TrafficSpec traffic;
  traffic.rate = units::Hertz::from_si(1e9 / 86400);
  traffic.input = {.mean = 500, .cv = 1};
  traffic.output = {.mean = 200, .cv = 1};
  traffic.sessions.emplace();
  traffic.shared_prefixes = requests::SharedPrefixSpec{.share = 0.9, .count = 20, .tokens = 1024, .zipf = 1};
  traffic.block_tokens = 128;
  fleet::FleetSpec spec = test::one_pool(timer, 256, test::traffic(traffic), 8192);
  spec.pools[0].engine.blocks = 60'000;
  spec.pools[0].engine.max_tokens = 2048;
  spec.pools[0].engine.prefix_caching = true;
  spec.pools[0].stored_per_token = units::Bytes::from_si(1e5);
  spec.pools[0].store_port = units::BytesPerSecond::from_si(25e9);
  spec.cache_pool = fleet::CachePool{.capacity = units::Bytes::from_si(1e15), .bandwidth = units::BytesPerSecond::from_si(8e13), .latency = 100 * units::microsecond};
  spec.router.routing = fleet::Routing::power_of_two;
  spec.horizon = 600 * units::second;
  fleet::FleetResult r;
  for (auto _ : state) r = fleet::simulate(spec);
  if (!r.sampling.sampled || !r.all.cached_share.half_width) state.SkipWithError("not sampled");
  state.SetItemsProcessed(state.iterations() * r.requests.finished);
  state.counters["hit_share"] = r.all.cached_share.value;
  state.counters["hit_share_95"] = r.all.cached_share.half_width.value_or(0);
}

BENCHMARK(round_robin)->Args({16, 1'000'000})->Args({16, 10'000'000})->Unit(benchmark::kMillisecond)->Iterations(1);
BENCHMARK(least_requests)->Args({16, 1'000'000})->Args({1024, 1'000'000})->Unit(benchmark::kMillisecond)->Iterations(1);
BENCHMARK(a_day)->Unit(benchmark::kMillisecond)->Iterations(1);
BENCHMARK(transfers)->Args({2'000, 0})->Args({20'000, 0})->Args({20'000, 400})->Unit(benchmark::kMillisecond)->Iterations(1);
BENCHMARK(a_pool)->Unit(benchmark::kMillisecond)->Iterations(1);

}  // namespace
