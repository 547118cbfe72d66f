// SPDX-License-Identifier: Apache-2.0
// What faults leave of links.
#pragma once

#include <span>

#include "network/stages.hpp"
#include "traffic/detail/lattice.hpp"
#include "traffic/detail/link.hpp"
#include "traffic/detail/number.hpp"

namespace zettatwin::traffic::detail {

template <class Number>
class Health final {
 public:
  Health(const Lattice& lattice, std::span<const Fault> faults) : lattice_(lattice), faults_(faults) {}

  // 1: healthy, 0: dead.
  [[nodiscard]] Number remaining(const LinkId& link) const {
    Number remaining(1);
    for (const auto& fault : faults_)
      if (hits(fault, link)) remaining = remaining * left_of(fault, link);
    return remaining;
  }

 private:
  [[nodiscard]] bool at(const fold::Position& position, const Place& place, std::size_t first_level) const {
    for (std::size_t l = first_level; l < place.coordinate.size(); ++l)
      if (place.coordinate[l] != Place::kEvery && place.coordinate[l] != lattice_.coordinate(position, l)) return false;
    return true;
  }

  // The link that joins the place and its peer, in either direction.
  [[nodiscard]] bool joins(const Place& place, const LinkId& link) const {
    Place other = place;
    other.coordinate[link.level] = *place.peer;
    const auto& [from, to] = link.element;
    return (at(from, place, 0) && at(to, other, 0)) || (at(from, other, 0) && at(to, place, 0));
  }

  [[nodiscard]] bool hits(const Fault& fault, const LinkId& link) const {
    const Place& place = fault.place;
    if (fault.kind == FaultKind::slow_hbm) return link.kind == LinkKind::memory && at(link.element.source, place, 0);
    if (!place.port || link.kind == LinkKind::memory) return false;
    const auto& machine = *lattice_.fabric->machine;
    const bool port = is_port(link.kind);
    if ((port ? network::port_level(machine, *place.port) : *place.port) != link.level) return false;
    switch (fault.kind) {
      case FaultKind::dead_switch:
      case FaultKind::dead_plane:  // every port and uplink of its unit
        if (port && !chip_has_plane(machine.levels[*place.port].network, lattice_.coordinate(link.element.source, 0), *place.plane)) return false;
        return !is_cable(link.kind) && at(link.element.source, place, *place.port + 1);
      case FaultKind::slow_link:
      case FaultKind::dead_link:
        if (port) return at(link.element.source, place, 0);
        return is_cable(link.kind) && place.peer && joins(place, link);
      default: return false;
    }
  }

  // A fault of one plane takes that plane's part of a port; of a torus that counts as ports, the broken link's part.
  [[nodiscard]] Number left_of(const Fault& fault, const LinkId& link) const {
    const Number remaining = Numbers<Number>::of(fault.remaining);
    if (fault.kind == FaultKind::slow_hbm) return remaining;
    const auto& network = lattice_.fabric->machine->levels[*fault.place.port].network;
    std::int64_t parts = 1;
    if (fault.place.plane) parts = is_port(link.kind) ? planes_of_chip(network) : network.planes;
    else if (fault.place.peer && is_port(link.kind)) parts = links_of_chip(network);
    return Number(1) - (Number(1) - remaining) / Number(parts);
  }

  const Lattice& lattice_;
  std::span<const Fault> faults_;
};

}  // namespace zettatwin::traffic::detail
