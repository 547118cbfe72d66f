// SPDX-License-Identifier: Apache-2.0
#include "inference/exchange.hpp"

#include <gtest/gtest.h>

#include "served.hpp"

namespace zettatwin::inference {
namespace {

using topology::Fabric;
using topology::Spread;

hardware::Machine small() {
  test::Toy toy;
  toy.levels = {{"node", 8, 100e9, 1e-6}, {"rack", 16, 10e9, 5e-6}};
  auto machine = test::toy_machine(toy);
  auto set = [](auto& figure, double si) {
    figure.value = std::remove_cvref_t<decltype(figure.value)>::from_si(si);
    figure.present = true;
  };
  set(machine.levels[0].network.serving.reduce_launch, 2e-6);
  set(machine.levels[0].network.serving.reduce_share, 0.5);
  set(machine.levels[0].network.serving.exchange_launch, 10e-6);
  set(machine.levels[0].network.serving.exchange_share, 0.5);
  set(machine.levels[0].network.serving.bulk_launch, 50e-6);
  set(machine.levels[0].network.serving.bulk_share, 0.5);
  for (auto& level : machine.levels) set(level.network.launch, 1);  // the library is out of the question
  machine.levels[1].scale_out = true;
  set(machine.levels[1].network.serving.exchange_launch, 20e-6);
  set(machine.levels[1].network.serving.exchange_share, 0.8);
  set(machine.levels[1].network.serving.exchange_gap, 1e-7);
  set(machine.levels[1].network.serving.bulk_launch, 100e-6);
  set(machine.levels[1].network.serving.bulk_share, 1);
  return machine;
}

TEST(AllReduce, OneShotThenTwo) {
  const auto machine = small();
  const auto fabric = topology::whole(machine);
  const Spread eight{{8, 1}};
  // Seven buffers of 1,000 bytes at 50 GB/s; two shots need 3 us.
  EXPECT_NEAR(all_reduce(fabric, eight, 1000).seconds, 2e-6 + 7000 / 50e9, 1e-15);
  EXPECT_NEAR(all_reduce(fabric, eight, 1e6).seconds, 3e-6 + 1.75e6 / 50e9, 1e-12);
  EXPECT_EQ(all_reduce(fabric, Spread{{1, 1}}, 1e6).seconds, 0);
}

// Engines gather by their library: kernels of one or two shots are for sums that all chips get.
TEST(Gather, IsTheLibrarys) {
  auto machine = small();
  for (auto& level : machine.levels) level.network.launch.value = units::Seconds::from_si(0);
  const auto fabric = topology::whole(machine);
  const auto one = gather(fabric, Spread{{8, 1}}, 1e6, false);
  EXPECT_STREQ(one.how, "collective library");
  EXPECT_GE(one.seconds, 7.0 / 8 * 1e6 / 100e9);
  EXPECT_EQ(gather(fabric, Spread{{8, 1}}, 1e6, true).seconds, one.seconds);
}

TEST(Exchange, LowLatencyCopiesTravelAlone) {
  const auto machine = small();
  const auto fabric = topology::whole(machine);
  const ExchangeRequest request{.tokens = 10, .copies = 4, .bytes_per_copy = 1000};
  EXPECT_NEAR(exchange(fabric, Spread{{8, 1}}, request).seconds, 10e-6 + 40'000 * 7.0 / 8 / 50e9, 1e-12);
  // Two nodes: half of the copies leave, 8 GB/s; the others' time in the node is shorter.
  EXPECT_NEAR(exchange(fabric, Spread{{8, 2}}, request).seconds, 20e-6 + 16 * 1e-7 + 40'000 * 0.5 / 8e9, 1e-12);
}

TEST(Exchange, BulkCopiesTravelOncePerNode) {
  const auto machine = small();
  const auto fabric = topology::whole(machine);
  const ExchangeRequest request{.tokens = 10'000, .copies = 4, .bytes_per_copy = 1000};
  const auto t = exchange(fabric, Spread{{8, 2}}, request);
  EXPECT_TRUE(t.bulk);
  // A token reaches 2 (1 - 1/2^4) = 1.875 of two nodes, half of that elsewhere, 10 GB/s.
  EXPECT_NEAR(t.seconds, 100e-6 + 1e7 * 1.875 / 2 / 10e9, 1e-9);
}

// Published latencies (first release of the kernels; the figures rest on a later one, whose exchange over four nodes is quicker) of 128 tokens of 7,168 features, 8 experts each: FP8 there, BF16 back.
TEST(Exchange, IsNearPublishedLatencies) {
  const auto machine = test::catalog_machine("dgx-h800");
  const auto fabric = topology::whole(machine);
  struct Row { std::int64_t nodes; double dispatch_us, combine_us; };
  for (const auto& row : {Row{4, 155, 273}, Row{8, 173, 314}, Row{16, 192, 369}, Row{32, 194, 360}}) {
    const Spread spread{{8, row.nodes}};
    const auto there = exchange(fabric, spread, {.tokens = 128, .copies = 8, .bytes_per_copy = 7168}), back = exchange(fabric, spread, {.tokens = 128, .copies = 8, .bytes_per_copy = 2 * 7168});
    EXPECT_NEAR(there.seconds * 1e6 / row.dispatch_us, 1, 0.15) << row.nodes;
    EXPECT_NEAR(back.seconds * 1e6 / row.combine_us, 1, row.nodes < 8 ? 0.25 : 0.15) << row.nodes;
  }
}

// Gathered before they are cast, tokens have two bytes per value there and two back, not one with a scale.
TEST(Gather, TokensMayBeGatheredAsTheyAre) {
  test::Toy toy{.flop_per_s = 1e30, .bytes_per_s = 1e30};
  toy.levels = {{"node", 2, 1e9, 0}};
  auto software = test::free_software();
  software.expert_traffic = ExpertTraffic::gather;
  const serving::StepLoad decoding{.sequences = 128, .cached = 12800, .chunks = {}};
  const auto exchange = [&] { return test::served(test::toy_machine(toy), test::toy_model(test::kToyExperts), software, "dp=2,ep=2,instances=1").pools[0].timer->parts(decoding)[static_cast<std::size_t>(Part::exchange)]; };
  const double values = 3 * 128 * 512 * 0.5 / 1e9;
  EXPECT_NEAR(exchange(), values * (1 + 4.0 / 128 + 2), 1e-9 * values);
  software.wide_gathers = true;
  EXPECT_NEAR(exchange(), values * (2 + 2), 1e-9 * values);
}

}  // namespace
}  // namespace zettatwin::inference
