// SPDX-License-Identifier: Apache-2.0
// What is measured, exactly as docs/serving_metrics.md defines it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "units/quantity.hpp"

namespace zettatwin::fleet {

// With the half width of its 95 % confidence interval where there is one: between groups of instances, or batches of requests in order of arrival.
struct Estimate {
  double value = 0;
  std::optional<double> half_width;
};

// In seconds.
struct LatencySummary {
  std::int64_t count = 0;
  Estimate mean, p50, p90, p95, p99;
  double least = 0;
  double greatest = 0;
};

struct RequestCounts {
  std::int64_t arrived = 0;
  std::int64_t finished = 0;
  std::int64_t rejected = 0;   // can never fit, or the queue was full
  std::int64_t lost = 0;       // by failures and time-outs
  std::int64_t in_flight = 0;  // at the end. arrived = finished + rejected + lost + in_flight
};

// While the system is neither filling nor emptying.
struct SteadyRates {
  double from_s = 0, to_s = 0;
  Estimate requests_per_s, input_tokens_per_s, output_tokens_per_s, total_tokens_per_s, goodput_per_s;
  Estimate output_tokens_per_s_per_chip;
};

// Of the measured requests: those that arrive after the warm-up.
struct Metrics {
  RequestCounts requests;
  LatencySummary ttft, tpot, itl, e2e, queueing, transfer;
  Estimate requests_per_s, input_tokens_per_s, output_tokens_per_s, total_tokens_per_s;
  Estimate output_tokens_per_s_per_chip, total_tokens_per_s_per_chip;
  Estimate goodput_per_s;       // finished requests that meet all objectives
  Estimate slo_attainment;      // their share of all that finished, were rejected or lost; 1 if nothing was asked
  double ttft_attainment = 1, tpot_attainment = 1, e2e_attainment = 1;  // of those that finished
  double input_tokens_mean = 0, output_tokens_mean = 0;
  Estimate cached_share;        // of prompt tokens, found in a cache
  std::optional<SteadyRates> steady;  // of the whole fleet; none where the run is too short for one
};

}  // namespace zettatwin::fleet
