// SPDX-License-Identifier: Apache-2.0
// Flows under faults, against calculations by hand. Links of 100 GB/s, 1 us latency, no ramp.
#include "cases.hpp"

namespace zettatwin::traffic {
namespace {

using namespace test;

hardware::Machine mesh_of_8() { return machine_of({ideal_level(NetworkKind::full_mesh, 8)}); }
hardware::Machine switch_of_8() { return machine_of({ideal_level(NetworkKind::switched, 8)}); }

TEST(ByHand, AMeshLinkAtHalfSpeedSharesItsBytesWithDetours) {
  const auto machine = mesh_of_8();
  // 10 MB to each peer: 100 us on a link of 100 GB/s.
  EXPECT_NEAR(seconds(answer(machine, {.bytes = 80e6, .group = {}, .faults = {}})), 101e-6, 1e-11);
  // 7 messages over a half and six whole ways, all done at the same time: 7/6.5.
  const auto slow = answer(machine, {.bytes = 80e6, .group = {}, .faults = faults_of(machine, {"slow-link@npu=2/port=board/peer=5:0.5"})});
  EXPECT_NEAR(seconds(slow), 1e-6 + 100e-6 * 7 / 6.5, 1e-11);
  const auto ring = answer(machine, {.op = Collective::all_gather, .bytes = 80e6, .group = {}, .algorithm = Algorithm::ring, .faults = faults_of(machine, {"slow-link@npu=2/port=board/peer=5:0.5"})});
  EXPECT_NEAR(seconds(ring), 7e-6 + 100e-6 * 7 / 6.5, 1e-11);
}

TEST(ByHand, DetoursDoNotMakeAPairFasterThanItsLink) {
  const auto machine = mesh_of_8();
  const auto ask = [&](const std::string& fault) { return seconds(answer(machine, {.bytes = 20e6, .group = {{{2, 1}}}, .faults = faults_of(machine, {fault})})); };
  EXPECT_NEAR(ask("dead-link@npu=2/peer=3"), 101e-6, 1e-11) << "six idle ways, but sent as fast as one link";
  EXPECT_NEAR(ask("slow-link@npu=2/peer=3:0.1"), 101e-6, 1e-11);
}

TEST(ByHand, ADeadMeshLinkIsBypassed) {
  const auto machine = mesh_of_8();
  const auto dead = answer(machine, {.bytes = 80e6, .group = {}, .faults = faults_of(machine, {"dead-link@npu=2/port=board/peer=5"})});
  // The flow 2 -> 5 splits over 6 detours: links 2 -> w and w -> 5 carry 1/6 of it beside their own flow. Max-min: both flows rise together until such a link
  // is full at x + x/6 = 100 GB/s.
  EXPECT_NEAR(seconds(dead), 1e-6 + 10e6 * (7.0 / 6) / 100e9, 1e-11);
}

TEST(ByHand, TwoChipsAndADeadLinkBetweenThem) {
  const auto machine = machine_of({ideal_level(NetworkKind::full_mesh, 2)});
  const auto dead = answer(machine, {.bytes = 80e6, .group = {}, .faults = faults_of(machine, {"dead-link@npu=0/peer=1"})});
  EXPECT_NE(dead.impossible, "");
}

TEST(ByHand, ASlowPortHoldsUpOnlyFlowsThatUseIt) {
  const auto machine = switch_of_8();
  const auto fault = faults_of(machine, {"slow-link@npu=3/port=up:0.25"});
  // 70 MB through each port: 700 us; through the slow one 2,800 us.
  EXPECT_NEAR(seconds(answer(machine, {.bytes = 80e6, .group = {}, .faults = fault})), 2801e-6, 1e-11);
  // Pairs {0, 4}, {1, 5} ... : only the pair of chip 3 is slow, and with it the slowest.
  EXPECT_NEAR(seconds(answer(machine, {.bytes = 80e6, .group = {{{2, 4}}}, .faults = fault})), 1601e-6, 1e-11);
}

TEST(ByHand, ARingRunsAtItsSlowestPort) {
  const auto machine = switch_of_8();
  const auto slow = answer(machine, {.op = Collective::all_gather, .bytes = 80e6, .group = {}, .algorithm = Algorithm::ring, .faults = faults_of(machine, {"slow-link@npu=3:0.5"})});
  EXPECT_NEAR(seconds(slow), 7e-6 + 2 * 700e-6, 1e-11);
}

TEST(ByHand, ADeadPlaneLeavesTheOthers) {
  auto machine = switch_of_8();
  machine.levels[0].network.planes = 4;
  const auto ask = [&](const std::string& fault) { return answer(machine, {.bytes = 80e6, .group = {}, .faults = faults_of(machine, {fault})}); };
  EXPECT_NEAR(seconds(ask("dead-plane@port=board/plane=1")), 1e-6 + 700e-6 / 0.75, 1e-11);
  EXPECT_NEAR(seconds(ask("dead-switch@plane=1")), 1e-6 + 700e-6 / 0.75, 1e-11) << "one unit: the same";
  EXPECT_NEAR(seconds(ask("dead-link@npu=5/plane=1")), 1e-6 + 700e-6 / 0.75, 1e-11);
  EXPECT_NEAR(seconds(ask("slow-link@npu=5/plane=1:0.5")), 1e-6 + 700e-6 / 0.875, 1e-11);
}

TEST(ByHand, ARailIsThePortOfItsChipsAlone) {
  auto machine = machine_of({ideal_level(NetworkKind::switched, 4, 400), ideal_level(NetworkKind::clos, 4, 100)});
  machine.levels[1].network.planes = 4;
  machine.levels[1].network.ports_per_chip = 1;
  const space::View rails{{{4, 4}}};  // equal positions of the boards
  const auto ask = [&](const std::string& fault) { return answer(machine, {.bytes = 40e6, .group = rails, .faults = faults_of(machine, {fault})}); };
  EXPECT_NEAR(seconds(ask("slow-link@board=1/npu=2/port=cabinet/plane=2:0.5")), 1e-6 + 600e-6, 1e-11) << "its only port at half speed";
  EXPECT_NE(ask("dead-plane@port=cabinet/plane=2").impossible, "") << "chips 2 have no other rail";
}

TEST(ByHand, TheOnlyPlaneIsTheJob) {
  const auto machine = switch_of_8();
  EXPECT_NE(answer(machine, {.group = {}, .faults = faults_of(machine, {"dead-link@npu=5"})}).impossible, "");
  EXPECT_NE(answer(machine, {.group = {}, .faults = faults_of(machine, {"dead-chip@npu=5"})}).impossible, "");
}

TEST(ByHand, SlowMemoryLimitsOnceItIsSlowerThanThePorts) {
  const auto machine = mesh_of_8();  // 700 GB/s out and in: 1.4 TB/s of 4
  EXPECT_NEAR(seconds(answer(machine, {.bytes = 80e6, .group = {}, .faults = faults_of(machine, {"slow-hbm@npu=1:0.5"})})), 101e-6, 1e-11);
  EXPECT_NEAR(seconds(answer(machine, {.bytes = 80e6, .group = {}, .faults = faults_of(machine, {"slow-hbm@npu=1:0.1"})})), 1e-6 + 140e6 / 400e9, 1e-11);
}

TEST(ByHand, AReceiverOfFourTimesAsMuch) {
  const auto machine = switch_of_8();
  std::vector<double> received(8, 8.0 / 11);
  received[3] = 32.0 / 11;
  // 1 MB per pair on average; seven send 32/11 MB each to chip 3.
  const auto skewed = answer(machine, {.bytes = 8e6, .group = {}, .algorithm = Algorithm::direct, .faults = {}, .received = received});
  EXPECT_NEAR(seconds(skewed), 1e-6 + 7 * 32.0 / 11 * 10e-6, 1e-11);
  EXPECT_EQ(skewed.classes.ranks, 2) << "equal receivers are one class";
  // Two groups, equal positions of two units: the loaded member is the last of each.
  const auto groups = answer(machine, {.bytes = 4e6, .group = {{{4, 2}}}, .algorithm = Algorithm::direct, .faults = {}, .received = {0.5, 0.5, 0.5, 2.5}});
  EXPECT_NEAR(seconds(groups), 1e-6 + 3 * 2.5 * 10e-6, 1e-11);
}

TEST(ByHand, APairOfChips) {
  const auto mesh = answer(mesh_of_8(), {.op = Collective::point_to_point, .bytes = 10e6, .group = {{{2, 4}}}, .faults = {}});
  EXPECT_NEAR(seconds(mesh), 101e-6, 1e-11);
  const auto slow = answer(switch_of_8(), {.op = Collective::point_to_point, .bytes = 10e6, .group = {{{2, 4}}}, .faults = faults_of(switch_of_8(), {"slow-link@npu=5/port=up:0.5"})});
  EXPECT_NEAR(seconds(slow), 201e-6, 1e-11);
}

TEST(ByHand, TwoMeshesInDimensionOrder) {
  const auto machine = machine_of({ideal_level(NetworkKind::full_mesh, 4), ideal_level(NetworkKind::full_mesh, 4)});
  // 1 MB per pair. A link carries its own pair, and half of 3 + 3 others that turn a corner: 4 MB in all.
  EXPECT_NEAR(seconds(answer(machine, {.bytes = 16e6, .group = {}, .faults = {}})), 2e-6 + 40e-6, 1e-11);
}

hardware::Machine torus_of(std::vector<std::int64_t> extents) {
  auto level = ideal_level(NetworkKind::torus, 1);
  for (const auto extent : extents) level.size *= extent;
  level.network.torus = std::move(extents);
  return machine_of({level});
}

TEST(ByHand, ARingOfLinks) {
  const auto machine = torus_of({4});
  const auto dead = faults_of(machine, {"dead-link@npu=0/peer=1"});
  // 1 MB per pair. Up: one to the neighbour, and half of one to the opposite chip over two links: 2 MB per link.
  EXPECT_NEAR(seconds(answer(machine, {.bytes = 4e6, .group = {}, .faults = {}})), 2e-6 + 20e-6, 1e-11);
  // 6 MB through each chip, 3 MB per link; the broken link's 3 MB go the other way round over all links of that direction.
  EXPECT_NEAR(seconds(answer(machine, {.op = Collective::all_gather, .bytes = 8e6, .group = {}, .faults = {}})), 2e-6 + 30e-6, 1e-11);
  EXPECT_NEAR(seconds(answer(machine, {.op = Collective::all_gather, .bytes = 8e6, .group = {}, .faults = dead})), 2e-6 + 60e-6, 1e-11);
  // Without it the ring is a line of four: its middle link carries 2 x 2 pairs.
  EXPECT_NEAR(seconds(answer(machine, {.bytes = 4e6, .group = {}, .faults = dead})), 2e-6 + 40e-6, 1e-11);
  EXPECT_NE(answer(machine, {.group = {}, .faults = faults_of(machine, {"dead-link@npu=0/peer=1", "dead-link@npu=2/peer=3"})}).impossible, "");
  // Pairs {0, 1} and {2, 3}, 10 MB each way: the first goes round and shares the second's link.
  EXPECT_NEAR(seconds(answer(machine, {.op = Collective::point_to_point, .bytes = 10e6, .group = {{{2, 1}}}, .faults = dead})), 1e-6 + 200e-6, 1e-11);
}

// Chips of a ring of 8 with one two further on: two hops, and two messages on the link in the middle of each four. Opposite ones: four hops, half each way.
TEST(ByHand, PairsSeveralHopsApartOnARing) {
  const auto machine = torus_of({8});
  EXPECT_NEAR(seconds(answer(machine, {.op = Collective::point_to_point, .bytes = 10e6, .group = {{{2, 1}}}, .faults = {}})), 1e-6 + 100e-6, 1e-11);
  EXPECT_NEAR(seconds(answer(machine, {.op = Collective::point_to_point, .bytes = 10e6, .group = {{{2, 2}}}, .faults = {}})), 2e-6 + 200e-6, 1e-11);
  EXPECT_NEAR(seconds(answer(machine, {.op = Collective::point_to_point, .bytes = 10e6, .group = {{{2, 4}}}, .faults = {}})), 4e-6 + 200e-6, 1e-11);
}

TEST(ByHand, ATorusFeelsAFaultInItsOwnRingOnly) {
  const auto machine = torus_of({4, 4});
  const auto slow = faults_of(machine, {"slow-link@npu=1/peer=2:0.5"});
  const auto rows = answer(machine, {.op = Collective::all_gather, .bytes = 8e6, .group = {{{4, 1}}}, .faults = slow});
  EXPECT_NEAR(seconds(rows), 2e-6 + 60e-6, 1e-11);
  const auto columns = answer(machine, {.op = Collective::all_gather, .bytes = 8e6, .group = {{{4, 4}}}, .faults = slow});
  EXPECT_NEAR(seconds(columns), 2e-6 + 30e-6, 1e-11);
}

// A slow link: its two chips and the others, in rows alike or not, 3 x 2 x 2 classes. A dead one: every position of its ring, 20 x 2 x 2.
TEST(ByHand, AFaultOnALargeTorusLeavesFewClasses) {
  const auto large = torus_of({16, 20, 28});
  const Ask ask{.op = Collective::all_reduce, .bytes = 1e9, .group = {}, .faults = faults_of(large, {"slow-link@npu=21/peer=37:0.5"})};
  EXPECT_EQ(answer(large, ask).classes.ranks, 12);
  EXPECT_EQ(answer(large, {.op = Collective::all_reduce, .bytes = 1e9, .group = {}, .faults = faults_of(large, {"dead-link@npu=21/peer=37"})}).classes.ranks, 80);
  const auto machine = torus_of({6, 5, 4});
  for (const auto& texts : std::vector<std::vector<std::string>>{{"slow-link@npu=7/peer=13:0.5"}, {"dead-link@npu=7/peer=13"}, {"slow-link@npu=7/peer=13:0.5", "dead-link@npu=60/peer=90", "slow-hbm@npu=9:0.001"}}) {
    for (const auto op : {Collective::all_reduce, Collective::all_gather}) {
      Ask each{.op = op, .bytes = 1e9, .group = {}, .faults = faults_of(machine, texts)};
      const auto folded = answer(machine, each);
      each.fidelity = Fidelity::unfolded;
      const auto unfolded = answer(machine, each);
      EXPECT_EQ(folded.time, unfolded.time) << texts[0];
      EXPECT_LT(folded.classes.links, unfolded.classes.links) << texts[0];
    }
  }
}

TEST(ByHand, LeavesOfAnOversubscribedTree) {
  auto machine = machine_of({ideal_level(NetworkKind::switched, 2, 400), ideal_level(NetworkKind::clos, 8, 100)});
  machine.levels[1].network.units_per_leaf = 2;
  machine.levels[1].network.oversubscription = {units::Ratio::from_si(4), {}, true};
  // 16 chips, 1 MB per pair, leaves of 4 chips: 12 MB of each leave it through 1/4 of the bandwidth: 4 x 12 MB / 100 GB/s.
  EXPECT_NEAR(seconds(answer(machine, {.bytes = 16e6, .group = {}, .faults = {}})), 1e-6 + 480e-6, 1e-10);
}

TEST(ByHand, ClassesOfOneFault) {
  const auto machine = catalog_machine("atlas-950-supercluster");
  const auto healthy = answer(machine, {.bytes = 1e9, .group = {}, .faults = {}});
  EXPECT_EQ(healthy.ranks, 524288);
  EXPECT_EQ(healthy.classes.ranks, 1);
  EXPECT_NEAR(healthy.flows, 524288.0 * 524287, 1);
  const auto slow = answer(machine, {.bytes = 1e9, .group = {}, .faults = faults_of(machine, {"slow-link@pod=3/cabinet=17/board=2/npu=5/port=cluster:0.5"})});
  EXPECT_LE(slow.classes.ranks, 8);
  EXPECT_NEAR(slow.flows, 524288.0 * 524287, 1);
  EXPECT_GT(seconds(slow), seconds(healthy));
}

}  // namespace
}  // namespace zettatwin::traffic
