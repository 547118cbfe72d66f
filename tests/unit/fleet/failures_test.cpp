// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <vector>

#include "../../support/fleet_cases.hpp"
#include "fleet/fleet.hpp"

namespace zettatwin::fleet {
namespace {

const test::ConstantTimer kTenMs(units::Picoseconds(10'000'000'000));

std::map<std::uint64_t, RequestRecord> records(FleetSpec spec, FleetResult* result = nullptr) {
  std::map<std::uint64_t, RequestRecord> all;
  spec.on_request = [&](const RequestRecord& r) { all[r.number] = r; };
  const FleetResult r = simulate(spec);
  if (result != nullptr) *result = r;
  return all;
}
double ms(units::Picoseconds t) { return static_cast<double>(t.count()) * 1e-9; }

FailureSpec loss(double at_ms, double for_ms, std::vector<std::int64_t> instances, std::int32_t pool = 0) {
  return {.kind = FailureKind::instances, .at = at_ms * units::millisecond, .duration = for_ms * units::millisecond, .pool = pool, .instances = std::move(instances), .share = 0, .factor = 0};
}

// Ten tokens in steps of 10 ms on one of two instances, which fails at 35 ms: the client has three tokens. After 5 ms the other one computes the
// prompt and the three tokens again in one step, which gives the fourth; then six more.
TEST(Failures, ARequestGoesOnElsewhereByHand) {
  FleetSpec spec = test::one_pool(kTenMs, 8, test::listed({{0, 100, 10}}), 2);
  spec.failures = {loss(35, 100, {0})};
  spec.retry.delay = 5 * units::millisecond;
  FleetResult result;
  const auto all = records(spec, &result);
  EXPECT_EQ(all.at(0).retries, 1);
  EXPECT_EQ(all.at(0).instance, 1);
  EXPECT_NEAR(ms(all.at(0).first_token), 10, 1e-6);
  EXPECT_NEAR(ms(all.at(0).finish), 40 + 10 + 60, 1e-6);
  EXPECT_EQ(result.failures[0].requests_hit, 1);
  EXPECT_EQ(result.failures[0].requests_lost, 0);
  EXPECT_EQ(result.failures[0].recomputed_tokens, 103);
  EXPECT_EQ(result.failures[0].instances, 1);
  spec.retry.max_retries = 0;
  const auto lost = records(spec, &result);
  EXPECT_EQ(lost.at(0).state, RequestRecord::State::lost);
  EXPECT_EQ(result.requests.lost, 1);
  EXPECT_EQ(result.failures[0].requests_lost, 1);
}

// With nowhere else to go the request waits for the instance to come back, at 135 ms.
TEST(Failures, ARequestWaitsForItsInstanceToComeBack) {
  FleetSpec spec = test::one_pool(kTenMs, 8, test::listed({{0, 100, 10}, {60, 100, 1}}), 1);
  spec.failures = {loss(35, 100, {0})};
  const auto all = records(spec);
  EXPECT_NEAR(ms(all.at(0).finish), 135 + 70, 1e-6);
  EXPECT_NEAR(ms(all.at(1).finish), 135 + 10, 1e-6);
  // For good: it stays in flight, and the run ends all the same.
  spec.failures[0].duration = {};
  FleetResult result;
  EXPECT_EQ(records(spec, &result).at(0).state, RequestRecord::State::in_flight);
  EXPECT_EQ(result.requests.in_flight, 2);
  EXPECT_EQ(result.judgement.verdict, Verdict::infeasible) << "nobody was answered";
  EXPECT_NEAR(result.simulated_s, 0.06, 1e-6) << "when the last thing happened";
}

// Requests that nothing will answer miss the objectives, and a fleet that leaves them is not stable.
TEST(Failures, WhoWaitsForGoodIsCounted) {
  FleetSpec spec = test::one_pool(kTenMs, 8, test::listed({{0, 100, 2}, {20, 100, 2}, {100, 100, 2}, {200, 100, 2}, {300, 100, 2}, {400, 100, 2}}), 1);
  spec.failures = {loss(150, 0, {0})};
  spec.slo.e2e = 1 * units::second;
  FleetResult result;
  EXPECT_EQ(records(spec, &result).size(), 6u);
  EXPECT_EQ(result.requests.finished, 3);
  EXPECT_EQ(result.requests.in_flight, 3);
  EXPECT_EQ(result.judgement.verdict, Verdict::saturated);
  EXPECT_NEAR(result.all.slo_attainment.value, 0.5, 1e-12);
  EXPECT_NEAR(result.simulated_s, 0.4, 1e-6);
  ASSERT_EQ(result.failures.size(), 1u);
  EXPECT_EQ(result.failures[0].attainment_during, 0);
  EXPECT_LT(result.failures[0].attainment_after_s, 0) << "never as before";
}

TEST(Failures, AClientThatWaitsTooLongIsGone) {
  FleetSpec spec = test::one_pool(kTenMs, 8, test::listed({{0, 100, 10}, {0, 100, 4}}), 1);
  spec.retry.client_timeout = 55 * units::millisecond;
  const auto all = records(spec);
  EXPECT_EQ(all.at(0).state, RequestRecord::State::lost);
  EXPECT_EQ(all.at(1).state, RequestRecord::State::finished);
}

TEST(Failures, AFullQueueRejects) {
  FleetSpec spec = test::one_pool(kTenMs, 1, test::listed({{0, 1, 10}, {1, 1, 10}, {2, 1, 10}}), 1);
  spec.retry.max_queue = 1;
  const auto all = records(spec);
  EXPECT_EQ(all.at(1).state, RequestRecord::State::finished);
  EXPECT_EQ(all.at(2).state, RequestRecord::State::rejected);
}

// Prefill at 0-10 ms, transfer of 100 kB at 50 MB/s until 12 ms. The decode instance fails at 11 ms: the cache, still held, goes to the other, 11-13 ms.
TEST(Failures, ACacheOnItsWayGoesToAnotherInstance) {
  FleetSpec spec = test::prefill_decode(kTenMs, kTenMs, 1, 2, test::listed({{0, 100, 3}}));
  spec.failures = {loss(11, 0, {0}, 1)};
  FleetResult result;
  auto all = records(spec, &result);
  EXPECT_NEAR(ms(all.at(0).finish), 13 + 20, 1e-6);
  EXPECT_EQ(all.at(0).retries, 0);
  EXPECT_EQ(result.failures[0].requests_hit, 0);
  // The sender fails: the prompt and the token are computed again.
  spec = test::prefill_decode(kTenMs, kTenMs, 2, 1, test::listed({{0, 100, 3}}));
  spec.failures = {loss(11, 0, {0}, 0)};
  all = records(spec, &result);
  EXPECT_NEAR(ms(all.at(0).finish), 11 + 10 + 2 + 0.02 + 10, 1e-6);  // the second prefill gives the second token
  EXPECT_EQ(result.failures[0].recomputed_tokens, 101);
}

TEST(Failures, WhatAnOutageCostsAndWhenItIsOver) {
  FleetSpec spec = test::one_pool(test::ConstantTimer(units::Picoseconds(5'000'000'000)), 8, test::poisson(700, 70'000, test::Outputs::constant, 20, 5), 10);
  const test::ConstantTimer timer(units::Picoseconds(5'000'000'000));
  spec.pools[0].timer = &timer;
  spec.router.routing = Routing::least_requests;
  spec.slo.ttft = 50 * units::millisecond;
  spec.failures = {{.kind = FailureKind::instances, .at = 40 * units::second, .duration = 10 * units::second, .pool = 0, .instances = {}, .share = 0.3, .factor = 0}};
  const FleetResult r = simulate(spec);
  const FailureResult& f = r.failures[0];
  EXPECT_EQ(f.instances, 3);
  EXPECT_GT(f.attainment_before, 0.99);
  EXPECT_LT(f.attainment_during, 0.5);  // 560 requests/s of capacity are left of 800, for 700
  // A backlog of 140/s x 10 s = 1,400 is worked off at 100/s: 14 s after the recovery.
  EXPECT_GT(f.attainment_after_s, 18);
  EXPECT_LT(f.attainment_after_s, 36);
  EXPECT_EQ(r.requests.finished, 70'000);
  EXPECT_NEAR(r.all.itl.greatest, 5e-3, 1e-9);  // the time that an instance is down is no gap between tokens
  EXPECT_NEAR(r.pools[0].chip_hours, 10 * r.simulated_s / 3600, 1e-9);
}

// A load of 4 instances' worth for a while, then of one.
TEST(Autoscaling, FollowsTheLoad) {
  requests::TrafficSpec traffic;
  traffic.rate = units::Hertz::from_si(150);  // each request holds a place for 100 ms: 15 places, in batches of 8
  traffic.diurnal = requests::DiurnalSpec{.peak_to_mean = 2, .period = 1000 * units::second, .peak = 500 * units::second};
  traffic.duration = 1000 * units::second;
  traffic.input.mean = 1;
  traffic.output.mean = 10;
  FleetSpec spec = test::one_pool(kTenMs, 8, test::traffic(traffic), 1);
  spec.router.routing = Routing::least_requests;
  spec.pools[0].autoscaling = Autoscaling{.by = ScaleBy::running, .target = 0.5, .tolerance = 0.1, .interval = 10 * units::second, .start_delay = 20 * units::second,
                                          .down_delay = 60 * units::second, .min = 1, .max = 20};
  const FleetResult r = simulate(spec);
  EXPECT_EQ(r.requests.finished, r.requests.arrived);
  // 30 places in use at the peak, 4 per instance.
  EXPECT_GE(r.pools[0].instances_peak, 7);
  EXPECT_LE(r.pools[0].instances_peak, 11);
  EXPECT_GT(r.pools[0].instances_mean, 3.5);
  EXPECT_LT(r.pools[0].instances_mean, 6.5);
  EXPECT_GT(r.scaling.size(), 10u);
  EXPECT_EQ(r.series.pools[0].on.front(), 1);
  const FleetResult fixed = [&] {
    FleetSpec s = spec;
    s.pools[0].autoscaling.reset();
    s.pools[0].instances = 11;
    return simulate(s);
  }();
  EXPECT_LT(r.pools[0].chip_hours, 0.6 * fixed.pools[0].chip_hours);
}

}  // namespace
}  // namespace zettatwin::fleet
