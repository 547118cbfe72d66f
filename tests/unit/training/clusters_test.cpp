// SPDX-License-Identifier: Apache-2.0
// Which clusters feel which faults: found digit by digit, against rank by rank.
#include "training/clusters.hpp"

#include <set>

#include "../../support/random.hpp"
#include "../../support/toy.hpp"

namespace zettatwin::training {
namespace {

using Names = std::vector<std::vector<std::string>>;

// What each of the clusters feels, by stage, each set once.
std::set<Names> sets_of(const std::vector<StageFaults>& clusters) {
  std::set<Names> sets;
  for (const auto& cluster : clusters) {
    Names names;
    for (const auto& stage : cluster.of_cluster) {
      auto& of_stage = names.emplace_back();
      for (const auto& fault : stage) of_stage.push_back(fault.text);
      std::sort(of_stage.begin(), of_stage.end());
    }
    sets.insert(names);
  }
  return sets;
}

TEST(Clusters, DistinctOnesAreThoseThatExist) {
  int several = 0;
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    test::Random r(seed);
    auto machine = test::toy_machine({.levels = {{"board", 4}, {"rack", 4}, {"site", r.of<std::int64_t>({2, 3})}}});
    for (auto& level : machine.levels) level.network.planes = 4;
    plan::Plan plan{.tp = r.of<std::int64_t>({1, 2}), .ep = r.of<std::int64_t>({1, 2, 8}), .pp = r.of<std::int64_t>({1, 2}), .straddle = false};
    if (r.one_in(2)) plan.placement = {plan::Axis::tp, plan::Axis::pp, plan::Axis::cp, plan::Axis::dp};
    config::Diagnostics diagnostics;
    const auto placement = plan::place(plan, machine, 0, config::location_in("test"), diagnostics);
    if (!placement || !has_clusters(*placement)) continue;
    std::vector<traffic::Fault> faults;
    for (int i = 0; i < 4; ++i) {
      const auto chip = fmt::format("rack={}/board={}/chip={}", r.between(0, 1), r.between(0, 3), r.between(0, 3));
      const auto text = r.of<std::string>({"slow-chip@" + chip + ":0.5", fmt::format("dead-switch@rack={}/board={}/port=board", r.between(0, 1), r.between(0, 3)),
                                           fmt::format("dead-switch@rack={}/port=rack/plane=1", r.between(0, 1)), "dead-plane@port=site/plane=2"});
      if (auto fault = traffic::parse_fault(text, machine, config::location_in("--fault"), diagnostics)) faults.push_back(*fault);
    }
    const auto distinct = distinct_clusters(faults, *placement, plan.pp), all = every_cluster(faults, *placement, plan.pp);
    ASSERT_EQ(static_cast<std::int64_t>(all.size()), count_of_clusters(*placement));
    ASSERT_EQ(sets_of(distinct), sets_of(all)) << seed;
    several += distinct.size() > 2 ? 1 : 0;
  }
  EXPECT_GT(several, 50);
}

}  // namespace
}  // namespace zettatwin::training
