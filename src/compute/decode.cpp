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

// Into how many parts kernels cut a cache, and what starts on the cores.
struct Cut {
  double parts = 1;
  double waves = 1;  // starts that pass one after the other on a core
  double joined = 0; // doublings of parts to join
};

// Each core gets `split_waves` parts.
Cut by_cores(const hardware::DecodeEfficiency& decode, double cores, double streams, double keys, double cached) {
  const double split = decode.split_waves.present ? decode.split_waves.si() : 1;
  Cut cut;
  cut.parts = std::max(1.0, std::min(split * cores / streams, cached / kLeastPart));  // of the whole cache: those outside a window start too
  cut.waves = std::max(1.0, streams * cut.parts / cores);
  cut.joined = std::log2(cut.parts) + std::clamp(keys / kUncut - 1, 0.0, 1.0);
  return cut;
}

// TensorRT-LLM's kernels on Hopper (decoderXQAImplCommon.h, computeMultiBlockCount): sqrt(8 n) parts of n times 128 keys before the last one, one part without any, and no more than
// eight blocks of threads per core. Whole numbers there; without steps here, so that a longer cache and one more sequence are never quicker.
Cut by_length(const hardware::DecodeEfficiency& decode, double cores, double streams, double cached) {
  constexpr double kRoot = 8, kMostWaves = 8;
  Cut cut;
  const double before = std::max(0.0, cached - 1) / kLeastPart, usual = 1 + (std::sqrt(kRoot * std::max(1.0, before)) - 1) * std::clamp(before - 1, 0.0, 1.0);
  cut.parts = std::max(1.0, std::min(usual, kMostWaves * cores / streams));
  cut.waves = std::max(decode.resident.si(), streams * cut.parts / cores);
  cut.joined = std::log2(cut.parts);
  return cut;
}

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
  const bool length_alone = decode.resident.present;
  const Cut cut = length_alone ? by_length(decode, cores, streams, cached) : by_cores(decode, cores, streams, keys, cached);
  const double sharing = std::max(1.0, queries * static_cast<double>(op.heads) / static_cast<double>(op.kv_heads) / kQueriesTogether);
  const double together = length_alone ? std::exp2(std::ceil(std::log2(sharing))) : sharing;  // tiles of 8, 16 or 32 rows
  const double start = decode.sequence.si() + decode.group.si() * together, key = decode.token.si() * together * dims / (2 * kElements);
  const double share = streams * keys / cores * key, longest = std::min(keys, cached / cut.parts) * key;
  const double bytes = dims * (width * streams * keys + kWide * queries * static_cast<double>(op.batch * op.heads));
  const double flop = 2 * dims * static_cast<double>(op.batch * op.heads) * queries * std::min(seen, static_cast<double>(op.kv_length));
  const double products = flop / peak_of(chip, op.precision);
  const double memory = stream_seconds(chip, bytes, decode.memory.si(), decode.half_bytes.si());
  double launch = decode.launch.si() + decode.reduce.si() * cut.joined, latency = 0;
  if (length_alone) {
    // Starts of blocks add to the streams of keys.
    launch += cut.waves * start + (static_cast<double>(op.head_dim) < kElements ? decode.narrow.si() : 0);
    latency = std::max({share, longest, products});
  } else {
    latency = std::max({cut.waves * start + share, start + longest, products});  // all cores; the longest part
  }
  return finish({.flop = flop,
                 .bytes = bytes,
                 .math = latency,
                 .memory = memory,
                 .overhead = launch,
                 .total = launch + std::sqrt(latency * latency + memory * memory),
                 .waves = cut.waves,
                 .detail = "decoding, sequences streamed by key head"});
}

}  // namespace zettatwin::compute::detail
