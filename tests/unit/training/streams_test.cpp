// SPDX-License-Identifier: Apache-2.0
// Small programs on the streams, by hand; laws on random ones.
#include <gtest/gtest.h>

#include "../../support/random.hpp"
#include "../../support/thinning.hpp"
#include "training/streams.hpp"

namespace zettatwin::training {
namespace {

using units::Picoseconds;
using workload::Hiding;
using Program = std::vector<TimedOperation>;

TimedOperation compute(LeafId leaf, std::int64_t time) { return {.leaf = leaf, .time = Picoseconds(time)}; }
TimedOperation communicate(LeafId leaf, std::int64_t time, Hiding hiding = Hiding::none) {
  return {.leaf = leaf, .time = Picoseconds(time), .communication = true, .hiding = hiding};
}
TimedOperation chunked(LeafId leaf, std::int64_t time, std::int64_t chunks, std::int64_t partner, bool follows) {
  auto op = communicate(leaf, time, Hiding::chunked);
  op.chunks = chunks;
  op.partner = Picoseconds(partner);
  op.partner_follows = follows;
  return op;
}
TimedOperation gradients(LeafId leaf, std::int64_t time) {
  auto op = communicate(leaf, time, Hiding::background);
  op.parameters = true;
  return op;
}

constexpr LeafId kA = 0, kB = 1, kX = 2, kY = 3;

std::int64_t time_of(const Program& program) { return run_streams(program).time.count(); }

TEST(Streams, ComputationAddsUp) {
  const auto r = run_streams({compute(kA, 10), compute(kB, 5), compute(kA, 1)});
  EXPECT_EQ(r.time.count(), 16);
  EXPECT_EQ(r.ledger.of(kA).count(), 11);
  EXPECT_EQ(r.overlapped.count(), 0);
}

TEST(Streams, AnExposedCommunicationIsWaitedFor) {
  const auto r = run_streams({compute(kA, 10), communicate(kX, 4), compute(kB, 5)});
  EXPECT_EQ(r.time.count(), 19);
  EXPECT_EQ(r.ledger.of(kX).count(), 4);
  EXPECT_EQ(r.overlapped.count(), 0);
}

TEST(Streams, BackgroundHidesBehindWhatFollows) {
  const auto hidden = run_streams({communicate(kX, 4, Hiding::background), compute(kA, 10)});
  EXPECT_EQ(hidden.time.count(), 10);
  EXPECT_EQ(hidden.ledger.of(kX).count(), 0);
  EXPECT_EQ(hidden.overlapped.count(), 4);
  const auto longer = run_streams({communicate(kX, 14, Hiding::background), compute(kA, 10)});
  EXPECT_EQ(longer.time.count(), 14);
  EXPECT_EQ(longer.ledger.of(kX).count(), 4) << "what sticks out at the end";
  EXPECT_EQ(longer.overlapped.count(), 10);
}

TEST(Streams, BackgroundNeedsSomethingBehindIt) {
  EXPECT_EQ(time_of({compute(kA, 10), communicate(kX, 4, Hiding::background)}), 14);
}

TEST(Streams, OneCommunicationAtATime) {
  const auto r = run_streams({communicate(kX, 8, Hiding::background), communicate(kY, 8, Hiding::background), compute(kA, 10)});
  EXPECT_EQ(r.time.count(), 16);
  EXPECT_EQ(r.ledger.of(kX).count(), 0);
  EXPECT_EQ(r.ledger.of(kY).count(), 6);
  // One that is waited for queues behind the background.
  EXPECT_EQ(time_of({communicate(kX, 8, Hiding::background), communicate(kY, 3), compute(kA, 10)}), 21);
}

TEST(Streams, ParametersHaveTheirOwnStream) {
  const auto r = run_streams({gradients(kX, 8), communicate(kY, 3), compute(kA, 10)});
  EXPECT_EQ(r.time.count(), 13);
  EXPECT_EQ(r.ledger.of(kY).count(), 3);
  EXPECT_EQ(r.overlapped.count(), 8);
}

// A gather in n chunks before a product of g: the product runs on arrived chunks, and its last chunk waits for the last arrival:
// max(g, d + g/n) instead of d + g.
TEST(Streams, ChunkedGatherBeforeItsPartner) {
  EXPECT_EQ(time_of({chunked(kX, 8, 4, 20, true), compute(kA, 20)}), 20) << "hidden";
  EXPECT_EQ(time_of({chunked(kX, 18, 4, 20, true), compute(kA, 20)}), 23) << "18 + 20/4";
  EXPECT_EQ(time_of({chunked(kX, 40, 4, 20, true), compute(kA, 20)}), 45);
  EXPECT_EQ(time_of({chunked(kX, 8, 1, 20, true), compute(kA, 20)}), 28) << "one chunk hides nothing";
}

TEST(Streams, ChunkedReductionAfterItsPartner) {
  EXPECT_EQ(time_of({compute(kA, 20), chunked(kX, 8, 4, 20, false)}), 20);
  EXPECT_EQ(time_of({compute(kA, 20), chunked(kX, 18, 4, 20, false)}), 23);
  EXPECT_EQ(time_of({compute(kA, 20), chunked(kX, 8, 1, 20, false)}), 28);
}

TEST(Streams, TwoCommunicationsShareOnePartner) {
  // Both want to hide behind the same 20: together they need 30 on the link.
  const auto r = run_streams({chunked(kX, 15, 4, 20, true), compute(kA, 20), chunked(kY, 15, 4, 20, false)});
  EXPECT_EQ(r.time.count(), 30);
  EXPECT_EQ(r.ledger.of(kY).count(), 10);
  EXPECT_EQ(r.overlapped.count(), 20);
}

TEST(StreamsTogether, OneComputesWhileTheOtherWaits) {
  // Each alone: 10 + 10 + 10. Together the communication of one hides behind the computation of the other.
  const Program a{compute(kA, 10), communicate(kX, 10), compute(kA, 10)}, b{compute(kB, 10), communicate(kY, 10), compute(kB, 10)};
  const auto r = run_streams_together(a, b);
  // a 0-10, b 10-20, a's message 10-20, a 20-30, b's message 20-30, b 30-40.
  EXPECT_EQ(r.time.count(), 40);
  EXPECT_EQ(r.overlapped.count(), 20);
  EXPECT_EQ(r.ledger.of(kX).count() + r.ledger.of(kY).count(), 0);
}

TEST(StreamsTogether, WaitsBelongToTheCommunicationWaitedFor) {
  const auto r = run_streams_together({communicate(kX, 30), compute(kA, 5)}, {compute(kB, 10)});
  EXPECT_EQ(r.time.count(), 35);
  EXPECT_EQ(r.ledger.of(kX).count(), 20);
  EXPECT_EQ(r.ledger.of(kB).count(), 10);
}

TEST(StreamsTogether, TheFirstWinsTies) {
  const auto r = run_streams_together({compute(kA, 10), communicate(kX, 5)}, {compute(kB, 10)});
  EXPECT_EQ(r.time.count(), 20) << "its message hides behind the second's computation";
  EXPECT_EQ(run_streams_together({compute(kB, 10)}, {compute(kA, 10), communicate(kX, 5)}).time.count(), 25);
}

TEST(StreamsTogether, WithNothingBesideItIsAProgramAlone) {
  const Program a{compute(kA, 10), communicate(kX, 4), communicate(kY, 7, Hiding::background), compute(kB, 5)};
  EXPECT_EQ(run_streams_together(a, {}).time, run_streams(a).time);
  EXPECT_EQ(run_streams_together({}, a).time, run_streams(a).time);
  EXPECT_EQ(run_streams_together({}, {}).time.count(), 0);
}

Program random_program(test::Random& random) {
  Program program;
  const auto length = random.between(0, 12);
  for (std::int64_t i = 0; i < length; ++i) {
    const auto leaf = static_cast<LeafId>(random.between(0, 5));
    const auto time = random.between(0, 40);
    switch (random.between(0, 5)) {
      case 0: program.push_back(communicate(leaf, time)); break;
      case 1: program.push_back(communicate(leaf, time, Hiding::background)); break;
      case 2: program.push_back(gradients(leaf, time)); break;
      case 3: {  // a pair of gather and product
        const auto partner = random.between(0, 40);
        program.push_back(chunked(leaf, time, random.between(1, 8), partner, true));
        program.push_back(compute(leaf, partner));
        break;
      }
      case 4:
        if (!program.empty() && !program.back().communication) program.push_back(chunked(leaf, time, random.between(1, 8), program.back().time.count(), false));
        break;
      default: program.push_back(compute(leaf, time));
    }
  }
  return program;
}

struct Sums {
  std::int64_t compute = 0, activations = 0, parameters = 0;
  [[nodiscard]] std::int64_t all() const { return compute + activations + parameters; }
  [[nodiscard]] std::int64_t busiest() const { return std::max({compute, activations, parameters}); }
};

Sums sums_of(const Program& program) {
  Sums s;
  for (const auto& op : program) (op.communication ? op.parameters ? s.parameters : s.activations : s.compute) += op.time.count();
  return s;
}

TEST(StreamsLaws, TheLedgerSumsToTheTimeWhichIsBetweenTheBusiestStreamAndTheSum) {
  for (std::uint64_t seed = 0; seed < 20000; seed += test::kThinning) {
    test::Random random(seed);
    const auto program = random_program(random);
    const auto r = run_streams(program);
    const auto sums = sums_of(program);
    ASSERT_EQ(r.ledger.total(), r.time) << seed;
    ASSERT_GE(r.time.count(), sums.busiest()) << seed;
    ASSERT_LE(r.time.count(), sums.all()) << seed;
    ASSERT_EQ(r.overlapped.count(), sums.all() - r.time.count()) << seed;
  }
}

TEST(StreamsLaws, TogetherToo) {
  for (std::uint64_t seed = 0; seed < 20000; seed += test::kThinning) {
    test::Random random(seed);
    const auto a = random_program(random), b = random_program(random);
    const auto r = run_streams_together(a, b);
    const auto x = sums_of(a), y = sums_of(b);
    const Sums both{x.compute + y.compute, x.activations + y.activations, x.parameters + y.parameters};
    ASSERT_EQ(r.ledger.total(), r.time) << seed;
    ASSERT_GE(r.time.count(), both.busiest()) << seed;
    ASSERT_LE(r.time.count(), both.all()) << seed;
    ASSERT_EQ(r.overlapped.count(), both.all() - r.time.count()) << seed;
  }
}

// A shorter operation never lengthens one program. Two programs together are a list schedule, which may (Graham 1966).
TEST(StreamsLaws, OneProgramIsMonotone) {
  for (std::uint64_t seed = 0; seed < 20000; seed += test::kThinning) {
    test::Random random(seed);
    const auto program = random_program(random);
    if (program.empty()) continue;
    auto faster = program;
    const auto i = static_cast<std::size_t>(random.between(0, static_cast<std::int64_t>(program.size()) - 1));
    const auto less = Picoseconds(random.between(0, program[i].time.count()));
    faster[i].time -= less;
    // Partners of chunked communication are copies of the computation beside it.
    const auto fix = [&](std::size_t c, bool follows) {
      if (c < program.size() && program[c].hiding == Hiding::chunked && program[c].partner_follows == follows && !program[i].communication) faster[c].partner = faster[i].time;
    };
    if (i > 0) fix(i - 1, true);
    fix(i + 1, false);
    ASSERT_LE(run_streams(faster).time, run_streams(program).time + Picoseconds(2)) << seed << ": but for rounding of chunks";
  }
}

}  // namespace
}  // namespace zettatwin::training
