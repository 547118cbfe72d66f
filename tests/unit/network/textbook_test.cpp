// SPDX-License-Identifier: Apache-2.0
// One ideal level: every algorithm equals its textbook formula.
#include <gtest/gtest.h>

#include <cmath>

#include "machines.hpp"

namespace zettatwin::network {
namespace {

using hardware::NetworkKind;
using test::ideal_level;
using test::machine_of;

constexpr double kM = 256e6, kB = 100e9, kA = 1e-6;

double time(NetworkKind kind, std::int64_t n, Collective op, Algorithm algorithm, std::int64_t fanout = 0) {
  auto level = ideal_level(kind, n);
  const auto machine = machine_of({level});
  return test::seconds(machine, {.op = op, .bytes = units::Bytes::from_si(kM), .spread = {{fanout ? fanout : n}}, .algorithm = algorithm});
}

void expect_equal(double value, double formula) { EXPECT_NEAR(value / formula, 1, 1e-9); }

TEST(Textbook, SwitchedRing) {
  for (const std::int64_t n : {2, 3, 8, 72}) {
    const double x = static_cast<double>(n);
    expect_equal(time(NetworkKind::switched, n, Collective::all_reduce, Algorithm::ring), 2 * (x - 1) * kA + 2 * kM * (x - 1) / (x * kB));
    expect_equal(time(NetworkKind::switched, n, Collective::all_gather, Algorithm::ring), (x - 1) * kA + kM * (x - 1) / (x * kB));
    expect_equal(time(NetworkKind::switched, n, Collective::reduce_scatter, Algorithm::ring), (x - 1) * kA + kM * (x - 1) / (x * kB));
    expect_equal(time(NetworkKind::switched, n, Collective::broadcast, Algorithm::ring), (x - 1) * kA + kM / kB);
  }
}

TEST(Textbook, LogarithmicAlgorithms) {
  expect_equal(time(NetworkKind::switched, 16, Collective::all_reduce, Algorithm::halving_doubling), 8 * kA + 2 * kM * 15 / (16 * kB));
  expect_equal(time(NetworkKind::switched, 16, Collective::all_reduce, Algorithm::tree), 8 * kA + 2 * kM / kB);
  expect_equal(time(NetworkKind::switched, 12, Collective::broadcast, Algorithm::tree), 4 * kA + kM / kB);
  expect_equal(time(NetworkKind::switched, 12, Collective::all_to_all, Algorithm::bruck), 4 * kA + kM * 4 / (2 * kB));
}

TEST(Textbook, AllToAllPairwise) {
  expect_equal(time(NetworkKind::switched, 8, Collective::all_to_all, Algorithm::direct), kA + kM * 7 / (8 * kB));
  expect_equal(time(NetworkKind::full_mesh, 8, Collective::all_to_all, Algorithm::direct), kA + kM / (8 * kB));
}

TEST(Textbook, FullMeshInOneHopUsesTheLinksAmongMembersOnly) {
  expect_equal(time(NetworkKind::full_mesh, 8, Collective::all_gather, Algorithm::direct), kA + kM / (8 * kB));
  expect_equal(time(NetworkKind::full_mesh, 8, Collective::all_reduce, Algorithm::automatic), 2 * kA + 2 * kM / (8 * kB));
  expect_equal(time(NetworkKind::full_mesh, 8, Collective::all_gather, Algorithm::direct, 4), kA + kM / (4 * kB));
  expect_equal(time(NetworkKind::full_mesh, 8, Collective::point_to_point, Algorithm::automatic, 2), kA + kM / kB);
}

TEST(Textbook, TorusUsesBothDirectionsOfWholeRings) {
  expect_equal(time(NetworkKind::torus, 16, Collective::all_gather, Algorithm::ring), 8 * kA + kM * 15 / (16 * 2 * kB));
  expect_equal(time(NetworkKind::torus, 16, Collective::all_gather, Algorithm::ring, 4), 3 * kA + kM * 3 / (4 * kB));  // a line
  expect_equal(time(NetworkKind::torus, 16, Collective::all_to_all, Algorithm::direct), 8 * kA + kM * 16 / (8 * kB));
}

TEST(Textbook, TorusDimensionsWorkTogether) {
  auto level = ideal_level(NetworkKind::torus, 64);
  level.network.torus = {4, 4, 4};
  const auto machine = machine_of({level});
  const CollectiveRequest gather{.op = Collective::all_gather, .bytes = units::Bytes::from_si(kM), .spread = {{64}}};
  expect_equal(test::seconds(machine, gather), 6 * kA + kM * 63 / (64 * 6 * kB));
  const CollectiveRequest exchange{.op = Collective::all_to_all, .bytes = units::Bytes::from_si(kM), .spread = {{64}}};
  expect_equal(test::seconds(machine, exchange), 6 * kA + kM * 4 / (8 * kB));
}

TEST(Textbook, SwitchesThatReduceSendOnceUpAndOnceDown) {
  auto level = ideal_level(NetworkKind::switched, 8);
  level.network.in_network_reduction = true;
  level.network.reduction_efficiency.value = units::Ratio::from_si(0.5);
  const auto machine = machine_of({level});
  const CollectiveRequest request{.op = Collective::all_reduce, .bytes = units::Bytes::from_si(kM), .spread = {{8}}, .algorithm = Algorithm::in_network};
  expect_equal(test::seconds(machine, request), 2 * kA + kM * 9 / (8 * kB * 0.5));
}

TEST(Textbook, OversubscriptionBindsGroupsLargerThanALeaf) {
  auto level = ideal_level(NetworkKind::clos, 64);
  level.network.oversubscription = {units::Ratio::from_si(4), {}, true};
  level.network.units_per_leaf = 16;
  const auto whole = machine_of({level});
  level.size = 16;
  const auto leaf = machine_of({level});
  const CollectiveRequest request{.op = Collective::all_to_all, .bytes = units::Bytes::from_si(kM), .spread = {{16}}};
  expect_equal(test::seconds(leaf, request), kA + kM * 15 / (16 * kB));
  expect_equal(test::seconds(whole, request), kA + kM * 15 / (16 * kB / 4));
}

TEST(Textbook, LaunchEfficiencyAndRampAddAsDocumented) {
  auto level = ideal_level(NetworkKind::switched, 2);
  level.network.launch.value = 5 * units::microsecond;
  level.network.efficiency.value = units::Ratio::from_si(0.8);
  level.network.half_message.value = units::Bytes::from_si(32e6);
  const auto machine = machine_of({level});
  const CollectiveRequest request{.op = Collective::all_gather, .bytes = units::Bytes::from_si(256e6), .spread = {{2}}};
  const double wire = 128e6;
  expect_equal(test::seconds(machine, request), 5e-6 + kA + wire * (1 + std::sqrt(32e6 / wire)) / (kB * 0.8));
  EXPECT_NEAR(collective_bound(topology::whole(machine), request).seconds().si(), wire / kB, 1e-12);
}

TEST(Textbook, AGroupOfOneCostsNothing) {
  auto level = ideal_level(NetworkKind::switched, 8);
  level.network.launch.value = 5 * units::microsecond;
  const auto machine = machine_of({level});
  for (const auto op : {Collective::all_reduce, Collective::all_to_all, Collective::point_to_point}) {
    const CollectiveRequest request{.op = op, .bytes = units::Bytes::from_si(kM), .spread = {{1}}};
    EXPECT_EQ(test::seconds(machine, request), 0);
    EXPECT_EQ(collective_bound(topology::whole(machine), request).count(), 0);
  }
}

}  // namespace
}  // namespace zettatwin::network
