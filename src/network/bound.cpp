// SPDX-License-Identifier: Apache-2.0
// Lower bounds. A unit with g members must send (or receive) w bytes to members outside; its chips' ports towards the levels from
// there up to the outermost that the group crosses (crossed or not: a detour may use them) carry at most g * sum B per second. The
// bound is the largest such quotient.
// w: all-reduce 2 M (U-1)/U for U such units (half of it if switches may add up), all-gather and reduce-scatter M (U-1)/U,
// broadcast and point-to-point M, all-to-all what is exchanged.
#include <algorithm>
#include <numeric>

#include "network/collective.hpp"
#include "network/detail/route.hpp"

namespace zettatwin::network {
namespace {

using detail::Crossing;

// Bytes that must leave the units below crossing i, per member inside one.
units::Bytes leaving(const std::vector<Crossing>& crossings, std::size_t i, const CollectiveRequest& request, bool switches_reduce) {
  const double g = static_cast<double>(crossings[i].members_below);
  const double units = static_cast<double>(request.spread.size()) / g;
  const double share = (units - 1) / units / g;
  switch (request.op) {
    case Collective::all_reduce: return ((switches_reduce ? 1 : 2) * share) * request.bytes;
    case Collective::all_gather:
    case Collective::reduce_scatter: return share * request.bytes;
    case Collective::broadcast: return request.bytes / g;
    case Collective::point_to_point: return i == 0 ? request.bytes : units::Bytes{};
    case Collective::all_to_all: {
      const auto bytes = detail::exchanged(crossings, request);
      return std::accumulate(bytes.begin() + static_cast<std::ptrdiff_t>(i), bytes.end(), units::Bytes{});
    }
  }
  return {};
}

}  // namespace

units::Picoseconds collective_bound(const topology::Fabric& fabric, const CollectiveRequest& request) {
  const auto crossings = detail::crossings_of(fabric, request.spread);
  const bool switches_reduce =
      std::any_of(crossings.begin(), crossings.end(), [](const Crossing& c) { return c.link.level->network.in_network_reduction; });
  units::Seconds bound;
  for (std::size_t i = 0; i < crossings.size(); ++i)
    bound = std::max(bound, leaving(crossings, i, request, switches_reduce) / detail::ports_of(*fabric.machine, crossings[i].level, crossings.back().level));
  return units::Picoseconds::from(bound);
}

}  // namespace zettatwin::network
