// SPDX-License-Identifier: Apache-2.0
#include "fleet/spec.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "fleet/fleet.hpp"
#include "fleet/times.hpp"

namespace zettatwin::fleet {

using config::Word;

std::span<const Word> role_words() {
  static constexpr Word kWords[] = {{"aggregated", static_cast<int>(Role::aggregated), "prompts and output tokens on the same instance"},
                                    {"prefill", static_cast<int>(Role::prefill), "prompts and first tokens"},
                                    {"decode", static_cast<int>(Role::decode), "output tokens after the first"}};
  return kWords;
}
std::span<const Word> routing_words() {
  static constexpr Word kWords[] = {
      {"round_robin", static_cast<int>(Routing::round_robin), "in turn"},
      {"random", static_cast<int>(Routing::random), "each instance alike"},
      {"least_requests", static_cast<int>(Routing::least_requests), "fewest requests in flight"},
      {"least_tokens", static_cast<int>(Routing::least_tokens), "fewest prompt tokens of requests in flight"},
      {"power_of_two", static_cast<int>(Routing::power_of_two), "of two drawn at random the one with fewer requests in flight"},
      {"prefix_aware", static_cast<int>(Routing::prefix_aware), "the longest prefix in its cache, unless its load is beyond the limit"}};
  return kWords;
}
std::span<const Word> scale_by_words() {
  static constexpr Word kWords[] = {{"running", static_cast<int>(ScaleBy::running), "sequences in batches over max_sequences"},
                                    {"waiting", static_cast<int>(ScaleBy::waiting), "requests in queues, per instance"},
                                    {"cache", static_cast<int>(ScaleBy::cache), "share of the cache's blocks in use"}};
  return kWords;
}
std::span<const Word> hand_off_words() {
  static constexpr Word kWords[] = {
      {"after_prefill", static_cast<int>(HandOff::after_prefill), "the decode instance is chosen when the prompt is done and has blocks"},
      {"reserved", static_cast<int>(HandOff::reserved), "blocks of a decode instance are reserved before the prompt is computed"}};
  return kWords;
}
std::span<const Word> failure_kind_words() {
  static constexpr Word kWords[] = {{"instances", static_cast<int>(FailureKind::instances), "instances stop and lose what they hold"},
                                    {"ports", static_cast<int>(FailureKind::ports), "ports of instances go on at `factor` of their rate"},
                                    {"network", static_cast<int>(FailureKind::network), "the network between the pools goes on at `factor` of its rate"}};
  return kWords;
}
std::span<const Word> end_words() {
  static constexpr Word kWords[] = {{"drain", static_cast<int>(End::drain), "everything that arrived is finished"},
                                    {"cut_off", static_cast<int>(End::cut_off), "at the horizon; the rest is in flight"}};
  return kWords;
}

std::int64_t FleetSpec::places() const {
  std::int64_t sum = 0;
  for (const PoolSpec& pool : pools) sum += pool.engine.max_sequences * (pool.autoscaling ? pool.autoscaling->max : pool.instances);
  return sum;
}

std::size_t FleetSpec::models() const {
  std::size_t models = 1;
  for (const PoolSpec& pool : pools) models = std::max(models, static_cast<std::size_t>(pool.model) + 1);
  return models;
}

void describe(config::Schema& s, Router& router) {
  s.choice("routing", router.routing, routing_words(), "which instance gets a request");
  s.number("load_factor", router.load_factor, "prefix_aware: passes over instances with more than this many times the mean of requests in flight, plus load_slack");
  s.integer("load_slack", router.load_slack, "requests");
}
void describe(config::Schema& s, Autoscaling& a) {
  s.choice("by", a.by, scale_by_words(), "what is measured");
  s.number("target", a.target, "value of the measure that is aimed at", {.range = config::kPositive});
  s.number("tolerance", a.tolerance, "relative deviations up to here change nothing");
  s.quantity("interval", a.interval, "between decisions", {.range = kPositiveRunTime});
  s.quantity("start_delay", a.start_delay, "from the decision until an instance takes requests", {.range = kRunTime});
  s.quantity("down_delay", a.down_delay, "scale down to the most instances that were wanted in this time", {.range = kRunTime});
  s.integer("min", a.min, "fewest instances", {.range = config::kPositive});
  s.integer("max", a.max, "most instances", config::kRequired);
  s.check(a.by == ScaleBy::waiting || a.target <= 1, "target is above 1", "running and cache are shares, which are never above it: nothing would be added", "write a share, such as target: 0.7");
}
void describe(config::Schema& s, CachePool& pool) {
  s.quantity("capacity", pool.capacity, "bytes for caches of keys and values, of all instances together", config::kRequired);
  s.quantity("bandwidth", pool.bandwidth, "of all reads together", config::kRequired);
  s.quantity("latency", pool.latency, "of one read", {.range = kRunTime});
}
void describe(config::Schema& s, Slo& slo) {
  s.quantity("ttft", slo.ttft, "most time to the first token");
  s.quantity("tpot", slo.tpot, "most time per output token after the first");
  s.quantity("e2e", slo.e2e, "most time to the last token");
}
void describe(config::Schema& s, RetryPolicy& r) {
  s.integer("max_retries", r.max_retries, "times that a request is sent again after failures; then it is lost");
  s.quantity("delay", r.delay, "until a failure is noticed and the request is sent again", {.range = kRunTime});
  s.quantity("client_timeout", r.client_timeout, "from arrival to the last token; then the client gives up and the request is lost", {.range = kRunTime});
  s.integer("max_queue", r.max_queue, "an arrival is rejected if its instance has so many waiting; 0: no limit");
}
void describe(config::Schema& s, FailureSpec& f) {
  s.choice("kind", f.kind, failure_kind_words(), "what fails");
  s.quantity("at", f.at, "when", {.range = kRunTime});
  s.quantity("duration", f.duration, "until it works again: restart and loading of weights; 0: never", {.range = kRunTime});
  s.number("share", f.share, "of the pool's instances", {.range = config::kUnitInterval});
  s.number("factor", f.factor, "of rates that is left", {.range = config::kUnitInterval});
}

namespace {

std::string problem_of(const PoolSpec& pool) {
  const std::string name = "pool '" + pool.name + "'";
  if (pool.instances < 0) return name + " has a negative number of instances";
  if (pool.timer == nullptr) return name + " has no step times";
  if (pool.engine.blocks <= 0) return name + " has no cache";
  if (pool.model < 0) return name + " serves no model";
  if (pool.chips_per_instance < 0) return name + " has a negative number of chips";
  if (pool.egress.si() < 0 || pool.ingress.si() < 0) return name + " has ports with negative rates";
  if (!pool.autoscaling) return pool.instances > 0 ? "" : name + " has no instances";
  const Autoscaling& a = *pool.autoscaling;
  if (a.min < 0 || a.max < 1 || a.min > a.max || pool.instances < a.min || pool.instances > a.max)
    return name + ": autoscaling between " + std::to_string(a.min) + " and " + std::to_string(a.max) + " instances, starting with " + std::to_string(pool.instances);
  if (!(a.target > 0) || a.tolerance < 0 || a.interval.si() <= 0 || a.start_delay.si() < 0 || a.down_delay.si() < 0) return name + ": autoscaling needs a target and an interval";
  return "";
}

std::string problem_of_transfers(const FleetSpec& spec) {
  std::set<std::int32_t> prefill, decode, transfers;
  std::map<std::int32_t, const PoolSpec*> first_decode;
  for (const PoolSpec& pool : spec.pools) {
    if (pool.role == Role::prefill) prefill.insert(pool.model);
    if (pool.role != Role::decode) continue;
    decode.insert(pool.model);
    if (const PoolSpec& other = *first_decode.emplace(pool.model, &pool).first->second; other.engine.first_token != pool.engine.first_token)
      return "pools '" + other.name + "' and '" + pool.name + "' do not agree on who gives clients their first token (engine.first_token)";
  }
  for (const TransferSpec& t : spec.transfers) {
    if (!transfers.insert(t.model).second) return "two transfers of model " + std::to_string(t.model);
    if (t.cache.of(0).si() < 0 || t.cache.of(1).si() < t.cache.of(0).si() || t.latency.si() < 0 || t.half_size.si() < 0 || t.layers < 1) return "transfers of model " + std::to_string(t.model) + " have negative sizes";
  }
  for (const std::int32_t model : prefill) {
    if (!decode.contains(model)) return "model " + std::to_string(model) + " has prefill but no decode instances";
    if (!transfers.contains(model)) return "model " + std::to_string(model) + " has prefill instances but no transfers";
  }
  for (const std::int32_t model : decode)
    if (!prefill.contains(model)) return "model " + std::to_string(model) + " has decode but no prefill instances";
  return spec.network.si() < 0 ? "the network between the pools has a negative rate" : "";
}

std::string problem_of_failure(const FleetSpec& spec, const FailureSpec& f) {
  if (f.at.si() < 0 || f.duration.si() < 0) return "a failure at a negative time";
  if (f.kind != FailureKind::instances && !(f.factor > 0 && f.factor <= 1)) return "a failure of ports or network needs a factor in (0, 1]";
  if (f.kind == FailureKind::network) return spec.network.si() > 0 ? "" : "a failure of a network that is never the bottleneck";
  if (f.pool < 0 || f.pool >= static_cast<std::int32_t>(spec.pools.size())) return "a failure in a pool that is not there";
  if (f.share < 0 || f.share > 1 || (f.instances.empty() && f.share == 0)) return "a failure of nothing";
  const PoolSpec& pool = spec.pools[static_cast<std::size_t>(f.pool)];
  const std::int64_t most = pool.autoscaling ? pool.autoscaling->max : pool.instances;
  for (const std::int64_t i : f.instances)
    if (i < 0 || i >= most) return "a failure of instance " + std::to_string(i) + " of pool '" + pool.name + "', which has " + std::to_string(most);
  return "";
}

}  // namespace

std::string problem_of(const FleetSpec& spec) {
  if (spec.pools.empty()) return "no pools";
  if (spec.streams.empty()) return "no requests";
  for (const auto& stream : spec.streams)
    if (!stream) return "no requests";
  for (const PoolSpec& pool : spec.pools)
    if (std::string problem = problem_of(pool); !problem.empty()) return problem;
  for (const PoolSpec& pool : spec.pools)
    for (const auto& stream : spec.streams)
      if (const std::int64_t tokens = stream->block_tokens(); pool.engine.prefix_caching && tokens > 0 && tokens % pool.engine.block_tokens != 0)
        return "requests name prefixes in blocks of " + std::to_string(tokens) + " tokens, the cache of pool '" + pool.name + "' has blocks of " + std::to_string(pool.engine.block_tokens);
  std::set<std::int64_t> blocks;
  for (const auto& stream : spec.streams)
    if (stream->block_tokens() > 0) blocks.insert(stream->block_tokens());
  if (blocks.size() > 1) return "streams name prefixes in blocks of different sizes";
  if (std::string problem = problem_of_transfers(spec); !problem.empty()) return problem;
  for (const FailureSpec& failure : spec.failures)
    if (std::string problem = problem_of_failure(spec, failure); !problem.empty()) return problem;
  if (spec.cache_pool && (spec.cache_pool->capacity.si() <= 0 || spec.cache_pool->bandwidth.si() < 0 || spec.cache_pool->latency.si() < 0)) return "a cache pool without capacity";
  if (spec.horizon.si() < 0 || spec.warm_up.si() < 0 || spec.frontend_delay.si() < 0 || spec.max_requests < 0 || spec.warm_up_requests < 0) return "negative limits";
  if (spec.horizon.si() == 0 && spec.end == End::cut_off) return "an end at the horizon, but no horizon";
  return "";
}

}  // namespace zettatwin::fleet
