// SPDX-License-Identifier: Apache-2.0
// Activations and parameters on the same ports: by hand, and laws. Against a slow simulation: shared_step_test.cpp.
#include <gtest/gtest.h>

#include <cmath>
#include <deque>

#include "../../support/random.hpp"
#include "../../support/thinning.hpp"
#include "flow/max_min.hpp"
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

using Program = std::vector<TimedOperation>;

TimedOperation message(std::int64_t time, const Footprint* ports, bool parameters, Hiding hiding = Hiding::background) {
  return {.leaf = 1, .time = Picoseconds(time), .communication = true, .parameters = parameters, .hiding = hiding, .ports = ports};
}

std::vector<std::int64_t> finishes(const Program& program, Stream stream) {
  Recording recording;
  (void)run_streams(program, &recording);
  std::vector<std::int64_t> times;
  for (const auto& interval : recording)
    if (interval.stream == stream) times.push_back(interval.finish.count());
  return times;
}

// Both start at 0 and take 10 ms alone: when they end.
std::pair<double, double> both(const Footprint& a, const Footprint& p, std::int64_t parameters_ms = 10) {
  const Program program{message(10 * kMs, &a, false), message(parameters_ms * kMs, &p, true)};
  return {static_cast<double>(finishes(program, Stream::activations).front()) / kMs, static_cast<double>(finishes(program, Stream::parameters).front()) / kMs};
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
  const TimedOperation first = {.leaf = 0, .time = Picoseconds(4)}, second = {.leaf = 0, .time = Picoseconds(2)};
  const Program program{message(20, &full, true), first, message(6, &full, false, Hiding::none), second, message(4, &full, false)};
  EXPECT_EQ(finishes(program, Stream::activations), (std::vector<std::int64_t>{16, 26}));
  EXPECT_EQ(finishes(program, Stream::parameters), (std::vector<std::int64_t>{30}));
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

std::vector<Footprint> random_footprints(test::Random& random) {
  std::vector<Footprint> ports(4);
  for (auto& p : ports)
    for (int level = 0; level < 3; ++level) p.push_back({.share = random.between(0, 2) == 0 ? 0 : static_cast<double>(random.between(1, 8)) / 8});
  return ports;
}

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

}  // namespace
}  // namespace zettatwin::training
