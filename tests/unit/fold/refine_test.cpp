// SPDX-License-Identifier: Apache-2.0
// Coarsest quotients: against hand calculation, against the explicit problem, and as a problem of bandwidth
// sharing.
#include "fold/refine.hpp"

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "base/contract.hpp"
#include "explicit.hpp"
#include "fold/assembly.hpp"
#include "max_min.hpp"
#include "random_spaces.hpp"

namespace zettatwin::fold {
namespace {

using enum AtomKind;
using enum Boundary;
using test::Random;

std::size_t count(const std::vector<std::uint32_t>& classes) {
  return std::set(classes.begin(), classes.end()).size();
}

// A ring of n links with flows of one and of two hops: every link carries 1 + 2 flows. Support cannot tell
// the flows apart.
TEST(Coarsest, SupportIsCoarserThanCounts) {
  Bipartite ring;
  const std::uint32_t n = 6;
  ring.links = {std::vector<std::int64_t>(n, 0), std::vector<std::int64_t>(n, 1)};
  ring.flows = {std::vector<std::int64_t>(2 * n, 0), std::vector<std::int64_t>(2 * n, 1)};
  for (std::uint32_t i = 0; i < n; ++i)
    for (const auto& [link, flow] : {std::pair{i, i}, std::pair{i, n + i}, std::pair{(i + 1) % n, n + i}})
      ring.entries.push_back({link, flow, 1});
  const auto quotient = coarsest(ring);
  EXPECT_EQ(count(quotient.flow_class), 1U);
  EXPECT_EQ(quotient.merged.entries, (std::vector<Entry>{{0, 0, 3}}));
  EXPECT_EQ(quotient.merged.flows.members, (std::vector<std::int64_t>{12}));
  EXPECT_EQ(count(coarsest(ring, FlowSide::counts).flow_class), 2U);
}

TEST(Coarsest, ColoursOfLinksAndFlowsAreApart) {
  const Bipartite two{{{5, 5}, {1, 1}}, {{-3, 5}, {1, 1}}, {{0, 0, 1}, {1, 1, 1}}};
  const auto quotient = coarsest(two);
  EXPECT_EQ(quotient.link_class, (std::vector<std::uint32_t>{0, 1}));  // their flows have other colours
  EXPECT_EQ(quotient.flow_class, (std::vector<std::uint32_t>{0, 1}));
  EXPECT_THROW((void)coarsest({{{0}, {1}}, {{0}, {1}}, {{0, 1, 1}}}), ContractFailure);
}

// Leaves of n hosts, n spines, global all-to-all sprayed over the spines, one slow uplink: 5 classes of
// flows, 12 orbits of links that merge into 9, whatever n. Up: 0 healthy, 1 slow; hosts' ports: 2.
TEST(Coarsest, OfAClosWithOneSlowUplink) {
  using namespace relation;
  for (const std::int64_t n : {4, 6, 1024}) {
    Assembly clos(
        FoldedSpace({{n, exchangeable, untied}, {n, exchangeable, independent}, {n}}, {{none, 0, 0}}));
    const auto inside = clos.add_flows({different, same, absent}, [](const Element&) { return 0; });
    const auto across = clos.add_flows({any, different, absent}, [](const Element&) { return 1; });
    const auto host = [](const Element&) { return 2; };
    const std::vector<Pick> no(3, pick::nothing);
    for (const auto end : {pick::source, pick::destination}) {
      const auto ports = clos.add_resources({source, source, absent}, host);
      for (const auto flows : {inside, across}) clos.connect(ports, flows, {{end, end, pick::nothing}, no});
      const bool up = end.from == Pick::From::source;
      const auto links = clos.add_resources({absent, source, source}, [up](const Element& e) {
        return up && e.source == Position{none, 0, 0} ? 1 : 0;
      });
      clos.connect(links, across, {{pick::nothing, end, pick::spread}, no});
    }
    EXPECT_EQ(clos.bipartite().flows.colours.size(), 5U);
    EXPECT_EQ(clos.bipartite().links.colours.size(), 12U);
    const auto quotient = coarsest(clos.bipartite());
    EXPECT_EQ(quotient.merged.flows.members,
              (std::vector<std::int64_t>{n * (n - 1), n * (n - 1) * (n - 1), n * n * (n - 1), n * n * (n - 1),
                                         n * n * (n - 1) * (n - 2)}));
    EXPECT_EQ(quotient.merged.links.members.size(), 9U);
  }
}

Bipartite random_problem(Random& random) {
  Bipartite problem;
  const auto links = random.between(1, 8);
  const auto flows = random.between(1, 12);
  for (std::int64_t l = 0; l < links; ++l) problem.links.colours.push_back(random.one_in(4) ? 1 : 0);
  for (std::int64_t f = 0; f < flows; ++f) {
    problem.flows.colours.push_back(random.one_in(4) ? 1 : 0);
    std::set<std::int64_t> path{random.between(0, links - 1)};
    while (random.one_in(2)) path.insert(random.between(0, links - 1));
    for (const auto l : path)
      problem.entries.push_back(
          {static_cast<std::uint32_t>(l), static_cast<std::uint32_t>(f), random.of({1., 1., 1., 0.5})});
  }
  problem.links.members.assign(static_cast<std::size_t>(links), 1);
  problem.flows.members.assign(static_cast<std::size_t>(flows), 1);
  return problem;
}

// Theorem 1: rates of the quotient are rates of the members.
TEST(Coarsest, SharesBandwidthAsTheWholeDoes) {
  std::size_t merged = 0;
  for (std::uint64_t seed = 0; seed < 3000; ++seed) {
    SCOPED_TRACE(seed);
    Random random(seed);
    const auto problem = random_problem(random);
    const auto quotient = coarsest(problem);
    const std::vector<double> capacity{6, random.of({2., 3.})}, cap{random.of({100., 1.5}), 100};
    const auto whole = test::max_min(problem, capacity, cap);
    const auto folded = test::max_min(quotient.merged, capacity, cap);
    for (std::size_t f = 0; f < whole.size(); ++f)
      ASSERT_NEAR(whole[f], folded[quotient.flow_class[f]], 1e-9 * whole[f]);
    merged += whole.size() - folded.size();
  }
  EXPECT_GT(merged, 3000U);  // the cases do have symmetry
}

// A problem on a random space, folded and written out: ports of both ends, and a sprayed or direct resource
// between.
struct Problem {
  explicit Problem(std::uint64_t seed) : Problem(Random(seed)) {}

  Assembly folded;
  Bipartite whole;
  std::vector<std::uint32_t> link_orbit, flow_orbit;  // of each single link and flow

 private:
  explicit Problem(Random random) : folded(test::random_space(random)) {
    const auto flows = with_both_ends(random);
    flows_ = test::members(folded.space(), flows);
    if (flows_.size() > 800) flows_.clear();
    if (flows_.empty()) return;
    folded.add_flows(flows, [&](const Element& e) { return colour(e, 3); });
    add_all(folded.flows()[0], flows_, whole.flows, flow_orbit, 3);
    const auto atoms = flows.size();
    const std::vector<Pick> absent(atoms, pick::nothing);
    add_links(points(folded.space()), {std::vector(atoms, pick::source), absent, 1}, 2);
    add_links(points(folded.space()), {std::vector(atoms, pick::destination), absent, random.of({1., 0.5})},
              2);
    const auto between = std::vector(atoms, relation::any);
    add_links(between, {std::vector(atoms, pick::source), std::vector(atoms, pick::spread), 0.25}, 5);
  }

  Family with_both_ends(Random& random) const {
    const auto size = folded.space().atoms().size();
    for (;;) {
      Family family;
      for (std::size_t i = 0; i < size; ++i)
        family.push_back(random.of(
            {relation::same, relation::different, relation::any, relation::any, relation::shift(1)}));
      if (respects(folded.space(), family)) return family;
    }
  }

  // Something that only exceptions decide.
  std::int64_t colour(const Element& e, std::int64_t base) const {
    for (const auto& exception : folded.space().exceptions())
      if (within(e.source, exception)) return base + 100;
    return base;
  }

  void add_all(const Assembly::Part& part, const std::vector<Element>& elements, Bipartite::Side& side,
               std::vector<std::uint32_t>& orbit, std::int64_t base) {
    for (const auto& element : elements) {
      side.colours.push_back(colour(element, base));
      side.members.push_back(1);
      orbit.push_back(part.first + static_cast<std::uint32_t>(
                                       *find(part.orbits, orbit_of(folded.space(), element).representative)));
    }
  }

  void add_links(const Family& family, const Use& use, std::int64_t base) {
    const auto first = static_cast<std::uint32_t>(whole.links.colours.size());
    const auto elements = test::members(folded.space(), family);
    if (elements.size() > 800) return;
    const auto part = folded.add_resources(family, [&](const Element& e) { return colour(e, base); });
    folded.connect(part, 0, use);
    add_all(folded.resources()[part], elements, whole.links, link_orbit, base);
    std::map<Element, std::uint32_t> number;
    for (const auto& element : elements)
      number.emplace(element, first + static_cast<std::uint32_t>(number.size()));
    const std::set<Element> existing(elements.begin(), elements.end());
    for (std::uint32_t f = 0; f < flows_.size(); ++f)
      for (const auto& [resource, share] : test::trace(folded.space(), existing, flows_[f], use))
        whole.entries.push_back({number.at(resource), f, share});
  }

  std::vector<Element> flows_;
};

// Orbits, merged, are the coarsest classes of the whole: the same partition of every single link and flow.
TEST(Coarsest, OfOrbitsIsThatOfTheWhole) {
  int compared = 0;
  for (std::uint64_t seed = 0; seed < 250; ++seed) {
    SCOPED_TRACE(seed);
    const Problem problem(seed);
    if (problem.whole.flows.colours.empty()) continue;
    ++compared;
    for (const auto side : {FlowSide::support, FlowSide::counts}) {
      const auto folded = coarsest(problem.folded.bipartite(), side);
      const auto whole = coarsest(problem.whole, side);
      const auto expect_same = [](const auto& folded_classes, const auto& whole_classes, const auto& orbit) {
        std::map<std::uint32_t, std::uint32_t> there, back;
        for (std::size_t i = 0; i < orbit.size(); ++i) {
          const auto a = folded_classes[orbit[i]];
          ASSERT_EQ(there.emplace(a, whole_classes[i]).first->second, whole_classes[i]);
          ASSERT_EQ(back.emplace(whole_classes[i], a).first->second, a);
        }
      };
      expect_same(folded.link_class, whole.link_class, problem.link_orbit);
      expect_same(folded.flow_class, whole.flow_class, problem.flow_orbit);
      ASSERT_EQ(folded.merged.entries.size(), whole.merged.entries.size());
    }
  }
  EXPECT_GT(compared, 150);
}

}  // namespace
}  // namespace zettatwin::fold
