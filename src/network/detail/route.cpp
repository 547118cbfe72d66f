// SPDX-License-Identifier: Apache-2.0
#include "network/detail/route.hpp"

#include <algorithm>

#include "base/contract.hpp"

namespace zettatwin::network::detail {
namespace {

constexpr std::int64_t kChunksMax = 64;

std::int64_t members_of(const Crossing& crossing) { return crossing.members_below * crossing.link.fanout; }

Route in_chunks(const std::vector<Crossing>& crossings, Collective op, units::Bytes message, Algorithm forced, std::int64_t chunks) {
  Route route{.name = "hierarchical", .chunks = chunks};
  units::Seconds sum;
  std::vector<units::Seconds> times, latencies;
  route.stages.reserve(crossings.size());
  times.reserve(crossings.size());
  latencies.reserve(crossings.size());
  for (const auto& crossing : crossings) {
    const units::Bytes part = message / static_cast<double>(chunks * crossing.members_below);
    const Stage stage = best_stage(forced, op, crossing.link, part);
    sum += stage.time();
    route.latency += stage.latency;
    times.push_back(stage.time());
    latencies.push_back(stage.latency);
    route.stages.push_back(stage);
  }
  const double more = static_cast<double>(chunks - 1);
  const units::Seconds launch = launch_of(crossings);
  route.latency += launch + more * busiest(crossings, latencies);
  route.time = launch + sum + more * busiest(crossings, times);
  return route;
}

// A message to the chip `apart` further on, dimension after dimension, the short way round: hops of the worst-placed pair (one more where the dimension
// before wraps), and messages on the busiest link when every chip sends as far; opposite chips send half each way.
struct Shift {
  double hops = 0;
  double load = 0;
};

Shift shift_on(const std::vector<std::int64_t>& torus, std::int64_t apart) {
  Shift shift;
  bool carries = false;
  for (const std::int64_t extent : torus) {
    const auto digit = apart % extent, way = std::min(digit, extent - digit), wrapped = (digit + 1) % extent;
    apart /= extent;
    shift.hops += static_cast<double>(carries ? std::max(way, std::min(wrapped, extent - wrapped)) : way);
    shift.load = std::max(shift.load, static_cast<double>(way) / (2 * way == extent && extent > 2 ? 2 : 1));
    carries |= digit > 0;
  }
  return {std::max(1.0, shift.hops), std::max(1.0, shift.load)};
}

}  // namespace

Route flat_ring(const std::vector<Crossing>& crossings, Collective op, units::Bytes message) {
  Route route{.name = "ring", .combination = "launch + sum of latencies + max over levels of bytes/B"};
  route.at_once = true;
  route.stage_formula = op == Collective::all_reduce ? "2 (n/g - n/(g f)) a, 2 M (n-1)/(n g)"
                        : op == Collective::broadcast ? "(n/g - n/(g f)) a, M/g"
                                                      : "(n/g - n/(g f)) a, M (n-1)/(n g)";
  const std::int64_t n = members_of(crossings.back());
  const double wire = op == Collective::broadcast ? 1.0 : passes(op) * static_cast<double>(n - 1) / static_cast<double>(n);
  route.latency = launch_of(crossings);
  std::vector<units::Seconds> times;
  for (const auto& crossing : crossings) {
    const std::int64_t hops = n / crossing.members_below - n / members_of(crossing);  // whole: each divides n
    const double steps = passes(op) * static_cast<double>(hops);
    const units::Bytes bytes = (wire / static_cast<double>(crossing.members_below)) * message;
    const Stage stage{Algorithm::ring, steps * crossing.link.latency(), bytes, achieved(crossing.link, crossing.link.bandwidth, bytes),
                      crossing.link.bandwidth};
    route.latency += stage.latency;
    times.push_back(stage.time() - stage.latency);
    route.stages.push_back(stage);
  }
  route.time = route.latency + busiest(crossings, times);
  return route;
}

Route hierarchical(const std::vector<Crossing>& crossings, Collective op, units::Bytes message, Algorithm forced) {
  Route best = in_chunks(crossings, op, message, forced, 1);
  if (crossings.size() == 1) {
    best.name = name_of(best.stages[0].algorithm);
    best.combination = "launch + latency + bytes/B";
    return best;
  }
  for (std::int64_t chunks = 2; chunks <= kChunksMax; chunks *= 2) {
    Route route = in_chunks(crossings, op, message, forced, chunks);
    if (route.time < best.time) best = std::move(route);
  }
  best.combination = "launch + sum over levels of t + (chunks - 1) max over levels of t, t of one chunk";
  return best;
}

std::vector<units::Bytes> exchanged(const std::vector<Crossing>& crossings, const CollectiveRequest& request) {
  std::vector<units::Bytes> bytes;
  const double n = static_cast<double>(members_of(crossings.back()));
  for (const auto& crossing : crossings) {
    const double peers = static_cast<double>(members_of(crossing) - crossing.members_below);
    if (request.bytes_across_level.empty()) bytes.push_back((peers / n) * request.bytes);
    else bytes.push_back(request.bytes_across_level[crossing.level]);
  }
  return bytes;
}

Route all_to_all(const std::vector<Crossing>& crossings, const CollectiveRequest& request) {
  if (crossings.size() == 1 && request.bytes_across_level.empty())
    return hierarchical(crossings, request.op, request.bytes, request.algorithm);
  Route route{.name = "direct", .combination = "launch + latencies of relays + max over levels of (latency + bytes/B)"};
  route.at_once = true;
  route.stage_formula = "a + (peers - 1) gap + (bytes to peers + relayed)/B";
  const auto own = exchanged(crossings, request);
  const units::Seconds launch = launch_of(crossings);
  units::Bytes relayed;  // that outer meshes want moved to another position first
  units::Seconds relay_latency;
  std::vector<units::Seconds> times(crossings.size()), latencies(crossings.size());
  for (std::size_t i = crossings.size(); i > 0; --i) {
    const Crossing& crossing = crossings[i - 1];
    const auto& network = crossing.link.level->network;
    const double f = static_cast<double>(crossing.link.fanout);
    const units::Bytes bytes = own[i - 1] + ((f - 1) / f) * relayed;
    const double peers = static_cast<double>(members_of(crossing) - crossing.members_below);
    const double hops = network.kind == hardware::NetworkKind::torus ? static_cast<double>(crossing.link.ring_steps) : 1;  // to the farthest
    const Stage stage{Algorithm::direct, hops * crossing.link.latency() + (peers - 1) * network.message_gap.value, bytes,
                      achieved(crossing.link, crossing.link.all_to_all_bandwidth, bytes), crossing.link.all_to_all_bandwidth};
    if (relayed.si() > 0) relay_latency += crossing.link.latency();
    if (network.kind == hardware::NetworkKind::full_mesh || network.kind == hardware::NetworkKind::torus) relayed += own[i - 1];
    times[i - 1] = stage.time();
    latencies[i - 1] = stage.latency;
    route.stages.insert(route.stages.begin(), stage);
  }
  route.latency = launch + relay_latency + busiest(crossings, latencies);
  route.time = launch + relay_latency + busiest(crossings, times);
  return route;
}

Route point_to_point(const std::vector<Crossing>& crossings, units::Bytes message, std::int64_t units_apart) {
  auto outermost = crossings.back();
  const auto& network = outermost.link.level->network;
  const Shift shift = network.kind == hardware::NetworkKind::torus && units_apart > 1 ? shift_on(network.torus, units_apart) : Shift{1, 1};
  outermost.link.stream_bandwidth = outermost.link.stream_bandwidth / shift.load;
  Stage stage = best_stage(Algorithm::direct, Collective::point_to_point, outermost.link, message);
  stage.latency *= shift.hops;
  const units::Seconds launch = network.launch.value;
  return {.name = "direct", .stages = {stage}, .latency = launch + stage.latency, .time = launch + stage.time(), .combination = "launch + latency + bytes/B"};
}

}  // namespace zettatwin::network::detail
