// SPDX-License-Identifier: Apache-2.0
#include "api/detail/serve_limit.hpp"

#include <algorithm>
#include <limits>

#include "inference/predictor.hpp"

namespace zettatwin::api::detail {
namespace {

constexpr double kNoLimit = std::numeric_limits<double>::infinity();

// What the instances of one side answer together.
struct Side {
  double sum = 0, slowest = kNoLimit, instances = 0, ports = 0;
  void add(double rate, double count, double port) {
    sum += rate * count;
    slowest = std::min(slowest, rate);
    instances += count;
    ports += port * count;
  }
  [[nodiscard]] double rate(fleet::Routing routing) const {
    if (instances == 0) return kNoLimit;
    return routing == fleet::Routing::round_robin || routing == fleet::Routing::random ? slowest * instances : sum;
  }
};

double rate_of(const inference::Served& served, const fleet::FleetSpec& spec, const fleet::FleetResult& result, const fleet::Metrics& metrics, std::size_t first_pool) {
  Side compute, decode;
  for (std::size_t i = 0; i < served.pools.size(); ++i) {
    const auto& pool = served.pools[i];
    const auto& r = result.pools[first_pool + i];
    const auto& scaling = spec.pools[first_pool + i].autoscaling;
    const double room = r.running > 0 ? r.cache_used * static_cast<double>(pool.engine.blocks * pool.engine.block_tokens) / r.running : 0;
    const double input = std::max(1.0, metrics.input_tokens_mean);
    const inference::FullLoad load{.input = input, .cached = std::min(input - 1, input * metrics.cached_share.value), .output = std::max(1.0, metrics.output_tokens_mean), .per_sequence = room};
    auto& side = pool.pool.role == inference::Role::decode ? decode : compute;
    side.add(inference::most_requests_per_s(pool, load), static_cast<double>(scaling ? scaling->max : pool.instances), pool.port_rate.si());
  }
  double rate = std::min(compute.rate(spec.router.routing), decode.rate(spec.decode_router.routing));
  if (!served.hand_over) return rate;
  const double bytes = served.hand_over->cache.of(metrics.input_tokens_mean).si();
  for (const double ports : {compute.ports, decode.ports, served.hand_over->network.si()})
    if (ports > 0 && bytes > 0) rate = std::min(rate, ports / bytes);
  return rate;
}

}  // namespace

double sustainable_rate(const ServeAnswer& answer, const fleet::FleetSpec& spec) {
  const auto& result = answer.subject.result;
  if ((result.judgement.verdict != fleet::Verdict::stable && result.judgement.sustainable_per_s > 0) || result.requests.finished == 0) return 0;
  for (const auto& stream : spec.streams)
    if (stream->concurrency() > 0) return 0;
  for (const auto& failure : spec.failures)
    if (failure.duration.si() <= 0) return 0;
  double most = kNoLimit;  // of all models together, in the proportions that came
  std::size_t first = 0;
  for (std::size_t m = 0; m < answer.served.size(); ++m) {
    const auto& metrics = m < result.models.size() ? result.models[m] : result.all;
    const double share = static_cast<double>(metrics.requests.arrived) / static_cast<double>(std::max<std::int64_t>(1, result.all.requests.arrived));
    if (metrics.requests.finished > 0) most = std::min(most, rate_of(answer.served[m], spec, result, metrics, first) / share);
    first += answer.served[m].pools.size();
  }
  return most < kNoLimit ? most : 0;
}

}  // namespace zettatwin::api::detail
