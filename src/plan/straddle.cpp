// SPDX-License-Identifier: Apache-2.0
#include "plan/straddle.hpp"

#include <algorithm>
#include <numeric>

#include "plan/grid.hpp"
#include "plan/used_units.hpp"
#include "topology/fabric.hpp"

namespace zettatwin::plan {
namespace {

constexpr std::int64_t kTries = 4096;  // world sizes per choice of levels; the first or second usually does

bool in_step(std::int64_t ranks, const std::vector<std::int64_t>& edges) {
  return std::all_of(edges.begin(), edges.end(), [ranks](auto e) { return ranks % e == 0 || e % ranks == 0; });
}

// One choice of levels that may be cut.
class Filling final {
 public:
  Filling(const Plan& plan, const hardware::Machine& machine, std::int64_t available, std::uint64_t cut)
      : plan_(plan), machine_(machine), cut_(cut), replica_(plan.tp * plan.cp * plan.pp) {
    const auto fixed = boundaries_inside_replicas(plan);
    std::int64_t below = 1;
    std::size_t level = 0;
    for (; level + 1 < machine.levels.size() && below * machine.levels[level].size < available; ++level) {
      const auto unit = level > 0 && !is_cut(level - 1) ? below : 1;
      auto ranks = below * machine.levels[level].size / unit * unit;
      while (ranks > unit && !in_step(ranks, is_cut(level) ? std::vector{plan.tp, plan.etp} : fixed)) ranks -= unit;
      filled_.push_back(below = ranks);
    }
    room_ = std::min(available, below * machine.levels[level].size);  // `level` holds the whole job
  }

  // Ranks in a unit of each level for the most ranks beyond `least`; empty if there are none.
  [[nodiscard]] std::vector<std::int64_t> most(std::int64_t least) const {
    if (plan_.dp > 0) return with(replica_ * plan_.dp, least);
    if (plan_.global_batch > 0) {
      for (const auto dp : divisors_descending(plan_.global_batch / plan_.micro_batch))
        if (auto filled = with(replica_ * dp, least); !filled.empty()) return filled;
      return {};
    }
    std::int64_t step = std::lcm(replica_, plan_.pp * plan_.etp * plan_.ep);
    for (std::size_t l = 0; l < filled_.size() && step <= room_; ++l)
      if (!is_cut(l)) step = std::lcm(step, filled_[l]);
    auto world = room_ / step * step;
    for (std::int64_t tries = 0; tries < kTries && world > least; ++tries, world -= step)
      if (auto filled = with(world, least); !filled.empty()) return filled;
    return {};
  }

 private:
  [[nodiscard]] bool is_cut(std::size_t level) const { return (cut_ >> level & 1u) != 0; }

  [[nodiscard]] std::vector<std::int64_t> with(std::int64_t world, std::int64_t least) const {
    if (world <= least || world > room_) return {};
    const Grid grid(plan_, world / replica_);
    if (!grid.expert_grid_exists()) return {};
    const auto boundaries = grid.boundaries();
    for (std::size_t l = 0; l < filled_.size(); ++l)
      if (!is_cut(l) && !in_step(filled_[l], boundaries)) return {};
    auto filled = filled_;
    filled.resize(machine_.levels.size(), world);
    const topology::Fabric fabric{.machine = &machine_, .used = units_used(filled), .filled = filled};
    const auto groups = grid.groups();
    const bool whole = topology::divides_evenly(fabric, groups.tensor) && topology::divides_evenly(fabric, groups.expert_tensor);
    return whole ? filled : std::vector<std::int64_t>{};
  }

  const Plan& plan_;
  const hardware::Machine& machine_;
  std::uint64_t cut_;                  // bit per level
  std::int64_t replica_;
  std::vector<std::int64_t> filled_;   // of the levels inside the one that holds the whole job
  std::int64_t room_ = 0;
};

}  // namespace

std::vector<std::int64_t> units_used(const std::vector<std::int64_t>& filled) {
  std::vector<std::int64_t> used;
  std::int64_t below = 1;
  for (const auto ranks : filled) {
    used.push_back((ranks + below - 1) / below);
    below = ranks;
  }
  return used;
}

std::vector<std::int64_t> straddling_blocks(const Plan& plan, const hardware::Machine& machine, std::int64_t available, std::int64_t least) {
  std::uint64_t may = 0;
  for (std::size_t l = 0; l + 1 < machine.levels.size(); ++l)
    if (topology::may_be_cut(machine, l)) may |= std::uint64_t{1} << l;
  std::vector<std::int64_t> best;
  for (std::uint64_t cut = 1; cut <= may; ++cut) {
    if ((cut & ~may) != 0) continue;
    auto filled = Filling(plan, machine, available, cut).most(best.empty() ? least : best.back());
    if (filled.empty()) continue;
    best = std::move(filled);
    if (static_cast<double>(available - best.back()) <= kIdleWorthStraddling * static_cast<double>(available)) break;
  }
  return best;
}

}  // namespace zettatwin::plan
