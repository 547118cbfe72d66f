// SPDX-License-Identifier: Apache-2.0
#include "inference/detail/pass.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/contract.hpp"
#include "compute/latent_cast.hpp"

namespace zettatwin::inference::detail {
namespace {

using compute::Gemm;
using hardware::Precision;
using model::AttentionKind;
using units::Bytes;

constexpr double kWide = 2;          // bytes of activations
constexpr double kStateBytes = 4;    // of linear attention's state
constexpr double kMovedByKernel = 6; // bytes per feature: two inputs and one output in 2 bytes
constexpr std::int64_t kChunkOfLinear = 64;  // tokens that linear attention computes as one block
constexpr double kChunkOfMamba = 128;        // likewise Mamba-2 (chunk_size of Nemotron-H)

std::int64_t share(std::int64_t whole, std::int64_t parts) { return (whole + parts - 1) / parts; }

topology::Spread spread(const topology::Fabric& fabric, std::int64_t size, std::int64_t stride) {
  return topology::spread_of(fabric, {.atoms = {{.size = size, .stride = stride}}});
}

// The chips of attention where feed-forwards have others, which lie behind them in every stage: units are the equal pieces of attention's side that the borders of each level leave.
topology::Fabric attention_side(const topology::Fabric& fabric, const Pool& pool) {
  if (pool.ffn_chips == 0) return fabric;
  const auto stage = pool.attention_chips() + pool.ffn_chips;
  auto side = fabric;
  side.filled.clear();
  for (std::size_t l = 0; l < fabric.used.size(); ++l) {
    const auto piece = std::gcd(fabric.border_step(l), stage);
    side.filled.push_back(piece == stage ? pool.attention_chips() : std::gcd(piece, pool.attention_chips()));
  }
  return side;
}

}  // namespace

Pass::Pass(const InstanceModel& about)
    : about_(about),
      attention_(arithmetic_of(about.chip, about.pool.attention_format(), about.pool.groups())),
      attention_output_(arithmetic_of(about.chip, about.pool.attention_output_format(), about.pool.groups())),
      dense_(arithmetic_of(about.chip, about.pool.weights, about.pool.groups())),
      experts_(arithmetic_of(about.chip, about.pool.expert_format(), about.pool.groups())),
      cache_(cache_precision(about.chip, about.pool.cache)),
      ep_(about.pool.expert_parallel(about.model)),
      expert_tp_(about.pool.expert_tp(about.model)) {
  const auto& pool = about.pool;
  if (about.software.fp4_casts)
    for (auto* arithmetic : {&attention_, &attention_output_, &dense_, &experts_}) arithmetic->casts |= arithmetic->precision == Precision::fp4;
  std::int64_t choices = 0;
  for (const auto& run : about.model.runs) {
    const auto& layer = about.model.kinds[run.kind];
    layers_ += static_cast<double>(run.count);
    if (layer.attention.kind == AttentionKind::multi_latent || layer.attention.kind == AttentionKind::compressed) latent_layers_ += static_cast<double>(run.count);
    const auto known = std::find_if(kinds_.begin(), kinds_.end(), [&](const Kind& k) { return k.layer == &layer; });
    if (known != kinds_.end()) {
      known->count += static_cast<double>(run.count);
      continue;
    }
    Kind kind{.layer = &layer, .count = static_cast<double>(run.count), .spread = std::nullopt};
    if (layer.experts) {
      kind.spread.emplace(pool.load, *layer.experts, ep_ - pool.shared_copies, pool.redundant_experts);
      choices = std::max(choices, layer.experts->top_k);
    }
    has_experts_ |= layer.is_moe();
    absorbs_ |= layer.attention.kind == AttentionKind::multi_latent;
    kinds_.push_back(std::move(kind));
  }
  const auto traffic = about.software.expert_traffic;
  gathers_ = traffic == ExpertTraffic::gather || (traffic == ExpertTraffic::gather_few && pool.ffn_chips == 0 && ep_ <= choices);
  holds_all_ = pool.ffn_chips == 0 && (gathers_ || pool.dp == 1 || expert_tp_ > 1);
  const auto side = attention_side(about.fabric, pool);
  tensor_ = spread(side, pool.tp, 1);
  // With chips of their own, experts lie behind attention's: their exchange crosses both sides.
  const auto stage = pool.attention_chips() + pool.ffn_chips;
  expert_ = pool.ffn_chips > 0 ? spread(about.fabric, stage, 1) : spread(about.fabric, ep_, expert_tp_);
  stage_ = spread(side, pool.dp, pool.tp);
  head_ = spread(side, std::max<std::int64_t>(1, pool.head_tp / pool.tp), pool.tp);
  pipeline_ = pool.pp > 1 ? topology::spread_of_neighbours(about.fabric, stage, pool.pp) : topology::Spread{std::vector<std::int64_t>(about.machine.levels.size(), 1)};
}

Gemm Pass::gemm(std::int64_t m, std::int64_t n, std::int64_t k, const Arithmetic& arithmetic) const {
  return {.m = m, .n = n, .k = k, .precision = arithmetic.precision, .weight_bytes = arithmetic.weight_bytes};
}

void Pass::cast(Ledger& ledger, Part part, double count, const Arithmetic& arithmetic, std::int64_t rows, std::int64_t columns) const {
  if (!arithmetic.casts) return;
  ledger.add(part, "cast", count, compute::Quantise{.elements = static_cast<double>(rows) * static_cast<double>(columns), .precision = arithmetic.precision, .dynamic = true}, about_.software.kernels.si());
}

void Pass::small(Ledger& ledger, std::string_view name, double count, double kernels, double bytes) const {
  const auto whole = static_cast<std::int64_t>(kernels);
  ledger.add(Part::kernels, name, count, compute::MemoryOp{.bytes = Bytes::from_si(bytes), .kernels = whole}, about_.software.kernels.si());
  ledger.add(Part::kernels, "kernel_gap", count * kernels, about_.software.kernel_gap);
}

void Pass::reduce(Ledger& ledger, std::string_view name, double count, std::int64_t tokens) const {
  const double bytes = kWide * static_cast<double>(tokens * about_.model.hidden);
  if (about_.pool.tp > 1) ledger.add(Part::all_reduce, name, count, all_reduce(about_.fabric, tensor_, bytes), bytes);
}

void Pass::latent_tokens(Ledger& ledger, const Kind& kind, std::int64_t tokens, std::int64_t decoding) const {
  const auto& a = kind.layer->attention;
  const auto hidden = about_.model.hidden, heads = share(a.heads, about_.pool.tp);
  const double f = about_.software.kernels.si();
  const auto narrow = a.q_lora_rank > 0 ? a.q_lora_rank : heads * (a.qk_nope_dim + a.qk_rope_dim);
  const bool fused = about_.software.fused_latent && tokens == decoding;
  const auto within = [&](std::string_view name, const Gemm& op) {
    if (fused) ledger.add_within(Part::projections, name, kind.count, op, f);
    else ledger.add(Part::projections, name, kind.count, op, f);
  };
  if (!fused) cast(ledger, Part::projections, kind.count, attention_, tokens, hidden);
  ledger.add(Part::projections, "projection to latents", kind.count, gemm(tokens, narrow + a.kv_lora_rank + a.qk_rope_dim, hidden, attention_), f);
  if (a.q_lora_rank > 0) {
    if (!fused) cast(ledger, Part::projections, kind.count, attention_, tokens, a.q_lora_rank);
    within("query projection", gemm(tokens, heads * (a.qk_nope_dim + a.qk_rope_dim), a.q_lora_rank, attention_));
  }
  // Absorbed projections of decoding tokens, head by head.
  const auto absorbed = [&](std::int64_t n, std::int64_t k) { return Gemm{.m = decoding, .n = n, .k = k, .batch = heads}; };
  within("absorbed key projection", absorbed(a.kv_lora_rank, a.qk_nope_dim));
  ledger.add(Part::projections, "absorbed value projection", kind.count, absorbed(a.v_head_dim, a.kv_lora_rank), f);
  if (a.output_gate) ledger.add(Part::projections, "gates of the outputs", kind.count, gemm(tokens, heads * a.v_head_dim, hidden, attention_), f);
  cast(ledger, Part::projections, kind.count, attention_output_, tokens, heads * a.v_head_dim);
  ledger.add(Part::projections, "output projection", kind.count, gemm(tokens, hidden, heads * a.v_head_dim, attention_output_), f);
}

void Pass::attention_tokens(Ledger& ledger, const Kind& kind, std::int64_t tokens, std::int64_t decoding) const {
  const auto& a = kind.layer->attention;
  if (a.kind == AttentionKind::multi_latent) return latent_tokens(ledger, kind, tokens, decoding);
  if (a.kind == AttentionKind::linear) return linear_tokens(ledger, kind, tokens);
  if (is_compressed(kind)) return compressed_tokens(ledger, kind, tokens);
  const auto hidden = about_.model.hidden, tp = about_.pool.tp;
  const auto heads = share(a.heads, tp), keys = a.shared_keys ? 0 : share(a.kv_heads, tp);
  const auto queries = a.q_lora_rank > 0 ? a.q_lora_rank : heads * a.head_dim * (a.output_gate ? 2 : 1);
  const auto columns = queries + keys * (a.head_dim + (a.keys_are_values ? 0 : a.v_head_dim)) + (a.head_gate ? heads : 0);
  const double f = about_.software.kernels.si();
  cast(ledger, Part::projections, kind.count, attention_, tokens, hidden);
  ledger.add(Part::projections, a.shared_keys ? "query projection" : "qkv projection", kind.count, gemm(tokens, columns, hidden, attention_), f);
  if (a.q_lora_rank > 0) {
    cast(ledger, Part::projections, kind.count, attention_, tokens, a.q_lora_rank);
    ledger.add(Part::projections, "query projection", kind.count, gemm(tokens, heads * a.head_dim, a.q_lora_rank, attention_), f);
  }
  cast(ledger, Part::projections, kind.count, attention_output_, tokens, heads * a.v_head_dim);
  ledger.add(Part::projections, "output projection", kind.count, gemm(tokens, hidden, heads * a.v_head_dim, attention_output_), f);
  // A norm over all heads of a projection needs the sums of the other tensor-parallel ranks.
  if (a.qk_norm && a.qk_norm_per_projection && tp > 1) {
    const double bytes = kStateBytes * 2 * static_cast<double>(tokens);
    ledger.add(Part::all_reduce, "norm over all heads", kind.count, all_reduce(about_.fabric, tensor_, bytes), bytes);
  }
}

// Queries, keys, values and gates in one product, unless gates go through a low rank; scalars per head in 16 bits. Decays per channel are projected through a low rank.
void Pass::linear_tokens(Ledger& ledger, const Kind& kind, std::int64_t tokens) const {
  const auto& a = kind.layer->attention;
  const auto hidden = about_.model.hidden, tp = about_.pool.tp;
  const auto heads = share(a.heads, tp), keys = share(a.kv_heads, tp) * a.head_dim, values = heads * a.v_head_dim;
  const double f = about_.software.kernels.si();
  cast(ledger, Part::projections, kind.count, attention_, tokens, hidden);
  ledger.add(Part::projections, "linear attention's projections", kind.count, gemm(tokens, 2 * keys + values * (a.gate_rank > 0 ? 1 : 2), hidden, attention_), f);
  const bool both = a.rule == model::LinearRule::delta;
  ledger.add(Part::projections, both ? "decay and step projection" : "step projection", kind.count, Gemm{.m = tokens, .n = (both ? 2 : 1) * heads, .k = hidden}, f);
  if (const auto low = a.decay_rank + a.gate_rank; low > 0) {
    ledger.add(Part::projections, "down to decays and gates", kind.count, gemm(tokens, low, hidden, attention_), f);
    if (a.decay_rank > 0) ledger.add(Part::projections, "decays per channel", kind.count, gemm(tokens, heads * a.head_dim, a.decay_rank, attention_), f);
    if (a.gate_rank > 0) ledger.add(Part::projections, "gates of the outputs", kind.count, gemm(tokens, values, a.gate_rank, attention_), f);
  }
  cast(ledger, Part::projections, kind.count, attention_output_, tokens, values);
  ledger.add(Part::projections, "output projection", kind.count, gemm(tokens, hidden, values, attention_output_), f);
}

void Pass::feed_forward(Ledger& ledger, std::string_view name, double count, std::int64_t columns, bool gated, std::int64_t tokens) const {
  const auto hidden = about_.model.hidden;
  const double f = about_.software.kernels.si();
  cast(ledger, Part::dense, count, dense_, tokens, hidden);
  ledger.add(Part::dense, std::string(name) + ", up", count, gemm(tokens, gated ? 2 * columns : columns, hidden, dense_), f);
  cast(ledger, Part::dense, count, dense_, tokens, columns);
  ledger.add(Part::dense, std::string(name) + ", down", count, gemm(tokens, hidden, columns, dense_), f);
}

// On a second stream: launches, casts and latencies pass beside the routed experts, which have as many; what both need of memory and matrix units adds up.
void Pass::shared_beside(Ledger& ledger, double count, std::int64_t columns, bool gated, std::int64_t tokens) const {
  const double weights = (gated ? 3.0 : 2.0) * static_cast<double>(columns * about_.model.hidden);
  const auto& efficiency = about_.chip.efficiency.gemm_of(dense_.precision);
  const double stream = weights * dense_.weight_bytes / (about_.chip.memory.bandwidth.si() * efficiency.memory.si());
  const double products = 2 * weights * static_cast<double>(tokens) / (about_.chip.peak(dense_.precision).si() * efficiency.math.si());
  ledger.add_seconds(Part::dense, "shared experts on a second stream", count, std::max(stream, products) * about_.software.kernels.si(),
                     "max(weights bytes / (memory.bandwidth x gemm.memory), 2 weights tokens / (matrix_peak x gemm.math)); launches pass beside the routed experts");
}

void Pass::routing(Ledger& ledger, const Kind& kind, std::int64_t tokens) const {
  const auto& e = *kind.layer->experts;
  const auto choices = e.routed_experts + e.zero_experts;
  const double f = about_.software.kernels.si();
  if (e.wide_router && compute::has_wide_gemm(about_.chip)) {
    constexpr double kMoved = 2 + 4;  // bytes of a value, read and written
    ledger.add(Part::router, "hidden states to 32 bits", kind.count, compute::MemoryOp{.bytes = Bytes::from_si(kMoved * static_cast<double>(tokens * about_.model.hidden)), .kernels = 1}, f);
    ledger.add(Part::router, "router", kind.count, compute::WideGemm{.m = tokens, .n = choices, .k = about_.model.hidden, .tf32 = about_.software.tf32}, f);
  } else {
    ledger.add(Part::router, "router", kind.count, Gemm{.m = tokens, .n = choices, .k = about_.model.hidden}, f);
  }
  small(ledger, "choice of experts", kind.count, about_.software.routing_kernels.si(), kStateBytes * static_cast<double>(tokens * e.routed_experts));
  if (e.latent == 0) return;
  const auto hidden = about_.model.hidden;
  ledger.add(Part::router, "latent of the experts", kind.count, Gemm{.m = tokens, .n = e.latent, .k = hidden}, about_.software.kernels.si());
  ledger.add(Part::router, "latent of the experts back", kind.count, Gemm{.m = tokens, .n = hidden, .k = e.latent}, about_.software.kernels.si());
}

// Beside the usual ones: a norm of queries and keys, a gate on attention's outputs, a gate on the shared expert's, the convolution and gates of linear attention.
double Pass::kernels_of(const model::Layer& layer) const {
  const auto& a = layer.attention;
  const bool latent = a.kind == AttentionKind::multi_latent || a.kind == AttentionKind::compressed;
  double kernels = latent ? about_.software.small_kernels_latent.si() : about_.software.small_kernels.si();
  if (!layer.has_feed_forward()) kernels /= 2;
  if (a.qk_norm) kernels += 1;
  if (a.output_gate || a.head_gate) kernels += 1;
  if (layer.experts && layer.experts->shared_gate) kernels += 1;
  if (layer.experts && layer.experts->shared_intermediate > 0 && about_.pool.shared_copies == 0) kernels += 1;  // its activation, and the sum with the routed experts
  if (a.kind == AttentionKind::linear) kernels += 2;
  if (a.decay_rank > 0) kernels += 1;  // from projections to decays
  return kernels;
}

// A gate of the layer's features, their product with what the token has in the layer's table, a projection and a norm. Once a step: rows of the tables, and what hidden adds.
void Pass::per_layer_inputs(Ledger& ledger, std::int64_t tokens) const {
  const auto width = about_.model.per_layer_width, hidden = about_.model.hidden;
  if (width == 0) return;
  const double f = about_.software.kernels.si();
  const auto whole = static_cast<std::int64_t>(layers_) * width;
  ledger.add(Part::dense, "inputs of all layers", 1, Gemm{.m = tokens, .n = whole, .k = hidden}, f);
  ledger.add(Part::dense, "gate of a layer's input", layers_, Gemm{.m = tokens, .n = width, .k = hidden}, f);
  ledger.add(Part::dense, "projection of a layer's input", layers_, Gemm{.m = tokens, .n = hidden, .k = width}, f);
  small(ledger, "rows of the layers' tables", 1, 2, kMovedByKernel * static_cast<double>(tokens * whole));
  constexpr double kKernels = 2;  // gate, norm with its sum
  small(ledger, "small kernels of a layer's input", layers_, kKernels, kKernels * kMovedByKernel * static_cast<double>(tokens * hidden));
}

// Before each block and at the end: sums of earlier layers and the current one are read, their weighted sum is written. Layer i begins with ceil(i / block) sums.
void Pass::attention_residuals(Ledger& ledger, std::int64_t tokens) const {
  const auto block = about_.model.residual_block, layers = about_.model.layers();
  if (block == 0) return;
  std::int64_t read = 0;
  for (std::int64_t i = 0; i < layers; ++i) read += (i + block - 1) / block + 1 + i / block + 2;  // before attention, before the feed-forward
  read += (layers + block - 1) / block + 1;
  const auto blocks = static_cast<double>(2 * layers + 1);
  small(ledger, "attention residuals", blocks, 1, kWide * static_cast<double>(tokens * about_.model.hidden) * (static_cast<double>(read) / blocks + 1));
  ledger.assume("kernel_gap", "kernels before a block", "1 that weighs, sums and normalises", "no public timings");
}

// Around a block: the weights are projected from all streams (in 4 bytes), the block's input is joined from the streams, its output is added to the mixed streams.
void Pass::residual_streams(Ledger& ledger, const Kind& kind, std::int64_t tokens) const {
  const auto n = about_.model.residual_streams, hidden = about_.model.hidden;
  if (n == 1) return;
  const double blocks = kind.count * (kind.layer->has_feed_forward() ? 2 : 1);
  ledger.add(Part::dense, "weights of the residual streams", blocks, Gemm{.m = tokens, .n = (n + 2) * n, .k = n * hidden, .weight_bytes = kStateBytes}, about_.software.kernels.si());
  constexpr double kKernels = 2;  // weights and join; mix
  small(ledger, "residual streams", blocks, kKernels, kWide * static_cast<double>(tokens * hidden * (3 * n + 2)));
  ledger.assume("kernel_gap", "kernels around a block", "2 beside the product", "as vLLM fuses them; no public timings");
}

void Pass::tokens(Ledger& ledger, std::int64_t tokens, std::int64_t decoding) const {
  const auto& pool = about_.pool;
  const auto hidden = about_.model.hidden;
  const bool apart = pool.ffn_chips > 0;
  const bool beside = !apart && tokens == decoding && tokens <= about_.software.shared_stream && about_.software.captured(tokens);
  for (const auto& kind : kinds_) {
    const auto& layer = *kind.layer;
    attention_tokens(ledger, kind, tokens, decoding);
    index_tokens(ledger, kind, tokens);
    residual_streams(ledger, kind, tokens);
    const double kernels = kernels_of(layer);
    small(ledger, "small kernels", kind.count, kernels, kernels * kMovedByKernel * static_cast<double>(tokens * hidden));
    reduce(ledger, "after attention", kind.count, tokens);
    // Chips of the feed-forwards alone see the tokens of all ranks.
    const auto rows = apart ? share(tokens * pool.dp, layer.dense ? 1 : pool.ffn_chips) : tokens;
    const auto cut = apart ? (layer.dense ? pool.ffn_chips : 1) : pool.tp;
    if (layer.dense) feed_forward(ledger, "dense feed-forward", kind.count, share(layer.dense->intermediate, cut), layer.dense->gated, rows);
    if (layer.experts) {
      routing(ledger, kind, tokens);
      const auto shared = pool.shared_copies > 0 ? 0 : layer.experts->shared_intermediate;
      if (layer.experts->shared_gate) ledger.add(Part::router, "gate of the shared expert", kind.count, Gemm{.m = tokens, .n = 1, .k = hidden}, about_.software.kernels.si());
      if (shared > 0 && beside) shared_beside(ledger, kind.count, share(shared, cut), layer.experts->gated, rows);
      else if (shared > 0) feed_forward(ledger, "shared experts", kind.count, share(shared, cut), layer.experts->gated, rows);
    }
    // One sum for the whole feed-forward; with data-parallel ranks routed experts' results come back by exchange.
    if (!apart && layer.has_feed_forward()) reduce(ledger, "after feed-forward", kind.count, tokens);
  }
  per_layer_inputs(ledger, tokens);
  attention_residuals(ledger, tokens);
}

ExchangeRequest Pass::dispatch_of(const model::MixtureOfExperts& e, std::int64_t tokens) const {
  const auto outer = std::min(expert_.outermost(), expert_.fanout.size() - 1);
  const auto limit = e.group_limit > 0 ? std::max<std::int64_t>(1, share(e.group_limit * expert_.fanout[outer], e.groups)) : 0;
  return {.tokens = static_cast<double>(tokens) / static_cast<double>(about_.pool.tp), .copies = static_cast<double>(e.top_k + (about_.pool.shared_copies > 0 ? 1 : 0)), .bytes_per_copy = sent_bytes() * static_cast<double>(width_of(e)),
          .reachable_units = limit};
}

bool Pass::exchange_on_cores(std::int64_t tokens) const {
  for (const auto& kind : kinds_)
    if (kind.layer->experts) return gathers_ || inference::exchange(about_.fabric, expert_, dispatch_of(*kind.layer->experts, tokens)).bulk;
  return false;
}

// All tokens to all chips, as so many values, and their results to the ranks.
void Pass::gathered(Ledger& ledger, double count, double values, bool prompts) const {
  const bool reduced = prompts && about_.software.reduced_gathers;
  const auto add = [&](std::string_view name, double bytes, bool results) {
    ledger.add(Part::exchange, name, count, reduced ? all_reduce(about_.fabric, stage_, bytes) : gather(about_.fabric, stage_, bytes, results), bytes);
  };
  add("gather of tokens", values * (reduced || about_.software.wide_gathers ? kWide : sent_bytes()), false);
  add("sum of results", values * kWide, true);
}

void Pass::exchange(Ledger& ledger, std::int64_t tokens, std::int64_t group, bool prompts) const {
  const auto& pool = about_.pool;
  if (!has_experts_ || (pool.dp == 1 && pool.ffn_chips == 0)) return;
  const double sent = sent_bytes();
  for (const auto& kind : kinds_) {
    if (!kind.layer->experts) continue;
    const auto& e = *kind.layer->experts;
    const auto hidden = static_cast<double>(width_of(e));
    if (gathers_ || (expert_tp_ > 1 && pool.ffn_chips == 0)) {
      gathered(ledger, kind.count, static_cast<double>(group) * hidden, prompts);
      continue;
    }
    const auto request = dispatch_of(e, tokens);
    ExchangeRequest back = request;
    back.bytes_per_copy = kWide * hidden;
    const double bytes = request.tokens * request.copies * hidden;
    ledger.add(Part::exchange, "dispatch", kind.count, inference::exchange(about_.fabric, expert_, request), bytes * sent);
    ledger.add(Part::exchange, "combine", kind.count, inference::exchange(about_.fabric, expert_, back), bytes * kWide);
    if (pool.tp > 1) {  // each tensor-parallel rank had a part of the tokens
      const double whole = kWide * static_cast<double>(tokens) * hidden;
      ledger.add(Part::exchange, "gather within attention's ranks", kind.count, gather(about_.fabric, tensor_, whole, false), whole);
    }
  }
}

void Pass::linear_state(Ledger& ledger, const Kind& kind, std::int64_t sequences, std::int64_t tokens) const {
  const auto& a = kind.layer->attention;
  const auto tp = about_.pool.tp;
  const auto values = static_cast<double>(share(a.heads, tp)), keys = static_cast<double>(share(a.kv_heads, tp));
  const auto dk = static_cast<double>(a.head_dim), dv = static_cast<double>(a.v_head_dim);
  const double state = 2 * kStateBytes * values * dk * dv * static_cast<double>(sequences);  // read and written
  const double features = 2 * keys * dk + 3 * values * dv + (a.decay_rank > 0 ? values * dk : 0);  // decays per channel are read
  const double moved = 2 * kWide * features * static_cast<double>(tokens);
  constexpr std::int64_t kKernels = 3;  // convolution, recurrence, gated norm
  ledger.add(Part::attention, "linear attention", kind.count, compute::MemoryOp{.bytes = Bytes::from_si(state + moved), .kernels = kKernels}, about_.software.kernels.si());
  if (tokens <= kMostDecoding * sequences) return;
  // Blocks of a prompt: scores within the block, products with the state and its update. Mamba-2 has scores per group and no product of keys with keys.
  const bool mamba = a.rule == model::LinearRule::mamba2;
  const double flop = mamba ? 2 * static_cast<double>(tokens) * (kChunkOfMamba * (keys * dk + values * dv) + 2 * values * dk * dv)
                            : 2 * static_cast<double>(tokens) * values * (2 * static_cast<double>(kChunkOfLinear) * (dk + dv) + 3 * dk * dv);
  const double rate = about_.chip.peak(Precision::bf16).si() * about_.chip.efficiency.attention_of(Precision::bf16).math.si();
  constexpr std::string_view kName = "linear attention's products";
  ledger.add_seconds(Part::attention, kName, kind.count, flop / rate, mamba ? "2 tokens (128 (groups dk + heads dv) + 2 heads dk dv) / (matrix_peak.bf16 x attention.bf16.math)" : "2 tokens heads (2 x 64 (dk + dv) + 3 dk dv) / (matrix_peak.bf16 x attention.bf16.math)");
  if (a.rule == model::LinearRule::channel_delta) ledger.assume(kName, "decays per channel", "blocks as with a decay per head", "keys are scaled within blocks of 16 first; no public timings");
}

void Pass::decoding(Ledger& ledger, std::int64_t sequences, double cached) const {
  if (sequences == 0) return;
  const auto length = std::max<std::int64_t>(queries(), static_cast<std::int64_t>(std::ceil(cached / static_cast<double>(sequences))));
  const auto tp = about_.pool.tp;
  const double f = about_.software.kernels.si();
  for (const auto& kind : kinds_) {
    const auto& a = kind.layer->attention;
    if (a.kind == AttentionKind::linear) {
      linear_state(ledger, kind, sequences, sequences * queries());
    } else if (is_compressed(kind)) {
      compressed_decoding(ledger, kind, sequences, length);
    } else if (is_sparse(kind)) {
      sparse_decoding(ledger, kind, sequences, length);
    } else if (a.kind == AttentionKind::multi_latent) {
      ledger.add(Part::attention, "latent attention, decoding", kind.count,
                 compute::LatentDecode{.batch = sequences, .heads = share(a.heads, tp), .q_length = queries(), .kv_length = length, .latent = a.kv_lora_rank, .rope = a.qk_rope_dim, .precision = cache_}, f);
    } else {
      ledger.add_decoding("attention, decoding", kind.count,
                          compute::AttentionOp{.batch = sequences, .heads = share(a.heads, tp), .kv_heads = share(a.kv_heads, tp), .q_length = queries(), .kv_length = length, .head_dim = a.head_dim,
                                               .v_head_dim = a.v_head_dim, .window = a.window, .precision = cache_}, f);
    }
  }
}

double rank_share(double sum, double longest, std::int64_t ranks) { return std::max(sum / static_cast<double>(ranks), longest); }

void Pass::ragged_attention(Ledger& ledger, const Kind& kind, std::span<const serving::Chunk> chunks, std::int64_t ranks) const {
  const auto& a = kind.layer->attention;
  const bool latent = a.kind == AttentionKind::multi_latent;
  const auto heads = share(a.heads, about_.pool.tp);
  const auto precision = latent && !casts_prompts() ? Precision::bf16 : cache_;
  double launch = 0, together = 0, alone = 0, memory = 0, longest = 0;
  compute::KernelFamily family;
  compute::AttentionOp slowest;
  for (const auto& chunk : chunks) {
    // Prompts run in kernels of prompts however short they are.
    const auto queries = std::max<std::int64_t>(chunk.tokens, kMostDecoding + 1);
    const compute::AttentionOp op{.batch = 1, .heads = heads, .kv_heads = latent ? heads : share(a.kv_heads, about_.pool.tp), .q_length = queries, .kv_length = queries + chunk.context,
                                  .head_dim = a.head_dim, .v_head_dim = a.v_head_dim, .window = a.indexer.top > 0 ? a.indexer.keys() : a.window, .precision = precision};
    const auto t = compute::time_of(about_.chip, op);
    family = compute::family_of(about_.chip, op);
    launch = std::max(launch, t.overhead.si());
    together += t.math.si() * std::min(1.0, t.waves);
    if (t.math.si() >= alone) slowest = op;
    alone = std::max(alone, t.math.si());
    memory += t.memory.si();
    longest = std::max(longest, t.memory.si());
  }
  const double tiles = rank_share(together, alone, ranks);
  const std::string_view name = latent ? "latent attention, prompts" : "attention, prompts";
  ledger.add_seconds(Part::attention, name, kind.count * about_.software.kernels.si(), launch + tiles + rank_share(memory, longest, ranks),
                     "launch + max(sum of tiles over cores, longest chunk alone) + sum of traffic, of the rank's chunks; each as flash attention in docs/math/operator_time.md", family);
  ledger.rest_on(name, slowest);
}

void Pass::prompts(Ledger& ledger, std::span<const serving::Chunk> chunks, std::int64_t ranks) const {
  if (chunks.empty()) return;
  double tokens = 0, longest = 0;
  for (const auto& chunk : chunks) {
    tokens += chunk.tokens;
    longest = std::max<double>(longest, chunk.tokens);
  }
  const auto rank_tokens = static_cast<std::int64_t>(std::ceil(rank_share(tokens, longest, ranks)));
  for (const auto& kind : kinds_) {
    const auto& a = kind.layer->attention;
    if (a.kind == AttentionKind::linear) linear_state(ledger, kind, share(static_cast<std::int64_t>(chunks.size()), ranks), rank_tokens);
    else if (is_compressed(kind)) compressed_prompts(ledger, kind, chunks, ranks);
    else if (is_sparse(kind)) sparse_prompts(ledger, kind, chunks, ranks);
    else full_prompts(ledger, kind, chunks, ranks);
  }
}

void Pass::full_prompts(Ledger& ledger, const Kind& kind, std::span<const serving::Chunk> chunks, std::int64_t ranks) const {
  const auto& a = kind.layer->attention;
  double tokens = 0, most_tokens = 0, keys = 0, most_keys = 0;
  for (const auto& chunk : chunks) {
    const double own = chunk.tokens, seen = own + chunk.context;
    tokens += own;
    keys += seen;
    most_tokens = std::max(most_tokens, own);
    most_keys = std::max(most_keys, seen);
  }
  if (a.kind == AttentionKind::multi_latent) {
    // Keys and values of the context are projected from their latents again.
    const auto rank_keys = static_cast<std::int64_t>(std::ceil(rank_share(keys, most_keys, ranks)));
    const auto heads = share(a.heads, about_.pool.tp);
    const double f = about_.software.kernels.si();
    ledger.add(Part::projections, "key and value projection", kind.count, gemm(rank_keys, heads * (a.qk_nope_dim + a.v_head_dim), a.kv_lora_rank, attention_), f);
    ledger.add(Part::attention, "keys and queries put together", kind.count,
               compute::latent_preparation(std::ceil(rank_share(tokens, most_tokens, ranks)), static_cast<double>(rank_keys), heads, a.qk_nope_dim, a.qk_rope_dim, a.v_head_dim), f);
    if (casts_prompts())
      ledger.add(Part::attention, "cast of queries, keys and values", kind.count,
                 compute::latent_cast(std::ceil(rank_share(tokens, most_tokens, ranks)), static_cast<double>(rank_keys), heads, a.qk_nope_dim + a.qk_rope_dim, a.v_head_dim), f);
  }
  ragged_attention(ledger, kind, chunks, ranks);
}

void Pass::head(Ledger& ledger, std::int64_t sampled) const {
  const auto& model = about_.model;
  if (sampled == 0) return;
  // Cut over several data-parallel ranks, it computes the tokens of all of them: they are gathered, and each rank gets its tokens' logits back.
  const auto cut = about_.pool.head_tp > 0 ? about_.pool.head_tp : about_.pool.tp, ranks = cut / about_.pool.tp;
  ledger.add(Part::head, "output projection to the vocabulary", 1, Gemm{.m = sampled * ranks, .n = share(model.vocabulary, cut), .k = model.hidden}, about_.software.kernels.si());
  if (ranks > 1) {
    const double tokens = kWide * static_cast<double>(sampled * ranks * model.hidden), logits = kWide * static_cast<double>(sampled * model.vocabulary);
    ledger.add(Part::head, "gather of hidden states", 1, gather(about_.fabric, head_, tokens, false), tokens);
    ledger.add(Part::head, "return of logits", 1, gather(about_.fabric, head_, logits, false), logits);
  }
  ledger.add(Part::sampling, "sampling", 1, about_.software.sampling);
  ledger.add(Part::sampling, "sampling_sequence", static_cast<double>(sampled), about_.software.sampling_sequence);
}

void Pass::draft(Ledger& ledger, std::int64_t sequences, double attention_of_layer) const {
  Ledger one(about_.chip), last(about_.chip);
  tokens(one, sequences, sequences);
  experts(one, sequences * about_.pool.dp);
  exchange(one, sequences, sequences * about_.pool.dp, false);
  head(last, sequences);
  const auto projection = compute::time_of(about_.chip, gemm(sequences, about_.model.hidden, 2 * about_.model.hidden, dense_)).time.seconds().si();
  const double layer = one.total() / layers_ + attention_of_layer + projection + last.total();
  ledger.add_seconds(Part::draft, "draft layer and head", static_cast<double>(queries() - 1), layer, "mean layer + projection of hidden state and embedding + head, once per drafted token");
}

void Pass::sends(Ledger& ledger, std::int64_t tokens) const {
  if (about_.pool.pp == 1) return;
  // Beside the residual stream the others, or on average half of the sums that stay apart.
  const auto& model = about_.model;
  const double streams = static_cast<double>(model.residual_streams) + (model.residual_block > 0 ? 0.5 * std::ceil(static_cast<double>(model.layers()) / static_cast<double>(model.residual_block)) : 0);
  const double bytes = kWide * static_cast<double>(tokens * model.hidden) * streams / static_cast<double>(about_.pool.tp);
  ledger.add(Part::pipeline, "to the next stage", static_cast<double>(about_.pool.pp), send(about_.fabric, pipeline_, bytes), bytes);
}

}  // namespace zettatwin::inference::detail
