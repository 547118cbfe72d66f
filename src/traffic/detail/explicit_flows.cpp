// SPDX-License-Identifier: Apache-2.0
#include "traffic/detail/explicit_flows.hpp"

#include <algorithm>
#include <bit>
#include <map>

#include "base/contract.hpp"

namespace zettatwin::traffic::detail {
namespace {

using hardware::NetworkKind;
using network::Algorithm;
using network::Collective;

std::int64_t below(const topology::Fabric& fabric, std::size_t level) { return level > 0 ? fabric.ranks_within(level - 1) : 1; }

double passes(Collective op) { return op == Collective::all_reduce ? 2 : 1; }

// Parents of a balanced binary tree over [first, end), in order; calls edge(child, parent). Returns the root.
template <class Edge>
std::size_t binary_tree(std::size_t first, std::size_t end, const Edge& edge) {
  const std::size_t root = first + (end - first) / 2;
  if (root > first) edge(binary_tree(first, root, edge), root);
  if (root + 1 < end) edge(binary_tree(root + 1, end, edge), root);
  return root;
}

}  // namespace

std::vector<Members> groups_of(const topology::Fabric& fabric, const space::View& group) {
  std::vector<Members> groups;
  for (std::int64_t rank = 0; rank < fabric.ranks(); ++rank) {
    const bool first = std::all_of(group.atoms.begin(), group.atoms.end(), [rank](const space::Atom& a) { return rank / a.stride % a.size == 0; });
    if (!first) continue;
    Members members{rank};
    for (const auto& atom : group.atoms) {
      const auto count = members.size();
      for (std::int64_t i = 1; i < atom.size; ++i)
        for (std::size_t m = 0; m < count; ++m) members.push_back(members[m] + i * atom.stride);
    }
    std::sort(members.begin(), members.end());
    groups.push_back(std::move(members));
  }
  return groups;
}

std::vector<Members> parts_on(const topology::Fabric& fabric, const std::vector<Members>& groups, std::size_t level) {
  std::vector<Members> parts;
  for (const auto& group : groups) {
    std::map<std::int64_t, Members> by_others;
    for (const auto rank : group) by_others[rank - rank / below(fabric, level) % fabric.used[level] * below(fabric, level)].push_back(rank);
    for (auto& [others, part] : by_others) parts.push_back(std::move(part));
  }
  return parts;
}

ExplicitFlows::ExplicitFlows(const ExplicitNetwork& network, graph::Router& router, std::vector<network::CollectiveStage> stages, Collective op)
    : network_(network), router_(router), stages_(std::move(stages)), op_(op), used_(network.graph().links(), false) {
  for (const double left : network.remaining()) (void)program_.add_resource(units::BytesPerSecond::from_si(left));
  for (std::int64_t rank = 0; rank < network.fabric().ranks(); ++rank) (void)program_.add_resource(units::BytesPerSecond::from_si(network.memory_left(rank)));
}

const network::CollectiveStage& ExplicitFlows::stage_at(std::size_t level) const {
  const auto at = std::find_if(stages_.begin(), stages_.end(), [level](const auto& s) { return s.level == level; });
  ZT_ASSERT(at != stages_.end(), std::to_string(level));
  return *at;
}

bool ExplicitFlows::add_way(std::int64_t from, std::int64_t to, double bytes, bool ports_only, units::Seconds& latency) {
  legs_.clear();
  network_.machine().append_legs(from, to, legs_);
  for (const auto& leg : legs_) {
    way_.clear();
    if (!router_.append(leg.from, leg.to, leg.layers, leg.share, leg.source, leg.destination, way_)) {
      stuck_ = {from, to};
      return false;
    }
    const auto& stage = stage_at(leg.level);
    const double efficiency = stage.bandwidth / stage.datasheet;
    for (const auto& share : way_) {
      const auto& link = network_.graph().link(share.link);
      if (ports_only && link.from != leg.from && link.to != leg.to) continue;
      uses_.push_back({share.link, bytes * share.share / (link.bandwidth.si() * efficiency)});
      latency += (share.share / leg.share) * link.latency;
      used_[share.link] = true;
    }
  }
  return true;
}

void ExplicitFlows::add_memory(std::int64_t rank, double bytes) {
  const auto id = static_cast<flow::ResourceId>(network_.graph().links() + static_cast<std::size_t>(rank));
  uses_.push_back({id, bytes / network_.fabric().machine->chip.memory.bandwidth.si()});
}

bool ExplicitFlows::add_pairs(const std::vector<Members>& groups, const std::vector<units::Bytes>& bytes) {
  const auto& fabric = network_.fabric();
  // Destination by destination: the router keeps tables of destinations.
  for (const auto& group : groups)
    for (const auto to : group)
      for (const auto from : group) {
        std::size_t level = bytes.size();
        while (level > 0 && fabric.used[level - 1] > 0 && from / below(fabric, level - 1) % fabric.used[level - 1] == to / below(fabric, level - 1) % fabric.used[level - 1]) --level;
        if (level == 0 || bytes[level - 1].si() <= 0) continue;
        uses_.clear();
        units::Seconds cables;
        if (!add_way(from, to, 1, false, cables)) return false;
        add_memory(from, 1);
        add_memory(to, 1);
        const auto& network = fabric.machine->levels[level - 1].network;
        const auto longest = network.rates ? network.rates->latency : units::Seconds{};  // that the stage counts for every pair
        const auto latency = std::max(units::Seconds{}, stage_at(level - 1).latency - longest + cables);
        (void)program_.add_flow({.bytes = bytes[level - 1], .uses = uses_, .latency = units::Picoseconds::from(latency)});
        flows_.push_back({from, to});
      }
  return true;
}

// Meshes and tori move the bytes of pipelined algorithms over all links between members at once.
ExplicitFlows::Round ExplicitFlows::neighbours_of(const network::CollectiveStage& stage, const Members& part) const {
  const auto& level = network_.fabric().machine->levels[stage.level].network;
  const double bytes = stage.bytes.si() * (level.pair_bandwidth.value / stage.datasheet);
  const auto& machine = network_.machine();
  std::map<graph::Vertex, std::int64_t> members;
  for (const auto rank : part) members[machine.endpoint(stage.level, rank)] = rank;
  Round round;
  for (const auto& [vertex, rank] : members)
    for (const auto l : network_.graph().out(vertex))
      if (const auto peer = members.find(network_.graph().link(l).to); peer != members.end()) round.push_back({rank, peer->second, bytes});
  return round;
}

std::vector<ExplicitFlows::Round> ExplicitFlows::rounds_of(const network::CollectiveStage& stage, const Members& part) const {
  const auto kind = network_.fabric().machine->levels[stage.level].network.kind;
  if (kind == NetworkKind::full_mesh || kind == NetworkKind::torus) return {neighbours_of(stage, part)};
  const std::size_t n = part.size();
  const double bytes = stage.bytes.si(), message = bytes / passes(op_);
  std::vector<Round> rounds(1);
  switch (stage.algorithm) {
    case Algorithm::tree:
      // Half of the message through each of two trees, up and down; one's leaves are inside the other.
      for (const std::size_t shift : {std::size_t{0}, std::size_t{1}})
        (void)binary_tree(0, n, [&](std::size_t child, std::size_t parent) {
          const auto a = part[(child + shift) % n], b = part[(parent + shift) % n];
          if (op_ == Collective::all_reduce) rounds[0].push_back({a, b, message / 2});
          rounds[0].push_back({b, a, message / 2});
        });
      break;
    case Algorithm::halving_doubling: {
      const auto count = static_cast<std::size_t>(std::bit_width(n - 1));
      rounds.resize(count);
      for (std::size_t k = 0; k < count; ++k)
        for (std::size_t i = 0; i < n; ++i) rounds[k].push_back({part[i], part[i ^ (std::size_t{1} << k)], passes(op_) * (bytes / passes(op_)) * static_cast<double>(n) / static_cast<double>(n - 1) / static_cast<double>(std::size_t{2} << k)});
      break;
    }
    case Algorithm::bruck: {
      const auto count = static_cast<std::size_t>(std::bit_width(n - 1));
      rounds.resize(count);
      for (std::size_t k = 0; k < count; ++k)
        for (std::size_t i = 0; i < n; ++i) rounds[k].push_back({part[i], part[(i + (std::size_t{1} << k)) % n], bytes / static_cast<double>(count)});
      break;
    }
    default:
      for (std::size_t i = 0; i < n; ++i) rounds[0].push_back({part[i], part[(i + 1) % n], bytes});
  }
  return rounds;
}

bool ExplicitFlows::add_rounds(const std::vector<std::pair<const network::CollectiveStage*, std::vector<Round>>>& rounds, const Members& group) {
  units::Seconds latency;
  std::size_t count = 0;
  for (const auto& [stage, list] : rounds) {
    latency = std::max(latency, stage->latency);
    count = std::max(count, list.size());
  }
  std::vector<flow::FlowId> before;
  for (std::size_t r = 0; r < count; ++r) {
    uses_.clear();
    for (const auto& [stage, list] : rounds) {
      if (r >= list.size()) continue;
      for (const auto& hop : list[r]) {
        units::Seconds cables;  // the stage's latency has the longest
        if (!add_way(hop.from, hop.to, hop.bytes, stage->algorithm == Algorithm::in_network, cables)) return false;
        add_memory(hop.from, hop.bytes);
        add_memory(hop.to, hop.bytes);
      }
    }
    // One unit of a flow is the whole round: its uses are loaded with bytes already.
    before = {program_.add_flow({.bytes = units::Bytes::from_si(1), .uses = uses_, .latency = r == 0 ? units::Picoseconds::from(latency) : units::Picoseconds{}, .after = before})};
    flows_.push_back({group[0], group[1]});
  }
  return true;
}

bool ExplicitFlows::add_groups(const std::vector<Members>& groups) {
  for (const auto& group : groups) {
    std::vector<std::pair<const network::CollectiveStage*, std::vector<Round>>> rounds;
    for (const auto& stage : stages_)
      for (const auto& part : parts_on(network_.fabric(), {group}, stage.level))
        if (part.size() > 1) rounds.emplace_back(&stage, rounds_of(stage, part));
    if (!rounds.empty() && !add_rounds(rounds, group)) return false;
  }
  return true;
}

}  // namespace zettatwin::traffic::detail
