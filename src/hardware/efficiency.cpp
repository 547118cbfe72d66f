// SPDX-License-Identifier: Apache-2.0
#include "hardware/efficiency.hpp"

namespace zettatwin::hardware {
namespace {

constexpr config::FieldOptions kShare{.presence = config::Presence::required, .range = config::kFraction};
constexpr config::FieldOptions kTime{.presence = config::Presence::required, .range = config::kNonNegative};

// A mapping from precisions to objects; the schema knows tables by name only.
template <class T>
void by_precision(config::Schema& s, std::string_view key, std::map<Precision, T>& value, std::string_view doc) {
  std::map<std::string, T> named;
  for (const auto& [precision, row] : value) named.emplace(name_of(precision), row);
  s.table(key, named, doc, kTime);
  for (const auto& [name, row] : named) {
    bool known = false;
    for (const auto& word : precision_words()) {
      if (word.name != name) continue;
      value[static_cast<Precision>(word.value)] = row;
      known = true;
    }
    s.check(known, "'" + name + "' in " + std::string(key) + " is not a precision");
  }
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

void describe(config::Schema& s, GemmEfficiency& gemm) {
  s.figure("math", gemm.math, "share of the matrix peak that a compute-bound kernel reaches", kShare);
  s.figure("launch", gemm.launch, "start and end of one kernel on the chip", kTime);
  s.figure("ramp", gemm.ramp, "filling and draining the cores' pipelines", kTime);
  s.figure("memory", gemm.memory, "share of the memory bandwidth for long streams", kShare);
  s.figure("half_bytes", gemm.half_bytes, "traffic at which half of that share is reached", kTime);
  s.figure("l2_bandwidth", gemm.l2_bandwidth, "operand feed of all cores together", config::kRequired);
  s.figure("k_latency", gemm.k_latency, "least time of 128 steps along k", kTime);
  s.figure("split", gemm.split, "extra pass of split-k kernels; without it k is not split", {.range = config::kNonNegative});
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
  s.figure("backward", attention.backward, "FLOP rate of the backward kernel over the forward kernel's", kShare);
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

void describe(config::Schema& s, Efficiency& efficiency) {
  s.text("status", efficiency.status, "'measured: ...', or 'unmeasured: ...' and the rule that the figures follow",
         config::kRequired);
  s.figure("sustained", efficiency.sustained, "matrix rate in long runs over that of an isolated GEMM", kShare);
  s.figure("interference", efficiency.interference,
           "seconds that computation loses per second of concurrent communication",
           {.presence = config::Presence::required, .range = config::kUnitInterval});
  by_precision(s, "gemm", efficiency.gemm, "dense GEMM kernels by precision");
  by_precision(s, "attention", efficiency.attention, "flash attention kernels by precision");
  s.object("grouped", efficiency.grouped, "grouped GEMM kernels of experts", config::kRequired);
  s.object("stream", efficiency.stream, "memory-bound kernels", config::kRequired);
  s.object("quantise", efficiency.quantise, "casts to narrow formats with their scales", config::kRequired);
  s.object("host", efficiency.host, "host time to issue kernels", config::kRequired);
}

}  // namespace zettatwin::hardware
