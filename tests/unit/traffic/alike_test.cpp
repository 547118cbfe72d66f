// SPDX-License-Identifier: Apache-2.0
// Classes of explicit programs: as coarse as those that a problem was made from, exact, and of no consequence for any outcome.
#include "traffic/detail/alike.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <optional>
#include <set>

#include "../../support/random_phases.hpp"
#include "../../support/rational.hpp"
#include "../../support/thinning.hpp"
#include "traffic/graph_collective.hpp"
#include "cases.hpp"

namespace zettatwin::traffic {
namespace {

using detail::Alike;
using detail::find_alike;
using detail::simulate_alike;
using flow::FlowId;
using flow::ResourceId;
using zettatwin::test::below;
using zettatwin::test::kThinning;
using zettatwin::test::Phase;
using zettatwin::test::Random;
using zettatwin::test::Rational;

void expect_same(const flow::SimulationResult& folded, const flow::SimulationResult& unfolded, const std::string& what) {
  ASSERT_EQ(folded.unfinished, unfolded.unfinished) << what;
  ASSERT_NEAR(folded.end.seconds().si(), unfolded.end.seconds().si(), 1e-9 * unfolded.end.seconds().si() + 4e-12) << what;
  for (FlowId f = 0; f < folded.flows.size(); ++f) {
    const auto &a = folded.flows[f], &b = unfolded.flows[f];
    ASSERT_EQ(a.state, b.state) << what << ", flow " << f;
    if (b.finish != flow::kNever) { ASSERT_NEAR(a.finish.seconds().si(), b.finish.seconds().si(), 1e-9 * b.finish.seconds().si() + 20e-12) << what << ", flow " << f; }
    if (b.start != flow::kNever) { ASSERT_NEAR(a.start.seconds().si(), b.start.seconds().si(), 1e-9 * b.start.seconds().si() + 20e-12) << what << ", flow " << f; }
  }
  if (!unfolded.unfinished.empty()) return;  // what starves is accounted for until the last event of its component
  for (ResourceId l = 0; l < folded.resources.size(); ++l) {
    const auto &a = folded.resources[l], &b = unfolded.resources[l];
    ASSERT_NEAR(a.carried.si(), b.carried.si(), 1e-8 * b.carried.si() + 1e-12) << what << ", resource " << l;
    ASSERT_NEAR(a.peak_utilisation, b.peak_utilisation, 1e-8) << what << ", resource " << l;
  }
}

// Bytes, latency and predecessors by class.
std::vector<Phase<double>> phases_of(Random& random, const zettatwin::test::Folded<double>& folded) {
  std::vector<Phase<double>> of_class(folded.classes.flows());
  for (auto& phase : of_class) phase = {static_cast<double>(random.one_in(8) ? 0 : random.between(1, 6)), static_cast<double>(random.between(0, 2)), {}};
  std::vector<Phase<double>> phases;
  std::map<FlowId, std::vector<FlowId>> members;
  for (FlowId f = 0; f < folded.members.flows(); ++f) members[folded.class_of[f]].push_back(f);
  for (FlowId f = 0; f < folded.members.flows(); ++f) {
    phases.push_back(of_class[folded.class_of[f]]);
    if (const FlowId c = folded.class_of[f]; c > 0 && c % 2 == 1) phases.back().after = members[c - 1];
  }
  return phases;
}

Rational exactly(double eighths) { return Rational(std::llround(8 * eighths)) / Rational(8); }

// Progressive filling by the book, of all flows, in exact numbers.
std::vector<Rational> exact_rates(const flow::SharingProblem<double>& p) {
  std::vector<Rational> rate(p.flows(), Rational(0));
  std::vector<bool> live(p.flows(), true);
  while (std::find(live.begin(), live.end(), true) != live.end()) {
    std::vector<Rational> left, demand(p.resources(), Rational(0));
    for (ResourceId l = 0; l < p.resources(); ++l) left.push_back(exactly(p.capacity(l)));
    for (FlowId f = 0; f < p.flows(); ++f)
      for (const auto& [l, load] : p.uses(f)) {
        if (live[f]) demand[l] += exactly(load) * exactly(p.weight(f));
        else left[l] -= exactly(load) * rate[f];
      }
    std::optional<Rational> lowest;
    const auto note = [&](const Rational& level) { lowest = lowest ? std::min(*lowest, level) : level; };
    for (ResourceId l = 0; l < p.resources(); ++l)
      if (demand[l] > Rational(0)) note(left[l] / demand[l]);
    for (FlowId f = 0; f < p.flows(); ++f)
      if (live[f] && p.has_cap(f)) note(exactly(p.rate_cap(f)) / exactly(p.weight(f)));
    for (FlowId f = 0; f < p.flows(); ++f) {
      if (!live[f]) continue;
      bool freezes = p.has_cap(f) && exactly(p.rate_cap(f)) / exactly(p.weight(f)) == *lowest;
      for (const auto& use : p.uses(f)) freezes = freezes || left[use.resource] / demand[use.resource] == *lowest;
      if (!freezes) continue;
      live[f] = false;
      rate[f] = *lowest * exactly(p.weight(f));
    }
  }
  return rate;
}

TEST(Alike, FindsTheClassesThatAProblemWasMadeFrom) {
  for (std::uint64_t seed = 0; seed < 2000; seed += kThinning) {
    Random random(seed);
    const auto folded = zettatwin::test::random_symmetric<double>(random);
    const auto program = zettatwin::test::as_program(folded.members, phases_of(random, folded));
    const auto alike = find_alike(program);
    ASSERT_TRUE(alike) << seed;
    // As coarse: none of the given classes is cut. Used resources only.
    std::map<FlowId, std::set<std::uint32_t>> found;
    for (FlowId f = 0; f < program.sharing().flows(); ++f) found[folded.class_of[f]].insert(alike->flow_class[f]);
    for (const auto& [given, classes] : found) ASSERT_EQ(classes.size(), 1U) << "seed " << seed << " class " << given;
    // And exact: with all flows at once every member has the same rate, to the last digit.
    const auto& all = folded.members;
    const auto shares = exact_rates(all);
    std::map<std::uint32_t, Rational> rate, carried;
    for (FlowId f = 0; f < program.sharing().flows(); ++f) {
      const auto [at, fresh] = rate.try_emplace(alike->flow_class[f], shares[f]);
      ASSERT_TRUE(at->second == shares[f]) << "seed " << seed << " flow " << f;
    }
    for (ResourceId l = 0; l < program.sharing().resources(); ++l) {
      if (alike->resource_class[l] == Alike::kUnused) continue;
      Rational sum(0);
      for (FlowId f = 0; f < all.flows(); ++f) sum += exactly(zettatwin::test::load_of(all, f, l)) * shares[f];
      const auto [at, fresh] = carried.try_emplace(alike->resource_class[l], sum);
      ASSERT_TRUE(at->second == sum) << "seed " << seed << " resource " << l;
    }
    expect_same(simulate_alike(program, *alike), flow::simulate(program), "seed " + std::to_string(seed));
  }
}

TEST(Alike, EqualsUnfoldedWhereLittleIsAlike) {
  for (std::uint64_t seed = 0; seed < 1000; seed += kThinning) {
    Random random(seed);
    const auto sharing = zettatwin::test::random_sharing<double>(random, 6, 20, 40);
    const auto program = zettatwin::test::as_program(sharing, zettatwin::test::random_phases<double>(random, sharing.flows()));
    const auto alike = find_alike(program);
    ASSERT_TRUE(alike) << seed;
    expect_same(simulate_alike(program, *alike), flow::simulate(program), "seed " + std::to_string(seed));
  }
}

// Flow i crosses cables i and i + 1 of a ring; one cable is slow. News of it travels one step per round.
flow::FlowProgram ring(std::uint32_t flows, const std::vector<std::uint32_t>& order) {
  flow::FlowProgram program;
  for (std::uint32_t l = 0; l < flows; ++l) (void)program.add_resource(units::BytesPerSecond::from_si(l == 0 ? 0.5 : 1));
  for (const std::uint32_t i : order) (void)program.add_flow({.bytes = units::Bytes::from_si(1), .uses = {{i, 0.3}, {(i + 1) % flows, 0.3}}});
  return program;
}

TEST(Alike, ClassesOfALongRingWithASlowCable) {
  constexpr std::uint32_t n = 5000;
  std::vector<std::uint32_t> order(n);
  std::iota(order.begin(), order.end(), 0U);
  const auto program = ring(n, order);
  const auto alike = find_alike(program);
  ASSERT_TRUE(alike);
  // Mirror images about the slow cable 0: flows i and n - 1 - i, cables i and n - i.
  EXPECT_EQ(alike->flow_classes, n / 2);
  EXPECT_EQ(alike->resource_classes, n / 2 + 1);
  for (std::uint32_t i = 0; i < n; ++i) ASSERT_EQ(alike->flow_class[i], alike->flow_class[n - 1 - i]);
  const auto result = simulate_alike(program, *alike);
  expect_same(result, flow::simulate(program), "ring");
  // Its two flows share the slow cable: 0.6 r = 0.5. They free their neighbours a little.
  EXPECT_NEAR(result.flows[0].finish.seconds().si(), 0.6 / 0.5, 1e-12);
  // In another order: the same classes, the same bits.
  Random random(3);
  order = zettatwin::test::random_order(random, n);
  const auto shuffled = ring(n, order);
  const auto again = find_alike(shuffled);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->flow_classes, n / 2);
  const auto other = simulate_alike(shuffled, *again);
  for (FlowId f = 0; f < n; ++f) ASSERT_EQ(other.flows[f].finish.count(), result.flows[order[f]].finish.count());
}

TEST(Alike, SameSharesSummedInAnotherOrderAreAlike) {
  flow::FlowProgram program;
  for (int l = 0; l < 2; ++l) (void)program.add_resource(units::BytesPerSecond::from_si(1));
  const double a = 0.1 + 0.2 + 0.3, b = 0.3 + 0.2 + 0.1;
  ASSERT_NE(a, b);
  (void)program.add_flow({.bytes = units::Bytes::from_si(1), .uses = {{0, a}}});
  (void)program.add_flow({.bytes = units::Bytes::from_si(1), .uses = {{1, b}}});
  EXPECT_EQ(find_alike(program)->flow_classes, 1U);
}

TEST(Alike, GivesUpWhereNothingIs) {
  flow::FlowProgram program;
  for (int l = 0; l < 10'000; ++l) {
    const auto id = program.add_resource(units::BytesPerSecond::from_si(1));
    (void)program.add_flow({.bytes = units::Bytes::from_si(1 + l), .uses = {{id, 1}}});
  }
  EXPECT_FALSE(find_alike(program));
}

TEST(Alike, OneSwitchIsOneClassOfEach) {
  const auto machine = test::machine_of({test::ideal_level(hardware::NetworkKind::switched, 12)});
  const auto fabric = topology::whole(machine);
  const auto answer = simulate_on_graph(fabric, test::query_of(fabric, {.bytes = 12e6, .group = {}, .faults = {}}), {}).answer;
  EXPECT_EQ(answer.classes.ranks, 1);
  EXPECT_EQ(answer.classes.links, 1);  // ports to send and to receive are loaded alike
  EXPECT_EQ(answer.classes.flows, 1);
  EXPECT_EQ(answer.flows, 132);
}

TEST(Alike, CollectivesOnRealSwitchesAreTheSameUnfolded) {
  int folded_more = 0;
  for (std::uint64_t seed = 0; seed < 300; seed += kThinning) {
    Random r(seed);
    std::vector<hardware::Level> levels;
    for (auto depth = r.between(1, 2); depth > 0; --depth) {
      levels.push_back(test::ideal_level(r.of({hardware::NetworkKind::full_mesh, hardware::NetworkKind::switched, hardware::NetworkKind::clos}), r.of<std::int64_t>({2, 3, 4, 8}), static_cast<double>(r.between(1, 400))));
      levels.back().network.planes = r.between(1, 3);
      if (levels.back().network.kind == hardware::NetworkKind::clos && levels.back().size % 2 == 0) levels.back().network.units_per_leaf = 2;
    }
    const auto machine = test::machine_of(levels);
    const auto fabric = topology::whole(machine);
    test::Ask ask{.op = r.of({network::Collective::all_to_all, network::Collective::all_reduce, network::Collective::broadcast}), .bytes = static_cast<double>(r.between(1, 1000)) * 1e5, .group = {}, .faults = {}};
    if (r.one_in(2)) {
      Fault fault;
      for (const auto& l : machine.levels) fault.place.coordinate.push_back(r.between(0, l.size - 1));
      fault.kind = FaultKind::slow_hbm;
      fault.remaining = 1e-4;
      ask.faults.push_back(fault);
    }
    auto query = test::query_of(fabric, ask);
    const RoutingChoice choice{.routing = r.of({graph::Routing::spraying, graph::Routing::d_mod_k, graph::Routing::ecmp, graph::Routing::first}), .seed = seed, .seeds = 2};
    const auto folded = simulate_on_graph(fabric, query, choice).answer;
    query.fidelity = Fidelity::unfolded;
    const auto unfolded = simulate_on_graph(fabric, query, choice).answer;
    const double time = unfolded.time.seconds().si();
    ASSERT_NEAR(folded.time.seconds().si(), time, 1e-9 * time + 4e-12) << "seed " << seed;
    ASSERT_EQ(folded.flows, unfolded.flows);
    ASSERT_EQ(unfolded.classes.ranks, fabric.ranks());
    ASSERT_EQ(static_cast<double>(unfolded.classes.flows), unfolded.flows);
    ASSERT_LE(folded.classes.flows, unfolded.classes.flows);
    ASSERT_LE(folded.classes.links, unfolded.classes.links);
    folded_more += 2 * folded.classes.flows < unfolded.classes.flows;
    ASSERT_EQ(folded.stages.size(), unfolded.stages.size());
    for (std::size_t s = 0; s < folded.stages.size(); ++s)
      for (std::size_t l = 0; l < folded.stages[s].links.size(); ++l) ASSERT_NEAR(folded.stages[s].links[l].busy, unfolded.stages[s].links[l].busy, 1e-6) << "seed " << seed;
  }
  EXPECT_GT(folded_more, 60 / static_cast<int>(kThinning));
}

}  // namespace
}  // namespace zettatwin::traffic
