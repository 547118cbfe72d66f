// SPDX-License-Identifier: Apache-2.0
#include "training/cable_faults.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include "base/contract.hpp"
#include "hardware/broken_graph.hpp"
#include "topology/machine_graph.hpp"

namespace zettatwin::training {
namespace {

bool names_cables(const traffic::Fault& fault) { return !fault.place.ends.first.empty(); }

struct Named {
  std::size_t level = 0;
  hardware::BrokenCable cable;  // in the names of the level's own graph
};

std::optional<Named> named_by(const traffic::Fault& fault, const topology::MachineGraph& known, const topology::Fabric& fabric) {
  const auto& [from, to] = fault.place.ends;
  const auto& graph = known.graph();
  for (graph::LinkId l = 0; l < graph.links(); ++l) {
    if (graph.name(graph.link(l).from) != from || !(to.empty() || graph.name(graph.link(l).to) == to)) continue;
    const auto level = known.level_of(l);
    if (!hardware::is_graph(fabric.machine->levels[level].network.kind)) return std::nullopt;
    const bool alone = fabric.ranks_within(level) == fabric.ranks();  // else names begin with the unit's
    const auto own = [alone](const std::string& name) { return alone || name.empty() ? name : name.substr(name.find('.') + 1); };
    return Named{level, {own(from), own(to), fault.remaining}};
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::size_t> graph_level_of(const traffic::Fault& fault, const hardware::Machine& machine) {
  if (!names_cables(fault)) return std::nullopt;
  const auto fabric = topology::whole(machine);
  const auto named = named_by(fault, topology::MachineGraph(fabric), fabric);
  return named ? std::optional(named->level) : std::nullopt;
}

std::optional<WhatIsLeft> without_named_cables(const Job& job) {
  if (std::none_of(job.faults.begin(), job.faults.end(), names_cables)) return std::nullopt;
  WhatIsLeft left{job, ""};
  std::erase_if(left.job.faults, names_cables);
  const auto fabric = topology::whole(job.machine);
  const topology::MachineGraph known(fabric);
  std::map<std::size_t, std::vector<hardware::BrokenCable>> broken;
  for (const auto& fault : job.faults) {
    if (!names_cables(fault)) continue;
    const auto named = named_by(fault, known, fabric);
    ZT_EXPECT(named, fault.text + " is not of a graph");
    broken[named->level].push_back(named->cable);
  }
  for (const auto& [level, cables] : broken) {
    auto& there = left.job.machine.levels[level];
    there.network.rates = hardware::graph_rates(there.network.graph, there.size, job.machine.chips_within(level), cables);
    if (!there.network.rates) left.impossible = fmt::format("dead cables leave no way between two units of the {} level", there.name);
  }
  return left;
}

}  // namespace zettatwin::training
