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
  return {{op.heads == op.kv_heads ? "decode_multi_head" : "decode", p}, op};
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
  const auto word = r.text("op", defaults.op);
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
  const std::string usual = defaults.precision.empty() ? "bf16" : defaults.precision;  // outlives `word`
  const auto word = r.text("precision", usual);
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

// One of the columns time_us, seconds and, of streams, gb_per_s. What is wrong is reported at the first.
double seconds_of(Reading& r, bool stream) {
  const bool micro = !r.text("time_us", "").empty(), whole = !r.text("seconds", "").empty(), rate = stream && !r.text("gb_per_s", "").empty();
  if (micro + whole + rate > 1) r.error(micro ? "time_us" : "seconds", "two columns say how long it took", "time_us, seconds and gb_per_s exclude each other");
  if (micro || (!whole && !rate)) return r.positive("time_us") * kMicrosecond;
  return whole ? r.positive("seconds") : r.positive("bytes") / (r.positive("gb_per_s") * kGiga);
}

// Warns of times that the datasheet does not allow: mostly a wrong unit.
void check_bound(Reading& r, const Chip& chip, const Timed& timed, double seconds, Diagnostics& diagnostics) {
  constexpr double kSlack = 0.7;  // small operands stay in caches
  Chip own = chip;
  (void)parameters_of(own, timed.family);
  const auto t = std::visit([&](const auto& op) { return compute::time_of(own, op); }, timed.op);
  const auto bound = compute::bound_of(chip, t.flop, timed.family.precision, t.bytes).seconds().si();
  if (seconds >= kSlack * bound) return;
  diagnostics.warning(r.where(r.text("time_us", "").empty() ? r.text("seconds", "").empty() ? "gb_per_s" : "seconds" : "time_us"), fmt::format("{:.4g} us is less than the datasheet allows, {:.4g} us", seconds / kMicrosecond, bound / kMicrosecond),
                      "peaks or bandwidth of the chip are too low, or the unit is another", "time_us are microseconds of one call");
}

}  // namespace

std::vector<FamilySamples> read_timings(std::string_view text, const std::string& name, const TimingDefaults& defaults, const Chip& chip, Diagnostics& diagnostics) {
  const auto before = diagnostics.error_count();
  const auto csv = Csv::parse(text, name, diagnostics);
  std::map<Family, std::vector<Sample>> families;
  if (csv && csv->rows() == 0) diagnostics.error(csv->title_place(), "no timing follows the names of the columns");
  for (std::size_t i = 0; csv && i < csv->rows(); ++i) {
    Reading r(*csv, i, diagnostics);
    const auto errors = diagnostics.error_count();
    const auto* kind = kind_of(r, defaults);
    const auto precision = precision_of(r, defaults, chip);
    const double seconds = seconds_of(r, kind && kind->read == copy);
    if (!kind || !precision) continue;
    const auto timed = kind->read(r, *precision);
    if (diagnostics.error_count() != errors) continue;
    check_bound(r, chip, timed, seconds, diagnostics);
    families[timed.family].push_back({{timed.op}, seconds, i});
  }
  if (diagnostics.error_count() != before) return {};
  std::vector<FamilySamples> list;
  for (auto& [family, samples] : families) list.push_back({family, {family}, std::move(samples)});
  return list;
}

}  // namespace zettatwin::calibration
