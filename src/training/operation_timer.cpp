// SPDX-License-Identifier: Apache-2.0
#include "training/operation_timer.hpp"

#include <algorithm>
#include <cmath>

#include "base/contract.hpp"
#include "noise/normal.hpp"
#include "training/faults.hpp"

namespace zettatwin::training {

std::optional<space::Partition> shards_of(const space::View& data, const space::View& all_data, std::int64_t zero_group) {
  if (zero_group == 0 || zero_group >= all_data.size()) return space::Partition{data, {}};
  return space::partition(data, std::max<std::int64_t>(1, zero_group * data.size() / all_data.size()));
}

namespace {

// C(all - some, k) / C(all, k): k picks out of `all` miss `some` of them.
double missed(double all, double some, std::int64_t k) {
  if (some <= 0) return 1;
  double share = 1;
  for (std::int64_t i = 0; i < k; ++i) share *= std::max(0.0, 1 - some / (all - static_cast<double>(i)));
  return share;
}

// C(marked, j) C(all - marked, draws - j) / C(all, draws)
double hypergeometric(std::int64_t all, std::int64_t marked, std::int64_t draws, std::int64_t j) {
  const auto choose = [](std::int64_t n, std::int64_t k) {
    double ways = 1;
    for (std::int64_t i = 0; i < k; ++i) ways *= static_cast<double>(n - i) / static_cast<double>(i + 1);
    return ways;
  };
  return choose(marked, j) * choose(all - marked, draws - j) / choose(all, draws);
}

// Whether `rank` is a member of the group of rank 0. Atoms nest, so that the outermost takes all that it can.
bool holds(const space::View& group, std::int64_t rank) {
  for (auto atom = group.atoms.rbegin(); atom != group.atoms.rend(); ++atom) rank -= std::min(atom->size - 1, rank / atom->stride) * atom->stride;
  return rank == 0;
}

// The largest of n normal values, in standard deviations, on average (Blom 1958: the score of (n - 3/8) / (n + 1/4), within 1 % from eight on).
double largest_of(std::int64_t n) {
  const auto count = static_cast<double>(n);
  return noise::normal_score(std::log((count - 0.375) / (count + 0.25)));
}

double pace_of(const hardware::Chip& chip, std::int64_t chips) {
  constexpr std::int64_t kMeasuredTogether = 8;
  const auto& spread = chip.efficiency.spread;
  return spread.present && chips > kMeasuredTogether ? 1 + spread.si() * (largest_of(chips) - largest_of(kMeasuredTogether)) : 1;
}

}  // namespace

double expected_units_reached(std::int64_t units, const Routing& r) {
  if (units <= 1) return 1;
  const double others = static_cast<double>(units - 1);
  const double experts = static_cast<double>(r.experts), held = experts / static_cast<double>(units);
  if (r.group_limit <= 0 || r.group_limit >= r.groups) return 1 + others * (1 - missed(experts, held, r.top_k));
  // A unit lies in `spanned` of the groups, each of which is among the chosen ones or not.
  const std::int64_t spanned = std::max<std::int64_t>(1, r.groups / units);
  const double open = experts * static_cast<double>(r.group_limit) / static_cast<double>(r.groups);
  const std::int64_t closed = r.groups - r.group_limit;
  double none = 0;
  for (std::int64_t chosen = std::min(spanned, r.group_limit); chosen >= std::max<std::int64_t>(0, spanned - closed); --chosen) {
    none += hypergeometric(r.groups, r.group_limit, spanned, chosen) * missed(open, held * static_cast<double>(chosen) / static_cast<double>(spanned), r.top_k);
  }
  return 1 + others * (1 - none);
}

OperationTimer::OperationTimer(const hardware::Chip& chip, const plan::Plan& plan, const plan::Placement& placement, const model::Architecture& architecture,
                               std::vector<traffic::Fault> faults, traffic::Fidelity fidelity)
    : chip_(chip), placement_(placement), faults_(std::move(faults)), fidelity_(fidelity), slow_chips_(slow_chips(chip, faults_)) {
  std::erase_if(faults_, [](const traffic::Fault& fault) { return fault.kind == traffic::FaultKind::slow_chip; });
  pace_ = pace_of(chip, placement.fabric.ranks());
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
  const Routing routing{.experts = moe.routed_experts, .top_k = moe.top_k, .groups = moe.groups, .group_limit = moe.group_limit};
  double reached_below = expected_units_reached(members, routing);
  for (std::size_t level = 0; level < request.spread.fanout.size(); ++level) {
    const auto units_here = members / request.spread.members_below(level + 1);
    const double reached = std::min(reached_below, expected_units_reached(units_here, routing));
    request.bytes_across_level.push_back(c.tokens_sent * (reached_below - reached) * c.bytes_per_token);
    reached_below = reached;
  }
  return request;
}

const OperationTimer::Priced& OperationTimer::priced(const workload::Communication& c) const {
  auto& known = known_[Key{c.op, c.group, c.bytes.si(), c.tokens_sent}];
  if (known.time) return known;
  const auto load = network::collective_load(placement_.fabric, request(c));
  known.time = faults_.empty() && fidelity_ == traffic::Fidelity::folded ? load.time : by_flows(c, load.time);
  known.ports = footprint(c.group, load);
  return known;
}

Traffic OperationTimer::traffic(const workload::Communication& c) const {
  const auto& known = priced(c);
  return {&known.ports, *known.time};
}

// Of a collective that faults slow, the healthy shares: what is slowed is the bytes' time.
Footprint OperationTimer::footprint(workload::Group group, const network::CollectiveLoad& load) const {
  const auto& fabric = placement_.fabric;
  Footprint ports(load.busy.size());
  std::int64_t chips_below = 1;
  for (std::size_t l = 0; l < ports.size(); chips_below = fabric.ranks_within(l), ++l) {
    if (load.busy[l].si() <= 0) continue;
    ports[l].share = std::min(1.0, load.busy[l].si() / load.time.seconds().si());
    const bool mesh = fabric.machine->levels[l].network.kind == hardware::NetworkKind::full_mesh;
    if (!mesh || !topology::divides_evenly(fabric, view(group))) continue;
    ports[l].peers = 0;
    for (std::int64_t c = 1; c < fabric.used[l]; ++c)
      if (holds(view(group), c * chips_below)) ports[l].peers |= std::uint64_t{1} << (c % 64);
  }
  return ports;
}

// Messages between two ranks are priced by who sends them, who knows which ranks they are.
units::Picoseconds OperationTimer::by_flows(const workload::Communication& c, units::Picoseconds healthy) const {
  if (c.op == network::Collective::point_to_point) return healthy;
  const auto answer = traffic::simulate(placement_.fabric, query(c));
  if (impossible_.empty()) impossible_ = answer.impossible;
  return answer.impossible.empty() ? std::max(answer.time, healthy) : healthy;
}

traffic::CollectiveQuery OperationTimer::query(const workload::Communication& c) const {
  traffic::CollectiveQuery query;
  query.request = request(c);
  query.group = view(c.group);
  query.faults = faults_;
  query.fidelity = fidelity_;
  return query;
}

std::optional<traffic::CollectiveAnswer> OperationTimer::flows(const workload::Communication& c) const {
  if (faults_.empty() || c.op == network::Collective::point_to_point) return std::nullopt;
  return traffic::simulate(placement_.fabric, query(c));
}

units::Picoseconds OperationTimer::time(const workload::Operation& op) const {
  return std::visit(
      [&](const auto& work) -> units::Picoseconds {
        if constexpr (std::is_same_v<std::decay_t<decltype(work)>, workload::Communication>) return time(work);
        else return compute_time(work);
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
