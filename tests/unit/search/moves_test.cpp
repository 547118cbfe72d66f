// SPDX-License-Identifier: Apache-2.0
// The neighbourhood of the search: legal, different, and never moving what was given.
#include <functional>
#include <set>


#include "../../support/random.hpp"
#include "../../support/toy.hpp"
#include "search/moves.hpp"

namespace zettatwin::search {
namespace {

training::Job job(const std::string& model = "mixtral-8x7b", std::int64_t chips = 64) {
  return {.machine = test::catalog_machine("dgx-h100", chips), .architecture = test::catalog_model(model), .chips = chips, .software = test::catalog_software()};
}

TEST(Moves, StartsAreDifferentAndFit) {
  const auto j = job();
  const auto all = starts({}, j, {.sizes = true});
  EXPECT_GT(all.size(), 3u);
  std::set<std::string> seen;
  for (const auto& p : all) {
    EXPECT_TRUE(seen.insert(identity(p)).second) << identity(p);
    EXPECT_LE(p.tp * p.cp * p.pp, 64);
  }
}

TEST(Moves, NeighboursDifferFromThePlan) {
  const auto j = job();
  const plan::Plan plan{.tp = 2, .ep = 4, .pp = 4, .recompute = plan::Recompute::selective};
  const auto near = neighbours(plan, j, {.sizes = true});
  EXPECT_GT(near.size(), 10u);
  for (const auto& p : near) EXPECT_NE(identity(p), identity(plan));
}

TEST(Moves, EverySizeCanGrowAndShrink) {
  const auto j = job();
  const plan::Plan plan{.tp = 2, .cp = 2, .ep = 4, .pp = 4, .micro_batch = 2};
  std::set<std::pair<std::string, std::int64_t>> moved;
  for (const auto& p : neighbours(plan, j, {.sizes = true})) {
    for (const auto& [name, before, after] : {std::tuple{"tp", plan.tp, p.tp}, {"cp", plan.cp, p.cp}, {"ep", plan.ep, p.ep}, {"pp", plan.pp, p.pp}, {"micro_batch", plan.micro_batch, p.micro_batch}})
      if (after != before) moved.insert({name, after > before ? 1 : -1});
  }
  EXPECT_EQ(moved.size(), 10u);
}

// Walks far at random: whatever the path, given fields stay.
TEST(Moves, GivenFieldsNeverMove) {
  const auto j = job();
  const plan::Plan given{.tp = 2, .pp = 4, .vpp = 2, .zero = 2, .micro_batch = 2, .recompute = plan::Recompute::full, .schedule = plan::ScheduleKind::interleaved,
                         .overlap = {.ep = true}};
  const std::vector<std::pair<std::string, std::function<bool(const plan::Plan&)>>> kept{
      {"tp", [&](const auto& p) { return p.tp == given.tp; }},
      {"pp", [&](const auto& p) { return p.pp == given.pp; }},
      {"zero", [&](const auto& p) { return p.zero == given.zero; }},
      {"micro_batch", [&](const auto& p) { return p.micro_batch == given.micro_batch; }},
      {"recompute", [&](const auto& p) { return p.recompute == given.recompute; }},
      {"schedule", [&](const auto& p) { return p.schedule == given.schedule; }},
      {"placement", [&](const auto& p) { return p.placement == given.placement; }},
      {"overlap", [&](const auto& p) { return p.overlap.ep == given.overlap.ep; }}};
  for (const auto& [field, same] : kept) {
    const Freedom freedom{.sizes = true, .given = {field}};
    test::Random random(7);
    for (auto plan : starts(given, j, freedom)) {
      EXPECT_TRUE(same(plan)) << field << " in a start";
      for (int step = 0; step < 30; ++step) {
        const auto near = neighbours(plan, j, freedom);
        if (near.empty()) break;
        plan = random.of(near);
        ASSERT_TRUE(same(plan)) << field << " after " << step << " moves: " << identity(plan);
      }
    }
  }
}

TEST(Moves, DenseModelsGetNoExperts) {
  const auto j = job("llama-3.1-8b");
  for (const auto& start : starts({}, j, {.sizes = true})) {
    EXPECT_EQ(start.ep, 1);
    for (const auto& p : neighbours(start, j, {.sizes = true})) EXPECT_EQ(p.ep, 1);
  }
}

}  // namespace
}  // namespace zettatwin::search
