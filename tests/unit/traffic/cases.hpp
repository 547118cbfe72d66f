// SPDX-License-Identifier: Apache-2.0
// Small machines, jobs on all of them, and collectives of groups that are aligned with their levels.
#pragma once

#include <gtest/gtest.h>

#include "../../support/random.hpp"
#include "../../support/thinning.hpp"
#include "../network/machines.hpp"
#include "traffic/collective.hpp"

namespace zettatwin::traffic::test {

using hardware::NetworkKind;
using network::Algorithm;
using network::Collective;
using network::test::catalog_machine;
using network::test::ideal_level;
using zettatwin::test::Random;
using zettatwin::test::kThinning;

[[nodiscard]] inline hardware::Machine machine_of(std::vector<hardware::Level> levels) {
  auto machine = network::test::machine_of(std::move(levels));
  const char* const names[] = {"board", "cabinet", "pod", "cluster"};
  for (std::size_t l = 0; l < machine.levels.size(); ++l) machine.levels[l].name = names[l];
  machine.chip_name = "ascend-test";
  machine.chip.memory.bandwidth.value = 4000 * units::GB_per_s;
  return machine;
}

[[nodiscard]] inline space::View everyone(const topology::Fabric& fabric) { return {{{fabric.ranks(), 1}}}; }

[[nodiscard]] inline std::vector<Fault> faults_of(const hardware::Machine& machine, const std::vector<std::string>& texts) {
  config::Diagnostics diagnostics;
  std::vector<Fault> faults;
  for (const auto& text : texts)
    if (auto fault = parse_fault(text, machine, config::location_in("--fault"), diagnostics)) faults.push_back(std::move(*fault));
  for (const auto& d : diagnostics.all()) ADD_FAILURE() << d.text();
  return faults;
}

struct Ask {
  Collective op = Collective::all_to_all;
  double bytes = 64e6;
  space::View group;  // empty: everyone
  Algorithm algorithm = Algorithm::automatic;
  std::vector<Fault> faults;
  Fidelity fidelity = Fidelity::folded;
  std::vector<double> received = {};
};

[[nodiscard]] inline CollectiveQuery query_of(const topology::Fabric& fabric, const Ask& ask) {
  CollectiveQuery query;
  query.group = ask.group.atoms.empty() ? everyone(fabric) : ask.group;
  query.request = {.op = ask.op, .bytes = units::Bytes::from_si(ask.bytes), .spread = topology::spread_of(fabric, query.group), .algorithm = ask.algorithm, .bytes_across_level = {}};
  if (ask.op == network::Collective::point_to_point) query.request.units_apart = topology::units_apart(fabric, query.group.atoms[0].stride, 2);
  query.faults = ask.faults;
  query.fidelity = ask.fidelity;
  query.received = ask.received;
  return query;
}

[[nodiscard]] inline CollectiveAnswer answer(const hardware::Machine& machine, const Ask& ask) {
  const auto fabric = topology::whole(machine);
  return simulate(fabric, query_of(fabric, ask));
}

[[nodiscard]] inline double seconds(const CollectiveAnswer& answer) {
  EXPECT_EQ(answer.impossible, "");
  return answer.time.seconds().si();
}

}  // namespace zettatwin::traffic::test
