// SPDX-License-Identifier: Apache-2.0
// The operators of one pass of a batch through the whole model on one chip of an instance, by what they depend on: tokens of a data-parallel rank (products,
// norms, all-reduces), tokens of all ranks (routed experts), cached tokens (decoding attention), chunks (prompt attention), sampled tokens (head).
// All layers count, as if the instance had one pipeline stage.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "inference/detail/expert_spread.hpp"
#include "inference/detail/ledger.hpp"
#include "inference/timer.hpp"

namespace zettatwin::inference::detail {

inline constexpr std::int64_t kMostDecoding = 16;  // queries of a sequence that decoding kernels take

// A rank's share of a sum over the chunks of so many ranks, whose largest term is `longest`.
[[nodiscard]] double rank_share(double sum, double longest, std::int64_t ranks);

class Pass final {
 public:
  explicit Pass(const InstanceModel& about);

  // Products, small kernels and all-reduces of `tokens` of a rank, `decoding` of them with absorbed latent projections.
  void tokens(Ledger& ledger, std::int64_t tokens, std::int64_t decoding) const;
  // Routed experts for `group` tokens of all data-parallel ranks.
  void experts(Ledger& ledger, std::int64_t group) const;
  // Tokens of a rank to experts and back; with prompts among them ranks have different numbers.
  void exchange(Ledger& ledger, std::int64_t tokens, std::int64_t group, bool prompts) const;
  // Decoding attention of `sequences` of a rank, each with 1 + draft queries, on `cached` tokens together.
  void decoding(Ledger& ledger, std::int64_t sequences, double cached) const;
  // Attention of chunks of prompts on the busiest data-parallel rank, in one ragged kernel per layer: its launch once, tiles of the rank's chunks side by side,
  // never less than the longest chunk alone. The chunks are of `ranks` ranks, which share them as evenly as whole chunks allow: the mean, or the longest.
  void prompts(Ledger& ledger, std::span<const serving::Chunk> chunks, std::int64_t ranks) const;
  // Final norm, output projection, sampling of `sampled` tokens of a rank.
  void head(Ledger& ledger, std::int64_t sampled) const;
  // One draft layer with its pass through the head, for `sequences` of a rank; attention of one layer costs `attention`.
  void draft(Ledger& ledger, std::int64_t sequences, double attention_of_layer) const;
  // Whether the exchange of so many tokens runs on the chip's cores.
  [[nodiscard]] bool exchange_on_cores(std::int64_t tokens) const;
  // Between two pipeline stages.
  void sends(Ledger& ledger, std::int64_t tokens) const;

  [[nodiscard]] std::int64_t queries() const { return 1 + about_.engine.speculation.draft; }
  [[nodiscard]] double layers() const { return layers_; }
  [[nodiscard]] double latent_layers() const { return latent_layers_; }
  [[nodiscard]] bool has_experts() const { return has_experts_; }
  // Whether tokens() depends on how many of the tokens decode.
  [[nodiscard]] bool absorbs() const { return absorbs_; }
  // The outermost level of the machine that tokens cross on their way to experts; levels().size() if they stay.
  [[nodiscard]] std::size_t exchange_level() const { return about_.pool.dp > 1 || about_.pool.ffn_chips > 0 ? (gathers_ ? stage_ : expert_).outermost() : about_.machine.levels.size(); }

 private:
  struct Kind {
    const model::Layer* layer = nullptr;
    double count = 0;
    std::optional<ExpertSpread> spread;
  };
  void attention_tokens(Ledger& ledger, const Kind& kind, std::int64_t tokens, std::int64_t decoding) const;
  void latent_tokens(Ledger& ledger, const Kind& kind, std::int64_t tokens, std::int64_t decoding) const;
  void linear_tokens(Ledger& ledger, const Kind& kind, std::int64_t tokens) const;
  void feed_forward(Ledger& ledger, std::string_view name, double count, std::int64_t columns, bool gated, std::int64_t tokens) const;
  void shared_beside(Ledger& ledger, double count, std::int64_t columns, bool gated, std::int64_t tokens) const;
  // What tables of the layers add to every token; hyper-connections around a layer's blocks.
  void per_layer_inputs(Ledger& ledger, std::int64_t tokens) const;
  void residual_streams(Ledger& ledger, const Kind& kind, std::int64_t tokens) const;
  void attention_residuals(Ledger& ledger, std::int64_t tokens) const;
  void routing(Ledger& ledger, const Kind& kind, std::int64_t tokens) const;
  void cast(Ledger& ledger, Part part, double count, const Arithmetic& arithmetic, std::int64_t rows, std::int64_t columns) const;
  [[nodiscard]] compute::Gemm gemm(std::int64_t m, std::int64_t n, std::int64_t k, const Arithmetic& arithmetic) const;
  void small(Ledger& ledger, std::string_view name, double count, double kernels, double bytes) const;
  void reduce(Ledger& ledger, std::string_view name, double count, std::int64_t tokens) const;
  void gathered(Ledger& ledger, double count, double values, bool prompts) const;
  [[nodiscard]] ExchangeRequest dispatch_of(const model::MixtureOfExperts& experts, std::int64_t tokens) const;
  [[nodiscard]] std::int64_t width_of(const model::MixtureOfExperts& e) const { return e.latent > 0 ? e.latent : about_.model.hidden; }  // of what routed experts see
  [[nodiscard]] double sent_bytes() const;  // per feature of a token on its way to an expert
  [[nodiscard]] double rows_computed(const compute::ServedExperts& op, std::int64_t tokens) const;
  // Whether an operator library's kernels compute the routed experts.
  [[nodiscard]] bool library_experts() const;
  void ragged_attention(Ledger& ledger, const Kind& kind, std::span<const serving::Chunk> chunks, std::int64_t ranks) const;
  // Attention of one kind of layer on all keys.
  void full_prompts(Ledger& ledger, const Kind& kind, std::span<const serving::Chunk> chunks, std::int64_t ranks) const;
  // Whether prompts of latent attention are cast to the cache's format before they are multiplied.
  [[nodiscard]] bool casts_prompts() const { return about_.software.latent_prompts_as_cache && cache_ != hardware::Precision::bf16; }
  [[nodiscard]] double kernels_of(const model::Layer& layer) const;
  void linear_state(Ledger& ledger, const Kind& kind, std::int64_t sequences, std::int64_t tokens) const;

  // Compressed attention (compressed_attention.cpp).
  [[nodiscard]] static bool is_compressed(const Kind& kind) { return kind.layer->attention.kind == model::AttentionKind::compressed; }
  void compressed_tokens(Ledger& ledger, const Kind& kind, std::int64_t tokens) const;
  void compressed_decoding(Ledger& ledger, const Kind& kind, std::int64_t sequences, std::int64_t length) const;
  void compressed_prompts(Ledger& ledger, const Kind& kind, std::span<const serving::Chunk> chunks, std::int64_t ranks) const;

  // Sparse attention (sparse_attention.cpp).
  [[nodiscard]] static bool is_sparse(const Kind& kind);
  [[nodiscard]] std::int64_t index_heads(const model::Attention& a) const;
  [[nodiscard]] compute::IndexScores index_scores(const model::Attention& a, double pairs, double keys, bool decoding) const;
  void index_tokens(Ledger& ledger, const Kind& kind, std::int64_t tokens) const;
  void sparse_decoding(Ledger& ledger, const Kind& kind, std::int64_t sequences, std::int64_t length) const;
  [[nodiscard]] double sparse_seconds(const model::Attention& a, const serving::Chunk& chunk) const;
  [[nodiscard]] double absorbed_seconds(const model::Attention& a, std::int64_t tokens) const;
  void chosen_prompts(Ledger& ledger, const Kind& kind, std::span<const serving::Chunk> chunks, std::int64_t ranks) const;
  void sparse_prompts(Ledger& ledger, const Kind& kind, std::span<const serving::Chunk> chunks, std::int64_t ranks) const;

  const InstanceModel& about_;
  std::vector<Kind> kinds_;
  double layers_ = 0, latent_layers_ = 0;
  bool has_experts_ = false;
  bool absorbs_ = false;
  bool gathers_ = false;    // tokens of all ranks go to all chips
  bool holds_all_ = false;  // each chip with experts has the tokens of the whole group: gathered, or of one rank
  Arithmetic attention_, attention_output_, dense_, experts_;
  hardware::Precision cache_;
  std::int64_t ep_ = 1, expert_tp_ = 1;
  topology::Spread tensor_, expert_, stage_, pipeline_, head_;
};

}  // namespace zettatwin::inference::detail
