// SPDX-License-Identifier: Apache-2.0
// Compressed attention (DeepSeek-V4): a query attends to the last tokens of a window and to entries that each stand for `compression` tokens, all of them or those that an
// indexer chooses. One vector of head_dim is key and value of all heads, so that attention is latent attention of that width without a rotary part beside it.
// docs/math/inference.md. Sources: modelling code of DeepSeek-V4 in huggingface/transformers, its attention layer in vLLM.
#include <algorithm>
#include <cmath>
#include <string>
#include <string_view>

#include "compute/chosen_attention.hpp"
#include "inference/detail/pass.hpp"
#include "inference/memory.hpp"

namespace zettatwin::inference::detail {
namespace {

using compute::Gemm;
using hardware::Precision;

constexpr std::int64_t kLeastHeads = 64;  // rows of a tile: heads of one query, fewer are filled up (vLLM pads to 64 or 128)
constexpr double kWide = 2, kScore = 4;   // bytes
constexpr std::string_view kRates = "rates of compressed attention", kAsLatent = "those of latent attention as wide", kUntimed = "no public timings of its kernels";

std::int64_t share(std::int64_t whole, std::int64_t parts) { return (whole + parts - 1) / parts; }

double pairs_of(const serving::Chunk& chunk, double most) { return compute::chosen_pairs(chunk.tokens, static_cast<double>(chunk.tokens) + static_cast<double>(chunk.context), most); }
double all_pairs(const serving::Chunk& chunk) { return pairs_of(chunk, static_cast<double>(chunk.tokens) + static_cast<double>(chunk.context)); }

// Entries that queries of a chunk attend to: sum over queries of min(top, keys before / compression).
double entry_pairs(const model::Attention& a, const serving::Chunk& chunk) {
  if (a.compression == 0) return 0;
  const auto tokens = static_cast<double>(a.compression);
  return (a.indexer.top > 0 ? pairs_of(chunk, static_cast<double>(a.indexer.top) * tokens) : all_pairs(chunk)) / tokens;
}

}  // namespace

// One product for the query latent and the vector; queries per head; outputs by groups of heads through low ranks. Values and weights of the entries in 16 bits.
void Pass::compressed_tokens(Ledger& ledger, const Kind& kind, std::int64_t tokens) const {
  const auto& a = kind.layer->attention;
  const auto hidden = about_.model.hidden, tp = about_.pool.tp, heads = share(a.heads, tp), groups = share(a.output_groups, tp);
  const double f = about_.software.kernels.si();
  cast(ledger, Part::projections, kind.count, attention_, tokens, hidden);
  ledger.add(Part::projections, "projection to latents", kind.count, gemm(tokens, a.q_lora_rank + a.head_dim, hidden, attention_), f);
  cast(ledger, Part::projections, kind.count, attention_, tokens, a.q_lora_rank);
  ledger.add(Part::projections, "query projection", kind.count, gemm(tokens, heads * a.head_dim, a.q_lora_rank, attention_), f);
  auto grouped = gemm(tokens, a.output_rank, heads * a.head_dim / groups, attention_output_);
  grouped.batch = groups;
  cast(ledger, Part::projections, kind.count, attention_output_, tokens, heads * a.head_dim);
  ledger.add(Part::projections, "output projection, groups of heads", kind.count, grouped, f);
  cast(ledger, Part::projections, kind.count, attention_output_, tokens, groups * a.output_rank);
  ledger.add(Part::projections, "output projection", kind.count, gemm(tokens, hidden, groups * a.output_rank, attention_output_), f);
  if (a.compression == 0) return;
  const auto compress = [&](std::string_view name, std::int64_t width) {
    const auto features = 2 * width * (a.indexer.top > 0 ? 2 : 1);  // values and weights; twice where entries overlap
    ledger.add(Part::projections, std::string(name) + ", values and weights", kind.count, Gemm{.m = tokens, .n = features, .k = hidden}, f);
    constexpr double kKernels = 2;  // values and weights are kept; entries are made, normalised, rotated and stored
    small(ledger, name, kind.count, kKernels, 3 * kScore * static_cast<double>(tokens * features));
  };
  compress("entries", a.head_dim);
  if (a.indexer.top > 0) compress("entries of the indexer", a.indexer.head_dim);
}

void Pass::compressed_decoding(Ledger& ledger, const Kind& kind, std::int64_t sequences, std::int64_t length) const {
  const auto& a = kind.layer->attention;
  const double f = about_.software.kernels.si();
  const auto rows = sequences * queries();
  const auto entries = a.compression > 0 ? length / a.compression : 0;
  if (a.indexer.top > 0) {
    const double cached = static_cast<double>(sequences) * static_cast<double>(length) / static_cast<double>(a.compression);
    ledger.add(Part::attention, "scores and choice of entries, decoding", kind.count, index_scores(a, cached * static_cast<double>(queries()), cached, true), f);
  }
  const auto seen = std::max<std::int64_t>(1, std::min(length, a.window) + (a.indexer.top > 0 ? std::min(entries, a.indexer.top) : entries));
  ledger.add(Part::attention, "compressed attention, decoding", kind.count,
             compute::LatentDecode{.batch = rows, .heads = std::max(share(a.heads, about_.pool.tp), kLeastHeads), .q_length = 1, .kv_length = seen, .latent = a.head_dim, .rope = 0, .precision = cache_}, f);
  ledger.assume("compressed attention, decoding", kRates, kAsLatent, kUntimed);
}

void Pass::compressed_prompts(Ledger& ledger, const Kind& kind, std::span<const serving::Chunk> chunks, std::int64_t ranks) const {
  const auto& a = kind.layer->attention;
  const double f = about_.software.kernels.si();
  double seconds = 0, longest = 0, scored = 0, most_scored = 0, keys = 0, most_keys = 0;
  for (const auto& chunk : chunks) {
    const auto time = compute::time_of(about_.chip, compute::ChosenAttention{.pairs = pairs_of(chunk, static_cast<double>(a.window)) + entry_pairs(a, chunk),
                                                                             .heads = share(a.heads, about_.pool.tp),
                                                                             .latent = a.head_dim,
                                                                             .rope = 0,
                                                                             .key_bytes = kWide * static_cast<double>(a.head_dim)});
    const double one = std::max(time.math.si(), time.memory.si());
    seconds += one;
    longest = std::max(longest, one);
    if (a.indexer.top == 0) continue;
    const double entries = (static_cast<double>(chunk.tokens) + static_cast<double>(chunk.context)) / static_cast<double>(a.compression), pairs = all_pairs(chunk) / static_cast<double>(a.compression);
    scored += pairs;
    most_scored = std::max(most_scored, pairs);
    keys += entries;
    most_keys = std::max(most_keys, entries);
  }
  if (a.indexer.top > 0)
    ledger.add(Part::attention, "scores and choice of entries, prompts", kind.count, index_scores(a, rank_share(scored, most_scored, ranks), rank_share(keys, most_keys, ranks), false), f);
  ledger.add_seconds(Part::attention, "compressed attention, prompts", kind.count * f, about_.chip.efficiency.attention_of(Precision::bf16).launch.si() + rank_share(seconds, longest, ranks),
                     "launch + max(4 heads head_dim pairs / (matrix_peak.bf16 x attention.bf16.math), head_dim bytes pairs / gemm.bf16.l2_bandwidth); pairs = sum over queries of min(window, keys) + entries that it attends to");
  ledger.assume("compressed attention, prompts", kRates, kAsLatent, kUntimed);
}

}  // namespace zettatwin::inference::detail
