// SPDX-License-Identifier: Apache-2.0
// Ways through a graph: shortest in the sum of the links' costs.
//   spraying  every vertex splits a flow evenly over its links on shortest ways (packet spraying, ideal adaptive routing)
//   d_mod_k   one way, fixed by the destination's number d: the link (d / K) mod (number of links), K the product of the fan-outs on the tiers
//             below (Zahavi, "D-Mod-K routing providing non-blocking traffic for shift permutations on real life fat trees", 2010)
//   ecmp      one way per flow: a hash of source, destination, vertex and seed picks the link (RFC 2992); the seed stands for the addresses
//             and ports that real switches hash
//   first     one way: the first listed link, as tools without multipath do
// Dead links carry nothing, and ways lead round them. Vertices that do not relay only begin and end ways.
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <span>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "graph/graph.hpp"

namespace zettatwin::graph {

enum class Routing { spraying, d_mod_k, ecmp, first };
[[nodiscard]] std::string_view name_of(Routing routing);

struct Share {
  LinkId link = 0;
  double share = 1;  // of the flow's bytes
};

// Distances to one destination; unreachable ones are kFar.
inline constexpr std::int64_t kFar = std::int64_t{1} << 60;
using Distances = std::vector<std::int64_t>;  // per vertex
[[nodiscard]] Distances distances_to(const Graph& graph, Layers layers, std::span<const double> remaining, Vertex destination);
// The links out of `at` on shortest ways to that destination, in the order of the graph's cables.
void next_links(const Graph& graph, Layers layers, std::span<const double> remaining, const Distances& distance, Vertex at, Vertex destination, std::vector<LinkId>& next);

// Where a search for distances begins.
struct Begin {
  Vertex at = 0;
  std::int64_t distance = 0;
  friend auto operator<=>(const Begin&, const Begin&) = default;
};

// Distances are kept per set of relays in front of a destination's gate, the one relay that reaches it or itself: all endpoints of a leaf share them, and
// all leaves that hang at the same switches.
class Router final {
 public:
  // `remaining`: what faults leave of each link, 0 for dead ones; outlives the router, as the graph does.
  Router(const Graph& graph, std::span<const double> remaining, Routing routing, std::uint64_t seed = 0);

  // Appends the links of a flow of `share` of the bytes, in the order in which they are crossed. False if there is no way.
  // `number`: of the flow's destination, `source`: of its source, for the policies that choose one way.
  [[nodiscard]] bool append(Vertex from, Vertex to, Layers layers, double share, std::uint64_t source, std::uint64_t number, std::vector<Share>& way);
  // Shortest distance; kFar if there is no way.
  [[nodiscard]] std::int64_t distance(Vertex from, Vertex to, Layers layers);

 private:
  struct Way {
    Vertex to = 0, gate = 0;
    Layers layers = 0;
    std::int64_t rest = kFar;   // from the gate to the destination
    std::int64_t begin = kFar;  // from the first vertex to the gate
    const Distances* distance = nullptr;
  };
  [[nodiscard]] bool carries(LinkId link, Layers layers) const { return (graph_.layer_of(link) & layers) != 0 && remaining_[link] > 0; }
  [[nodiscard]] Vertex gate(Vertex destination, Layers layers) const;
  [[nodiscard]] const Distances& table(Vertex gate, Layers layers);
  [[nodiscard]] Way way_to(Vertex from, Vertex to, Layers layers);
  [[nodiscard]] std::int64_t distance(const Way& way, Vertex at) const;
  // The links that lead on, in the order of the graph's cables; until the next call.
  [[nodiscard]] std::span<const LinkId> next_of(const Way& way, Vertex at, Vertex from);
  void list_out_of(const Way& way, Vertex at, std::int64_t here);  // into next_
  void list_into(const Way& way, Vertex at);
  void spray(const Way& to, Vertex from, double share, std::vector<Share>& way);
  [[nodiscard]] std::size_t choice(std::size_t ways, Vertex at, std::uint64_t source, std::uint64_t number) const;
  void rank_tiers();

  const Graph& graph_;
  std::span<const double> remaining_;
  Routing routing_;
  std::uint64_t seed_;
  std::map<std::pair<Layers, std::vector<Begin>>, Distances> tables_;
  std::map<std::pair<Layers, Vertex>, const Distances*> table_of_;  // by gate
  std::vector<std::uint64_t> divisor_;  // per vertex, d_mod_k: K
  std::vector<LinkId> next_, listed_;
  std::map<Layers, std::unordered_map<std::uint64_t, std::pair<std::uint32_t, std::uint32_t>>> known_;  // by gate and vertex: where in listed_, how many
  std::vector<double> arrived_;         // per vertex, of the flow that is being sprayed
};

}  // namespace zettatwin::graph
