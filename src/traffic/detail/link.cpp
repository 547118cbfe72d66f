// SPDX-License-Identifier: Apache-2.0
#include "traffic/detail/link.hpp"

#include <utility>

namespace zettatwin::traffic::detail {

std::string_view name_of(LinkKind kind) {
  switch (kind) {
    case LinkKind::send_port: return "port, sending";
    case LinkKind::receive_port: return "port, receiving";
    case LinkKind::mesh_link: return "mesh link";
    case LinkKind::torus_link: return "torus link";
    case LinkKind::leaf_up: return "leaf uplinks";
    case LinkKind::leaf_down: return "leaf downlinks";
    case LinkKind::memory: return "memory";
  }
  return "?";
}

LinkOrbit orbit_of(const Lattice& lattice, const LinkId& link) {
  const Dimension* dimension = link.kind == LinkKind::torus_link ? &lattice.dimension_of(link.level, link.element) : nullptr;
  if (dimension == nullptr || !dimension->unordered) {
    auto orbit = fold::orbit_of(*lattice.space, link.element);
    return {{link.kind, link.level, std::move(orbit.representative)}, orbit.members};
  }
  const bool up = link.element.destination == *lattice.next(*dimension, link.element.source, 1);
  auto sender = fold::orbit_of(*lattice.space, {link.element.source, lattice.empty_position()});
  auto receiver = *lattice.next(*dimension, sender.representative.source, up ? 1 : -1);
  return {{link.kind, link.level, {std::move(sender.representative.source), std::move(receiver)}}, sender.members};
}

}  // namespace zettatwin::traffic::detail
