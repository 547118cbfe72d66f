// SPDX-License-Identifier: Apache-2.0
// What a simulated fleet has done.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "fleet/histogram.hpp"
#include "fleet/metrics.hpp"
#include "units/picoseconds.hpp"

namespace zettatwin::fleet {

enum class Verdict {
  stable,
  saturated,   // requests come faster than they are answered: the backlog grows as long as they do
  infeasible,  // no request can be answered: nothing serves its model, or none fits
};

struct Judgement {
  Verdict verdict = Verdict::stable;
  std::string reason;
  bool too_short = false;           // to see a backlog grow
  double offered_per_s = 0;         // requests, while they came; zero if all came at once
  double backlog_growth_per_s = 0;  // requests; fitted after the warm-up; near zero if stable
  // The highest rate that could be kept up: completions per second while there was a backlog. If stable: unknown (zero), at least what was offered.
  double sustainable_per_s = 0;
};

struct PoolResult {
  std::string name;
  std::int64_t instances = 0;            // at the start
  std::int64_t instances_peak = 0;       // on
  double instances_mean = 0;             // on or starting, over the measured time
  double chip_hours = 0;                 // on, starting or down, over the whole time
  // Means over time and instances that are on, in the measured time.
  double utilisation = 0;                // share of the time in which a step ran
  double running = 0;                    // sequences per instance
  double waiting = 0;                    // requests per instance
  double cache_used = 0;                 // share of blocks, by sequences
  double cache_used_peak = 0;
  double batch = 0;                      // sequences of a step, while steps run
  std::int64_t steps = 0;
  std::int64_t preemptions = 0;
  double prompt_tokens = 0;              // computed
  double recomputed_tokens = 0;          // of them, after preemptions
  std::vector<double> hit_tokens;        // prompt tokens found: in the chips' cache, then by tier, then in the cache pool
  double looked_up_tokens = 0;           // prompt tokens found or computed for the first time: hit rate = hit_tokens / looked_up_tokens
  double imbalance = 1;                  // most over mean of requests per instance
};

struct TransferResult {
  std::int64_t transfers = 0;
  double bytes = 0;
  LatencySummary duration;               // from the prompt's end to the cache's arrival, waiting for blocks included
  LatencySummary blocked;                // of it: waiting for blocks of a decode instance
  double egress_used = 0, ingress_used = 0, network_used = 0;  // mean share of the ports' and network's rates, over the measured time
  std::int64_t transfers_at_once = 0;    // at most
};

struct CachePoolResult {
  bool present = false;
  std::int64_t reads = 0;
  double bytes_read = 0, bytes_written = 0, bytes_evicted = 0;
  double used_peak = 0, capacity = 0;    // bytes
  double wait_mean_s = 0;                // of a read, for those before it
  double busy = 0;                       // share of the time in which its bandwidth was used by reads
  double write_busy = 0;                 // likewise by writes, in the other direction
  double write_lag_max_s = 0;            // from the end of computing to content that others find, at most
};

struct FailureResult {
  std::size_t failure = 0;               // index in FleetSpec::failures
  double at_s = 0;
  double until_s = 0;                    // negative: for good, or not before the end
  std::int64_t instances = 0;
  std::int64_t requests_hit = 0;
  std::int64_t requests_lost = 0;        // of them
  std::int64_t recomputed_tokens = 0;    // prompt and output tokens of those sent again
  double attainment_before = 1;          // over the same length of time, before
  double attainment_during = 1;          // of requests that finish, are rejected or lost until the recovery or the end
  double attainment_after_s = -1;        // from the failure until attainment is back within a point of what it was before; negative: not seen
};

struct ScalingEvent {
  double at_s = 0;
  std::int32_t pool = 0;
  std::int64_t from = 0, to = 0;         // instances wanted
};

// One column per interval; counts are of the whole fleet.
struct PoolSeries {
  std::vector<double> on, waiting, running, cache_used;  // at the end of the interval; the last a share
  std::vector<double> busy;                              // share of the interval in which a step ran
};
struct Series {
  double interval_s = 0;
  std::vector<std::int64_t> arrived, finished, within_slo, failed;  // failed: rejected or lost
  std::vector<double> input_tokens, output_tokens;                  // of requests by first token and finish
  std::vector<double> ttft_mean_s;                                  // of first tokens in the interval
  std::vector<PoolSeries> pools;
};

struct Span {  // of an instance's timeline
  std::int32_t instance = 0;
  units::Picoseconds begin, end;
  std::int64_t steps = 0, decoding = 0, prompt_tokens = 0;
  std::int32_t pool = 0;
};

// Instances that were simulated instead of all.
struct Sampling {
  bool sampled = false;
  std::int64_t instances = 0, of = 0;
  std::string how;                       // a sentence
};

struct FleetResult {
  RequestCounts requests;                // all, of the simulated instances; rates in Metrics are of the whole fleet (see Sampling)
  double simulated_s = 0;                // time that passed in the fleet
  double measured_from_s = 0, measured_to_s = 0;
  Metrics all;
  std::vector<Metrics> models;           // if there is more than one
  Judgement judgement;
  std::vector<PoolResult> pools;
  std::vector<TransferResult> transfers; // as FleetSpec::transfers
  CachePoolResult cache_pool;
  std::vector<FailureResult> failures;
  std::vector<ScalingEvent> scaling;
  Series series;
  std::vector<Span> timeline;
  Sampling sampling;
  LogHistogram ttft, tpot, e2e;          // of the measured requests, for plots
  std::int64_t events = 0;               // of the simulation
  bool cut_short = false;                // by max_backlog
  std::vector<std::int64_t> longest;     // by model: prompt and answer of the longest request that came, tokens
};

}  // namespace zettatwin::fleet
