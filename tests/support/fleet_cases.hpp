// SPDX-License-Identifier: Apache-2.0
// Small fleets with step times that can be calculated by hand.
#pragma once

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "fleet/spec.hpp"
#include "requests/list_stream.hpp"
#include "requests/traffic_spec.hpp"
#include "serving/step_timer.hpp"

namespace zettatwin::test {

// Every step takes the same time, `exchange` of it between chips if it only decodes.
struct ConstantTimer final : serving::StepTimer {
  units::Picoseconds time{1'000'000'000};
  units::Picoseconds exchange{0};
  ConstantTimer() = default;
  explicit ConstantTimer(units::Picoseconds step_time, units::Picoseconds exchanging = units::Picoseconds(0)) : time(step_time), exchange(exchanging) {}
  [[nodiscard]] serving::DecodePiece decode(std::int64_t, std::int64_t) const override { return {.from = 0, .to = INT64_MAX, .base = time, .slope = 0, .exchange = exchange}; }
  [[nodiscard]] units::Picoseconds step(const serving::StepLoad&) const override { return time; }
};

enum class Outputs { constant, geometric };

inline std::shared_ptr<const requests::Stream> traffic(requests::TrafficSpec spec) { return std::shared_ptr<const requests::Stream>(requests::synthetic(spec)); }

// Poisson arrivals of prompts of one token.
inline std::shared_ptr<const requests::Stream> poisson(double rate, std::int64_t count, Outputs outputs, double mean_output, std::uint64_t seed, double input = 1) {
  requests::TrafficSpec spec;
  spec.rate = units::Hertz::from_si(rate);
  spec.requests = count;
  spec.input.mean = input;
  spec.output.mean = mean_output;
  if (outputs == Outputs::geometric) spec.output.law = requests::LengthShape::geometric;
  spec.seed = static_cast<std::int64_t>(seed);
  return traffic(spec);
}

// Arrival in milliseconds, input, output.
struct Arrival {
  std::int64_t ms;
  std::int32_t input, output;
};
inline std::shared_ptr<const requests::Stream> listed(const std::vector<Arrival>& arrivals) {
  auto list = std::make_shared<requests::RequestList>();
  for (const Arrival& a : arrivals) list->add({.arrival = units::Picoseconds(a.ms * 1'000'000'000), .input = a.input, .output = a.output, .model = 0, .session = 0, .blocks = {}});
  return std::make_shared<requests::ListStream>(std::move(list));
}

inline serving::EngineSettings roomy_engine(std::int64_t sequences) {
  serving::EngineSettings engine;
  engine.max_sequences = sequences;
  engine.max_tokens = 1 << 20;
  engine.blocks = 1 << 24;
  engine.prefix_caching = false;
  return engine;
}

inline fleet::FleetSpec one_pool(const serving::StepTimer& timer, std::int64_t sequences, std::shared_ptr<const requests::Stream> stream, std::int64_t instances = 1) {
  fleet::FleetSpec spec;
  fleet::PoolSpec pool;
  pool.name = "all";
  pool.instances = instances;
  pool.engine = roomy_engine(sequences);
  pool.timer = &timer;
  spec.pools.push_back(std::move(pool));
  spec.streams.push_back(std::move(stream));
  return spec;
}

// Prefill and decode instances of one model; a cache of 1,000 bytes per token leaves at 100 MB/s and enters at 50 MB/s.
inline fleet::FleetSpec prefill_decode(const serving::StepTimer& prefill, const serving::StepTimer& decode, std::int64_t x, std::int64_t y, std::shared_ptr<const requests::Stream> stream) {
  fleet::FleetSpec spec = one_pool(prefill, 256, std::move(stream), x);
  spec.pools[0].name = "prefill";
  spec.pools[0].role = fleet::Role::prefill;
  spec.pools[0].egress = units::BytesPerSecond::from_si(1e8);
  spec.pools.push_back(spec.pools[0]);
  spec.pools[1].name = "decode";
  spec.pools[1].role = fleet::Role::decode;
  spec.pools[1].instances = y;
  spec.pools[1].timer = &decode;
  spec.pools[1].ingress = units::BytesPerSecond::from_si(5e7);
  fleet::TransferSpec transfer;
  transfer.cache.per_token = units::Bytes::from_si(1000);
  spec.transfers.push_back(transfer);
  return spec;
}

}  // namespace zettatwin::test
