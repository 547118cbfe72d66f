// SPDX-License-Identifier: Apache-2.0
// Classes of links, and the way between two ranks over them.
// Every resource has capacity 1 (what is left of it after faults); loads are in seconds of the healthy link per byte, so that levels
// that share ports add up and efficiencies of different stages can differ. A port stands for all planes of its network (traffic is
// sprayed over those that work).
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string_view>
#include <vector>

#include "flow/simulation.hpp"
#include "network/stages.hpp"
#include "traffic/detail/lattice.hpp"

namespace zettatwin::traffic::detail {

enum class LinkKind { send_port, receive_port, mesh_link, leaf_up, leaf_down, memory };
[[nodiscard]] std::string_view name_of(LinkKind kind);

struct LinkId {
  LinkKind kind = LinkKind::send_port;
  std::size_t level = 0;
  fold::Element element;  // ports, leaves: source only; mesh links: from, to
  friend auto operator<=>(const LinkId&, const LinkId&) = default;
};

struct Hop {
  LinkId link;
  double share = 1;       // of the bytes
  std::size_t level = 0;  // whose network is used: its ports may be those of a level below
};

// What faults leave of links.
class Health final {
 public:
  Health(const Lattice& lattice, std::span<const Fault> faults) : lattice_(lattice), faults_(faults) {}
  // 1: healthy, 0: dead.
  [[nodiscard]] double remaining(const LinkId& link) const;

 private:
  [[nodiscard]] double left_by(const Fault& fault, const LinkId& link) const;
  [[nodiscard]] bool at(const fold::Position& position, const Place& place, std::size_t first_level) const;

  const Lattice& lattice_;
  std::span<const Fault> faults_;
};

// Dimension order in meshes (both orders of two mesh levels, half each), up and down through switches. A dead mesh link's share is spread
// over the detours by every other unit of its level whose two links work. False if a mesh link is dead and no detour is left.
[[nodiscard]] bool append_way(const Lattice& lattice, const Health& health, const fold::Position& from, const fold::Position& to, double share, std::vector<Hop>& way);
// One hop of a mesh link and, if it is dead, its detours.
[[nodiscard]] bool append_mesh_hop(const Lattice& lattice, const Health& health, std::size_t level, const fold::Position& from, const fold::Position& to, double share,
                                   std::vector<Hop>& way);

struct LinkClass {
  LinkId representative;
  std::int64_t members = 0;
  double remaining = 1;
};

// The classes of links that flows use, added as they are met. Ids are those of the flow program's resources.
class Links final {
 public:
  Links(const Lattice& lattice, const Health& health, flow::FlowProgram& program) : lattice_(lattice), health_(health), program_(program) {}
  [[nodiscard]] flow::ResourceId class_of(const LinkId& link);
  [[nodiscard]] const std::vector<LinkClass>& classes() const { return classes_; }

 private:
  const Lattice& lattice_;
  const Health& health_;
  flow::FlowProgram& program_;
  std::map<LinkId, flow::ResourceId> known_;
  std::vector<LinkClass> classes_;
};

}  // namespace zettatwin::traffic::detail
