// SPDX-License-Identifier: Apache-2.0
#include "training/lockstep.hpp"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "noise/distribution.hpp"

namespace zettatwin::training {
namespace {

using workload::Group;

constexpr std::array<std::array<Group, 2>, kLockstepLevels> groups_of_level{{
    {Group::tensor, Group::expert_tensor}, {Group::context, Group::context}, {Group::expert, Group::expert}, {Group::shard, Group::expert_shard}, {Group::replica, Group::expert_replica}}};

std::size_t level_of(Group group) {
  const auto at = std::find_if(groups_of_level.begin(), groups_of_level.end(), [group](const auto& groups) { return groups[0] == group || groups[1] == group; });
  return static_cast<std::size_t>(at - groups_of_level.begin());  // beyond the levels: neighbours of a pipeline, which wait in the pipeline
}

// Ranks that share all digits but those of the atoms: atoms cover stretches of strides, which may overlap.
std::int64_t ranks_spanned(std::vector<space::Atom> atoms) {
  std::sort(atoms.begin(), atoms.end(), [](const auto& a, const auto& b) { return a.stride < b.stride; });
  std::int64_t ranks = 1, covered = 1;
  for (const auto& atom : atoms) {
    const auto end = atom.stride * atom.size;
    if (end > covered) ranks *= end / std::max(covered, atom.stride);
    covered = std::max(covered, end);
  }
  return ranks;
}

}  // namespace

LockstepSizes lockstep_sizes(const OperationTimer& timer, const plan::Plan& plan) {
  LockstepSizes sizes{};
  std::vector<space::Atom> atoms;
  const std::size_t levels = plan.zero >= 2 ? kLockstepLevels : level_of(Group::shard);
  for (std::size_t level = 0; level < kLockstepLevels; ++level) {
    if (level < levels)
      for (const auto group : groups_of_level[level]) atoms.insert(atoms.end(), timer.view(group).atoms.begin(), timer.view(group).atoms.end());
    sizes[level] = ranks_spanned(atoms);
  }
  return sizes;
}

Lockstep::Lockstep(const LockstepSizes& sizes, const Jitter& jitter) : jitter_(jitter) {
  for (std::size_t level = 0; level < kLockstepLevels; ++level) members_[level] = sizes[level] / (level > 0 ? sizes[level - 1] : 1);
}

void Lockstep::play(const TimedOperation& op) {
  if (op.communication) return synchronise(level_of(std::get<workload::Communication>(op.operation->work).group));
  const double time = op.time.seconds().si(), deviation = jitter_.operation * time;
  auto& own = pending_[0];
  own.time += time;
  own.variance += deviation * deviation;
  own.lasting += jitter_.step * time;
}

void Lockstep::synchronise(std::size_t level) {
  if (level == kLockstepLevels) return;
  for (std::size_t inner = 0; inner <= level; ++inner) {
    Pending group = std::exchange(pending_[inner], {});
    if (members_[inner] > 1 && group.time > 0) {
      const double deviation = std::sqrt(group.variance + group.lasting * group.lasting);
      const auto slowest_member = slowest(members_[inner], deviation / group.time);
      const double kept = deviation > 0 ? slowest_member.deviation * group.time / deviation : 0;
      pass_.waiting[inner] += slowest_member.mean * group.time;
      group.variance *= kept * kept;
      group.lasting *= kept;
    }
    auto& outer = pending_[inner + 1];
    outer.time += group.time;
    outer.variance += group.variance;
    outer.lasting += group.lasting;
  }
}

Lockstep::Slowest Lockstep::slowest(std::int64_t members, double variation) {
  const auto [at, added] = known_.try_emplace({members, variation});
  if (added) {
    const auto time = noise::Distribution::lognormal(variation).slowest_of(members);
    at->second = {time.mean() - 1, time.deviation()};
  }
  return at->second;
}

PassNoise Lockstep::end() {
  synchronise(kLockstepLevels - 1);
  const Pending all = std::exchange(pending_[kLockstepLevels], {});
  pass_.each = std::sqrt(all.variance);
  pass_.lasting = all.lasting;
  return std::exchange(pass_, {});
}

}  // namespace zettatwin::training
