// SPDX-License-Identifier: Apache-2.0
// Placements whose groups borders of units cut: how many chips they use, and that the spread is that of the worst-placed member.
#include "plan/straddle.hpp"

#include <gtest/gtest.h>

#include <cstdio>
#include <ctime>
#include <map>
#include <random>
#include <set>

#include "../../support/thinning.hpp"
#include "models.hpp"
#include "plan/grid.hpp"
#include "plan/placement.hpp"

namespace zettatwin::plan {
namespace {

using testing::machine_of;
using Numbers = std::vector<std::int64_t>;

std::optional<Placement> placed(const Plan& plan, const hardware::Machine& machine, std::int64_t chips = 0) {
  config::Diagnostics d;
  return place(plan, machine, chips, config::location_in("plan"), d);
}

// 8 x 11 boards x 176 cabinets x pods; boards of a cabinet are joined by a mesh.
hardware::Machine odd_machine(std::int64_t pods) {
  auto machine = machine_of({{"board", 8}, {"cabinet", 11}, {"pod", 176}, {"cluster", pods}});
  machine.levels[1].network.kind = hardware::NetworkKind::full_mesh;
  return machine;
}

TEST(Straddle, UsesWholeCabinetsOf88) {
  const auto machine = odd_machine(1);
  const auto p = placed({.ep = 64, .pp = 16}, machine);
  ASSERT_TRUE(p);
  EXPECT_EQ(p->world, 15360);  // the most that 16 stages of whole expert groups can use: 15 x 1024
  EXPECT_EQ(p->fabric.filled, (Numbers{8, 88, 15360, 15360}));
  EXPECT_EQ(p->fabric.used, (Numbers{8, 11, 175, 1}));
  // A group of 64 may have a single board in a cabinet.
  EXPECT_EQ(topology::spread_of(p->fabric, p->groups.expert).fanout, (Numbers{8, 1, 8, 1}));
  EXPECT_EQ(placed({.ep = 64, .pp = 16, .straddle = false}, machine)->world, 8 * 8 * 176);
}

TEST(Straddle, KeepsPodsWholeIfCabinetsSuffice) {
  const auto p = placed({.ep = 256}, odd_machine(65));
  ASSERT_TRUE(p);
  EXPECT_EQ(p->fabric.filled, (Numbers{8, 88, 15360, 15360 * 65}));  // 60 groups of 256 in each pod
  EXPECT_EQ(topology::spread_of(p->fabric, p->groups.expert).fanout, (Numbers{8, 1, 32, 1}));
  const auto stages = placed({.tp = 8, .ep = 64, .pp = 16}, odd_machine(65));
  EXPECT_EQ(stages->world, 8 * 11 * 176 * 64);  // four pods per stage
}

TEST(Straddle, NotWhereGroupsFitOrTheMachineIsEven) {
  EXPECT_FALSE(placed({.tp = 8}, odd_machine(65))->straddles());
  const auto even = machine_of({{"board", 8}, {"cabinet", 8}, {"pod", 128}, {"cluster", 64}});
  EXPECT_FALSE(placed({.tp = 8, .ep = 256, .pp = 16}, even)->straddles());
  EXPECT_FALSE(placed({.tp = 8, .ep = 64, .pp = 4}, even, 2050)->straddles());
}

TEST(Straddle, KeepsTensorGroupsAndMeshesWhole) {
  const auto p = placed({.tp = 16, .ep = 64, .pp = 2}, odd_machine(1));
  ASSERT_TRUE(p);
  EXPECT_EQ(p->fabric.filled[1], 80);  // ten boards: five tensor-parallel groups
  EXPECT_TRUE(topology::divides_evenly(p->fabric, p->groups.tensor));
  // A mesh joins the boards: none may cut context groups of 12.
  const auto context = placed({.cp = 12, .pp = 4}, odd_machine(1));
  ASSERT_TRUE(context);
  EXPECT_TRUE(space::divides_evenly(context->groups.context, context->fabric.ranks_within(0)));
  EXPECT_FALSE(topology::may_be_cut(odd_machine(1), 0));
  EXPECT_TRUE(topology::may_be_cut(odd_machine(1), 1));
}

TEST(Straddle, ExplicitReplicasAndBatchesStraddleToo) {
  const auto machine = odd_machine(1);
  const auto p = placed({.ep = 64, .pp = 16, .dp = 960}, machine);
  ASSERT_TRUE(p);
  EXPECT_EQ(p->fabric.filled, (Numbers{8, 88, 15360, 15360}));
  const auto batch = placed({.ep = 64, .pp = 16, .global_batch = 1920}, machine);
  ASSERT_TRUE(batch);
  EXPECT_EQ(batch->dp, 960);
}

// All groups of a view that lie in the ranks 0 .. world-1: the view's ranks moved by every rank that no atom reaches.
std::vector<Numbers> all_groups(const space::View& view, std::int64_t world) {
  Numbers steps{0};
  for (const auto& atom : view.atoms) {
    Numbers next;
    for (const auto base : steps)
      for (std::int64_t k = 0; k < atom.size; ++k) next.push_back(base + k * atom.stride);
    steps = next;
  }
  std::vector<Numbers> groups;
  std::vector<bool> taken(static_cast<std::size_t>(world), false);
  for (std::int64_t rank = 0; rank < world; ++rank) {
    if (taken[static_cast<std::size_t>(rank)]) continue;
    Numbers group;
    for (const auto step : steps) {
      group.push_back(rank + step);
      EXPECT_LT(rank + step, world);
      if (rank + step >= world) return groups;
      taken[static_cast<std::size_t>(rank + step)] = true;
    }
    groups.push_back(group);
  }
  return groups;
}

// The unit of level l that holds a rank, counted from the outside in as the machine is filled.
Numbers unit_of(const topology::Fabric& fabric, std::int64_t rank, std::size_t level) {
  Numbers path;
  for (std::size_t l = fabric.filled.size(); l-- > level;) {
    path.push_back(rank / fabric.filled[l]);
    rank %= fabric.filled[l];
  }
  return path;
}

std::int64_t fewest_fellows(const topology::Fabric& fabric, const std::vector<Numbers>& groups, std::size_t level) {
  std::int64_t fewest = fabric.ranks();
  for (const auto& group : groups) {
    std::map<Numbers, std::int64_t> counts;
    for (const auto rank : group) ++counts[unit_of(fabric, rank, level)];
    for (const auto& [unit, count] : counts) fewest = std::min(fewest, count);
  }
  return fewest;
}

TEST(Straddle, SpreadsAreThoseOfTheWorstPlacedMemberByEnumeration) {
  std::mt19937 random(7);
  const auto pick = [&](std::initializer_list<std::int64_t> values) { return *(values.begin() + static_cast<std::ptrdiff_t>(random() % values.size())); };
  int straddling = 0, views = 0, attained = 0;
  for (int round = 0; round < 400; ++round) {
    const auto machine = machine_of({{"a", pick({2, 4, 6})}, {"b", pick({3, 5, 9, 11})}, {"c", pick({3, 7, 10})}, {"d", pick({1, 3})}});
    Plan plan{.tp = pick({1, 2}), .cp = pick({1, 1, 2}), .ep = pick({1, 2, 4, 8, 16}), .pp = pick({1, 2, 3, 4})};
    std::shuffle(plan.placement.begin(), plan.placement.end(), random);
    const auto p = placed(plan, machine);
    if (!p || !p->straddles()) continue;
    ++straddling;
    EXPECT_LE(p->world, machine.chips());
    for (std::size_t l = 0; l < p->fabric.used.size(); ++l) EXPECT_LE(p->fabric.used[l], machine.levels[l].size);
    auto whole = plan;
    whole.straddle = false;
    const auto aligned = placed(whole, machine);
    EXPECT_GT(p->world, aligned ? aligned->world : 0);
    EXPECT_TRUE(topology::divides_evenly(p->fabric, p->groups.tensor));
    const auto& g = p->groups;
    for (const auto* view : {&g.tensor, &g.context, &g.expert, &g.data, &g.expert_data, &g.pipeline}) {
      const auto spread = topology::spread_of(p->fabric, *view);
      ASSERT_EQ(spread.size(), view->size());
      const auto groups = all_groups(*view, p->world);
      ASSERT_EQ(static_cast<std::int64_t>(groups.size()) * view->size(), p->world);
      bool even = true;
      for (std::size_t l = 0; l < p->fabric.filled.size(); ++l) {
        const auto fewest = fewest_fellows(p->fabric, groups, l);
        EXPECT_GE(fewest, spread.members_below(l + 1)) << "round " << round << " level " << l;
        even = even && fewest == spread.members_below(l + 1);
      }
      ++views;
      attained += even;
      EXPECT_TRUE(even || !topology::divides_evenly(p->fabric, *view));
    }
  }
  std::printf("%d placements straddle; worst members of %d of %d groups are as bad as assumed\n", straddling, attained, views);
  EXPECT_GT(straddling, 50);
  EXPECT_GT(attained * 10, views * 8);
}

TEST(Straddle, IsFastOnTheLargestMachine) {
  const auto machine = odd_machine(65);
  double worst = 0;
  for (const std::int64_t tp : {1, 2, 4, 8, 16})
    for (const std::int64_t pp : {1, 5, 13, 16, 23, 64})
      for (const std::int64_t ep : {1, 8, 64, 256}) {
        double best = 1;
        for (int run = 0; run < 3; ++run) {
          const auto begin = std::clock();
          (void)placed({.tp = tp, .ep = ep, .pp = pp}, machine);
          best = std::min(best, static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC);
        }
        worst = std::max(worst, best);
      }
  std::printf("slowest placement %.0f us\n", worst * 1e6);
  EXPECT_LT(worst, 0.05 * test::kThinning) << "seconds of processor time; builds that run slowly may";
}

}  // namespace
}  // namespace zettatwin::plan
