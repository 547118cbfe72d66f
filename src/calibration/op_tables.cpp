// SPDX-License-Identifier: Apache-2.0
#include "calibration/op_tables.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <tuple>

#include "base/stable_hash.hpp"
#include "compute/latent_cast.hpp"
#include "config/csv.hpp"

namespace zettatwin::calibration {
namespace {

using config::Csv;
using config::number_of;
using hardware::Precision;

constexpr double kMillisecond = 1e-3;

// One row by column names; problems go to diagnostics and read as 0.
class Row final {
 public:
  Row(const Csv& csv, std::size_t row, config::Diagnostics& diagnostics) : csv_(csv), row_(row), diagnostics_(diagnostics) {}

  [[nodiscard]] std::string_view text(std::string_view column) const {
    const auto at = csv_.column(column);
    return at ? csv_.cell(row_, *at) : std::string_view{};
  }
  [[nodiscard]] double number(std::string_view column) const {
    const auto at = csv_.column(column);
    const auto value = at ? number_of(csv_.cell(row_, *at)) : std::nullopt;
    if (value && *value >= 0) return *value;
    diagnostics_.error(at ? csv_.where(row_, *at) : csv_.title_place(), fmt::format("'{}' is no number of column {}", text(column), column), "every row needs one, not negative");
    return 0;
  }
  [[nodiscard]] std::int64_t whole(std::string_view column) const { return static_cast<std::int64_t>(number(column)); }

 private:
  const Csv& csv_;
  std::size_t row_;
  config::Diagnostics& diagnostics_;
};

template <class... Values>
std::uint64_t group_of(Values... values) {
  StableHash hash;
  (hash.add(static_cast<std::int64_t>(values)), ...);
  return hash.value();
}

std::optional<Precision> precision_of(std::string_view word) {
  if (word == "bfloat16") return Precision::bf16;
  if (word == "fp8") return Precision::fp8;
  if (word == "fp8_block") return Precision::mxfp8;  // the same multipliers, widths and kernels: one scale per 128 or 32 values
  if (word == "nvfp4") return Precision::fp4;
  return std::nullopt;
}

// Families in the order of their names, casts first: products are fitted with the casts before them.
class Collection final {
 public:
  void add(const Family& family, Sample sample) { map_[family].push_back(std::move(sample)); }
  // Of a family that other families' figures describe.
  void judge(const Family& family, Sample sample) { judged_[family].push_back(std::move(sample)); }
  [[nodiscard]] std::vector<FamilySamples> take() {
    std::vector<FamilySamples> list;
    for (auto& [family, samples] : map_) {
      std::vector<Family> fitted{family};
      const Family casts{"dynamic_quantise", family.precision};
      if (family.kind == "gemm" && family.precision != Precision::bf16 && !map_.contains(casts)) fitted.push_back(casts);
      list.push_back({family, std::move(fitted), std::move(samples)});
    }
    std::stable_partition(list.begin(), list.end(), [](const FamilySamples& f) { return f.family.kind == "dynamic_quantise"; });
    for (auto& [family, samples] : judged_) list.push_back({family, {}, std::move(samples)});
    return list;
  }

 private:
  std::map<Family, std::vector<Sample>> map_, judged_;
};

void gemm(const Row& row, Collection& into) {
  const auto p = precision_of(row.text("gemm_dtype"));
  if (!p) return;
  const compute::Gemm op{.m = row.whole("m"), .n = row.whole("n"), .k = row.whole("k"), .precision = *p};
  Sample sample{{op}, row.number("latency") * kMillisecond, group_of(op.n, op.k)};
  if (*p != Precision::bf16) sample.operators.emplace_back(compute::Quantise{.elements = static_cast<double>(op.m) * static_cast<double>(op.k), .precision = *p, .dynamic = true});
  into.add({"gemm", *p}, std::move(sample));
}

// A cache of 8-bit values makes the products 8-bit ones too, whatever the queries are.
void context_attention(const Row& row, Collection& into) {
  const auto p = row.text("kv_cache_dtype") == "fp8" ? Precision::fp8 : Precision::bf16;
  const auto length = row.whole("isl"), dim = row.whole("head_dim");
  const compute::AttentionOp op{.batch = row.whole("batch_size"), .heads = row.whole("num_heads"), .kv_heads = row.whole("num_key_value_heads"), .q_length = length,
                                .kv_length = length, .head_dim = dim, .v_head_dim = dim, .window = row.whole("window_size"), .precision = p, .preparation = true};
  constexpr std::int64_t kPrefill = 17;  // shorter ones would be taken for decoding
  if (length >= kPrefill) into.add({"attention", p}, {{op}, row.number("latency") * kMillisecond, group_of(op.heads, op.kv_heads, dim)});
}

void generation_attention(const Row& row, Collection& into) {
  constexpr std::int64_t kFallback = 48;
  const auto p = row.text("kv_cache_dtype") == "fp8" ? Precision::fp8 : Precision::bf16;
  const auto heads = row.whole("num_heads"), kv_heads = row.whole("num_key_value_heads"), dim = row.whole("head_dim");
  const auto window = row.whole("window_size");
  if (heads >= kFallback * kv_heads) return;
  const compute::AttentionOp op{.batch = row.whole("batch_size"), .heads = heads, .kv_heads = kv_heads, .q_length = 1, .kv_length = 1 + row.whole("step"),
                                .head_dim = dim, .v_head_dim = dim, .window = window, .precision = p};
  into.add({window != 0 ? "decode_windowed" : heads == kv_heads ? "decode_multi_head" : "decode", p}, {{op}, row.number("latency") * kMillisecond, group_of(heads, kv_heads, dim)});
}

// Latent attention with the sizes of DeepSeek-V3, as the tables have it.
struct Latent {
  static constexpr std::int64_t hidden = 7168, q_rank = 1536, latent = 512, rope = 64, nope = 128, value = 128;
};

Precision cache_of(const Row& row) { return row.text("kv_cache_dtype") == "fp8" ? Precision::fp8 : Precision::bf16; }

// TensorRT-LLM, whose kernels these tables time, multiplies in the cache's format.
compute::AttentionOp latent_prefill(const Row& row) {
  const auto heads = row.whole("num_heads"), length = row.whole("isl");
  return {.batch = row.whole("batch_size"), .heads = heads, .kv_heads = heads, .q_length = length, .kv_length = length, .head_dim = Latent::nope + Latent::rope, .v_head_dim = Latent::value, .precision = cache_of(row)};
}

compute::MemoryOp latent_preparation(const compute::AttentionOp& op) {
  const auto tokens = static_cast<double>(op.batch * op.q_length);
  return compute::latent_preparation(tokens, tokens, op.heads, Latent::nope, Latent::rope, Latent::value);
}

// With an 8-bit cache the engine of the tables casts queries, keys and values before it multiplies in 8 bits.
std::vector<Operator> latent_core(const compute::AttentionOp& op) {
  std::vector<Operator> core{op};
  if (op.precision == Precision::fp8) core.emplace_back(compute::latent_cast(static_cast<double>(op.batch * op.q_length), static_cast<double>(op.batch * op.kv_length), op.heads, op.head_dim, op.v_head_dim));
  return core;
}

compute::LatentDecode latent_decode(const Row& row) {
  return {.batch = row.whole("batch_size"), .heads = row.whole("num_heads"), .kv_length = 1 + row.whole("step"), .latent = Latent::latent, .rope = Latent::rope, .precision = cache_of(row)};
}

constexpr std::int64_t kLeastPrefill = 17;  // shorter ones would be taken for decoding

void context_latent(const Row& row, Collection& into) {
  const auto op = latent_prefill(row);
  if (op.q_length >= kLeastPrefill) into.judge({"attention_latent", cache_of(row)}, {latent_core(op), row.number("latency") * kMillisecond, group_of(op.heads)});
}

void generation_latent(const Row& row, Collection& into) {
  const auto op = latent_decode(row);
  into.add({"decode_latent", op.precision}, {{op}, row.number("latency") * kMillisecond, group_of(op.heads)});
}

// The products around the core, with the casts of their inputs: down projections of queries and keys, then `inner`, then the output projection.
void latent_block(const Row& row, std::string_view kind, double tokens, std::vector<Operator> inner, Collection& into) {
  const auto p = precision_of(row.text("gemm_type"));
  if (!p) return;
  const auto rows = static_cast<std::int64_t>(tokens), heads = row.whole("num_heads");
  Sample sample{{}, row.number("latency") * kMillisecond, group_of(heads)};
  const auto product = [&](std::int64_t out, std::int64_t in) {
    if (*p != Precision::bf16) sample.operators.emplace_back(compute::Quantise{.elements = tokens * static_cast<double>(in), .precision = *p, .dynamic = true});
    sample.operators.emplace_back(compute::Gemm{.m = rows, .n = out, .k = in, .precision = *p});
  };
  constexpr double kNormBytes = 4;
  product(Latent::q_rank + Latent::latent + Latent::rope, Latent::hidden);
  sample.operators.emplace_back(compute::MemoryOp{units::Bytes::from_si(kNormBytes * tokens * static_cast<double>(Latent::q_rank + Latent::latent)), 2});
  product(heads * (Latent::nope + Latent::rope), Latent::q_rank);
  for (auto& op : inner) sample.operators.push_back(std::move(op));
  product(Latent::hidden, heads * Latent::value);
  into.judge({std::string(kind), *p}, std::move(sample));
}

void context_latent_block(const Row& row, Collection& into) {
  const auto core = latent_prefill(row);
  if (core.q_length < kLeastPrefill) return;
  const double tokens = static_cast<double>(core.batch * core.q_length);
  const compute::Gemm up{.m = core.batch * core.q_length, .n = core.heads * (Latent::nope + Latent::value), .k = Latent::latent, .precision = precision_of(row.text("gemm_type")).value_or(Precision::bf16)};
  std::vector<Operator> inner{up, latent_preparation(core)};
  for (auto& op : latent_core(core)) inner.push_back(std::move(op));
  latent_block(row, "latent_block", tokens, std::move(inner), into);
}

// The products with the absorbed projections are one per head, in 16 bits.
void generation_latent_block(const Row& row, Collection& into) {
  const auto core = latent_decode(row);
  const auto per_head = [&](std::int64_t out, std::int64_t in) { return compute::Gemm{.m = core.batch, .n = out, .k = in, .batch = core.heads, .precision = Precision::bf16}; };
  latent_block(row, "latent_decode_block", static_cast<double>(core.batch), {per_head(Latent::latent, Latent::nope), core, per_head(Latent::value, Latent::latent)}, into);
}

// Expert layers of one shape and number of tokens, by how finely they are cut.
class ExpertLayers final {
 public:
  void add(const compute::ExpertLayer& op, std::int64_t whole_inter, double seconds) {
    const auto shape = group_of(op.hidden, whole_inter, op.topk, op.experts);
    cuts_[{shape, op.tokens, op.gated, op.precision}].push_back({{op}, seconds, shape});
  }
  void give(Collection& into) {
    for (auto& [key, cuts] : cuts_)
      for (const auto& cut : cuts)
        if (!outrun(cut, cuts)) into.add({"expert_layer", std::get<3>(key)}, cut);
  }

 private:
  static bool outrun(const Sample& one, const std::vector<Sample>& cuts) {
    constexpr double kBad = 1.5;
    const auto& own = std::get<compute::ExpertLayer>(one.operators.front());
    return std::any_of(cuts.begin(), cuts.end(), [&](const Sample& other) {
      const auto& op = std::get<compute::ExpertLayer>(other.operators.front());
      return op.inter >= own.inter && op.expert_parallel <= own.expert_parallel && one.seconds > kBad * other.seconds;
    });
  }
  std::map<std::tuple<std::uint64_t, std::int64_t, bool, Precision>, std::vector<Sample>> cuts_;
};

void moe(const Row& row, ExpertLayers& into) {
  const auto p = precision_of(row.text("moe_dtype"));
  const auto kernel = row.text("kernel_source");
  if (!p || row.text("distribution") != "balanced" || kernel.ends_with("min_latency")) return;
  const auto inter = row.whole("inter_size");
  const compute::ExpertLayer op{.tokens = row.whole("num_tokens"), .hidden = row.whole("hidden_size"), .inter = inter / std::max<std::int64_t>(1, row.whole("moe_tp_size")),
                                .topk = row.whole("topk"), .experts = row.whole("num_experts"), .expert_parallel = row.whole("moe_ep_size"),
                                .gated = !kernel.ends_with("nongated"), .precision = *p};
  into.add(op, inter, row.number("latency") * kMillisecond);
}

// Two kernels make a cast with one scale per tensor: the search for the largest value, and the cast. Their tables share their keys.
void quantise(const Csv& search, const Csv& cast, Collection& into, config::Diagnostics& diagnostics) {
  for (std::size_t i = 0; i < std::min(search.rows(), cast.rows()); ++i) {
    const Row a(search, i, diagnostics), b(cast, i, diagnostics);
    if (a.number("latency") <= 0 || a.text("m") != b.text("m") || a.text("k") != b.text("k")) continue;
    const compute::Quantise op{.elements = a.number("m") * a.number("k"), .precision = Precision::fp8, .dynamic = true};
    into.add({"dynamic_quantise", Precision::fp8}, {{op}, (a.number("latency") + b.number("latency")) * kMillisecond, group_of(a.whole("k"))});
  }
}

template <class Into>
void each(const TableText& text, const std::string& table, void (*read)(const Row&, Into&), Into& into, config::Diagnostics& diagnostics) {
  const auto content = text(table);
  const auto csv = content ? Csv::parse(*content, table, diagnostics) : std::nullopt;
  for (std::size_t i = 0; csv && i < csv->rows() && !diagnostics.has_errors(); ++i) read(Row(*csv, i, diagnostics), into);
}

}  // namespace

std::vector<FamilySamples> read_op_tables(const TableText& text, config::Diagnostics& diagnostics) {
  Collection collection;
  each(text, "gemm", gemm, collection, diagnostics);
  each(text, "context_attention", context_attention, collection, diagnostics);
  each(text, "generation_attention", generation_attention, collection, diagnostics);
  each(text, "context_mla", context_latent, collection, diagnostics);
  each(text, "generation_mla", generation_latent, collection, diagnostics);
  each(text, "mla_context_module", context_latent_block, collection, diagnostics);
  each(text, "mla_generation_module", generation_latent_block, collection, diagnostics);
  ExpertLayers experts;
  each(text, "moe", moe, experts, diagnostics);
  experts.give(collection);
  const auto search = text("quantize_compute_scale"), cast = text("quantize_scale_matrix");
  const auto a = search ? Csv::parse(*search, "quantize_compute_scale", diagnostics) : std::nullopt;
  const auto b = cast ? Csv::parse(*cast, "quantize_scale_matrix", diagnostics) : std::nullopt;
  if (a && b) quantise(*a, *b, collection, diagnostics);
  return collection.take();
}

}  // namespace zettatwin::calibration
