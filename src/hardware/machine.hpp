// SPDX-License-Identifier: Apache-2.0
// A machine: a chip repeated over nested levels (package, board, cabinet, pod, cluster), each with a network between its
// units. A chip here is the unit of a rank: for dual-die packages that run as two ranks, the die.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "config/figure.hpp"
#include "config/schema.hpp"
#include "hardware/chip.hpp"

namespace zettatwin::hardware {

// How the units of one level are joined. All bandwidths are per chip and per direction.
enum class NetworkKind {
  full_mesh,  // every chip has a direct link to its peer (same position) in each other unit: pair_bandwidth each
  switched,   // one switching domain: any chip to any other at `bandwidth`, one tier or several planes
  clos,       // fat tree of `tiers`, `bandwidth` per chip into the first tier, divided by `oversubscription` above it
  torus,      // ring per dimension, `pair_bandwidth` per chip to each of its two neighbours per dimension
};
[[nodiscard]] std::span<const config::Word> network_words();

struct LevelNetwork {
  NetworkKind kind = NetworkKind::switched;
  config::Figure<units::BytesPerSecond> pair_bandwidth;  // full_mesh, torus
  config::Figure<units::BytesPerSecond> bandwidth;       // switched, clos: per chip into this level
  config::Figure<units::Ratio> oversubscription;         // clos: 1 is full bisection
  std::int64_t planes = 1;
  std::int64_t tiers = 1;
  std::vector<std::int64_t> torus;                       // sizes per dimension
  config::Figure<units::Seconds> latency;                // one way, chip to chip across this level
  config::Figure<units::Ratio> efficiency;               // achieved share of bandwidth for long messages
  config::Figure<units::Bytes> half_message;             // bytes per peer at which half of that is reached
  config::Figure<units::Seconds> launch;                 // start of one collective kernel on this level
  bool in_network_reduction = false;                     // switches reduce (SHARP, NVLS)
  config::Figure<units::Ratio> reduction_efficiency;     // of in-network reduction, relative to bandwidth
};

struct Level {
  std::string name;         // "board"
  std::int64_t size = 1;    // units of the level below in one unit of this level
  LevelNetwork network;     // between them
};

// (Inventory, racks, power and memory tiers follow below; the machine's owner extends this file.)
struct Machine {
  std::string name;
  std::string title;
  std::string notes;
  std::string chip_name;
  Chip chip;
  std::vector<Level> levels;  // innermost first

  [[nodiscard]] std::int64_t chips() const {
    std::int64_t product = 1;
    for (const auto& level : levels) product *= level.size;
    return product;
  }
};

}  // namespace zettatwin::hardware
