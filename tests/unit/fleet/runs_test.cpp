// SPDX-License-Identifier: Apache-2.0
// Closed loops, several models and pools, warm-up, verdicts at the edges, and what is told along the way.
#include <gtest/gtest.h>

#include <cmath>
#include <numeric>
#include <set>
#include <vector>

#include "../../support/fleet_cases.hpp"
#include "fleet/fleet.hpp"

namespace zettatwin::fleet {
namespace {

const test::ConstantTimer kTenMs(units::Picoseconds(10'000'000'000));

std::shared_ptr<const requests::Stream> closed_loop(std::int64_t users, std::int64_t count, std::int64_t output) {
  requests::TrafficSpec spec;
  spec.concurrency = users;
  spec.requests = count;
  spec.input.mean = 1;
  spec.output.mean = static_cast<double>(output);
  return test::traffic(spec);
}

// 8 users, answers of 10 tokens in steps of 10 ms: rounds of 100 ms, 8 requests each. 80 requests take a second.
TEST(ClosedLoop, KeepsItsUsersBusyByHand) {
  const FleetSpec spec = test::one_pool(kTenMs, 8, closed_loop(8, 80, 10));
  const FleetResult r = simulate(spec);
  EXPECT_EQ(r.requests.finished, 80);
  EXPECT_NEAR(r.measured_to_s, 1.0, 1e-9);
  EXPECT_NEAR(r.all.requests_per_s.value, 80, 1e-6);
  EXPECT_NEAR(r.all.output_tokens_per_s.value, 800, 1e-6);
  EXPECT_NEAR(r.all.e2e.mean.value, 0.1, 1e-9);
  EXPECT_NEAR(r.all.ttft.mean.value, 0.01, 1e-9);
  EXPECT_NEAR(r.all.tpot.p99.value, 0.01, 1e-5);
  EXPECT_NEAR(r.all.itl.mean.value, 0.01, 1e-9);
  EXPECT_EQ(r.all.itl.count, 80 * 9);
  EXPECT_NEAR(r.pools[0].utilisation, 1, 1e-9);
  EXPECT_NEAR(r.pools[0].running, 8, 1e-6);
  EXPECT_EQ(r.judgement.verdict, Verdict::stable);
}

// The same, of whose tokens three are sent at a time: a third of the gaps, each three steps long; what the mean over a request shows does not change.
TEST(ClosedLoop, ParcelsOfTokensHaveLongerGaps) {
  FleetSpec spec = test::one_pool(kTenMs, 8, closed_loop(8, 80, 10));
  spec.pools[0].engine.stream_tokens = 3;
  const FleetResult r = simulate(spec);
  EXPECT_NEAR(r.all.itl.mean.value, 0.03, 1e-9);
  EXPECT_EQ(r.all.itl.count, 80 * 9 / 3);
  EXPECT_NEAR(r.all.tpot.mean.value, 0.01, 1e-9);
  EXPECT_NEAR(r.all.ttft.mean.value, 0.01, 1e-9);
}

// A batch of 4 for 8 users: half of them wait for a round.
TEST(ClosedLoop, MoreUsersThanPlacesWait) {
  const FleetResult r = simulate(test::one_pool(kTenMs, 4, closed_loop(8, 400, 10)));
  EXPECT_NEAR(r.all.requests_per_s.value, 40, 1e-6);
  EXPECT_NEAR(r.all.queueing.p99.value, 0.1, 1e-4);
}

TEST(ClosedLoop, WarmUpRequestsAreNotMeasured) {
  FleetSpec spec = test::one_pool(kTenMs, 8, closed_loop(8, 80, 10));
  spec.warm_up_requests = 16;
  const FleetResult r = simulate(spec);
  EXPECT_EQ(r.requests.finished, 80);
  EXPECT_EQ(r.all.requests.finished, 64);
  EXPECT_NEAR(r.measured_from_s, 0.2, 1e-9);
  // Those that end at 0.2 s sharp were answered when the window opens.
  EXPECT_NEAR(r.all.requests_per_s.value, (64 + 8) / 0.8, 10.1);
  EXPECT_NEAR(r.all.e2e.mean.value, 0.1, 1e-9);
}

// Frontend: 20 ms before anything happens; goodput and attainment with half of the answers too long.
TEST(Objectives, FrontendAndAttainmentByHand) {
  FleetSpec spec = test::one_pool(kTenMs, 8, test::listed({{0, 1, 3}, {0, 1, 9}, {1000, 1, 3}, {1000, 1, 9}}));
  spec.frontend_delay = 20 * units::millisecond;
  spec.slo = {.ttft = 30 * units::millisecond, .tpot = 10 * units::millisecond, .e2e = 60 * units::millisecond};
  const FleetResult r = simulate(spec);
  EXPECT_NEAR(r.all.ttft.mean.value, 0.03, 1e-12);
  EXPECT_NEAR(r.all.queueing.mean.value, 0, 1e-12);
  EXPECT_NEAR(r.all.e2e.greatest, 0.11, 1e-12);
  EXPECT_DOUBLE_EQ(r.all.slo_attainment.value, 0.5);
  EXPECT_DOUBLE_EQ(r.all.ttft_attainment, 1);
  EXPECT_DOUBLE_EQ(r.all.e2e_attainment, 0.5);
  EXPECT_NEAR(r.all.goodput_per_s.value, 2 / 1.11, 1e-9);
}

std::shared_ptr<const requests::Stream> two_models() {
  auto list = std::make_shared<requests::RequestList>();
  for (int i = 0; i < 100; ++i)
    list->add({.arrival = units::Picoseconds(std::int64_t{i} * 200'000'000'000), .input = 1, .output = i % 4 == 0 ? 20 : 5, .model = i % 4 == 0 ? 1 : 0, .session = 0, .blocks = {}});
  return std::make_shared<requests::ListStream>(list);
}

TEST(Models, EachGoesToItsPoolsAndIsMeasuredApart) {
  const test::ConstantTimer slow(units::Picoseconds(20'000'000'000));
  FleetSpec spec = test::one_pool(kTenMs, 8, two_models(), 2);
  spec.pools.push_back(spec.pools[0]);
  spec.pools[1].name = "large";
  spec.pools[1].model = 1;
  spec.pools[1].instances = 1;
  spec.pools[1].timer = &slow;
  spec.pools[1].chips_per_instance = 8;
  std::set<std::pair<int, int>> seen;
  spec.on_request = [&](const RequestRecord& r) { seen.emplace(r.model, r.instance); };
  for (const bool one_clock : {false, true}) {
    if (one_clock) spec.router.routing = Routing::least_requests;
    seen.clear();
    const FleetResult r = simulate(spec);
    EXPECT_EQ(seen, (std::set<std::pair<int, int>>{{0, 0}, {0, 1}, {1, 2}}));
    ASSERT_EQ(r.models.size(), 2u);
    EXPECT_EQ(r.models[0].requests.finished, 75);
    EXPECT_NEAR(r.models[0].e2e.mean.value, 0.05, 1e-9);
    EXPECT_NEAR(r.models[1].e2e.mean.value, 0.4, 1e-9);
    EXPECT_NEAR(r.all.output_tokens_per_s_per_chip.value, r.all.output_tokens_per_s.value / 10, 1e-9);
  }
  // A model that nobody serves.
  spec.pools.pop_back();
  const FleetResult r = simulate(spec);
  EXPECT_EQ(r.requests.rejected, 25);
  EXPECT_EQ(r.requests.finished, 75);
}

TEST(Verdicts, NothingFits) {
  FleetSpec spec = test::one_pool(kTenMs, 8, test::poisson(10, 50, test::Outputs::constant, 5, 1, 1000));
  spec.pools[0].engine.blocks = 10;
  const FleetResult r = simulate(spec);
  EXPECT_EQ(r.requests.rejected, 50);
  EXPECT_EQ(r.judgement.verdict, Verdict::infeasible);
}

// Twice what can be done, for ever: the simulation ends by itself and says why.
TEST(Verdicts, AnOverloadDoesNotGrowWithoutBound) {
  for (const Routing routing : {Routing::round_robin, Routing::least_requests}) {
    FleetSpec spec = test::one_pool(kTenMs, 8, test::poisson(1600, 0, test::Outputs::constant, 10, 1), 10);
    spec.pools[0].instances = 10;
    spec.horizon = units::hour;
    spec.max_backlog = 20'000;
    spec.router.routing = routing;
    const FleetResult r = simulate(spec);
    EXPECT_TRUE(r.cut_short);
    EXPECT_EQ(r.judgement.verdict, Verdict::saturated);
    EXPECT_NEAR(r.judgement.sustainable_per_s, 800, 40);
    EXPECT_NEAR(r.judgement.backlog_growth_per_s, 800, 80);
    EXPECT_LT(r.requests.in_flight, 40'000);
    EXPECT_EQ(r.requests.arrived, r.requests.finished + r.requests.in_flight);
  }
}

// 50 requests/s for 20 s on ten places. Requests of 0.1 s load half of them; of 100 s, answering all takes hours, and however coarse the intervals became meanwhile, it did not keep up.
TEST(Verdicts, ALongDrainDoesNotHideTheOverload) {
  for (const Routing routing : {Routing::round_robin, Routing::least_requests})
    for (const double tokens : {10.0, 10'000.0}) {
      FleetSpec spec = test::one_pool(kTenMs, 10, test::poisson(50, 0, test::Outputs::constant, tokens, 1), 1);
      spec.horizon = units::Seconds::from_si(20);
      spec.router.routing = routing;
      const FleetResult r = simulate(spec);
      const bool keeps_up = tokens < 100;
      EXPECT_EQ(r.judgement.verdict, keeps_up ? Verdict::stable : Verdict::saturated);
      EXPECT_NEAR(r.judgement.offered_per_s, 50, 5) << "over the time in which they came";
      EXPECT_NEAR(r.judgement.backlog_growth_per_s, keeps_up ? 0 : 50, 7);
    }
}

// All at once: no rate, nothing that grows.
TEST(Verdicts, ABurstHasNoRate) {
  std::vector<test::Arrival> burst(200);
  for (auto& arrival : burst) arrival = {.ms = 0, .input = 1, .output = 10};
  FleetSpec spec = test::one_pool(kTenMs, 8, test::listed(burst));
  const FleetResult r = simulate(spec);
  EXPECT_EQ(r.requests.finished, 200);
  EXPECT_EQ(r.judgement.verdict, Verdict::stable);
  EXPECT_EQ(r.judgement.offered_per_s, 0);
  EXPECT_EQ(r.judgement.reason, "all requests come at once");
}

// More in the first interval than the simulation holds: nothing was answered, all of it is backlog.
TEST(Verdicts, ARateBeyondAllLimits) {
  for (const Routing routing : {Routing::round_robin, Routing::least_requests}) {
    FleetSpec spec = test::one_pool(kTenMs, 8, test::poisson(1e9, 0, test::Outputs::constant, 10, 1), 2);
    spec.horizon = units::hour;
    spec.max_backlog = 20'000;
    spec.router.routing = routing;
    const FleetResult r = simulate(spec);
    EXPECT_EQ(r.judgement.verdict, Verdict::saturated);
    EXPECT_NEAR(r.judgement.offered_per_s / 1e9, 1, 0.05);
    EXPECT_NEAR(r.judgement.backlog_growth_per_s / 1e9, 1, 0.05);
  }
}

TEST(Told, TheTimelineShowsEveryPool) {
  FleetSpec spec = test::prefill_decode(kTenMs, kTenMs, 3, 3, test::poisson(100, 200, test::Outputs::constant, 10, 4, 50));
  spec.timeline_instances = 2;
  std::set<std::int32_t> shown;
  for (const Span& span : simulate(spec).timeline) shown.insert(span.instance);
  EXPECT_EQ(shown, (std::set<std::int32_t>{0, 1, 3, 4}));
}

TEST(Told, SeriesTimelineAndProgress) {
  FleetSpec spec = test::one_pool(kTenMs, 8, test::poisson(50, 2000, test::Outputs::constant, 10, 4), 2);
  spec.timeline_instances = 1;
  spec.progress_requests = 500;
  std::vector<std::int64_t> done;
  spec.on_progress = [&](const Progress& p) { done.push_back(p.done); };
  for (const Routing routing : {Routing::round_robin, Routing::least_requests}) {
    done.clear();
    spec.router.routing = routing;
    const FleetResult r = simulate(spec);
    EXPECT_EQ(done, (std::vector<std::int64_t>{500, 1000, 1500, 2000}));
    EXPECT_EQ(std::accumulate(r.series.arrived.begin(), r.series.arrived.end(), std::int64_t{0}), 2000);
    EXPECT_EQ(std::accumulate(r.series.finished.begin(), r.series.finished.end(), std::int64_t{0}), 2000);
    EXPECT_NEAR(std::accumulate(r.series.output_tokens.begin(), r.series.output_tokens.end(), 0.0), 20'000, 1e-6);
    EXPECT_LE(r.series.arrived.size(), 512u);
    EXPECT_GE(r.series.arrived.size(), 256u);
    // Time in steps: 2000 requests of 10 steps, some together.
    double busy = 0;
    for (const double share : r.series.pools[0].busy) busy += share * r.series.interval_s * 2;
    EXPECT_NEAR(busy / (2 * r.simulated_s), r.pools[0].utilisation, 0.02);
    ASSERT_FALSE(r.timeline.empty());
    units::Picoseconds before(0);
    for (const Span& span : r.timeline) {
      EXPECT_EQ(span.instance, 0);
      EXPECT_LE(before, span.begin);
      EXPECT_LT(span.begin, span.end);
      before = span.end;
    }
  }
}

}  // namespace
}  // namespace zettatwin::fleet
