// SPDX-License-Identifier: Apache-2.0
// What queueing theory and scheduling say about an instance, and what they do not.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <set>

#include "../../support/random_serving.hpp"
#include "base/random.hpp"

namespace {

using namespace zettatwin;
using serving::EngineSettings;
using serving::Job;
using units::Picoseconds;

constexpr Picoseconds kEnd{std::numeric_limits<std::int64_t>::max()};

std::unique_ptr<serving::Instance> make(const EngineSettings& s, const serving::StepTimer& timer, serving::Observer& observer) { return serving::make_instance(s, timer, observer, {.seed = 3}); }

// Every step takes as long: the service of a request is its output tokens.
test::LinearTimer clockwork(std::int64_t step) {
  test::LinearTimer t;
  t.step_base = step;
  t.per_sequence = t.per_cached = t.per_cached_far = t.per_prompt_token = t.per_context = 0;
  return t;
}

struct Queue { double mean_wait, mean_service, mean_square, rate; };
Queue single_server(double load, const std::function<std::int32_t(RandomStream&)>& tokens, double mean_tokens, std::int64_t requests) {
  const auto timer = clockwork(1000);
  test::ServingLog log;
  const auto instance = make({.max_sequences = 1, .max_tokens = 1000, .blocks = 1 << 20, .prefix_caching = false, .tiers = {}, .speculation = {}}, timer, log);
  RandomStream gaps(11, 1), lengths(11, 2);
  const double gap = mean_tokens * 1000 / load;
  double at = 0;
  Queue q{};
  for (std::int64_t i = 0; i < requests; ++i) {
    at += gaps.exponential() * gap;
    const auto output = tokens(lengths);
    const double service = 1000.0 * output;
    q.mean_service += service / static_cast<double>(requests);
    q.mean_square += service * service / static_cast<double>(requests);
    instance->submit({.id = static_cast<serving::JobId>(i), .input = 1, .output = output, .blocks = {}}, Picoseconds(std::llround(at)));
    if (i % 64 == 0) instance->advance(Picoseconds(std::llround(at)));
  }
  instance->advance(kEnd);
  q.mean_wait = instance->statistics().waiting_seconds * 1e12 / static_cast<double>(requests);
  q.rate = static_cast<double>(requests) / at;
  return q;
}

TEST(Laws, OneAtATimeWithEqualLengthsIsMD1) {
  for (const double load : {0.3, 0.6, 0.8}) {
    const auto q = single_server(load, [](RandomStream&) { return 500; }, 500, 200'000);
    const double rho = q.rate * q.mean_service;
    EXPECT_NEAR(q.mean_wait / (rho * q.mean_service / (2 * (1 - rho))), 1, 0.025) << load;
  }
}

TEST(Laws, OneAtATimeWithExponentialLengthsIsMM1) {
  for (const double load : {0.3, 0.6, 0.8}) {
    const auto q = single_server(load, [](RandomStream& r) { return 1 + static_cast<std::int32_t>(r.exponential() * 500); }, 500.5, 200'000);
    const double rho = q.rate * q.mean_service;
    EXPECT_NEAR(q.mean_wait / (rho * q.mean_service / (1 - rho)), 1, 0.04) << load;
    EXPECT_NEAR(q.mean_square / (q.mean_service * q.mean_service), 2, 0.02);
  }
}

// n requests in a closed loop end n at a time every O steps.
TEST(Laws, ASaturatedBatchEndsBatchPerStepTime) {
  const auto timer = clockwork(1000);
  for (const std::int64_t n : {1, 7, 64}) {
    test::ServingCase c{.settings = {.max_sequences = n, .max_tokens = 1000, .blocks = 1 << 20, .watermark = 0, .prefix_caching = false, .tiers = {}, .speculation = {}}, .timer = timer, .calls = {}, .closed_loop = true};
    for (std::int64_t i = 0; i < n; ++i)
      c.calls.push_back({.kind = test::ServingCall::submit, .at = 0, .job = {.id = static_cast<serving::JobId>(i + 1), .input = 3, .output = 100, .blocks = {}}});
    const auto p = test::play(c, make);
    const auto& s = p->instance->statistics();
    EXPECT_EQ(s.finished, 3 * n);
    EXPECT_EQ(s.busy, Picoseconds(3 * 100 * 1000));
    EXPECT_NEAR(s.sequence_seconds / s.busy.seconds().si(), static_cast<double>(n), 1e-9);
  }
}

TEST(Laws, FirstComeIsFirstTakenUp) {
  for (std::uint64_t seed = 1; seed < 1500; ++seed) {
    auto c = test::random_serving(seed);
    c.closed_loop = false;
    const auto p = test::play(c, make);
    std::set<serving::JobId> set_aside;  // whose blocks are: they may pass who waits for blocks
    for (const auto& call : c.calls)
      if (call.kind == test::ServingCall::reserve) set_aside.insert(call.id);
    serving::JobId last = 0;
    for (const auto& e : p->events) {
      if (e.kind != 's' || set_aside.contains(e.id)) continue;
      ASSERT_GT(e.id, last) << "seed " << seed;
      last = e.id;
    }
  }
}

// Nothing is heard before next_event(), and going there leads to the end; where nothing waits it is exact.
TEST(Laws, TheNextEventIsNotMissedAndComes) {
  std::int64_t visits = 0, heard = 0, prompts = 0;  // steps with a chunk that is not the last of its prompt are not heard
  for (std::uint64_t seed = 1; seed < 1500; ++seed) {
    const auto c = test::random_serving(seed);
    test::ServingLog log;
    const auto instance = make(c.settings, c.timer, log);
    const auto go_to = [&](Picoseconds end) {
      for (Picoseconds next = instance->next_event(); next <= end; next = instance->next_event()) {
        const auto before = log.events.size();
        instance->advance(next - Picoseconds(1));
        ASSERT_EQ(log.events.size(), before) << "seed " << seed;
        instance->advance(next);
        ASSERT_LT(++visits, 2'000'000);
        if (next == end) break;
      }
    };
    for (const auto& call : c.calls) {
      if (call.kind != test::ServingCall::submit || call.job.hold) continue;
      go_to(Picoseconds(call.at));
      instance->submit(call.job, Picoseconds(call.at));
    }
    go_to(kEnd);
    const auto& s = instance->statistics();
    ASSERT_EQ(s.submitted, s.finished + s.rejected) << "seed " << seed;
    heard += static_cast<std::int64_t>(log.events.size());
    prompts += s.prefill_steps;
  }
  EXPECT_LT(visits, 2 * heard + prompts);
}

// With everything there from the beginning no decision depends on time: a timer of twice the times doubles every time.
TEST(Laws, AFasterTimerIsFasterWhenAllIsThere) {
  for (std::uint64_t seed = 1; seed < 1500; ++seed) {
    auto c = test::random_serving(seed);
    c.settings.tiers.clear();
    c.settings.preemption = serving::Preemption::recompute;
    std::erase_if(c.calls, [](const auto& call) { return call.kind != test::ServingCall::submit || call.job.hold; });
    for (auto& call : c.calls) call.at = 0;
    const auto once = test::play(c, make);
    auto& t = c.timer;
    for (auto* part : {&t.step_base, &t.per_sequence, &t.per_cached, &t.per_cached_far, &t.jump, &t.per_prompt_token, &t.per_context}) *part *= 2;
    const auto twice = test::play(c, make);
    ASSERT_EQ(once->events.size(), twice->events.size()) << "seed " << seed;
    for (std::size_t i = 0; i < once->events.size(); ++i) {
      ASSERT_EQ(2 * once->events[i].at, twice->events[i].at) << "seed " << seed;
      ASSERT_EQ(once->events[i].id, twice->events[i].id) << "seed " << seed;
    }
  }
}

std::int64_t makespan(EngineSettings s, std::int64_t blocks, std::int64_t count, std::int32_t input, std::int32_t output) {
  const test::LinearTimer timer;
  test::ServingLog log;
  s.blocks = blocks;
  const auto instance = make(s, timer, log);
  for (std::int64_t i = 0; i < count; ++i) instance->submit({.id = static_cast<serving::JobId>(i), .input = input, .output = output, .blocks = {}}, Picoseconds(0));
  instance->advance(kEnd);
  return instance->statistics().busy.count();
}

// Equal requests that are reserved in full: what is linear in tokens adds up to the same, and more blocks make fewer steps.
TEST(Laws, MoreMemoryIsFasterForEqualRequestsReservedInFull) {
  const EngineSettings s{.max_sequences = 64, .max_tokens = 10'000, .block_tokens = 4, .admission = serving::Admission::full, .prefix_caching = false, .tiers = {}, .speculation = {}};
  std::int64_t last = INT64_MAX;
  for (std::int64_t blocks = 12; blocks < 200; blocks += 3) {
    const auto time = makespan(s, blocks, 24, 17, 30);
    EXPECT_LE(time, last) << blocks;
    last = time;
  }
}

// Growth and preemption are another matter: a batch that is larger by one sequence may lose more to recomputation than it gains.
TEST(Laws, MoreMemoryCanBeSlowerWhereGrowthPreempts) {
  const EngineSettings s{.max_sequences = 64, .max_tokens = 10'000, .block_tokens = 4, .watermark = 0, .prefix_caching = false, .tiers = {}, .speculation = {}};
  std::int64_t slower = 0, all = 0;
  for (std::int64_t blocks = 12; blocks < 100; ++blocks, ++all) slower += makespan(s, blocks + 1, 24, 17, 30) > makespan(s, blocks, 24, 17, 30);
  EXPECT_GT(slower, 0);
  EXPECT_LT(slower, all / 2);
}

}  // namespace
