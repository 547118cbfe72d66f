// SPDX-License-Identifier: Apache-2.0
// Fluid simulations worked out by hand.
#include "flow/simulation.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace {

using namespace zettatwin::flow;
using zettatwin::units::Bytes;
using zettatwin::units::BytesPerSecond;
using zettatwin::units::Picoseconds;

constexpr Picoseconds kSecond{1'000'000'000'000};
Bytes bytes(double n) { return Bytes::from_si(n); }
BytesPerSecond rate(double n) { return BytesPerSecond::from_si(n); }

// 10 B and 30 B share 10 B/s: both at 5 until 2 s, then the longer one alone at 10 for the remaining 20 B.
TEST(Simulation, TheLongerFlowSpeedsUp) {
  FlowProgram p;
  const ResourceId link = p.add_resource(rate(10));
  p.add_flow({.bytes = bytes(10), .uses = {{link, 1}}});
  p.add_flow({.bytes = bytes(30), .uses = {{link, 1}}});
  const auto r = simulate(p, {.record_rates = true});
  EXPECT_EQ(r.flows[0].finish, 2 * kSecond);
  EXPECT_EQ(r.flows[1].finish, 4 * kSecond);
  EXPECT_EQ(r.end, 4 * kSecond);
  EXPECT_EQ(r.flows[1].limited_by, link);
  EXPECT_EQ(r.resources[link].carried.si(), 40);
  EXPECT_EQ(r.resources[link].peak_utilisation, 1);
  EXPECT_EQ(r.resources[link].saturated, 4 * kSecond);
  EXPECT_EQ(r.solves, 3);
  ASSERT_EQ(r.rates.size(), 3U);
  EXPECT_EQ(r.rates[2].begin, 2 * kSecond);
  EXPECT_EQ(r.rates[2].rate.si(), 10);
}

TEST(Simulation, PhasesWaitForAllPredecessorsAndLatency) {
  FlowProgram p;
  const ResourceId link = p.add_resource(rate(10));
  const FlowId a = p.add_flow({.bytes = bytes(10), .uses = {{link, 1}}, .latency = kSecond});
  const FlowId d = p.add_delay(5 * kSecond, {});
  const FlowId b = p.add_flow({.bytes = bytes(20), .uses = {{link, 1}}, .latency = kSecond, .after = {a, d}});
  const auto r = simulate(p);
  EXPECT_EQ(r.flows[a].start, kSecond);
  EXPECT_EQ(r.flows[a].finish, 2 * kSecond);
  EXPECT_EQ(r.flows[d].finish, 5 * kSecond);
  EXPECT_EQ(r.flows[b].start, 6 * kSecond);
  EXPECT_EQ(r.flows[b].finish, 8 * kSecond);
  EXPECT_EQ(r.resources[link].saturated, 3 * kSecond);
}

TEST(Simulation, CapacityChangesTakeEffectWhenScheduled) {
  FlowProgram p;
  const ResourceId link = p.add_resource(rate(10));
  p.add_flow({.bytes = bytes(40), .uses = {{link, 1}}});
  p.change_capacity(kSecond, link, rate(0));
  p.change_capacity(3 * kSecond, link, rate(5));
  const auto r = simulate(p);
  EXPECT_EQ(r.flows[0].finish, 9 * kSecond);
}

TEST(Simulation, StarvedFlowsAreAnAnswer) {
  FlowProgram p;
  const ResourceId dead = p.add_resource(rate(0));
  const ResourceId link = p.add_resource(rate(1));
  const FlowId a = p.add_flow({.bytes = bytes(1), .uses = {{dead, 1}}});
  const FlowId b = p.add_flow({.bytes = bytes(1), .uses = {{link, 1}}, .after = {a}});
  const FlowId c = p.add_flow({.bytes = bytes(1), .uses = {{link, 1}}});
  const auto r = simulate(p);
  EXPECT_EQ(r.flows[a].state, FlowState::starved);
  EXPECT_EQ(r.flows[b].state, FlowState::waiting);
  EXPECT_EQ(r.flows[c].state, FlowState::finished);
  EXPECT_EQ(r.unfinished, (std::vector<FlowId>{a, b}));
  EXPECT_EQ(r.end, kSecond);
}

TEST(Simulation, FinishIsTheNearestPicosecond) {
  FlowProgram p;
  const ResourceId link = p.add_resource(rate(3e12));
  p.add_flow({.bytes = bytes(4), .uses = {{link, 1}}});   // 1.33 ps
  p.add_flow({.bytes = bytes(11), .rate_cap = rate(4e12)});  // 2.75 ps
  const auto r = simulate(p);
  EXPECT_EQ(r.flows[0].finish, Picoseconds(1));
  EXPECT_EQ(r.flows[1].finish, Picoseconds(3));
}

}  // namespace
