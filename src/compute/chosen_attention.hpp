// SPDX-License-Identifier: Apache-2.0
// Attention of queries to keys that each chose for itself (DeepSeek-V3.2's sparse attention), in the absorbed form of latent attention: all heads of a query share one
// vector of latent + rope elements per key, which is gathered. What chooses the keys is IndexScores.
#pragma once

#include "compute/operator_time.hpp"

namespace zettatwin::compute {

// scores: of the chosen pairs once more, for the distribution that the indexer learns from (DeepSeek-V3.2, equation 4).
enum class ChosenPass { forward, backward, scores };

// Time: launch + max(products, vectors gathered from the chip's cache, queries and outputs in memory). Products per pair and head, w = latent + rope:
//   forward  2 (w + latent)             scores, values
//   backward 2 (3 w + 2 latent)         scores again; gradients of values, probabilities, queries, keys
//   scores   2 w
// Most vectors are in the chip's cache, brought by neighbouring queries; gradients of keys are added there in 4 bytes (read and written). Rates: attention.bf16, gemm.bf16.l2_bandwidth.
struct ChosenAttention {
  double pairs = 0;       // of a query and a key that it chose, all sequences together
  double queries = 0;     // likewise; 0: what they read and write is not counted
  std::int64_t heads = 0; // of a query on this chip; a tile has 64 (FlashMLA), fewer fill it up
  std::int64_t latent = 512, rope = 64;
  double key_bytes = 0;   // of a vector as it is stored
  std::int64_t projected = 0;  // head_dim + v_head_dim of the form without absorption, in which model FLOP are counted; no part of the time
  ChosenPass pass = ChosenPass::forward;
};
[[nodiscard]] OperatorTime time_of(const hardware::Chip& chip, const ChosenAttention& op);

// Pairs of `queries` causal queries that end at key `keys`, each with at most `most` keys.
[[nodiscard]] double chosen_pairs(double queries, double keys, double most);

}  // namespace zettatwin::compute
