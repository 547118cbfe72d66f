// SPDX-License-Identifier: Apache-2.0
// Attention on chosen keys (model::Indexer): what the indexer projects, scores and chooses, and attention on what it chose. docs/math/inference.md.
#include <algorithm>
#include <cmath>

#include "compute/chosen_attention.hpp"
#include "inference/detail/pass.hpp"
#include "inference/memory.hpp"

namespace zettatwin::inference::detail {
namespace {

using compute::Gemm;
using hardware::Precision;
using model::AttentionKind;

constexpr std::int64_t kLeastHeads = 64;    // rows of a tile while decoding: heads of one query, since each query has keys of its own; fewer are filled up (FlashMLA, h_q a multiple of 64)

std::int64_t share(std::int64_t whole, std::int64_t parts) { return (whole + parts - 1) / parts; }

double pairs_of(const serving::Chunk& chunk, double most) { return compute::chosen_pairs(chunk.tokens, static_cast<double>(chunk.tokens) + static_cast<double>(chunk.context), most); }

}  // namespace

bool Pass::is_sparse(const Kind& kind) { return kind.layer->attention.indexer.top > 0; }

// Whole on every tensor-parallel rank where one key serves all heads; cut with the key heads otherwise.
std::int64_t Pass::index_heads(const model::Attention& a) const { return a.kind == AttentionKind::grouped_query ? share(a.indexer.heads, about_.pool.tp) : a.indexer.heads; }

void Pass::index_tokens(Ledger& ledger, const Kind& kind, std::int64_t tokens) const {
  const auto& a = kind.layer->attention;
  if (!is_sparse(kind) || a.indexer.heads == 0) return;
  const auto heads = index_heads(a), width = a.indexer.head_dim;
  const double f = about_.software.kernels.si();
  if (a.kind != AttentionKind::grouped_query) {
    ledger.add(Part::projections, "indexer's queries", kind.count, gemm(tokens, heads * width, a.q_lora_rank, attention_), f);
    ledger.add(Part::projections, a.kind == AttentionKind::multi_latent ? "indexer's keys and weights" : "indexer's weights", kind.count,
               gemm(tokens, (a.kind == AttentionKind::multi_latent ? width : 0) + heads, about_.model.hidden, attention_), f);
  } else {
    ledger.add(Part::projections, "indexer's queries and keys", kind.count, gemm(tokens, (heads + 1) * width, about_.model.hidden, attention_), f);
  }
  constexpr double kKernels = 2;  // norm and rotation of queries and keys; quantisation into the cache
  constexpr double kMoved = 6;    // bytes per feature
  small(ledger, "indexer's small kernels", kind.count, kKernels, kMoved * static_cast<double>(tokens * (heads + 1) * width));
}

compute::IndexScores Pass::index_scores(const model::Attention& a, double pairs, double keys, bool decoding) const {
  const bool latent = a.kind != AttentionKind::grouped_query;
  return {.pairs = pairs, .keys = keys, .heads = index_heads(a), .head_dim = a.indexer.head_dim, .block = a.indexer.block, .key_bytes = index_key_bytes(a, bytes_of(about_.pool.cache)), .decoding = decoding,
          .precision = latent ? arithmetic_of(about_.chip, Format::fp8).precision : cache_};
}

void Pass::sparse_decoding(Ledger& ledger, const Kind& kind, std::int64_t sequences, std::int64_t length) const {
  const auto& a = kind.layer->attention;
  const double f = about_.software.kernels.si();
  const auto rows = sequences * queries(), tp = about_.pool.tp;
  const double cached = static_cast<double>(sequences) * static_cast<double>(length);
  if (a.indexer.heads > 0) ledger.add(Part::attention, "scores and choice of keys, decoding", kind.count, index_scores(a, cached * static_cast<double>(queries()), cached, true), f);
  const auto chosen = std::min(length, a.indexer.keys());
  if (a.kind == AttentionKind::multi_latent)
    ledger.add(Part::attention, "latent attention on chosen keys, decoding", kind.count,
               compute::LatentDecode{.batch = rows, .heads = std::max(share(a.heads, tp), kLeastHeads), .q_length = 1, .kv_length = chosen, .latent = a.kv_lora_rank, .rope = a.qk_rope_dim, .precision = cache_}, f);
  else
    ledger.add_decoding("attention on chosen keys, decoding", kind.count,
                        compute::AttentionOp{.batch = rows, .heads = share(a.heads, tp), .kv_heads = share(a.kv_heads, tp), .q_length = 1, .kv_length = chosen, .head_dim = a.head_dim, .v_head_dim = a.v_head_dim,
                                             .precision = cache_}, f);
}

// Seconds of latent attention of a chunk on chosen keys, beside the launch: products, or the gathering of keys, most of which others of the chunk have brought into the
// cache of the chip.
double Pass::sparse_seconds(const model::Attention& a, const serving::Chunk& chunk) const {
  const auto time = compute::time_of(about_.chip, compute::ChosenAttention{.pairs = pairs_of(chunk, static_cast<double>(a.indexer.keys())),
                                                                           .heads = share(a.heads, about_.pool.tp),
                                                                           .latent = a.kv_lora_rank,
                                                                           .rope = a.qk_rope_dim,
                                                                           .key_bytes = bytes_of(about_.pool.cache) * static_cast<double>(a.kv_lora_rank + a.qk_rope_dim)});
  return std::max(time.math.si(), time.memory.si());
}

double Pass::absorbed_seconds(const model::Attention& a, std::int64_t tokens) const {
  const auto heads = share(a.heads, about_.pool.tp);
  const auto one = [&](std::int64_t n, std::int64_t k) { return compute::time_of(about_.chip, Gemm{.m = tokens, .n = n, .k = k, .batch = heads}).time.seconds().si(); };
  return one(a.kv_lora_rank, a.qk_nope_dim) + one(a.v_head_dim, a.kv_lora_rank);
}

void Pass::chosen_prompts(Ledger& ledger, const Kind& kind, std::span<const serving::Chunk> chunks, std::int64_t ranks) const {
  const auto& a = kind.layer->attention;
  const double f = about_.software.kernels.si();
  double tokens = 0, longest_tokens = 0, seconds = 0, longest_seconds = 0, pairs = 0, most_pairs = 0, keys = 0, most_keys = 0;
  const auto take = [](double value, double& sum, double& most) {
    sum += value;
    most = std::max(most, value);
  };
  for (const auto& chunk : chunks) {
    const double seen = static_cast<double>(chunk.tokens) + chunk.context;
    take(pairs_of(chunk, seen), pairs, most_pairs);
    take(seen, keys, most_keys);
    if (a.kind != AttentionKind::multi_latent) continue;
    take(chunk.tokens, tokens, longest_tokens);
    take(sparse_seconds(a, chunk), seconds, longest_seconds);
  }
  if (a.indexer.heads > 0)
    ledger.add(Part::attention, "scores and choice of keys, prompts", kind.count, index_scores(a, rank_share(pairs, most_pairs, ranks), rank_share(keys, most_keys, ranks), false), f);
  if (a.kind != AttentionKind::multi_latent) return;
  const auto rows = static_cast<std::int64_t>(std::ceil(rank_share(tokens, longest_tokens, ranks)));
  ledger.add_seconds(Part::projections, "absorbed projections of prompts", kind.count * f, absorbed_seconds(a, rows), "tokens x (latent x nope + v x latent), head by head");
  ledger.add_seconds(Part::attention, "latent attention on chosen keys, prompts", kind.count * f, about_.chip.efficiency.attention_of(Precision::bf16).launch.si() + rank_share(seconds, longest_seconds, ranks),
                     "launch + max(2 heads (2 latent + rope) pairs / (matrix_peak.bf16 x attention.bf16.math), (latent + rope) bytes pairs / gemm.bf16.l2_bandwidth); pairs = sum over queries of min(chosen, keys)");
}

// A batch in which some chunk sees more keys than are chosen chooses for all of them. Before that every key is chosen, and latent attention may as well project keys and
// values of all tokens: the quicker of both is taken, so that more work is never faster.
void Pass::sparse_prompts(Ledger& ledger, const Kind& kind, std::span<const serving::Chunk> chunks, std::int64_t ranks) const {
  const auto& a = kind.layer->attention;
  const bool latent = a.kind == AttentionKind::multi_latent;
  const bool beyond = std::any_of(chunks.begin(), chunks.end(), [&](const serving::Chunk& chunk) { return std::int64_t{chunk.tokens} + chunk.context > a.indexer.keys(); });
  if (!latent) {
    if (beyond) chosen_prompts(ledger, kind, chunks, ranks);
    return ragged_attention(ledger, kind, chunks, ranks);  // as with a window of as many keys
  }
  if (!beyond) {
    Ledger all(about_.chip), chosen(about_.chip);
    full_prompts(all, kind, chunks, ranks);
    chosen_prompts(chosen, kind, chunks, ranks);
    if (all.total() <= chosen.total()) return full_prompts(ledger, kind, chunks, ranks);
  }
  chosen_prompts(ledger, kind, chunks, ranks);
}

}  // namespace zettatwin::inference::detail
