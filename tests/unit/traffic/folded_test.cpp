// SPDX-License-Identifier: Apache-2.0
// Folding changes no time: classes against every rank on its own, on random machines with up to three faults; and relabelling changes no bit.
#include "cases.hpp"

namespace zettatwin::traffic {
namespace {

using namespace test;

hardware::Level random_level(Random& r) {
  auto level = ideal_level(r.of({NetworkKind::full_mesh, NetworkKind::switched, NetworkKind::clos}), r.of<std::int64_t>({1, 2, 3, 4}), static_cast<double>(r.between(1, 400)),
                           static_cast<double>(r.between(0, 5)));
  level.network.planes = r.between(1, 3);
  if (r.one_in(3)) level.network.ports_per_chip = r.between(1, 3);
  if (r.one_in(2)) {
    level.network.units_per_leaf = 2;
    level.network.oversubscription = {units::Ratio::from_si(static_cast<double>(r.between(1, 4))), {}, true};
  }
  return level;
}

Fault random_fault(Random& r, const hardware::Machine& machine) {
  Fault fault;
  fault.place.coordinate.assign(machine.levels.size(), Place::kEvery);
  const auto port = static_cast<std::size_t>(r.between(0, static_cast<std::int64_t>(machine.levels.size()) - 1));
  const auto& level = machine.levels[port];
  const bool mesh = level.network.kind == NetworkKind::full_mesh;
  fault.kind = mesh ? r.of({FaultKind::slow_link, FaultKind::dead_link, FaultKind::slow_hbm}) : r.of({FaultKind::slow_link, FaultKind::dead_link, FaultKind::dead_switch, FaultKind::dead_plane, FaultKind::slow_hbm});
  fault.remaining = fault.kind == FaultKind::slow_link || fault.kind == FaultKind::slow_hbm ? static_cast<double>(r.between(1, 9)) / 10 : 0;
  const bool whole_level = fault.kind == FaultKind::dead_switch || fault.kind == FaultKind::dead_plane;
  for (std::size_t l = whole_level ? port + 1 : 0; l < machine.levels.size(); ++l) fault.place.coordinate[l] = r.between(0, machine.levels[l].size - 1);
  if (fault.kind == FaultKind::slow_hbm) return fault;
  fault.place.port = port;
  if (mesh && level.size > 1) fault.place.peer = (fault.place.coordinate[port] + r.between(1, level.size - 1)) % level.size;
  if (!mesh && !(fault.kind == FaultKind::slow_link && r.one_in(2))) fault.place.plane = r.between(0, level.network.planes - 1);
  return fault;
}

// A group that is every, the innermost, or the outermost levels' positions.
space::View random_group(Random& r, const topology::Fabric& fabric) {
  const auto cut = fabric.ranks_within(static_cast<std::size_t>(r.between(0, static_cast<std::int64_t>(fabric.used.size()) - 1)));
  switch (r.between(0, 2)) {
    case 0: return everyone(fabric);
    case 1: return {{{cut, 1}}};
    default: return {{{fabric.ranks() / cut, cut}}};
  }
}

TEST(Folded, EqualsUnfolded) {
  int possible = 0, folded_classes = 0, unfolded_classes = 0;
  for (std::uint64_t seed = 0; seed < 1500; ++seed) {
    Random r(seed);
    std::vector<hardware::Level> levels;
    for (auto depth = r.between(1, 3); depth > 0; --depth) levels.push_back(random_level(r));
    const auto machine = machine_of(levels);
    const auto fabric = topology::whole(machine);
    Ask ask{.op = r.of({Collective::all_reduce, Collective::all_gather, Collective::reduce_scatter, Collective::all_to_all, Collective::broadcast}), .bytes = static_cast<double>(r.between(1, 100000)) * 1e3,
            .group = random_group(r, fabric), .algorithm = r.of({Algorithm::automatic, Algorithm::ring, Algorithm::direct}), .faults = {}};
    for (auto faults = r.between(0, 3); faults > 0; --faults) ask.faults.push_back(random_fault(r, machine));
    const auto folded = answer(machine, ask);
    ask.fidelity = Fidelity::unfolded;
    const auto unfolded = answer(machine, ask);
    EXPECT_EQ(folded.impossible.empty(), unfolded.impossible.empty()) << "seed " << seed;
    if (!folded.impossible.empty()) continue;
    ++possible;
    const double time = unfolded.time.seconds().si();
    EXPECT_NEAR(folded.time.seconds().si(), time, 1e-9 * time + 4e-12) << "seed " << seed << ": " << machine.chips() << " chips, " << network::name_of(ask.op);
    EXPECT_EQ(folded.flows, unfolded.flows) << "seed " << seed;
    EXPECT_LE(folded.classes.flows, unfolded.classes.flows) << "seed " << seed;
    folded_classes += static_cast<int>(folded.classes.flows);
    unfolded_classes += static_cast<int>(unfolded.classes.flows);
  }
  RecordProperty("possible", possible);
  EXPECT_GT(possible, 1000);
  EXPECT_LT(folded_classes, unfolded_classes / 2) << "folding folds";
}

TEST(Folded, TheNameOfTheFaultyChipChangesNoBit) {
  const auto machine = catalog_machine("atlas-950-superpod");
  const auto time = [&](const std::string& place) {
    return answer(machine, {.bytes = 1e8, .group = {}, .faults = faults_of(machine, {"slow-link@" + place + "/port=pod:0.3", "dead-link@" + place + "/port=board/peer=7"})}).time;
  };
  const auto first = time("cabinet=0/board=0/npu=0");
  for (const auto* place : {"cabinet=127/board=7/npu=6", "cabinet=64/board=1/npu=3", "cabinet=1/board=0/npu=5"}) EXPECT_EQ(time(place), first) << place;
}

}  // namespace
}  // namespace zettatwin::traffic
