// SPDX-License-Identifier: Apache-2.0
// Memory of every pipeline rank at its worst moment: model states as the plan shards them, activations in flight as the schedule's programs
// hold them, buffers, workspace and an allowance for fragmentation. Derivation and sources: docs/math/memory.md.
//
// Assumptions: all ranks of one pipeline stage are alike (the busiest expert-parallel rank is meant: plan.expert_imbalance); activations are
// bf16, inputs kept for weight gradients are in the recipe's number format.
// Complexity: O(pipeline ranks * (chunks + unrolled program)). Pure functions, thread-safe.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "model/architecture.hpp"
#include "plan/layout.hpp"
#include "plan/plan.hpp"
#include "software/profile.hpp"
#include "units/quantity.hpp"
#include "workload/schedule.hpp"

namespace zettatwin::workload {

struct MemoryInput {
  const model::Architecture& architecture;
  const plan::Plan& plan;
  const plan::Layout& layout;
  const Schedule& schedule;  // of plan.schedule over plan.pp ranks
  std::int64_t dp = 1;       // replicas, as placed
  std::int64_t sequence_length = 0;  // tokens
  const software::Profile& software;
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
  units::Bytes layer_states;             // of weights, gradients and optimizer: those of layers, without embedding and output projection
  units::Bytes layer_activations;        // of activations: without the embedding's

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
