// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>

#include "base/contract.hpp"
#include "compute/detail/finish.hpp"
#include "compute/detail/tiles.hpp"

namespace zettatwin::compute {
namespace {

// Rows per expert: one busiest expert, the others share the rest evenly. Experts without rows are not computed.
struct Groups {
  double hit;      // experts with at least one row
  double busiest;  // rows
  double other;

  explicit Groups(const GroupedGemm& op)
      : hit(std::min(static_cast<double>(op.experts), std::max(1.0, op.rows_total))),
        busiest(std::min(op.rows_total, op.imbalance * op.rows_total / hit)),
        other(hit > 1 ? (op.rows_total - busiest) / (hit - 1) : 0) {}

  [[nodiscard]] double row_tiles(double rows) const { return std::ceil(busiest / rows) + (hit - 1) * std::ceil(other / rows); }
};

// Y_e = X_e W_e^T: rows are tiled, the loop runs over k.
double forward_waves(const GroupedGemm& op, const Groups& groups, const detail::Tile& tile, double cores) {
  return groups.row_tiles(tile.rows()) * static_cast<double>(detail::tiles_along(op.n, tile.column_bits)) / cores;
}

detail::Choice best_tile(const GroupedGemm& op, const Groups& groups, const detail::Core& core) {
  detail::Choice best{.seconds = INFINITY};
  for (const auto& tile : detail::kGroupedTiles) {
    double waves = forward_waves(op, groups, tile, core.cores), loop = static_cast<double>(op.k);
    double steps = std::max(1.0, waves) * loop;
    if (op.accumulate) {  // tiles of dW_e; each loops over the rows of its expert, the busiest one bounds the time
      const auto per_expert = static_cast<double>(detail::tiles_along(op.n, tile.row_bits) * detail::tiles_along(op.k, tile.column_bits));
      waves = per_expert * groups.hit / core.cores;
      steps = std::max(per_expert * op.rows_total / core.cores, groups.busiest);
    }
    const double seconds = steps * core.step_of(tile);
    if (seconds <= best.seconds) best = {seconds, waves, tile.text};
  }
  return best;
}

double traffic(const GroupedGemm& op, double experts_hit, double width) {
  const auto n = static_cast<double>(op.n), k = static_cast<double>(op.k);
  if (op.accumulate) return op.rows_total * (n + k) * width + experts_hit * n * k * 2 * op.output_bytes;
  return (experts_hit * n * k + op.rows_total * k) * width + op.rows_total * n * op.output_bytes;
}

}  // namespace

OperatorTime time_of(const hardware::Chip& chip, const GroupedGemm& op) {
  ZT_EXPECT(op.experts >= 0 && op.n >= 0 && op.k >= 0 && op.rows_total >= 0 && op.imbalance >= 1, "grouped GEMM of impossible size");
  if (op.experts == 0 || op.n == 0 || op.k == 0 || op.rows_total == 0) return {};
  const auto& gemm = chip.efficiency.gemm_of(op.precision);
  const auto& grouped = chip.efficiency.grouped;
  const auto core = detail::core_of(chip, gemm, op.precision, detail::peak_of(chip, op.precision),
                                    chip.efficiency.sustained.si() * grouped.math.si());
  const Groups groups(op);
  const auto best = best_tile(op, groups, core);
  const double bytes = traffic(op, groups.hit, hardware::bytes_per_element(op.precision).si());
  const double math = best.seconds / detail::loop_rate(gemm, op.library) + gemm.ramp.si();
  const double memory = detail::stream_seconds(chip, bytes, gemm.memory.si(), gemm.half_bytes.si());
  const double overhead = gemm.launch.si() + grouped.launch.si() + grouped.per_expert.si() * static_cast<double>(op.experts);
  return detail::finish({.flop = 2 * op.rows_total * static_cast<double>(op.n) * static_cast<double>(op.k),
                         .bytes = bytes,
                         .math = math,
                         .memory = memory,
                         .overhead = overhead,
                         .total = overhead + std::sqrt(math * math + memory * memory),
                         .waves = best.waves,
                         .detail = best.text});
}

}  // namespace zettatwin::compute
