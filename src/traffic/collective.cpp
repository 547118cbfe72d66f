// SPDX-License-Identifier: Apache-2.0
#include "traffic/collective.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <tuple>

#include "base/contract.hpp"
#include "flow/simulation.hpp"
#include "traffic/detail/steps.hpp"

namespace zettatwin::traffic {
namespace {

using namespace detail;
using Flows = StageFlows<double>;

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
  if (is_cable(link.kind)) text += fmt::format("/peer={}", lattice.coordinate(link.element.destination, link.level));
  return text;
}

// The stage's link classes by level, kind and health; of alike ones the busiest one's figure, and all their links.
std::vector<LinkUse> uses_of(const Lattice& lattice, const std::vector<LinkClass<double>>& links, const flow::SimulationResult& result) {
  struct Alike {
    double busy = 0;
    const LinkClass<double>* busiest = nullptr;
    std::int64_t links = 0;
  };
  std::map<std::tuple<std::size_t, LinkKind, double>, Alike> alike;
  const double duration = result.end.seconds().si();
  for (std::size_t i = 0; i < links.size(); ++i) {
    const auto& link = links[i];
    const double busy = duration > 0 && link.remaining > 0 ? std::min(1.0, result.resources[i].carried.si() / (duration * link.remaining)) : 0;  // the end is a whole picosecond
    auto& row = alike[{link.representative.level, link.representative.kind, link.remaining}];
    row.links += link.members;
    if (row.busiest != nullptr && (busy < row.busy || (busy == row.busy && row.busiest->representative < link.representative))) continue;
    row.busy = busy;
    row.busiest = &link;
  }
  std::vector<LinkUse> uses;
  for (const auto& [key, row] : alike) {
    const auto& link = row.busiest->representative;
    const std::string level = link.kind == LinkKind::memory ? "chip" : lattice.fabric->machine->levels[link.level].name;
    uses.push_back({level, std::string(name_of(link.kind)), words_of(lattice, link), row.links, row.busiest->remaining, row.busy});
  }
  std::stable_sort(uses.begin(), uses.end(), [](const LinkUse& a, const LinkUse& b) { return std::tie(b.busy, a.level, a.kind, a.place) < std::tie(a.busy, b.level, b.kind, b.place); });
  return uses;
}

flow::FlowProgram program_of(const Flows& flows) {
  flow::FlowProgram program;
  for (const auto& link : flows.links()) (void)program.add_resource(units::BytesPerSecond::from_si(link.remaining));
  for (const auto& flow : flows.flows()) {
    flow::FlowSpec spec{.bytes = units::Bytes::from_si(flow.bytes), .uses = flow.uses, .rate_cap = {}, .latency = units::Picoseconds::from(flow.latency), .after = {}};
    if (flow.rate_cap) spec.rate_cap = units::BytesPerSecond::from_si(*flow.rate_cap);
    (void)program.add_flow(spec);
  }
  return program;
}

class Simulation final {
 public:
  Simulation(const topology::Fabric& fabric, const CollectiveQuery& query)
      : query_(query), plan_(network::collective_stages(fabric, query.request)), lattice_(lattice_of(fabric, query, plan_, query.fidelity)) {}

  CollectiveAnswer run() {
    answer_.ranks = lattice_.space->points();
    answer_.algorithm = plan_.algorithm;
    answer_.classes.ranks = static_cast<std::int64_t>(fold::orbits(*lattice_.space, fold::points(*lattice_.space)).size());
    if (dead_chip() || plan_.stages.empty()) return std::move(answer_);
    if (plan_.at_once) at_once();
    else in_turn();
    std::sort(links_.begin(), links_.end());
    answer_.classes.links = std::unique(links_.begin(), links_.end()) - links_.begin();
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

  // Runs the step's flows; the answer learns of its slowest one.
  flow::SimulationResult finish(const Flows& flows, std::string level, std::string_view algorithm) {
    auto result = flow::simulate(program_of(flows));
    for (const auto& flow : flows.flows()) answer_.flows += static_cast<double>(flow.members);
    answer_.classes.flows += static_cast<std::int64_t>(flows.flows().size());
    for (const auto& link : flows.links()) links_.push_back(link.representative);
    if (!result.unfinished.empty()) {
      const auto stuck = result.unfinished.front();
      const auto by = result.flows[stuck].limited_by;
      answer_.impossible = fmt::format("no way is left from {}{}", words_of(lattice_, flows.flows()[stuck].representative.source),
                                       by < flows.links().size() ? ": dead is " + words_of(lattice_, flows.links()[by].representative) : "");
      return result;
    }
    std::size_t last = 0;
    for (std::size_t i = 0; i < result.flows.size(); ++i)
      if (result.flows[i].finish > result.flows[last].finish) last = i;
    const auto by = result.flows[last].limited_by;
    std::string slowest;
    if (by < flows.links().size()) {
      const auto& link = flows.links()[by];
      slowest = fmt::format("{} {}{}", name_of(link.representative.kind), words_of(lattice_, link.representative),
                            link.members > 1 ? fmt::format(" and {} like it", link.members - 1) : std::string{});
    }
    answer_.stages.push_back({std::move(level), std::string(algorithm), result.end.seconds(), result.flows[last].start.seconds(), std::move(slowest), uses_of(lattice_, flows.links(), result)});
    return result;
  }

  bool reachable(bool all) {
    if (!all && answer_.impossible.empty()) answer_.impossible = "dead links leave no way between two units of their level";
    return all;
  }

  // When the step's slowest flow is done, and that of each level.
  struct StepTime {
    units::Seconds all;
    std::map<std::size_t, units::Seconds> of_level;
  };

  StepTime time_of(std::size_t step) {
    const auto stages = stages_of(plan_, step);
    Flows flows(lattice_, query_.faults, stages);
    if (!reachable(add_flows(flows, lattice_, query_, plan_, step))) return {};
    const auto& level = lattice_.fabric->machine->levels[stages[0].level];
    const auto result = finish(flows, stages.size() > 1 ? "all levels" : level.name, plan_.at_once || stages.size() > 1 ? std::string_view(plan_.algorithm) : network::name_of(stages[0].algorithm));
    StepTime time{result.end.seconds(), {}};
    for (std::size_t i = 0; i < result.flows.size(); ++i) {
      auto& slowest = time.of_level[flows.flows()[i].level];
      slowest = std::max(slowest, result.flows[i].finish.seconds());
    }
    return time;
  }

  void at_once() { answer_.time = units::Picoseconds::from(plan_.latency + time_of(0).all); }

  // Reduce-scatter inwards out, all-gather back: a step starts when the one before is done, chunks follow one another at the pace of the busiest level.
  void in_turn() {
    units::Seconds sum;
    std::map<std::size_t, units::Seconds> busy;
    for (std::size_t i = 0; i < steps_of(plan_); ++i) {
      const auto time = time_of(i);
      if (!answer_.impossible.empty()) return;
      sum += time.all;
      for (const auto& [level, seconds] : time.of_level) busy[level] += seconds;
    }
    units::Seconds slowest, shared;
    std::size_t before = 0;
    for (const auto& [level, seconds] : busy) {
      const bool adds = shared.si() > 0 && lattice_.fabric->machine->levels[level].shares_ports && level == before + 1;
      shared = adds ? shared + seconds : seconds;
      slowest = std::max(slowest, shared);
      before = level;
    }
    answer_.time = units::Picoseconds::from(plan_.launch + sum + static_cast<double>(plan_.chunks - 1) * slowest);
  }

  const CollectiveQuery& query_;
  network::CollectiveStages plan_;
  Lattice lattice_;
  std::vector<LinkId> links_;
  CollectiveAnswer answer_;
};

}  // namespace

bool can_simulate(const topology::Fabric& fabric, const space::View& group) { return has_lattice(fabric, group); }

double pair_classes_at_most(const topology::Fabric& fabric, const CollectiveQuery& query) { return pair_classes(lattice_of(fabric, query, network::collective_stages(fabric, query.request), Fidelity::folded)); }

CollectiveAnswer simulate(const topology::Fabric& fabric, const CollectiveQuery& query) {
  ZT_EXPECT(can_simulate(fabric, query.group), "groups and levels out of step");
  ZT_EXPECT(query.received.empty() || static_cast<std::int64_t>(query.received.size()) == query.group.size(), std::to_string(query.received.size()) + " loads");
  return Simulation(fabric, query).run();
}

}  // namespace zettatwin::traffic
