// SPDX-License-Identifier: Apache-2.0
// An explicit network: endpoints and switches, joined by cables. A cable is two directed links of its bandwidth, with ids 2k and 2k + 1.
// Links belong to layers (the networks of a machine's levels): a route stays within the layers that it is asked for.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "units/quantity.hpp"

namespace zettatwin::graph {

using Vertex = std::uint32_t;
using LinkId = std::uint32_t;
using Layers = std::uint64_t;  // a set: bit l is layer l
inline constexpr std::size_t kLayersMax = 64;

struct Cable {
  Vertex a = 0;
  Vertex b = 0;
  units::BytesPerSecond bandwidth;  // of each direction; above zero
  units::Seconds latency;
  std::int64_t cost = 1;            // routes are shortest in the sum of costs, at least 1
  std::uint32_t kind = 0;           // index among kinds()
};

struct Link {
  Vertex from = 0;
  Vertex to = 0;
  units::BytesPerSecond bandwidth;
  units::Seconds latency;
  std::int64_t cost = 1;
  std::uint32_t kind = 0;
};

enum class Role {
  endpoint,  // begins and ends ways only
  relay,     // an endpoint of a network without switches: passes on what others send, too
  switching,
};

// A class of cables as people name it.
struct LinkKind {
  std::string name;  // "port", "uplink, tier 1"
  std::size_t layer = 0;
};

class Graph final {
 public:
  Vertex add_vertex(std::string name, Role role);
  // Named name0, name1 ...; returns the first, the others follow it.
  Vertex add_vertices(const std::string& name, std::int64_t count, Role role);
  std::uint32_t add_kind(LinkKind kind);
  // Cables of the same ends are parallel ones. Expects different ends.
  void add_cable(const Cable& cable, std::int64_t count = 1);

  [[nodiscard]] std::size_t vertices() const { return names_.size(); }
  [[nodiscard]] std::size_t links() const { return links_.size(); }
  [[nodiscard]] const std::string& name(Vertex v) const { return names_[v]; }
  [[nodiscard]] Role role(Vertex v) const { return roles_[v]; }
  [[nodiscard]] bool relays(Vertex v) const { return roles_[v] != Role::endpoint; }
  [[nodiscard]] const Link& link(LinkId l) const { return links_[l]; }
  [[nodiscard]] Layers layer_of(LinkId l) const { return Layers{1} << kinds_[links_[l].kind].layer; }
  [[nodiscard]] const LinkKind& kind_of(LinkId l) const { return kinds_[links_[l].kind]; }
  [[nodiscard]] std::span<const LinkKind> kinds() const { return kinds_; }
  // Links out of a vertex, in the order of their cables. The opposite direction of link l is l ^ 1.
  [[nodiscard]] std::span<const LinkId> out(Vertex v) const { return out_[v]; }
  // "leaf0 > spine1"
  [[nodiscard]] std::string text(LinkId l) const { return names_[links_[l].from] + " > " + names_[links_[l].to]; }

 private:
  std::vector<std::string> names_;
  std::vector<Role> roles_;
  std::vector<LinkKind> kinds_;
  std::vector<Link> links_;
  std::vector<std::vector<LinkId>> out_;
};

}  // namespace zettatwin::graph
