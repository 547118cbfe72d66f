// SPDX-License-Identifier: Apache-2.0
// Collective times on the levels of a machine, when all groups of a dimension run the same collective at once (which is what a
// symmetric job does): closed forms per level and algorithm, cheapest algorithm chosen unless forced.
// Model: a level moves w bytes through one chip's ports in latency + w (1 + sqrt(half_message / w)) / (bandwidth * efficiency);
// docs/math/collectives.md derives the forms and shows the fit. Assumptions: groups are disjoint and alike, no other traffic
// shares their links; a full mesh uses only the direct links between members; oversubscription applies to every group of a level
// that is larger than one leaf. Constant work per level; thread-safe.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "topology/fabric.hpp"
#include "units/picoseconds.hpp"

namespace zettatwin::network {

enum class Collective { all_reduce, all_gather, reduce_scatter, all_to_all, broadcast, point_to_point };
enum class Algorithm { automatic, ring, tree, halving_doubling, direct, bruck, hierarchical, in_network, rotated };

// What `bytes` means is nccl-tests' definition: all_reduce, broadcast and point_to_point: the buffer; all_gather: the gathered
// result; reduce_scatter: the buffer before reduction; all_to_all: what one rank sends, its own part included.
struct CollectiveRequest {
  Collective op = Collective::all_reduce;
  units::Bytes bytes;
  topology::Spread spread;
  Algorithm algorithm = Algorithm::automatic;
  // Point-to-point only: how far apart the two are, in units of the level that they cross (topology::units_apart). All send as far at once, on a torus
  // over several hops.
  std::int64_t units_apart = 1;
  // All-to-all only: bytes that one rank sends to other units at each level, when they are fewer than the uniform pattern's because
  // copies for several ranks of one unit travel once (expert dispatch with deduplication). Empty: uniform.
  std::vector<units::Bytes> bytes_across_level;
};

// All-to-all: from one member to another, by the outermost level on which they differ.
[[nodiscard]] std::vector<units::Bytes> bytes_between(const CollectiveRequest& request);

struct LevelTerm {
  std::string_view level;
  std::string_view algorithm;
  units::Bytes bytes;                // through one chip's ports at this level, one direction
  units::BytesPerSecond bandwidth;   // achieved
  units::Seconds latency;
  units::Seconds time;
};

struct CollectiveTime {
  units::Picoseconds time;
  units::Seconds latency;            // the part that does not depend on bytes
  std::string algorithm;             // "hierarchical: direct on board, ring on pod"
  std::vector<LevelTerm> levels;
  std::string formula;               // for explain
};

[[nodiscard]] CollectiveTime collective_time(const topology::Fabric& fabric, const CollectiveRequest& request);
// The time alone, without the words: several times faster, for searches.
[[nodiscard]] units::Picoseconds collective_duration(const topology::Fabric& fabric, const CollectiveRequest& request);
// A time no algorithm can beat: bandwidth terms of the best algorithm at datasheet bandwidth, no latency.
[[nodiscard]] units::Picoseconds collective_bound(const topology::Fabric& fabric, const CollectiveRequest& request);

[[nodiscard]] std::string_view name_of(Collective op);
[[nodiscard]] std::string_view name_of(Algorithm algorithm);

}  // namespace zettatwin::network
