// SPDX-License-Identifier: Apache-2.0
// A parallel plan for training: sizes of the parallel dimensions, batch, memory policy, schedule, precision and placement.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "config/schema.hpp"
#include "hardware/precision.hpp"

namespace zettatwin::plan {

enum class ContextParallelKind { ring, all_to_all };
enum class Recompute { none, selective, full };
enum class ScheduleKind { one_f_one_b, interleaved, zb_h1, zb_v, dualpipe, dualpipe_v };
enum class Recipe { bf16, fp8_block, mxfp8, fp4 };
enum class NumberType { fp32, bf16, fp16, fp8, none };
enum class OptimizerKind { adam, sgd_momentum, muon };
enum class Axis { tp, cp, dp, pp };  // expert dimensions live inside tp x cp x dp

[[nodiscard]] std::span<const config::Word> schedule_words();
[[nodiscard]] std::span<const config::Word> recipe_words();
[[nodiscard]] std::span<const config::Word> recompute_words();
[[nodiscard]] std::span<const config::Word> axis_words();
[[nodiscard]] std::span<const config::Word> context_parallel_words();
[[nodiscard]] std::span<const config::Word> number_words();
[[nodiscard]] std::span<const config::Word> optimizer_words();

// Which traffic may run beside computation. Off: it is exposed in full.
struct Overlap {
  bool tp = false;              // tensor-parallel collectives pipelined with their GEMMs (user buffers, async TP)
  bool cp = true;               // ring exchange behind attention
  bool ep = false;              // dispatch/combine behind another microbatch's computation (DualPipe, 1F1B overlap)
  bool pp = true;               // stage sends in the background
  bool gradients = true;        // gradient reduction behind the backward of the last microbatch
  bool parameters = true;       // parameter gathers behind the first forward (ZeRO 1-2) or the layers before (ZeRO 3)
};

struct Plan {
  // Sizes; dp == 0: as many replicas as fit on the chips.
  std::int64_t tp = 1, cp = 1, ep = 1, etp = 1, pp = 1, vpp = 1, dp = 0;
  bool sequence_parallel = true;  // shard norms and residuals over tp
  ContextParallelKind cp_kind = ContextParallelKind::ring;
  std::int64_t zero = 1;            // ZeRO stage 0-3; 3 is FSDP
  std::int64_t zero_group = 0;      // hybrid sharding: shards per group, replicated above it; 0: all of dp x cp
  std::int64_t micro_batch = 1;     // sequences
  std::int64_t global_batch = 0;    // sequences; 0: from the scenario or chosen
  Recompute recompute = Recompute::none;
  bool compress_activations = false;   // keep attention outputs and inputs of experts' activation functions in fewer bits
  std::int64_t recompute_layers = -1;  // with full: layers per stage chunk that recompute; -1: all
  ScheduleKind schedule = ScheduleKind::one_f_one_b;
  Recipe recipe = Recipe::bf16;
  bool frozen_weights = false;      // low-rank adapters are trained beside them (LoRA): no gradients of weights, no optimizer states; adapters are not counted
  OptimizerKind optimizer = OptimizerKind::adam;
  NumberType parameter_type = NumberType::bf16;
  NumberType gradient_type = NumberType::fp32;   // accumulation
  NumberType reduce_type = NumberType::fp32;     // on the wire
  NumberType master_type = NumberType::fp32;
  NumberType moment_type = NumberType::fp32;
  Overlap overlap;
  std::vector<Axis> placement{Axis::tp, Axis::cp, Axis::dp, Axis::pp};  // innermost first
  bool straddle = true;  // borders of units may cut groups where that leaves fewer chips idle
  std::vector<std::int64_t> layers_per_chunk;  // explicit layout over pp*vpp chunks; empty: balanced
  double expert_imbalance = 1;  // tokens of the busiest expert-parallel rank over the mean
};

// Bytes per element; 0 for `none`.
[[nodiscard]] double bytes_of(NumberType type);

// Model chunks that one pipeline rank holds: vpp if interleaved; 2 for ZB-V and DualPipeV (chunks r and 2*pp-1-r) and for DualPipe (stages r
// and pp-1-r, each held twice in the pipeline, once per direction); else 1.
[[nodiscard]] std::int64_t chunks_per_rank(const Plan& plan);
// Distinct model chunks that the layers are cut into: pp for DualPipe, else pp * chunks_per_rank.
[[nodiscard]] std::int64_t model_chunks(const Plan& plan);
// Whether a rank runs the forward pass of one microbatch and the backward pass of another together: DualPipe and DualPipeV.
[[nodiscard]] inline bool pairs_passes(ScheduleKind kind) { return kind == ScheduleKind::dualpipe || kind == ScheduleKind::dualpipe_v; }

// Lists (placement, layers_per_chunk) are YAML lists, or one text with '+' between the items: "tp+cp+dp+pp".
void describe(config::Schema& s, Overlap& overlap);
void describe(config::Schema& s, Plan& plan);

// Parses "tp=8,pp=16,overlap.ep=true,placement=tp+cp+dp+pp" into the same tree that YAML gives; dots open nested mappings. `name` is used in
// locations, whose columns count in `text`.
[[nodiscard]] config::Node parse_plan_text(const std::string& text, const std::string& name, config::Diagnostics& diagnostics);

}  // namespace zettatwin::plan
