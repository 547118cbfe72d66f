// SPDX-License-Identifier: Apache-2.0
// Time of one operator on one chip. One cost function per operator; everything that depends on the chip is in its file.
// Derivations: docs/math/operator_time.md. What each figure rests on: compute/explain.hpp.
// Assumptions: kernels run alone on the chip, inputs come from device memory, and the host is not the limit (its time is in
// efficiency.host). Every time is at least `bound_of` its own flop and bytes, and never falls when work grows or a rate
// shrinks. Expects that the chip has the precision: chip.peak(precision) > 0. An operator with an empty dimension takes no time.
#pragma once

#include <cstdint>
#include <string_view>

#include "hardware/chip.hpp"
#include "hardware/precision.hpp"
#include "units/picoseconds.hpp"
#include "units/quantity.hpp"

namespace zettatwin::compute {

struct OperatorTime {
  units::Picoseconds time;
  units::Flop flop;             // useful, not padded
  units::Bytes bytes;           // to and from device memory
  units::Seconds math;          // terms of the formula; they do not add up where the form is a maximum or a norm
  units::Seconds memory;
  units::Seconds overhead;      // launch, ramps
  std::string_view bound;       // the largest term: "math", "memory", "launch"
  std::string_view detail;      // static text such as "tile 128x256"
  double waves = 0;             // tiles per core
};

// Whose kernels multiply: those of the chip's tables, which are of inference libraries, or those of training frameworks (efficiency.gemm.*.training).
enum class Library { inference, training };

// C[m,n] = A[m,k] B[k,n], `batch` times. Inputs in `precision`; output `output_bytes` per element, accumulated into when `accumulate`.
struct Gemm {
  std::int64_t m = 0, n = 0, k = 0;
  std::int64_t batch = 1;
  hardware::Precision precision = hardware::Precision::bf16;
  double output_bytes = 2;
  bool accumulate = false;  // weight gradients: read and write fp32 C
  double weight_bytes = 0;  // per element of B where it is stored in another format than it is multiplied in; 0: as `precision`
  Library library = Library::inference;
};
[[nodiscard]] OperatorTime time_of(const hardware::Chip& chip, const Gemm& op);

// `experts` GEMMs with m_e rows each, n x k weights; rows_total = sum of m_e; imbalance = max over mean of m_e (>= 1).
// With `accumulate` the weight gradients of the group, dW_e[n,k] += dY_e[m_e,n]^T X_e[m_e,k]: the rows are then the reduction.
struct GroupedGemm {
  std::int64_t experts = 0;
  double rows_total = 0;
  std::int64_t n = 0, k = 0;
  double imbalance = 1;
  hardware::Precision precision = hardware::Precision::bf16;
  double output_bytes = 2;
  bool accumulate = false;
  Library library = Library::inference;
};
[[nodiscard]] OperatorTime time_of(const hardware::Chip& chip, const GroupedGemm& op);

// Flash attention of `batch` sequences: q_length queries at the end of kv_length keys, causal with an optional window.
// causal_share: share of the full score rectangle that is computed, e.g. 0.5 + 0.5/s; set by the caller for context
// parallelism (1: no mask); 0: derive it from the lengths and the window, which needs kv_length >= q_length.
// backward: 2.5 times the FLOPs of the forward pass (two products become five).
// Up to 16 queries per sequence take the form of decoding kernels if the chip's file has figures of these. Forward passes in the library of inference take the
// figures of efficiency.served_attention, where there are such.
enum class AttentionKernel { best, flash2, flash1 };  // what the chip's figures describe, or an older generation
struct AttentionOp {
  std::int64_t batch = 1;
  std::int64_t heads = 0, kv_heads = 0;
  std::int64_t q_length = 0, kv_length = 0;
  std::int64_t head_dim = 0, v_head_dim = 0;
  std::int64_t window = 0;
  double causal_share = 0;
  bool backward = false;
  hardware::Precision precision = hardware::Precision::bf16;  // of the products and of the keys and values read
  bool preparation = false;  // also the kernels that split, rotate and cache q, k and v, where the chip's file knows them
  AttentionKernel kernel = AttentionKernel::best;
  Library library = Library::inference;
};
[[nodiscard]] OperatorTime time_of(const hardware::Chip& chip, const AttentionOp& op);
// The row of the chip's figures that such attention takes, and the table that it is in: `served_attention` or `attention`.
struct AttentionFigures {
  std::string_view table;
  hardware::Precision precision = hardware::Precision::bf16;
  const hardware::AttentionEfficiency& row;
};
[[nodiscard]] AttentionFigures attention_figures(const hardware::Chip& chip, const AttentionOp& op);
[[nodiscard]] inline bool windowed(const AttentionOp& op) { return op.window > 0 && op.window < op.kv_length; }

// Reads and writes of memory-bound kernels: norms, activations, residuals, permutation, optimizer. kernels: launches.
struct MemoryOp {
  units::Bytes bytes;
  std::int64_t kernels = 1;
};
[[nodiscard]] OperatorTime time_of(const hardware::Chip& chip, const MemoryOp& op);

// A product in 32 bits on the vector cores: C[m,n] = A[m,k] B[k,n], as engines choose experts where a router's weights are kept wide; with `tf32` on matrix cores
// that round. Expects efficiency.wide_gemm and vector_peak.fp32. Complexity: O(1).
struct WideGemm {
  std::int64_t m = 0, n = 0, k = 0;
  bool tf32 = false;
};
[[nodiscard]] OperatorTime time_of(const hardware::Chip& chip, const WideGemm& op);
[[nodiscard]] bool has_wide_gemm(const hardware::Chip& chip);

// Casting `elements` bf16 values to `precision` with block scales (reads 2 B, writes the format, `copies` times for both layouts).
struct Quantise {
  double elements = 0;
  hardware::Precision precision = hardware::Precision::fp8;
  std::int64_t copies = 1;
  bool dynamic = false;  // finds its scales first, as inference libraries do before each product
};
[[nodiscard]] OperatorTime time_of(const hardware::Chip& chip, const Quantise& op);

// The routed experts of a gated layer on one chip, as inference libraries run them: `tokens` of the whole expert-parallel group choose
// `topk` of `experts` each; the chip holds experts / expert_parallel of them, each cut to `inter` columns. Rows are spread evenly.
// Expects that the chip's file has figures of it: efficiency.expert_layer.
struct ExpertLayer {
  std::int64_t tokens = 0;
  std::int64_t hidden = 0, inter = 0;
  std::int64_t topk = 1, experts = 1;
  std::int64_t expert_parallel = 1;
  bool gated = true;
  hardware::Precision precision = hardware::Precision::bf16;
  double rows = 0, hit = 0;  // of this chip where it is not spread evenly: choices that fall on its experts, and those of them that at least one falls on
};
[[nodiscard]] OperatorTime time_of(const hardware::Chip& chip, const ExpertLayer& op);

// Attention of at most 16 queries per sequence on a chip whose file may say nothing of decoding: then the cache streams at the rate of thin products.
[[nodiscard]] OperatorTime decoding_time(const hardware::Chip& chip, const AttentionOp& op);

// The figures that serve `op` as decoding; null if it is none, or the chip's file has none.
[[nodiscard]] const hardware::DecodeEfficiency* decoding_figures(const hardware::Chip& chip, const AttentionOp& op);

// What kernels before prefill attention on latent vectors move in 16 bits, per token and head: the rotated part of the queries in place, keys put together
// from their own part and the rotated one that all heads share, values copied out of what both were projected to.
[[nodiscard]] MemoryOp latent_preparation(double queries, double keys, std::int64_t heads, std::int64_t nope, std::int64_t rope, std::int64_t value);

// Where a chip holds the tokens of a whole group, its kernels go through `others` too, the choices that fall on other chips' experts, and write a row of every token; they copy and
// sum the rows of their own experts alone, which ServedExperts counts. others (per_choice + 4 hidden / (top_k memory.bandwidth combine)): expert_layer's terms of the group's
// tokens, fitted to operator tables of spread layers, unless served_experts has its own; `precision` is that of the entry (figures_of_experts).
[[nodiscard]] units::Seconds sorting_of_others(const hardware::Chip& chip, hardware::Precision precision, double others, double topk, double hidden);

// A few queries of each of `batch` sequences on `kv_length` cached latent vectors of `latent` + `rope` elements (MLA, projections absorbed): the vector is
// the key of every head, its first `latent` elements are the value. Without figures of it (efficiency.decode_latent) at the rates of prefill attention.
struct LatentDecode {
  std::int64_t batch = 0;
  std::int64_t heads = 0;
  std::int64_t q_length = 1, kv_length = 0;
  std::int64_t latent = 512, rope = 64;
  hardware::Precision precision = hardware::Precision::bf16;  // of the cache and the products
};
[[nodiscard]] OperatorTime time_of(const hardware::Chip& chip, const LatentDecode& op);

// The choice of the keys that sparse attention looks at: `heads` small heads score `pairs` pairs of a query and a key, the sum over heads (with blocks: the best of
// each block, per head) is written, and the best are found by reading the scores twice (radix selection). The `keys` cached key vectors of head_dim elements are
// read once, as decoding attention reads its cache. Scores run at the rates of latent attention while decoding, or of prefill attention.
struct IndexScores {
  double pairs = 0;              // of all sequences together
  double keys = 0;               // likewise
  std::int64_t heads = 0, head_dim = 0;
  std::int64_t block = 1;        // keys of which only the best score is kept, one score per head; 1: one score per key
  double key_bytes = 0;          // of a cached key with its scale
  bool decoding = true;
  hardware::Precision precision = hardware::Precision::fp8;  // of the products
};
[[nodiscard]] OperatorTime time_of(const hardware::Chip& chip, const IndexScores& op);

// The routed experts of a layer on one chip in a serving engine: `rows` token copies on `hit` distinct experts, each hidden x inter (its part of it).
// Without figures of it (efficiency.served_experts) at the rates of grouped and dense GEMMs.
struct ServedExperts {
  double rows = 0;
  double hit = 0;  // experts with at least one row; may be an expectation
  std::int64_t hidden = 0, inter = 0;
  bool gated = true;
  hardware::Precision precision = hardware::Precision::bf16;  // of the products
  double weight_bytes = 0;  // per stored weight, scales included; 0: as `precision`
  double computed = 0;  // rows of the products where those of each expert are rounded up; 0: rows
  bool ordered = false;  // rows come ordered by expert, and what takes them back weighs and adds them: nothing here sorts, copies or sums
};
[[nodiscard]] OperatorTime time_of(const hardware::Chip& chip, const ServedExperts& op);
// The figures that serve a precision: the chip's own, or built from its grouped and dense GEMMs and the small kernels beside them (`ordered`: as of ServedExperts).
[[nodiscard]] hardware::ServedExpertsEfficiency served_experts_of(const hardware::Chip& chip, hardware::Precision precision, bool ordered = false);
[[nodiscard]] hardware::LatentDecodeEfficiency latent_decode_of(const hardware::Chip& chip, hardware::Precision precision);

// Lower bounds at datasheet peaks, for fidelity `bound`: max(flop / matrix peak, bytes / memory bandwidth).
[[nodiscard]] units::Picoseconds bound_of(const hardware::Chip& chip, units::Flop flop, hardware::Precision precision, units::Bytes bytes);

}  // namespace zettatwin::compute
