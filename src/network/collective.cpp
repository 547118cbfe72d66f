// SPDX-License-Identifier: Apache-2.0
#include "network/collective.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/contract.hpp"
#include "network/detail/route.hpp"
#include "network/stages.hpp"
#include "units/text.hpp"

namespace zettatwin::network {
namespace {

using detail::Crossing;
using detail::Route;

void expect_valid(const topology::Fabric& fabric, const CollectiveRequest& request) {
  ZT_EXPECT(std::isfinite(request.bytes.si()) && request.bytes.si() >= 0, std::to_string(request.bytes.si()));
  ZT_EXPECT(fabric.machine != nullptr && request.spread.fanout.size() == fabric.machine->levels.size(), std::to_string(request.spread.fanout.size()));
  const auto& across = request.bytes_across_level;
  ZT_EXPECT(across.empty() || across.size() == request.spread.fanout.size(), std::to_string(across.size()));
}

bool rings_in_library(const std::vector<Crossing>& crossings, Collective op) {
  return std::all_of(crossings.begin(), crossings.end(), [op](const Crossing& c) { return detail::in_library(Algorithm::ring, op, c.link); });
}

bool moves_parts(Collective op) { return op == Collective::all_reduce || op == Collective::all_gather || op == Collective::reduce_scatter; }

Route route_of(const std::vector<Crossing>& crossings, const CollectiveRequest& request) {
  if (request.op == Collective::point_to_point) return detail::point_to_point(crossings, request.bytes, request.units_apart);
  if (request.op == Collective::all_to_all) return detail::all_to_all(crossings, request);
  if (crossings.size() > 1 && request.algorithm == Algorithm::ring) return detail::flat_ring(crossings, request.op, request.bytes);
  const auto rotating = moves_parts(request.op) ? detail::levels_to_rotate(crossings) : 0;
  if (rotating > 0 && request.algorithm == Algorithm::rotated) return detail::rotated(crossings, request.op, request.bytes);
  Route best = detail::hierarchical(crossings, request.op, request.bytes, request.algorithm);
  if (rotating > 0 && request.algorithm == Algorithm::automatic && std::all_of(crossings.begin(), crossings.begin() + static_cast<std::ptrdiff_t>(rotating), [](const Crossing& c) { return c.link.rotates; })) {
    Route route = detail::rotated(crossings, request.op, request.bytes);
    if (route.time < best.time) best = std::move(route);
  }
  if (crossings.size() > 1 && request.algorithm == Algorithm::automatic && rings_in_library(crossings, request.op)) {
    Route ring = detail::flat_ring(crossings, request.op, request.bytes);
    if (ring.time < best.time) best = std::move(ring);
  }
  return best;
}

// The crossings that the route's stages belong to: a message between two ranks uses the outermost only.
std::vector<Crossing> stages_of(std::vector<Crossing> crossings, const Route& route) {
  crossings.erase(crossings.begin(), crossings.end() - static_cast<std::ptrdiff_t>(route.stages.size()));
  return crossings;
}

std::string algorithm_text(const std::vector<Crossing>& crossings, const Route& route) {
  if (route.name != "hierarchical" && route.name != "rotated") return std::string(route.name);
  std::string text = fmt::format("{}:", route.name);
  for (std::size_t i = 0; i < crossings.size(); ++i)
    text += fmt::format("{} {} on {}", i == 0 ? "" : ",", name_of(route.stages[i].algorithm), crossings[i].link.level->name);
  return text;
}

// "t = launch + ...; launch = 5 us; board: a + M (f-1)/(f B), f = 8, M = 3 MB, a = 0.7 us, B = 300 GB/s; ..."
std::string formula_text(const std::vector<Crossing>& crossings, const Route& route, const CollectiveRequest& request) {
  std::string text = fmt::format("t = {}; launch = {}", route.combination, units::human(detail::launch_of(crossings)));
  if (route.chunks > 1) text += fmt::format("; chunks = {}", route.chunks);
  for (std::size_t i = 0; i < crossings.size(); ++i) {
    const auto& stage = route.stages[i];
    const auto& link = crossings[i].link;
    const auto formula = route.stage_formula.empty() ? detail::formula_of(stage.algorithm, request.op) : route.stage_formula;
    text += fmt::format("; {}: {}, f = {}, g = {}: latency {}, {} through one chip, B = {} achieved of {}", link.level->name, formula,
                        link.fanout, crossings[i].members_below, units::human(stage.latency), units::human(stage.bytes),
                        units::human(stage.bandwidth), units::human(stage.datasheet));
  }
  return text;
}

CollectiveTime answer(const std::vector<Crossing>& all, const Route& route, const CollectiveRequest& request) {
  const auto crossings = stages_of(all, route);
  CollectiveTime result;
  result.time = units::Picoseconds::from(route.time);
  result.latency = route.latency;
  result.algorithm = algorithm_text(crossings, route);
  result.formula = formula_text(crossings, route, request);
  const double chunks = static_cast<double>(route.chunks);
  for (std::size_t i = 0; i < crossings.size(); ++i) {
    const auto& stage = route.stages[i];
    result.levels.push_back({crossings[i].link.level->name, name_of(stage.algorithm), chunks * stage.bytes, stage.bandwidth,
                             chunks * stage.latency, chunks * stage.time()});
  }
  return result;
}

}  // namespace

std::string_view name_of(Collective op) {
  switch (op) {
    case Collective::all_reduce: return "all-reduce";
    case Collective::all_gather: return "all-gather";
    case Collective::reduce_scatter: return "reduce-scatter";
    case Collective::all_to_all: return "all-to-all";
    case Collective::broadcast: return "broadcast";
    case Collective::point_to_point: return "point-to-point";
  }
  return "?";
}

std::string_view name_of(Algorithm algorithm) {
  switch (algorithm) {
    case Algorithm::automatic: return "automatic";
    case Algorithm::ring: return "ring";
    case Algorithm::tree: return "tree";
    case Algorithm::halving_doubling: return "halving_doubling";
    case Algorithm::direct: return "direct";
    case Algorithm::bruck: return "bruck";
    case Algorithm::hierarchical: return "hierarchical";
    case Algorithm::in_network: return "in_network";
    case Algorithm::rotated: return "rotated";
  }
  return "?";
}

std::vector<units::Bytes> bytes_between(const CollectiveRequest& request) {
  std::vector<units::Bytes> bytes(request.spread.fanout.size());
  for (std::size_t l = 0; l < bytes.size(); ++l) {
    const auto peers = request.spread.members_below(l + 1) - request.spread.members_below(l);
    if (request.bytes_across_level.empty()) bytes[l] = request.bytes / static_cast<double>(request.spread.size());
    else if (peers > 0) bytes[l] = request.bytes_across_level[l] / static_cast<double>(peers);
  }
  return bytes;
}

CollectiveTime collective_time(const topology::Fabric& fabric, const CollectiveRequest& request) {
  expect_valid(fabric, request);
  const auto crossings = detail::crossings_of(fabric, request.spread);
  if (crossings.empty()) return {{}, {}, "none", {}, "a group of one does not communicate"};
  return answer(crossings, route_of(crossings, request), request);
}

units::Picoseconds collective_duration(const topology::Fabric& fabric, const CollectiveRequest& request) {
  expect_valid(fabric, request);
  const auto crossings = detail::crossings_of(fabric, request.spread);
  return crossings.empty() ? units::Picoseconds{} : units::Picoseconds::from(route_of(crossings, request).time);
}

std::size_t port_level(const hardware::Machine& machine, std::size_t level) {
  while (level > 0 && machine.levels[level].shares_ports && machine.levels[level - 1].network.kind != hardware::NetworkKind::full_mesh) --level;
  return level;
}

CollectiveLoad collective_load(const topology::Fabric& fabric, const CollectiveRequest& request) {
  expect_valid(fabric, request);
  const auto crossings = detail::crossings_of(fabric, request.spread);
  CollectiveLoad load{.time = {}, .busy = std::vector<units::Seconds>(fabric.machine->levels.size())};
  if (crossings.empty()) return load;
  const auto route = route_of(crossings, request);
  load.time = units::Picoseconds::from(route.time);
  const auto unused = crossings.size() - route.stages.size();  // a message between two ranks uses the outermost only
  for (std::size_t i = 0; i < route.stages.size(); ++i) {
    const auto& stage = route.stages[i];
    if (stage.bytes.si() > 0) load.busy[port_level(*fabric.machine, crossings[unused + i].level)] += static_cast<double>(route.chunks) * (stage.bytes / stage.bandwidth);
  }
  return load;
}

CollectiveStages collective_stages(const topology::Fabric& fabric, const CollectiveRequest& request) {
  expect_valid(fabric, request);
  const auto all = detail::crossings_of(fabric, request.spread);
  CollectiveStages result;
  if (all.empty()) return result;
  const auto route = route_of(all, request);
  const auto crossings = stages_of(all, route);
  result = {.stages = {}, .chunks = route.chunks, .at_once = route.at_once, .latency = route.latency, .launch = detail::launch_of(crossings), .algorithm = algorithm_text(crossings, route)};
  for (const auto& [crossing, number, stage] : route.steps)
    result.stages.push_back({crossings[crossing].level, stage.algorithm, stage.bytes, stage.bandwidth, stage.datasheet, stage.latency, number});
  if (!result.stages.empty()) return result;
  std::vector<units::Seconds> latencies;
  for (std::size_t i = 0; i < crossings.size(); ++i) {
    const auto& stage = route.stages[i];
    // The latencies of a ring's levels follow one another: they are part of the whole.
    const bool in_ring = route.at_once && request.op != Collective::all_to_all;
    latencies.push_back(in_ring ? units::Seconds{} : stage.latency);
    result.stages.push_back({crossings[i].level, stage.algorithm, stage.bytes, stage.bandwidth, stage.datasheet, latencies.back(), route.at_once ? 0 : i});
  }
  if (!route.at_once) return result;
  result.latency = route.latency - detail::busiest(crossings, latencies);
  // Messages of levels that share ports are posted one after the other: none of these levels is done before all are.
  for (std::size_t first = 0, end = 0; first < crossings.size(); first = end) {
    units::Seconds sum = latencies[first];
    for (end = first + 1; end < crossings.size() && crossings[end].link.level->shares_ports && crossings[end].level == crossings[end - 1].level + 1; ++end) sum += latencies[end];
    for (std::size_t i = first; i < end; ++i) result.stages[i].latency = sum;
  }
  return result;
}

}  // namespace zettatwin::network
