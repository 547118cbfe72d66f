// SPDX-License-Identifier: Apache-2.0
// Tiles of matrix kernels: how long the cores of a chip need for one step of a tile along the reduction.
// Model: a core works on one tile of C at a time; a step along k costs the largest of multiplying, fetching the operands from
// L2, and the latency of the loop. Tiles are spread over the cores; kernels balance the last wave, so waves are continuous
// but never less than one.
#pragma once

#include <algorithm>
#include <array>
#include <string_view>

#include "hardware/chip.hpp"

namespace zettatwin::compute::detail {

struct Tile {
  std::int64_t rows;
  std::int64_t columns;
  std::string_view text;
};

// Shapes that matrix libraries offer; small ones waste less of thin matrices, large ones reread operands less.
inline constexpr std::array kDenseTiles{Tile{64, 16, "tile 64x16"}, Tile{64, 64, "tile 64x64"}, Tile{128, 64, "tile 128x64"},
                                        Tile{128, 128, "tile 128x128"}, Tile{128, 256, "tile 128x256"}};
inline constexpr std::array kGroupedTiles{Tile{16, 128, "tile 16x128"}, Tile{32, 128, "tile 32x128"}, Tile{64, 128, "tile 64x128"},
                                          Tile{128, 128, "tile 128x128"}, Tile{128, 256, "tile 128x256"}};

// Rates of one core, in base units.
struct Core {
  double cores;      // of the chip
  double math;       // FLOP/s
  double feed;       // operand bytes/s from L2
  double step;       // s, least time of one step along k
  double width;      // bytes per element of the operands

  // Seconds of one step of `tile` along k.
  [[nodiscard]] double step_of(const Tile& tile) const {
    const auto rows = static_cast<double>(tile.rows), columns = static_cast<double>(tile.columns);
    return std::max({2 * rows * columns / math, (rows + columns) * width / feed, step});
  }
};

[[nodiscard]] inline Core core_of(const hardware::Chip& chip, const hardware::GemmEfficiency& gemm, hardware::Precision precision,
                                  double share = 1) {
  constexpr double kStepsOfLatency = 128;  // k_latency is the time of this many steps
  const double cores = chip.matrix_cores.si();
  return {.cores = cores,
          .math = chip.peak(precision).si() * gemm.math.si() * chip.efficiency.sustained.si() * share / cores,
          .feed = gemm.l2_bandwidth.si() / cores,
          .step = gemm.k_latency.si() / kStepsOfLatency,
          .width = hardware::bytes_per_element(precision).si()};
}

struct Choice {
  double seconds = 0;
  double waves = 0;
  std::string_view text;
};

[[nodiscard]] inline std::int64_t tiles_along(std::int64_t length, std::int64_t tile) { return (length + tile - 1) / tile; }

// Time to stream `bytes` at `share` of the memory bandwidth; below `half` bytes half of that is reached.
[[nodiscard]] inline double stream_seconds(const hardware::Chip& chip, double bytes, double share, double half) {
  return (bytes + std::min(bytes, half)) / (chip.memory.bandwidth.si() * share);
}

}  // namespace zettatwin::compute::detail
