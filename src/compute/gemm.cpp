// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>

#include "base/contract.hpp"
#include "compute/detail/finish.hpp"
#include "compute/detail/tiles.hpp"
#include "compute/weight_only.hpp"

namespace zettatwin::compute {
namespace {

using detail::Core;

// Splitting k over idle cores: s parts shorten the loop and add a pass that sums s partial results of 4 bytes through L2.
// As many parts as there are idle cores per tile, at most 32, at least 256 steps each (so that the loop outweighs the pass);
// s is continuous because stream-k kernels cut unevenly.
double split_seconds(const Gemm& op, const hardware::GemmEfficiency& gemm, double tiles, double cores, double loop) {
  constexpr double kMostParts = 32, kLeastSteps = 256, kPartialBytes = 4;
  const double parts = std::min({cores / tiles, kMostParts, static_cast<double>(op.k) / kLeastSteps});
  if (parts <= 1) return loop;
  const double pass = kPartialBytes * static_cast<double>(op.batch * op.m * op.n) / gemm.l2_bandwidth.si();
  return std::min(loop, loop / parts + gemm.split.si() + pass * parts);
}

detail::Choice best_tile(const Gemm& op, const hardware::GemmEfficiency& gemm, const Core& core) {
  detail::Choice best{.seconds = INFINITY};
  const double wave_per_tile = 1 / core.cores;
  for (const auto& tile : detail::kDenseTiles) {
    const auto tiles = static_cast<double>(op.batch * detail::tiles_along(op.m, tile.row_bits) * detail::tiles_along(op.n, tile.column_bits));
    const double waves = tiles * wave_per_tile;
    double seconds = std::max(1.0, waves) * static_cast<double>(op.k) * core.step_of(tile);
    if (gemm.split.present && waves < 1) seconds = split_seconds(op, gemm, tiles, core.cores, seconds);
    if (seconds <= best.seconds) best = {seconds, waves, tile.text};
  }
  return best;
}

// Bytes to and from memory, a written byte counted `write_cost` times.
double traffic(const Gemm& op, double width, double write_cost) {
  const auto m = static_cast<double>(op.m), n = static_cast<double>(op.n), k = static_cast<double>(op.k);
  const double output = m * n * op.output_bytes * (write_cost + (op.accumulate ? 1 : 0));
  const double weights = op.weight_bytes > 0 ? op.weight_bytes : width;
  return static_cast<double>(op.batch) * (width * m * k + weights * n * k + output);
}

// Of the memory bandwidth: no more than kernels reach that widen the weights.
double memory_share(const hardware::Chip& chip, const Gemm& op, const hardware::GemmEfficiency& gemm) {
  const auto figures = figures_of_experts(chip, op.precision, op.weight_bytes);
  return figures == op.precision ? gemm.memory.si() : std::min(gemm.memory.si(), chip.efficiency.served_experts.at(figures).memory.si());
}

}  // namespace

OperatorTime time_of(const hardware::Chip& chip, const Gemm& op) {
  ZT_EXPECT(op.m >= 0 && op.n >= 0 && op.k >= 0 && op.batch >= 0, "GEMM of negative size");
  if (op.m == 0 || op.n == 0 || op.k == 0 || op.batch == 0) return {};
  const auto& gemm = chip.efficiency.gemm_of(op.precision);
  const auto core = detail::core_of(chip, gemm, op.precision, detail::peak_of(chip, op.precision), chip.efficiency.sustained.si());
  const auto best = best_tile(op, gemm, core);
  const double width = hardware::bytes_per_element(op.precision).si();
  const double math = best.seconds / detail::loop_rate(gemm, op.library) + gemm.ramp.si();
  const double costly = traffic(op, width, gemm.write_cost.present ? gemm.write_cost.si() : 1);
  const double memory = detail::stream_seconds(chip, costly, memory_share(chip, op, gemm), gemm.half_bytes.si());
  const double launch = gemm.launch.si();
  return detail::finish({.flop = 2.0 * static_cast<double>(op.batch) * static_cast<double>(op.m) * static_cast<double>(op.n) *
                                 static_cast<double>(op.k),
                         .bytes = traffic(op, width, 1),
                         .math = math,
                         .memory = memory,
                         .overhead = launch,
                         .total = launch + std::sqrt(math * math + memory * memory),
                         .waves = best.waves,
                         .detail = best.text});
}

}  // namespace zettatwin::compute
