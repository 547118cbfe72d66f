// SPDX-License-Identifier: Apache-2.0
#include "plan/placement.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <map>
#include <random>
#include <set>

#include "../../support/thinning.hpp"
#include "models.hpp"
#include "plan/grid.hpp"

namespace zettatwin::plan {
namespace {

using space::Atom;
using space::View;
using testing::machine_of;

// Straddling has tests of its own (straddle_test.cpp).
Plan whole_groups(Plan plan) {
  plan.straddle = false;
  return plan;
}

const std::vector<Axis> kPipelineInside{Axis::tp, Axis::cp, Axis::pp, Axis::dp};

std::optional<Placement> placed(const Plan& plan, const hardware::Machine& machine, std::int64_t chips = 0) {
  config::Diagnostics d;
  return place(plan, machine, chips, config::location_in("plan"), d);
}

View view(std::vector<Atom> atoms) { return {std::move(atoms)}; }

TEST(Placement, PowersOfTwoUseEverything) {
  const auto machine = machine_of({{"board", 8}, {"cabinet", 8}, {"pod", 128}, {"cluster", 64}});
  const Plan plan{.tp = 8, .ep = 64, .pp = 16};
  const auto p = placed(plan, machine);
  ASSERT_TRUE(p);
  EXPECT_EQ(p->world, 524288);
  EXPECT_EQ(p->idle, 0);
  EXPECT_EQ(p->dp, 4096);
  EXPECT_EQ(p->pipeline_stride, 32768);
  EXPECT_EQ(p->groups.tensor, view({{8, 1}}));
  EXPECT_EQ(p->groups.context, view({}));
  EXPECT_EQ(p->groups.expert, view({{64, 1}}));
  EXPECT_EQ(p->groups.data, view({{4096, 8}}));
  EXPECT_EQ(p->groups.expert_data, view({{512, 64}}));
  EXPECT_EQ(p->groups.pipeline, view({{16, 32768}}));
}

TEST(Placement, ExpertGroupsStraddleThePipeline) {
  const auto machine = machine_of({{"node", 8}, {"cluster", 64}});
  const Plan plan{.tp = 4, .ep = 32, .pp = 4, .placement = kPipelineInside};
  const auto p = placed(plan, machine);
  ASSERT_TRUE(p);
  EXPECT_EQ(p->world, 512);
  EXPECT_EQ(p->groups.pipeline, view({{4, 4}}));
  EXPECT_EQ(p->groups.data, view({{32, 16}}));
  EXPECT_EQ(p->groups.expert, view({{4, 1}, {8, 16}}));  // inside the pipeline's stride, and outside
  EXPECT_EQ(p->groups.expert_data, view({{4, 128}}));
}

TEST(Placement, DataGroupJoinsContextAndReplicas) {
  const auto machine = machine_of({{"node", 8}, {"cluster", 16}});
  const auto together = placed({.tp = 2, .cp = 2, .pp = 2}, machine);
  EXPECT_EQ(together->groups.data, view({{32, 2}}));
  const auto apart = placed({.tp = 2, .cp = 2, .pp = 2, .placement = kPipelineInside}, machine);
  EXPECT_EQ(apart->groups.data, view({{2, 2}, {16, 8}}));
}

TEST(Placement, ReplicasAbsorbOddSizes) {
  // A million-chip machine whose levels are 8 x 11 x 176 x 65.
  const auto machine = machine_of({{"board", 8}, {"cabinet", 11}, {"pod", 176}, {"cluster", 65}});
  EXPECT_EQ(placed({.tp = 8}, machine)->world, 1006720);
  EXPECT_EQ(placed(whole_groups({.tp = 8, .ep = 16 * 11}), machine)->world, 1006720);
  const auto outer = placed({.tp = 8, .pp = 16}, machine);
  EXPECT_EQ(outer->fabric.used, (std::vector<std::int64_t>{8, 11, 176, 64}));
  EXPECT_EQ(outer->idle, 1006720 - 8 * 11 * 176 * 64);
  // Sixteen stages right outside tp need 128 | 8 * boards, or boards * cabinets in step: eight boards of eleven are the best.
  const auto inner = placed(whole_groups({.tp = 8, .pp = 16, .placement = kPipelineInside}), machine);
  EXPECT_EQ(inner->fabric.used, (std::vector<std::int64_t>{8, 8, 176, 65}));
}

TEST(Placement, TakesRequestedChips) {
  const auto machine = machine_of({{"board", 8}, {"cabinet", 8}, {"pod", 128}, {"cluster", 64}});
  const auto p = placed({.tp = 8, .pp = 4}, machine, 2048);
  EXPECT_EQ(p->fabric.used, (std::vector<std::int64_t>{8, 8, 32, 1}));
  const auto remainder = placed({.tp = 8, .pp = 4}, machine, 2050);
  EXPECT_EQ(remainder->world, 2048);
  EXPECT_EQ(remainder->idle, 2);
}

TEST(Placement, ExplicitReplicasUseExactlyTheirRanks) {
  const auto machine = machine_of({{"board", 8}, {"cabinet", 8}, {"pod", 128}});
  const auto p = placed({.tp = 8, .pp = 2, .dp = 48}, machine);
  ASSERT_TRUE(p);
  EXPECT_EQ(p->world, 768);
  EXPECT_EQ(p->fabric.used, (std::vector<std::int64_t>{8, 8, 12}));
  EXPECT_EQ(p->idle, 8192 - 768);
}

TEST(Placement, ReplicasDivideTheGlobalBatch) {
  const auto machine = machine_of({{"board", 8}, {"cabinet", 8}, {"pod", 128}, {"cluster", 64}});
  const auto p = placed({.tp = 8, .pp = 16, .micro_batch = 1, .global_batch = 15360}, machine);
  ASSERT_TRUE(p);
  EXPECT_EQ(p->dp, 3840);
  EXPECT_EQ(p->fabric.used.back(), 64);
  EXPECT_EQ(p->world, 3840 * 128);
}

TEST(Placement, NamesWhatDoesNotFit) {
  const auto machine = machine_of({{"node", 8}, {"cluster", 16}});
  const auto first_error = [&](const Plan& plan, std::int64_t chips = 0) {
    config::Diagnostics d;
    EXPECT_FALSE(place(plan, machine, chips, config::location_in("plan"), d));
    return d.all().empty() ? std::string() : d.all().front().text();
  };
  const auto has = [](const std::string& text, const char* part) { return text.find(part) != std::string::npos; };
  EXPECT_PRED2(has, first_error({}, 129), "129 chips asked for but machine has 128");
  EXPECT_PRED2(has, first_error({.tp = 16, .pp = 16}), "tp 16 x cp 1 x pp 16 needs 256 chips, 128 are there");
  EXPECT_PRED2(has, first_error({.tp = 8, .dp = 17}), "try dp=16");
  EXPECT_PRED2(has, first_error({.tp = 2, .ep = 3, .dp = 8}), "etp 1 x ep 3 = 3 does not divide tp 2 x cp 1 x dp 8 = 16");
  EXPECT_PRED2(has, first_error({.ep = 256}), "does not divide");
  EXPECT_PRED2(has, first_error({.tp = 34, .dp = 1}), "cannot be placed");  // 17 nodes of 16
  EXPECT_PRED2(has, first_error({.micro_batch = 3, .global_batch = 64}), "global_batch 64 does not divide by micro_batch 3");
  EXPECT_PRED2(has, first_error({.tp = 16'777'216, .cp = 16'777'216, .pp = 16'777'216, .dp = 16'777'216}), "one replica must fit");
}

TEST(Placement, WarnsOfIdleChips) {
  const auto machine = machine_of({{"node", 8}, {"cluster", 16}});
  config::Diagnostics d;
  ASSERT_TRUE(place({.tp = 8, .dp = 1}, machine, 0, config::location_in("plan"), d));
  ASSERT_EQ(d.all().size(), 1u);
  EXPECT_EQ(d.all()[0].severity, config::Severity::warning);
}

// Members of a view, one by one.
std::set<std::int64_t> members(const View& v) {
  std::set<std::int64_t> result{0};
  for (const auto& atom : v.atoms) {
    std::set<std::int64_t> next;
    for (const auto base : result)
      for (std::int64_t i = 0; i < atom.size; ++i) next.insert(base + i * atom.stride);
    result = next;
  }
  return result;
}

// Slow, obvious reference: all used counts, each dimension's groups spelled out rank by rank, evenness counted in every block.
bool spreads_evenly(const View& v, std::int64_t world, std::int64_t block) {
  const auto base = members(v);
  if (base.empty() || *base.rbegin() >= world) return false;
  std::map<std::int64_t, std::int64_t> per_block;
  for (const auto m : base) ++per_block[m / block];
  for (const auto& [b, count] : per_block)
    if (count != per_block.begin()->second) return false;
  return space::divides_evenly(v, block);
}

bool reference_accepts(const Plan& plan, const std::vector<std::int64_t>& used) {
  std::int64_t world = 1;
  for (const auto u : used) world *= u;
  const auto granule = plan.tp * plan.cp * plan.pp;
  if (world % granule != 0) return false;
  const Grid grid(plan, world / granule);
  if (!grid.expert_grid_exists()) return false;
  std::int64_t within = 1;
  for (const auto u : used) {
    within *= u;
    for (const auto b : grid.boundaries())
      if (within % b != 0 && b % within != 0) return false;
  }
  return true;
}

TEST(Placement, MatchesBruteForceOnRandomMachines) {
  std::mt19937 random(11);
  const auto pick = [&](std::initializer_list<std::int64_t> values) { return *(values.begin() + static_cast<std::ptrdiff_t>(random() % values.size())); };
  int feasible = 0;
  for (int round = 0; round < 3000; ++round) {
    const auto machine = machine_of({{"a", pick({1, 2, 3, 4, 6, 8})}, {"b", pick({1, 2, 3, 5, 8, 11})}, {"c", pick({1, 2, 4, 7, 9})}});
    Plan plan{.tp = pick({1, 2, 3, 4, 8}), .cp = pick({1, 1, 2}), .ep = pick({1, 2, 4, 6, 8}), .etp = pick({1, 1, 2}), .pp = pick({1, 2, 3, 4})};
    plan.straddle = false;
    std::shuffle(plan.placement.begin(), plan.placement.end(), random);
    const auto chips = random() % 3 == 0 ? static_cast<std::int64_t>(random()) % machine.chips() + 1 : machine.chips();
    std::int64_t best = 0;
    for (std::int64_t a = 1; a <= machine.levels[0].size; ++a)
      for (std::int64_t b = 1; b <= machine.levels[1].size; ++b)
        for (std::int64_t c = 1; c <= machine.levels[2].size; ++c)
          if (a * b * c <= chips && a * b * c > best && reference_accepts(plan, {a, b, c})) best = a * b * c;
    const auto p = placed(plan, machine, chips);
    EXPECT_EQ(p ? p->world : 0, best) << "round " << round << ": tp " << plan.tp << " cp " << plan.cp << " ep " << plan.ep << " etp " << plan.etp << " pp " << plan.pp << " chips " << chips
                                       << " on " << machine.levels[0].size << "x" << machine.levels[1].size << "x" << machine.levels[2].size;
    if (!p) continue;
    ++feasible;
    const auto& g = p->groups;
    for (const auto* v : {&g.tensor, &g.context, &g.expert, &g.expert_tensor, &g.data, &g.expert_data, &g.pipeline})
      for (std::size_t l = 0; l < p->fabric.used.size(); ++l) EXPECT_TRUE(spreads_evenly(*v, p->world, p->fabric.ranks_within(l)));
    // The dense and the expert grid each factor the ranks.
    EXPECT_EQ(g.tensor.size() * g.data.size() * g.pipeline.size(), p->world);
    EXPECT_EQ(g.expert_tensor.size() * g.expert.size() * g.expert_data.size() * g.pipeline.size(), p->world);
    EXPECT_EQ(g.expert.size(), plan.ep);
    std::set<std::int64_t> ranks;
    for (const auto i : members(g.expert_tensor))
      for (const auto j : members(g.expert))
        for (const auto k : members(g.expert_data))
          for (const auto l : members(g.pipeline)) ranks.insert(i + j + k + l);
    EXPECT_EQ(static_cast<std::int64_t>(ranks.size()), p->world);
    // Explicit replicas land on the same ranks.
    plan.dp = p->dp;
    EXPECT_EQ(placed(plan, machine)->world, p->world);
  }
  EXPECT_GT(feasible, 500);
}

// Processor time of the quickest of three runs, which other load on the test machine hardly touches.
double seconds_of(const Plan& plan, const hardware::Machine& machine, std::int64_t chips) {
  double best = 1e9;
  for (int run = 0; run < 3; ++run) {
    const auto begin = std::clock();
    (void)placed(plan, machine, chips);
    best = std::min(best, static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC);
  }
  return best;
}

TEST(Placement, IsFastOnTheLargestMachines) {
  const auto machine = machine_of({{"board", 8}, {"cabinet", 11}, {"pod", 176}, {"cluster", 65}});
  double worst = 0, sum = 0;
  int runs = 0;
  for (const std::int64_t tp : {1, 2, 4, 8, 16, 7})
    for (const std::int64_t pp : {1, 5, 13, 16, 23, 64})
      for (const std::int64_t ep : {1, 8, 64, 256})
        for (const std::int64_t chips : {0, 100'003, 1'000'003}) {
          const auto seconds = seconds_of({.tp = tp, .ep = ep, .pp = pp}, machine, chips);
          worst = std::max(worst, seconds);
          sum += seconds;
          ++runs;
        }
  std::printf("placement: mean %.0f us, slowest %.0f us\n", sum / runs * 1e6, worst * 1e6);
  EXPECT_LT(sum / runs, 0.01 * test::kThinning) << "builds that run slowly may";
}

}  // namespace
}  // namespace zettatwin::plan
