// SPDX-License-Identifier: Apache-2.0
// Pipeline sends and gathers beside passes that cross the same level, in whole steps.
#include "../../support/toy.hpp"
#include "training/step.hpp"

namespace zettatwin::training {
namespace {

using units::Picoseconds;

struct Ran {
  Job job;
  std::unique_ptr<Step> step;
};

std::unique_ptr<Ran> run(const std::vector<test::ToyLevel>& levels, bool background, const plan::Plan& plan = {.tp = 2, .pp = 2, .global_batch = 8}) {
  auto ran = std::make_unique<Ran>(Ran{.job = test::toy_job({.levels = levels}), .step = nullptr});
  ran->job.plan = plan;
  ran->job.plan.overlap.pp = background;
  config::Diagnostics diagnostics;
  const auto where = config::location_in("test");
  ran->step = std::make_unique<Step>(ran->job, *plan::place(ran->job.plan, ran->job.machine, 0, where, diagnostics));
  EXPECT_TRUE(ran->step->run(where, diagnostics)) << test::text_of(diagnostics);
  return ran;
}

TEST(Sends, ShareTheLevelThatTheyCross) {
  const auto one_switch = run({{"node", 4, 1e9}}, true), apart = run({{"node", 2, 1e9}, {"cluster", 2, 1e9}}, true);
  const auto by_sends = [](const Ran& ran, std::int64_t rank) { return ran.step->lost(rank)[static_cast<std::size_t>(Rival::send)]; };
  for (std::int64_t rank = 0; rank < 2; ++rank) {
    EXPECT_GT(by_sends(*one_switch, rank).count(), 0) << "beside the sends before it";
    EXPECT_EQ(by_sends(*apart, rank).count(), 0) << "no pass crosses the cluster";
  }
  EXPECT_GT(one_switch->step->time(), apart->step->time());
}

TEST(Sends, ALossIsAtMostTheSends) {
  const auto ran = run({{"node", 4, 1e9}}, true);
  auto& step = *ran->step;
  for (std::int64_t rank = 0; rank < 2; ++rank) {
    Picoseconds lost;
    for (const auto to : step.lost(rank)) lost += to;
    EXPECT_LE(lost, step.pipeline_send() * (2 * step.microbatches()));
    EXPECT_EQ(step.ledger(rank).total() + lost, step.timeline.ranks[static_cast<std::size_t>(rank)].busy);
  }
}

TEST(Sends, GathersBehindTheFirstForwardPassShareToo) {
  const plan::Plan plan{.tp = 2, .zero = 1, .global_batch = 8};
  const auto one_switch = run({{"node", 4, 1e9}}, true, plan), apart = run({{"node", 2, 1e9}, {"cluster", 2, 1e9}}, true, plan);
  EXPECT_EQ(one_switch->step->tails[0].gather, apart->step->tails[0].gather);
  EXPECT_GT(one_switch->step->lost(0)[static_cast<std::size_t>(Rival::gather)].count(), 0) << "tensor messages of the pass cross the switch of the gathers";
  EXPECT_EQ(apart->step->lost(0)[static_cast<std::size_t>(Rival::gather)].count(), 0);
  const auto first = apart->step->data_parallel_of(0).gather_time(apart->step->data_parallel_of(0).buckets(apart->step->chunk(0, 0)).front());
  EXPECT_EQ(apart->step->pipeline_costs.release[0][0], first) << "without loss only the table is waited for";
}

TEST(Sends, ASearchMayLeaveTheWholeStepOut) {
  auto ran = run({{"node", 4, 1e9}}, true);
  Job quick = ran->job;
  quick.whole_step = false;
  config::Diagnostics diagnostics;
  const auto where = config::location_in("test");
  Step step(quick, *plan::place(quick.plan, quick.machine, 0, where, diagnostics));
  ASSERT_TRUE(step.run(where, diagnostics));
  EXPECT_LT(step.time(), ran->step->time());
  EXPECT_EQ(step.lost(0), RivalTimes{});
}

}  // namespace
}  // namespace zettatwin::training
