// SPDX-License-Identifier: Apache-2.0
// What communications keep busy on machines, and which jobs contend.
#include "../../support/toy.hpp"
#include "training/stage_costs.hpp"

namespace zettatwin::training {
namespace {

struct Timed {
  hardware::Machine machine;
  plan::Plan plan;
  model::Architecture architecture = test::toy_model();
  plan::Placement placement;
  std::optional<OperationTimer> timer;

  Timed(hardware::Machine m, plan::Plan p) : machine(std::move(m)), plan(std::move(p)) {
    config::Diagnostics diagnostics;
    auto placed = plan::place(plan, machine, 0, config::location_in("test"), diagnostics);
    EXPECT_TRUE(placed) << test::text_of(diagnostics);
    placement = std::move(*placed);
    timer.emplace(machine.chip, plan, placement, architecture);
  }
  [[nodiscard]] Footprint ports(network::Collective op, workload::Group group, double bytes) const {
    return *timer->traffic(workload::Communication{.op = op, .group = group, .bytes = units::Bytes::from_si(bytes)}).ports;
  }
};

constexpr auto kGather = network::Collective::all_gather;

TEST(Footprint, BytesOverBandwidthAsShareOfTheTime) {
  // An all-gather of 8 GB over 8: 7 GB at 1 GB/s, and 7 steps of 1 s: half of its time.
  Timed t(test::toy_machine({.levels = {{"node", 8, 1e9, 1}}}), {.tp = 8});
  const auto ports = t.ports(kGather, workload::Group::tensor, 8e9);
  const auto stages = network::collective_stages(t.placement.fabric, t.timer->request({.op = kGather, .group = workload::Group::tensor, .bytes = units::Bytes::from_si(8e9)}));
  ASSERT_EQ(ports.size(), 1u);
  EXPECT_NEAR(ports[0].share, 7 / (7 + stages.stages[0].latency.si()), 1e-9);
}

TEST(Footprint, OnlyLevelsThatAreCrossed) {
  Timed t(test::toy_machine({.levels = {{"node", 4, 1e9}, {"cluster", 4, 1e8}}}), {.tp = 4, .zero = 3});
  const auto tensor = t.ports(kGather, workload::Group::tensor, 1e9), shard = t.ports(kGather, workload::Group::shard, 1e9);
  EXPECT_NEAR(tensor[0].share, 1, 1e-9);
  EXPECT_EQ(tensor[1].share, 0);
  EXPECT_EQ(shard[0].share, 0);
  EXPECT_NEAR(shard[1].share, 1, 1e-9);
  EXPECT_EQ(stretch(&tensor, &shard), 1);
  Timed inside(test::toy_machine({.levels = {{"node", 16, 1e9}}}), {.tp = 4, .zero = 3});
  const auto a = inside.ports(kGather, workload::Group::tensor, 1e9), p = inside.ports(kGather, workload::Group::shard, 1e9);
  EXPECT_NEAR(stretch(&a, &p), 2, 1e-9) << "one switch for both";
}

TEST(Footprint, GroupsOfAMeshThatCrossMeetNowhere) {
  Timed t(test::toy_machine({.levels = {{"board", 8, 1e9, 0, "full_mesh"}}}), {.tp = 2, .zero = 3});
  const auto tensor = t.ports(kGather, workload::Group::tensor, 1e9), shard = t.ports(kGather, workload::Group::shard, 1e9);
  EXPECT_EQ(tensor[0].peers, 0b10u) << "chip 1";
  EXPECT_EQ(shard[0].peers, 0b1010100u) << "chips 2, 4 and 6";
  EXPECT_EQ(stretch(&tensor, &shard), 1);
}

// What all collectives keep busy is what their stages say, and no more than their time.
TEST(Footprint, LoadsAreThoseOfTheStages) {
  for (const char* name : {"dgx-h100", "gb200-nvl72", "atlas-950-superpod", "cloudmatrix384", "atlas-960e", "tpu-v5p-pod"}) {
    const auto machine = test::catalog_machine(name);
    const auto fabric = topology::whole(machine);
    for (const auto op : {network::Collective::all_reduce, kGather, network::Collective::reduce_scatter, network::Collective::all_to_all})
      for (const double bytes : {1e3, 1e6, 1e9}) {
        const network::CollectiveRequest request{.op = op, .bytes = units::Bytes::from_si(bytes), .spread = topology::spread_of(fabric, {{{fabric.ranks(), 1}}})};
        const auto load = network::collective_load(fabric, request);
        EXPECT_EQ(load.time, network::collective_duration(fabric, request)) << name;
        const auto stages = network::collective_stages(fabric, request);
        units::Seconds sum, busy;
        for (const auto& stage : stages.stages)
          if (stage.bytes.si() > 0) sum += static_cast<double>(stages.chunks) * (stage.bytes / stage.bandwidth);
        for (const auto& seconds : load.busy) {
          EXPECT_LE(seconds.si(), load.time.seconds().si() * (1 + 1e-9)) << name;
          busy += seconds;
        }
        EXPECT_NEAR(busy.si(), sum.si(), 1e-12 * sum.si()) << name;
      }
  }
}

std::string leaves_of(const result::Node& node) {
  std::string text = node.key + " ";
  for (const auto& child : node.children) text += leaves_of(child);
  return text;
}

TEST(Footprint, GradientsContendWithTensorParallelismOnTheSameLevelOnly) {
  const auto keys = [](const std::vector<test::ToyLevel>& levels) {
    auto job = test::toy_job({.levels = levels});
    job.plan = {.tp = 4, .zero = 1, .global_batch = 8};
    return leaves_of(test::answer(job).tree);
  };
  const std::string leaf = "contention_with_gradient_traffic";
  EXPECT_NE(keys({{"node", 16, 1e9}}).find(leaf), std::string::npos);
  EXPECT_EQ(keys({{"node", 4, 1e9}, {"cluster", 4, 1e9}}).find(leaf), std::string::npos);
}

}  // namespace
}  // namespace zettatwin::training
