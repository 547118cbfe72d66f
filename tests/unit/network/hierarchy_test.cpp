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

// Two equal meshes of 8: the first works on M, the second on M/8. Rotated, each carries half of both at the same time: (1 + 1/8)/2 of the time.
TEST(Hierarchy, RotatedKeepsBothMeshesBusy) {
  const auto machine = machine_of({ideal_level(NetworkKind::full_mesh, 8), ideal_level(NetworkKind::full_mesh, 8)});
  const double bytes = 64e9, wire = 2 * bytes * 7 / 8 / 700e9;
  const auto plain = answer(machine, Collective::all_reduce, bytes, {{8, 8}}, Algorithm::hierarchical), rotated = answer(machine, Collective::all_reduce, bytes, {{8, 8}}, Algorithm::rotated);
  EXPECT_EQ(rotated.algorithm.substr(0, 8), "rotated:");
  EXPECT_NEAR(plain.time.seconds().si(), wire, 0.02 * wire);
  EXPECT_NEAR(rotated.time.seconds().si(), wire * 9 / 16, 0.02 * wire);
  EXPECT_NEAR(rotated.levels[0].bytes.si(), 2 * bytes * 7 / 8 * 9 / 16, 1e3);
  EXPECT_NEAR(rotated.levels[1].bytes.si(), rotated.levels[0].bytes.si(), 1e3);
}

// 4 chips by hand, all-gather of 8 MB with links of 100 GB/s and 1 us: each of 2 parts crosses both meshes of 2: 2 MB, then 1 MB, in two steps.
TEST(Hierarchy, RotatedByHand) {
  const auto machine = machine_of({ideal_level(NetworkKind::full_mesh, 2), ideal_level(NetworkKind::full_mesh, 2)});
  EXPECT_NEAR(answer(machine, Collective::all_gather, 8e6, {{2, 2}}, Algorithm::rotated).time.seconds().si(), 2e-6 + 20e-6 + 10e-6, 2e-6);
  EXPECT_NEAR(answer(machine, Collective::all_gather, 8, {{2, 2}}, Algorithm::rotated).time.seconds().si(), 2e-6 + 3e-11, 1e-12);
}

TEST(Hierarchy, RotatedIsTakenWhereTheLibraryHasIt) {
  auto machine = machine_of({ideal_level(NetworkKind::full_mesh, 8), ideal_level(NetworkKind::full_mesh, 8)});
  const auto taken = [&] { return answer(machine, Collective::all_reduce, 64e9, {{8, 8}}, Algorithm::automatic).algorithm.substr(0, 7); };
  EXPECT_NE(taken(), "rotated");
  machine.levels[0].network.algorithms = {"direct", "rotated"};
  EXPECT_NE(taken(), "rotated");
  machine.levels[1].network.algorithms = {"direct", "rotated"};
  EXPECT_EQ(taken(), "rotated");
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
