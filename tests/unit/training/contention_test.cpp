// SPDX-License-Identifier: Apache-2.0
// Activations and parameters on the same ports: by hand, against a slow fluid model, and laws.
#include <gtest/gtest.h>

#include <cmath>
#include <deque>

#include "../../support/random.hpp"
#include "../../support/thinning.hpp"
#include "flow/max_min.hpp"
#include "training/beside_backward.hpp"
#include "training/message_streams.hpp"
#include "training/streams.hpp"

namespace zettatwin::training {
namespace {

using units::Picoseconds;
using workload::Hiding;

constexpr std::int64_t kMs = 1'000'000'000;

Footprint uses(std::initializer_list<double> shares) {
  Footprint ports;
  for (const double share : shares) ports.push_back({.share = share});
  return ports;
}

// Both start at 0 and take 10 ms alone: when they end.
std::pair<double, double> both(const Footprint& a, const Footprint& p, std::int64_t parameters_ms = 10) {
  MessageStreams streams;
  const auto x = streams.send(false, {}, {&a, Picoseconds(10 * kMs)});
  const auto y = streams.send(true, {}, {&p, Picoseconds(parameters_ms * kMs)});
  return {static_cast<double>(streams.finish(x).count()) / kMs, static_cast<double>(streams.finish(y).count()) / kMs};
}

TEST(Contention, TwoMessagesOnOneLevel) {
  EXPECT_EQ(both(uses({1}), uses({1})), std::pair(20.0, 20.0)) << "full use each";
  EXPECT_EQ(both(uses({0.5}), uses({0.5})), std::pair(10.0, 10.0)) << "half of the ports each";
  const auto [a, p] = both(uses({0.8}), uses({0.6}));
  EXPECT_NEAR(a, 14, 1e-8) << "0.8 r + 0.6 r = 1";
  EXPECT_NEAR(p, 14, 1e-8);
}

TEST(Contention, TheShorterGoesAndTheOtherIsAlone) {
  // Both at half speed: the shorter's 4 take 8, then 6 of the longer are left.
  EXPECT_EQ(both(uses({1}), uses({1}), 4), std::pair(14.0, 8.0));
  EXPECT_EQ(both(uses({1}), uses({1}), 16), std::pair(20.0, 26.0));
}

TEST(Contention, OfThreeLevelsTheFullestCounts) {
  EXPECT_EQ(both(uses({1, 0, 0}), uses({0, 1, 1})), std::pair(10.0, 10.0)) << "none in common";
  EXPECT_EQ(both(uses({1, 0.25, 0}), uses({0, 1, 0.5})), std::pair(12.5, 12.5)) << "the middle one: 0.25 + 1";
  EXPECT_EQ(both(uses({0.5, 0.75, 0.5}), uses({0.5, 0.25, 1})), std::pair(15.0, 15.0)) << "the outermost: 0.5 + 1";
}

TEST(Contention, MeshLinksToOtherPeersAreNotShared) {
  const Footprint neighbours{{.share = 1, .peers = 0b0010}}, others{{.share = 1, .peers = 0b1100}}, all{{.share = 1, .peers = 0b1110}};
  EXPECT_EQ(stretch(&neighbours, &others), 1);
  EXPECT_EQ(stretch(&neighbours, &all), 2);
}

TEST(Contention, StartsAndEndsChangeRates) {
  // Gradients 0-20. Activations 4-10 alone would take 6: half speed until 16. 4 + 6 of 20 done, 10 left, until 18 alone, another 4 of activations to 26.
  const auto full = uses({1});
  MessageStreams streams;
  const auto gradients = streams.send(true, {}, {&full, Picoseconds(20)});
  const auto first = streams.send(false, Picoseconds(4), {&full, Picoseconds(6)});
  EXPECT_EQ(streams.finish(first).count(), 16);
  EXPECT_EQ(streams.finish(gradients).count(), 26);
  const auto second = streams.send(false, Picoseconds(18), {&full, Picoseconds(4)});
  EXPECT_EQ(streams.finish(second).count(), 26);
  EXPECT_EQ(streams.finish(gradients).count(), 30);
}

TEST(Contention, EqualRatesAreMaxMinFair) {
  for (std::uint64_t seed = 0; seed < 2000; seed += test::kThinning) {
    test::Random random(seed);
    Footprint a, b;
    flow::SharingProblem<double> problem;
    std::vector<flow::Use<double>> of_a, of_b;
    for (std::int64_t level = random.between(1, 4); level > 0; --level) {
      a.push_back({.share = static_cast<double>(random.between(0, 10)) / 10});
      b.push_back({.share = static_cast<double>(random.between(0, 10)) / 10});
      const auto ports = problem.add_resource(1);
      of_a.push_back({ports, a.back().share});
      of_b.push_back({ports, b.back().share});
    }
    (void)problem.add_flow(1, of_a, 1.0);
    (void)problem.add_flow(1, of_b, 1.0);
    const auto shares = flow::max_min(problem);
    ASSERT_NEAR(shares.rate[0], 1 / stretch(&a, &b), 1e-12) << seed;
    ASSERT_NEAR(shares.rate[1], 1 / stretch(&a, &b), 1e-12) << seed;
  }
}

// The slow way: all messages known, from event to event with the solver's rates.
struct Slow {
  struct Message { double release, left; const Footprint* ports; double finish = 0; };
  std::array<std::vector<Message>, 2> streams;

  static std::pair<double, double> rates(const Footprint& a, const Footprint& b) {
    flow::SharingProblem<double> problem;
    std::vector<flow::Use<double>> of_a, of_b;
    for (std::size_t l = 0; l < a.size(); ++l) {
      const auto ports = problem.add_resource(1);
      of_a.push_back({ports, a[l].share});
      of_b.push_back({ports, b[l].share});
    }
    (void)problem.add_flow(1, of_a, 1.0);
    (void)problem.add_flow(1, of_b, 1.0);
    const auto shares = flow::max_min(problem);
    return {shares.rate[0], shares.rate[1]};
  }
  void run() {
    std::array<std::size_t, 2> head{};
    double now = 0;
    while (head[0] < streams[0].size() || head[1] < streams[1].size()) {
      std::array<Message*, 2> at{};
      for (std::size_t s = 0; s < 2; ++s) if (head[s] < streams[s].size()) at[s] = &streams[s][head[s]];
      std::array<double, 2> rate{};
      const auto under_way = [&](std::size_t s) { return at[s] && at[s]->release <= now; };
      if (under_way(0) && under_way(1)) std::tie(rate[0], rate[1]) = rates(*at[0]->ports, *at[1]->ports);
      else for (std::size_t s = 0; s < 2; ++s) rate[s] = under_way(s) ? 1 : 0;
      double step = 1e300;
      for (std::size_t s = 0; s < 2; ++s) if (at[s]) step = std::min(step, under_way(s) ? at[s]->left / rate[s] : at[s]->release - now);
      now += step;
      for (std::size_t s = 0; s < 2; ++s) {
        if (!at[s] || rate[s] == 0) continue;
        at[s]->left -= rate[s] * step;
        if (at[s]->left > 1e-6) continue;
        at[s]->finish = now;
        ++head[s];
      }
    }
  }
};

std::vector<Footprint> random_footprints(test::Random& random) {
  std::vector<Footprint> ports(4);
  for (auto& p : ports)
    for (int level = 0; level < 3; ++level) p.push_back({.share = random.between(0, 2) == 0 ? 0 : static_cast<double>(random.between(1, 8)) / 8});
  return ports;
}

TEST(Contention, EqualsTheSlowFluidModel) {
  for (std::uint64_t seed = 0; seed < 5000; seed += test::kThinning) {
    test::Random random(seed);
    const auto ports = random_footprints(random);
    MessageStreams fast;
    Slow slow;
    std::vector<std::pair<MessageStreams::Id, std::size_t>> sent;
    std::array<std::int64_t, 2> release{};
    for (std::int64_t i = random.between(1, 12); i > 0; --i) {  // in any order between the streams: also into the other's past
      const auto s = static_cast<std::size_t>(random.between(0, 1));
      const auto& p = ports[static_cast<std::size_t>(random.between(0, 3))];
      release[s] += 1000 * random.between(0, 60);
      const auto time = 1000 * random.between(1, 60);
      sent.emplace_back(fast.send(s == 1, Picoseconds(release[s]), {&p, Picoseconds(time)}), slow.streams[s].size());
      slow.streams[s].push_back({static_cast<double>(release[s]), static_cast<double>(time), &p});
    }
    slow.run();
    for (const auto& [id, index] : sent) ASSERT_NEAR(static_cast<double>(fast.finish(id).count()), slow.streams[id.parameters ? 1 : 0][index].finish, 20) << seed;
  }
}

using Program = std::vector<TimedOperation>;

Program random_program(test::Random& random, const std::vector<Footprint>& ports) {
  Program program;
  for (std::int64_t i = random.between(0, 14); i > 0; --i) {
    TimedOperation op{.leaf = static_cast<LeafId>(random.between(0, 5)), .time = Picoseconds(random.between(0, 4000))};
    op.communication = random.between(0, 2) > 0;
    op.parameters = op.communication && random.between(0, 1) == 0;
    if (op.communication) {
      op.ports = &ports[static_cast<std::size_t>(random.between(0, static_cast<std::int64_t>(ports.size()) - 1))];
      op.hiding = op.parameters || random.between(0, 2) == 0 ? Hiding::background : Hiding::none;
      if (!op.parameters && !program.empty() && !program.back().communication && random.between(0, 1) == 0) {
        op.hiding = Hiding::chunked;
        op.chunks = random.between(2, 8);
        op.partner = program.back().time;
      }
    }
    program.push_back(op);
  }
  return program;
}

Picoseconds sum_of(const Program& program) {
  Picoseconds sum;
  for (const auto& op : program) sum += op.time;
  return sum;
}

Program apart(Program program) {
  for (auto& op : program) op.ports = nullptr;
  return program;
}

TEST(ContentionLaws, NeverFasterThanNoneNeverSlowerThanOneAfterTheOther) {
  int contended = 0;
  for (std::uint64_t seed = 0; seed < 20000; seed += test::kThinning) {
    test::Random random(seed);
    const auto ports = random_footprints(random);
    const auto program = random_program(random, ports);
    const auto with = run_streams(program), without = run_streams(apart(program));
    ASSERT_EQ(with.ledger.total(), with.time) << seed;
    ASSERT_GE(with.time, without.time) << seed;
    ASSERT_EQ(with.contention, with.time - without.time) << seed;
    ASSERT_LE(with.time, sum_of(program)) << seed;
    contended += with.contention.count() > 0 ? 1 : 0;
  }
  EXPECT_GT(contended, 500 / static_cast<int>(test::kThinning));
}

TEST(ContentionLaws, TwoProgramsTogether) {
  for (std::uint64_t seed = 0; seed < 20000; seed += test::kThinning) {
    test::Random random(seed);
    const auto ports = random_footprints(random);
    const auto a = random_program(random, ports), b = random_program(random, ports);
    const auto r = run_streams_together(a, b);
    ASSERT_EQ(r.ledger.total(), r.time) << seed;
    ASSERT_LE(r.time, sum_of(a) + sum_of(b)) << seed;
    ASSERT_EQ(run_streams_together(apart(a), apart(b)).contention.count(), 0) << seed;
    ASSERT_EQ(run_streams_together(a, {}).time, run_streams(a).time) << seed;
  }
}

// Messages that take latency + bytes / bandwidth, busy for the latter, on one level.
TEST(ContentionLaws, MoreBandwidthIsNeverSlower) {
  for (std::uint64_t seed = 0; seed < 20000; seed += test::kThinning) {
    test::Random random(seed);
    auto program = random_program(random, std::vector<Footprint>(1));
    auto faster = program;
    std::deque<Footprint> ports;
    const double bandwidth = 1 + 0.1 * static_cast<double>(random.between(0, 30));
    for (std::size_t i = 0; i < program.size(); ++i) {
      if (!program[i].communication) continue;
      const double latency = static_cast<double>(random.between(1, 300)), bytes = static_cast<double>(random.between(0, 4000));
      const auto price = [&](TimedOperation& op, double busy) {
        op.time = Picoseconds(static_cast<std::int64_t>(std::round(latency + busy)));
        op.ports = &ports.emplace_back(uses({std::min(1.0, busy / static_cast<double>(op.time.count()))}));
      };
      price(program[i], bytes);
      price(faster[i], bytes / bandwidth);
    }
    ASSERT_LE(run_streams(faster).time, run_streams(program).time + Picoseconds(20)) << seed;
  }
}

TEST(BesideBackward, ByHand) {
  // A pass of 100 sends full messages for 40 of it. A reduction that fills the ports too loses 0.4 of a second per second beside it, as does the pass.
  const auto full = uses({1}), half = uses({0.5}), other = uses({0, 1});
  const std::vector<Traffic> activations{{&full, Picoseconds(40 * kMs)}};
  const Picoseconds pass(100 * kMs);
  EXPECT_DOUBLE_EQ(loss_beside({{&full, Picoseconds(kMs)}}, activations, pass), 0.4);
  EXPECT_DOUBLE_EQ(loss_beside({{&half, Picoseconds(kMs)}}, activations, pass), 0.2);
  EXPECT_EQ(loss_beside({{&other, Picoseconds(kMs)}}, activations, pass), 0);
  EXPECT_DOUBLE_EQ(loss_beside({{&full, Picoseconds(kMs)}, {&other, Picoseconds(3 * kMs)}}, activations, pass), 0.1);
  EXPECT_EQ(loss_beside({}, activations, pass), 0);
}

TEST(BesideBackward, WhatIsLeftAfterThePassIsAlone) {
  // Ready at 25, 50, 75, 100; each takes 40: beside the pass from 25 to 65, 65 to 100 (35), then none.
  std::vector<BucketReduction> buckets(4, {.time = Picoseconds(40 * kMs), .loss = 0.5});
  EXPECT_EQ(delay_beside(buckets, Picoseconds(100 * kMs)).count(), 37'500'000'000);
  EXPECT_EQ(buckets[0].delay.count(), 20 * kMs);
  EXPECT_EQ(buckets[1].delay.count(), 17'500'000'000);
  EXPECT_EQ(buckets[2].delay.count() + buckets[3].delay.count(), 0);
}

}  // namespace
}  // namespace zettatwin::training
