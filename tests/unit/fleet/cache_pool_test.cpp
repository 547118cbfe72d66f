// SPDX-License-Identifier: Apache-2.0
// A pool of caches that the instances of a fleet share, calculated by hand.
#include <gtest/gtest.h>

#include "../../support/fleet_cases.hpp"
#include "../../support/linear_timer.hpp"
#include "fleet/fleet.hpp"

namespace zettatwin::fleet {
namespace {

constexpr std::int64_t kUnit = 16;

// Requests of one second's distance with the same 64 tokens first, on instances in turn.
FleetSpec alike(const serving::StepTimer& timer, std::int64_t instances, std::int64_t requests) {
  auto list = std::make_shared<requests::RequestList>(kUnit);
  for (std::int64_t i = 0; i < requests; ++i)
    list->add({.arrival = units::Picoseconds(i * 1'000'000'000'000), .input = 70, .output = 1, .model = 0, .session = 0, .blocks = {1, 2, 3, 4}});
  FleetSpec spec = test::one_pool(timer, 4, std::make_shared<requests::ListStream>(std::move(list)), instances);
  spec.pools[0].engine.prefix_caching = true;
  spec.pools[0].engine.blocks = 1000;
  spec.pools[0].engine.fetch = serving::Fetch::exposed;
  spec.pools[0].stored_per_token = units::Bytes::from_si(100);
  return spec;
}

test::LinearTimer slow_prompts() {
  test::LinearTimer timer;
  timer.step_base = 1'000'000'000;
  timer.per_prompt_token = 1'000'000'000;
  timer.per_context = 0;
  return timer;
}

TEST(CachePool, OthersFindWhatOneComputed) {
  const auto timer = slow_prompts();
  FleetSpec spec = alike(timer, 3, 6);
  const FleetResult without = simulate(spec);
  spec.cache_pool = CachePool{.capacity = units::Bytes::from_si(1e6), .bandwidth = units::BytesPerSecond::from_si(1e6), .latency = units::millisecond};
  const FleetResult with = simulate(spec);
  EXPECT_EQ(without.pools[0].hit_tokens, (std::vector<double>{3 * 64}));  // each instance's second request
  EXPECT_EQ(with.pools[0].hit_tokens, (std::vector<double>{3 * 64, 2 * 64}));
  EXPECT_EQ(with.pools[0].prompt_tokens, 70 + 5 * 6);
  // The first computes 70 tokens in 71 ms. The next two read 6,400 bytes in 1 + 6.4 ms and compute 6 tokens in 7; the rest have them in the chips.
  EXPECT_DOUBLE_EQ(with.all.ttft.mean.value, (71 + 2 * 14.4 + 3 * 7) / 6 * 1e-3);
  EXPECT_TRUE(with.cache_pool.present);
  EXPECT_EQ(with.cache_pool.reads, 2);
  EXPECT_EQ(with.cache_pool.bytes_read, 2 * 6400);
  EXPECT_EQ(with.cache_pool.bytes_written, 6400);
  EXPECT_EQ(with.cache_pool.wait_mean_s, 0);
}

TEST(CachePool, TooSmallForOnePrefixItHelpsNobody) {
  const auto timer = slow_prompts();
  FleetSpec spec = alike(timer, 3, 6);
  spec.cache_pool = CachePool{.capacity = units::Bytes::from_si(1599), .bandwidth = units::BytesPerSecond::from_si(1e6), .latency = {}};
  const FleetResult r = simulate(spec);
  EXPECT_EQ(r.pools[0].hit_tokens, (std::vector<double>{3 * 64, 0}));
  EXPECT_EQ(r.cache_pool.reads, 0);
}

TEST(CachePool, IsASensibleOne) {
  const auto timer = slow_prompts();
  FleetSpec spec = alike(timer, 1, 1);
  spec.cache_pool = CachePool{};
  EXPECT_NE(problem_of(spec), "");
}

}  // namespace
}  // namespace zettatwin::fleet
