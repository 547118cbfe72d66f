// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>

#include "compute/detail/decode.hpp"
#include "compute/detail/finish.hpp"
#include "compute/detail/tiles.hpp"

namespace zettatwin::compute::detail {
namespace {

constexpr std::int64_t kMostQueries = 16;    // more fill a tile of prefill kernels
constexpr double kLeastPart = 128;           // keys: shorter parts do not pay for the second pass
constexpr double kUncut = 128;               // keys: longer caches are served by kernels that cut, and join the parts even if there is one
constexpr double kElements = 128;            // of a key and its value each, that `token` is given for
constexpr double kQueriesTogether = 8;       // that one step of the products serves
constexpr double kWide = 2;                  // bytes of queries and results

}  // namespace

bool is_decoding(const AttentionOp& op) { return op.q_length <= kMostQueries && !op.backward && op.causal_share == 0; }

const hardware::DecodeEfficiency* decode_of(const hardware::Chip& chip, const AttentionOp& op) {
  const auto& e = chip.efficiency;
  if (!is_decoding(op)) return nullptr;
  if (op.window > 0)  // of the layer, however short its cache still is
    if (const auto* own = hardware::Efficiency::find_entry(e.decode_windowed, op.precision)) return own;
  if (op.heads == op.kv_heads)
    if (const auto* own = hardware::Efficiency::find_entry(e.decode_multi_head, op.precision)) return own;
  return hardware::Efficiency::find_entry(e.decode, op.precision);
}

OperatorTime decode_time(const hardware::Chip& chip, const AttentionOp& op, const hardware::DecodeEfficiency& decode) {
  const double cores = chip.matrix_cores.si(), width = hardware::bytes_per_element(op.precision).si();
  const auto dims = static_cast<double>(op.head_dim + op.v_head_dim), queries = static_cast<double>(op.q_length);
  const auto seen = static_cast<double>(windowed(op) ? std::min(op.kv_length, op.window + op.q_length - 1) : op.kv_length);
  const double keys = std::max(seen, decode.least_keys.si()), cached = std::max(static_cast<double>(op.kv_length), decode.least_keys.si());
  const double streams = static_cast<double>(op.batch * op.kv_heads);
  const double split = decode.split_waves.present ? decode.split_waves.si() : 1;
  const double parts = std::max(1.0, std::min(split * cores / streams, cached / kLeastPart));  // of the whole cache: those outside a window start too
  const double together = std::max(1.0, queries * static_cast<double>(op.heads) / static_cast<double>(op.kv_heads) / kQueriesTogether);
  const double waves = std::max(1.0, streams * parts / cores);
  const double start = decode.sequence.si() + decode.group.si() * together, key = decode.token.si() * together * dims / (2 * kElements);
  const double busy = std::max(waves * start + streams * keys / cores * key, start + std::min(keys, cached / parts) * key);  // all cores; the longest part
  const double bytes = dims * (width * streams * keys + kWide * queries * static_cast<double>(op.batch * op.heads));
  const double flop = 2 * dims * static_cast<double>(op.batch * op.heads) * queries * std::min(seen, static_cast<double>(op.kv_length));
  const double latency = std::max(busy, flop / peak_of(chip, op.precision));
  const double memory = stream_seconds(chip, bytes, decode.memory.si(), decode.half_bytes.si());
  const double launch = decode.launch.si() + decode.reduce.si() * (std::log2(parts) + std::clamp(keys / kUncut - 1, 0.0, 1.0));
  return finish({.flop = flop,
                 .bytes = bytes,
                 .math = latency,
                 .memory = memory,
                 .overhead = launch,
                 .total = launch + std::sqrt(latency * latency + memory * memory),
                 .waves = waves,
                 .detail = "decoding, sequences streamed by key head"});
}

}  // namespace zettatwin::compute::detail
