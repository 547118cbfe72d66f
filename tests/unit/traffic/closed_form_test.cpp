// SPDX-License-Identifier: Apache-2.0
// Without faults, flows on links take the time of the closed forms.
#include "cases.hpp"

namespace zettatwin::traffic {
namespace {

using namespace test;

constexpr Collective kAll[] = {Collective::all_reduce, Collective::all_gather, Collective::reduce_scatter, Collective::all_to_all, Collective::broadcast};

void expect_same(const hardware::Machine& machine, const space::View& group, Collective op, double bytes, Algorithm algorithm) {
  const auto fabric = topology::whole(machine);
  const auto query = query_of(fabric, {.op = op, .bytes = bytes, .group = group, .algorithm = algorithm, .faults = {}});
  const double closed = network::collective_time(fabric, query.request).time.seconds().si(), flows = seconds(simulate(fabric, query));
  EXPECT_NEAR(flows, closed, 1e-9 * closed + 5e-12) << machine.name << " " << network::name_of(op) << " of " << bytes << " with " << network::name_of(algorithm);
}

TEST(ClosedForm, OneLevel) {
  for (const auto kind : {NetworkKind::full_mesh, NetworkKind::switched, NetworkKind::clos, NetworkKind::torus})
    for (const auto op : kAll)
      for (const auto algorithm : {Algorithm::automatic, Algorithm::ring, Algorithm::direct, Algorithm::halving_doubling, Algorithm::tree, Algorithm::bruck})
        for (const double bytes : {8.0, 3e4, 1e9}) {
          const auto machine = machine_of({ideal_level(kind, 8)});
          expect_same(machine, {{{8, 1}}}, op, bytes, algorithm);
          // Every second chip of a ring: there the groups in between share links, which the closed form does not know.
          if (kind != NetworkKind::torus || op != Collective::all_to_all) expect_same(machine, {{{4, 2}}}, op, bytes, algorithm);
        }
}

TEST(ClosedForm, Tori) {
  for (const std::vector<std::int64_t>& extents : {std::vector<std::int64_t>{4, 4}, {3, 5}, {2, 6}, {2, 2, 2}, {4, 3, 2}, {7}, {1, 4, 1}}) {
    auto level = ideal_level(NetworkKind::torus, 1);
    level.network.torus = extents;
    for (const auto extent : extents) level.size *= extent;
    for (const auto op : kAll)
      for (const double bytes : {8.0, 1e9}) {
        expect_same(machine_of({level}), {{{level.size, 1}}}, op, bytes, Algorithm::automatic);
        if (extents[0] == 4) expect_same(machine_of({level}), {{{2, 1}}}, op, bytes, Algorithm::automatic);  // a line inside a ring
        if (extents[0] > 1) expect_same(machine_of({level}), {{{extents[0], 1}}}, op, bytes, Algorithm::automatic);
      }
  }
}

TEST(ClosedForm, RotatedAndPairs) {
  const auto two = machine_of({ideal_level(NetworkKind::full_mesh, 4), ideal_level(NetworkKind::full_mesh, 8, 50)});
  const auto three = machine_of({ideal_level(NetworkKind::full_mesh, 4), ideal_level(NetworkKind::torus, 4), ideal_level(NetworkKind::switched, 4, 50)});
  for (const auto op : {Collective::all_reduce, Collective::all_gather, Collective::reduce_scatter})
    for (const double bytes : {8.0, 3e4, 1e9})
      for (const auto& machine : {two, three}) expect_same(machine, {{{machine.chips(), 1}}}, op, bytes, Algorithm::rotated);
  for (const std::int64_t stride : {1, 4, 16}) expect_same(three, {{{2, stride}}}, Collective::point_to_point, 1e6, Algorithm::automatic);
  auto level = ideal_level(NetworkKind::torus, 32);
  level.network.torus = {8, 4};
  for (const std::int64_t stride : {1, 2, 4, 8, 16}) expect_same(machine_of({level}), {{{2, stride}}}, Collective::point_to_point, 1e6, Algorithm::automatic);
}

TEST(ClosedForm, CatalogMachines) {
  for (const auto* name : {"atlas-950-supercluster", "atlas-950-superpod-1024", "atlas-960e", "dgx-h100", "gb200-nvl72", "cloudmatrix384", "tpu-v5p-pod", "ironwood-pod"}) {
    const auto machine = catalog_machine(name);
    const auto fabric = topology::whole(machine);
    for (const auto op : kAll)
      for (const double bytes : {4096.0, 1e7, 4e9}) expect_same(machine, everyone(fabric), op, bytes, Algorithm::automatic);
    for (const auto op : kAll) expect_same(machine, {{{fabric.used[0], 1}}}, op, 1e8, Algorithm::automatic);
    if (fabric.used.size() > 1 && fabric.used[1] > 1)  // equal positions of the units of a level, as replicas have
      for (const auto op : kAll) expect_same(machine, {{{fabric.used[1], fabric.used[0]}}}, op, 1e8, Algorithm::automatic);
  }
}

}  // namespace
}  // namespace zettatwin::traffic
