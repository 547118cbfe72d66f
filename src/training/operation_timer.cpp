// SPDX-License-Identifier: Apache-2.0
#include "training/operation_timer.hpp"

#include <algorithm>

#include "base/contract.hpp"

namespace zettatwin::training {

std::optional<space::Partition> shards_of(const space::View& data, const space::View& all_data, std::int64_t zero_group) {
  if (zero_group == 0 || zero_group >= all_data.size()) return space::Partition{data, {}};
  return space::partition(data, std::max<std::int64_t>(1, zero_group * data.size() / all_data.size()));
}

double expected_units_reached(std::int64_t units, std::int64_t experts, std::int64_t top_k, double limit) {
  if (units <= 1) return 1;
  const double per_unit = static_cast<double>(experts) / static_cast<double>(units);
  double missed = 1;  // C(E - E/G, k) / C(E, k) as a product
  for (std::int64_t i = 0; i < top_k; ++i)
    missed *= std::max(0.0, 1 - per_unit / static_cast<double>(experts - i));
  const double others = static_cast<double>(units - 1) * (1 - missed);
  return 1 + (limit > 0 ? std::min(others, limit) : others);
}

OperationTimer::OperationTimer(const hardware::Chip& chip, const plan::Plan& plan, const plan::Placement& placement, const model::Architecture& architecture)
    : chip_(chip), placement_(placement) {
  const auto& groups = placement.groups;
  const auto set = [this](workload::Group group, const space::View& view) { views_[static_cast<std::size_t>(group)] = view; };
  set(workload::Group::tensor, groups.tensor);
  set(workload::Group::context, groups.context);
  set(workload::Group::expert, groups.expert);
  set(workload::Group::expert_tensor, groups.expert_tensor);
  set(workload::Group::pipeline, groups.pipeline);
  const auto dense = shards_of(groups.data, groups.data, plan.zero_group), expert = shards_of(groups.expert_data, groups.data, plan.zero_group);
  ZT_EXPECT(dense && expert, "zero_group cuts across the data-parallel ranks");
  set(workload::Group::shard, dense->inner);
  set(workload::Group::replica, dense->outer);
  set(workload::Group::expert_shard, expert->inner);
  set(workload::Group::expert_replica, expert->outer);
  for (const auto& kind : architecture.kinds)
    if (kind.experts) experts_ = &*kind.experts;
}

network::CollectiveRequest OperationTimer::request(const workload::Communication& c) const {
  network::CollectiveRequest request{.op = c.op, .bytes = c.bytes, .spread = topology::spread_of(placement_.fabric, view(c.group))};
  if (c.tokens_sent <= 0 || !experts_) return request;
  // Copies for several experts of one unit travel to it once: the tree of units that a token reaches has D(level below) - D(level) edges at a level.
  const auto& moe = *experts_;
  const auto members = request.spread.size();
  double reached_below = expected_units_reached(members, moe.routed_experts, moe.top_k, 0);
  for (std::size_t level = 0; level < request.spread.fanout.size(); ++level) {
    const auto units_here = members / request.spread.members_below(level + 1);
    const double limit = moe.group_limit > 0 ? static_cast<double>(moe.group_limit * std::max<std::int64_t>(1, units_here / std::max<std::int64_t>(1, moe.groups))) : 0;
    const double reached = std::min(reached_below, expected_units_reached(units_here, moe.routed_experts, moe.top_k, limit));
    request.bytes_across_level.push_back(c.tokens_sent * (reached_below - reached) * c.bytes_per_token);
    reached_below = reached;
  }
  return request;
}

units::Picoseconds OperationTimer::time(const workload::Communication& c) const {
  const auto [at, added] = known_.try_emplace(Key{c.op, c.group, c.bytes.si(), c.tokens_sent});
  if (added) at->second = network::collective_duration(placement_.fabric, request(c));
  return at->second;
}

units::Picoseconds OperationTimer::time(const workload::Operation& op) const {
  return std::visit(
      [&](const auto& work) -> units::Picoseconds {
        if constexpr (std::is_same_v<std::decay_t<decltype(work)>, workload::Communication>) return time(work);
        else return compute::time_of(chip_, work).time;
      },
      op.work);
}

units::Picoseconds OperationTimer::bound(const workload::Operation& op) const {
  return std::visit(
      [&](const auto& work) -> units::Picoseconds {
        using W = std::decay_t<decltype(work)>;
        if constexpr (std::is_same_v<W, workload::Communication>) {
          // Pieces of a group that straddles can be smaller than what its luckier members see.
          if (placement_.straddles() && !topology::divides_evenly(placement_.fabric, view(work.group))) return {};
          return network::collective_bound(placement_.fabric, request(work));
        }
        else {
          const auto cost = compute::time_of(chip_, work);
          hardware::Precision precision = hardware::Precision::bf16;
          if constexpr (requires { work.precision; }) precision = work.precision;
          return std::min(cost.time, compute::bound_of(chip_, cost.flop, precision, cost.bytes));
        }
      },
      op.work);
}

}  // namespace zettatwin::training
