// SPDX-License-Identifier: Apache-2.0
// Which layers each model chunk of the pipeline holds. The stack is cut into model_chunks(plan) consecutive chunks; the embedding goes
// with the first, the final norm, output projection, loss and multi-token-prediction modules with the last.
//
// Balanced: the cut minimises the largest chunk weight and, among such cuts, the sum of squares (docs/math/placement.md);
// ties give the earlier chunks fewer layers, whose activations live longest. Explicit: plan.layers_per_chunk.
// Complexity O(chunks * layers * widest chunk). Pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "config/diagnostic.hpp"
#include "model/architecture.hpp"
#include "plan/plan.hpp"

namespace zettatwin::plan {

// `count` consecutive layers of one kind.
struct LayerSpan {
  std::size_t kind = 0;    // index into Architecture::kinds
  std::int64_t count = 0;
  std::int64_t first = 0;  // number of its first layer in the stack
  friend bool operator==(const LayerSpan&, const LayerSpan&) = default;
};

struct ModelChunk {
  std::vector<LayerSpan> layers;
  bool has_embedding = false;
  bool has_head = false;
  std::int64_t mtp = 0;  // multi-token-prediction modules

  [[nodiscard]] std::int64_t layer_count() const;
  friend bool operator==(const ModelChunk&, const ModelChunk&) = default;
};

struct Layout {
  std::vector<ModelChunk> chunks;               // in model order
  std::vector<std::vector<std::int32_t>> held;  // [pipeline rank][local chunk]: index into chunks
};

// Relative costs to balance: one per layer kind, and of what the ends add.
struct LayerWeights {
  std::vector<double> kinds;
  double embedding = 0;
  double head = 0;
  double mtp = 0;  // one module with its pass through the head
};
// GEMM work per token: active parameters of each layer; embedding 0 (a lookup); head hidden * vocabulary.
[[nodiscard]] LayerWeights weights_by_parameters(const model::Architecture& architecture);

// Errors: fewer layers than chunks; layers_per_chunk that does not have model_chunks(plan) entries or does not sum to the layers.
[[nodiscard]] std::optional<Layout> make_layout(const Plan& plan, const model::Architecture& architecture, const LayerWeights& weights,
                                                const config::Location& where, config::Diagnostics& diagnostics);
// Balanced by weights_by_parameters.
[[nodiscard]] std::optional<Layout> make_layout(const Plan& plan, const model::Architecture& architecture, const config::Location& where,
                                                config::Diagnostics& diagnostics);

}  // namespace zettatwin::plan
