// SPDX-License-Identifier: Apache-2.0
// Tiles of matrix kernels: how long the cores of a chip need for one step of a tile along the reduction.
// Model: a core works on one tile of C at a time; a step along k costs the largest of multiplying, fetching the operands from
// L2, and the latency of the loop. Tiles are spread over the cores; kernels balance the last wave, so waves are continuous
// but never less than one.
#pragma once

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

#include "base/contract.hpp"
#include "compute/operator_time.hpp"
#include "hardware/chip.hpp"

namespace zettatwin::compute::detail {

// Sides are powers of two, so that counting tiles is a shift: 2^row_bits x 2^column_bits.
struct Tile {
  int row_bits;
  int column_bits;
  std::string_view text;

  [[nodiscard]] constexpr double rows() const { return static_cast<double>(1 << row_bits); }
  [[nodiscard]] constexpr double columns() const { return static_cast<double>(1 << column_bits); }
};

// Shapes that matrix libraries offer; small ones waste less of thin matrices, large ones reread operands less,
// and the largest of equals is taken.
inline constexpr std::array kDenseTiles{Tile{6, 4, "tile 64x16"}, Tile{6, 6, "tile 64x64"}, Tile{7, 6, "tile 128x64"},
                                        Tile{7, 7, "tile 128x128"}, Tile{7, 8, "tile 128x256"}};
inline constexpr std::array kGroupedTiles{Tile{4, 7, "tile 16x128"}, Tile{5, 7, "tile 32x128"}, Tile{6, 7, "tile 64x128"},
                                          Tile{7, 7, "tile 128x128"}, Tile{7, 8, "tile 128x256"}};

[[nodiscard]] inline std::int64_t tiles_along(std::int64_t length, int bits) { return (length + (std::int64_t{1} << bits) - 1) >> bits; }

// Costs of one core, in seconds per unit of work.
struct Core {
  double cores;        // of the chip
  double flop;         // per FLOP
  double operand;      // per element fetched from L2
  double step;         // least per step along k

  // Seconds of one step of `tile` along k.
  [[nodiscard]] double step_of(const Tile& tile) const {
    return std::max({2 * tile.rows() * tile.columns() * flop, (tile.rows() + tile.columns()) * operand, step});
  }
};

// `share`: of the isolated rate `gemm.math` that the kernel reaches. `gemm` holds math, l2_bandwidth and k_latency.
template <class Efficiency>
[[nodiscard]] Core core_of(const hardware::Chip& chip, const Efficiency& gemm, hardware::Precision precision, double peak, double share) {
  constexpr double kStepsOfLatency = 128;  // k_latency is the time of this many steps
  const double cores = chip.matrix_cores.si();
  return {.cores = cores,
          .flop = cores / (peak * gemm.math.si() * share),
          .operand = hardware::bytes_per_element(precision).si() * cores / gemm.l2_bandwidth.si(),
          .step = gemm.k_latency.si() / kStepsOfLatency};
}

// Rate of the loop in `library` over that of the library that the figures are of; no more than the peak allows, whatever `math` was calibrated to.
[[nodiscard]] inline double loop_rate(const hardware::GemmEfficiency& gemm, Library library) {
  return library == Library::training && gemm.training.present ? std::min(gemm.training.si(), 1 / gemm.math.si()) : 1;
}

struct Choice {
  double seconds = 0;
  double waves = 0;
  std::string_view text;
};

// The chip's peak in `precision`; that it has one is the caller's to check.
[[nodiscard]] inline double peak_of(const hardware::Chip& chip, hardware::Precision precision) {
  const double peak = chip.peak(precision).si();
  ZT_EXPECT(peak > 0, chip.name + " has no matrix unit for " + std::string(name_of(precision)));
  return peak;
}

// Time to stream `bytes` at `share` of the memory bandwidth; below `half` bytes half of that is reached.
[[nodiscard]] inline double stream_seconds(const hardware::Chip& chip, double bytes, double share, double half) {
  return (bytes + std::min(bytes, half)) / (chip.memory.bandwidth.si() * share);
}

}  // namespace zettatwin::compute::detail
