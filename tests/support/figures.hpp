// SPDX-License-Identifier: Apache-2.0
// Sums and hashes over the figures of an answer.
#pragma once

#include "base/stable_hash.hpp"
#include "toy.hpp"

namespace zettatwin::test {

[[nodiscard]] inline double sum_of_leaves(const result::Node& node) {
  if (node.children.empty()) return node.si;
  double sum = 0;
  for (const auto& child : node.children) sum += sum_of_leaves(child);
  return sum;
}

inline void add_to(StableHash& hash, const result::Node& node) {
  hash.add(node.key).add(node.si).add(node.formula);
  for (const auto& input : node.inputs) hash.add(input.name).add(input.value).add(input.source);
  for (const auto& child : node.children) add_to(hash, child);
}

// Of every figure of the answer.
[[nodiscard]] inline std::uint64_t hash_of(const training::TrainingResult& r) {
  StableHash hash;
  hash.add(static_cast<std::int64_t>(r.feasible)).add(r.chips).add(r.idle_chips).add(r.data_parallel).add(r.microbatches).add(r.tokens_per_step);
  hash.add(r.step_time.count()).add(r.tokens_per_s).add(r.mfu).add(r.mfu_bf16).add(r.memory_peak.si()).add(r.memory_peak_role).add(r.critical_role);
  for (const auto& role : r.roles) hash.add(role.layers).add(role.busy.count()).add(role.idle.count()).add(role.gradients.count()).add(role.optimizer.count()).add(role.memory.si());
  if (r.infeasible) hash.add(r.infeasible->reason);
  add_to(hash, r.tree);
  return hash.value();
}

}  // namespace zettatwin::test
