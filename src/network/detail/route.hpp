// SPDX-License-Identifier: Apache-2.0
// One collective over several levels: the stages on each level and how their times combine.
#pragma once

#include <string_view>
#include <vector>

#include "network/detail/stage.hpp"

namespace zettatwin::network::detail {

// What one crossing does in one step of a route whose steps use several crossings at once.
struct Step {
  std::size_t crossing = 0;
  std::size_t number = 0;
  Stage stage;
};

struct Route {
  std::string_view name;      // "ring", "hierarchical"
  std::vector<Stage> stages;  // one per crossing, of one chunk
  std::int64_t chunks = 1;
  units::Seconds latency;     // what does not depend on bytes
  units::Seconds time;
  std::string_view combination;    // formula of time in terms of the stages
  std::string_view stage_formula;  // of each level, where it is not the algorithm's own
  std::vector<Step> steps;         // by number; empty: one after the other, each crossing's stage is one
  bool at_once = false;            // levels overlap instead of following one another
};

// One ring through all members, level by level: each border between two units is crossed once per ring, and as many rings run
// as a unit has members, so that level l carries 1/g of the bytes per chip, g members inside one unit below it.
[[nodiscard]] Route flat_ring(const std::vector<Crossing>& crossings, Collective op, units::Bytes message);

// Reduce-scatter from the inside out, then all-gather back: level l handles M/g. Chunks are pipelined through the levels.
[[nodiscard]] Route hierarchical(const std::vector<Crossing>& crossings, Collective op, units::Bytes message, Algorithm forced);

// Levels from the innermost on that are meshes or tori, if there are several; else 0.
[[nodiscard]] std::size_t levels_to_rotate(const std::vector<Crossing>& crossings);
// One part of the buffer begins on each of these levels (rotated.cpp).
[[nodiscard]] Route rotated(const std::vector<Crossing>& crossings, Collective op, units::Bytes message);

// Pairwise exchange: all levels at once. Meshes and tori join chips of the same position, so that bytes for other positions are
// first moved on the levels inside.
[[nodiscard]] Route all_to_all(const std::vector<Crossing>& crossings, const CollectiveRequest& request);

[[nodiscard]] Route point_to_point(const std::vector<Crossing>& crossings, units::Bytes message, std::int64_t units_apart);

// Bytes that one rank sends to members whose innermost common unit is of each crossed level: as requested, or uniform.
[[nodiscard]] std::vector<units::Bytes> exchanged(const std::vector<Crossing>& crossings, const CollectiveRequest& request);

}  // namespace zettatwin::network::detail
