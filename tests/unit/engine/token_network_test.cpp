// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <random>

#include "base/contract.hpp"
#include "engine/period.hpp"
#include "engine/token_network.hpp"

namespace zettatwin::engine {
namespace {

Picoseconds ps(std::int64_t count) { return Picoseconds(count); }

// Producer and consumer over channel 0, one token per iteration; the consumer starts at `late` and ends with a probed step of 5.
TokenNetwork producer_and_consumer(std::int64_t produce, std::int64_t consume, std::int64_t iterations, std::int64_t late) {
  TokenNetwork network{.channels = 1, .probes = 1};
  Process producer{.steps = {{.puts = {0, kNone}, .duration = ps(produce)}}, .body = {0}, .repeats = iterations};
  Process consumer{.steps = {{.takes = {0, kNone}, .duration = ps(consume)}, {.earliest = ps(late)}, {.duration = ps(5), .probe = 0}},
                   .prologue = {1},
                   .body = {0},
                   .repeats = iterations,
                   .epilogue = {2}};
  network.processes = {producer, consumer};
  return network;
}

void expect_same(const Run& a, const Run& b) {
  EXPECT_EQ(a.finish, b.finish);
  ASSERT_EQ(a.probes.size(), b.probes.size());
  for (std::size_t i = 0; i < a.probes.size(); ++i) {
    EXPECT_EQ(a.probes[i].start, b.probes[i].start);
    EXPECT_EQ(a.probes[i].finish, b.probes[i].finish);
  }
}

TEST(TokenNetwork, SlowProducerHoldsTheConsumerUp) {
  const auto result = run(producer_and_consumer(3, 2, 4, 0));
  EXPECT_EQ(result.finish[0], ps(12));
  EXPECT_EQ(result.finish[1], ps(12 + 2 + 5));  // the last token comes at 12
  EXPECT_EQ(result.probes[0].start, ps(14));
}

TEST(TokenNetwork, DelayOccupancyAndEarliestAct) {
  TokenNetwork network{.channels = 1};
  network.processes = {Process{.steps = {{.puts = {0, kNone}, .delays = {ps(4), ps(0)}, .duration = ps(10), .occupancy = ps(7)}}, .prologue = {0, 0}},
                       Process{.steps = {{.takes = {0, kNone}, .duration = ps(1), .earliest = ps(20)}}, .prologue = {0, 0}}};
  const auto result = run(network, {.trace_limit = 9});
  EXPECT_EQ(result.finish[0], ps(34));           // 10, occupied to 17, 27, occupied to 34
  EXPECT_EQ(result.trace[1][0].start, ps(20));   // not at 14
  EXPECT_EQ(result.trace[1][1].start, ps(31));   // 27 + 4
}

TEST(TokenNetwork, MissingTokenIsReportedWithItsPlace) {
  TokenNetwork network{.channels = 1};
  network.processes = {Process{.steps = {{.duration = ps(1)}, {.takes = {0, kNone}}}, .prologue = {0}, .body = {0, 0}, .repeats = 5, .epilogue = {0, 1}}};
  const auto result = run(network);
  ASSERT_TRUE(result.stuck.has_value());
  EXPECT_EQ(result.stuck->process, 0u);
  EXPECT_EQ(result.stuck->position, 1 + 10 + 1);
}

TEST(TokenNetwork, LoopWithOneRateIsJumped) {
  const TokenNetwork network = producer_and_consumer(3, 2, 1'000'000, 0);
  const auto folded = run(network);
  expect_same(folded, run(network, {.fold = false}));
  EXPECT_GT(folded.iterations_jumped, 999'990);
  EXPECT_EQ(folded.period_iterations, 1);
  EXPECT_EQ(folded.period, ps(3));
}

TEST(TokenNetwork, ProcessesWithDifferentRatesAreJumpedToo) {
  const TokenNetwork network = producer_and_consumer(2, 3, 1000, 0);
  const auto folded = run(network);
  expect_same(folded, run(network, {.fold = false}));
  EXPECT_GT(folded.iterations_jumped, 980);
}

// The consumer starts 100,000 late, gains 1 per iteration and so waits again only after 100,000 iterations: two regimes, both jumped.
TEST(TokenNetwork, LongTransientIsJumpedUpToItsEndAndNotBeyond) {
  const TokenNetwork network = producer_and_consumer(3, 2, 250'000, 100'000);
  const auto folded = run(network);
  expect_same(folded, run(network, {.fold = false}));
  EXPECT_EQ(folded.finish[1], ps(3 * 250'000 + 2 + 5));
  EXPECT_GT(folded.iterations_jumped, 249'900);
}

TEST(TokenNetwork, TwoConsumersOfOneChannelBreakTheContract) {
  TokenNetwork network = producer_and_consumer(3, 2, 4, 0);
  network.processes.push_back(network.processes[1]);
  EXPECT_THROW((void)run(network), ContractFailure);
}

TEST(TokenNetwork, MoreTimeThanPicosecondsCountBreaksTheContract) {
  const TokenNetwork network = producer_and_consumer(1'000'000'000'000, 1, 1'000'000'000, 0);  // 10^9 s
  EXPECT_THROW((void)run(network), ContractFailure);
}

TEST(PeriodsWithoutChange, EndsWhereTheFirstSlackWouldCrossZero) {
  EXPECT_EQ(periods_without_change({5, -5}, {5, -5}, 100), 100);    // nothing moves
  EXPECT_EQ(periods_without_change({5, -5}, {6, -9}, 100), 100);    // all grow
  EXPECT_EQ(periods_without_change({10}, {7}, 100), 2);             // 4, 1, then -2
  EXPECT_EQ(periods_without_change({-10}, {-8}, 100), 4);           // -6, -4, -2, 0: a tie has the same value
  EXPECT_EQ(periods_without_change({10, 10}, {7, 6}, 100), 1);
  EXPECT_EQ(periods_without_change({1}, {-1}, 100), 0);             // the winner has changed
  EXPECT_EQ(periods_without_change({1}, {0}, 100), 0);
  EXPECT_EQ(periods_without_change({0}, {3}, 100), 100);
}

// A ring of processes with several tokens: its cycle time is the circuit's length over its tokens, so periods of several iterations.
TEST(TokenNetwork, RandomRingsFoldExactly) {
  std::mt19937 generator(11);
  int jumped = 0;
  for (int trial = 0; trial < 300; ++trial) {
    const auto size = static_cast<std::int32_t>(2 + generator() % 5);
    const std::size_t tokens = 1 + generator() % 4;
    TokenNetwork network{.channels = size};
    for (std::int32_t i = 0; i < size; ++i) {
      const auto draw = [&] { return ps(static_cast<std::int64_t>(1 + generator() % 50)); };
      Step pass{.takes = {i, kNone}, .puts = {(i + 1) % size, kNone}, .delays = {draw(), ps(0)}, .duration = draw()};
      Step seed{.puts = {(i + 1) % size, kNone}, .delays = {draw(), ps(0)}, .duration = draw()};
      Process process{.steps = {pass, seed}, .body = {0}, .repeats = 400};
      if (i == 0) process.prologue.assign(tokens, 1);
      network.processes.push_back(process);
    }
    const auto folded = run(network);
    expect_same(folded, run(network, {.fold = false}));
    if (folded.iterations_jumped > 0) ++jumped;
  }
  EXPECT_GT(jumped, 290);
}

}  // namespace
}  // namespace zettatwin::engine
