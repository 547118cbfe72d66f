// SPDX-License-Identifier: Apache-2.0
// Random small machines of all kinds of networks, faults at random places, and groups aligned with the machine's levels.
#pragma once

#include "cases.hpp"

namespace zettatwin::traffic::test {

[[nodiscard]] inline hardware::Level random_level(Random& r) {
  auto level = ideal_level(r.of({NetworkKind::full_mesh, NetworkKind::switched, NetworkKind::clos, NetworkKind::torus}), r.of<std::int64_t>({1, 2, 3, 4}), static_cast<double>(r.between(1, 400)),
                           static_cast<double>(r.between(0, 5)));
  if (level.network.kind == NetworkKind::torus) {
    level.network.torus = {r.between(1, 5), r.between(1, 3)};
    level.size = level.network.torus[0] * level.network.torus[1];
    return level;
  }
  level.network.planes = r.between(1, 3);
  if (r.one_in(3)) level.network.ports_per_chip = r.between(1, 3);
  if (r.one_in(2)) {
    level.network.units_per_leaf = 2;
    level.network.oversubscription = {units::Ratio::from_si(static_cast<double>(r.between(1, 4))), {}, true};
  }
  return level;
}

[[nodiscard]] inline std::int64_t random_neighbour(Random& r, const std::vector<std::int64_t>& torus, std::int64_t position) {
  const auto first = torus[0], second = torus[1], x = position % first, y = position / first;
  if (second == 1 || (first > 1 && r.one_in(2))) return (x + 1) % first + first * y;
  return x + first * ((y + 1) % second);
}

[[nodiscard]] inline Fault random_fault(Random& r, const hardware::Machine& machine) {
  Fault fault;
  fault.place.coordinate.assign(machine.levels.size(), Place::kEvery);
  const auto port = static_cast<std::size_t>(r.between(0, static_cast<std::int64_t>(machine.levels.size()) - 1));
  const auto& level = machine.levels[port];
  const bool mesh = level.network.kind == NetworkKind::full_mesh || level.network.kind == NetworkKind::torus;
  fault.kind = mesh ? r.of({FaultKind::slow_link, FaultKind::dead_link, FaultKind::slow_hbm}) : r.of({FaultKind::slow_link, FaultKind::dead_link, FaultKind::dead_switch, FaultKind::dead_plane, FaultKind::slow_hbm});
  fault.remaining = fault.kind == FaultKind::slow_link || fault.kind == FaultKind::slow_hbm ? static_cast<double>(r.between(1, 9)) / 10 : 0;
  const bool whole_level = fault.kind == FaultKind::dead_switch || fault.kind == FaultKind::dead_plane;
  for (std::size_t l = whole_level ? port + 1 : 0; l < machine.levels.size(); ++l) fault.place.coordinate[l] = r.between(0, machine.levels[l].size - 1);
  if (fault.kind == FaultKind::slow_hbm) return fault;
  fault.place.port = port;
  if (level.network.kind == NetworkKind::full_mesh && level.size > 1) fault.place.peer = (fault.place.coordinate[port] + r.between(1, level.size - 1)) % level.size;
  if (level.network.kind == NetworkKind::torus && level.size > 1) fault.place.peer = random_neighbour(r, level.network.torus, fault.place.coordinate[port]);
  if (!mesh && !(fault.kind == FaultKind::slow_link && r.one_in(2))) fault.place.plane = r.between(0, level.network.planes - 1);
  return fault;
}

// The ranks between two borders of the machine: of levels, of the dimensions of a torus, or of a part of their units.
[[nodiscard]] inline space::View random_group(Random& r, const topology::Fabric& fabric) {
  const auto border = [&] {
    const auto level = static_cast<std::size_t>(r.between(0, static_cast<std::int64_t>(fabric.used.size()) - 1));
    std::vector<std::int64_t> parts;
    for (std::int64_t part = 1; part <= fabric.used[level]; ++part)
      if (fabric.used[level] % part == 0) parts.push_back(part);
    return (level > 0 ? fabric.ranks_within(level - 1) : 1) * (r.one_in(2) ? 1 : r.of(parts));
  };
  for (int attempt = 0; attempt < 8; ++attempt) {
    const auto first = r.one_in(2) ? 1 : border(), last = r.one_in(2) ? fabric.ranks() : border();
    const space::View group{{{last / std::max<std::int64_t>(1, first), first}}};
    if (first < last && last % first == 0 && can_simulate(fabric, group) && topology::divides_evenly(fabric, group)) return group;
  }
  return everyone(fabric);
}

struct RandomCase {
  hardware::Machine machine;
  Ask ask;
};

// At most `depth` levels, `ranks` ranks and three faults.
[[nodiscard]] inline RandomCase random_case(Random& r, std::int64_t depth, std::int64_t ranks) {
  RandomCase result;
  do {
    std::vector<hardware::Level> levels;
    for (auto l = r.between(1, depth); l > 0; --l) levels.push_back(random_level(r));
    result.machine = machine_of(levels);
  } while (result.machine.chips() > ranks);
  const auto fabric = topology::whole(result.machine);
  result.ask = {.op = r.of({Collective::all_reduce, Collective::all_gather, Collective::reduce_scatter, Collective::all_to_all, Collective::all_to_all, Collective::broadcast}), .bytes = static_cast<double>(r.between(1, 100000)) * 1e3,
                .group = random_group(r, fabric), .algorithm = r.of({Algorithm::automatic, Algorithm::ring, Algorithm::direct, Algorithm::rotated}), .faults = {}};
  if (result.ask.op == Collective::all_to_all && r.one_in(6)) {
    result.ask.algorithm = Algorithm::direct;
    for (auto member = result.ask.group.size(); member > 0; --member) result.ask.received.push_back(r.one_in(4) ? 3 : 1);
  }
  for (auto faults = r.between(0, 3); faults > 0; --faults) result.ask.faults.push_back(random_fault(r, result.machine));
  return result;
}

}  // namespace zettatwin::traffic::test
