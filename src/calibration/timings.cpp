// SPDX-License-Identifier: Apache-2.0
#include "calibration/timings.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>

#include "calibration/detail/reading.hpp"

namespace zettatwin::calibration {
namespace {

using config::Csv;
using config::Diagnostics;
using detail::kGiga;
using detail::kMicrosecond;
using detail::kMostBatch;
using detail::Reading;
using hardware::Chip;
using hardware::Precision;

struct Timed {
  Family family;
  Operator op;
};

Timed gemm(Reading& r, Precision p) {
  return {{"gemm", p}, compute::Gemm{.m = r.whole("m"), .n = r.whole("n"), .k = r.whole("k"), .batch = r.whole_or("batch", 1, kMostBatch), .precision = p}};
}

Timed attention(Reading& r, Precision p) {
  constexpr std::int64_t kMostDecoding = 16;
  compute::AttentionOp op{.batch = r.whole_or("batch", 1, kMostBatch), .heads = r.whole("heads", kMostBatch), .q_length = r.whole("q"), .kv_length = r.whole("kv"), .head_dim = r.whole("head_dim"), .precision = p};
  op.kv_heads = r.whole_or("kv_heads", op.heads);
  op.v_head_dim = r.whole_or("v_head_dim", op.head_dim);
  op.window = r.whole_or("window", 0);
  if (op.kv_length < op.q_length) r.error("kv", fmt::format("{} keys for {} queries", op.kv_length, op.q_length), "each query sees itself at least");
  op.kv_length = std::max(op.kv_length, op.q_length);
  if (op.kv_heads > op.heads) r.error("kv_heads", "more key heads than heads");
  if (op.q_length > kMostDecoding) return {{"attention", p}, op};
  return {{op.window > 0 ? "decode_windowed" : op.heads == op.kv_heads ? "decode_multi_head" : "decode", p}, op};
}

Timed latent(Reading& r, Precision p) {
  compute::LatentDecode op{.batch = r.whole_or("batch", 1, kMostBatch), .heads = r.whole("heads", kMostBatch), .q_length = r.whole_or("q", 1, kMostBatch), .kv_length = r.whole("kv"), .precision = p};
  op.latent = r.whole_or("latent", op.latent);
  op.rope = r.whole_or("rope", op.rope);
  if (op.kv_length < op.q_length) r.error("kv", fmt::format("{} keys for {} queries", op.kv_length, op.q_length), "each query sees itself at least");
  return {{"decode_latent", p}, op};
}

// Streams of device memory: `copy` by a kernel of one's own, `memory` as bandwidth tests report them.
Timed copy(Reading& r, Precision) { return {{"stream", Precision::bf16}, compute::MemoryOp{.bytes = units::Bytes::from_si(r.positive("bytes"))}}; }

Timed experts(Reading& r, Precision p) {
  compute::ExpertLayer op{.tokens = r.whole("tokens"), .hidden = r.whole("hidden"), .inter = r.whole("inter"), .topk = r.whole("topk"), .experts = r.whole("experts"),
                          .expert_parallel = r.whole_or("expert_parallel", 1), .precision = p};
  if (op.topk > op.experts) r.error("topk", fmt::format("{} of {} experts", op.topk, op.experts), "a token cannot choose more experts than there are");
  op.experts = std::max(op.experts, op.topk);
  return {{"expert_layer", p}, op};
}

struct Kind {
  std::string_view name;
  Timed (*read)(Reading&, Precision);
};
constexpr Kind kKinds[] = {{"gemm", gemm}, {"attention", attention}, {"copy", copy}, {"memory", copy}, {"latent", latent}, {"experts", experts}};

const Kind* kind_of(Reading& r, const TimingDefaults& defaults) {
  auto word = detail::lower(r.text("op", defaults.op));
  if (word == "matmul") word = "gemm";
  std::vector<std::string> names;
  for (const auto& kind : kKinds) {
    if (kind.name == word) return &kind;
    names.emplace_back(kind.name);
  }
  const auto near = config::nearest(word, names);
  r.error("op", word.empty() ? "no column 'op' says what was timed" : fmt::format("unknown op '{}'", word), "known are gemm, attention, latent, copy, memory and experts",
          word.empty() ? "name it by --op" : near.empty() ? "" : fmt::format("did you mean '{}'?", near));
  return nullptr;
}

std::optional<Precision> precision_of(Reading& r, const TimingDefaults& defaults, const Chip& chip) {
  auto word = detail::lower(r.text("precision", defaults.precision.empty() ? "bf16" : defaults.precision));
  for (const auto& [other, ours] : {std::pair{"bfloat16", "bf16"}, {"float16", "fp16"}, {"half", "fp16"}, {"float8", "fp8"}, {"nvfp4", "fp4"}})
    if (word == other) word = ours;
  for (const auto& known : hardware::precision_words()) {
    if (known.name != word) continue;
    const auto p = static_cast<Precision>(known.value);
    if (chip.peak(p).si() > 0) return p;
    r.error("precision", fmt::format("{} has no matrix unit for {}", chip.title, word));
    return std::nullopt;
  }
  r.error("precision", fmt::format("unknown precision '{}'", word), "known are bf16, fp16, fp8, mxfp8, fp4 and others of the catalog");
  return std::nullopt;
}

// One of the columns time_us, time_ms, seconds and, of streams, gb_per_s. What is wrong is reported at the first.
double seconds_of(Reading& r, bool stream) {
  constexpr double kMillisecond = 1e-3;
  const auto has = [&](const char* column) { return !r.text(column, "").empty(); };
  const bool micro = has("time_us"), milli = has("time_ms"), whole = has("seconds"), rate = stream && has("gb_per_s");
  if (micro + milli + whole + rate > 1) r.error(micro ? "time_us" : milli ? "time_ms" : "seconds", "two columns say how long it took", "time_us, time_ms, seconds and gb_per_s exclude each other");
  if (milli) return r.positive("time_ms") * kMillisecond;
  if (whole) return r.positive("seconds");
  return rate ? r.positive("bytes") / (r.positive("gb_per_s") * kGiga) : r.positive("time_us") * kMicrosecond;
}

const char* time_column(const Reading& r) {
  for (const auto* column : {"time_us", "time_ms", "seconds"})
    if (!r.text(column, "").empty()) return column;
  return "gb_per_s";
}

// Warns of times that the datasheet does not allow: mostly a wrong unit. False of such.
bool check_bound(Reading& r, const Chip& chip, const Timed& timed, double seconds, Diagnostics& diagnostics) {
  constexpr double kSlack = 0.7;  // small operands stay in caches
  Chip own = chip;
  (void)parameters_of(own, timed.family);
  const auto t = std::visit([&](const auto& op) { return compute::time_of(own, op); }, timed.op);
  const auto bound = compute::bound_of(chip, t.flop, timed.family.precision, t.bytes).seconds().si();
  if (seconds >= kSlack * bound) return true;
  diagnostics.warning(r.where(time_column(r)), fmt::format("{:.4g} us is less than the datasheet allows, {:.4g} us", seconds / kMicrosecond, bound / kMicrosecond),
                      "peaks or bandwidth of the chip are too low, or the unit is another", "time_us are microseconds of one call");
  return false;
}

}  // namespace

std::vector<FamilySamples> read_timings(std::string_view text, const std::string& name, const TimingDefaults& defaults, const Chip& chip, Diagnostics& diagnostics) {
  const auto before = diagnostics.error_count();
  const auto csv = Csv::parse(text, name, diagnostics);
  std::map<Family, std::vector<Sample>> families;
  std::size_t timings = 0, impossible = 0;
  constexpr std::size_t kFew = 3;
  if (csv && csv->rows() == 0) diagnostics.error(csv->title_place(), "no timing follows the names of the columns");
  for (std::size_t i = 0; csv && i < csv->rows(); ++i) {
    Reading r(*csv, i, diagnostics);
    const auto errors = diagnostics.error_count();
    const auto* kind = kind_of(r, defaults);
    const auto precision = precision_of(r, defaults, chip);
    const double seconds = seconds_of(r, kind && kind->read == copy);
    if (!kind || !precision) continue;
    const auto timed = kind->read(r, *precision);
    if (r.failed() || diagnostics.error_count() != errors) continue;
    ++timings;
    if (!check_bound(r, chip, timed, seconds, diagnostics)) ++impossible;
    families[timed.family].push_back({{timed.op}, seconds, i});
  }
  if (timings >= kFew && 2 * impossible > timings)
    diagnostics.error(csv->title_place(), fmt::format("{} of {} timings are shorter than {} can be by its datasheet", impossible, timings, chip.title), "nothing can be fitted to them",
                      "check the unit of the times; for a faster chip write a document that extends this one with its own matrix_peak and memory");
  if (diagnostics.error_count() != before) return {};
  std::vector<FamilySamples> list;
  for (auto& [family, samples] : families) list.push_back({family, {family}, std::move(samples)});
  return list;
}

}  // namespace zettatwin::calibration
