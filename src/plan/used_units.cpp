// SPDX-License-Identifier: Apache-2.0
#include "plan/used_units.hpp"

#include <algorithm>
#include <functional>

#include "base/contract.hpp"
#include "plan/grid.hpp"

namespace zettatwin::plan {
namespace {

bool all_aligned(std::int64_t ranks, const std::vector<std::int64_t>& boundaries) {
  return std::all_of(boundaries.begin(), boundaries.end(), [ranks](auto b) { return ranks % b == 0 || b % ranks == 0; });
}

enum class Goal { most, exactly };

// Levels are tried from the inside, most units first: the first of equal answers is the most compact one, and a branch that
// cannot beat the best so far is cut.
class Search final {
 public:
  Search(const Plan& plan, const hardware::Machine& machine, std::int64_t limit, Goal goal)
      : plan_(plan), machine_(machine), granule_(plan.tp * plan.cp * plan.pp), limit_(limit), goal_(goal), room_(machine.levels.size() + 1, 1) {
    for (std::size_t l = machine.levels.size(); l-- > 0;) room_[l] = room_[l + 1] * machine.levels[l].size;
    known_ = goal == Goal::exactly ? Grid(plan, limit / granule_).boundaries() : boundaries_inside_replicas(plan);
    outer_ = sizes_outside_dp();
  }

  std::vector<std::int64_t> run() {
    std::vector<std::int64_t> used;
    descend(used, 1);
    return best_used_;
  }

 private:
  // An edge outside dp splits the world W at W/c: a level's edge W/o is in step with it if o is in step with c.
  [[nodiscard]] std::vector<std::int64_t> sizes_outside_dp() const {
    const Grid smallest(plan_, 1);
    std::vector<std::int64_t> result;
    for (auto axis = plan_.placement.rbegin(); axis != plan_.placement.rend() && *axis != Axis::dp; ++axis)
      result.push_back(granule_ / smallest.stride(*axis));
    return result;
  }

  void descend(std::vector<std::int64_t>& used, std::int64_t ranks) {
    const auto level = used.size();
    if (level == machine_.levels.size()) return consider(used, ranks);
    for (auto u = std::min(machine_.levels[level].size, limit_ / ranks); u >= 1; --u) {
      const auto within = ranks * u;
      if (std::min(within * room_[level + 1], limit_) / granule_ * granule_ <= best_) return;
      if (goal_ == Goal::exactly && limit_ % within != 0) continue;
      if (level + 1 == machine_.levels.size() && (within % granule_ != 0 || !all_aligned(u, outer_))) continue;
      if (!all_aligned(within, known_)) continue;
      used.push_back(u);
      descend(used, within);
      used.pop_back();
    }
  }

  void consider(const std::vector<std::int64_t>& used, std::int64_t ranks) {
    if (goal_ == Goal::exactly && ranks != limit_) return;
    const Grid grid(plan_, ranks / granule_);
    if (!grid.expert_grid_exists()) return;
    const auto boundaries = grid.boundaries();
    std::int64_t within = 1;
    for (const auto u : used) {
      within *= u;
      if (!all_aligned(within, boundaries)) return;
    }
    best_ = ranks;
    best_used_ = used;
  }

  const Plan& plan_;
  const hardware::Machine& machine_;
  std::int64_t granule_;
  std::int64_t limit_;
  Goal goal_;
  std::vector<std::int64_t> room_;   // ranks in all levels from l outwards, per unit of level l-1
  std::vector<std::int64_t> known_;  // boundaries that prune before the last level is chosen
  std::vector<std::int64_t> outer_;  // sizes that the units of the outermost level must be in step with
  std::int64_t best_ = 0;
  std::vector<std::int64_t> best_used_;
};

std::vector<std::int64_t> exactly(const Plan& plan, const hardware::Machine& machine, std::int64_t dp) {
  if (!Grid(plan, dp).expert_grid_exists()) return {};
  return Search(plan, machine, plan.tp * plan.cp * plan.pp * dp, Goal::exactly).run();
}

}  // namespace

std::vector<std::int64_t> divisors_descending(std::int64_t whole) {
  std::vector<std::int64_t> result;
  for (std::int64_t d = 1; d * d <= whole; ++d)
    if (whole % d == 0) {
      result.push_back(d);
      if (d * d != whole) result.push_back(whole / d);
    }
  std::sort(result.begin(), result.end(), std::greater<>());
  return result;
}

std::vector<std::int64_t> used_units(const Plan& plan, const hardware::Machine& machine, std::int64_t available) {
  const auto granule = plan.tp * plan.cp * plan.pp;
  ZT_EXPECT(granule * std::max<std::int64_t>(1, plan.dp) <= available, std::to_string(granule));
  if (plan.dp > 0) return exactly(plan, machine, plan.dp);
  if (plan.global_batch == 0) return Search(plan, machine, available, Goal::most).run();
  for (const auto dp : divisors_descending(plan.global_batch / plan.micro_batch)) {
    if (dp > available / granule) continue;
    if (auto used = exactly(plan, machine, dp); !used.empty()) return used;
  }
  return {};
}

}  // namespace zettatwin::plan
