// SPDX-License-Identifier: Apache-2.0
// Laws on random machines: bounds hold, more bandwidth or less latency is never slower, parts add up.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cmath>

#include "machines.hpp"

namespace zettatwin::network {
namespace {

using hardware::NetworkKind;

struct Case {
  hardware::Machine machine;
  CollectiveRequest request;
};

double real(double low, double high) { return low + (high - low) * *rc::gen::inRange(0, 1001) / 1000.0; }

hardware::Level random_level(bool ideal) {
  const auto kind = *rc::gen::element(NetworkKind::full_mesh, NetworkKind::switched, NetworkKind::clos, NetworkKind::torus);
  auto level = test::ideal_level(kind, *rc::gen::inRange<std::int64_t>(1, 17), real(1, 1000), real(0, 20));
  auto& network = level.network;
  if (kind == NetworkKind::torus) {
    network.torus = {*rc::gen::inRange<std::int64_t>(1, 5), *rc::gen::inRange<std::int64_t>(1, 6)};
    level.size = network.torus[0] * network.torus[1];
  }
  network.efficiency.value = units::Ratio::from_si(real(0.1, 1));
  network.half_message.value = units::Bytes::from_si(real(0, 1e7));
  network.message_gap.value = units::Seconds::from_si(real(0, 1e-6));
  network.launch.value = units::Seconds::from_si(real(0, 1e-5));
  network.oversubscription = {units::Ratio::from_si(real(1, 8)), {}, true};
  network.units_per_leaf = *rc::gen::inRange<std::int64_t>(0, 9);
  network.in_network_reduction = *rc::gen::inRange(0, 4) == 0;
  network.reduction_efficiency.value = units::Ratio::from_si(real(0.1, 1));
  network.reduction_half_message.value = units::Bytes::from_si(real(0, 1e6));
  if (*rc::gen::arbitrary<bool>()) network.algorithms = {"ring"};
  if (ideal) {  // so that bounds are tight
    network.efficiency.value = network.reduction_efficiency.value = network.oversubscription.value = units::Ratio::from_si(1);
    network.half_message.value = network.reduction_half_message.value = {};
    network.latency.value = network.launch.value = network.message_gap.value = {};
  }
  return level;
}

Case random_case() {
  Case c;
  const bool ideal = *rc::gen::arbitrary<bool>();
  const int depth = *rc::gen::inRange(1, 5);
  for (int l = 0; l < depth; ++l) {
    auto level = random_level(ideal);
    level.shares_ports = l > 0 && *rc::gen::inRange(0, 4) == 0;
    // A member of the group in some divisor of the units, as even placements have.
    std::int64_t fanout = *rc::gen::inRange<std::int64_t>(1, level.size + 1);
    while (level.size % fanout != 0) --fanout;
    c.request.spread.fanout.push_back(fanout);
    c.machine.levels.push_back(level);
  }
  c.request.op = *rc::gen::element(Collective::all_reduce, Collective::all_gather, Collective::reduce_scatter, Collective::all_to_all,
                                   Collective::broadcast, Collective::point_to_point);
  c.request.algorithm = *rc::gen::element(Algorithm::automatic, Algorithm::ring, Algorithm::tree, Algorithm::halving_doubling, Algorithm::direct,
                                          Algorithm::bruck, Algorithm::hierarchical, Algorithm::in_network);
  c.request.bytes = units::Bytes::from_si(std::floor(real(0, 1) * std::pow(10.0, *rc::gen::inRange(0, 11))));
  if (c.request.op == Collective::all_to_all && *rc::gen::arbitrary<bool>())
    for (int l = 0; l < depth; ++l) c.request.bytes_across_level.push_back(units::Bytes::from_si(real(0, 1e8)));
  return c;
}

units::Picoseconds time(const Case& c) { return collective_time(topology::whole(c.machine), c.request).time; }

RC_GTEST_PROP(NetworkLaws, NoTimeBeatsItsBound, ()) {
  const auto c = random_case();
  RC_ASSERT(collective_bound(topology::whole(c.machine), c.request) <= time(c));
}

RC_GTEST_PROP(NetworkLaws, AutomaticIsNeverSlowerThanWhatTheLibraryHas, ()) {
  auto c = random_case();
  for (auto& level : c.machine.levels) level.network.algorithms.clear();
  const auto forced = time(c);
  c.request.algorithm = Algorithm::automatic;
  RC_ASSERT(time(c) <= forced);
}

RC_GTEST_PROP(NetworkLaws, BetterNetworksAreNeverSlower, ()) {
  auto c = random_case();
  const auto before = time(c);
  const auto bound_before = collective_bound(topology::whole(c.machine), c.request);
  auto& network = c.machine.levels[*rc::gen::inRange<std::size_t>(0, c.machine.levels.size())].network;
  const double factor = real(1, 4);
  switch (*rc::gen::inRange(0, 6)) {
    case 0: network.bandwidth.value *= factor; network.pair_bandwidth.value *= factor; break;
    case 1: network.latency.value *= 1 / factor; break;
    case 2: network.efficiency.value = units::Ratio::from_si(std::min(1.0, network.efficiency.si() * factor)); break;
    case 3: network.half_message.value *= 1 / factor; break;
    case 4: network.oversubscription.value = units::Ratio::from_si(1); break;
    case 5: network.launch.value *= 1 / factor; network.message_gap.value *= 1 / factor; break;
    default: break;
  }
  RC_ASSERT(time(c) <= before);
  RC_ASSERT(collective_bound(topology::whole(c.machine), c.request) <= bound_before);
}

RC_GTEST_PROP(NetworkLaws, MoreBytesAreNeverFaster, ()) {
  auto c = random_case();
  const auto before = time(c);
  c.request.bytes *= real(1, 10);
  for (auto& bytes : c.request.bytes_across_level) bytes *= real(1, 10);
  RC_ASSERT(time(c) >= before);
}

RC_GTEST_PROP(NetworkLaws, LatencyIsPartOfTimeAndLevelsAreThoseCrossed, ()) {
  const auto c = random_case();
  const auto t = collective_time(topology::whole(c.machine), c.request);
  RC_ASSERT(t.latency.si() <= t.time.seconds().si() + 1e-12);
  std::size_t crossed = 0;
  for (const auto f : c.request.spread.fanout) crossed += f > 1 ? 1 : 0;
  RC_ASSERT(t.levels.size() == (c.request.op == Collective::point_to_point ? std::min<std::size_t>(crossed, 1) : crossed));
  RC_ASSERT(crossed > 0 || t.time.count() == 0);
}

RC_GTEST_PROP(NetworkLaws, RingAllReduceIsReduceScatterThenAllGather, ()) {
  auto c = random_case();
  c.request.algorithm = Algorithm::ring;
  for (auto& level : c.machine.levels) {
    level.network.launch.value = {};
    level.network.half_message.value = {};
  }
  c.request.op = Collective::reduce_scatter;
  const auto half = time(c);
  c.request.op = Collective::all_gather;
  RC_ASSERT(std::abs((time(c) - half).count()) <= 1);
  c.request.op = Collective::all_reduce;
  RC_ASSERT(std::abs((time(c) - 2 * half).count()) <= 2);
}

RC_GTEST_PROP(NetworkLaws, SameInputSameBits, ()) {
  const auto c = random_case();
  const auto a = collective_time(topology::whole(c.machine), c.request), b = collective_time(topology::whole(c.machine), c.request);
  RC_ASSERT(a.time == b.time && a.formula == b.formula);
  RC_ASSERT(a.time == collective_duration(topology::whole(c.machine), c.request));
}

TEST(NetworkLaws, HoldOnEveryCatalogMachineFromBytesToGigabytes) {
  for (const auto& name : test::CatalogFiles{}.list("machines")) {
    const auto machine = test::catalog_machine(name);
    topology::Spread spread;
    for (const auto& level : machine.levels) spread.fanout.push_back(level.size);
    const auto fabric = topology::whole(machine);
    for (const auto op : {Collective::all_reduce, Collective::all_gather, Collective::reduce_scatter, Collective::all_to_all, Collective::broadcast})
      for (double bytes = 1; bytes < 1e11; bytes *= 100) {
        const CollectiveRequest request{.op = op, .bytes = units::Bytes::from_si(bytes), .spread = spread};
        const auto t = collective_time(fabric, request);
        EXPECT_LE(collective_bound(fabric, request), t.time) << name;
        EXPECT_LT(t.time.seconds().si(), 1000) << name << " " << t.formula;
        EXPECT_GT(t.time.seconds().si(), 1e-6) << name << " " << t.formula;
      }
  }
}

}  // namespace
}  // namespace zettatwin::network
