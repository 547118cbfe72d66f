// SPDX-License-Identifier: Apache-2.0
#include "fleet/detail/divided.hpp"

#include <algorithm>
#include <cmath>

namespace zettatwin::fleet {

namespace {

constexpr double kCommonOfPart = 1.0 / 16;          // of a part's requests: what more begin with is common
constexpr std::int64_t kPilot = std::int64_t{1} << 21;  // requests that are read to find it

// Bytes of the common content in the cache pool.
double common_bytes(const FleetSpec& spec, const requests::CommonContent& common) {
  double bytes = 0;
  std::int64_t tokens = 0;
  for (const auto& stream : spec.streams) tokens = std::max(tokens, stream->block_tokens());
  for (const auto& block : common.blocks()) {
    double of_token = 0;
    for (const PoolSpec& pool : spec.pools)
      if (pool.model == block.model && pool.engine.prefix_caching) of_token = std::max(of_token, pool.stored_per_token.si());
    bytes += of_token * static_cast<double>(tokens);
  }
  return bytes;
}

// What is common takes as much room in a part as in the whole; the rest is divided.
CachePool part_of(const CachePool& pool, double divisor, double common) {
  CachePool part = pool;
  const double capacity = pool.capacity.si();
  if (common < capacity) part.capacity = units::Bytes::from_si(common + (capacity - common) / divisor);
  part.bandwidth = pool.bandwidth / divisor;
  return part;
}

}  // namespace

bool shares_content(const FleetSpec& spec) {
  const bool kept = std::any_of(spec.pools.begin(), spec.pools.end(), [](const PoolSpec& pool) { return pool.engine.prefix_caching; });
  return kept && std::any_of(spec.streams.begin(), spec.streams.end(), [](const auto& stream) { return stream->block_tokens() > 0; });
}

std::shared_ptr<const requests::CommonContent> common_content_of(const FleetSpec& spec, std::int64_t divisor) {
  return requests::common_content(spec.streams, kCommonOfPart / static_cast<double>(divisor), kPilot);
}

std::optional<FleetSpec> part_of(const FleetSpec& spec, const FleetPart& which, std::int64_t least) {
  const std::int64_t divisor = which.divisor;
  FleetSpec part = spec;
  for (PoolSpec& pool : part.pools) {
    if (pool.instances < least * divisor) return std::nullopt;
    pool.instances = (pool.instances + divisor / 2) / divisor;
    if (!pool.autoscaling) continue;
    pool.autoscaling->min = std::max<std::int64_t>(1, pool.autoscaling->min / divisor);
    pool.autoscaling->max = std::max(pool.instances, pool.autoscaling->max / divisor);
    pool.autoscaling->min = std::min(pool.autoscaling->min, pool.instances);
  }
  const bool content = shares_content(spec);
  for (auto& stream : part.streams) {
    if (stream->concurrency() > 0) return std::nullopt;
    const bool named = content && stream->block_tokens() > 0;
    stream = stream->part({.instance = which.instance, .of = divisor, .split = named ? requests::Split::families : requests::Split::random, .seed = spec.seed, .common = which.common});
  }
  for (const FailureSpec& failure : spec.failures)
    if (!failure.instances.empty()) return std::nullopt;
  part.network = part.network / static_cast<double>(divisor);
  if (spec.cache_pool) part.cache_pool = part_of(*spec.cache_pool, static_cast<double>(divisor), which.common ? common_bytes(spec, *which.common) : 0);
  part.max_requests = spec.max_requests / divisor;
  if (spec.max_requests > 0) part.max_requests = std::max<std::int64_t>(1, part.max_requests);
  part.warm_up_requests /= divisor;
  return part;
}

}  // namespace zettatwin::fleet
