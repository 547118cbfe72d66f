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

// The obvious network: everything is shared anew after each change, and every transfer is looked at.
class SlowNetwork final {
 public:
  SlowNetwork(std::vector<double> egress, std::vector<double> ingress, double network) : egress_(std::move(egress)), ingress_(std::move(ingress)), network_(network) {}
  void go(Picoseconds at) {
    for (auto& [name, t] : transfers_) t.left -= t.rate * (at - now_).seconds().si();
    now_ = at;
  }
  void start(int name, std::size_t from, std::size_t to, double bytes, double cap) { transfers_[name] = {from, to, bytes, cap, 0}, share(); }
  void cancel(int name) { transfers_.erase(name), share(); }
  void add(int name, double bytes) { transfers_.at(name).left = std::max(0.0, transfers_.at(name).left + bytes); }
  void set_egress(std::size_t port, double c) { egress_[port] = c, share(); }
  void set_ingress(std::size_t port, double c) { ingress_[port] = c, share(); }
  void set_network(double c) { network_ = c, share(); }
  [[nodiscard]] double rate(int name) const { return transfers_.at(name).rate; }
  [[nodiscard]] std::pair<double, int> next() const {  // seconds from now
    std::pair<double, int> first{1e300, -1};
    for (const auto& [name, t] : transfers_) first = std::min(first, {std::max(0.0, t.left) / t.rate, name});
    return first;
  }
  [[nodiscard]] double left(int name) const { return transfers_.at(name).left; }
  [[nodiscard]] std::vector<int> names() const {
    std::vector<int> all;
    for (const auto& [name, t] : transfers_) all.push_back(name);
    return all;
  }

 private:
  struct Transfer { std::size_t from = 0, to = 0; double left = 0, cap = 0, rate = 0; };
  void share() {
    flow::SharingProblem<double> problem;
    for (const double c : egress_) (void)problem.add_resource(c);
    for (const double c : ingress_) (void)problem.add_resource(c);
    const auto core = problem.add_resource(network_ > 0 ? network_ : 1e30);
    for (auto& [name, t] : transfers_)
      problem.add_flow(1, {{static_cast<flow::ResourceId>(t.from), 1}, {static_cast<flow::ResourceId>(egress_.size() + t.to), 1}, {core, 1}}, t.cap > 0 ? std::optional(t.cap) : std::nullopt);
    const auto shares = flow::max_min(problem);
    std::size_t i = 0;
    for (auto& [name, t] : transfers_) t.rate = shares.rate[i++];
  }
  std::vector<double> egress_, ingress_;
  double network_;
  Picoseconds now_{0};
  std::map<int, Transfer> transfers_;
};

// One random change of both; what has ended in the one has nothing left in the other.
class Both final {
 public:
  Both(test::Random& random, std::size_t senders, std::size_t receivers, bool core)
      : random_(random), egress_(rates(senders)), ingress_(rates(receivers)), fast_(egress_, ingress_, core ? 60 : 0), slow_(egress_, ingress_, core ? 60 : 0), core_(core) {}
  void change() {
    const auto what = random_.between(0, 9);
    const auto names = slow_.names();
    if (names.empty() || what <= 4) {
      const auto from = any(egress_.size()), to = any(ingress_.size());
      const auto bytes = static_cast<double>(random_.between(1, 1000));
      const double cap = random_.one_in(6) ? static_cast<double>(random_.between(1, 10)) : 0;
      ids_[next_] = fast_.start(from, to, bytes, cap, now_);
      slow_.start(next_++, from, to, bytes, cap);
      return;
    }
    const int name = names[any(names.size())];
    const auto rate = static_cast<double>(random_.between(1, 40));
    const auto bytes = static_cast<double>(random_.between(-50, 200));
    switch (what) {
      case 5: fast_.cancel(ids_.at(name), now_), ids_.erase(name), slow_.cancel(name); break;
      case 6: fast_.add_bytes(ids_.at(name), bytes, now_), slow_.add(name, bytes); break;
      case 7: port_ = any(egress_.size()), fast_.set_egress(port_, rate, now_), slow_.set_egress(port_, rate); break;
      case 8: port_ = any(ingress_.size()), fast_.set_ingress(port_, rate, now_), slow_.set_ingress(port_, rate); break;
      default:
        if (core_) fast_.set_network(3 * rate, now_), slow_.set_network(3 * rate);
    }
  }
  void compare() {
    ASSERT_EQ(fast_.under_way(), ids_.size());
    for (const auto& [name, id] : ids_) ASSERT_NEAR(fast_.rate(id), slow_.rate(name), 1e-9 * slow_.rate(name));
    if (ids_.empty()) return;
    ASSERT_NEAR((fast_.next_finish() - now_).seconds().si(), slow_.next().first, 1e-8);
  }
  // To the next finish, or less far.
  void go() {
    if (ids_.empty()) return;
    const Picoseconds end = fast_.next_finish();
    const bool whole = random_.one_in(2);
    go_to(whole ? end : now_ + Picoseconds((end - now_).count() / 3));
    while (fast_.next_finish() <= now_) {
      const auto id = fast_.take_finished();
      for (const auto& [name, mine] : ids_) {
        if (mine != id) continue;
        EXPECT_NEAR(slow_.left(name), 0, 1e-6);
        slow_.cancel(name);
        ids_.erase(name);
        break;
      }
    }
  }
  void drain() {
    while (!ids_.empty()) go(), compare();
  }

 private:
  std::vector<double> rates(std::size_t n) {
    std::vector<double> all;
    for (std::size_t i = 0; i < n; ++i) all.push_back(static_cast<double>(random_.between(1, 40)));
    return all;
  }
  std::size_t any(std::size_t n) { return static_cast<std::size_t>(random_.between(0, static_cast<std::int64_t>(n) - 1)); }
  void go_to(Picoseconds at) { now_ = at, slow_.go(at); }
  test::Random& random_;
  std::vector<double> egress_, ingress_;
  TransferNetwork fast_;
  SlowNetwork slow_;
  bool core_;
  std::size_t port_ = 0;
  Picoseconds now_{0};
  int next_ = 0;
  std::map<int, TransferNetwork::Id> ids_;
};

// Ports, caps, cancellations, more bytes, other capacities and a network: rates and ends are those of sharing everything anew.
TEST(TransferNetwork, EqualsTheObviousNetwork) {
  test::Random random(11);
  for (int repeat = 0; repeat < 60; ++repeat) {
    Both both(random, static_cast<std::size_t>(random.between(1, 6)), static_cast<std::size_t>(random.between(1, 6)), random.one_in(2));
    for (int i = 0; i < 60; ++i) {
      both.change();
      both.compare();
      if (random.one_in(3)) both.go();
      both.compare();
      if (::testing::Test::HasFatalFailure()) FAIL() << repeat << " " << i;
    }
    both.drain();
  }
}

// A long run through one pair of ports: volumes are counted anew after a terabyte, and nothing drifts. 2,000 transfers of 10 GB, two at a time at 5 GB/s each.
TEST(TransferNetwork, DoesNotDrift) {
  TransferNetwork network({10e9}, {20e9}, 15e9);
  Picoseconds at(0);
  (void)network.start(0, 0, 5e9, 0, at);
  for (int i = 0; i < 2000; ++i) {
    (void)network.start(0, 0, 10e9, 0, at);
    ASSERT_EQ(network.next_finish(), at + Picoseconds(kSecond));
    at = network.next_finish();
    (void)network.take_finished();
  }
}

// The cost of a transfer does not grow with the number of others between the same ports: 40,000 at once would take hours.
TEST(TransferNetwork, ManyAtOnce) {
  TransferNetwork network({10, 10}, {10, 10}, 15);
  double bytes = 0;
  for (int i = 0; i < 40'000; ++i) {
    (void)network.start(static_cast<std::size_t>(i % 2), static_cast<std::size_t>(i / 2 % 2), 1 + i % 7, 0, Picoseconds(0));
    bytes += 1 + i % 7;
  }
  EXPECT_NEAR(network.egress_rate(0) + network.egress_rate(1), 15, 1e-9);
  double last = 0;
  while (network.next_finish() < Picoseconds(INT64_MAX)) {
    last = network.next_finish().seconds().si();
    (void)network.take_finished();
  }
  EXPECT_NEAR(last, bytes / 15, 0.01 * bytes / 15);  // the network is full nearly to the end
}

}  // namespace
}  // namespace zettatwin::fleet
