// SPDX-License-Identifier: Apache-2.0
// What a chip and its kernels reach of the datasheet: the parameters of the operator-time forms (docs/math/operator_time.md).
// They are properties of the chip and its kernel libraries, never of a model or a run. Kernel times are isolated ones; the
// loss of clock in long runs is `sustained`. A chip without measurements takes them from its family and says so in `status`.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "base/contract.hpp"
#include "config/figure.hpp"
#include "config/schema.hpp"
#include "hardware/precision.hpp"

namespace zettatwin::hardware {

// Dense GEMM kernels of one precision; quantisation of their inputs is not part of them.
struct GemmEfficiency {
  config::Figure<units::Ratio> math;         // share of the matrix peak when compute-bound
  config::Figure<units::Seconds> launch;     // start and end of one kernel on the chip
  config::Figure<units::Seconds> ramp;       // filling and draining the pipeline of the cores
  config::Figure<units::Ratio> memory;       // share of the memory bandwidth for long streams
  config::Figure<units::Bytes> half_bytes;   // traffic at which half of that share is reached
  config::Figure<units::BytesPerSecond> l2_bandwidth;  // operand feed of all cores together
  config::Figure<units::Seconds> k_latency;  // least time of 128 steps along k, however small the tile
  config::Figure<units::Seconds> split;      // extra pass of split-k kernels; absent: k is not split
  config::Figure<units::Ratio> write_cost;   // time of a byte written over that of one read; absent: 1
  config::Figure<units::Ratio> training;     // rate of the loop in the library of training frameworks over that of the library that all these are of; absent: 1
};

// Grouped GEMM of a mixture of experts, relative to the dense kernels of the same precision.
struct GroupedEfficiency {
  config::Figure<units::Ratio> math;          // share of the dense kernel's rate
  config::Figure<units::Seconds> launch;
  config::Figure<units::Seconds> per_expert;  // bookkeeping for each group
};

// Flash attention kernels of one precision.
struct AttentionEfficiency {
  config::Figure<units::Ratio> math;        // share of the matrix peak in the two products
  config::Figure<units::Seconds> softmax;   // of one score on one core, not hidden behind the products
  config::Figure<units::Seconds> tile;      // start and end of a tile of 128 queries
  config::Figure<units::Seconds> launch;
  config::Figure<units::Ratio> memory;      // share of the memory bandwidth
  config::Figure<units::Ratio> window_keys; // keys computed for a windowed tile beyond its window and its own length
  config::Figure<units::Ratio> backward;    // FLOP rate of the backward kernel over that of the forward kernel; absent: none (serving)
  config::Figure<units::Seconds> preparation;       // launches of the kernels that split, rotate and cache q, k and v; absent: not known
  config::Figure<units::Ratio> preparation_memory;  // share of the memory bandwidth in them
  config::Figure<units::Ratio> flash1;      // rate of FlashAttention's first generation over that of these kernels; absent: the same
  config::Figure<units::Ratio> flash2;      // of the second
  config::Figure<units::Ratio> sustained;   // rate in long runs over that of an isolated kernel (clock, power); absent: 1
};

// Attention of a few queries on a long cache (decoding): a core streams the keys of one sequence and key head, or of a part of it.
struct DecodeEfficiency {
  config::Figure<units::Seconds> launch;
  config::Figure<units::Ratio> memory;      // share of the memory bandwidth for long streams
  config::Figure<units::Bytes> half_bytes;  // traffic at which half of that share is reached
  config::Figure<units::Seconds> sequence;  // start and end of one stream on a core
  config::Figure<units::Seconds> group;     // more of it for each eight queries that share the stream
  config::Figure<units::Seconds> token;     // one key of a stream, for each eight queries
  config::Figure<units::Seconds> reduce;    // per doubling of the parts that a sequence is cut into
  config::Figure<units::Ratio> least_keys;  // shorter caches take as long as this many keys
  config::Figure<units::Ratio> split_waves; // parts per core up to which long sequences are cut; absent: 1
  // Of kernels that cut by the length alone, known by this entry (then without split_waves): blocks of threads that a core starts at once.
  config::Figure<units::Ratio> resident;
  config::Figure<units::Seconds> narrow;    // more of `launch` where keys are narrower than 128
};

// All routed experts of a layer on one chip as inference libraries run them: permutation, two grouped GEMMs with the
// activation between them, weighted sum. The products are as dense ones (GemmEfficiency), with figures of their own.
struct ExpertLayerEfficiency {
  config::Figure<units::Ratio> math;
  config::Figure<units::Seconds> launch;  // of all kernels together
  config::Figure<units::Ratio> memory;
  config::Figure<units::Bytes> half_bytes;
  config::Figure<units::BytesPerSecond> l2_bandwidth;
  config::Figure<units::Seconds> k_latency;
  config::Figure<units::Seconds> per_expert;
  config::Figure<units::Ratio> permute;        // share of the memory bandwidth in moving the rows of the chip's experts
  config::Figure<units::Ratio> combine;        // and of the tokens of the whole group; may exceed 1 where most are elsewhere
  config::Figure<units::Seconds> per_choice;   // sorting one token's choice of one expert
};

// Attention of a few queries on compressed keys and values (MLA with absorbed projections): one latent vector per token is key and value of
// all heads. launch + (bytes + min(bytes, half_bytes)) / bytes x max(bytes / (memory.bandwidth x memory), flop / (matrix_peak x math)).
struct LatentDecodeEfficiency {
  config::Figure<units::Seconds> launch;     // of the kernel and of the one that joins its parts
  config::Figure<units::Ratio> math;         // share of the matrix peak
  config::Figure<units::Ratio> memory;       // share of the memory bandwidth
  config::Figure<units::Bytes> half_bytes;   // traffic at which half of either is reached
};

// Products in 32 bits on the vector cores, in tiles of 64 x 16 that one core takes through all of k (routers whose weights are kept wide):
// launch + max(1, tiles / matrix_cores) x k x tile / (vector_peak.fp32 x math / matrix_cores), or of few rows the stream of the weights. All figures or none.
struct WideGemmEfficiency {
  config::Figure<units::Seconds> launch;
  config::Figure<units::Ratio> math;    // share of the vector peak
  config::Figure<units::Ratio> memory;  // share of the memory bandwidth in reading the weights for at most 16 rows
  config::Figure<units::Ratio> tf32;    // time on matrix cores that round to TF32, over that of all this but the launch
  [[nodiscard]] bool present() const { return math.present; }
};

// Routed experts of a layer as a deployed serving engine runs them, after its own tuning; expert_layer describes an operator library's kernels over all
// shapes, tuned or not. launch + sqrt(products^2 + stream^2) + moving.
struct ServedExpertsEfficiency {
  config::Figure<units::Seconds> launch;  // of all kernels together: sorting, two products, activation, weighted sum
  config::Figure<units::Ratio> math;      // share of the matrix peak
  config::Figure<units::Ratio> memory;    // share of the memory bandwidth in reading the weights of the experts hit
  config::Figure<units::Ratio> combine;   // and in moving the tokens of a whole group whose other chips hold their experts; absent: as expert_layer
};

// Kernels that stream memory: norms, activations, residuals, permutation, casts, optimizer.
struct StreamEfficiency {
  config::Figure<units::Ratio> memory;      // share of the memory bandwidth for long streams
  config::Figure<units::Seconds> launch;
  config::Figure<units::Bytes> half_bytes;  // traffic at which half of that share is reached
};

// Time of the host to issue the kernels of one transformer layer, forward and backward of one microbatch.
struct HostOverhead {
  config::Figure<units::Seconds> eager;  // kernel by kernel
  config::Figure<units::Seconds> graph;  // replayed from a captured graph
};

// measured / predicted of one operator lies between `low` and `high` in 80 of 100 cases (the 10 % and 90 % quantiles of held-out shapes).
struct Residual {
  config::Figure<units::Ratio> low;
  config::Figure<units::Ratio> high;
};

struct Efficiency {
  std::string status;  // "measured: ...", or "unmeasured: ..." and the rule that the figures follow
  config::Figure<units::Ratio> sustained;  // matrix rate in long runs over that of an isolated GEMM (clock, power)
  config::Figure<units::Ratio> spread;  // standard deviation of the matrix rate from chip to chip in long runs; `sustained` is the slowest of eight; absent: 0
  config::Figure<units::Ratio> interference;  // seconds that computation loses per second of concurrent communication
  std::map<Precision, GemmEfficiency> gemm;            // bf16 at least
  std::map<Precision, AttentionEfficiency> attention;  // bf16 at least
  GroupedEfficiency grouped;
  StreamEfficiency stream;
  StreamEfficiency quantise;
  HostOverhead host;
  // Kernels of inference libraries; empty where nothing is known of them.
  std::map<Precision, AttentionEfficiency> served_attention;  // of prompts, where serving engines have other kernels than training frameworks
  std::map<Precision, DecodeEfficiency> decode;             // by the precision of the cache
  std::map<Precision, DecodeEfficiency> decode_multi_head;  // as many key heads as heads, where another kernel serves these
  std::map<Precision, DecodeEfficiency> decode_windowed;    // keys in a window only, where another kernel serves these
  std::map<Precision, ExpertLayerEfficiency> expert_layer;
  std::map<Precision, LatentDecodeEfficiency> decode_latent;    // by the precision of the cache
  std::map<Precision, ServedExpertsEfficiency> served_experts;  // by the precision of the products
  WideGemmEfficiency wide_gemm;                             // present() where known
  std::map<Precision, StreamEfficiency> dynamic_quantise;   // casts whose scales are found on the way, before a product
  std::map<std::string, Residual> uncertainty;              // by family of operators, "gemm.bf16"

  // What the forms leave unexplained of isolated kernels of a kind ("gemm", "attention", "decode", "expert_layer") in a precision: the wider of its own
  // entry (or the nearest stand-in's) and that of the kind, with which a chip says that a sister's residuals are too narrow for it; null if it says nothing.
  [[nodiscard]] const Residual* residual_of(std::string_view kind, Precision p) const;

  // The entry of `p` or its nearest stand-in: fp4 -> mxfp8 -> fp8 -> bf16, int8 -> fp8, all others -> bf16.
  [[nodiscard]] const GemmEfficiency& gemm_of(Precision p) const { return entry_of(gemm, p).second; }
  [[nodiscard]] const AttentionEfficiency& attention_of(Precision p) const { return entry_of(attention, p).second; }

  // The row of a table that serves `p`, with the precision that it is written under. Expects a bf16 row.
  template <class T>
  [[nodiscard]] static const std::pair<const Precision, T>& entry_of(const std::map<Precision, T>& table, Precision p) {
    while (true) {
      if (const auto found = table.find(p); found != table.end()) return *found;
      ZT_EXPECT(p != Precision::bf16, "efficiency tables fall back on bf16");
      p = stand_in(p);
    }
  }
  // The same where a table may lack all entries: null then.
  template <class T>
  [[nodiscard]] static const T* find_entry(const std::map<Precision, T>& table, Precision p) {
    while (true) {
      if (const auto found = table.find(p); found != table.end()) return &found->second;
      if (p == Precision::bf16) return nullptr;
      p = stand_in(p);
    }
  }
  [[nodiscard]] static Precision stand_in(Precision p);

  // At the clock of isolated kernels: nothing is lost to power in long runs.
  void isolate();
};

void describe(config::Schema& s, GemmEfficiency& gemm);
void describe(config::Schema& s, GroupedEfficiency& grouped);
void describe(config::Schema& s, AttentionEfficiency& attention);
void describe(config::Schema& s, StreamEfficiency& stream);
void describe(config::Schema& s, HostOverhead& host);
void describe(config::Schema& s, DecodeEfficiency& decode);
void describe(config::Schema& s, ExpertLayerEfficiency& layer);
void describe(config::Schema& s, LatentDecodeEfficiency& decode);
void describe(config::Schema& s, ServedExpertsEfficiency& experts);
void describe(config::Schema& s, Residual& residual);
void describe(config::Schema& s, Efficiency& efficiency);

}  // namespace zettatwin::hardware
