// SPDX-License-Identifier: Apache-2.0
// Small fleets with step times that can be calculated by hand.
#pragma once

#include <cstdint>
#include <memory>

#include "fleet/spec.hpp"
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

}  // namespace zettatwin::test
