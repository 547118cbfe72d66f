// SPDX-License-Identifier: Apache-2.0
// Small models and machines for the tests of plans.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "hardware/machine.hpp"
#include "model/architecture.hpp"

namespace zettatwin::plan::testing {

inline model::Architecture dense_model(std::int64_t layers = 32, std::int64_t heads = 32, std::int64_t kv_heads = 8) {
  model::Architecture a;
  a.name = "dense";
  a.hidden = heads * 128;
  a.vocabulary = 128000;
  model::Layer layer;
  layer.attention = {.heads = heads, .kv_heads = kv_heads, .head_dim = 128, .v_head_dim = 128};
  layer.dense = model::FeedForward{.intermediate = 14336};
  a.kinds = {layer};
  a.runs = {{layers, 0}};
  return a;
}

// `dense` layers, then layers with 64 experts.
inline model::Architecture expert_model(std::int64_t dense = 3, std::int64_t moe = 13) {
  auto a = dense_model(dense);
  a.name = "experts";
  model::Layer layer = a.kinds[0];
  layer.dense.reset();
  layer.experts = model::MixtureOfExperts{.routed_experts = 64, .top_k = 8, .intermediate = 2048, .shared_intermediate = 2048};
  a.kinds.push_back(layer);
  a.runs.push_back({moe, 1});
  return a;
}

inline hardware::Machine machine_of(const std::vector<std::pair<std::string, std::int64_t>>& levels) {
  hardware::Machine machine;
  machine.name = "machine";
  for (const auto& [name, size] : levels) {
    hardware::Level level;
    level.name = name;
    level.size = size;
    machine.levels.push_back(level);
  }
  return machine;
}

}  // namespace zettatwin::plan::testing
