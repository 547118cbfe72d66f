// SPDX-License-Identifier: Apache-2.0
#include "traffic/collective.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/contract.hpp"
#include "traffic/detail/stage_flows.hpp"

namespace zettatwin::traffic {
namespace {

using namespace detail;

std::string words_of(const Lattice& lattice, const fold::Position& position) {
  const auto& machine = *lattice.fabric->machine;
  std::string text;
  for (std::size_t l = machine.levels.size(); l-- > 0;) {
    bool present = lattice.fabric->used[l] > 1;
    for (std::size_t i = 0; i < lattice.atoms(); ++i)
      if (lattice.level_of[i] == l && position[i] == fold::none) present = false;
    if (present) text += fmt::format("{}{}={}", text.empty() ? "" : "/", unit_word(machine, l), lattice.coordinate(position, l));
  }
  return text;
}

std::string words_of(const Lattice& lattice, const LinkId& link) {
  std::string text = words_of(lattice, link.element.source);
  if (link.kind == LinkKind::memory) return text;
  text += fmt::format("/port={}", lattice.fabric->machine->levels[link.level].name);
  if (link.kind == LinkKind::mesh_link) text += fmt::format("/peer={}", lattice.coordinate(link.element.destination, link.level));
  return text;
}

// The stage's link classes by level, kind and health; of alike rows the busiest one's figure, and all their links.
std::vector<LinkUse> uses_of(const Lattice& lattice, const Links& links, const flow::SimulationResult& result) {
  std::vector<LinkUse> uses;
  const double duration = result.end.seconds().si();
  for (std::size_t i = 0; i < links.classes().size(); ++i) {
    const auto& link = links.classes()[i];
    const double busy = duration > 0 && link.remaining > 0 ? result.resources[i].carried.si() / (duration * link.remaining) : 0;
    uses.push_back({lattice.fabric->machine->levels[link.representative.level].name, std::string(name_of(link.representative.kind)), words_of(lattice, link.representative),
                    link.members, link.remaining, busy});
    if (link.representative.kind == LinkKind::memory) uses.back().level = "chip";
  }
  std::stable_sort(uses.begin(), uses.end(), [](const LinkUse& a, const LinkUse& b) {
    return std::tie(b.busy, a.level, a.kind, a.place) < std::tie(a.busy, b.level, b.kind, b.place);
  });
  std::vector<LinkUse> merged;
  for (auto& use : uses) {
    const auto same = std::find_if(merged.begin(), merged.end(), [&](const LinkUse& m) { return m.level == use.level && m.kind == use.kind && m.remaining == use.remaining; });
    if (same == merged.end()) merged.push_back(std::move(use));
    else same->links += use.links;
  }
  return merged;
}

class Simulation final {
 public:
  Simulation(const topology::Fabric& fabric, const CollectiveQuery& query)
      : query_(query), lattice_(lattice_of(fabric, query.group, query.faults, query.fidelity, query.request.op == network::Collective::all_to_all)), health_(lattice_, query_.faults),
        plan_(network::collective_stages(fabric, query.request)) {}

  CollectiveAnswer run() {
    answer_.ranks = lattice_.space->points();
    answer_.algorithm = plan_.algorithm;
    answer_.classes.ranks = static_cast<std::int64_t>(fold::orbits(*lattice_.space, fold::points(*lattice_.space)).size());
    if (dead_chip() || plan_.stages.empty()) return std::move(answer_);
    if (plan_.at_once) at_once();
    else in_turn();
    answer_.classes.links = static_cast<std::int64_t>(links_.size());
    return std::move(answer_);
  }

 private:
  bool dead_chip() {
    for (const auto& fault : query_.faults) {
      if (fault.kind != FaultKind::dead_chip) continue;
      bool used = true;
      for (std::size_t l = 0; l < fault.place.coordinate.size(); ++l) used = used && fault.place.coordinate[l] < lattice_.fabric->used[l];
      if (used) answer_.impossible = fmt::format("{} is dead and one of the job's ranks", place_text(fault.place, *lattice_.fabric->machine));
    }
    return !answer_.impossible.empty();
  }

  [[nodiscard]] std::vector<bool> group_on(std::optional<std::size_t> level) const {
    std::vector<bool> within = lattice_.in_group;
    for (std::size_t i = 0; i < within.size(); ++i)
      if (level && lattice_.level_of[i] != *level) within[i] = false;
    return within;
  }

  // The time of the slowest flow, its latency included.
  units::Seconds finish(const StageFlows& flows, std::string level, std::string_view algorithm) {
    const auto result = flow::simulate(flows.program());
    for (const auto& flow : flows.flows()) answer_.flows += static_cast<double>(flow.members);
    answer_.classes.flows += static_cast<std::int64_t>(flows.flows().size());
    for (const auto& link : flows.links().classes()) links_.insert(link.representative);
    if (!result.unfinished.empty()) {
      const auto stuck = result.unfinished.front();
      const auto by = result.flows[stuck].limited_by;
      answer_.impossible = fmt::format("no way is left from {}{}", words_of(lattice_, flows.flows()[stuck].representative.source),
                                       by < flows.links().classes().size() ? ": dead is " + words_of(lattice_, flows.links().classes()[by].representative) : "");
      return {};
    }
    std::size_t last = 0;
    for (std::size_t i = 0; i < result.flows.size(); ++i)
      if (result.flows[i].finish > result.flows[last].finish) last = i;
    const auto by = result.flows[last].limited_by;
    std::string slowest;
    if (by < flows.links().classes().size()) {
      const auto& link = flows.links().classes()[by];
      slowest = fmt::format("{} {}{}", name_of(link.representative.kind), words_of(lattice_, link.representative),
                            link.members > 1 ? fmt::format(" and {} like it", link.members - 1) : std::string{});
    }
    answer_.stages.push_back({std::move(level), std::string(algorithm), result.end.seconds(), std::move(slowest), uses_of(lattice_, flows.links(), result)});
    return result.end.seconds();
  }

  bool reachable(bool all) {
    if (!all && answer_.impossible.empty()) answer_.impossible = "a dead mesh link leaves no way between two units of its level";
    return all;
  }

  void at_once() {
    StageFlows flows(lattice_, health_, plan_.stages);
    const bool pairwise = query_.request.op == network::Collective::all_to_all;
    if (!reachable(pairwise ? flows.add_pairs(group_on({}), bytes_between()) : flows.add_groups(group_on({})))) return;
    const auto& name = lattice_.fabric->machine->levels;
    answer_.time = units::Picoseconds::from(plan_.latency + finish(flows, plan_.stages.size() > 1 ? "all levels" : name[plan_.stages[0].level].name, plan_.algorithm));
  }

  // Bytes between two members by the outermost level on which they differ.
  [[nodiscard]] std::vector<units::Bytes> bytes_between() const {
    const auto& request = query_.request;
    std::vector<units::Bytes> bytes(request.spread.fanout.size());
    for (std::size_t l = 0; l < bytes.size(); ++l) {
      const auto peers = request.spread.members_below(l + 1) - request.spread.members_below(l);
      if (request.bytes_across_level.empty()) bytes[l] = request.bytes / static_cast<double>(request.spread.size());
      else if (peers > 0) bytes[l] = request.bytes_across_level[l] / static_cast<double>(peers);
    }
    return bytes;
  }

  // Reduce-scatter inwards out, all-gather back: a stage starts when the one before is done, chunks follow one another.
  void in_turn() {
    units::Seconds sum, slowest, shared;
    for (std::size_t i = 0; i < plan_.stages.size(); ++i) {
      const auto& stage = plan_.stages[i];
      const auto& level = lattice_.fabric->machine->levels[stage.level];
      StageFlows flows(lattice_, health_, {stage});
      const auto within = group_on(stage.level);
      const bool pairwise = query_.request.op == network::Collective::all_to_all && stage.algorithm == network::Algorithm::direct;
      std::vector<units::Bytes> bytes(query_.request.spread.fanout.size());
      bytes[stage.level] = stage.bytes / static_cast<double>(query_.request.spread.fanout[stage.level] - 1);
      if (!reachable(pairwise || query_.request.op == network::Collective::point_to_point || stage.algorithm == network::Algorithm::direct ? flows.add_pairs(within, bytes) : flows.add_groups(within))) return;
      const auto time = finish(flows, level.name, network::name_of(stage.algorithm));
      if (!answer_.impossible.empty()) return;
      sum += time;
      const bool adds = i > 0 && level.shares_ports && stage.level == plan_.stages[i - 1].level + 1;
      shared = adds ? shared + time : time;
      slowest = std::max(slowest, shared);
    }
    answer_.time = units::Picoseconds::from(plan_.launch + sum + static_cast<double>(plan_.chunks - 1) * slowest);
  }

  const CollectiveQuery& query_;
  Lattice lattice_;
  Health health_;
  network::CollectiveStages plan_;
  std::set<LinkId> links_;
  CollectiveAnswer answer_;
};

}  // namespace

bool can_simulate(const topology::Fabric& fabric, const space::View& group) { return has_lattice(fabric, group); }

CollectiveAnswer simulate(const topology::Fabric& fabric, const CollectiveQuery& query) {
  ZT_EXPECT(can_simulate(fabric, query.group), "groups and levels out of step");
  return Simulation(fabric, query).run();
}

}  // namespace zettatwin::traffic
