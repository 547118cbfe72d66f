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

double Lockstep::Pending::deviation() const { return std::sqrt(variance + lasting * lasting); }

void Lockstep::Pending::add(const Pending& inner) {
  time += inner.time;
  variance += inner.variance;
  lasting += inner.lasting;
  waited += inner.waited;
}

void Lockstep::Pending::keep(double left) {
  const double before = deviation(), kept = before > 0 ? left / before : 0;
  variance *= kept * kept;
  lasting *= kept;
}

void Lockstep::play(const TimedOperation& op) {
  if (op.communication) return synchronise(level_of(std::get<workload::Communication>(op.operation->work).group));
  const double time = op.time.seconds().si(), deviation = jitter_.operation * time;
  pending_[0].add({.time = time, .variance = deviation * deviation, .lasting = jitter_.step * time});
}

void Lockstep::play(const TimedOperation& op, const TimedOperation& of_others) {
  unlike_ = true;
  const double time = of_others.time.seconds().si(), deviation = jitter_.operation * time;
  if (!op.communication) others_[0].add({.time = time, .variance = deviation * deviation, .lasting = jitter_.step * time});
  play(op);
}

void Lockstep::synchronise(std::size_t level) {
  if (level == kLockstepLevels) return;
  for (std::size_t inner = 0; inner <= level; ++inner) {
    Pending group = std::exchange(pending_[inner], {}), other = std::exchange(others_[inner], {});
    if (members_[inner] > 1 && group.time > 0) {
      if (unlike_) wait_with_others(inner, group, other);
      else wait(inner, group);
    }
    pending_[inner + 1].add(group);
    if (!unlike_) continue;
    if (members_[inner] > 1 && other.time > 0) {
      const auto slowest_member = slowest(members_[inner], other.deviation() / other.time);
      other.waited += slowest_member.mean * other.time;
      other.keep(slowest_member.deviation * other.time);
    }
    others_[inner + 1].add(other);
  }
}

void Lockstep::wait(std::size_t level, Pending& member) {
  const auto slowest_member = slowest(members_[level], member.deviation() / member.time);
  pass_.waiting[level] += slowest_member.mean * member.time;
  member.keep(slowest_member.deviation * member.time);
}

// The slow member against the slowest of the others, each with what it has waited inside.
void Lockstep::wait_with_others(std::size_t level, Pending& slow, const Pending& other) {
  const double mean = slow.time + slow.waited, others = other.time + other.waited;
  const auto key = std::array{static_cast<double>(members_[level]), mean, slow.deviation(), others, other.deviation()};
  const auto [at, added] = known_unlike_.try_emplace(key);
  if (added) {
    const auto member = [](double time, double deviation) { return time > 0 ? noise::Distribution::lognormal(deviation / time).scaled(time) : noise::Distribution::constant(0); };
    const auto time = noise::Distribution::slower(member(mean, key[2]), member(others, key[4]).slowest_of(members_[level] - 1));
    at->second = {time.mean(), time.deviation()};
  }
  const double waiting = std::max(0.0, at->second[0] - mean);
  pass_.waiting[level] += waiting;
  slow.waited += waiting;
  slow.keep(at->second[1]);
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
  others_[kLockstepLevels] = {};
  unlike_ = false;
  pass_.each = std::sqrt(all.variance);
  pass_.lasting = all.lasting;
  return std::exchange(pass_, {});
}

}  // namespace zettatwin::training
