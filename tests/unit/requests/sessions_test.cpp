// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <set>

#include "drain.hpp"
#include "requests/traffic_spec.hpp"

namespace zettatwin::requests {
namespace {

using namespace test;

TrafficSpec chats() {
  TrafficSpec spec;
  spec.rate = units::Hertz::from_si(20);
  spec.input = {.mean = 100};
  spec.output = {.mean = 60};
  spec.sessions = SessionSpec{.turns = {.law = LengthShape::uniform, .low = 1, .high = 5}, .think = units::Seconds::from_si(10)};
  spec.requests = 30'000;
  return spec;
}

TEST(Sessions, EachTurnRepeatsWhatWasSaid) {
  std::map<std::uint64_t, Request> last;
  std::map<std::uint64_t, int> turns;
  units::Picoseconds now;
  std::set<std::uint64_t> first_blocks;
  for (const auto& r : drained(*synthetic(chats()))) {
    EXPECT_GE(r.arrival, now);
    now = r.arrival;
    ASSERT_GT(r.session, 0u);
    EXPECT_EQ(r.output, 60);
    EXPECT_EQ(r.blocks.size(), static_cast<std::size_t>((r.input + r.output) / 16));
    const auto before = last.find(r.session);
    if (before == last.end()) {
      EXPECT_EQ(r.input, 100);
      EXPECT_TRUE(first_blocks.insert(r.blocks[0]).second);  // nothing in common with others
    } else {
      EXPECT_EQ(r.input, before->second.input + 60 + 100);
      EXPECT_TRUE(std::equal(before->second.blocks.begin(), before->second.blocks.end(), r.blocks.begin()));
    }
    last[r.session] = r;
    ++turns[r.session];
  }
  for (const auto& [session, count] : turns) EXPECT_LE(count, 5);
}

// Turns 1 ... 5 alike, mean 3: a request is the k-th turn in proportion to P(turns >= k) = 1, .8, .6, .4, .2; the mean of k is 35/15, its prompt
// has 100 k + 60 (k - 1) tokens. Conversations begin at 20/3 per second.
TEST(Sessions, Means) {
  const auto stream = synthetic(chats());
  const double k = (1 + 2 * 0.8 + 3 * 0.6 + 4 * 0.4 + 5 * 0.2) / 3;
  EXPECT_NEAR(stream->means().input, 100 * k + 60 * (k - 1), 1e-9);
  EXPECT_NEAR(stream->means().rate.si(), 20, 1e-12);
  double input = 0;
  std::set<std::uint64_t> sessions;
  const auto all = drained(*stream);
  // Leave out the start, when most are first turns.
  std::size_t late = 0;
  for (const auto& r : all)
    if (r.arrival.seconds().si() > 100) input += r.input, ++late, sessions.insert(r.session);
  EXPECT_NEAR(input / static_cast<double>(late), stream->means().input, 6);
  EXPECT_NEAR(static_cast<double>(late) / (all.back().arrival.seconds().si() - 100), 20, 0.6);
}

TEST(Sessions, PrefixesAndLimits) {
  auto spec = chats();
  spec.shared_prefixes = SharedPrefixSpec{.share = 1, .count = 2, .tokens = 40};
  spec.sessions->max_context = 300;
  spec.requests = 2000;
  std::set<std::uint64_t> first, second, third;
  std::map<std::uint64_t, int> turns;
  for (const auto& r : drained(*synthetic(spec))) {
    EXPECT_LE(r.input + r.output, 300);
    first.insert(r.blocks[0]);
    second.insert(r.blocks[1]);
    third.insert(r.blocks[2]);
    ++turns[r.session];
  }
  EXPECT_EQ(first.size(), 2u);   // 40 tokens: two whole blocks of the prefix,
  EXPECT_EQ(second.size(), 2u);
  EXPECT_EQ(third.size(), turns.size());  // and the third is the conversation's own
  for (const auto& [session, count] : turns) EXPECT_LE(count, 2);  // 40 + 100 + 60, then 300 in prompt and answer: full
}

TEST(Sessions, EndsAtDurationAndWithTheClock) {
  auto spec = chats();
  spec.duration = units::Seconds::from_si(50);
  for (const auto& r : drained(*synthetic(spec))) EXPECT_LE(r.arrival.seconds().si(), 50);
  spec.duration = units::Seconds();
  spec.requests = 0;
  spec.rate = units::Hertz::from_si(1e-5);
  EXPECT_LT(drained(*synthetic(spec)).size(), 300u);
}

}  // namespace
}  // namespace zettatwin::requests
