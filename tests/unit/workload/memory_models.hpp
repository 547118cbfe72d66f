// SPDX-License-Identifier: Apache-2.0
// Models and inputs for the tests of memory.
#pragma once

#include <gtest/gtest.h>

#include "plan/layout.hpp"
#include "../../support/software.hpp"
#include "workload/memory.hpp"

namespace zettatwin::workload::testing {

// A GPT: multi-head attention, feed-forward of 4h without gate or biases, one input table that is also the head.
inline model::Architecture gpt(std::int64_t layers, std::int64_t hidden, std::int64_t heads, std::int64_t vocabulary = 51200) {
  model::Architecture a;
  a.name = "gpt";
  a.hidden = hidden;
  a.vocabulary = vocabulary;
  a.tied_embeddings = true;
  model::Layer layer;
  layer.attention = {.heads = heads, .kv_heads = heads, .head_dim = hidden / heads, .v_head_dim = hidden / heads};
  layer.dense = model::FeedForward{.intermediate = 4 * hidden, .gated = false};
  a.kinds = {layer};
  a.runs = {{layers, 0}};
  return a;
}

inline model::Architecture llama(std::int64_t layers, std::int64_t hidden, std::int64_t intermediate, std::int64_t heads, std::int64_t kv_heads, std::int64_t vocabulary = 128256) {
  auto a = gpt(layers, hidden, heads, vocabulary);
  a.name = "llama";
  a.tied_embeddings = false;
  a.kinds[0].attention.kv_heads = kv_heads;
  a.kinds[0].dense = model::FeedForward{.intermediate = intermediate};
  return a;
}

// Latent attention and experts with the dimensions of DeepSeek-V3: `dense` layers first.
inline model::Architecture latent_experts(std::int64_t dense, std::int64_t moe) {
  model::Architecture a;
  a.name = "latent-experts";
  a.hidden = 7168;
  a.vocabulary = 129280;
  model::Layer layer;
  layer.attention = {.kind = model::AttentionKind::multi_latent, .heads = 128, .kv_heads = 128, .head_dim = 192, .v_head_dim = 128,
                     .q_lora_rank = 1536, .kv_lora_rank = 512, .qk_nope_dim = 128, .qk_rope_dim = 64};
  layer.dense = model::FeedForward{.intermediate = 18432};
  a.kinds = {layer};
  layer.dense.reset();
  layer.experts = model::MixtureOfExperts{.routed_experts = 256, .top_k = 8, .intermediate = 2048, .shared_intermediate = 2048};
  a.kinds.push_back(layer);
  a.runs = {{dense, 0}, {moe, 1}};
  return a;
}

// Everything that memory_of needs, kept alive together.
struct Case {
  model::Architecture architecture;
  plan::Plan plan;
  std::int64_t dp = 1;
  std::int64_t sequence = 4096;
  std::int64_t microbatches = 1;
  software::Profile software;

  template <class F>
  auto with_input(F&& use) const {
    config::Diagnostics d;
    const auto layout = plan::make_layout(plan, architecture, config::location_in("test"), d);
    EXPECT_TRUE(layout) << (d.all().empty() ? "" : d.all().front().text());
    const auto schedule = make_schedule(plan.schedule, plan.pp, plan::chunks_per_rank(plan), microbatches);
    return use(MemoryInput{architecture, plan, *layout, schedule, dp, sequence, software});
  }

  [[nodiscard]] MemoryReport report(units::Bytes capacity = units::Bytes::from_si(80e9)) const {
    return with_input([capacity](const MemoryInput& input) { return memory_of(input, capacity); });
  }
  [[nodiscard]] std::vector<Remedy> remedies(units::Bytes capacity) const {
    return with_input([capacity](const MemoryInput& input) { return workload::remedies(input, capacity); });
  }
};

inline double part(const MemoryBreakdown& b, std::string_view name) {
  for (const auto& p : b.parts)
    if (p.name == name) return p.bytes.si();
  return 0;
}

}  // namespace zettatwin::workload::testing
