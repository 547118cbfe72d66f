// SPDX-License-Identifier: Apache-2.0
#include "inference/exchange.hpp"

#include <algorithm>
#include <cmath>

#include "network/collective.hpp"

namespace zettatwin::inference {
namespace {

using topology::Fabric;
using topology::Spread;

template <class Q>
double value_or(const config::Figure<Q>& figure, double otherwise) {
  return figure.present ? figure.si() : otherwise;
}

bool leaves_fabric(const Fabric& fabric, const Spread& spread) {
  const auto& levels = fabric.machine->levels;
  const auto outer = spread.outermost();
  return outer < levels.size() && levels[outer].scale_out;
}

double library(const Fabric& fabric, const Spread& spread, network::Collective op, double bytes) {
  return network::collective_duration(fabric, {.op = op, .bytes = units::Bytes::from_si(bytes), .spread = spread}).seconds().si();
}

// Bytes that leave a rank's unit of each level, when every copy travels on its own to a rank drawn evenly.
double crossing_alone(const Spread& spread, std::size_t level, const ExchangeRequest& request) {
  const auto size = static_cast<double>(spread.size());
  const auto inside = static_cast<double>(spread.members_below(level)), beyond = inside * static_cast<double>(spread.fanout[level]);
  return request.tokens * request.copies * request.bytes_per_copy * (beyond - inside) / size;
}

// One copy per unit that holds any of a token's experts: G (1 - (1 - 1/G)^k) units, its own left out.
double crossing_once(const Spread& spread, std::size_t level, const ExchangeRequest& request) {
  const auto units = static_cast<double>(spread.fanout[level]);
  const double reachable = request.reachable_units > 0 ? std::min(units, static_cast<double>(request.reachable_units)) : units;
  const double reached = reachable * (1 - std::pow(1 - 1 / reachable, request.copies));
  return std::min(request.tokens * reached * request.bytes_per_copy * (units - 1) / units, crossing_alone(spread, level, request));
}

enum class Mode { low_latency, bulk };

double launch_of(const hardware::LevelNetwork& top, double ranks, Mode mode) {
  const auto& s = top.serving;
  const double usual = top.launch.si() + top.latency.si();
  const double low = value_or(s.exchange_launch, usual);
  if (mode == Mode::bulk) return value_or(s.bulk_launch, low);
  return low + value_or(s.exchange_gap, value_or(top.message_gap, 0)) * ranks;
}

MessageTime exchange_in(const Fabric& fabric, const Spread& spread, const ExchangeRequest& request, Mode mode) {
  const auto& levels = fabric.machine->levels;
  const auto outer = spread.outermost();
  double longest = 0, shared = 0;
  for (std::size_t l = 0; l <= outer; ++l) {
    if (!levels[l].shares_ports) shared = 0;
    if (spread.fanout[l] <= 1) continue;
    const auto& own = levels[l].network;
    const double bytes = mode == Mode::bulk && levels[l].scale_out ? crossing_once(spread, l, request) : crossing_alone(spread, l, request);
    const double share = mode == Mode::bulk ? value_or(own.serving.bulk_share, own.efficiency.si()) : value_or(own.serving.exchange_share, own.efficiency.si());
    // Of a mesh only the links to units in use carry anything.
    const bool mesh = own.kind == hardware::NetworkKind::full_mesh;
    const double rate = mesh ? own.pair_bandwidth.si() * static_cast<double>(spread.fanout[l] - 1) : levels[l].port_bandwidth().si();
    shared += bytes / (rate * share);
    longest = std::max(longest, shared);
  }
  const double launch = launch_of(levels[outer].network, static_cast<double>(spread.size()), mode);
  return {launch + longest, launch, mode == Mode::bulk ? "high-throughput kernels" : "low-latency kernels", levels[outer].scale_out, mode == Mode::bulk};
}

// The one-kernel form inside one level, if the machine has figures of it.
const hardware::Level* own_kernels(const Fabric& fabric, const Spread& spread) {
  const auto outer = spread.outermost();
  const auto& level = fabric.machine->levels[outer];
  return level.network.serving.reduce_launch.present && spread.members_below(outer) == 1 ? &level : nullptr;
}

}  // namespace

MessageTime all_reduce(const Fabric& fabric, const Spread& spread, double bytes) {
  const auto n = static_cast<double>(spread.size());
  if (n <= 1 || bytes <= 0) return {};
  MessageTime best{.seconds = library(fabric, spread, network::Collective::all_reduce, bytes), .how = "collective library", .scale_out = leaves_fabric(fabric, spread)};
  const auto* level = own_kernels(fabric, spread);
  if (!level) return best;
  constexpr double kTwoShots = 1.5;  // launches
  const auto& s = level->network.serving;
  const double rate = level->port_bandwidth().si() * value_or(s.reduce_share, level->network.efficiency.si());
  const double launch = s.reduce_launch.si();
  const double one = launch + (n - 1) * bytes / rate, two = kTwoShots * launch + 2 * (n - 1) / n * bytes / rate;
  if (one <= two && one < best.seconds) best = {one, launch, "one-shot kernel", level->scale_out};
  if (two < one && two < best.seconds) best = {two, kTwoShots * launch, "two-shot kernel", level->scale_out};
  return best;
}

MessageTime exchange(const Fabric& fabric, const Spread& spread, const ExchangeRequest& request) {
  if (spread.size() <= 1 || request.tokens <= 0) return {};
  const auto low = exchange_in(fabric, spread, request, Mode::low_latency), high = exchange_in(fabric, spread, request, Mode::bulk);
  return low.seconds <= high.seconds ? low : high;
}

MessageTime gather(const Fabric& fabric, const Spread& spread, double bytes, bool reduce) {
  if (spread.size() <= 1 || bytes <= 0) return {};
  const auto op = reduce ? network::Collective::reduce_scatter : network::Collective::all_gather;
  return {.seconds = library(fabric, spread, op, bytes), .how = "collective library", .scale_out = leaves_fabric(fabric, spread)};
}

MessageTime send(const Fabric& fabric, const Spread& spread, double bytes) {
  if (spread.size() <= 1) return {};
  return {.seconds = library(fabric, spread, network::Collective::point_to_point, bytes), .how = "point to point", .scale_out = leaves_fabric(fabric, spread)};
}

}  // namespace zettatwin::inference
