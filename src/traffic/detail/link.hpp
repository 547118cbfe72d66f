// SPDX-License-Identifier: Apache-2.0
// One resource that flows share: a port, a link, a chip's memory.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "fold/relation.hpp"
#include "traffic/detail/lattice.hpp"

namespace zettatwin::traffic::detail {

enum class LinkKind { send_port, receive_port, mesh_link, torus_link, leaf_up, leaf_down, memory };
[[nodiscard]] std::string_view name_of(LinkKind kind);

struct LinkId {
  LinkKind kind = LinkKind::send_port;
  std::size_t level = 0;
  fold::Element element;  // ports, leaves: source only; mesh and torus links: from, to
  friend auto operator<=>(const LinkId&, const LinkId&) = default;
};

[[nodiscard]] inline bool is_port(LinkKind kind) { return kind == LinkKind::send_port || kind == LinkKind::receive_port; }
[[nodiscard]] inline bool is_leaf(LinkKind kind) { return kind == LinkKind::leaf_up || kind == LinkKind::leaf_down; }
// Between two chips, without a switch.
[[nodiscard]] inline bool is_cable(LinkKind kind) { return kind == LinkKind::mesh_link || kind == LinkKind::torus_link; }

// A class of links: its representative and how many they are. A link of an unordered dimension is known by the chip that sends and the direction.
struct LinkOrbit {
  LinkId representative;
  std::int64_t members = 0;
};
[[nodiscard]] LinkOrbit orbit_of(const Lattice& lattice, const LinkId& link);

// One byte of a flow puts `share` bytes on the link.
template <class Number>
struct Hop {
  LinkId link;
  Number share{1};
  std::size_t level = 0;  // whose network is used: its ports may be those of a level below
};

}  // namespace zettatwin::traffic::detail
