// SPDX-License-Identifier: Apache-2.0
// Instances that do not see each other are simulated one by one: the same as on one clock; a sample of them: the same within its confidence.
#include <gtest/gtest.h>

#include <algorithm>
#include <tuple>
#include <vector>

#include "../../support/fleet_cases.hpp"
#include "../../support/linear_timer.hpp"
#include "fleet/fleet.hpp"

namespace zettatwin::fleet {
namespace {

using Record = std::tuple<std::uint64_t, std::int32_t, std::int64_t, std::int64_t, std::int64_t, std::int64_t, int>;

struct Outcome {
  FleetResult result;
  std::vector<Record> records;
};

Outcome outcome(FleetSpec spec) {
  Outcome o;
  spec.on_request = [&](const RequestRecord& r) { o.records.emplace_back(r.number, r.instance, r.arrival.count(), r.scheduled.count(), r.first_token.count(), r.finish.count(), static_cast<int>(r.state)); };
  o.result = simulate(spec);
  std::sort(o.records.begin(), o.records.end());
  return o;
}

test::LinearTimer chip() {
  test::LinearTimer timer;
  timer.step_base = 5'000'000'000;
  timer.per_sequence = 30'000'000;
  timer.per_cached = 10'000;
  timer.per_prompt_token = 20'000'000;
  timer.per_context = 1'000;
  return timer;
}

FleetSpec busy_fleet(const serving::StepTimer& timer, Routing routing, std::int64_t instances, double rate_per_instance, std::int64_t requests) {
  requests::TrafficSpec traffic;
  traffic.rate = units::Hertz::from_si(rate_per_instance * static_cast<double>(instances));
  traffic.requests = requests;
  traffic.input = {.mean = 300, .cv = 1};
  traffic.output = {.mean = 60, .cv = 1};
  FleetSpec spec = test::one_pool(timer, 16, test::traffic(traffic), instances);
  spec.pools[0].engine.blocks = 1000;
  spec.pools[0].engine.max_tokens = 512;
  spec.router.routing = routing;
  spec.slo = {.ttft = 200 * units::millisecond, .tpot = 12 * units::millisecond, .e2e = {}};
  spec.frontend_delay = 3 * units::millisecond;
  spec.warm_up = 2 * units::second;
  return spec;
}

// A failure of ports that aggregated instances do not use changes nothing but the way that the fleet is simulated.
FleetSpec on_one_clock(FleetSpec spec) {
  spec.failures.push_back({.kind = FailureKind::ports, .at = units::second, .duration = {}, .pool = 0, .instances = {}, .share = 1, .factor = 1});
  return spec;
}

class OneByOne : public testing::TestWithParam<std::tuple<Routing, End, double>> {};

TEST_P(OneByOne, IsWhatHappensOnOneClock) {
  const auto [routing, end, rate] = GetParam();
  const test::LinearTimer timer = chip();
  FleetSpec spec = busy_fleet(timer, routing, 7, rate, 3000);
  spec.end = end;
  if (end == End::cut_off) spec.horizon = 40 * units::second;
  const Outcome alone = outcome(spec), together = outcome(on_one_clock(spec));
  ASSERT_EQ(alone.records.size(), together.records.size());
  EXPECT_EQ(alone.records, together.records);
  EXPECT_EQ(alone.result.requests.finished, together.result.requests.finished);
  EXPECT_EQ(alone.result.all.ttft.mean.value, together.result.all.ttft.mean.value);
  EXPECT_EQ(alone.result.all.e2e.p99.value, together.result.all.e2e.p99.value);
  EXPECT_EQ(alone.result.all.requests_per_s.value, together.result.all.requests_per_s.value);
  EXPECT_EQ(alone.result.all.itl.count, together.result.all.itl.count);
  EXPECT_EQ(alone.result.all.slo_attainment.value, together.result.all.slo_attainment.value);
  EXPECT_EQ(alone.result.series.finished, together.result.series.finished);
  EXPECT_EQ(alone.result.series.pools[0].waiting, together.result.series.pools[0].waiting);
  EXPECT_EQ(alone.result.judgement.verdict, together.result.judgement.verdict);
  EXPECT_EQ(alone.result.pools[0].steps, together.result.pools[0].steps);
}

INSTANTIATE_TEST_SUITE_P(Fleet, OneByOne,
                         testing::Combine(testing::Values(Routing::round_robin, Routing::random), testing::Values(End::drain, End::cut_off), testing::Values(5.0, 14.0, 40.0)));

// With fewer requests than instances most are not made at all; what is told of the pool is of all.
TEST(FleetSample, InstancesWithoutRequestsCountAsIdle) {
  const test::LinearTimer timer = chip();
  FleetSpec spec = busy_fleet(timer, Routing::round_robin, 1000, 0.02, 60);
  spec.warm_up = {};
  const Outcome alone = outcome(spec), together = outcome(on_one_clock(spec));
  EXPECT_EQ(alone.records, together.records);
  const auto &a = alone.result.pools[0], &b = together.result.pools[0];
  EXPECT_EQ(a.instances, b.instances);
  EXPECT_NEAR(a.utilisation, b.utilisation, 1e-9 * b.utilisation);
  EXPECT_NEAR(a.running, b.running, 1e-9 * b.running);
  EXPECT_NEAR(a.chip_hours, b.chip_hours, 1e-9 * b.chip_hours);
  EXPECT_NEAR(a.instances_mean, 1000, 1e-6);
  EXPECT_NEAR(a.imbalance, b.imbalance, 1e-9 * b.imbalance);
  EXPECT_EQ(alone.result.series.pools[0].on, together.result.series.pools[0].on);
  EXPECT_EQ(alone.result.all.output_tokens_per_s_per_chip.value, together.result.all.output_tokens_per_s_per_chip.value);
}

TEST(FleetSample, LiesWithinItsConfidenceOfTheWhole) {
  const test::LinearTimer timer = chip();
  int inside = 0, all = 0;
  for (const Routing routing : {Routing::round_robin, Routing::random})
    for (const double rate : {6.0, 10.0}) {
      FleetSpec spec = busy_fleet(timer, routing, 320, rate, 320 * 600);
      const FleetResult whole = simulate(spec);
      spec.sample_above = 100;
      spec.sample_requests = 1000;
      spec.sample_instances = 64;
      const FleetResult sample = simulate(spec);
      ASSERT_TRUE(sample.sampling.sampled);
      EXPECT_EQ(sample.sampling.instances, 64);
      EXPECT_EQ(sample.judgement.verdict, whole.judgement.verdict);
      const auto close = [&](const Estimate& a, const Estimate& b) {
        ASSERT_TRUE(a.half_width && b.half_width);
        const double allowed = std::sqrt(*a.half_width * *a.half_width + *b.half_width * *b.half_width);
        inside += std::abs(a.value - b.value) <= allowed ? 1 : 0;
        ++all;
        EXPECT_NEAR(a.value, b.value, 2.5 * allowed);
      };
      close(sample.all.ttft.mean, whole.all.ttft.mean);
      close(sample.all.ttft.p99, whole.all.ttft.p99);
      close(sample.all.tpot.mean, whole.all.tpot.mean);
      close(sample.all.e2e.p90, whole.all.e2e.p90);
      close(sample.all.output_tokens_per_s, whole.all.output_tokens_per_s);
      close(sample.all.slo_attainment, whole.all.slo_attainment);
    }
  EXPECT_GE(inside, all - 4) << all;
}

// A router that looks at loads, on a fleet cut down to a sixth.
TEST(FleetSample, OfAStateDependentRouterIsCloseToTheWhole) {
  const test::LinearTimer timer = chip();
  for (const Routing routing : {Routing::least_requests, Routing::power_of_two}) {
    FleetSpec spec = busy_fleet(timer, routing, 240, 12, 0);
    spec.horizon = 22 * units::second;
    spec.end = End::cut_off;
    const FleetResult whole = simulate(spec);
    spec.state_dependent_max = 40;
    const FleetResult part = simulate(spec);
    EXPECT_TRUE(part.sampling.sampled);
    EXPECT_NEAR(part.all.requests_per_s.value, whole.all.requests_per_s.value, 0.02 * whole.all.requests_per_s.value);
    EXPECT_NEAR(part.all.output_tokens_per_s_per_chip.value, whole.all.output_tokens_per_s_per_chip.value, 0.02 * whole.all.output_tokens_per_s_per_chip.value);
    EXPECT_NEAR(part.all.ttft.mean.value, whole.all.ttft.mean.value, 0.1 * whole.all.ttft.mean.value);
    EXPECT_NEAR(part.all.tpot.mean.value, whole.all.tpot.mean.value, 0.02 * whole.all.tpot.mean.value);
    EXPECT_EQ(part.pools[0].instances, 240);
  }
}

TEST(FleetRouting, TwoChoicesWaitLessThanOneAndMoreThanTheLeastLoaded) {
  const test::LinearTimer timer = chip();
  const auto wait = [&](Routing routing) { return simulate(busy_fleet(timer, routing, 40, 24, 40 * 400)).all.queueing.mean.value; };
  const double random = wait(Routing::random), two = wait(Routing::power_of_two), least = wait(Routing::least_requests);
  EXPECT_LT(two, 0.5 * random);
  EXPECT_LE(least, two * 1.02);
}

TEST(FleetDeterminism, SameSpecSameBits) {
  const test::LinearTimer timer = chip();
  const FleetSpec spec = busy_fleet(timer, Routing::power_of_two, 9, 14, 4000);
  EXPECT_EQ(outcome(spec).records, outcome(spec).records);
  FleetSpec other = spec;
  other.seed = 2;
  EXPECT_NE(outcome(spec).records, outcome(other).records);
}

// Contents that nobody keeps may have any size, on one clock and alone.
TEST(Independent, NamesOfContentsThatNobodyKeepsMeanNothing) {
  const auto timer = chip();
  requests::TrafficSpec traffic;
  traffic.rate = units::Hertz::from_si(20);
  traffic.requests = 100;
  traffic.input.mean = 100;
  traffic.output.mean = 10;
  traffic.shared_prefixes = {.share = 1, .count = 3, .tokens = 40};
  traffic.block_tokens = 10;
  FleetSpec spec = test::one_pool(timer, 16, test::traffic(traffic), 2);
  spec.pools[0].engine.block_tokens = 16;
  spec.router.routing = Routing::round_robin;
  EXPECT_EQ(problem_of(spec), "");
  EXPECT_EQ(outcome(spec).result.requests.finished, 100);
  EXPECT_EQ(outcome(on_one_clock(spec)).records, outcome(spec).records);
}

}  // namespace
}  // namespace zettatwin::fleet
