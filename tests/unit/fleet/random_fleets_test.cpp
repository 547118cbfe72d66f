// SPDX-License-Identifier: Apache-2.0
// Random fleets with everything that can happen to them: no request is lost from sight, no effect comes before its cause, the same spec gives the same
// bits; and a router on one clock is what a loop over all instances would do.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "../../support/fleet_cases.hpp"
#include "../../support/linear_timer.hpp"
#include "../../support/random.hpp"
#include "fleet/fleet.hpp"
#include "serving/instance.hpp"

namespace zettatwin::fleet {
namespace {

using units::Picoseconds;

test::LinearTimer random_timer(test::Random& random) {
  test::LinearTimer timer;
  timer.step_base = random.between(1, 10) * 1'000'000'000;
  timer.per_sequence = random.between(0, 100) * 1'000'000;
  timer.per_cached = random.between(0, 5) * 10'000;
  timer.per_cached_far = timer.per_cached;
  timer.per_prompt_token = random.between(1, 50) * 1'000'000;
  timer.per_context = 0;
  return timer;
}

serving::EngineSettings random_engine(test::Random& random) {
  serving::EngineSettings engine;
  engine.policy = random.of({serving::Policy::mixed, serving::Policy::prefill_first});
  engine.admission = random.of({serving::Admission::prompt, serving::Admission::full, serving::Admission::expected});
  engine.max_sequences = random.between(1, 16);
  engine.max_tokens = random.between(16, 512);
  engine.blocks = random.between(10, 200);
  engine.prefix_caching = random.one_in(2);
  return engine;
}

void add_failures(test::Random& random, FleetSpec& spec) {
  for (std::int64_t i = random.between(0, 3); i > 0; --i) {
    FailureSpec f;
    f.pool = static_cast<std::int32_t>(random.between(0, static_cast<std::int64_t>(spec.pools.size()) - 1));
    f.at = static_cast<double>(random.between(0, 3000)) * units::millisecond;
    f.duration = random.one_in(4) ? units::Seconds{} : static_cast<double>(random.between(1, 2000)) * units::millisecond;
    if (random.one_in(2)) f.share = static_cast<double>(random.between(1, 4)) / 4;
    else f.instances = {random.between(0, spec.pools[static_cast<std::size_t>(f.pool)].instances - 1)};
    if (random.one_in(4)) f.kind = FailureKind::ports, f.factor = 0.25;
    spec.failures.push_back(f);
  }
}

void add_autoscaling(test::Random& random, PoolSpec& pool) {
  if (!random.one_in(3)) return;
  pool.autoscaling = Autoscaling{.by = random.of({ScaleBy::running, ScaleBy::waiting, ScaleBy::cache}), .target = 0.5, .tolerance = 0.1,
                                 .interval = 200 * units::millisecond, .start_delay = static_cast<double>(random.between(0, 500)) * units::millisecond,
                                 .down_delay = 500 * units::millisecond, .min = 1, .max = pool.instances + 3};
}

FleetSpec random_fleet(test::Random& random, const serving::StepTimer& fast, const serving::StepTimer& slow) {
  requests::TrafficSpec traffic;
  if (random.one_in(4)) traffic.concurrency = random.between(1, 40);
  else traffic.rate = units::Hertz::from_si(static_cast<double>(random.between(5, 200)));
  traffic.requests = random.between(1, 400);
  traffic.input = {.mean = 60, .cv = 1};
  traffic.output = {.mean = 20, .cv = 1};
  if (random.one_in(2)) traffic.shared_prefixes = requests::SharedPrefixSpec{.share = 0.7, .count = 5, .tokens = 64, .zipf = 1};
  traffic.seed = random.between(1, 1000);
  const bool disaggregated = random.one_in(2);
  FleetSpec spec = disaggregated ? test::prefill_decode(fast, slow, random.between(1, 4), random.between(1, 4), test::traffic(traffic))
                                 : test::one_pool(fast, 8, test::traffic(traffic), random.between(1, 6));
  if (!disaggregated && random.one_in(3)) {
    spec.pools.push_back(spec.pools[0]);
    spec.pools[1].timer = &slow;
    spec.pools[1].name = "other";
  }
  for (PoolSpec& pool : spec.pools) {
    pool.engine = random_engine(random);
    add_autoscaling(random, pool);
  }
  const auto first = random.of({serving::FirstToken::prompt, serving::FirstToken::joined, serving::FirstToken::decoded});
  for (PoolSpec& pool : spec.pools) pool.engine.first_token = first;
  for (TransferSpec& t : spec.transfers) {
    t.hand_off = random.of({HandOff::after_prefill, HandOff::reserved});
    t.latency = static_cast<double>(random.between(0, 2)) * units::millisecond;
    t.cache.per_token = units::Bytes::from_si(static_cast<double>(random.between(0, 100'000)));
    t.layer_wise = random.one_in(2);
    t.layers = random.between(1, 8);
    t.half_size = units::Bytes::from_si(static_cast<double>(random.between(0, 1) * 100'000));
    t.min_tokens = random.one_in(3) ? 32 : 0;
  }
  if (random.one_in(2)) spec.network = units::BytesPerSecond::from_si(6e7);
  spec.router.routing = random.of({Routing::round_robin, Routing::random, Routing::least_requests, Routing::least_tokens, Routing::power_of_two, Routing::prefix_aware});
  add_failures(random, spec);
  spec.retry.max_retries = random.between(0, 3);
  spec.retry.delay = static_cast<double>(random.between(0, 50)) * units::millisecond;
  if (random.one_in(3)) spec.retry.client_timeout = static_cast<double>(random.between(50, 3000)) * units::millisecond;
  if (random.one_in(4)) spec.retry.max_queue = random.between(1, 20);
  spec.frontend_delay = static_cast<double>(random.between(0, 5)) * units::millisecond;
  if (random.one_in(3)) spec.horizon = static_cast<double>(random.between(500, 4000)) * units::millisecond, spec.end = random.of({End::drain, End::cut_off});
  spec.slo.ttft = 100 * units::millisecond;
  spec.warm_up_requests = random.one_in(3) ? 10 : 0;
  return spec;
}

using Trace = std::vector<std::tuple<std::uint64_t, int, std::int64_t, std::int64_t>>;

Trace check(FleetSpec spec, const std::string& name) {
  std::map<std::uint64_t, RequestRecord> all;
  bool twice = false;
  Trace trace;
  spec.on_request = [&](const RequestRecord& r) {
    twice = twice || !all.emplace(r.number, r).second;
    trace.emplace_back(r.number, static_cast<int>(r.state), r.first_token.count(), r.finish.count());
  };
  const FleetResult result = simulate(spec);
  EXPECT_FALSE(twice) << name;
  RequestCounts told;
  for (const auto& [number, r] : all) {
    ++told.arrived;
    switch (r.state) {
      case RequestRecord::State::finished: {
        ++told.finished;
        const Picoseconds at = r.arrival + Picoseconds::from(spec.frontend_delay);
        EXPECT_TRUE(at <= r.scheduled && r.scheduled < r.first_token && (r.output == 1 ? r.first_token == r.finish : r.first_token < r.finish || r.retries > 0)) << name << " request " << number;
        EXPECT_LE(r.retries, spec.retry.max_retries) << name;
        break;
      }
      case RequestRecord::State::rejected: ++told.rejected; break;
      case RequestRecord::State::lost: ++told.lost; break;
      case RequestRecord::State::in_flight: ++told.in_flight; break;
    }
  }
  const RequestCounts& counted = result.requests;
  EXPECT_EQ(counted.arrived, counted.finished + counted.rejected + counted.lost + counted.in_flight) << name;
  EXPECT_EQ(std::tuple(told.arrived, told.finished, told.rejected, told.lost, told.in_flight),
            std::tuple(counted.arrived, counted.finished, counted.rejected, counted.lost, counted.in_flight)) << name;
  EXPECT_TRUE(all.empty() || all.rbegin()->first + 1 == all.size()) << name;
  std::int64_t arrived = 0, finished = 0, failed = 0;
  for (const auto n : result.series.arrived) arrived += n;
  for (const auto n : result.series.finished) finished += n;
  for (const auto n : result.series.failed) failed += n;
  EXPECT_EQ(finished, counted.finished) << name;
  const RequestCounts& measured = result.all.requests;
  EXPECT_EQ(measured.arrived, measured.finished + measured.rejected + measured.lost + measured.in_flight) << name;
  EXPECT_EQ(measured.arrived, std::max<std::int64_t>(0, counted.arrived - spec.warm_up_requests)) << name;
  for (const PoolResult& pool : result.pools) EXPECT_LE(pool.instances_peak, pool.instances + 3) << name;
  // With everything on at the end and no limits, everything ends.
  const bool for_good = std::any_of(spec.failures.begin(), spec.failures.end(), [](const FailureSpec& f) { return f.duration.si() == 0; });
  EXPECT_TRUE(for_good || spec.end != End::drain || counted.in_flight == 0) << name << ": " << counted.in_flight << " in flight";
  return trace;
}

TEST(RandomFleets, NothingIsLostFromSight) {
  for (std::uint64_t seed = 1; seed <= 600; ++seed) {
    test::Random random(seed);
    const test::LinearTimer fast = random_timer(random), slow = random_timer(random);
    const FleetSpec spec = random_fleet(random, fast, slow);
    ASSERT_EQ(problem_of(spec), "") << seed;
    const Trace trace = check(spec, "seed " + std::to_string(seed));
    if (seed % 10 == 0) {
      EXPECT_EQ(trace, check(spec, "seed " + std::to_string(seed) + ", again"));
    }
    if (testing::Test::HasFatalFailure()) break;
  }
}

// The obvious simulation: at each arrival every instance is brought to that time, and the router looks through all.
class PlainFleet final : public serving::Observer {
 public:
  std::map<serving::JobId, std::int64_t> finish;
  std::vector<std::int64_t> inside;
  std::map<serving::JobId, std::size_t> where;
  void scheduled(serving::JobId, Picoseconds, std::int32_t) override {}
  void first_token(serving::JobId, Picoseconds) override {}
  void finished(serving::JobId id, Picoseconds at) override { finish[id] = at.count(), --inside[where[id]]; }
  void preempted(serving::JobId, Picoseconds) override {}
  void rejected(serving::JobId id, Picoseconds) override { finish[id] = -1, --inside[where[id]]; }
};

TEST(RandomFleets, TheLeastLoadedIsThatOfALoopOverAll) {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    test::Random random(seed);
    const test::LinearTimer timer = random_timer(random);
    requests::TrafficSpec traffic;
    traffic.rate = units::Hertz::from_si(static_cast<double>(random.between(5, 300)));
    traffic.requests = 200;
    traffic.input = {.mean = 60, .cv = 1};
    traffic.output = {.mean = 20, .cv = 1};
    traffic.seed = static_cast<std::int64_t>(seed);
    FleetSpec spec = test::one_pool(timer, 8, test::traffic(traffic), random.between(1, 9));
    spec.pools[0].engine = random_engine(random);
    spec.router.routing = Routing::least_requests;
    std::map<serving::JobId, std::int64_t> told;
    spec.on_request = [&](const RequestRecord& r) { told[r.number + 1] = r.finish.count(); };
    (void)simulate(spec);

    PlainFleet plain;
    std::vector<std::unique_ptr<serving::Instance>> instances;
    for (std::int64_t i = 0; i < spec.pools[0].instances; ++i) {
      serving::EngineSettings settings = spec.pools[0].engine;
      instances.push_back(serving::make_instance(settings, timer, plain, {.seed = spec.seed + static_cast<std::uint64_t>(i)}));
    }
    plain.inside.resize(instances.size());
    std::vector<std::uint64_t> chosen(instances.size());
    const auto stream = spec.streams[0]->fresh();
    requests::Request request;
    for (std::uint64_t id = 1; stream->next(request); ++id) {
      for (auto& instance : instances) instance->advance(request.arrival);
      std::size_t best = 0;
      for (std::size_t i = 1; i < instances.size(); ++i)
        if (std::tuple(plain.inside[i], chosen[i]) < std::tuple(plain.inside[best], chosen[best])) best = i;
      chosen[best] = id;
      plain.where[id] = best;
      ++plain.inside[best];
      instances[best]->submit({.id = id, .work = serving::Work::whole, .hold = false, .input = request.input, .output = request.output, .generated = 0, .blocks = {}}, request.arrival);
    }
    for (auto& instance : instances) instance->advance(Picoseconds(std::int64_t{1} << 60));
    EXPECT_EQ(told, plain.finish) << seed;
  }
}

}  // namespace
}  // namespace zettatwin::fleet
