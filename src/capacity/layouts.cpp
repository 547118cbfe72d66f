// SPDX-License-Identifier: Apache-2.0
#include "capacity/layouts.hpp"

#include <algorithm>
#include <set>

#include "topology/level_in_use.hpp"

namespace zettatwin::capacity {
namespace {

constexpr std::int64_t kWidestStage = 1024;  // nobody has published wider expert parallelism; wider ones only lengthen the search
constexpr std::int64_t kDeepest = 8;          // pipeline stages

std::int64_t routed_experts(const model::Architecture& model) {
  std::int64_t most = 0;
  for (const auto& kind : model.kinds)
    if (kind.experts) most = std::max(most, kind.experts->routed_experts);
  return most;
}

std::int64_t fewest_heads(const model::Architecture& model) {
  std::int64_t least = model.kinds.front().attention.heads;
  for (const auto& kind : model.kinds) least = std::min(least, kind.attention.heads);
  return least;
}

// Chips of a stage: powers of two, and whole units of the machine.
std::set<std::int64_t> stage_sizes(const hardware::Machine& machine, std::int64_t most) {
  std::set<std::int64_t> sizes;
  for (std::int64_t n = 1; n <= most; n *= 2) sizes.insert(n);
  for (std::size_t l = 1; l <= machine.levels.size(); ++l)
    if (const auto n = machine.chips_within(l); n <= most) sizes.insert(n);
  return sizes;
}

}  // namespace

std::vector<inference::Pool> layouts(const hardware::Machine& machine, const model::Architecture& model, const inference::Pool& base, std::int64_t chips) {
  const auto experts = routed_experts(model);
  const auto scale_up = topology::scale_up_chips(topology::levels_in_use(machine));
  const auto widest = std::min({chips, kWidestStage, std::max<std::int64_t>(experts, std::max<std::int64_t>(scale_up, 1))});
  const auto heads = fewest_heads(model);
  std::vector<inference::Pool> found;
  for (const auto stage : stage_sizes(machine, widest))
    for (std::int64_t tp = 1; tp <= std::min({stage, scale_up, heads}); tp *= 2) {
      if (stage % tp != 0 || heads % tp != 0) continue;
      auto pool = base;
      pool.tp = tp;
      pool.dp = stage / tp;
      pool.pp = 1;
      pool.ep = 0;
      if (pool.dp > 1 && (experts == 0 || stage > experts)) continue;  // dense replicas are instances of their own
      const auto routed = stage - pool.shared_copies;  // chips
      if (pool.shared_copies > 0 && (pool.dp == 1 || tp > 1 || routed < 1)) continue;
      if (pool.dp > 1) pool.redundant_experts = (experts + routed - 1) / routed * routed - experts;  // so that each chip holds as many
      found.push_back(pool);
      if (pool.dp == 1 && tp > 1 && experts > 0 && experts % tp == 0) {
        pool.ep = tp;
        found.push_back(pool);
      }
    }
  return found;
}

std::vector<inference::Pool> with_stages(const std::vector<inference::Pool>& flat, const model::Architecture& model, std::int64_t chips) {
  std::vector<inference::Pool> all;
  for (const auto& layout : flat) {
    auto pool = layout;
    for (pool.pp = 1; pool.pp <= std::min(kDeepest, model.layers()) && pool.chips() <= chips; pool.pp *= 2) all.push_back(pool);
  }
  return all;
}

}  // namespace zettatwin::capacity
