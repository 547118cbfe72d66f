// SPDX-License-Identifier: Apache-2.0
// A pool of cached content, calculated by hand, and two instances that share one.
#include <gtest/gtest.h>

#include "../../support/linear_timer.hpp"
#include "../../support/serving_log.hpp"
#include "serving/instance.hpp"

namespace {

using namespace zettatwin;
using serving::ContentStore;
using units::Picoseconds;

TEST(ContentStore, DropsWhatWasNotUsedForLongest) {
  ContentStore store({.capacity = units::Bytes::from_si(30), .bandwidth = {}, .latency = {}});
  for (const std::uint64_t content : {1, 2, 3}) store.put(content, 10, {}, Picoseconds(0));
  store.use(1);
  store.put(4, 10, {}, Picoseconds(0));
  EXPECT_TRUE(store.has(1, Picoseconds(0)));
  EXPECT_FALSE(store.has(2, Picoseconds(0)));
  store.put(3, 10, {}, Picoseconds(0));  // known: the newest now, not written again
  store.put(5, 20, {}, Picoseconds(0));
  EXPECT_FALSE(store.has(1, Picoseconds(0)));
  EXPECT_FALSE(store.has(4, Picoseconds(0)));
  EXPECT_TRUE(store.has(3, Picoseconds(0)));
  store.put(6, 31, {}, Picoseconds(0));
  EXPECT_FALSE(store.has(6, Picoseconds(0)));
  EXPECT_EQ(store.counts().bytes_written, 60);
  EXPECT_EQ(store.counts().bytes_evicted, 30);
  EXPECT_EQ(store.counts().used, 30);
}

TEST(ContentStore, ReadersWaitForEachOther) {
  ContentStore store({.capacity = units::Bytes::from_si(1e9), .bandwidth = units::BytesPerSecond::from_si(1e9), .latency = 10 * units::microsecond});
  const auto port = units::BytesPerSecond::from_si(0.25e9);
  const auto us = [](std::int64_t n) { return Picoseconds(n * 1'000'000); };
  EXPECT_EQ(store.read(1e6, port, us(0)), us(10 + 4000));                                      // its own port: 1 MB at 0.25 GB/s
  EXPECT_EQ(store.read(5e6, units::BytesPerSecond::from_si(1e12), us(200)), us(10 + 800 + 5000));  // the first is served until 1,000 us
  EXPECT_EQ(store.read(1e6, {}, us(7000)), us(10 + 1000));                                      // nobody before it
  EXPECT_DOUBLE_EQ(store.counts().wait_seconds, 800e-6);
  EXPECT_DOUBLE_EQ(store.counts().busy_seconds, 7e-3);
}

TEST(ContentStore, WhatOneInstanceComputedAnotherReads) {
  test::LinearTimer timer;
  timer.step_base = 1'000'000;
  timer.per_prompt_token = 1'000'000;
  timer.per_context = 0;
  serving::EngineSettings settings;
  settings.blocks = 64;
  settings.block_tokens = 4;
  settings.fetch = serving::Fetch::exposed;
  ContentStore store({.capacity = units::Bytes::from_si(1e6), .bandwidth = units::BytesPerSecond::from_si(8e6), .latency = {}});
  const serving::InstanceOptions options{.seed = 1, .tell_runs = false, .store = {.store = &store, .bytes_per_token = 1, .port = {}, .model = 3}};
  test::ServingLog first_log, second_log;
  const auto first = serving::make_instance(settings, timer, first_log, options), second = serving::make_instance(settings, timer, second_log, options);
  serving::Job job{.id = 1, .work = serving::Work::whole, .hold = false, .input = 10, .output = 1, .generated = 0, .blocks = {7, 8, 9}};
  first->submit(job, Picoseconds(0));
  first->advance(Picoseconds(1'000'000'000));
  second->submit(job, Picoseconds(1'000'000'000));
  second->advance(Picoseconds(2'000'000'000));
  EXPECT_EQ(second->statistics().hit_tokens, (std::vector<std::int64_t>{0, 8}));
  EXPECT_EQ(second->statistics().prompt_tokens, 2);
  // Two of three contents are whole, 8 bytes at 8 MB/s: 1 us before the step's 1 + 2.
  EXPECT_EQ(second->statistics().busy, Picoseconds(4'000'000));
  EXPECT_EQ(first->statistics().busy, Picoseconds(11'000'000));
}

// 1 MB/s: a write of 10 bytes takes 10 us, the next waits for it; the instance's own port may be slower. Reads go the other way.
TEST(ContentStore, WritesTakeTheirTime) {
  ContentStore store({.capacity = units::Bytes::from_si(1e6), .bandwidth = units::BytesPerSecond::from_si(1e6), .latency = 3 * units::microsecond});
  const auto us = [](std::int64_t n) { return Picoseconds(n * 1'000'000); };
  store.put(1, 10, {}, us(100));
  store.put(2, 10, {}, us(104));
  EXPECT_FALSE(store.has(1, us(112)));
  EXPECT_TRUE(store.has(1, us(113)));
  EXPECT_FALSE(store.has(2, us(122)));
  EXPECT_TRUE(store.has(2, us(123)));
  store.put(3, 10, units::BytesPerSecond::from_si(1e5), us(200));
  EXPECT_FALSE(store.has(3, us(302)));
  EXPECT_TRUE(store.has(3, us(303)));
  EXPECT_EQ(store.read(10, {}, us(201)), us(13)) << "no write is in its way";
  EXPECT_DOUBLE_EQ(store.counts().write_lag_max, 103e-6);
  EXPECT_DOUBLE_EQ(store.counts().write_seconds, 30e-6);
  // Known content is not written again, on its way or not.
  store.put(4, 10, {}, us(400));
  store.put(4, 10, {}, us(401));
  EXPECT_EQ(store.counts().bytes_written, 40);
}

}  // namespace
