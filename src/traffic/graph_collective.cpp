// SPDX-License-Identifier: Apache-2.0
#include "traffic/graph_collective.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "base/contract.hpp"
#include "traffic/detail/alike.hpp"
#include "traffic/detail/explicit_flows.hpp"
#include "traffic/detail/numbering.hpp"

namespace zettatwin::traffic {
namespace {

using namespace detail;

constexpr double kFlowsMax = 1.5e6;
constexpr double kCablesMax = 2e6;
constexpr double kUsesMax = 4e7;  // links that flows cross, about 1.5 GB

std::vector<LinkUse> uses_of(const ExplicitNetwork& network, const std::vector<bool>& used, const flow::SimulationResult& result) {
  const double duration = result.end.seconds().si();
  std::map<std::tuple<std::size_t, std::uint32_t, double>, LinkUse> uses;  // alike: of one kind and health
  const auto& graph = network.graph();
  for (graph::LinkId l = 0; l < graph.links(); ++l) {
    if (!used[l]) continue;
    const double left = network.remaining()[l];
    const double busy = duration > 0 && left > 0 ? std::min(1.0, result.resources[l].carried.si() / (duration * left)) : 0;  // the end is a whole picosecond
    auto& use = uses[{network.machine().level_of(l), graph.link(l).kind, left}];
    if (use.links == 0 || busy > use.busy) use = {network.fabric().machine->levels[network.machine().level_of(l)].name, graph.kind_of(l).name, graph.text(l), use.links, left, busy};
    ++use.links;
  }
  std::vector<LinkUse> sorted;
  for (auto& [key, use] : uses) sorted.push_back(std::move(use));
  std::stable_sort(sorted.begin(), sorted.end(), [](const LinkUse& a, const LinkUse& b) { return a.busy > b.busy; });
  return sorted;
}

// Rotated orders run several levels at a time, which only classes do: here the best of the other ways.
network::CollectiveStages plan_of(const topology::Fabric& fabric, network::CollectiveRequest request) {
  auto plan = network::collective_stages(fabric, request);
  if (request.algorithm != network::Algorithm::automatic || !plan.algorithm.starts_with("rotated")) return plan;
  request.algorithm = network::Algorithm::hierarchical;
  return network::collective_stages(fabric, request);
}

// One collective over one draw of the routing.
class Run final {
 public:
  Run(const ExplicitNetwork& network, const CollectiveQuery& query, graph::Routing routing, std::uint64_t seed)
      : network_(network), query_(query), router_(network.graph(), network.remaining(), routing, seed), plan_(plan_of(network.fabric(), query.request)),
        groups_(groups_of(network.fabric(), query.group)), used_(network.graph().links(), false), class_(network.graph().links() + static_cast<std::size_t>(network.fabric().ranks()), 0) {}

  CollectiveAnswer answer() {
    answer_.ranks = answer_.classes.ranks = network_.fabric().ranks();
    answer_.algorithm = plan_.algorithm;
    if (dead_chip() || plan_.stages.empty()) return std::move(answer_);
    if (plan_.at_once) at_once();
    else in_turn();
    count_classes();
    return std::move(answer_);
  }

 private:
  bool dead_chip() {
    for (const auto& fault : query_.faults) {
      bool used = fault.kind == FaultKind::dead_chip;
      for (std::size_t l = 0; l < fault.place.coordinate.size(); ++l) used = used && fault.place.coordinate[l] < network_.fabric().used[l];
      if (used) answer_.impossible = fmt::format("{} is dead and one of the job's ranks", place_text(fault.place, *network_.fabric().machine));
    }
    return !answer_.impossible.empty();
  }

  [[nodiscard]] std::string limit_text(flow::ResourceId by) const {
    if (by >= network_.graph().links() + static_cast<std::size_t>(network_.fabric().ranks())) return "";
    if (by >= network_.graph().links()) return "memory of " + network_.text_of(static_cast<std::int64_t>(by - network_.graph().links()));
    return fmt::format("{} {}", network_.graph().kind_of(by).name, network_.graph().text(by));
  }

  bool reachable(bool all, const ExplicitFlows& flows) {
    if (!all) answer_.impossible = fmt::format("no way is left from {} to {}", network_.text_of(flows.stuck().from), network_.text_of(flows.stuck().to));
    return all;
  }

  units::Seconds finish(const ExplicitFlows& flows, std::string level, std::string_view algorithm) {
    const auto alike = query_.fidelity == Fidelity::folded ? find_alike(flows.program()) : std::nullopt;
    const auto result = alike ? simulate_alike(flows.program(), *alike) : flow::simulate(flows.program());
    ZT_ASSERT(result.unfinished.empty(), "ways lead round dead links");
    answer_.flows += static_cast<double>(flows.flows().size());
    answer_.classes.flows += alike ? std::int64_t{alike->flow_classes} : static_cast<std::int64_t>(flows.flows().size());
    part_classes(alike);
    for (std::size_t l = 0; l < used_.size(); ++l) used_[l] = used_[l] || flows.used()[l];
    const auto last = std::max_element(result.flows.begin(), result.flows.end(), [](const auto& a, const auto& b) { return a.finish < b.finish; });
    answer_.stages.push_back({std::move(level), std::string(algorithm), result.end.seconds(), last == result.flows.end() ? units::Seconds{} : last->start.seconds(), last == result.flows.end() ? "" : limit_text(last->limited_by), uses_of(network_, flows.used(), result)});
    return result.end.seconds();
  }

  // Links and memories are alike that are so in every stage. Without classes each is of its own.
  void part_classes(const std::optional<Alike>& alike) {
    Numbering numbers;
    for (std::size_t r = 0; r < class_.size(); ++r) class_[r] = numbers.number({class_[r], alike ? std::uint64_t{alike->resource_class[r]} : r});
  }

  void count_classes() {
    Numbering of_links, of_ranks;
    for (std::size_t r = 0; r < class_.size(); ++r) {
      if (r >= used_.size()) (void)of_ranks.number({class_[r], 0});
      else if (used_[r]) (void)of_links.number({class_[r], 0});
    }
    answer_.classes.links = of_links.size();
    answer_.classes.ranks = of_ranks.size();
  }

  void at_once() {
    ExplicitFlows flows(network_, router_, plan_.stages, query_.request.op);
    const bool pairwise = query_.request.op == network::Collective::all_to_all;
    if (!reachable(pairwise ? flows.add_pairs(groups_, network::bytes_between(query_.request)) : flows.add_groups(groups_), flows)) return;
    const auto& levels = network_.fabric().machine->levels;
    answer_.time = units::Picoseconds::from(plan_.latency + finish(flows, plan_.stages.size() > 1 ? "all levels" : levels[plan_.stages[0].level].name, plan_.algorithm));
  }

  // A stage starts when the one before is done, chunks follow one another.
  void in_turn() {
    units::Seconds sum, slowest, shared;
    for (std::size_t i = 0; i < plan_.stages.size(); ++i) {
      const auto& stage = plan_.stages[i];
      const auto& level = network_.fabric().machine->levels[stage.level];
      ExplicitFlows flows(network_, router_, {stage}, query_.request.op);
      const auto parts = parts_on(network_.fabric(), groups_, stage.level);
      std::vector<units::Bytes> bytes(query_.request.spread.fanout.size());
      bytes[stage.level] = stage.bytes / static_cast<double>(query_.request.spread.fanout[stage.level] - 1);
      if (!reachable(stage.algorithm == network::Algorithm::direct ? flows.add_pairs(parts, bytes) : flows.add_groups(parts), flows)) return;
      const auto time = finish(flows, level.name, network::name_of(stage.algorithm));
      sum += time;
      const bool adds = i > 0 && level.shares_ports && stage.level == plan_.stages[i - 1].level + 1;
      shared = adds ? shared + time : time;
      slowest = std::max(slowest, shared);
    }
    answer_.time = units::Picoseconds::from(plan_.launch + sum + static_cast<double>(plan_.chunks - 1) * slowest);
  }

  const ExplicitNetwork& network_;
  const CollectiveQuery& query_;
  graph::Router router_;
  network::CollectiveStages plan_;
  std::vector<Members> groups_;
  std::vector<bool> used_;
  std::vector<std::uint32_t> class_;  // of links, then memories
  CollectiveAnswer answer_;
};

}  // namespace

bool needs_graph(const topology::Fabric& fabric) {
  for (std::size_t l = 0; l < fabric.used.size(); ++l)
    if (fabric.used[l] > 1 && hardware::is_graph(fabric.machine->levels[l].network.kind)) return true;
  return false;
}

std::string too_large(const topology::Fabric& fabric, const CollectiveQuery& query) {
  const double ranks = static_cast<double>(fabric.ranks()), members = static_cast<double>(query.group.size());
  const auto cables = topology::estimated_cables(fabric);
  if (cables > kCablesMax) return fmt::format("the explicit graph would have about {:.2g} cables; at most {:.2g} fit", cables, kCablesMax);
  const bool pairs = query.request.op == network::Collective::all_to_all;
  const double flows = pairs ? ranks * members : ranks * 2;
  if (flows > kFlowsMax) return fmt::format("every pair a flow, these are {:.2g} flows; at most {:.2g} fit", flows, kFlowsMax);
  const ExplicitNetwork network(fabric, {});
  graph::Router router(network.graph(), network.remaining(), graph::Routing::spraying);
  std::vector<topology::Leg> legs;
  std::vector<graph::Share> way;
  network.machine().append_legs(0, fabric.ranks() - 1, legs);
  for (const auto& leg : legs) (void)router.append(leg.from, leg.to, leg.layers, leg.share, leg.source, leg.destination, way);
  const double uses = flows * static_cast<double>(way.size());
  if (uses > kUsesMax) return fmt::format("sprayed, {:.2g} flows cross {:.2g} links in all; at most {:.2g} fit", flows, uses, kUsesMax);
  return "";
}

RoutedAnswer simulate_on_graph(const topology::Fabric& fabric, const CollectiveQuery& query, const RoutingChoice& choice) {
  ZT_EXPECT(choice.seeds >= 1, std::to_string(choice.seeds));
  const ExplicitNetwork network(fabric, query.faults);
  RoutedAnswer result{Run(network, query, choice.routing, choice.seed).answer(), std::nullopt};
  if (choice.routing != graph::Routing::ecmp || !result.answer.impossible.empty()) return result;
  std::vector<units::Seconds> times{result.answer.time.seconds()};
  for (std::int64_t i = 1; i < choice.seeds; ++i) times.push_back(Run(network, query, choice.routing, choice.seed + static_cast<std::uint64_t>(i)).answer().time.seconds());
  result.ensemble = ensemble_of(times);
  result.answer.time = units::Picoseconds::from(result.ensemble->mean);
  return result;
}

}  // namespace zettatwin::traffic
