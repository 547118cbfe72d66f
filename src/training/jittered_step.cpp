// SPDX-License-Identifier: Apache-2.0
#include "training/jittered_step.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <numeric>

#include "base/contract.hpp"
#include "noise/distribution.hpp"
#include "training/faults.hpp"
#include "training/lockstep.hpp"
#include "units/text.hpp"
#include "workload/pipeline_noise.hpp"

namespace zettatwin::training {
namespace {

using noise::Distribution;
using units::Picoseconds;
using workload::Action;
using workload::ChunkTimes;

struct LevelName {
  const char *key, *who;
};
constexpr std::array<LevelName, kLockstepLevels> level_names{{{"tensor_parallel", "tensor peers, in every layer"},
                                                              {"context_parallel", "context peers, in every layer"},
                                                              {"expert_parallel", "expert peers, in every expert layer"},
                                                              {"parameter_shards", "shards of parameters, in every layer"},
                                                              {"parameter_replicas", "replicas of shards, in every layer"}}};

Picoseconds picoseconds(double seconds) { return Picoseconds::from(units::Seconds::from_si(seconds)); }

struct ChunkNoise {
  PassNoise forward, backward, backward_input, backward_weight;
};

ChunkTimes times_of(const ChunkNoise& noise, double PassNoise::* deviation) {
  return {picoseconds(noise.forward.*deviation), picoseconds(noise.backward.*deviation), picoseconds(noise.backward_input.*deviation), picoseconds(noise.backward_weight.*deviation)};
}

// Noise of all passes of a step.
class StepNoise final {
 public:
  explicit StepNoise(Step& step) : step_(step), sizes_(lockstep_sizes(step.timer, step.job.plan)), lockstep_(sizes_, step.job.jitter) {
    for (std::int64_t rank = 0; rank < step.schedule.ranks; ++rank) {
      auto& row = chunks_.emplace_back();
      for (std::int64_t c = 0; c < step.schedule.chunks_per_rank; ++c) row.push_back(of(rank, step.chunk(rank, c)));
    }
    has_pairs_ = !step.pipeline_costs.pairs.front().front().empty();
  }

  [[nodiscard]] const LockstepSizes& sizes() const { return sizes_; }

  // Durations with the expected waiting at synchronisations up to a level.
  [[nodiscard]] workload::PipelineCosts costs(std::size_t up_to) const {
    auto costs = step_.pipeline_costs;
    const auto waiting = [up_to](const PassNoise& pass) { return picoseconds(std::accumulate(pass.waiting.begin(), pass.waiting.begin() + static_cast<std::ptrdiff_t>(up_to) + 1, 0.0)); };
    for (std::size_t rank = 0; rank < chunks_.size(); ++rank)
      for (std::size_t c = 0; c < chunks_[rank].size(); ++c) {
        const auto& noise = *chunks_[rank][c];
        auto& times = costs.chunks[rank][c];
        times.forward += waiting(noise.forward);
        times.backward += waiting(noise.backward);
        times.backward_input += waiting(noise.backward_input);
        times.backward_weight += waiting(noise.backward_weight);
        for (std::size_t b = 0; b < costs.pairs[rank][c].size(); ++b) costs.pairs[rank][c][b] += waiting(noise.forward) + waiting(chunks_[rank][b]->backward);
      }
    return costs;
  }

  [[nodiscard]] workload::Deviations deviations(double PassNoise::* deviation, bool independent) const {
    workload::Deviations result;
    for (const auto& row : chunks_) {
      auto& times = result.chunks.emplace_back();
      auto& pairs = result.pairs.emplace_back();
      for (const auto* noise : row) {
        times.push_back(times_of(*noise, deviation));
        auto& of_pair = pairs.emplace_back();
        for (const auto* other : row) {
          if (!has_pairs_) break;
          const double a = noise->forward.*deviation, b = other->backward.*deviation;
          of_pair.push_back(picoseconds(independent ? std::hypot(a, b) : a + b));
        }
      }
    }
    return result;
  }

 private:
  const ChunkNoise* of(std::int64_t rank, const plan::ModelChunk& chunk) {
    const auto [at, added] = known_.try_emplace(&step_.costs_of(rank).of(chunk));
    if (added) at->second = {pass(rank, chunk, Action::forward), pass(rank, chunk, Action::backward), pass(rank, chunk, Action::backward_input), pass(rank, chunk, Action::backward_weight)};
    return &at->second;
  }

  using Run = std::pair<std::vector<TimedOperation>, std::int64_t>;  // a block and how many layers are such
  static std::vector<Run> runs_of(StageCosts& costs, const plan::ModelChunk& chunk, Action action) {
    std::vector<Run> runs;
    costs.for_each_block(chunk, action, [&](const std::vector<TimedOperation>& block, std::int64_t layers) { runs.emplace_back(block, layers); });
    return runs;
  }

  PassNoise pass(std::int64_t rank, const plan::ModelChunk& chunk, Action action) {
    const auto own = runs_of(step_.costs_of(rank), chunk, action);
    const bool one_slow = step_.has_own(rank) && has_one_slow_chip(step_.own[static_cast<std::size_t>(rank)]->faults, step_.placement.fabric);
    const auto others = one_slow ? runs_of(step_.costs, chunk, action) : std::vector<Run>{};
    ZT_ASSERT(!one_slow || own.size() == others.size(), "a slow chip has other work");
    for (std::size_t i = 0; i < own.size(); ++i) {
      const auto& block = own[i].first;
      ZT_ASSERT(!one_slow || block.size() == others[i].first.size(), "a slow chip has other work");
      for (std::int64_t layer = 0; layer < own[i].second; ++layer)
        for (std::size_t op = 0; op < block.size(); ++op) {
          if (one_slow) lockstep_.play(block[op], others[i].first[op]);
          else lockstep_.play(block[op]);
        }
    }
    return lockstep_.end();
  }

  Step& step_;
  LockstepSizes sizes_;
  Lockstep lockstep_;
  std::map<const ChunkCosts*, ChunkNoise> known_;  // alike chunks have one cost; only looked up
  std::vector<std::vector<const ChunkNoise*>> chunks_;
  bool has_pairs_ = false;
};

std::vector<Picoseconds> tails_of(const Step& step) {
  std::vector<Picoseconds> tails;
  for (const auto& tail : step.tails) tails.push_back(tail.reduction_exposed);
  return tails;
}

Picoseconds latest(const Step& step, const workload::PipelineCosts& costs, const std::vector<Picoseconds>& tails) {
  const auto timeline = workload::run_pipeline(step.schedule, costs);
  Picoseconds end;
  for (std::size_t rank = 0; rank < tails.size(); ++rank) end = std::max(end, timeline.ranks[rank].finish + tails[rank]);
  return end;
}

// A time of so many independent ones, with mean and deviation; the slowest.
Distribution slowest_of(std::int64_t members, double mean, double deviation) {
  if (mean <= 0) return Distribution::constant(0);
  return Distribution::lognormal(deviation / mean).scaled(mean).slowest_of(members);
}

}  // namespace

void describe(config::Schema& s, Jitter& jitter) {
  constexpr config::Range kRelative{0, 0.5};
  s.number("operation", jitter.operation, "relative standard deviation of one operation's time on one chip, from each to the next, such as 2 %", {.range = kRelative});
  s.number("step", jitter.step, "relative standard deviation of one chip's speed from step to step, such as 1 %", {.range = kRelative});
}

namespace {

// One pipeline and all in lockstep with it.
workload::RandomEnd end_of(const Step& step, const StepNoise& noise) {
  return workload::run_noisy_pipeline(step.schedule, noise.costs(kLockstepLevels - 1), {noise.deviations(&PassNoise::each, true), noise.deviations(&PassNoise::lasting, false)}, tails_of(step));
}

// All replicas, the slowest of each kind first taken for as many as feel it. Where several clusters are in lockstep, each that feels a fault is taken to be in
// another lockstep: more slow ones than there may be.
Distribution slowest_replica_of(std::span<const ReplicaKind> kinds, const ReplicaKind& slowest, const workload::RandomEnd& end, std::int64_t replicas) {
  if (kinds.size() == 1) return slowest_of(replicas, end.mean.si(), end.deviation.si());
  std::vector<const ReplicaKind*> order;
  for (const auto& kind : kinds) order.push_back(&kind);
  std::stable_sort(order.begin(), order.end(), [](const auto* a, const auto* b) { return a->step->time() > b->step->time(); });
  Distribution all = Distribution::constant(0);
  for (const auto* kind : order) {
    const auto count = kind == order.back() ? replicas : std::min(replicas, kind->clusters);
    replicas -= count;
    if (count == 0) continue;
    const auto time = kind == &slowest ? end : end_of(*kind->step, StepNoise(*kind->step));
    all = Distribution::slower(all, slowest_of(count, time.mean.si(), time.deviation.si()));
  }
  return all;
}

}  // namespace

JitterEffect with_jitter(std::span<const ReplicaKind> kinds) {
  ZT_EXPECT(!kinds.empty(), "no replicas");
  const auto& slowest = *std::max_element(kinds.begin(), kinds.end(), [](const auto& a, const auto& b) { return a.step->time() < b.step->time(); });
  Step& step = *slowest.step;
  const StepNoise noise(step);
  const auto tails = tails_of(step);
  const auto& jitter = step.job.jitter;
  JitterEffect effect;
  Picoseconds before = latest(step, step.pipeline_costs, tails);
  const auto without_jitter = before;
  const auto wait_at = [&](const char* key, std::string who, std::int64_t members, Picoseconds end) {
    if (members > 1) effect.barriers.push_back({key, std::move(who), members, end - before});
    before = end;
  };
  for (std::size_t level = 0; level < kLockstepLevels; ++level)
    if (const auto& size = noise.sizes(); size[level] > (level > 0 ? size[level - 1] : 1))
      wait_at(level_names[level].key, level_names[level].who, size[level], latest(step, noise.costs(level), tails));
  const auto in_lockstep = noise.sizes().back();
  const auto replicas = step.placement.world / (step.schedule.ranks * in_lockstep);
  const auto end = end_of(step, noise);
  wait_at("pipeline", "other pipeline ranks, in every microbatch", step.schedule.ranks, Picoseconds::from(end.mean));
  const auto slowest_replica = slowest_replica_of(kinds, slowest, end, replicas);
  wait_at("replicas", "all replicas, at the reduction of gradients", replicas, picoseconds(slowest_replica.mean()));
  const double update = step.optimizer.seconds().si();
  const auto slowest_update = slowest_of(step.placement.world, update, std::hypot(jitter.operation, jitter.step) * update);
  wait_at("optimizer", "all chips, after the parameter update", step.placement.world, before + picoseconds(slowest_update.mean() - update));

  const auto rest = step.time() - without_jitter;  // what follows, with the update
  const auto whole = slowest_replica + slowest_update;
  const auto at = [&](double seconds) { return picoseconds(seconds) + rest - step.optimizer; };
  effect.cost = before - without_jitter;
  effect.mean = step.time() + effect.cost;
  effect.deviation = picoseconds(whole.deviation());
  effect.p50 = at(whole.quantile(0.5));
  effect.p90 = at(whole.quantile(0.9));
  effect.p99 = at(whole.quantile(0.99));
  return effect;
}

JitterEffect with_jitter(Step& step) {
  const std::array kinds{ReplicaKind{&step, 1}};
  return with_jitter(kinds);
}

result::Node jitter_tree(const Jitter& jitter, const JitterEffect& effect) {
  result::Node root{.key = "jitter", .label = "expected time lost to jitter", .dimension = units::kTime, .sums = true};
  const auto input = [](const char* name, double relative) {
    return result::Input{.name = name, .value = fmt::format("{:.3g} %", 100 * relative), .source = "scenario", .confidence = config::Confidence::stated, .note = ""};
  };
  root.inputs = {input("deviation of one operation", jitter.operation), input("deviation of a chip from step to step", jitter.step)};
  for (const auto& barrier : effect.barriers)
    root.add(result::leaf(barrier.key, barrier.who, barrier.cost, fmt::format("expected slowest of those in lockstep, {} ranks, less the expectation of one; order statistics (docs/math/jitter.md)", units::grouped(barrier.members))));
  result::total_up(root);
  return root;
}

}  // namespace zettatwin::training
