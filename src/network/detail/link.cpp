// SPDX-License-Identifier: Apache-2.0
#include "network/detail/link.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>

#include "base/contract.hpp"

namespace zettatwin::network::detail {
namespace {

// A group of `fanout` on a torus is taken to be a box that fills dimension after dimension. A dimension that it spans whole is a
// ring, others are lines. Collectives that pipeline use all ports: 2 per ring, 1 per line (its busiest direction).
// All-to-all: the middle link of a line of e carries floor(e/2) ceil(e/2) M / e, a link of a ring half of that.
void torus_link(const hardware::LevelNetwork& network, Link& link) {
  std::int64_t rest = link.fanout;
  double ports = 0;
  double load = 0;  // bytes over the busiest link, as a share of what one member sends
  const auto add = [&](std::int64_t extent, bool ring) {
    ports += ring ? 2 : 1;
    const std::int64_t crossing = extent * extent / 4;  // floor(e/2) ceil(e/2)
    load = std::max(load, static_cast<double>(crossing) / static_cast<double>(ring ? 2 * extent : extent));
    link.ring_steps += ring ? extent / 2 : extent - 1;
  };
  for (const std::int64_t size : network.torus) {
    const std::int64_t extent = std::gcd(rest, size);
    rest /= extent;
    if (extent > 1) add(extent, extent == size && size > 2);
  }
  if (rest > 1) add(rest, false);
  const auto pair = network.pair_bandwidth.value;
  const double share = 1.0 - 1.0 / static_cast<double>(link.fanout);
  link.bandwidth = ports * pair;
  link.stream_bandwidth = pair;
  link.all_to_all_bandwidth = (share / load) * pair;
}

std::uint32_t library_of(const std::vector<std::string>& names) {
  if (names.empty()) return ~0u;
  std::uint32_t bits = 0;
  for (const auto algorithm : {Algorithm::ring, Algorithm::tree, Algorithm::halving_doubling, Algorithm::direct, Algorithm::bruck})
    if (std::find(names.begin(), names.end(), name_of(algorithm)) != names.end()) bits |= 1u << static_cast<unsigned>(algorithm);
  return bits;
}

}  // namespace

Link link_of(const topology::Fabric& fabric, std::size_t l, std::int64_t fanout) {
  ZT_EXPECT(fanout > 1 && l < fabric.machine->levels.size(), std::to_string(l) + ", " + std::to_string(fanout));
  const hardware::Level& level = fabric.machine->levels[l];
  const hardware::LevelNetwork& network = level.network;
  Link link{&level, fanout};
  link.library = library_of(network.algorithms);
  link.rotates = std::find(network.algorithms.begin(), network.algorithms.end(), name_of(Algorithm::rotated)) != network.algorithms.end();
  link.ring_steps = fanout - 1;
  switch (network.kind) {
    case hardware::NetworkKind::full_mesh:
      link.stream_bandwidth = network.pair_bandwidth.value;
      link.bandwidth = static_cast<double>(fanout - 1) * link.stream_bandwidth;
      break;
    case hardware::NetworkKind::switched: link.bandwidth = link.stream_bandwidth = network.bandwidth.value; break;
    case hardware::NetworkKind::clos: {
      const bool in_leaf = network.units_per_leaf > 0 && fabric.used[l] <= network.units_per_leaf;
      const double over = in_leaf || !network.oversubscription.present ? 1.0 : std::max(1.0, network.oversubscription.si());
      link.bandwidth = link.stream_bandwidth = network.bandwidth.value / over;
      break;
    }
    case hardware::NetworkKind::torus:
      link.ring_steps = 0;
      torus_link(network, link);
      link.direct_bandwidth = link.bandwidth;
      return link;
    case hardware::NetworkKind::graph:
    case hardware::NetworkKind::dragonfly:
      ZT_EXPECT(network.rates.has_value(), level.name);
      link.bandwidth = network.rates->neighbours;
      link.stream_bandwidth = network.rates->stream;
      link.direct_bandwidth = link.all_to_all_bandwidth = network.rates->uniform;
      return link;
  }
  link.direct_bandwidth = link.all_to_all_bandwidth = link.bandwidth;
  return link;
}

units::BytesPerSecond achieved(units::BytesPerSecond datasheet, units::Ratio efficiency, units::Bytes half, units::Bytes bytes) {
  const double ramp = bytes.si() > 0 ? 1.0 + std::sqrt(half.si() / bytes.si()) : 1.0;
  return datasheet * (efficiency.si() / ramp);
}

units::BytesPerSecond achieved(const Link& link, units::BytesPerSecond datasheet, units::Bytes bytes) {
  const auto& network = link.level->network;
  return achieved(datasheet, network.efficiency.value, network.half_message.value, bytes);
}

std::vector<Crossing> crossings_of(const topology::Fabric& fabric, const topology::Spread& spread) {
  ZT_EXPECT(fabric.machine != nullptr && spread.fanout.size() == fabric.machine->levels.size(), std::to_string(spread.fanout.size()));
  std::vector<Crossing> crossings;
  for (std::size_t l = 0; l < spread.fanout.size(); ++l)
    if (spread.fanout[l] > 1) crossings.push_back({l, spread.members_below(l), link_of(fabric, l, spread.fanout[l])});
  return crossings;
}

units::Seconds busiest(const std::vector<Crossing>& crossings, const std::vector<units::Seconds>& times) {
  ZT_EXPECT(times.size() == crossings.size(), std::to_string(times.size()));
  units::Seconds most, group;
  for (std::size_t i = 0; i < crossings.size(); ++i) {
    const bool shared = i > 0 && crossings[i].link.level->shares_ports && crossings[i].level == crossings[i - 1].level + 1;
    group = shared ? group + times[i] : times[i];
    most = std::max(most, group);
  }
  return most;
}

units::BytesPerSecond ports_of(const hardware::Machine& machine, std::size_t first, std::size_t last) {
  units::BytesPerSecond sum, group;
  for (std::size_t l = first; l <= last; ++l) {
    const auto own = machine.levels[l].port_bandwidth();
    const auto before = l > first && machine.levels[l].shares_ports ? group : units::BytesPerSecond{};
    group = std::max(before, own);
    sum += group - before;
  }
  return sum;
}

units::Seconds launch_of(const std::vector<Crossing>& crossings) {
  units::Seconds launch;
  for (const auto& crossing : crossings) launch = std::max(launch, crossing.link.level->network.launch.value);
  return launch;
}

}  // namespace zettatwin::network::detail
