// SPDX-License-Identifier: Apache-2.0
// What one microbatch leaves behind on one rank for its backward pass, tensor by tensor, and what a layer needs beside it while it runs.
// Tables and sources: docs/math/memory.md (Korthikanti et al. 2022 refined for gated, grouped-query, latent and expert layers).
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "model/architecture.hpp"
#include "plan/plan.hpp"
#include "workload/memory.hpp"

namespace zettatwin::workload {

enum class Keep {
  always,           // until the backward pass, unless the whole layer recomputes
  unless_selective  // selective recomputation drops it
};

struct SavedTensor {
  std::string_view name;  // "queries, keys and values"
  double bytes = 0;       // of one microbatch on one rank
  Keep keep = Keep::always;
};

struct LayerActivations {
  std::vector<SavedTensor> tensors;  // the layer's input first
  double pending = 0;    // inputs and output gradients of linears, held between B and W of zero-bubble schedules
  double gradients = 0;  // activation gradients alive at once in the worst block of the backward pass
  double dispatch = 0;   // copies in flight around the experts

  [[nodiscard]] double all() const;      // none recomputed
  [[nodiscard]] double dropped() const;  // by selective recomputation
  [[nodiscard]] double input() const { return tensors.front().bytes; }
  // Bytes kept when `recompute` applies to this layer.
  [[nodiscard]] double kept(plan::Recompute recompute) const;
  // Bytes alive only while the layer runs backward.
  [[nodiscard]] double transient(plan::Recompute recompute) const;
};

// Shapes and number formats that all tensors of a rank share.
struct RankShape {
  RankShape(const model::Architecture& architecture, const plan::Plan& plan, std::int64_t sequence_length, const software::Profile& software);

  double hidden;
  double tp, cp, ep, etp;
  double length;         // tokens of the whole sequence
  double tokens;         // of a microbatch on a rank: micro_batch * sequence / cp
  double norm_tokens;    // tokens / tp under sequence parallelism
  double gemm_bytes;     // per element of an input kept for weight gradients
  double dispatch_bytes; // per element on the way to experts
  double combine_bytes;  // and back
  double norms;          // norms per layer
  double output_bytes;   // per element of attention outputs as kept
  double up_bytes;       // per element of inputs of experts' activation functions as kept
  bool quantised;        // GEMM inputs are cast copies
  bool all_to_all;       // context parallelism swaps sequence for heads
  bool overlapped_experts;  // two microbatches' expert traffic in flight
  double imbalance;
  const software::Profile& software;
};

[[nodiscard]] LayerActivations layer_activations(const RankShape& shape, const model::Layer& layer);
// A multi-token-prediction module without its logits: norms of hidden state and embedding, their projection, the layer.
[[nodiscard]] LayerActivations mtp_activations(const RankShape& shape, const model::Layer& layer);
// Final norm, logits and loss of one pass through the head, `vocabulary` words over tp.
[[nodiscard]] double head_bytes(const RankShape& shape, std::int64_t vocabulary);

}  // namespace zettatwin::workload
