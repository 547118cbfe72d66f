// SPDX-License-Identifier: Apache-2.0
// Pools on machines of their own, and what joins the machines.
#include <gtest/gtest.h>

#include "inference/predictor.hpp"
#include "served.hpp"

namespace zettatwin::inference {
namespace {

hardware::Machine machine(double flop_per_s, double capacity, double port, std::int64_t nodes) {
  return test::toy_machine({.flop_per_s = flop_per_s, .capacity = capacity, .levels = {{"node", 4, 1e24}, {"cluster", nodes, port, 3e-6}}});
}

struct Asked {
  std::optional<Served> served;
  std::string problems;
};
Asked ask(const hardware::Machine& common, const Deployment& deployment, const std::vector<PoolMachine>& machines, const Link& link) {
  config::Diagnostics diagnostics;
  const auto model = test::toy_model();
  const auto software = test::free_software();
  Asked asked{.served = serve({.machine = common, .model = model, .deployment = deployment, .software = software, .machines = machines, .link = link}, config::location_in("test"), diagnostics), .problems = ""};
  asked.problems = test::text_of(diagnostics);
  return asked;
}

const Link kLink{.bandwidth = units::BytesPerSecond::from_si(5e9), .latency = 20 * units::microsecond};

TEST(PoolMachines, EachPoolRunsOnItsOwn) {
  const auto slow = machine(1e12, 1e15, 1e9, 2), quick = machine(4e12, 5e14, 2e9, 3);
  const auto wanted = test::deployment("prefill.tp=2,decode.tp=1");
  const auto [served, problems] = ask(slow, wanted, {{.machine = &quick}}, kLink);
  ASSERT_TRUE(served) << problems;
  const auto& prefill = served->pools[0];
  const auto& decode = served->pools[1];
  EXPECT_EQ(prefill.instances, 6);  // all of its machine's 12 chips
  EXPECT_EQ(decode.instances, 8);
  EXPECT_EQ(served->chips, 20);
  EXPECT_EQ(served->own_chips, 8);
  EXPECT_EQ(served->idle_chips, 0);
  EXPECT_EQ(prefill.timer->about().machine.chip.memory.capacity.si(), 5e14);
  // Products are all that takes time: four times as quick a chip, two of them.
  const auto alone = test::served(slow, test::toy_model(), test::free_software(), "tp=2,instances=1");
  EXPECT_NEAR(test::seconds(alone.pools[0], 0, 0, {{512, 0, true}}) / test::seconds(prefill, 0, 0, {{512, 0, true}}), 4, 0.01);
  ASSERT_TRUE(served->hand_over);
  EXPECT_EQ(served->hand_over->level, "link");
  EXPECT_EQ(served->hand_over->network, kLink.bandwidth);
  EXPECT_EQ(served->hand_over->latency, kLink.latency);
  EXPECT_EQ(prefill.port_rate.si(), 2 * 2e9);  // two chips' ports out of its machine
  EXPECT_EQ(decode.port_rate.si(), 1e9);
}

TEST(PoolMachines, OnOneMachineNothingChanges) {
  const auto common = machine(1e12, 1e15, 1e9, 2);
  const auto wanted = test::deployment("prefill.tp=4,prefill.instances=1,decode.tp=4,decode.instances=1");
  const auto [one, problems] = ask(common, wanted, {}, {});
  ASSERT_TRUE(one) << problems;
  const auto [named, also] = ask(common, wanted, {{.machine = &common}, {}}, {});
  ASSERT_TRUE(named) << also;
  EXPECT_EQ(one->hand_over->network.si(), 0);
  EXPECT_EQ(one->hand_over->level, "cluster");
  EXPECT_EQ(named->hand_over->level, "cluster");
  EXPECT_EQ(one->pools[0].port_rate, named->pools[0].port_rate);
  EXPECT_EQ(named->own_chips, 8);
}

TEST(PoolMachines, WithoutALinkTheyCannotHandOver) {
  const auto common = machine(1e12, 1e15, 1e9, 2), other = machine(1e12, 1e15, 1e9, 1);
  const auto [served, problems] = ask(common, test::deployment("prefill.tp=4,decode.tp=4"), {{.machine = &other}}, {});
  EXPECT_FALSE(served);
  EXPECT_NE(problems.find("nothing joins"), std::string::npos) << problems;
}

TEST(PoolMachines, PoolsOfOneMachineShareItsChips) {
  const auto common = machine(1e12, 1e15, 1e9, 2), other = machine(1e12, 1e15, 1e9, 1);
  const auto wanted = test::deployment("prefill.tp=2,prefill.instances=1,decode.tp=2,decode.instances=2");
  const auto [served, problems] = ask(common, wanted, {{.machine = &other}, {.machine = &other}}, {});
  EXPECT_FALSE(served);
  EXPECT_NE(problems.find("needs 6 chips, there are 4"), std::string::npos) << problems;
}

// What an instance keeps up is what its steps allow: prompts one after the other, a batch of decoding sequences, or both.
TEST(MostRequests, AreThoseOfFullBatches) {
  const auto common = machine(1e12, 1e15, 1e9, 2);
  const auto s = test::served(common, test::toy_model(), test::free_software(), "instances=1");
  const auto apart = test::served(common, test::toy_model(), test::free_software(), "prefill.tp=1,prefill.instances=1,decode.tp=1,decode.instances=1");
  const FullLoad load{.input = 8192, .cached = 0, .output = 101, .per_sequence = 0};
  const double prompt = test::seconds(apart.pools[0], 0, 0, {{8192, 0, true}});
  EXPECT_NEAR(most_requests_per_s(apart.pools[0], load) * prompt, 1, 1e-9);
  const double step = test::seconds(apart.pools[1], 256, std::llround(256 * (8192 + 50.5)));
  EXPECT_NEAR(most_requests_per_s(apart.pools[1], load) * 100 * step / 256, 1, 1e-3);
  EXPECT_LT(most_requests_per_s(s.pools[0], load), most_requests_per_s(apart.pools[0], load));
  EXPECT_GT(most_requests_per_s(s.pools[0], {.input = 8192, .cached = 8000, .output = 101}), 2 * most_requests_per_s(s.pools[0], load));
}

}  // namespace
}  // namespace zettatwin::inference
