// SPDX-License-Identifier: Apache-2.0
// The limits that queueing theory knows in closed form. Sequences as customers: an instance whose step takes one unit of time whatever is in it, with
// c places in its batch, is a station of c servers; output tokens are the time of service.
#include <gtest/gtest.h>

#include <cmath>

#include "../../support/fleet_cases.hpp"
#include "fleet/fleet.hpp"

namespace zettatwin::fleet {
namespace {

// Erlang C: the probability that all c servers are busy at offered load a.
double erlang_c(int c, double a) {
  double b = 1;
  for (int k = 1; k <= c; ++k) b = a * b / (static_cast<double>(k) + a * b);
  return b / (1 - a / c * (1 - b));
}

struct Case {
  std::int64_t servers;
  double load;
  const char* output;  // law of the service
};

class Stations : public testing::TestWithParam<Case> {};

// M/M/c: mean wait C(c, a) / (c mu - lambda). M/D/1: half of M/M/1.
TEST_P(Stations, MeanWaitIsThatOfTheory) {
  const Case c = GetParam();
  const bool exponential = c.output[0] == 'e';
  const double service_s = 0.1;  // 1000 steps of 0.1 ms
  test::ConstantTimer timer(units::Picoseconds(100'000'000));
  const double rate = c.load * static_cast<double>(c.servers) / service_s;
  FleetSpec spec = test::one_pool(timer, c.servers, test::poisson(rate, 100'000, exponential ? test::Outputs::geometric : test::Outputs::constant, 1000, 17));
  const FleetResult r = simulate(spec);
  const double a = rate * service_s;
  double wait = erlang_c(static_cast<int>(c.servers), a) / (static_cast<double>(c.servers) / service_s - rate);
  if (!exponential) wait /= 2;
  EXPECT_NEAR(r.all.queueing.mean.value, wait, 3 * r.all.queueing.mean.half_width.value() + 2e-4) << c.servers << " " << c.load;
  EXPECT_EQ(r.judgement.verdict, Verdict::stable);
  EXPECT_NEAR(r.pools[0].running, a, a * 0.02);
}

INSTANTIATE_TEST_SUITE_P(Fleet, Stations,
                         testing::Values(Case{1, 0.5, "exponential"}, Case{1, 0.8, "exponential"}, Case{1, 0.8, "deterministic"}, Case{4, 0.8, "exponential"}, Case{16, 0.9, "exponential"}));

class AtCapacity : public testing::TestWithParam<std::int64_t> {};

// Requests of one length on c servers: capacity is c / D.
TEST_P(AtCapacity, FivePercentBelowIsStableAndFivePercentAboveIsNot) {
  const std::int64_t servers = GetParam();
  test::ConstantTimer timer(units::Picoseconds(5'000'000'000));  // 5 ms, 20 tokens
  const double capacity = static_cast<double>(servers) / 0.1;
  for (std::uint64_t seed = 1; seed <= 5; ++seed)
    for (const double load : {0.95, 1.05}) {
      FleetSpec spec = test::one_pool(timer, servers, test::poisson(load * capacity, 8000, test::Outputs::constant, 20, seed));
      const FleetResult r = simulate(spec);
      EXPECT_EQ(r.judgement.verdict, load < 1 ? Verdict::stable : Verdict::saturated) << servers << " servers, seed " << seed << ": " << r.judgement.backlog_growth_per_s;
      if (load < 1) continue;
      EXPECT_NEAR(r.judgement.sustainable_per_s, capacity, capacity * 0.02);
      EXPECT_NEAR(r.judgement.backlog_growth_per_s, r.judgement.offered_per_s - capacity, capacity * 0.02);
    }
}

INSTANTIATE_TEST_SUITE_P(Fleet, AtCapacity, testing::Values(1, 4, 64));

}  // namespace
}  // namespace zettatwin::fleet
