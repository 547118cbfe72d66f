// SPDX-License-Identifier: Apache-2.0
// All-to-all over levels: which bytes leave which unit, relays of meshes, and fewer bytes by de-duplication.
#include <gtest/gtest.h>

#include "base/contract.hpp"
#include "machines.hpp"

namespace zettatwin::network {
namespace {

using hardware::NetworkKind;
using test::ideal_level;
using test::machine_of;

constexpr double kBytes = 64e6;

TEST(AllToAll, EachLevelCarriesWhatLeavesItsUnits) {
  const auto machine = machine_of({ideal_level(NetworkKind::switched, 8), ideal_level(NetworkKind::clos, 8, 10)});
  const auto t = collective_time(topology::whole(machine), {.op = Collective::all_to_all, .bytes = units::Bytes::from_si(kBytes), .spread = {{8, 8}}});
  EXPECT_NEAR(t.levels[0].bytes.si(), kBytes * 7 / 64, 1e-3);
  EXPECT_NEAR(t.levels[1].bytes.si(), kBytes * 56 / 64, 1e-3);
  EXPECT_NEAR(t.time.seconds().si(), 1e-6 + kBytes * 56 / 64 / 10e9, 1e-11);
}

TEST(AllToAll, TwoDimensionsOfMeshRelayThroughTheInnerOne) {
  const auto machine = machine_of({ideal_level(NetworkKind::full_mesh, 8), ideal_level(NetworkKind::full_mesh, 8)});
  const auto t = collective_time(topology::whole(machine), {.op = Collective::all_to_all, .bytes = units::Bytes::from_si(kBytes), .spread = {{8, 8}}});
  // Dimension order: each link carries M / 8 in both dimensions.
  EXPECT_NEAR(t.levels[0].bytes.si(), kBytes * 7 / 8, 1e-3);
  EXPECT_NEAR(t.levels[1].bytes.si(), kBytes * 7 / 8, 1e-3);
  EXPECT_NEAR(t.time.seconds().si(), 2e-6 + kBytes / (8 * 100e9), 1e-11);
}

TEST(AllToAll, DeduplicatedBytesReplaceTheUniformOnes) {
  const auto machine = machine_of({ideal_level(NetworkKind::switched, 8), ideal_level(NetworkKind::clos, 8, 10)});
  const CollectiveRequest request{.op = Collective::all_to_all,
                                  .bytes = units::Bytes::from_si(kBytes),
                                  .spread = {{8, 8}},
                                  .bytes_across_level = {units::Bytes::from_si(30e6), units::Bytes::from_si(20e6)}};
  const auto t = collective_time(topology::whole(machine), request);
  EXPECT_NEAR(t.time.seconds().si(), 1e-6 + 20e6 / 10e9, 1e-11);
  EXPECT_LE(collective_bound(topology::whole(machine), request), t.time);
}

TEST(AllToAll, ManyPeersCostAGapEach) {
  auto level = ideal_level(NetworkKind::switched, 256);
  level.network.message_gap.value = 0.1 * units::microsecond;
  const auto machine = machine_of({level});
  const auto t = collective_time(topology::whole(machine), {.op = Collective::all_to_all, .bytes = {}, .spread = {{256}}, .algorithm = Algorithm::direct});
  EXPECT_NEAR(t.time.seconds().si(), 1e-6 + 254 * 0.1e-6, 1e-12);
}

TEST(AllToAll, BytesPerLevelMustNameEveryLevel) {
  const auto machine = machine_of({ideal_level(NetworkKind::switched, 8), ideal_level(NetworkKind::clos, 8, 10)});
  const CollectiveRequest request{.op = Collective::all_to_all, .bytes = {}, .spread = {{8, 8}}, .bytes_across_level = {{}}};
  EXPECT_THROW((void)collective_time(topology::whole(machine), request), ContractFailure);
}

}  // namespace
}  // namespace zettatwin::network
