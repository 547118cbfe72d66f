// SPDX-License-Identifier: Apache-2.0
// The simulation of a whole step: by hand, against a slow one, and laws.
#include "../../support/thinning.hpp"
#include "engine/losses.hpp"
#include "shared_step_fixture.hpp"

namespace zettatwin::training {
namespace {

using namespace test_shared;

const TimedOperation k10ms = compute(10 * kMs);

TEST(SharedStep, TwoSendsShareAPort) {
  Case c;
  const auto* full = c.footprint({1});
  for (int rank = 0; rank < 3; ++rank) c.rank({{.blocks = {{c.block({k10ms}), 1}}}});
  c.send(0, 0, 1, 0, ms(10), full);
  c.send(0, 0, 2, 0, ms(10), full);
  const auto outcome = play_shared(c.step);
  ASSERT_FALSE(outcome.losses.steps.empty());
  EXPECT_EQ(outcome.losses.steps[0][0].delays[0], ms(10)) << "both leave at 10 and arrive at 30";
  EXPECT_EQ(outcome.losses.steps[0][0].delays[1], ms(10));
  EXPECT_EQ(outcome.finish[1], ms(40));
}

TEST(SharedStep, TheSendThatArrivesUsesTheOtherDirection) {
  Case c;
  const auto* full = c.footprint({1});
  for (int rank = 0; rank < 2; ++rank) c.rank({{.blocks = {{c.block({k10ms}), 1}}}, {.blocks = {{c.block({k10ms}), 1}}}});
  c.send(0, 0, 1, 1, ms(10), full);
  c.send(1, 0, 0, 1, ms(10), full);
  const auto outcome = play_shared(c.step);
  EXPECT_TRUE(outcome.losses.steps.empty());
  EXPECT_EQ(outcome.finish[0], ms(30));
}

TEST(SharedStep, SendsOfAChannelFollowOneAnother) {
  Case c;
  c.rank({{.blocks = {{c.block({k10ms}), 1}}}, {.blocks = {{c.block({k10ms}), 1}}}});
  c.rank({{.blocks = {{c.block({k10ms}), 1}}}, {.blocks = {{c.block({k10ms}), 1}}}});
  c.send(0, 0, 1, 0, ms(30), c.footprint({0.1}));
  const auto channel = c.at(0, 0).puts[0];
  c.at(0, 1).puts[0] = c.at(1, 1).takes[0] = channel;
  c.at(0, 1).delays[0] = ms(30);
  const auto outcome = play_shared(c.step);
  ASSERT_FALSE(outcome.losses.steps.empty());
  EXPECT_EQ(outcome.losses.steps[0][1].delays[0], ms(20)) << "ready at 20, leaves at 40";
  EXPECT_EQ(outcome.finish[1], ms(80));
}

// The pass behind a send begins with an exchange of 4 ms on the same ports: both at half speed, 8 ms; then the send's other 6.
TEST(SharedStep, AnExpertExchangeBesideASend) {
  for (const bool same : {true, false}) {
    Case c;
    const auto* send = c.footprint({1});
    const auto* exchange = same ? send : c.footprint({0, 1});
    c.rank({{.blocks = {{c.block({k10ms}), 1}}}, {.blocks = {{c.block({message(4 * kMs, exchange), k10ms}), 1}}}});
    c.rank({{.blocks = {{c.block({k10ms}), 1}}}});
    c.send(0, 0, 1, 0, ms(10), send);
    const auto outcome = play_shared(c.step);
    EXPECT_EQ(outcome.finish[0], ms(same ? 28 : 24));
    EXPECT_EQ(outcome.finish[1], ms(same ? 34 : 30));
    if (!same) continue;
    ASSERT_FALSE(outcome.losses.steps.empty());
    EXPECT_EQ(outcome.losses.steps[0][1].duration, ms(4));
    EXPECT_EQ(outcome.lost[0][1], (RivalTimes{ms(4), ms(0), ms(0)}));
  }
}

TEST(SharedStep, TheReceiverLosesToo) {
  Case c;
  const auto* full = c.footprint({1});
  c.rank({{.blocks = {{c.block({k10ms}), 1}}}});
  // Layers of 1 ms of computation and 1 ms of messages; the send of 4 ms is there from 10 on: 1 of computation, 1 in 2, 1, 1 in 2; 1, 1 in 1.
  c.rank({{.blocks = {{c.block({compute(kMs), message(kMs, full)}), 20}}}, {.blocks = {{c.block({k10ms}), 1}}}});
  c.send(0, 0, 1, 1, ms(4), full);
  const auto outcome = play_shared(c.step);
  ASSERT_FALSE(outcome.losses.steps.empty());
  EXPECT_EQ(outcome.losses.steps[0][0].delays[0], ms(2)) << "1 alone, 1 in 2, 1 alone, then 1 in 2";
  EXPECT_EQ(outcome.losses.steps[1][0].duration, ms(2));
  EXPECT_EQ(outcome.finish[1], ms(52));
}

// Two layers of 10 ms of computation and 10 ms of messages. The first one's gradients are final at 20 and take 15: 10 beside computation, then 5 in 10 beside
// messages, of which 5 are left. The second's are final when the pass ends, at 45.
TEST(SharedStep, GradientsBesideTheLastBackward) {
  Case c;
  const auto* full = c.footprint({1});
  c.rank({{.blocks = {{c.block({k10ms, message(10 * kMs, full)}), 2}}, .last_backward = 0}});
  c.step.ranks[0].reductions[0].assign(2, {{full, ms(15)}});
  const auto outcome = play_shared(c.step);
  EXPECT_EQ(outcome.finish[0], ms(45));
  ASSERT_FALSE(outcome.losses.steps.empty());
  EXPECT_EQ(outcome.lost[0][0], (RivalTimes{ms(0), ms(0), ms(5)}));
  ASSERT_EQ(outcome.reductions[0].size(), 2u);
  EXPECT_EQ(outcome.reductions[0][0].start, ms(20));
  EXPECT_EQ(outcome.reductions[0][0].finish, ms(40));
  EXPECT_EQ(outcome.reductions[0][1].start, ms(45));
  EXPECT_EQ(outcome.reductions[0][1].finish, ms(60));
}

// Gathers of 15 ms for each of two layers of 10 ms of computation and 10 ms of messages. The first pass starts at 15; its message from 25 on shares with the second
// gather, of which 5 are left: both do 5 in 10. The layer ends at 40, the second is there at 35.
TEST(SharedStep, GathersBesideTheFirstForward) {
  Case c;
  const auto* full = c.footprint({1});
  c.rank({{.blocks = {{c.block({k10ms, message(10 * kMs, full)}), 2}}, .first_forward = 0}});
  c.step.ranks[0].gathers[0].assign(2, {{full, ms(15)}});
  c.step.ranks[0].forward[0] = ms(40);
  const auto outcome = play_shared(c.step);
  EXPECT_EQ(outcome.release[0][0], ms(15));
  EXPECT_EQ(outcome.gathers[0][1].finish, ms(35));
  EXPECT_EQ(outcome.finish[0], ms(60));
  ASSERT_FALSE(outcome.losses.steps.empty());
  EXPECT_EQ(outcome.lost[0][0], (RivalTimes{ms(0), ms(5), ms(0)}));
}

// As above, but the second gather takes 42: foreseen at 57, needed after 20 ms of the pass, which may start at 37. From 47 on both have 10 ms left and share:
// the gather is there at 67, when the layer ends.
TEST(SharedStep, AFirstForwardStartsWhenItsParametersAreForeseen) {
  Case c;
  const auto* full = c.footprint({1});
  c.rank({{.blocks = {{c.block({k10ms, message(10 * kMs, full)}), 2}}, .first_forward = 0}});
  c.step.ranks[0].gathers[0] = {{{full, ms(15)}}, {{full, ms(42)}}};
  c.step.ranks[0].forward[0] = ms(40);
  const auto outcome = play_shared(c.step);
  EXPECT_EQ(outcome.gathers[0][1].finish, ms(67));
  EXPECT_EQ(outcome.finish[0], ms(87));
  EXPECT_EQ(outcome.release[0][0], ms(37));
}

TEST(SharedStep, ASendThatIsWaitedForKeepsItsSender) {
  Case c;
  const auto* full = c.footprint({1});
  c.rank({{.blocks = {{c.block({k10ms}), 1}}}, {.blocks = {{c.block({k10ms}), 1}}}});
  c.rank({{.blocks = {{c.block({message(30 * kMs, full)}), 1}}}, {.blocks = {{c.block({k10ms}), 1}}}});
  c.send(0, 0, 1, 1, ms(10), full);
  c.at(0, 0).occupancy = ms(10);
  const auto outcome = play_shared(c.step);
  ASSERT_FALSE(outcome.losses.steps.empty());
  EXPECT_EQ(outcome.losses.steps[0][0].occupancy, ms(10)) << "the receiver's messages take half of its ports";
  EXPECT_EQ(outcome.finish[0], ms(40));
}

// The engine plays the network with the losses: the same times, to the picosecond.
void expect_engine_agrees(const SharedStep& step, const SharedOutcome& outcome, std::uint64_t seed) {
  auto network = engine::with_losses(step.network, outcome.losses);
  const auto run = engine::run(network);
  ASSERT_FALSE(run.stuck) << seed;
  for (std::size_t r = 0; r < outcome.finish.size(); ++r) ASSERT_EQ(run.finish[r], outcome.finish[r]) << seed << " rank " << r;
}

// A send of 10 ms on ports that no layer uses takes a quarter of its time, half of that at either end, from the pass beside it. Rank 1 then
// reduces gradients for 4 ms, of which 1.25 pass before its last pass begins: a quarter of 2.75.
TEST(SharedStep, MessagesBesideAPassTakeCoresAndMemory) {
  Case c;
  for (int rank = 0; rank < 2; ++rank) c.rank({{.blocks = {{c.block({k10ms}), 1}}}, {.blocks = {{c.block({k10ms}), 2}}}, {.blocks = {{c.block({k10ms}), 1}}}});
  c.send(0, 0, 1, 2, ms(10), c.footprint({0.5}));
  c.step.ranks[1].passes[1].last_backward = 0;
  c.step.ranks[1].reductions[0].assign(1, {{c.footprint({0.25}), ms(4)}});  // final when the second pass ends
  c.step.interference = 0.25;
  const auto outcome = play_shared(c.step);
  ASSERT_FALSE(outcome.losses.steps.empty());
  for (std::size_t rank = 0; rank < 2; ++rank) {
    EXPECT_EQ(outcome.losses.steps[rank][0].duration, ms(0));
    EXPECT_EQ(outcome.losses.steps[rank][1].duration, Picoseconds(1'250'000'000)) << rank;
    const Picoseconds last(rank == 0 ? 0 : 687'500'000);
    EXPECT_EQ(outcome.losses.steps[rank][2].duration, last);
    EXPECT_EQ(outcome.finish[rank], ms(40) + Picoseconds(1'250'000'000) + last);
  }
}

// An eighth of a collective's share: 0.25 / 8 of 10 ms at either end.
TEST(SharedStep, ASendTakesItsShareOfWhatACollectiveTakes) {
  Case c;
  for (int rank = 0; rank < 2; ++rank) c.rank({{.blocks = {{c.block({k10ms}), 1}}}, {.blocks = {{c.block({k10ms}), 2}}}});
  c.send(0, 0, 1, 1, ms(10), c.footprint({0.5}));
  c.step.interference = 0.25;
  c.step.send_share = 0.125;
  const auto outcome = play_shared(c.step);
  ASSERT_FALSE(outcome.losses.steps.empty());
  EXPECT_EQ(outcome.losses.steps[0][1].duration, Picoseconds(312'500'000)) << "the sender computes beside it, the receiver waits";
  c.step.send_share = 0;
  EXPECT_TRUE(play_shared(c.step).losses.steps.empty());
}


TEST(SharedStepLaws, EqualsTheSlowSimulation) {
  int contended = 0;
  for (std::uint64_t seed = 0; seed < 600; seed += test::kThinning) {
    test::Random random(seed);
    const auto c = random_case(random, 6, true);
    const auto outcome = play_shared(c->step, {.fold = false});
    Slow slow(c->step);
    const auto finish = slow.run();
    for (std::size_t r = 0; r < finish.size(); ++r) {
      ASSERT_NEAR(static_cast<double>(outcome.finish[r].count()), finish[r], 2000) << seed << " rank " << r;
      if (outcome.reductions[r].empty()) continue;
      ASSERT_NEAR(static_cast<double>(outcome.reductions[r].back().finish.count()), slow.reduced(r), 2000) << seed << " rank " << r;
    }
    expect_engine_agrees(c->step, outcome, seed);
    contended += outcome.losses.steps.empty() ? 0 : 1;
  }
  EXPECT_GT(contended, 200 / static_cast<int>(test::kThinning));
}

TEST(SharedStepLaws, AJumpIsTheFullRun) {
  int jumps = 0;
  for (std::uint64_t seed = 0; seed < 300; seed += test::kThinning) {
    test::Random random(seed);
    const auto c = random_case(random, 200, true);
    const auto folded = play_shared(c->step), full = play_shared(c->step, {.fold = false});
    ASSERT_FALSE(folded.assumed_period) << seed;
    ASSERT_EQ(folded.finish, full.finish) << seed;
    for (std::size_t r = 0; r < full.finish.size(); ++r) {
      ASSERT_EQ(folded.reductions[r].size(), full.reductions[r].size());
      for (std::size_t i = 0; i < full.reductions[r].size(); ++i) ASSERT_EQ(folded.reductions[r][i].finish, full.reductions[r][i].finish) << seed;
    }
    expect_engine_agrees(c->step, folded, seed);
    jumps += folded.events < full.events ? 1 : 0;
  }
  EXPECT_GT(jumps, 50 / static_cast<int>(test::kThinning));
}

TEST(SharedStepLaws, LossesAreThoseOfRivalsAndNeverGains) {
  for (std::uint64_t seed = 0; seed < 600; seed += test::kThinning) {
    test::Random random(seed);
    const auto c = random_case(random, 10, true);
    const auto outcome = play_shared(c->step);
    const auto alone = engine::run(c->step.network);
    for (std::size_t r = 0; r < outcome.finish.size(); ++r) ASSERT_GE(outcome.finish[r], alone.finish[r]) << seed;
    if (outcome.losses.steps.empty()) continue;
    for (std::size_t r = 0; r < outcome.finish.size(); ++r)
      for (std::size_t i = 0; i < outcome.lost[r].size(); ++i) {
        Picoseconds sum;
        for (const auto lost : outcome.lost[r][i]) sum += lost;
        const auto interference = outcome.losses.steps[r][i].duration - sum;
        if (c->step.interference == 0) { ASSERT_EQ(interference.count(), 0) << seed; }
        ASSERT_GE(interference.count(), 0) << seed;
        ASSERT_GE(sum.count(), 0) << seed;
        for (const auto delay : outcome.losses.steps[r][i].delays) ASSERT_GE(delay.count(), 0) << seed;
      }
  }
}

TEST(SharedStepLaws, WithPortsOfTheirOwnAllIsAsAlone) {
  for (std::uint64_t seed = 0; seed < 100; seed += test::kThinning) {
    test::Random random(seed);
    const auto c = random_case(random, 30, false);
    for (auto& channel : c->step.channels) channel.ports = nullptr;
    for (auto& process : c->step.network.processes)
      for (auto& step : process.steps) step.delays = {Picoseconds(1), Picoseconds(1)};
    const auto outcome = play_shared(c->step);
    EXPECT_TRUE(outcome.losses.steps.empty()) << seed;
    EXPECT_EQ(outcome.finish, engine::run(c->step.network).finish) << seed;
  }
}

TEST(SharedStepLaws, OfOnlyOneRankTheOrderOfRanksDoesNotMatter) {
  for (std::uint64_t seed = 0; seed < 200; seed += test::kThinning) {
    test::Random random(seed);
    const auto c = random_case(random, 8, true);
    const auto straight = play_shared(c->step, {.fold = false});
    std::reverse(c->step.network.processes.begin(), c->step.network.processes.end());
    std::reverse(c->step.ranks.begin(), c->step.ranks.end());
    const auto last = static_cast<std::int32_t>(c->step.ranks.size()) - 1;
    for (auto& channel : c->step.channels) {
      channel.from = last - channel.from;
      channel.to = last - channel.to;
    }
    auto reversed = play_shared(c->step, {.fold = false}).finish;
    std::reverse(reversed.begin(), reversed.end());
    ASSERT_EQ(straight.finish, reversed) << seed;
  }
}

TEST(SharedStepLaws, WithoutAPeriodInTheBudgetOneIsAssumed) {
  int assumed = 0;
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    test::Random of_case(seed);
    const auto c = random_case(of_case, 2000, true);
    const auto exact = play_shared(c->step, {.fold = false}), quick = play_shared(c->step, {.budget = 5000});
    if (!quick.assumed_period) continue;
    ++assumed;
    const auto run = engine::run(engine::with_losses(c->step.network, quick.losses));
    for (std::size_t r = 0; r < exact.finish.size(); ++r) EXPECT_NEAR(static_cast<double>(run.finish[r].count()) / static_cast<double>(exact.finish[r].count()), 1, 0.01) << seed;
  }
  EXPECT_GT(assumed, 3);
}

}  // namespace
}  // namespace zettatwin::training
