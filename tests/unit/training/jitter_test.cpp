// SPDX-License-Identifier: Apache-2.0
// The step with jitter against the obvious way: every rank, every operation and every group, drawn and played many times with fixed seeds.
#include "training/jittered_step.hpp"

#include <cmath>
#include <map>
#include <numbers>

#include "../../support/random.hpp"
#include "../../support/thinning.hpp"
#include "../../support/toy.hpp"
#include "training/clusters.hpp"
#include "training/faults.hpp"

namespace zettatwin::training {
namespace {

// Links take no time: what costs is computation and waiting.
const test::Toy kToy{.levels = {{"board", 4}, {"cluster", 8}}};

Job job_of(plan::Plan plan, const Jitter& jitter, std::int64_t chips) {
  auto job = test::toy_job(kToy, test::kToyExperts);
  if (const auto chunks = plan::model_chunks(plan); chunks > 1) plan.layers_per_chunk.assign(static_cast<std::size_t>(chunks), 4 / chunks);
  plan.global_batch = 32;
  job.plan = plan;
  job.chips = chips;
  job.jitter = jitter;
  return job;
}

class ExplicitRanks final {
 public:
  // `slow`: ranks whose operations are those of their stage's own prices, not the common ones.
  ExplicitRanks(Step& step, std::uint64_t seed, std::vector<std::size_t> slow = {})
      : step_(step), random_(seed), ranks_(static_cast<std::size_t>(step.placement.world)), slow_(std::move(slow)) {
    for (const auto& program : step.schedule.programs) programs_.push_back(program.unrolled());
  }

  double draw_step() {
    clocks_.assign(ranks_, 0);
    speed_.resize(ranks_);
    for (auto& s : speed_) s = draw(step_.job.jitter.step);
    arrivals_.clear();
    std::vector<std::size_t> next(programs_.size());
    for (bool moved = true; moved;) {
      moved = false;
      for (std::size_t stage = 0; stage < programs_.size(); ++stage)
        while (next[stage] < programs_[stage].size() && run(stage, programs_[stage][next[stage]])) ++next[stage], moved = true;
    }
    double update = 0;
    const double one = step_.optimizer.seconds().si();
    for (const double s : speed_) update = std::max(update, one * s * draw(step_.job.jitter.operation));
    return *std::max_element(clocks_.begin(), clocks_.end()) + step_.norm.seconds().si() + update;
  }

 private:
  double draw(double variation) {
    const double s = std::sqrt(std::log1p(variation * variation));
    const auto uniform = [this] { return (static_cast<double>(random_.next() >> 11) + 0.5) * 0x1p-53; };
    const double z = std::sqrt(-2 * std::log(uniform())) * std::cos(2 * std::numbers::pi * uniform());
    return std::exp(s * z - s * s / 2);
  }

  [[nodiscard]] std::size_t stage_of(std::size_t rank) const {
    return static_cast<std::size_t>(static_cast<std::int64_t>(rank) / step_.placement.pipeline_stride % step_.job.plan.pp);
  }

  // 1F1B: a forward needs that of the stage before, a backward that of the stage behind.
  bool run(std::size_t stage, const workload::Instruction& i) {
    const bool forward = i.action == workload::Action::forward;
    const bool fed = forward ? stage > 0 : stage + 1 < programs_.size();
    const auto from = arrivals_.find({forward, forward ? stage - 1 : stage + 1, i.microbatch});
    if (fed && from == arrivals_.end()) return false;
    const auto stride = step_.placement.pipeline_stride * (forward ? 1 : -1);
    for (std::size_t r = 0; r < ranks_; ++r)
      if (fed && stage_of(r) == stage) clocks_[r] = std::max(clocks_[r], from->second[static_cast<std::size_t>(static_cast<std::int64_t>(r) - stride)]);
    const auto rank = static_cast<std::int64_t>(stage);
    const auto common = operations(step_.costs, rank, i.action), own = slow_.empty() ? common : operations(step_.costs_of(rank), rank, i.action);
    for (std::size_t op = 0; op < common.size(); ++op) {
      if (common[op].communication) {
        wait_in_groups(stage, std::get<workload::Communication>(common[op].operation->work).group);
        continue;
      }
      for (std::size_t r = 0; r < ranks_; ++r) {
        const bool slow = std::find(slow_.begin(), slow_.end(), r) != slow_.end();
        if (stage_of(r) == stage) clocks_[r] += (slow ? own : common)[op].time.seconds().si() * (speed_[r] - 1 + draw(step_.job.jitter.operation));
      }
    }
    arrivals_[{forward, stage, i.microbatch}] = clocks_;
    return true;
  }

  std::vector<TimedOperation> operations(StageCosts& costs, std::int64_t stage, workload::Action action) {
    std::vector<TimedOperation> all;
    costs.for_each_block(step_.chunk(stage, 0), action, [&](const std::vector<TimedOperation>& block, std::int64_t layers) {
      for (std::int64_t layer = 0; layer < layers; ++layer) all.insert(all.end(), block.begin(), block.end());
    });
    return all;
  }

  void wait_in_groups(std::size_t stage, workload::Group group) {
    std::map<std::int64_t, double> latest;
    const auto name = [&](std::size_t r) {
      auto rank = static_cast<std::int64_t>(r);
      for (const auto& atom : step_.timer.view(group).atoms) rank -= rank / atom.stride % atom.size * atom.stride;
      return rank;
    };
    for (std::size_t r = 0; r < ranks_; ++r)
      if (stage_of(r) == stage) latest[name(r)] = std::max(latest[name(r)], clocks_[r]);
    for (std::size_t r = 0; r < ranks_; ++r)
      if (stage_of(r) == stage) clocks_[r] = latest[name(r)];
  }

  Step& step_;
  test::Random random_;
  std::size_t ranks_;
  std::vector<std::size_t> slow_;
  std::vector<std::vector<workload::Instruction>> programs_;
  std::vector<double> clocks_, speed_;
  std::map<std::tuple<bool, std::size_t, std::int64_t>, std::vector<double>> arrivals_;
};

struct Case {
  const char* name;
  plan::Plan plan;
  std::int64_t chips;
};

std::vector<Case> cases() {
  return {{"replicas alone", {.tp = 1}, 16},        {"tensor groups", {.tp = 4}, 16},
          {"pipeline", {.pp = 4}, 8},               {"experts over tensor groups", {.tp = 2, .ep = 8}, 16},
          {"all", {.tp = 2, .ep = 2, .pp = 4}, 16}, {"shards in every layer", {.tp = 2, .zero = 3}, 16},
          {"context", {.tp = 2, .cp = 4}, 16}};
}

void compare(const Case& c, const Jitter& jitter, double tolerance) {
  SCOPED_TRACE(testing::Message() << c.name << ", operation " << jitter.operation << ", step " << jitter.step);
  const auto job = job_of(c.plan, jitter, c.chips);
  config::Diagnostics diagnostics;
  const auto where = config::location_in("test");
  const auto placement = plan::place(job.plan, job.machine, job.chips, where, diagnostics);
  ASSERT_TRUE(placement) << test::text_of(diagnostics);
  Step step(job, *placement);
  ASSERT_TRUE(step.run(where, diagnostics)) << test::text_of(diagnostics);
  const auto folded = with_jitter(step);
  ExplicitRanks ranks(step, 11);
  constexpr int kSteps = 100;
  double sum = 0, squares = 0;
  for (int i = 0; i < kSteps; ++i) {
    const double t = ranks.draw_step() - step.time().seconds().si();
    sum += t;
    squares += t * t;
  }
  const double mean = sum / kSteps, deviation = std::sqrt((squares - sum * mean) / (kSteps - 1)), error = deviation / std::sqrt(double{kSteps});
  const double cost = folded.cost.seconds().si();
  EXPECT_NEAR(cost, mean, tolerance * mean + 3 * error);
  units::Picoseconds of_barriers;
  for (const auto& barrier : folded.barriers) of_barriers += barrier.cost;
  EXPECT_EQ(of_barriers, folded.cost);
  EXPECT_LT(folded.p50, folded.p90);
  EXPECT_LT(folded.p90, folded.p99);
}

TEST(Jitter, OfOperationsAgreesWithEveryRankDrawn) {
  for (const auto& c : cases()) compare(c, {.operation = 0.05}, 0.1);
}

TEST(Jitter, OfStepsAgreesWithEveryRankDrawn) {
  for (const auto& c : cases()) compare(c, {.step = 0.02}, 0.1);
}

TEST(Jitter, OfBothAgreesWithEveryRankDrawn) {
  for (const auto& c : cases()) compare(c, {.operation = 0.05, .step = 0.02}, 0.1);
}

// One chip is slower by `left`: a class of its own among its peers, and its replica among the others.
void compare_with_a_slow_chip(const Case& c, const Jitter& jitter, const std::string& left, double tolerance) {
  SCOPED_TRACE(testing::Message() << c.name << ", chip at " << left << ", operation " << jitter.operation << ", step " << jitter.step);
  auto job = job_of(c.plan, jitter, c.chips);
  config::Diagnostics diagnostics;
  const auto where = config::location_in("test");
  const auto fault = traffic::parse_fault("slow-chip@board=1/gpu=1:" + left, job.machine, where, diagnostics);
  ASSERT_TRUE(fault) << test::text_of(diagnostics);
  job.faults = {*fault};
  const auto placement = plan::place(job.plan, job.machine, job.chips, where, diagnostics);
  ASSERT_TRUE(placement) << test::text_of(diagnostics);
  std::vector<std::unique_ptr<Step>> steps;
  std::vector<ReplicaKind> kinds;
  for (const auto& faults : distinct_clusters(job.faults, *placement, job.plan.pp)) {
    steps.push_back(std::make_unique<Step>(job, *placement, faults));
    ASSERT_TRUE(steps.back()->run(where, diagnostics)) << test::text_of(diagnostics);
    kinds.push_back({steps.back().get(), faults.clusters});
  }
  const auto slowest = std::max_element(kinds.begin(), kinds.end(), [](const auto& a, const auto& b) { return a.step->time() < b.step->time(); });
  std::vector<std::size_t> slow;
  for (std::int64_t r = 0; r < placement->world; ++r)
    if (is_at(*fault, *placement, r)) slow.push_back(static_cast<std::size_t>(r));
  ASSERT_EQ(slow.size(), 1U);
  const auto folded = with_jitter(kinds);
  ExplicitRanks ranks(*slowest->step, 11, slow);
  constexpr int kSteps = 200;
  double sum = 0, squares = 0;
  for (int i = 0; i < kSteps; ++i) {
    const double t = ranks.draw_step();
    sum += t;
    squares += t * t;
  }
  const double mean = sum / kSteps, error = std::sqrt((squares - sum * mean) / (kSteps - 1) / kSteps);
  EXPECT_NEAR(folded.mean.seconds().si(), mean, tolerance * (mean - slowest->step->time().seconds().si()) + 3 * error + 1e-4 * mean);
  units::Picoseconds of_barriers;
  for (const auto& barrier : folded.barriers) of_barriers += barrier.cost;
  EXPECT_EQ(of_barriers, folded.cost);
}

TEST(Jitter, WithASlowChipAgreesWithEveryRankDrawn) {
  std::uint64_t count = 0;
  for (const auto& c : cases())
    for (const std::string left : {"0.99", "0.9", "0.5"})
      if (count++ % test::kThinning == 0) compare_with_a_slow_chip(c, {.operation = 0.05, .step = 0.02}, left, 0.15);
}

TEST(Jitter, ChangesNothingElse) {
  const auto plain = test::answer(job_of({.tp = 2, .pp = 2}, {}, 16)), jittered = test::answer(job_of({.tp = 2, .pp = 2}, {.operation = 0.02}, 16));
  EXPECT_FALSE(plain.jitter);
  ASSERT_TRUE(jittered.jitter);
  EXPECT_EQ(jittered.step_time, plain.step_time);
  EXPECT_EQ(jittered.jitter->mean, plain.step_time + jittered.jitter->cost);
  EXPECT_NEAR(jittered.tree.find("jitter")->si, jittered.jitter->cost.seconds().si(), 1e-12);
}

TEST(Jitter, CostsMoreWithMoreOfIt) {
  std::int64_t before = 0;
  for (const double s : {0.001, 0.01, 0.02, 0.1}) {
    const auto now = test::answer(job_of({.tp = 4, .pp = 2}, {.operation = s, .step = s / 2}, 32)).jitter->cost.count();
    EXPECT_GT(now, before) << s;
    before = now;
  }
}

}  // namespace
}  // namespace zettatwin::training
