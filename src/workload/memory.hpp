// SPDX-License-Identifier: Apache-2.0
// Memory of every pipeline rank at its worst moment: model states as the plan shards them, activations in flight as the schedule's programs
// hold them, buffers, workspace and an allowance for fragmentation. Derivation and sources: docs/math/memory.md.
//
// Assumptions: all ranks of one pipeline stage are alike (the busiest expert-parallel rank is meant: plan.expert_imbalance); activations are
// bf16, inputs kept for weight gradients are in the recipe's number format; kernels fuse as in Megatron-LM with Transformer Engine.
// Complexity: O(pipeline ranks * (chunks + unrolled program)). Pure functions, thread-safe.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/schema.hpp"
#include "model/architecture.hpp"
#include "plan/layout.hpp"
#include "plan/plan.hpp"
#include "units/quantity.hpp"
#include "workload/schedule.hpp"

namespace zettatwin::workload {

// How the cross entropy keeps its logits.
enum class LossKernel {
  fused,     // the gradient overwrites the bf16 logits: 2 bytes per logit
  in_place,  // an fp32 copy turns into softmax and gradient in place, beside the bf16 gradient: 6 (Megatron-LM)
  eager,     // bf16 logits, fp32 copy, log-softmax and gradient, each its own tensor: 14 (PyTorch's cross_entropy)
};
[[nodiscard]] std::span<const config::Word> loss_words();

// What a framework does that a plan does not say.
struct MemoryOptions {
  units::Ratio fragmentation = units::Ratio::from_si(0.05);  // of activations and buffers; states live in a few long-lived blocks
  units::Bytes workspace = units::Bytes::from_si(2147483648.0);  // driver context, communicators, GEMM library: 1.5-3 GiB is common; estimated
  bool flash_attention = true;       // scores are never stored; false: Megatron's unfused softmax
  bool dropout = false;              // masks and, unfused, the dropped-out scores
  LossKernel loss = LossKernel::fused;
  std::int64_t bucket_parameters = 40'000'000;  // one gradient bucket (Megatron-LM's default)
  std::int64_t prefetch_layers = 1;  // ZeRO 3: layers gathered ahead of the running one
};
void describe(config::Schema& s, MemoryOptions& options);

struct MemoryInput {
  const model::Architecture& architecture;
  const plan::Plan& plan;
  const plan::Layout& layout;
  const Schedule& schedule;  // of plan.schedule over plan.pp ranks
  std::int64_t dp = 1;       // replicas, as placed
  std::int64_t sequence_length = 0;  // tokens
  MemoryOptions options;
};

struct MemoryPart {
  std::string_view name;     // "weights", "optimizer", "activations", ...; one of a fixed list, always in the same order
  units::Bytes bytes;
  std::string_view formula;  // in the symbols of docs/math/memory.md
};

struct MemoryBreakdown {
  std::vector<MemoryPart> parts;         // zero parts are left out
  InFlight in_flight;                    // microbatches held per local chunk at the peak
  std::vector<double> activation_bytes;  // [local chunk]: bytes of one microbatch

  [[nodiscard]] units::Bytes total() const;
  [[nodiscard]] const MemoryPart& largest() const;
};

struct MemoryReport {
  std::vector<MemoryBreakdown> ranks;  // one per pipeline rank
  std::size_t peak_rank = 0;           // the first of those that need most
  units::Bytes capacity;

  [[nodiscard]] const MemoryBreakdown& peak() const { return ranks[peak_rank]; }
  [[nodiscard]] bool fits() const { return peak().total() <= capacity; }
  [[nodiscard]] units::Bytes excess() const { return peak().total() - capacity; }  // negative: free
};

[[nodiscard]] MemoryReport memory_of(const MemoryInput& input, units::Bytes capacity);

// A change of the plan and what the peak rank would need less with it.
struct Remedy {
  std::string change;  // "recompute=selective", "tp=16,dp=128"
  units::Bytes saves;
  bool fits = false;   // alone is enough
};
// Changes of one setting at a time on the same number of chips, those that help, most effective first. Recomputes the memory for each: about ten times the
// cost of memory_of; meant for plans that do not fit.
[[nodiscard]] std::vector<Remedy> remedies(const MemoryInput& input, units::Bytes capacity);

// "pipeline rank 3 needs 152.1 GB, 8.1 GB more than the chip's 144 GB; largest part: activations 80.2 GB"
[[nodiscard]] std::string infeasible_text(const MemoryReport& report);

}  // namespace zettatwin::workload
