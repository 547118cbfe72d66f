// SPDX-License-Identifier: Apache-2.0
// The instance that jumps tells what the one that steps tells: the same events in the same order at the same picosecond, the same answers, the same
// statistics; on random cases over all policies, admissions, preemptions, prefix caching, tiers, speculation and calls.
#include <gtest/gtest.h>

#include <map>

#include "../../support/random_serving.hpp"
#include "../../support/thinning.hpp"
#include "stepwise_instance.hpp"

namespace {

using namespace zettatwin;
using serving::Statistics;

std::unique_ptr<serving::Instance> fast(const serving::EngineSettings& s, const serving::StepTimer& timer, serving::Observer& observer) {
  return serving::make_instance(s, timer, observer, {.seed = 9, .tell_runs = true});
}
std::unique_ptr<serving::Instance> slow(const serving::EngineSettings& s, const serving::StepTimer& timer, serving::Observer& observer) {
  return test::make_stepwise(s, timer, observer, {.seed = 9, .tell_runs = true});
}

serving::StepRun sum(const std::vector<serving::StepRun>& runs) {
  serving::StepRun total;
  for (const auto& run : runs) {
    total.end += run.end - run.begin;
    total.steps += run.steps;
    total.decoding += run.decoding * run.steps;
    total.decode_tokens += run.decode_tokens;
    total.prompt_tokens += run.prompt_tokens;
  }
  return total;
}

void expect_same(const Statistics& a, const Statistics& b) {
  EXPECT_EQ(a.submitted, b.submitted);
  EXPECT_EQ(a.finished, b.finished);
  EXPECT_EQ(a.rejected, b.rejected);
  EXPECT_EQ(a.cancelled, b.cancelled);
  EXPECT_EQ(a.lost, b.lost);
  EXPECT_EQ(a.preemptions, b.preemptions);
  EXPECT_EQ(a.busy, b.busy);
  EXPECT_EQ(a.steps, b.steps);
  EXPECT_EQ(a.prefill_steps, b.prefill_steps);
  EXPECT_EQ(a.prompt_tokens, b.prompt_tokens);
  EXPECT_EQ(a.recomputed_tokens, b.recomputed_tokens);
  EXPECT_EQ(a.output_tokens, b.output_tokens);
  EXPECT_EQ(a.hit_tokens, b.hit_tokens);
  EXPECT_EQ(a.evicted_blocks, b.evicted_blocks);
  EXPECT_EQ(a.blocks_max, b.blocks_max);
  EXPECT_NEAR(a.sequence_seconds, b.sequence_seconds, 1e-9 * b.sequence_seconds + 1e-18);
  EXPECT_NEAR(a.waiting_seconds, b.waiting_seconds, 1e-9 * b.waiting_seconds + 1e-18);
}

void expect_equal(const test::ServingCase& c, std::uint64_t seed, const test::MakeInstance& make_fast = fast, const test::MakeInstance& make_slow = slow) {
  const auto a = test::play(c, make_fast), b = test::play(c, make_slow);
  ASSERT_EQ(a->events, b->events) << "seed " << seed;
  ASSERT_EQ(a->answers, b->answers) << "seed " << seed;
  expect_same(a->instance->statistics(), b->instance->statistics());
  const auto x = sum(a->runs), y = sum(b->runs);
  EXPECT_EQ(x.end, y.end);
  EXPECT_EQ(x.steps, y.steps);
  EXPECT_EQ(x.decoding, y.decoding);
  EXPECT_EQ(x.decode_tokens, y.decode_tokens);
  EXPECT_EQ(x.prompt_tokens, y.prompt_tokens);
  const Statistics& s = a->instance->statistics();
  EXPECT_EQ(s.submitted, s.finished + s.rejected + s.cancelled + s.lost) << "nothing is left inside";
  EXPECT_EQ(a->instance->blocks_used(), 0);
  EXPECT_LE(s.blocks_max, c.settings.blocks);
}

TEST(EqualsStepwise, OnRandomCases) {
  for (std::uint64_t seed = 1; seed <= 12000; seed += test::kThinning) {
    EXPECT_NO_THROW(expect_equal(test::random_serving(seed), seed));
    if (testing::Test::HasFailure()) FAIL() << "seed " << seed;
  }
}

// With a store that others might share: of some blocks' room, slow and quick.
TEST(EqualsStepwise, WithAStore) {
  std::int64_t hits = 0, evictions = 0;
  for (std::uint64_t seed = 1; seed <= 4000; seed += test::kThinning) {
    const auto c = test::random_serving(seed);
    const serving::ContentStore::Settings settings{.capacity = units::Bytes::from_si(static_cast<double>(8 + seed % 300)), .bandwidth = units::BytesPerSecond::from_si(seed % 3 == 0 ? 0 : 1e9),
                                                   .latency = units::Picoseconds(static_cast<std::int64_t>(seed % 5) * 1000).seconds()};
    serving::ContentStore stores[] = {serving::ContentStore(settings), serving::ContentStore(settings)};
    const auto access = [&](std::size_t i) { return serving::StoreAccess{.store = &stores[i], .bytes_per_token = 1, .port = units::BytesPerSecond::from_si(2e9), .model = seed % 2}; };
    const auto with = [&](std::size_t i) {
      return [&, i](const serving::EngineSettings& s, const serving::StepTimer& timer, serving::Observer& observer) {
        const serving::InstanceOptions options{.seed = 9, .tell_runs = true, .store = access(i)};
        return i == 0 ? serving::make_instance(s, timer, observer, options) : test::make_stepwise(s, timer, observer, options);
      };
    };
    EXPECT_NO_THROW(expect_equal(c, seed, with(0), with(1)));
    if (testing::Test::HasFailure()) FAIL() << "seed " << seed;
    EXPECT_EQ(stores[0].counts().bytes_read, stores[1].counts().bytes_read);
    EXPECT_EQ(stores[0].counts().bytes_written, stores[1].counts().bytes_written);
    EXPECT_LE(stores[0].counts().used_peak, settings.capacity.si());
    hits += stores[0].counts().reads > 0;
    evictions += stores[0].counts().bytes_evicted > 0;
  }
  EXPECT_GT(hits * test::kThinning, 100);
  EXPECT_GT(evictions * test::kThinning, 100);
}

// Prompts alone, and answers that end with their first token.
void ask_for_prompts(test::ServingCase& c) {
  c.closed_loop = false;  // ranks look through the queue in order of time, which followers of requests that are yet to come would break
  std::erase_if(c.calls, [](const auto& call) { return call.kind == test::ServingCall::reserve; });
  for (auto& call : c.calls) {
    if (call.kind != test::ServingCall::submit) continue;
    call.job.work = call.job.id % 3 == 0 && !call.job.hold ? serving::Work::whole : serving::Work::prefill;
    call.job.generated = 0;
    if (call.job.work == serving::Work::whole) call.job.output = 1;
  }
}

// Each bound to a rank: ranks pass each other in the queue, and none computes more than its part of a step.
TEST(EqualsStepwise, WithBoundRanks) {
  std::int64_t passed = 0;
  for (std::uint64_t seed = 1; seed <= 6000; seed += test::kThinning) {
    auto c = test::random_serving(seed);
    if (c.settings.policy == serving::Policy::static_batch) continue;
    c.settings.bound_ranks = 2 + static_cast<std::int64_t>(seed % 4);
    c.settings.max_tokens *= c.settings.bound_ranks;
    c.settings.max_chunk = c.settings.max_tokens / c.settings.bound_ranks;
    ask_for_prompts(c);
    EXPECT_NO_THROW(expect_equal(c, seed));
    if (testing::Test::HasFailure()) FAIL() << "seed " << seed;
    const auto orders = test::play(c, fast);
    passed += orders->instance->statistics().prefill_steps > 1;
  }
  EXPECT_GT(passed * test::kThinning, 1000);
}

// A step with fewer tokens than ranks still gives each of them one.
TEST(EqualsStepwise, WithMoreBoundRanksThanTokens) {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    auto c = test::random_serving(seed);
    if (c.settings.policy == serving::Policy::static_batch) continue;
    c.settings.chunked_prefill = true;
    c.settings.bound_ranks = c.settings.max_tokens + 1;
    c.settings.max_chunk = 1;
    ask_for_prompts(c);
    EXPECT_NO_THROW(expect_equal(c, seed));
    if (testing::Test::HasFailure()) FAIL() << "seed " << seed;
  }
}

TEST(EqualsStepwise, OnLongRuns) {
  for (std::uint64_t seed = 1; seed <= 150; seed += test::kThinning) {
    EXPECT_NO_THROW(expect_equal(test::long_serving(seed), seed));
    if (testing::Test::HasFailure()) FAIL() << "seed " << seed;
  }
}

// A case that never preempts, fetches or drafts would prove little.
TEST(EqualsStepwise, RandomCasesMeetWhatTheyAreFor) {
  std::map<std::string, int> met;
  for (std::uint64_t seed = 1; seed <= 4000; ++seed) {
    const auto c = test::random_serving(seed);
    const auto p = test::play(c, fast);
    const Statistics& s = p->instance->statistics();
    met["preempted"] += s.preemptions > 0;
    met["recomputed"] += s.recomputed_tokens > 0;
    met["rejected"] += s.rejected > 0;
    met["cancelled"] += s.cancelled > 0;
    met["lost"] += s.lost > 0;
    met["hit"] += s.hit_tokens[0] > 0;
    met["evicted"] += s.evicted_blocks > 0;
    for (std::size_t tier = 1; tier < s.hit_tokens.size(); ++tier) met["fetched from " + std::to_string(tier)] += s.hit_tokens[tier] > 0;
    met["jumped"] += std::ranges::any_of(p->runs, [](const auto& run) { return run.steps > 3; });
  }
  for (const auto* what : {"preempted", "recomputed", "rejected", "cancelled", "lost", "hit", "evicted", "fetched from 1", "fetched from 2", "jumped"})
    EXPECT_GT(met[what], 30) << what;
}

}  // namespace
