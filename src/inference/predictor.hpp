// SPDX-License-Identifier: Apache-2.0
// Steady state of an instance in closed form, for searches and for checking simulations: a fixed number of requests of equal lengths, each replaced when it
// ends. docs/math/inference.md derives it. Assumptions: no queue but the batch's own limits, no prefix hits; lengths alike, ends spread evenly.
#pragma once

#include <cstdint>

#include "inference/serve.hpp"

namespace zettatwin::inference {

struct Workload {
  double concurrency = 1;     // requests in the system per instance (disaggregated: per decode instance)
  std::int64_t input = 1024;
  std::int64_t output = 1024;
};

struct Steady {
  double running = 0;         // sequences that decode, per instance: the concurrency, or what the cache and the batch hold
  units::Seconds tpot;        // mean
  units::Seconds ttft;        // mean in the steady state
  units::Seconds ttft_burst;  // mean if all arrive at once
  double output_tokens_per_s = 0;  // of the instance (disaggregated: per decode instance, with its share of the prefill instances)
  double prefill_utilisation = 0;  // disaggregated
  units::Seconds hand_over;        // disaggregated: of one cache
};

// What requests are like on an instance that has as many as it can hold.
struct FullLoad {
  double input = 1024, cached = 0;   // prompt tokens of a request, and how many of them are found in a cache
  double output = 1024;
  double per_sequence = 0;           // tokens of the cache that a running sequence takes, shared ones counted once; 0: input + output / 2
};
// Requests per second that one instance keeps up with a full batch, by its role. Lengths alike but for `per_sequence`; queues and preemptions cost nothing.
[[nodiscard]] double most_requests_per_s(const ServedPool& pool, const FullLoad& load);

[[nodiscard]] Steady steady_aggregated(const ServedPool& pool, const Software& software, const Workload& load);
// `ratio`: prefill instances per decode instance.
[[nodiscard]] Steady steady_disaggregated(const ServedPool& prefill, const ServedPool& decode, const HandOver& hand_over, const Software& software, double ratio,
                                          const Workload& load);

}  // namespace zettatwin::inference
