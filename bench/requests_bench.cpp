// SPDX-License-Identifier: Apache-2.0
// Why: 10^9 requests a day must cost less to draw than to serve. Requests of each law, one by one through the stream's interface; and the reading of a
// trace. The hash of the first 100,000 requests is checked, so that a faster wrong answer fails.
#include <benchmark/benchmark.h>

#include <string>

#include "base/stable_hash.hpp"
#include "requests/trace.hpp"
#include "requests/traffic_spec.hpp"

namespace {

using namespace zettatwin;
using requests::LengthShape;

requests::TrafficSpec poisson() {
  requests::TrafficSpec spec;
  spec.rate = units::Hertz::from_si(1000);
  spec.input = {.mean = 1024};
  spec.output = {.mean = 128};
  return spec;
}

requests::TrafficSpec with_lengths() {
  auto spec = poisson();
  spec.input.cv = 0.5;
  spec.output.cv = 1;
  return spec;
}

requests::TrafficSpec diurnal() {
  auto spec = with_lengths();
  spec.diurnal = requests::DiurnalSpec{};
  return spec;
}

requests::TrafficSpec gamma() {
  auto spec = poisson();
  spec.arrivals = requests::ArrivalShape::gamma;
  spec.cv = 2;
  return spec;
}

requests::TrafficSpec prefixes() {
  auto spec = with_lengths();
  spec.shared_prefixes = requests::SharedPrefixSpec{.share = 0.5, .count = 10, .tokens = 2048, .zipf = 1};
  return spec;
}

requests::TrafficSpec conversations() {
  auto spec = with_lengths();
  spec.sessions = requests::SessionSpec{};
  return spec;
}

std::uint64_t hash_of(requests::Stream& stream) {
  StableHash hash;
  requests::Request r;
  for (int i = 0; i < 100'000 && stream.next(r); ++i) {
    hash.add(r.arrival.count()).add(std::int64_t{r.input}).add(std::int64_t{r.output});
    for (const auto block : r.blocks) hash.add(block);
  }
  return hash.value();
}

void draw(benchmark::State& state, const requests::TrafficSpec& spec, requests::Part part, std::uint64_t expected) {
  const auto whole = requests::synthetic(spec);
  if (const auto hash = hash_of(*whole->part(part)); hash != expected) state.SkipWithError(("hash " + std::to_string(hash)).c_str());
  const auto stream = whole->part(part);
  requests::Request r;
  for (auto _ : state)
    if (!stream->next(r)) state.SkipWithError("the stream has ended");
  state.SetItemsProcessed(state.iterations());
}

void read(benchmark::State& state) {
  constexpr int kRequests = 10'000;
  std::string text;
  for (int i = 0; i < kRequests; ++i) {
    text += "{\"timestamp\": " + std::to_string(300 * i) + ", \"input_length\": 12000, \"output_length\": 300, \"hash_ids\": [";
    for (int b = 0; b < 24; ++b) text += (b == 0 ? "" : ", ") + std::to_string(i * 24 + b);
    text += "]}\n";
  }
  for (auto _ : state) {
    config::Diagnostics diagnostics;
    requests::StringSource source(text);
    const auto list = requests::read_trace(source, "trace", requests::TraceFormat::mooncake, {}, diagnostics);
    if (!list || list->size() != kRequests) state.SkipWithError("not read");
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(text.size()));
}

BENCHMARK_CAPTURE(draw, poisson, poisson(), {}, 11285036569612855920u);
BENCHMARK_CAPTURE(draw, lengths, with_lengths(), {}, 11834090453383285629u);
BENCHMARK_CAPTURE(draw, diurnal, diurnal(), {}, 5170442786327646271u);
BENCHMARK_CAPTURE(draw, gamma, gamma(), {}, 3503747098248788246u);
BENCHMARK_CAPTURE(draw, prefixes, prefixes(), {}, 11778018927462915108u);
BENCHMARK_CAPTURE(draw, conversations, conversations(), {}, 18166287968692626740u);
BENCHMARK_CAPTURE(draw, one_of_1024, poisson(), {.instance = 5, .of = 1024}, 6113288375025452713u);
BENCHMARK(read)->Unit(benchmark::kMillisecond);

}  // namespace
