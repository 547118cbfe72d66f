// SPDX-License-Identifier: Apache-2.0
// What a serving fleet is: pools of instances that answer requests, who sends which request where, how caches travel from prefill to decode, what
// fails when, and how the number of instances follows the load. Chips, models and networks have become step times, capacities and rates before.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "config/schema.hpp"
#include "requests/stream.hpp"
#include "serving/cache_bytes.hpp"
#include "serving/engine_settings.hpp"
#include "serving/step_timer.hpp"
#include "units/quantity.hpp"

namespace zettatwin::fleet {

enum class Role {
  aggregated,  // prompts and output tokens on the same instance
  prefill,     // prompts and first tokens; the cache then goes to a decode instance of the same model
  decode,
};

// Which instance gets a request. Loads are what the router itself has sent and not yet seen finished, as in real routers.
enum class Routing {
  round_robin,     // in turn
  random,          // each alike
  least_requests,  // fewest requests in flight; of equals the one that waited longest for a request
  least_tokens,    // fewest prompt tokens of requests in flight
  power_of_two,    // of two drawn at random the one with fewer requests in flight
  prefix_aware,    // the longest prefix in its cache, unless its load is beyond the limit; else as least_requests
};

struct Router {
  Routing routing = Routing::round_robin;
  // prefix_aware: an instance with more than `load_factor` times the mean of requests in flight, plus `load_slack`, is passed over.
  double load_factor = 1.5;
  std::int64_t load_slack = 4;
};

// How many instances of a pool are on. Every `interval` the wanted number is ceil(instances * measured / target), as Kubernetes' horizontal
// autoscaler computes it; changes within the tolerance are not made.
enum class ScaleBy {
  running,  // sequences in batches / max_sequences
  waiting,  // requests in queues per instance
  cache,    // share of the cache's blocks in use
};
struct Autoscaling {
  ScaleBy by = ScaleBy::running;
  double target = 0.7;
  double tolerance = 0.1;
  units::Seconds interval = 15 * units::second;
  units::Seconds start_delay = 120 * units::second;  // from the decision until an instance takes requests
  units::Seconds down_delay = 300 * units::second;   // scale down to the most that was wanted in this time
  std::int64_t min = 1;
  std::int64_t max = 1;                              // PoolSpec::instances is the number at the start
};

struct PoolSpec {
  std::string name;
  Role role = Role::aggregated;
  std::int32_t model = 0;            // requests::Request::model that it answers
  std::int64_t instances = 1;
  double chips_per_instance = 1;     // for figures per chip
  serving::EngineSettings engine;
  const serving::StepTimer* timer = nullptr;  // outlives the simulation
  std::optional<Autoscaling> autoscaling;
  // Of one instance, per direction, as achieved by large transfers; zero: transfers do not wait for it.
  units::BytesPerSecond egress;      // prefill
  units::BytesPerSecond ingress;     // decode
  std::int64_t ranks = 1;            // data-parallel ones, which have these rates in equal parts: a transfer moves no faster than one of them
  // With a cache pool: of one token's cache, and of one instance's way to the pool (zero: never what it waits for).
  units::Bytes stored_per_token;
  units::BytesPerSecond store_port;
};

// From a prefill to a decode instance of one model (docs/math/fleet.md).
enum class HandOff {
  after_prefill,  // the decode instance is chosen when the prompt is done and pulls the cache when it has blocks (vLLM's connectors, Dynamo)
  reserved,       // blocks are reserved on a decode instance before the prompt is computed (SGLang)
};
struct TransferSpec {
  std::int32_t model = 0;
  HandOff hand_off = HandOff::after_prefill;
  serving::CacheBytes cache;
  std::int64_t layers = 1;                 // parts of a cache that are sent one by one
  bool layer_wise = false;                 // parts are sent while later layers are computed; only the last part is left when the prompt is done
  units::Seconds latency;                  // of each transfer, in which no bytes move
  units::Bytes half_size;                  // a transfer of this size alone gets half the rate; zero: size does not matter
  std::int64_t min_tokens = 0;             // shorter prompts are not sent away: the decode instance computes them itself
};

// Memory beside the chips for caches of all instances: what one computes, all find (serving/content_store.hpp).
struct CachePool {
  units::Bytes capacity;
  units::BytesPerSecond bandwidth;         // of all reads together
  units::Seconds latency;                  // of one
};

struct Slo {  // zero: none
  units::Seconds ttft;
  units::Seconds tpot;
  units::Seconds e2e;
};

// What happens to requests on an instance that fails.
struct RetryPolicy {
  std::int64_t max_retries = 3;            // per request; zero: all are lost
  units::Seconds delay;                    // until failure is noticed and the request is sent again
  units::Seconds client_timeout;           // from arrival to the last token; afterwards nobody waits for it: lost. Zero: none
  std::int64_t max_queue = 0;              // an arrival is rejected if its instance has so many waiting; zero: none
};

enum class FailureKind {
  instances,  // stop; what they hold is gone
  ports,      // egress and ingress go on at `factor` of their rate
  network,    // between the pools, at `factor`
};
struct FailureSpec {
  FailureKind kind = FailureKind::instances;
  units::Seconds at;
  units::Seconds duration;                 // restart and loading of weights; zero: for good
  std::int32_t pool = 0;
  std::vector<std::int64_t> instances;     // of the pool: those of a chip, a node, a rack; empty: `share` of the pool
  double share = 0;                        // the first ceil(share * instances)
  double factor = 0;                       // of rates
};

enum class End {
  drain,    // no more arrivals after the horizon; all that arrived is finished (benchmark tools)
  cut_off,  // at the horizon; the rest is in flight
};

struct RequestRecord {
  std::uint64_t number = 0;                // in order of arrival, from 0
  std::int32_t model = 0;
  std::int32_t input = 0;
  std::int32_t output = 0;
  std::int32_t cached = 0;                 // prompt tokens found in a cache
  std::int32_t retries = 0;
  std::int32_t instance = -1;              // index over all pools; that computed the prompt last
  std::int32_t decode_instance = -1;       // -1: the same
  enum class State : std::uint8_t { finished, rejected, lost, in_flight } state = State::in_flight;
  units::Picoseconds arrival, scheduled, first_token, finish;  // as the client sees them; negative: never
};
struct Progress {
  units::Picoseconds time;
  std::int64_t arrived = 0;
  std::int64_t done = 0;                   // finished, rejected or lost
  double share = 0;                        // of the requests that are expected, arrived; 0: unknown
};

struct FleetSpec {
  // Sequences that the batches of all instances have room for.
  [[nodiscard]] std::int64_t places() const;
  // As many as pools serve; at least one.
  [[nodiscard]] std::size_t models() const;

  std::vector<PoolSpec> pools;
  std::vector<TransferSpec> transfers;     // one per model with prefill and decode pools
  units::BytesPerSecond network;           // between prefill and decode pools, all together; zero: never the bottleneck
  std::optional<CachePool> cache_pool;     // for all pools with prefix caching
  Router router;                           // over all instances of a request's model that compute prompts
  Router decode_router{.routing = Routing::least_requests};
  // Merged by arrival; without a horizon and a number of requests they must end. A closed loop (Stream::concurrency()) keeps its number of requests in the
  // system.
  std::vector<std::shared_ptr<const requests::Stream>> streams;
  units::Seconds frontend_delay;           // before a request reaches its instance: HTTP, tokenisation
  Slo slo;
  RetryPolicy retry;
  std::vector<FailureSpec> failures;

  units::Seconds horizon;                  // no arrivals from then on; zero: until the streams end
  std::int64_t max_requests = 0;           // no arrivals after so many; zero: no limit
  End end = End::drain;
  // Not measured: requests that arrive before, and those among the first so many.
  units::Seconds warm_up;
  std::int64_t warm_up_requests = 0;
  std::uint64_t seed = 1;

  // Limits of the simulation, not of the fleet.
  std::int64_t sample_above = 256;         // instances that do not see each other: more are sampled, if their requests exceed `sample_requests`
  std::int64_t sample_instances = 64;
  std::int64_t sample_requests = 20'000'000;
  // With a cache pool: more requests are sampled by content, so many parts of the fleet with at least so many instances of each pool, as far as they allow for that many requests.
  std::int64_t content_sample_requests = 2'000'000;
  std::int64_t content_sample_parts = 8;
  std::int64_t content_sample_instances = 16;
  std::int64_t state_dependent_max = 2048; // instances of routers that look at loads; larger fleets are cut to so many, with their share of requests
  std::int64_t max_backlog = 1'000'000;    // requests beside those that batches have room for; beyond, the simulation ends and says so
  std::int64_t max_series = 512;           // intervals of time series, half of it at least once that much has happened; zero: none
  units::Seconds series_interval;          // zero: chosen

  std::function<void(const RequestRecord&)> on_request;  // in order of completion; those in flight at the end last
  std::function<void(const Progress&)> on_progress;      // every `progress_requests`
  std::int64_t progress_requests = 100'000;
  std::int64_t timeline_instances = 0;     // spans of the first so many instances of each pool are kept
  std::int64_t timeline_spans = 100'000;   // in all
};

[[nodiscard]] std::span<const config::Word> role_words();
[[nodiscard]] std::span<const config::Word> routing_words();
[[nodiscard]] std::span<const config::Word> scale_by_words();
[[nodiscard]] std::span<const config::Word> hand_off_words();
[[nodiscard]] std::span<const config::Word> failure_kind_words();
[[nodiscard]] std::span<const config::Word> end_words();
void describe(config::Schema& s, Router& router);
void describe(config::Schema& s, Autoscaling& autoscaling);
void describe(config::Schema& s, CachePool& pool);
void describe(config::Schema& s, Slo& slo);
void describe(config::Schema& s, RetryPolicy& retry);
// Without `instances`, which a document names in its own way.
void describe(config::Schema& s, FailureSpec& failure);

}  // namespace zettatwin::fleet
