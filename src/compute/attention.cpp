// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>

#include "base/contract.hpp"
#include "compute/detail/decode.hpp"
#include "compute/detail/finish.hpp"
#include "compute/detail/tiles.hpp"

namespace zettatwin::compute {
namespace {

constexpr double kQueriesPerTile = 128;
constexpr double kQueryGranule = 16;    // rows of the smallest matrix instruction
constexpr double kBackwardFlop = 2.5;   // five products instead of two, the scores being computed again
constexpr double kBackwardBytes = 2;    // each of q, k, v, o once more as a gradient

// Keys that the queries see, summed over the queries: query i of q sees kv - q + i keys, at most `window` of them.
double visible_keys(const AttentionOp& op) {
  const auto q = static_cast<double>(op.q_length), kv = static_cast<double>(op.kv_length);
  if (op.causal_share > 0) return op.causal_share * q * kv;
  ZT_EXPECT(op.kv_length >= op.q_length, "causal attention of more queries than keys");
  const double first = kv - q + 1;
  const double most = op.window > 0 ? std::min(static_cast<double>(op.window), kv) : kv;
  if (most <= first) return q * most;
  const double growing = most - first + 1;  // queries that see fewer keys than the window
  return growing * (first + most) / 2 + (q - growing) * most;
}

struct Shape {
  double units;    // batch x heads
  double keys;     // sum over queries of the visible keys
  double tiles;    // of queries, per unit
  double rows;     // queries per tile, padded
  double context;  // mean keys per tile, the masked half of the diagonal tile included
  double longest;  // keys of the longest tile

  Shape(const AttentionOp& op, double window_keys) : units(static_cast<double>(op.batch * op.heads)), keys(visible_keys(op)) {
    const auto q = static_cast<double>(op.q_length), kv = static_cast<double>(op.kv_length);
    rows = std::min(kQueriesPerTile, std::ceil(q / kQueryGranule) * kQueryGranule);
    tiles = std::ceil(q / rows);
    const double extra = rows + window_keys;  // of a window, which a tile crosses twice
    context = std::min(kv, keys / q + (windowed(op) ? extra : rows / 2));
    longest = windowed(op) ? std::min(kv, static_cast<double>(op.window) + extra) : op.causal_share > 0 ? context : kv;
  }
};

// Splitting the projections into q, k and v, rotating them, writing keys and values to the cache: kernels before the attention's.
double preparation_seconds(const hardware::Chip& chip, const hardware::AttentionEfficiency& attention, const AttentionOp& op) {
  if (!op.preparation || !attention.preparation.present || !attention.preparation_memory.present) return 0;
  constexpr double kWide = 2;  // bytes of the projections' results
  const double width = hardware::bytes_per_element(op.precision).si();
  const auto heads = static_cast<double>(op.heads), kv_heads = static_cast<double>(op.kv_heads);
  const double per_token = static_cast<double>(op.head_dim) * (kWide * (heads + 2 * kv_heads) + width * (heads + 2 * kv_heads));
  return attention.preparation.si() +
         static_cast<double>(op.batch * op.q_length) * per_token / (chip.memory.bandwidth.si() * attention.preparation_memory.si());
}

double traffic(const AttentionOp& op, double width) {
  const auto heads = static_cast<double>(op.heads), kv_heads = static_cast<double>(op.kv_heads);
  const auto dims = static_cast<double>(op.head_dim + op.v_head_dim);
  const auto q = static_cast<double>(op.q_length), kv = static_cast<double>(op.kv_length);
  return static_cast<double>(op.batch) * dims * width * (q * heads + kv * kv_heads) * (op.backward ? kBackwardBytes : 1);
}

// Of the kernels that the chip's figures describe, the rate that an older generation reaches.
double generation(const hardware::AttentionEfficiency& attention, AttentionKernel kernel) {
  if (kernel == AttentionKernel::best) return 1;
  const auto& share = kernel == AttentionKernel::flash1 ? attention.flash1 : attention.flash2;
  return share.present ? share.si() : 1;
}

}  // namespace

AttentionFigures attention_figures(const hardware::Chip& chip, const AttentionOp& op) {
  using hardware::Efficiency;
  const auto& e = chip.efficiency;
  const bool served = op.library == Library::inference && !op.backward && Efficiency::find_entry(e.served_attention, op.precision) != nullptr;
  const auto& [precision, row] = Efficiency::entry_of(served ? e.served_attention : e.attention, op.precision);
  return {served ? "served_attention" : "attention", precision, row};
}

OperatorTime time_of(const hardware::Chip& chip, const AttentionOp& op) {
  ZT_EXPECT(op.batch >= 0 && op.heads >= 0 && op.kv_heads >= 0 && op.q_length >= 0 && op.kv_length >= 0 && op.head_dim >= 0 &&
                op.v_head_dim >= 0 && op.window >= 0 && op.causal_share >= 0 && op.causal_share <= 1,
            "attention of impossible size");
  if (op.batch == 0 || op.heads == 0 || op.q_length == 0 || op.kv_length == 0) return {};
  if (const auto* decode = detail::decode_of(chip, op)) return detail::decode_time(chip, op, *decode);
  const double peak = detail::peak_of(chip, op.precision), cores = chip.matrix_cores.si();
  const auto& attention = attention_figures(chip, op).row;
  const Shape shape(op, attention.window_keys.si());
  const double flop_per_score = 2 * static_cast<double>(op.head_dim + op.v_head_dim);
  // Per key of a tile: two products and the softmax of its rows; the two add up because they share the scores.
  const double key = shape.rows * (flop_per_score * cores / (peak * attention.math.si()) + attention.softmax.si());
  const double waves = shape.units * shape.tiles / cores;
  const double mean_tile = attention.tile.si() + shape.context * key;
  const double last_tile = attention.tile.si() + shape.longest * key;
  const double pass = (op.backward ? kBackwardFlop / attention.backward.si() : 1) / (generation(attention, op.kernel) * (attention.sustained.present ? attention.sustained.si() : 1));
  const double math = pass * std::max(std::max(1.0, waves) * mean_tile, last_tile);
  const double bytes = traffic(op, hardware::bytes_per_element(op.precision).si());
  const double memory = bytes / (chip.memory.bandwidth.si() * attention.memory.si());
  const double launch = attention.launch.si() + preparation_seconds(chip, attention, op);
  return detail::finish({.flop = flop_per_score * shape.units * shape.keys * (op.backward ? kBackwardFlop : 1),
                         .bytes = bytes,
                         .math = math,
                         .memory = memory,
                         .overhead = launch,
                         .total = launch + math + memory,
                         .waves = waves,
                         .detail = op.backward ? "flash attention, backward" : "flash attention, forward"});
}

}  // namespace zettatwin::compute
