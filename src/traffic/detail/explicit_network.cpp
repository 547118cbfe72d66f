// SPDX-License-Identifier: Apache-2.0
#include "traffic/detail/explicit_network.hpp"

#include <fmt/format.h>

#include "base/contract.hpp"

namespace zettatwin::traffic::detail {

ExplicitNetwork::ExplicitNetwork(const topology::Fabric& fabric, std::span<const Fault> faults)
    : fabric_(fabric), machine_(fabric), remaining_(machine_.graph().links(), 1), memory_(static_cast<std::size_t>(fabric.ranks()), 1) {
  for (const auto& fault : faults) apply(fault);
}

std::string ExplicitNetwork::text_of(std::int64_t rank) const {
  std::string text;
  for (std::size_t l = fabric_.used.size(); l-- > 0;)
    if (fabric_.used[l] > 1) text += fmt::format("{}{}={}", text.empty() ? "" : "/", unit_word(*fabric_.machine, l), machine_.coordinate(rank, l));
  return text;
}

std::optional<std::int64_t> ExplicitNetwork::rank_at(const std::vector<std::int64_t>& coordinate) const {
  std::int64_t rank = 0, stride = 1;
  for (std::size_t l = 0; l < coordinate.size(); ++l) {
    if (coordinate[l] < 0 || coordinate[l] >= fabric_.used[l]) return std::nullopt;
    rank += coordinate[l] * stride;
    stride *= fabric_.used[l];
  }
  return rank;
}

// A cable has what is left in both directions.
void ExplicitNetwork::reduce(graph::LinkId link, double left) {
  remaining_[link] *= left;
  remaining_[link ^ 1u] *= left;
}

void ExplicitNetwork::apply_to_ports(const Fault& fault, std::int64_t rank) {
  const auto level = *fault.place.port;
  if (fabric_.used[level] < 2) return;
  const auto at = machine_.endpoint(level, rank);
  std::optional<graph::Vertex> other;
  if (fault.place.peer) {
    auto coordinate = fault.place.coordinate;
    coordinate[level] = *fault.place.peer;
    const auto peer = rank_at(coordinate);
    if (!peer) return;
    other = machine_.endpoint(level, *peer);
  }
  for (const auto l : graph().out(at)) {
    const auto to = graph().link(l).to;
    const auto& place = machine_.switch_place(to);
    if ((!other || to == *other) && (!fault.place.plane || !place || place->plane < 0 || place->plane == *fault.place.plane)) reduce(l, fault.remaining);
  }
}

void ExplicitNetwork::apply_to_plane(const Fault& fault) {
  const auto level = *fault.place.port;
  const auto in_place = [&](const topology::SwitchPlace& at) {
    const std::int64_t first = at.unit * fabric_.ranks_within(at.level);
    for (std::size_t l = level + 1; l < fault.place.coordinate.size(); ++l)
      if (fault.place.coordinate[l] != Place::kEvery && fault.place.coordinate[l] != machine_.coordinate(first, l)) return false;
    return at.level == level && at.plane == *fault.place.plane;
  };
  for (graph::LinkId l = 0; l < graph().links(); l += 2) {
    const auto& link = graph().link(l);
    const auto &a = machine_.switch_place(link.from), &b = machine_.switch_place(link.to);
    if ((a && in_place(*a)) || (b && in_place(*b))) reduce(l, 0);
  }
}

void ExplicitNetwork::apply_to_names(const Fault& fault) {
  const auto& [from, to] = fault.place.ends;
  for (graph::LinkId l = 0; l < graph().links(); ++l) {
    const auto& link = graph().link(l);
    if (graph().name(link.from) == from && (to.empty() || graph().name(link.to) == to)) reduce(l, fault.remaining);
  }
}

void ExplicitNetwork::apply(const Fault& fault) {
  if (!fault.place.ends.first.empty()) return apply_to_names(fault);
  const auto rank = rank_at(fault.place.coordinate);
  switch (fault.kind) {
    case FaultKind::slow_link:
    case FaultKind::dead_link:
      if (rank) apply_to_ports(fault, *rank);
      break;
    case FaultKind::dead_switch:
    case FaultKind::dead_plane: apply_to_plane(fault); break;
    case FaultKind::slow_hbm:
      if (rank) memory_[static_cast<std::size_t>(*rank)] *= fault.remaining;
      break;
    case FaultKind::slow_chip:
    case FaultKind::dead_chip: break;
  }
}

}  // namespace zettatwin::traffic::detail
