// SPDX-License-Identifier: Apache-2.0
// Count matrices against flows traced one by one.
#include "fold/incidence.hpp"

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "base/contract.hpp"
#include "explicit.hpp"
#include "random_spaces.hpp"

namespace zettatwin::fold {
namespace {

using enum AtomKind;
using enum Boundary;

TEST(Incidence, AllToAllOverOneSwitchByHand) {
  const FoldedSpace space({{8}}, {{5}});
  const auto chips = orbits(space, points(space));           // (0): 7 chips, (5): the named one
  const auto flows = orbits(space, pairs_across(space, 0));  // (0,1), (0,5), (5,0)
  const auto sent = incidence(space, chips, flows, {{pick::source}, {pick::nothing}});
  EXPECT_EQ(sent.entries, (std::vector<Entry>{{0, 0, 6}, {0, 1, 1}, {1, 2, 7}}));
  const auto received = incidence(space, chips, flows, {{pick::destination}, {pick::nothing}, 0.5});
  EXPECT_EQ(received.entries, (std::vector<Entry>{{0, 0, 3}, {1, 1, 3.5}, {0, 2, 0.5}}));
}

// Leaves of 4 hosts, 3 planes; leaf 1's uplink to plane 2 is named. Traffic is sprayed over the planes.
TEST(Incidence, SprayingOverPlanesByHand) {
  const FoldedSpace space({{4, exchangeable, untied}, {6, exchangeable, independent}, {3}}, {{none, 1, 2}});
  using namespace relation;
  const auto uplinks = orbits(space, {absent, source, source});
  ASSERT_EQ(uplinks.size(), 4U);  // (leaf 0, plane 0), (0, 2), (1, 0), (1, 2)
  EXPECT_EQ(uplinks[0].members, 10);
  const auto flows = orbits(space, {any, different, absent});
  ASSERT_EQ(flows.size(), 3U);  // leaf 0 to 1, 0 to 2, 1 to 0
  const Use up{{pick::nothing, pick::source, pick::spread}, {pick::nothing, pick::nothing, pick::nothing}};
  const auto loads = incidence(space, uplinks, flows, up);
  // One uplink of a clean leaf carries 4 hosts * 16 clean destinations / 3 planes, and 4 * 4 / 3 to leaf 1.
  EXPECT_EQ(loads.entries, (std::vector<Entry>{{0, 0, 16. / 3},
                                               {1, 0, 16. / 3},
                                               {0, 1, 64. / 3},
                                               {1, 1, 64. / 3},
                                               {2, 2, 80. / 3},
                                               {3, 2, 80. / 3}}));
}

TEST(Incidence, ClosedWaysShiftTheirShareToTheOpenOnes) {
  const FoldedSpace space({{6, exchangeable, independent}, {3}}, {{1, 2}});
  using namespace relation;
  const auto uplinks = orbits(space, {source, source});
  const auto flows = orbits(space, {different, absent});
  Use up{{pick::source, pick::spread}, {pick::nothing, pick::nothing}};
  up.open = [](const Element& flow, const Position& via) { return flow.source[0] != 1 || via[1] != 2; };
  const auto loads = incidence(space, uplinks, flows, up);
  for (const auto& entry : loads.entries) {
    const auto& uplink = uplinks[entry.resource].representative.source;
    EXPECT_NE(uplink, (Position{1, 2}));
    if (uplink == Position{1, 0}) {
      EXPECT_EQ(entry.load, 5. / 2);
    }
  }
  EXPECT_TRUE(loads.blocked.empty());
  up.open = [](const Element& flow, const Position&) { return flow.source[0] != 1; };
  EXPECT_EQ(incidence(space, uplinks, flows, up).blocked, (std::vector<std::uint32_t>{2}));
}

TEST(Incidence, UsesThatTheSymmetryDoesNotPreserveAreRefused) {
  const FoldedSpace tree({{4, exchangeable, untied}, {4}}, {});
  const auto chips = orbits(tree, points(tree));
  const auto flows = orbits(tree, pairs_across(tree, 1));
  const Use rail{{pick::destination, pick::source}, {pick::nothing, pick::nothing}};
  EXPECT_THROW((void)incidence(tree, chips, flows, rail), ContractFailure);
  const FoldedSpace rails({{4}, {4}}, {});
  EXPECT_NO_THROW(
      (void)incidence(rails, orbits(rails, points(rails)), orbits(rails, pairs_across(rails, 1)), rail));
}

Pick random_pick(test::Random& random, Relation::Kind kind, AtomKind atom) {
  using Kind = Relation::Kind;
  std::vector<Pick> picks{pick::nothing, pick::spread};
  const bool steps = atom != exchangeable && random.one_in(3);
  if (kind != Kind::absent && kind != Kind::destination)
    picks.insert(picks.end(), 3, {Pick::From::source, steps ? 1 : 0});
  if (kind != Kind::absent && kind != Kind::source)
    picks.insert(picks.end(), 3, {Pick::From::destination, steps ? -1 : 0});
  return random.of(picks);
}

Relation relation_for(test::Random& random, const Pick& a, const Pick& b) {
  const bool has_source = a.from != Pick::From::nothing;
  const bool has_destination = b.from != Pick::From::nothing;
  if (has_source && has_destination)
    return random.of({relation::any, relation::any, relation::different, relation::same});
  return has_source ? relation::source : has_destination ? relation::destination : relation::absent;
}

struct Case {
  FoldedSpace space;
  Family flows, resources;
  Use use;
};

Case random_case(std::uint64_t seed) {
  test::Random random(seed);
  auto space = test::random_space(random);
  auto flows = test::random_family(random, space);
  for (;;) {
    Use use;
    Family resources;
    for (std::size_t i = 0; i < flows.size(); ++i) {
      const auto kind = space.atoms()[i].kind;
      use.source.push_back(random_pick(random, flows[i].kind, kind));
      use.destination.push_back(random.one_in(2) ? pick::nothing : random_pick(random, flows[i].kind, kind));
      resources.push_back(relation_for(random, use.source[i], use.destination[i]));
    }
    use.weight = random.of({1., 0.5, 3.});
    use.spread_over_others = random.one_in(3);
    if (respects(space, resources))
      return {std::move(space), std::move(flows), std::move(resources), std::move(use)};
  }
}

// Loads on every single resource by flows of one orbit, all at unit rate.
using Loads = std::map<std::pair<Element, std::size_t>, double>;

Loads traced_loads(const Case& c, const std::vector<Orbit>& flow_orbits,
                   const std::vector<Element>& resources) {
  const std::set<Element> existing(resources.begin(), resources.end());
  Loads loads;
  for (const auto& flow : test::members(c.space, c.flows)) {
    const auto orbit = *find(flow_orbits, orbit_of(c.space, flow).representative);
    for (const auto& [resource, share] : test::trace(c.space, existing, flow, c.use))
      loads[{resource, orbit}] += share;
  }
  return loads;
}

// Whenever a use is accepted, every single member of a resource orbit carries the load that the count matrix
// says.
TEST(Incidence, EqualsEveryResourceOfTracedFlows) {
  int accepted = 0;
  for (std::uint64_t seed = 0; seed < 2500; ++seed) {
    SCOPED_TRACE(seed);
    const auto c = random_case(seed);
    const auto resources = test::members(c.space, c.resources);
    if (resources.size() > 600 || test::members(c.space, c.flows).size() > 600) continue;
    const auto flow_orbits = orbits(c.space, c.flows);
    const auto resource_orbits = orbits(c.space, c.resources);
    Incidence symbolic;
    try {
      symbolic = incidence(c.space, resource_orbits, flow_orbits, c.use);
    } catch (const ContractFailure&) {
      continue;
    }
    ++accepted;
    std::map<std::pair<std::size_t, std::size_t>, double> matrix;
    for (const auto& entry : symbolic.entries) matrix[{entry.resource, entry.flow}] = entry.load;
    const auto loads = traced_loads(c, flow_orbits, resources);
    std::size_t hits = 0;
    for (const auto& resource : resources) {
      const auto r = *find(resource_orbits, orbit_of(c.space, resource).representative);
      for (std::size_t f = 0; f < flow_orbits.size(); ++f) {
        const auto traced = loads.find({resource, f});
        const auto counted = matrix.find({r, f});
        ASSERT_EQ(traced != loads.end(), counted != matrix.end());
        if (traced == loads.end()) continue;
        ASSERT_NEAR(traced->second, counted->second, 1e-12 * counted->second);
        ++hits;
      }
    }
    EXPECT_EQ(hits, loads.size());
  }
  EXPECT_GT(accepted, 800);
}

// All of a flow's traffic is somewhere: sum over resources of load * members = weight * flows.
TEST(Incidence, LoadsSumToTheTraffic) {
  const FoldedSpace space({{8}, {8, exchangeable, untied}, {128, exchangeable, untied}, {64}},
                          {{1, 2, 3, 4}, {1, 5, 3, 4}});
  const auto chips = orbits(space, points(space));
  const auto flows = orbits(space, pairs_across(space, 3));
  const auto all = std::vector<Pick>(4, pick::destination);
  const auto loads = incidence(space, chips, flows, {all, std::vector<Pick>(4, pick::nothing), 2});
  std::vector<double> total(flows.size(), 0);
  for (const auto& e : loads.entries)
    total[e.flow] += e.load * static_cast<double>(chips[e.resource].members);
  std::int64_t pairs = 0;
  for (std::size_t f = 0; f < flows.size(); ++f) {
    EXPECT_DOUBLE_EQ(total[f], 2 * static_cast<double>(flows[f].members));
    pairs += flows[f].members;
  }
  EXPECT_EQ(pairs, 524288LL * (524288LL - 8192));
}

}  // namespace
}  // namespace zettatwin::fold
