// SPDX-License-Identifier: Apache-2.0
#include "fleet/fleet.hpp"

#include <algorithm>
#include <optional>

#include "base/contract.hpp"
#include "fleet/detail/alone_run.hpp"
#include "fleet/detail/global_run.hpp"

namespace zettatwin::fleet {

namespace {

// A fleet of 1/divisor of the instances, with as much of the requests: every router sees loads that are distributed alike, up to terms of the order of
// 1/instances (mean field). None if the fleet cannot be divided.
std::optional<FleetSpec> part_of(const FleetSpec& spec, std::int64_t divisor) {
  if (spec.cache_pool) return std::nullopt;  // a share of the requests drawn at random finds less of each other's content
  FleetSpec part = spec;
  for (PoolSpec& pool : part.pools) {
    if (pool.instances < 4 * divisor) return std::nullopt;
    pool.instances /= divisor;
    if (!pool.autoscaling) continue;
    pool.autoscaling->min = std::max<std::int64_t>(1, pool.autoscaling->min / divisor);
    pool.autoscaling->max = std::max(pool.instances, pool.autoscaling->max / divisor);
    pool.autoscaling->min = std::min(pool.autoscaling->min, pool.instances);
  }
  for (auto& stream : part.streams) {
    if (stream->concurrency() > 0) return std::nullopt;
    stream = stream->part({.instance = 0, .of = divisor, .split = requests::Split::random, .seed = spec.seed});
  }
  for (const FailureSpec& failure : spec.failures)
    if (!failure.instances.empty()) return std::nullopt;
  part.network = part.network / static_cast<double>(divisor);
  part.max_requests = spec.max_requests / divisor;
  if (spec.max_requests > 0) part.max_requests = std::max<std::int64_t>(1, part.max_requests);
  part.warm_up_requests /= divisor;
  return part;
}

}  // namespace

FleetResult simulate(const FleetSpec& spec) {
  const std::string problem = problem_of(spec);
  ZT_EXPECT(problem.empty(), problem);
  std::int64_t instances = 0;
  for (const PoolSpec& pool : spec.pools) instances += pool.instances;
  if (instances_are_independent(spec)) {
    const bool many = instances > spec.sample_above && expected_requests(spec).value_or(1e300) > static_cast<double>(spec.sample_requests);
    return AloneRun(spec, many ? spec.sample_instances : 0).run();
  }
  if (instances > spec.state_dependent_max) {
    const std::int64_t divisor = (instances + spec.state_dependent_max - 1) / spec.state_dependent_max;
    if (const std::optional<FleetSpec> part = part_of(spec, divisor)) {
      FleetResult r = GlobalRun(*part, static_cast<double>(divisor)).run();
      for (std::size_t p = 0; p < r.pools.size(); ++p) r.pools[p].instances = spec.pools[p].instances, r.pools[p].instances_peak *= divisor;
      r.sampling = {.sampled = true, .instances = instances / divisor, .of = instances, .how = ""};
      r.sampling.how = "a fleet of one in " + std::to_string(divisor) + " instances with as much of the requests, drawn at random: routers see loads that are distributed alike, up to terms of 1/instances";
      return r;
    }
  }
  return GlobalRun(spec).run();
}

}  // namespace zettatwin::fleet
