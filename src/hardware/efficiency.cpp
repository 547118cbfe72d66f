// SPDX-License-Identifier: Apache-2.0
#include "hardware/efficiency.hpp"

#include <fmt/format.h>

namespace zettatwin::hardware {
namespace {

constexpr config::FieldOptions kShare{.presence = config::Presence::required, .range = config::kFraction};
constexpr config::FieldOptions kTime{.presence = config::Presence::required, .range = config::kNonNegative};

// A mapping from precisions to objects; the schema knows tables by name only.
template <class T>
void by_precision(config::Schema& s, std::string_view key, std::map<Precision, T>& value, std::string_view doc, config::FieldOptions options = {}) {
  std::map<std::string, T> named;
  for (const auto& [precision, row] : value) named.emplace(name_of(precision), row);
  s.table(key, named, doc, options);
  for (const auto& [name, row] : named) {
    bool known = false;
    for (const auto& word : precision_words()) {
      if (word.name != name) continue;
      value[static_cast<Precision>(word.value)] = row;
      known = true;
    }
    s.check(known, "'" + name + "' in " + std::string(key) + " is not a precision");
  }
}

template <class T>
void with_bf16(config::Schema& s, std::string_view key, std::map<Precision, T>& value, std::string_view doc) {
  by_precision(s, key, value, doc, kTime);
  s.check(value.contains(Precision::bf16), std::string(key) + " lacks an entry for bf16",
          "formats without an entry of their own fall back on it");
}

}  // namespace

Precision Efficiency::stand_in(Precision p) {
  switch (p) {
    case Precision::fp4: return Precision::mxfp8;
    case Precision::mxfp8:
    case Precision::int8: return Precision::fp8;
    default: return Precision::bf16;
  }
}

void Efficiency::isolate() {
  sustained.value = units::Ratio::from_si(1);
  for (auto* table : {&attention, &served_attention})
    for (auto& [precision, entry] : *table)
      if (entry.sustained.present) entry.sustained.value = units::Ratio::from_si(1);
}

void describe(config::Schema& s, GemmEfficiency& gemm) {
  s.figure("math", gemm.math, "share of the matrix peak that a compute-bound kernel reaches", kShare);
  s.figure("launch", gemm.launch, "start and end of one kernel on the chip", kTime);
  s.figure("ramp", gemm.ramp, "filling and draining the cores' pipelines", kTime);
  s.figure("memory", gemm.memory, "share of the memory bandwidth for long streams", kShare);
  s.figure("half_bytes", gemm.half_bytes, "traffic at which half of that share is reached", kTime);
  s.figure("l2_bandwidth", gemm.l2_bandwidth, "operand feed of all cores together", config::kRequired);
  s.figure("k_latency", gemm.k_latency, "least time of 128 steps along k", kTime);
  s.figure("split", gemm.split, "extra pass of split-k kernels; without it k is not split", {.range = config::kNonNegative});
  s.figure("write_cost", gemm.write_cost, "time of a byte written over that of one read; 1 if not given", {.range = {1, 10, false}});
  s.figure("training", gemm.training, "rate of the loop in the library of training frameworks over that of the library of these figures; 1 if not given", {.range = {0.1, 10, false}});
}

void describe(config::Schema& s, GroupedEfficiency& grouped) {
  s.figure("math", grouped.math, "share of the dense kernel's rate", kShare);
  s.figure("launch", grouped.launch, "start and end of one grouped kernel, above the dense kernel's", kTime);
  s.figure("per_expert", grouped.per_expert, "bookkeeping for each expert", kTime);
}

void describe(config::Schema& s, AttentionEfficiency& attention) {
  s.figure("math", attention.math, "share of the matrix peak in the two products", kShare);
  s.figure("softmax", attention.softmax, "exponential and rescaling of one score on one core", kTime);
  s.figure("tile", attention.tile, "start and end of a tile of 128 queries on a core", kTime);
  s.figure("launch", attention.launch, "start and end of one kernel on the chip", kTime);
  s.figure("memory", attention.memory, "share of the memory bandwidth", kShare);
  s.figure("window_keys", attention.window_keys, "keys computed for a windowed tile beyond its window and its own length", kTime);
  s.figure("backward", attention.backward, "FLOP rate of the backward kernel over the forward kernel's; kernels of training need it", {.range = config::kFraction});
  s.figure("preparation", attention.preparation, "launches of the kernels that split, rotate and cache q, k and v", {.range = config::kNonNegative});
  s.figure("preparation_memory", attention.preparation_memory, "share of the memory bandwidth in them", {.range = config::kFraction});
  s.figure("flash1", attention.flash1, "rate of FlashAttention 1 (2022) over that of these kernels; 1 if absent", {.range = config::kFraction});
  s.figure("flash2", attention.flash2, "rate of FlashAttention 2 (2023) over that of these kernels; 1 if absent", {.range = config::kFraction});
  s.figure("sustained", attention.sustained, "rate in long runs over that of an isolated kernel; 1 if absent", {.range = config::kFraction});
}

void describe(config::Schema& s, StreamEfficiency& stream) {
  s.figure("memory", stream.memory, "share of the memory bandwidth for long streams", kShare);
  s.figure("launch", stream.launch, "start and end of one kernel on the chip", kTime);
  s.figure("half_bytes", stream.half_bytes, "traffic at which half of that share is reached", kTime);
}

void describe(config::Schema& s, HostOverhead& host) {
  s.figure("eager", host.eager, "host time to issue one layer, forward and backward, kernel by kernel", kTime);
  s.figure("graph", host.graph, "the same from a captured graph", kTime);
}

void describe(config::Schema& s, DecodeEfficiency& decode) {
  s.figure("launch", decode.launch, "start and end of one kernel on the chip", kTime);
  s.figure("memory", decode.memory, "share of the memory bandwidth for long streams", kShare);
  s.figure("half_bytes", decode.half_bytes, "traffic at which half of that share is reached", kTime);
  s.figure("sequence", decode.sequence, "start and end of one stream of keys on a core", kTime);
  s.figure("group", decode.group, "start and end of one stream, for each eight queries that share it", kTime);
  s.figure("token", decode.token, "one key of a stream, for each eight queries that share it", kTime);
  s.figure("reduce", decode.reduce, "per doubling of the parts that a sequence is cut into", kTime);
  s.figure("least_keys", decode.least_keys, "shorter caches take as long as this many keys", kTime);
  s.figure("split_waves", decode.split_waves, "parts per core up to which long sequences are cut; 1 if absent", {.range = config::kPositive});
  s.figure("resident", decode.resident, "of kernels that cut sequences by their length alone: blocks of threads that a core starts at once", {.range = config::kPositive});
  s.figure("narrow", decode.narrow, "more of launch where keys are narrower than 128", {.range = config::kNonNegative});
}

void describe(config::Schema& s, ExpertLayerEfficiency& layer) {
  s.figure("math", layer.math, "share of the matrix peak that a compute-bound product reaches", kShare);
  s.figure("launch", layer.launch, "start and end of all kernels of the layer", kTime);
  s.figure("memory", layer.memory, "share of the memory bandwidth for long streams", kShare);
  s.figure("half_bytes", layer.half_bytes, "traffic at which half of that share is reached", kTime);
  s.figure("l2_bandwidth", layer.l2_bandwidth, "operand feed of all cores together", config::kRequired);
  s.figure("k_latency", layer.k_latency, "least time of 128 steps along k", kTime);
  s.figure("per_expert", layer.per_expert, "bookkeeping for each expert", kTime);
  s.figure("permute", layer.permute, "share of the memory bandwidth in moving the rows of the chip's experts", config::kRequired);
  s.figure("combine", layer.combine, "share of the memory bandwidth for each token of the group", config::kRequired);
  s.figure("per_choice", layer.per_choice, "sorting one token's choice of one expert", kTime);
}

void describe(config::Schema& s, LatentDecodeEfficiency& decode) {
  s.figure("launch", decode.launch, "start and end of the kernels on the chip", kTime);
  s.figure("math", decode.math, "share of the matrix peak", kShare);
  s.figure("memory", decode.memory, "share of the memory bandwidth for long streams", kShare);
  s.figure("half_bytes", decode.half_bytes, "traffic at which half of either rate is reached", kTime);
}

void describe(config::Schema& s, ServedExpertsEfficiency& experts) {
  s.figure("launch", experts.launch, "start and end of all kernels of the layer's experts", kTime);
  s.figure("math", experts.math, "share of the matrix peak that the products reach", kShare);
  s.figure("memory", experts.memory, "share of the memory bandwidth in reading weights", kShare);
  s.figure("combine", experts.combine, "share of the memory bandwidth for each token of a group whose experts are on other chips; expert_layer's if absent");
}

void describe(config::Schema& s, WideGemmEfficiency& gemm) {
  s.figure("launch", gemm.launch, "start and end of one kernel on the chip", kTime);
  s.figure("math", gemm.math, "share of the vector peak", kShare);
  s.figure("memory", gemm.memory, "share of the memory bandwidth in reading the weights for at most 16 rows", kShare);
  s.figure("tf32", gemm.tf32, "time on matrix cores that round to TF32, over that on vector cores", kShare);
}

void describe(config::Schema& s, Residual& residual) {
  s.figure("low", residual.low, "10 % quantile of measured over predicted time", config::kRequired);
  s.figure("high", residual.high, "90 % quantile of measured over predicted time", config::kRequired);
}

const Residual* Efficiency::residual_of(std::string_view kind, Precision p) const {
  const auto entry = [&](const std::string& name) {
    const auto found = uncertainty.find(name);
    return found == uncertainty.end() ? nullptr : &found->second;
  };
  const auto* whole = entry(std::string(kind));
  const Residual* own = nullptr;
  for (;; p = stand_in(p)) {
    own = entry(std::string(kind) + "." + std::string(name_of(p)));
    if (own || p == Precision::bf16) break;
  }
  if (!own || !whole) return own ? own : whole;
  return whole->high.si() * own->low.si() > own->high.si() * whole->low.si() ? whole : own;
}

void describe(config::Schema& s, Efficiency& efficiency) {
  s.text("status", efficiency.status, "'measured: ...', or 'unmeasured: ...' and the rule that the figures follow",
         config::kRequired);
  s.figure("sustained", efficiency.sustained, "matrix rate in long runs over that of an isolated GEMM", kShare);
  s.figure("spread", efficiency.spread, "standard deviation of the matrix rate from chip to chip in long runs; sustained is the slowest of eight chips; 0 if absent", {.range = config::kFraction});
  s.figure("interference", efficiency.interference,
           "seconds that computation loses per second of concurrent communication",
           {.presence = config::Presence::required, .range = config::kUnitInterval});
  with_bf16(s, "gemm", efficiency.gemm, "dense GEMM kernels by precision");
  with_bf16(s, "attention", efficiency.attention, "flash attention kernels by precision");
  for (const auto& [precision, row] : efficiency.attention)
    s.check(row.backward.present, fmt::format("attention.{} lacks 'backward'", name_of(precision)), "training runs these kernels backward; those of serving alone are served_attention's");
  by_precision(s, "served_attention", efficiency.served_attention, "attention of prompts in serving engines, by precision, where their kernels are others; else attention's");
  s.object("grouped", efficiency.grouped, "grouped GEMM kernels of experts", config::kRequired);
  s.object("stream", efficiency.stream, "memory-bound kernels", config::kRequired);
  s.object("quantise", efficiency.quantise, "casts to narrow formats with their scales", config::kRequired);
  s.object("host", efficiency.host, "host time to issue kernels", config::kRequired);
  by_precision(s, "decode", efficiency.decode, "attention of a few queries on a long cache, by the cache's precision");
  by_precision(s, "decode_multi_head", efficiency.decode_multi_head, "the same with as many key heads as heads, where another kernel serves these");
  by_precision(s, "decode_windowed", efficiency.decode_windowed, "the same on keys in a window, where another kernel serves these");
  by_precision(s, "expert_layer", efficiency.expert_layer, "all routed experts of a layer, as inference libraries run them");
  by_precision(s, "decode_latent", efficiency.decode_latent, "attention of a few queries on compressed keys and values, by the cache's precision");
  by_precision(s, "served_experts", efficiency.served_experts, "routed experts of a layer in a deployed serving engine, by the precision of the products");
  by_precision(s, "dynamic_quantise", efficiency.dynamic_quantise, "casts before a product whose scales are found on the way");
  s.object("wide_gemm", efficiency.wide_gemm, "products in 32 bits, as of routers whose weights are kept wide");
  s.table("uncertainty", efficiency.uncertainty, "measured over predicted time of single operators, by family");
}

}  // namespace zettatwin::hardware
