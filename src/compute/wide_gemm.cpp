// SPDX-License-Identifier: Apache-2.0
// The kernel that libraries pick for small products in 32 bits (cutlass_80_simt_sgemm_64x64 and the like) takes tiles through all of k on one core each: up to as many
// tiles as cores the time does not depend on the rows. Timings on GB200 of k = 6144 and n = 256: 63 us for 32 to 96 rows, 69, 78, 97 and 111 us for 128, 256, 512 and
// 1024; 17 to 22 us for 4 to 16 (github.com/vllm-project/vllm pull request 47973).
#include <algorithm>

#include "base/contract.hpp"
#include "compute/detail/finish.hpp"
#include "compute/detail/tiles.hpp"

namespace zettatwin::compute {

bool has_wide_gemm(const hardware::Chip& chip) { return chip.efficiency.wide_gemm.present() && chip.vector_peak.contains(hardware::Precision::fp32); }

OperatorTime time_of(const hardware::Chip& chip, const WideGemm& op) {
  ZT_EXPECT(op.m >= 0 && op.n >= 0 && op.k >= 0, "product of negative size");
  if (op.m == 0 || op.n == 0 || op.k == 0) return {};
  ZT_EXPECT(has_wide_gemm(chip), "the chip has figures of wide products");
  constexpr detail::Tile kTile{6, 4, "tile 64x16"};
  constexpr std::int64_t kFewRows = 16;
  constexpr double kWidth = 4;  // bytes
  const auto& e = chip.efficiency.wide_gemm;
  const double cores = chip.matrix_cores.si(), m = static_cast<double>(op.m), n = static_cast<double>(op.n), k = static_cast<double>(op.k);
  const auto waves = static_cast<double>(detail::tiles_along(op.m, kTile.row_bits) * detail::tiles_along(op.n, kTile.column_bits)) / cores;
  const double rate = chip.vector_peak.at(hardware::Precision::fp32).si() * e.math.si();
  const double loop = std::max(1.0, waves) * k * 2 * kTile.rows() * kTile.columns() * cores / rate;
  const double stream = kWidth * n * k / (chip.memory.bandwidth.si() * e.memory.si());
  const double math = (op.m <= kFewRows ? std::min(loop, stream) : loop) * (op.tf32 ? e.tf32.si() : 1);
  const double bytes = kWidth * (m * k + n * k + m * n);
  return detail::finish({.flop = 2 * m * n * k, .bytes = bytes, .math = math, .memory = bytes / chip.memory.bandwidth.si(), .overhead = e.launch.si(),
                         .total = e.launch.si() + std::max(math, bytes / chip.memory.bandwidth.si()), .waves = waves, .detail = kTile.text});
}

}  // namespace zettatwin::compute
