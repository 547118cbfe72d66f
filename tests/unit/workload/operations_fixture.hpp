// SPDX-License-Identifier: Apache-2.0
// Small layers lowered by hand-checkable plans, and counts over their operations.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "../../support/software.hpp"
#include "../compute/round_chip.hpp"
#include "workload/operations.hpp"

namespace zettatwin::workload::testing {

// h = 1024, 8 heads of 128 over 2 key/value heads, gated feed-forward of 4096.
inline model::Architecture dense_model() {
  model::Architecture a;
  a.name = "dense";
  a.hidden = 1024;
  a.vocabulary = 32000;
  model::Layer layer;
  layer.attention = {.heads = 8, .kv_heads = 2, .head_dim = 128, .v_head_dim = 128};
  layer.dense = model::FeedForward{.intermediate = 4096, .gated = true};
  a.kinds = {layer};
  a.runs = {{4, 0}};
  return a;
}

// Multi-latent attention: 8 heads of 128 + 64, values of 128, latents of 512 (queries) and 256.
inline model::Architecture latent_model(std::int64_t q_lora_rank = 512) {
  auto a = dense_model();
  a.kinds[0].attention = {.kind = model::AttentionKind::multi_latent, .heads = 8, .kv_heads = 8, .head_dim = 192, .v_head_dim = 128, .q_lora_rank = q_lora_rank,
                          .kv_lora_rank = 256, .qk_nope_dim = 128, .qk_rope_dim = 64};
  return a;
}

// 16 gated experts of 512, four per token, beside a shared one of 1024.
inline model::Architecture expert_model(std::int64_t shared = 1024) {
  auto a = dense_model();
  a.kinds[0].dense.reset();
  a.kinds[0].experts = model::MixtureOfExperts{.routed_experts = 16, .top_k = 4, .intermediate = 512, .shared_intermediate = shared, .gated = true};
  return a;
}

inline constexpr MicrobatchShape kShape{.sequences = 2, .sequence_length = 2048};  // 4096 tokens
inline constexpr double kTokens = 4096;

inline LayerOperations layer_of(const model::Architecture& a, const plan::Plan& plan) { return layer_operations(a, a.kinds[0], plan, kShape, test::catalog_software()); }

inline std::vector<std::string> names_of(const std::vector<Operation>& operations) {
  std::vector<std::string> names;
  for (const auto& op : operations) names.emplace_back(op.name);
  return names;
}

// The only operation of that name.
inline const Operation& named(const std::vector<Operation>& operations, std::string_view name) {
  const Operation* found = nullptr;
  for (const auto& op : operations)
    if (op.name == name) {
      EXPECT_EQ(found, nullptr) << name << " occurs twice";
      found = &op;
    }
  EXPECT_NE(found, nullptr) << name << " is missing";
  static const Operation none;
  return found ? *found : none;
}

template <class W>
const W& work_of(const std::vector<Operation>& operations, std::string_view name) { return std::get<W>(named(operations, name).work); }

inline double bytes_of(const std::vector<Operation>& operations, std::string_view name) {
  const auto& op = named(operations, name);
  if (const auto* c = std::get_if<Communication>(&op.work)) return c->bytes.si();
  return std::get<compute::MemoryOp>(op.work).bytes.si();
}

inline double flop_of(const std::vector<Operation>& operations, bool attention = true) {
  static const auto chip = compute::round_chip();
  double sum = 0;
  for (const auto& op : operations)
    std::visit([&](const auto& work) {
      using W = std::decay_t<decltype(work)>;
      if constexpr (!std::is_same_v<W, Communication>)
        if (attention || !std::is_same_v<W, compute::AttentionOp>) sum += compute::time_of(chip, work).flop.si();
    }, op.work);
  return sum;
}

inline std::string text(const compute::Gemm& g) { return std::to_string(g.m) + " x " + std::to_string(g.n) + " x " + std::to_string(g.k); }

}  // namespace zettatwin::workload::testing
