// SPDX-License-Identifier: Apache-2.0
#include "fleet/transfer_network.hpp"

#include <gtest/gtest.h>

#include <map>
#include <vector>

#include "../../support/random.hpp"
#include "flow/simulation.hpp"

namespace zettatwin::fleet {
namespace {

using units::Picoseconds;

constexpr std::int64_t kSecond = 1'000'000'000'000;

std::vector<std::pair<TransferNetwork::Id, double>> finishes(TransferNetwork& network) {
  std::vector<std::pair<TransferNetwork::Id, double>> all;
  while (network.next_finish() < Picoseconds(INT64_MAX)) {
    const double at = network.next_finish().seconds().si();
    all.emplace_back(network.take_finished(), at);
  }
  return all;
}

// Two transfers out of one port of 10 B/s: 5 B/s each; the shorter (20 B) ends after 4 s, the longer (50 B) has 30 B left and ends 3 s later.
TEST(TransferNetwork, TwoShareAPortByHand) {
  TransferNetwork network({10}, {100, 100}, 0);
  const auto a = network.start(0, 0, 20, 0, Picoseconds(0));
  const auto b = network.start(0, 1, 50, 0, Picoseconds(0));
  EXPECT_EQ(network.ingress_rate(0), 5);
  const auto ends = finishes(network);
  ASSERT_EQ(ends.size(), 2u);
  EXPECT_EQ(ends[0], std::pair(a, 4.0));
  EXPECT_EQ(ends[1], std::pair(b, 7.0));
}

// A capped transfer leaves its share to the other; the network of 6 B/s binds both together.
TEST(TransferNetwork, CapsAndNetworkByHand) {
  TransferNetwork capped({10}, {100}, 0);
  const auto a = capped.start(0, 0, 100, 2, Picoseconds(0));
  const auto b = capped.start(0, 0, 100, 0, Picoseconds(0));
  EXPECT_EQ(capped.rate(a), 2);
  EXPECT_EQ(capped.rate(b), 8);
  TransferNetwork narrow({10, 10}, {10, 10}, 6);
  const auto c = narrow.start(0, 0, 12, 0, Picoseconds(0));
  EXPECT_EQ(narrow.rate(c), 6);
  const auto d = narrow.start(1, 1, 12, 0, Picoseconds(kSecond));  // c has 6 B left; both at 3 B/s until 3 s; then d has 6 B left, at 6 B/s
  EXPECT_EQ(narrow.rate(c), 3);
  EXPECT_EQ(narrow.rate(d), 3);
  const auto ends = finishes(narrow);
  EXPECT_EQ(ends[0], std::pair(c, 3.0));
  EXPECT_EQ(ends[1], std::pair(d, 4.0));
}

TEST(TransferNetwork, ChangesOfRateCancelAndMoreBytesByHand) {
  TransferNetwork network({10}, {10}, 0);
  const auto a = network.start(0, 0, 30, 0, Picoseconds(0));
  network.set_ingress(0, 5, Picoseconds(kSecond));       // 20 B left
  network.add_bytes(a, -10, Picoseconds(2 * kSecond));   // 15 left, then 5
  EXPECT_EQ(network.next_finish(), Picoseconds(3 * kSecond));
  const auto b = network.start(0, 0, 100, 0, Picoseconds(2 * kSecond));
  EXPECT_EQ(network.next_finish(), Picoseconds(4 * kSecond));
  network.cancel(b, Picoseconds(2 * kSecond));
  EXPECT_EQ(network.next_finish(), Picoseconds(3 * kSecond));
  EXPECT_EQ(network.take_finished(), a);
  EXPECT_EQ(network.under_way(), 0u);
}

// The fluid simulation of module flow, which shares everything anew at each event, says the same.
TEST(TransferNetwork, EqualsTheFluidSimulation) {
  test::Random random(7);
  for (int repeat = 0; repeat < 200; ++repeat) {
    const auto senders = static_cast<std::size_t>(random.between(1, 4)), receivers = static_cast<std::size_t>(random.between(1, 4));
    std::vector<double> egress, ingress;
    for (std::size_t i = 0; i < senders; ++i) egress.push_back(static_cast<double>(random.between(1, 20)));
    for (std::size_t i = 0; i < receivers; ++i) ingress.push_back(static_cast<double>(random.between(1, 20)));
    const double core = random.one_in(2) ? static_cast<double>(random.between(5, 40)) : 0;
    TransferNetwork network(egress, ingress, core);
    flow::FlowProgram program;
    for (const double c : egress) program.add_resource(units::BytesPerSecond::from_si(c));
    for (const double c : ingress) program.add_resource(units::BytesPerSecond::from_si(c));
    if (core > 0) program.add_resource(units::BytesPerSecond::from_si(core));
    std::vector<double> end(static_cast<std::size_t>(random.between(1, 12)));
    std::map<TransferNetwork::Id, std::size_t> running;
    Picoseconds at(0);
    const auto take = [&](Picoseconds until) {
      while (network.next_finish() <= until && network.next_finish() < Picoseconds(INT64_MAX)) {
        const double when = network.next_finish().seconds().si();
        const auto id = network.take_finished();
        end[running.at(id)] = when;
        running.erase(id);
      }
    };
    for (std::size_t i = 0; i < end.size(); ++i) {
      at += Picoseconds(random.between(0, 3) * kSecond / 2);
      take(at);
      const auto from = static_cast<std::size_t>(random.between(0, static_cast<std::int64_t>(senders) - 1)), to = static_cast<std::size_t>(random.between(0, static_cast<std::int64_t>(receivers) - 1));
      const auto bytes = static_cast<double>(random.between(1, 100));
      const double cap = random.one_in(3) ? static_cast<double>(random.between(1, 10)) : 0;
      running[network.start(from, to, bytes, cap, at)] = i;
      flow::FlowSpec spec{.bytes = units::Bytes::from_si(bytes), .uses = {{static_cast<flow::ResourceId>(from), 1}, {static_cast<flow::ResourceId>(senders + to), 1}}, .rate_cap = {}, .latency = at, .after = {}};
      if (core > 0) spec.uses.push_back({static_cast<flow::ResourceId>(senders + receivers), 1});
      if (cap > 0) spec.rate_cap = units::BytesPerSecond::from_si(cap);
      program.add_flow(spec);
    }
    take(Picoseconds(INT64_MAX));
    const flow::SimulationResult expected = flow::simulate(program);
    for (std::size_t i = 0; i < end.size(); ++i) EXPECT_NEAR(end[i], expected.flows[i].finish.seconds().si(), 1e-6) << repeat << " " << i;
  }
}

}  // namespace
}  // namespace zettatwin::fleet
