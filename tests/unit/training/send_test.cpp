// SPDX-License-Identifier: Apache-2.0
// Pipeline sends beside passes that cross the same level: against messages played one by one, and in whole steps.
#include "../../support/toy.hpp"
#include "training/beside_backward.hpp"
#include "training/step.hpp"
#include "training/streams.hpp"

namespace zettatwin::training {
namespace {

using units::Picoseconds;
using workload::Hiding;

TEST(Sends, EvenlySpreadIsWhatManyLayersDo) {
  const Footprint half{{.share = 0.5}}, full{{.share = 1}}, other{{.share = 0}, {.share = 1}};
  for (const auto* activations : {&half, &full, &other})
    for (const auto* send : {&half, &full})
      for (const std::int64_t length : {20'000, 45'000, 80'000}) {
        std::vector<TimedOperation> layers;
        for (int i = 0; i < 50; ++i) {
          layers.push_back({.leaf = 1, .time = Picoseconds(1000)});
          layers.push_back({.leaf = 2, .time = Picoseconds(1000), .communication = true, .ports = activations});
        }
        const auto alone = run_streams(layers).time;
        const double lost = loss_beside({{send, Picoseconds(length)}}, {{activations, Picoseconds(50'000)}}, alone);
        const auto model = alone + Picoseconds::from(std::min(Picoseconds(length), alone).seconds() * lost);
        auto beside = layers;  // the send on a stream of its own, from the start of the pass on
        beside.insert(beside.begin(), {.leaf = 3, .time = Picoseconds(length), .communication = true, .parameters = true, .hiding = Hiding::background, .ports = send});
        const auto played = run_streams(beside).time;
        EXPECT_NEAR(static_cast<double>(played.count()), static_cast<double>(model.count()), 0.03 * static_cast<double>(model.count())) << lost << " " << length;
      }
}

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

const workload::Instruction kForward{.action = workload::Action::forward}, kBackward{.action = workload::Action::backward};

TEST(Sends, ShareTheLevelThatTheyCross) {
  const auto one_switch = run({{"node", 4, 1e9}}, true), apart = run({{"node", 2, 1e9}, {"cluster", 2, 1e9}}, true), waiting = run({{"node", 4, 1e9}}, false);
  EXPECT_GT(one_switch->step->send_loss(0, kBackward).count(), 0) << "beside the send of the forward pass before it";
  EXPECT_GT(one_switch->step->send_loss(1, kForward).count(), 0) << "beside the gradients that go back";
  EXPECT_EQ(apart->step->send_loss(0, kBackward).count(), 0) << "no pass crosses the cluster";
  EXPECT_EQ(waiting->step->send_loss(0, kBackward).count(), 0) << "nothing runs beside a send that is waited for";
  EXPECT_GT(one_switch->step->pipeline_costs.forward_send[0][0], apart->step->pipeline_costs.forward_send[0][0]);
  EXPECT_GT(one_switch->step->time(), apart->step->time());
}

TEST(Sends, ALossIsInTheLedgerAndAtMostTheSend) {
  const auto ran = run({{"node", 4, 1e9}}, true);
  auto& step = *ran->step;
  for (std::int64_t rank = 0; rank < 2; ++rank) {
    for (const auto& i : {kForward, kBackward}) {
      EXPECT_EQ(step.pass(rank, i).ledger.total(), step.pass(rank, i).time);
      EXPECT_LE(step.send_loss(rank, i), step.pipeline_send());
    }
    EXPECT_LE(step.ledger(rank).total(), step.timeline.ranks[static_cast<std::size_t>(rank)].busy);
  }
}

TEST(Sends, GathersBehindTheFirstForwardPassShareToo) {
  const plan::Plan plan{.tp = 2, .zero = 1, .global_batch = 8};
  const auto one_switch = run({{"node", 4, 1e9}}, true, plan), apart = run({{"node", 2, 1e9}, {"cluster", 2, 1e9}}, true, plan);
  EXPECT_EQ(one_switch->step->tails[0].gather, apart->step->tails[0].gather);
  const auto later = one_switch->step->pipeline_costs.release[0][0] - apart->step->pipeline_costs.release[0][0];
  EXPECT_GT(later.count(), 0) << "tensor messages of the pass cross the switch of the gathers";
  // Lost beside the pass by both. The pass is later by all of it, the release by the first gather's share alone: the others have the pass to hide behind.
  auto& step = *one_switch->step;
  const auto& data = step.data_parallel_of(0);
  const auto& chunk = step.chunk(0, 0);
  const auto first = data.gather_time(data.buckets(chunk).front());
  ASSERT_EQ(apart->step->pipeline_costs.release[0][0], first) << "without loss only the table is waited for";
  const double gathers = step.tails[0].gather.seconds().si();
  const double beside = gathers - first.seconds().si();
  const double lost = beside * loss_beside(data.traffic(data.gathers(data.buckets(chunk).back())), step.costs_of(0).of(chunk).forward.messages, step.costs_of(0).of(chunk).forward.time);
  EXPECT_NEAR(later.seconds().si(), lost * (1 + first.seconds().si() / gathers), 0.02 * lost);
}

}  // namespace
}  // namespace zettatwin::training
