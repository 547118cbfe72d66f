// SPDX-License-Identifier: Apache-2.0
// A machine's nested levels as one explicit graph with real switches: what routing on single cables needs, and an independent check of closed
// forms and classes.
// Model: a level's network has its own endpoints, one per chip (explicit networks: one per unit, whose chips share it).
//   full_mesh  a cable between equal positions of each two units
//   torus      rings of such cables, one layer per dimension
//   switched   one switch per plane of each unit of the level
//   clos       per plane leaves of `units_per_leaf` units (one if not given) below a fat tree; each leaf has its chips' ports over the
//              oversubscription as uplinks; further tiers do not narrow; switches of one size, so a pod has as many leaves as a leaf has uplinks.
//              Rails (fewer ports per chip than planes) have leaves per rail and meet above them
//   shared     a level that shares ports continues above the switches of the level below
//   graph, dragonfly  as listed
// A way between chips stays on the outermost level on which they differ; meshes and tori join equal positions, so inner coordinates are put
// right before (half of the bytes: behind, if the inner levels are meshes too), dimension after dimension.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "graph/graph.hpp"
#include "topology/fabric.hpp"

namespace zettatwin::topology {

// A part of a way on one level, to be routed over `layers`.
struct Leg {
  graph::Vertex from = 0;
  graph::Vertex to = 0;
  graph::Layers layers = 0;
  std::size_t level = 0;
  double share = 1;             // of the bytes
  std::uint64_t source = 0;     // numbers of the ends for routing: the chips' place in their unit of the level
  std::uint64_t destination = 0;
};

// Where a switch is: for faults that name planes and units.
struct SwitchPlace {
  std::size_t level = 0;
  std::int64_t unit = 0;        // which unit of the level
  std::int64_t plane = -1;      // -1: of several planes, or an explicit network
};

class MachineGraph final {
 public:
  // All chips that the fabric uses. Expects full units.
  explicit MachineGraph(const Fabric& fabric);

  [[nodiscard]] const graph::Graph& graph() const { return graph_; }
  // The parts of the way between two ranks.
  void append_legs(std::int64_t from, std::int64_t to, std::vector<Leg>& legs) const;
  // Where a rank's cables into the level begin.
  [[nodiscard]] graph::Vertex endpoint(std::size_t level, std::int64_t rank) const { return endpoints_[level][static_cast<std::size_t>(rank)]; }
  [[nodiscard]] graph::Layers layers(std::size_t level) const { return layers_[level]; }
  // Nothing for endpoints.
  [[nodiscard]] const std::optional<SwitchPlace>& switch_place(graph::Vertex v) const { return places_[v]; }
  [[nodiscard]] std::int64_t coordinate(std::int64_t rank, std::size_t level) const;
  [[nodiscard]] std::size_t level_of(graph::LinkId link) const { return level_of_layer_[graph_.kind_of(link).layer]; }

 private:
  using Planes = std::vector<std::vector<graph::Vertex>>;  // switches by plane
  struct Unit {                                            // of a level
    std::size_t level = 0;
    std::int64_t number = 0;  // among the level's units
    std::int64_t first_rank = 0;
  };
  std::size_t add_layer(std::size_t level);
  [[nodiscard]] std::vector<Unit> units_of(std::size_t level) const;
  [[nodiscard]] std::string prefix_of(const Unit& unit) const;
  [[nodiscard]] std::int64_t below(std::size_t level) const { return level > 0 ? fabric_.ranks_within(level - 1) : 1; }
  [[nodiscard]] const hardware::LevelNetwork& network(std::size_t level) const { return fabric_.machine->levels[level].network; }
  // The level in use below whose switches this level's network continues.
  [[nodiscard]] std::optional<std::size_t> shared_with(std::size_t level) const;
  [[nodiscard]] bool has_tiers(std::size_t level) const;
  void add_endpoints(std::size_t level, graph::Role role);
  void add_mesh(std::size_t level);
  void add_torus(std::size_t level);
  void add_switched(std::size_t level);
  [[nodiscard]] Planes leaves_of(const Unit& unit, std::uint32_t port_kind);
  [[nodiscard]] std::vector<graph::Vertex> tops_over(const Unit& unit, const std::vector<graph::Vertex>& leaves, double per_leaf, units::BytesPerSecond port_bandwidth, std::int64_t plane, std::size_t layer);
  void add_listed(std::size_t level);
  void place_switches(const Unit& unit, std::int64_t plane);
  void append_part(std::int64_t from, std::int64_t to, double share, std::vector<Leg>& legs) const;
  void append_hop(std::size_t level, std::int64_t from, std::int64_t to, double share, std::vector<Leg>& legs) const;
  void append_leg(std::size_t level, graph::Layers layers, std::int64_t from, std::int64_t to, double share, std::vector<Leg>& legs) const;

  Fabric fabric_;
  graph::Graph graph_;
  std::vector<std::vector<graph::Vertex>> endpoints_;  // per level, per rank
  std::vector<graph::Layers> layers_;                  // per level
  std::vector<std::size_t> first_layer_;               // per level
  std::vector<std::size_t> level_of_layer_;
  std::vector<std::vector<Planes>> tops_;              // per level, per unit: switches that reach all its chips
  std::vector<std::optional<SwitchPlace>> places_;     // per vertex; nothing for endpoints
};

// How many cables the graph would have, roughly: to refuse what is too large before it is built.
[[nodiscard]] double estimated_cables(const Fabric& fabric);

}  // namespace zettatwin::topology
