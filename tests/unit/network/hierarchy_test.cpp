// SPDX-License-Identifier: Apache-2.0
// Collectives over two levels: eight chips at 100 GB/s, nodes of them at 10 GB/s per chip.
#include <gtest/gtest.h>

#include "machines.hpp"

namespace zettatwin::network {
namespace {

using hardware::NetworkKind;
using test::ideal_level;
using test::machine_of;

hardware::Machine two_levels(double outer_gb_per_s = 10) {
  return machine_of({ideal_level(NetworkKind::switched, 8), ideal_level(NetworkKind::switched, 16, outer_gb_per_s)});
}

CollectiveTime answer(const hardware::Machine& machine, Collective op, double bytes, topology::Spread spread, Algorithm algorithm) {
  return collective_time(topology::whole(machine), {.op = op, .bytes = units::Bytes::from_si(bytes), .spread = std::move(spread), .algorithm = algorithm});
}

TEST(Hierarchy, InnerLevelsShrinkTheMessage) {
  const auto t = answer(two_levels(), Collective::all_reduce, 800e6, {{8, 4}}, Algorithm::hierarchical);
  ASSERT_EQ(t.levels.size(), 2u);
  EXPECT_NEAR(t.levels[0].bytes.si(), 2 * 800e6 * 7 / 8, 1);
  EXPECT_NEAR(t.levels[1].bytes.si(), 2 * 100e6 * 3 / 4, 1);
  EXPECT_EQ(t.algorithm.substr(0, 13), "hierarchical:");
}

TEST(Hierarchy, ChunksApproachTheBusiestLevelForLongMessages) {
  const double bytes = 80e9;
  const auto t = answer(two_levels(), Collective::all_reduce, bytes, {{8, 16}}, Algorithm::hierarchical);
  const double inner = 2 * bytes * 7 / 8 / 100e9, outer = 2 * bytes / 8 * 15 / 16 / 10e9;
  EXPECT_GE(t.time.seconds().si(), std::max(inner, outer));
  EXPECT_LT(t.time.seconds().si(), 1.02 * std::max(inner, outer));
}

TEST(Hierarchy, ShortMessagesAreNotCutIntoChunks) {
  const auto t = answer(two_levels(), Collective::all_gather, 8, {{8, 16}}, Algorithm::hierarchical);
  EXPECT_NEAR(t.time.seconds().si(), 2e-6, 1e-9);  // one direct step on each level
}

TEST(Hierarchy, FlatRingCrossesNodesAsOftenAsThereAreNodes) {
  const double bytes = 1.28e9, n = 128;
  const auto t = answer(two_levels(), Collective::all_gather, bytes, {{8, 16}}, Algorithm::ring);
  const double wire = bytes * (n - 1) / n;
  EXPECT_NEAR(t.latency.si(), (n - 1) * 1e-6, 1e-12);
  EXPECT_NEAR(t.time.seconds().si(), (n - 1) * 1e-6 + std::max(wire / 100e9, wire / 8 / 10e9), 1e-11);
  EXPECT_NEAR(t.levels[1].latency.si(), 15e-6, 1e-12);
}

TEST(Hierarchy, MessagesBetweenTwoRanksUseTheOutermostLevelOnly) {
  const auto t = answer(two_levels(), Collective::point_to_point, 10e6, {{1, 2}}, Algorithm::automatic);
  ASSERT_EQ(t.levels.size(), 1u);
  EXPECT_NEAR(t.time.seconds().si(), 1e-6 + 1e-3, 1e-12);
}

TEST(Hierarchy, SharedPortsAddUpInsteadOfOverlapping) {
  auto machine = two_levels(100);
  const double bytes = 80e9;
  const auto apart = answer(machine, Collective::all_reduce, bytes, {{8, 16}}, Algorithm::hierarchical);
  machine.levels[1].shares_ports = true;
  const auto shared = answer(machine, Collective::all_reduce, bytes, {{8, 16}}, Algorithm::hierarchical);
  const double inner = 2 * bytes * 7 / 8 / 100e9, outer = 2 * bytes / 8 * 15 / 16 / 100e9;
  EXPECT_NEAR(apart.time.seconds().si() / inner, 1, 0.01);
  EXPECT_NEAR(shared.time.seconds().si() / (inner + outer), 1, 0.01);
}

TEST(Hierarchy, AnswersExplainThemselves) {
  const auto t = answer(two_levels(), Collective::all_reduce, 800e6, {{8, 4}}, Algorithm::automatic);
  for (const auto* part : {"launch", "switched", "f = 8", "f = 4", "achieved of"})
    EXPECT_NE(t.formula.find(part), std::string::npos) << part << " in " << t.formula;
}

}  // namespace
}  // namespace zettatwin::network
