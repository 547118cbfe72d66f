// SPDX-License-Identifier: Apache-2.0
#include "fleet/fleet.hpp"

#include <algorithm>
#include <cmath>
#include <optional>

#include "base/contract.hpp"
#include "fleet/detail/alone_run.hpp"
#include "fleet/detail/content_sample.hpp"
#include "fleet/detail/divided.hpp"
#include "fleet/detail/global_run.hpp"

namespace zettatwin::fleet {

namespace {

// Rates per chip are of the chips at the start; with autoscaling they are of those that were on or starting, on average.
void count_chips_that_were_on(const FleetSpec& spec, FleetResult& r) {
  const auto ratio = [&](std::optional<std::int32_t> model) {  // chips at the start over chips on
    double start = 0, on = 0;
    for (std::size_t p = 0; p < spec.pools.size(); ++p) {
      const PoolSpec& pool = spec.pools[p];
      if (model && pool.model != *model) continue;
      start += static_cast<double>(pool.instances) * pool.chips_per_instance;
      on += (pool.autoscaling ? r.pools[p].instances_mean : static_cast<double>(pool.instances)) * pool.chips_per_instance;
    }
    return on > 0 ? start / on : 1;
  };
  const auto scale = [](Metrics& m, double by) {
    const auto times = [by](Estimate& e) {
      e.value *= by;
      if (e.half_width) e.half_width = *e.half_width * by;
    };
    times(m.output_tokens_per_s_per_chip);
    times(m.total_tokens_per_s_per_chip);
    if (m.steady) times(m.steady->output_tokens_per_s_per_chip);
  };
  scale(r.all, ratio(std::nullopt));
  for (std::size_t m = 0; m < r.models.size(); ++m) scale(r.models[m], ratio(static_cast<std::int32_t>(m)));
}

// How many of these independent instances are simulated; 0: all. An instance costs as much as some requests, for its time series; a sample has as many as give its percentiles.
std::int64_t sample_of(const FleetSpec& spec, std::int64_t instances) {
  constexpr double kInstance = 64, kEnough = 20'000;  // requests
  constexpr std::int64_t kGroups = 32;                 // multiples, for the confidence intervals
  const double requests = expected_requests(spec).value_or(1e300), all = static_cast<double>(instances);
  if (instances <= spec.sample_above || requests + kInstance * all <= static_cast<double>(spec.sample_requests)) return 0;
  if (requests < all && spec.router.routing == Routing::round_robin) return 0;  // most have nothing to do, and are not made
  const auto wanted = std::max(spec.sample_instances, static_cast<std::int64_t>(std::ceil(std::min(1.0, kEnough / requests) * all / kGroups)) * kGroups);
  return std::min(instances, wanted);
}

FleetResult simulate_as_stated(const FleetSpec& spec);

}  // namespace

FleetResult simulate(const FleetSpec& spec) {
  const std::string problem = problem_of(spec);
  ZT_EXPECT(problem.empty(), problem);
  FleetResult r = simulate_as_stated(spec);
  if (std::any_of(spec.pools.begin(), spec.pools.end(), [](const PoolSpec& pool) { return pool.autoscaling.has_value(); })) count_chips_that_were_on(spec, r);
  return r;
}

namespace {

FleetResult simulate_as_stated(const FleetSpec& spec) {
  std::int64_t instances = 0;
  for (const PoolSpec& pool : spec.pools) instances += pool.instances;
  if (instances_are_independent(spec)) {
    return AloneRun(spec, sample_of(spec, instances)).run();
  }
  if (const auto sample = content_sample_of(spec)) return simulate_sample(spec, *sample);
  if (instances > spec.state_dependent_max && !spec.cache_pool) {
    const std::int64_t divisor = (instances + spec.state_dependent_max - 1) / spec.state_dependent_max;
    if (const std::optional<FleetSpec> part = part_of(spec, {.divisor = divisor, .instance = 0, .common = shares_content(spec) ? common_content_of(spec, divisor) : nullptr}, 4)) {
      FleetResult r = GlobalRun(*part, static_cast<double>(divisor)).run();
      for (std::size_t p = 0; p < r.pools.size(); ++p) r.pools[p].instances = spec.pools[p].instances, r.pools[p].instances_peak *= divisor;
      r.sampling = {.sampled = true, .instances = instances / divisor, .of = instances, .how = ""};
      r.sampling.how = "a fleet of one in " + std::to_string(divisor) + " instances with as much of the requests, drawn at random (those that can share content together): routers see loads that are distributed alike, up to terms of 1/instances";
      return r;
    }
  }
  return GlobalRun(spec).run();
}

}  // namespace
}  // namespace zettatwin::fleet
