// SPDX-License-Identifier: Apache-2.0
// Fleets with a cache pool, sampled by content, against the same fleets played whole.
#include "fleet/detail/content_sample.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "../../support/fleet_cases.hpp"
#include "../../support/linear_timer.hpp"
#include "fleet/detail/divided.hpp"
#include "fleet/fleet.hpp"

namespace zettatwin::fleet {
namespace {

constexpr std::int64_t kInstances = 64;

test::LinearTimer chip() {
  test::LinearTimer timer;
  timer.step_base = 8'000'000'000;
  timer.per_sequence = 20'000'000;
  timer.per_cached = 100;
  timer.per_prompt_token = 30'000'000;
  timer.per_context = 0;
  return timer;
}

// Conversations with one of a few common prefixes; the pool is too small for all of their content, and the chips keep little.
FleetSpec talks(const serving::StepTimer& timer, std::int64_t seed, std::int64_t requests) {
  requests::TrafficSpec traffic;
  traffic.rate = units::Hertz::from_si(3.0 * kInstances);
  traffic.requests = requests;
  traffic.input = {.mean = 300, .cv = 1};
  traffic.output = {.mean = 60, .cv = 1};
  traffic.sessions.emplace();
  traffic.sessions->think = units::Seconds::from_si(4);
  traffic.shared_prefixes = requests::SharedPrefixSpec{.share = 0.8, .count = 4, .tokens = 512, .zipf = 1};
  traffic.seed = seed;
  FleetSpec spec = test::one_pool(timer, 64, test::traffic(traffic), kInstances);
  PoolSpec& pool = spec.pools[0];
  pool.engine.blocks = 4000;
  pool.engine.max_tokens = 2048;
  pool.engine.prefix_caching = true;
  pool.stored_per_token = units::Bytes::from_si(1e5);
  pool.store_port = units::BytesPerSecond::from_si(25e9);
  spec.cache_pool = CachePool{.capacity = units::Bytes::from_si(1e9 * kInstances), .bandwidth = units::BytesPerSecond::from_si(10e9 * kInstances), .latency = 100 * units::microsecond};
  spec.warm_up = 5 * units::second;
  spec.seed = static_cast<std::uint64_t>(seed);
  return spec;
}

FleetSpec allowing(FleetSpec spec, std::int64_t requests) {
  spec.content_sample_requests = requests;
  spec.content_sample_parts = 4;
  spec.content_sample_instances = 4;
  return spec;
}

TEST(ContentSample, IsAskedForByManyRequestsOnly) {
  const auto timer = chip();
  EXPECT_FALSE(content_sample_of(talks(timer, 1, 1000)));
  const FleetSpec spec = allowing(talks(timer, 1, 6000), 5000);
  const auto sample = content_sample_of(spec);
  ASSERT_TRUE(sample);
  EXPECT_EQ(sample->divisor, 16);  // both sizes of four parts are half of the requests
  EXPECT_FALSE(content_sample_of(allowing(talks(timer, 1, 6000), 6000)));
  FleetSpec few = spec;
  few.pools[0].instances = 63;  // 16 parts would have less than four each
  EXPECT_FALSE(content_sample_of(few));
  FleetSpec odd = spec;
  odd.pools[0].instances = 70;  // 16 parts of 4 instances have each 9 % more to do
  EXPECT_FALSE(content_sample_of(odd));
  FleetSpec by_prefix = spec;
  by_prefix.router.routing = Routing::prefix_aware;
  EXPECT_FALSE(content_sample_of(by_prefix));
  FleetSpec alone = spec;
  alone.cache_pool.reset();
  EXPECT_FALSE(content_sample_of(alone));
}

// A pool of 100 kB of which two blocks of 16 tokens, 50 bytes each, are common: 1.6 kB and a tenth of the rest.
TEST(ContentSample, PartsKeepWhatIsCommon) {
  const auto timer = chip();
  FleetSpec spec = talks(timer, 1, 1000);
  spec.pools[0].stored_per_token = units::Bytes::from_si(50);
  spec.cache_pool = CachePool{.capacity = units::Bytes::from_si(1e5), .bandwidth = units::BytesPerSecond::from_si(1e6), .latency = {}};
  const auto common = std::make_shared<const requests::CommonContent>(std::vector<requests::CommonContent::Block>{{7, 0}, {8, 0}});
  const auto part = part_of(spec, {.divisor = 10, .instance = 3, .common = common}, 4);
  ASSERT_TRUE(part);
  EXPECT_DOUBLE_EQ(part->cache_pool->capacity.si(), 1600 + 98'400 / 10.0);
  EXPECT_DOUBLE_EQ(part->cache_pool->bandwidth.si(), 1e5);
  EXPECT_EQ(part->pools[0].instances, 6);
  spec.cache_pool->capacity = units::Bytes::from_si(1000);  // what is common does not fit, in the part as in the whole
  EXPECT_DOUBLE_EQ(part_of(spec, {.divisor = 10, .instance = 3, .common = common}, 4)->cache_pool->capacity.si(), 1000);
}

// Figures of the whole fleet lie within the half widths, at least nine times of ten; a sample of single requests would find far less in the pool.
TEST(ContentSample, HoldsWhatItStates) {
  const auto timer = chip();
  int inside = 0, asked = 0;
  for (std::int64_t seed = 1; seed <= 6; ++seed) {
    FleetSpec spec = talks(timer, seed, 5000);
    spec.router.routing = seed % 3 == 0 ? Routing::least_requests : seed % 3 == 1 ? Routing::round_robin : Routing::power_of_two;
    const FleetResult whole = simulate(spec), part = simulate(allowing(spec, 4000));
    EXPECT_FALSE(whole.sampling.sampled);
    ASSERT_TRUE(part.sampling.sampled);
    EXPECT_EQ(part.sampling.instances, 16);
    EXPECT_EQ(part.sampling.of, kInstances);
    EXPECT_EQ(part.requests.arrived, part.requests.finished);
    const auto judge = [&](const char* name, const Estimate& estimate, const Estimate& truth, double wide) {
      ASSERT_TRUE(estimate.half_width) << name;
      const double off = std::abs(estimate.value - truth.value);
      ++asked;
      // The whole is one case of the law itself: with 1/16 of the traffic in each of 4 parts, a quarter of their variance.
      if (off <= std::sqrt(1.25) * *estimate.half_width) ++inside;
      EXPECT_LT(off, 2.5 * *estimate.half_width) << name << " " << seed;
      EXPECT_LT(*estimate.half_width, wide * truth.value) << name << " " << seed;
    };
    judge("hit rate", part.all.cached_share, whole.all.cached_share, 0.15);
    judge("TTFT", part.all.ttft.mean, whole.all.ttft.mean, 0.5);
    judge("TPOT", part.all.tpot.mean, whole.all.tpot.mean, 0.1);
    judge("tokens/s", part.all.output_tokens_per_s, whole.all.output_tokens_per_s, 0.5);
    judge("input tokens/s", part.all.input_tokens_per_s, whole.all.input_tokens_per_s, 0.5);
    EXPECT_NEAR(part.cache_pool.used_peak / part.cache_pool.capacity, whole.cache_pool.used_peak / whole.cache_pool.capacity, 0.05);
    EXPECT_EQ(part.cache_pool.capacity, whole.cache_pool.capacity);
    EXPECT_NEAR(part.judgement.offered_per_s, whole.judgement.offered_per_s, 0.15 * whole.judgement.offered_per_s);
  }
  EXPECT_GE(inside * 10, asked * 9) << inside << " of " << asked;
}

TEST(ContentSample, SameBitsAgain) {
  const auto timer = chip();
  const FleetSpec spec = allowing(talks(timer, 1, 3000), 2000);
  std::int64_t told = 0;
  FleetSpec watched = spec;
  watched.on_request = [&](const RequestRecord&) { ++told; };
  const FleetResult a = simulate(spec), b = simulate(watched);
  EXPECT_EQ(a.all.ttft.mean.value, b.all.ttft.mean.value);
  EXPECT_EQ(a.all.cached_share.half_width, b.all.cached_share.half_width);
  EXPECT_EQ(told, a.requests.arrived);
}

}  // namespace
}  // namespace zettatwin::fleet
