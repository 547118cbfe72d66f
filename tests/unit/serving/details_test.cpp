// SPDX-License-Identifier: Apache-2.0
// The parts of the fast instance, each against the obvious way.
#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <set>

#include "../../support/random.hpp"
#include "serving/detail/acceptance_draw.hpp"
#include "serving/detail/decode_batch.hpp"
#include "serving/detail/finish_heap.hpp"
#include "serving/detail/index_map.hpp"

namespace {

using namespace zettatwin;
using namespace serving::detail;
using serving::Acceptance;
using serving::Speculation;

TEST(TokenClock, FloorSumsAreSums) {
  test::Random random(1);
  for (int i = 0; i < 2000; ++i) {
    const auto n = random.between(0, 50), m = random.between(1, 40), a = random.between(0, 90), b = random.between(0, 90);
    std::int64_t sum = 0;
    for (std::int64_t k = 0; k < n; ++k) sum += (a * k + b) / m;
    ASSERT_EQ(static_cast<std::int64_t>(floor_sum(n, m, a, b)), sum) << n << ' ' << m << ' ' << a << ' ' << b;
  }
}

TEST(TokenClock, CountsStepsAndTokens) {
  for (const double p : {0.0, 0.3, 0.77, 1.0}) {
    const TokenClock clock(Speculation{.draft = 2, .acceptance = {p}});
    for (const std::int64_t now : {0, 1, 17, 100000}) {
      std::int64_t lead = 0;
      for (std::int64_t steps = 0; steps < 60; ++steps) {
        ASSERT_EQ(static_cast<std::int64_t>(clock.lead(now, steps)), lead);
        lead += clock.tokens(now + steps) - clock.tokens(now);
      }
      for (std::int64_t tokens = 1; tokens < 60; ++tokens) {
        std::int64_t steps = 1;
        while (clock.tokens(now + steps) - clock.tokens(now) < tokens) ++steps;
        ASSERT_EQ(clock.steps_for(now, tokens), steps) << p << ' ' << now;
      }
    }
    EXPECT_NEAR(static_cast<double>(clock.tokens(1'000'000)), 1e6 * (1 + p + p * p), 2);
  }
}

TEST(Pace, FindsTheStepThatReachesATime) {
  test::Random random(2);
  const TokenClock clock(Speculation{.draft = 1, .acceptance = {0.4}});
  for (int i = 0; i < 500; ++i) {
    const Pace pace{.clock = &clock, .now = random.between(0, 99), .first = random.between(1, 30), .per_token = random.between(0, 9)};
    const auto most = random.between(1, 40);
    for (std::int64_t wanted = 1; wanted < 500; wanted += 7) {
      std::int64_t steps = 1, time = pace.step(0);
      while (time < wanted && steps < most) time += pace.step(steps++);
      ASSERT_EQ(pace.steps_until(wanted, most), steps);
      ASSERT_EQ(pace.time(steps), time);
    }
  }
}

TEST(FinishHeap, GivesTheFirstToEndAndLosesAny) {
  test::Random random(3);
  FinishHeap heap;
  std::set<std::tuple<std::int64_t, std::int64_t, std::uint32_t>> all;
  for (std::int64_t order = 0; order < 5000; ++order) {
    if (all.size() < 40 || random.one_in(2)) {
      std::uint32_t slot = 0;
      while (std::any_of(all.begin(), all.end(), [&](const auto& e) { return std::get<2>(e) == slot; })) ++slot;
      const auto end = random.between(0, 200);
      heap.push({.end = end, .order = order, .slot = slot});
      all.emplace(end, order, slot);
    } else {
      const auto victim = random.one_in(2) ? all.begin() : std::next(all.begin(), random.between(0, static_cast<std::int64_t>(all.size()) - 1));
      heap.remove(std::get<2>(*victim));
      all.erase(victim);
    }
    ASSERT_EQ(heap.top().slot, std::get<2>(*all.begin()));
  }
}

TEST(IndexMap, IsAMap) {
  test::Random random(4);
  IndexMap<std::int64_t> map;
  std::map<std::uint64_t, std::int64_t> all;
  for (std::int64_t i = 0; i < 20000; ++i) {
    const auto key = static_cast<std::uint64_t>(random.between(0, 300)) << random.of({0, 40});
    if (random.one_in(2)) {
      ASSERT_EQ(map.insert(key, i), all.emplace(key, i).second);
    } else {
      map.erase(key);
      all.erase(key);
    }
    const auto asked = static_cast<std::uint64_t>(random.between(0, 300));
    const auto* const found = map.find(asked);
    const auto known = all.find(asked);
    ASSERT_EQ(found != nullptr, known != all.end());
    if (found) {
      ASSERT_EQ(*found, known->second);
    }
    ASSERT_EQ(map.size(), all.size());
  }
}

TEST(AcceptanceDraw, HasTheMeanAndNoMemory) {
  const Speculation s{.draft = 3, .acceptance = {0.8, 0.6, 0.5}, .mode = Acceptance::drawn};
  const AcceptanceDraw draw(s, 5);
  std::int64_t tokens = 0, most = 0;
  for (std::uint64_t request = 0; request < 200; ++request)
    for (std::int64_t generated = 1; generated < 501; ++generated) {
      const auto drawn = draw.tokens(request, generated);
      ASSERT_EQ(drawn, draw.tokens(request, generated));
      tokens += drawn;
      most = std::max(most, drawn);
    }
  EXPECT_NEAR(static_cast<double>(tokens) / 1e5, s.mean_tokens_per_step(), 0.02);  // five standard errors of 1.2 / sqrt(1e5)
  EXPECT_EQ(most, 4);
}

}  // namespace
