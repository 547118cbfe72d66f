// SPDX-License-Identifier: Apache-2.0
// What holds for all sharing problems, on random ones: in exact numbers where equality is meant, in double where bits are.
#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "../../support/flow_reference.hpp"
#include "../../support/max_min_laws.hpp"
#include "../../support/random_sharing.hpp"
#include "../../support/rational.hpp"
#include "flow/detail/max_min.hpp"

namespace {

using namespace zettatwin;
using flow::SharingProblem;
using flow::Use;
using test::below;
using test::Random;
using test::Rational;

template <class Scalar>
std::vector<Scalar> textbook(const SharingProblem<Scalar>& p, const Scalar& slack) {
  return test::textbook_max_min(p, test::capacities(p), std::vector<bool>(p.flows(), true), slack);
}

TEST(MaxMinLaws, EqualsTheTextbookExactly) {
  for (std::uint64_t seed = 0; seed < 400; ++seed) {
    Random random(seed);
    const auto p = test::random_sharing<Rational>(random, 6, 10);
    const auto shares = flow::max_min(p);
    ASSERT_EQ(shares.rate, textbook(p, Rational(0))) << "seed " << seed;
    ASSERT_EQ(test::why_not_max_min(p, shares.rate, Rational(0)), "") << "seed " << seed;
  }
}

TEST(MaxMinLaws, EqualsTheTextbookInDouble) {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    Random random(seed);
    const auto p = test::random_sharing<double>(random, 20, 60);
    const auto shares = flow::max_min(p);
    const auto expected = textbook(p, 1e-12);
    for (flow::FlowId f = 0; f < p.flows(); ++f) ASSERT_NEAR(shares.rate[f], expected[f], 1e-11 * expected[f]) << "seed " << seed << " flow " << f;
    ASSERT_EQ(test::why_not_max_min(p, shares.rate, 1e-10), "") << "seed " << seed;
  }
}

TEST(MaxMinLaws, ClassesGetWhatTheirMembersGet) {
  for (std::uint64_t seed = 0; seed < 400; ++seed) {
    Random random(seed);
    const auto folded = test::random_symmetric<Rational>(random);
    const auto classes = flow::max_min(folded.classes);
    const auto members = flow::max_min(folded.members);
    for (flow::FlowId f = 0; f < folded.members.flows(); ++f) ASSERT_EQ(members.rate[f], classes.rate[folded.class_of[f]]) << "seed " << seed;
    for (flow::ResourceId l = 0; l < folded.members.resources(); ++l) {
      const flow::ResourceId d = folded.resource_class_of[l];
      ASSERT_EQ(members.saturated[l], classes.saturated[d]) << "seed " << seed;
      ASSERT_EQ(members.carried[l], classes.carried[d]) << "seed " << seed;
    }
  }
}

// Sums are exact at binary fractions, so the classes even have the bits of their members.
TEST(MaxMinLaws, ClassesGetTheBitsOfTheirMembers) {
  for (std::uint64_t seed = 0; seed < 400; ++seed) {
    Random random(seed);
    const auto folded = test::random_symmetric<double>(random);
    const auto classes = flow::max_min(folded.classes);
    const auto members = flow::max_min(folded.members);
    for (flow::FlowId f = 0; f < folded.members.flows(); ++f) ASSERT_EQ(members.rate[f], classes.rate[folded.class_of[f]]) << "seed " << seed;
  }
}

// Numbers whose sums depend on their order, and ties within rounding.
SharingProblem<double> uneven_sharing(Random& random, double factor) {
  const auto any = [&] { return static_cast<double>(random.between(1, 1000)) / static_cast<double>(random.of({3, 7, 1000})); };
  SharingProblem<double> p;
  for (int l = 0; l < 20; ++l) p.add_resource(factor * any());
  for (int f = 0; f < 80; ++f) {
    std::vector<Use<double>> uses;
    for (std::int64_t k = random.between(1, 4); k > 0; --k) uses.push_back({below(random, 20), any() * random.of({1.0, 1e-6, 1e6})});
    std::optional<double> cap;
    if (random.one_in(10)) cap = factor * any();
    p.add_flow(any(), uses, cap);
  }
  return p;
}

TEST(MaxMinLaws, TheOrderOfListingDoesNotChangeABit) {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    Random random(seed);
    const auto p = seed % 2 == 0 ? uneven_sharing(random, 1) : test::random_sharing<double>(random, 12, 80);
    const auto flow_order = test::random_order(random, p.flows());
    const auto new_id = test::random_order(random, p.resources());
    SharingProblem<double> shuffled;
    std::vector<flow::ResourceId> old_id(p.resources());
    for (flow::ResourceId l = 0; l < p.resources(); ++l) old_id[new_id[l]] = l;
    for (const flow::ResourceId l : old_id) shuffled.add_resource(p.capacity(l));
    for (const flow::FlowId f : flow_order) {
      std::vector<Use<double>> uses(p.uses(f).begin(), p.uses(f).end());
      for (auto& use : uses) use.resource = new_id[use.resource];
      shuffled.add_flow(p.weight(f), uses, p.has_cap(f) ? std::optional(p.rate_cap(f)) : std::nullopt);
    }
    const auto before = flow::max_min(p);
    const auto after = flow::max_min(shuffled);
    for (flow::FlowId f = 0; f < p.flows(); ++f) {
      ASSERT_EQ(after.rate[f], before.rate[flow_order[f]]) << "seed " << seed;
      const flow::ResourceId limit = before.limited_by[flow_order[f]];
      ASSERT_EQ(after.limited_by[f], limit == flow::kOwnCap ? limit : new_id[limit]) << "seed " << seed;
    }
    for (flow::ResourceId l = 0; l < p.resources(); ++l) {
      ASSERT_EQ(after.level[new_id[l]], before.level[l]) << "seed " << seed;
      ASSERT_EQ(after.carried[new_id[l]], before.carried[l]) << "seed " << seed;
    }
  }
}

TEST(MaxMinLaws, UnevenNumbersAreShared) {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    Random random(seed);
    const auto p = uneven_sharing(random, 1);
    ASSERT_EQ(test::why_not_max_min(p, flow::max_min(p).rate, 1e-9), "") << "seed " << seed;
  }
}

TEST(MaxMinLaws, ScalingCapacitiesScalesRates) {
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    Random one(seed);
    Random same(seed);
    const auto rate = flow::max_min(uneven_sharing(one, 1)).rate;
    const auto scaled = flow::max_min(uneven_sharing(same, 1024)).rate;
    for (std::size_t f = 0; f < rate.size(); ++f) ASSERT_EQ(scaled[f], 1024 * rate[f]) << "seed " << seed;
  }
}

Rational lowest_level(const SharingProblem<Rational>& p, const std::vector<Rational>& rate) {
  Rational lowest = rate[0] / p.weight(0);
  for (flow::FlowId f = 1; f < p.flows(); ++f) lowest = std::min(lowest, rate[f] / p.weight(f));
  return lowest;
}

TEST(MaxMinLaws, MoreCapacityNeverLowersTheLowestLevel) {
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    Random random(seed);
    const auto p = test::random_sharing<Rational>(random, 6, 10);
    flow::MaxMinSolver<Rational> solver(p);
    for (flow::FlowId f = 0; f < p.flows(); ++f) solver.start(f);
    solver.update();
    const Rational before = lowest_level(p, solver.shares().rate);
    const flow::ResourceId l = below(random, p.resources());
    solver.set_capacity(l, p.capacity(l) + Rational(random.between(1, 4), 2));
    solver.update();
    ASSERT_GE(lowest_level(p, solver.shares().rate), before) << "seed " << seed;
  }
}

// Flows start, stop and start again, capacities change: what an update leaves alone is right all the same. `changes`: the most in one update.
void expect_updates_are_solves(std::uint64_t seed, std::uint32_t resources, std::uint32_t flows, std::int64_t changes) {
  Random random(seed);
  const auto p = test::random_sharing<Rational>(random, resources, flows);
  std::vector<Rational> capacity = test::capacities(p);
  flow::MaxMinSolver<Rational> solver(p);
  std::vector<bool> active(p.flows(), false);
  for (int step = 0; step < 30; ++step) {
    for (std::int64_t left = random.between(0, changes); left > 0; --left) {
      const flow::FlowId f = below(random, p.flows());
      active[f] ? solver.stop(f) : solver.start(f);
      active[f].flip();
    }
    flow::MaxMinSolver<Rational> anew(p);
    if (random.one_in(3)) capacity[below(random, p.resources())] = Rational(random.between(0, 8));
    for (flow::ResourceId l = 0; l < p.resources(); ++l) {
      if (capacity[l] != solver.capacity(l)) solver.set_capacity(l, capacity[l]);
      anew.set_capacity(l, capacity[l]);
    }
    for (flow::FlowId f = 0; f < p.flows(); ++f)
      if (active[f]) anew.start(f);
    solver.update();
    anew.update();
    ASSERT_EQ(solver.shares().rate, test::textbook_max_min(p, capacity, active, Rational(0))) << "seed " << seed << " step " << step;
    ASSERT_EQ(solver.shares().limited_by, anew.shares().limited_by) << "seed " << seed << " step " << step;
    ASSERT_EQ(solver.shares().saturated, anew.shares().saturated) << "seed " << seed << " step " << step;
    ASSERT_EQ(solver.shares().carried, anew.shares().carried) << "seed " << seed << " step " << step;
    for (flow::ResourceId l = 0; l < p.resources(); ++l) {
      Rational carried(0);
      for (flow::FlowId f = 0; f < p.flows(); ++f) carried += test::load_of(p, f, l) * solver.shares().rate[f];
      ASSERT_EQ(solver.shares().carried[l], carried) << "seed " << seed << " step " << step;
    }
  }
}

TEST(MaxMinLaws, AnUpdateIsASolveOfWhatIsActive) {
  for (std::uint64_t seed = 0; seed < 100; ++seed) expect_updates_are_solves(seed, 12, 10, 3);
  for (std::uint64_t seed = 0; seed < 100; ++seed) expect_updates_are_solves(seed, 9, 30, 1);  // long chains of what depends on what
}

// After one flow of a long chain has left, only its neighbourhood is looked at.
TEST(MaxMinLaws, AnUpdateLooksAtWhatItChanges) {
  SharingProblem<double> p;
  constexpr std::uint32_t kLinks = 1000;
  for (std::uint32_t l = 0; l < kLinks; ++l) p.add_resource(l % 2 == 0 ? 1 : 100);
  for (std::uint32_t l = 0; l + 1 < kLinks; ++l) p.add_flow(1, {{l, 1}, {l + 1, 1}});
  flow::MaxMinSolver<double> solver(p);
  for (flow::FlowId f = 0; f < p.flows(); ++f) solver.start(f);
  solver.update();
  EXPECT_EQ(solver.updated_flows().size(), p.flows());
  solver.stop(500);  // of links 500 and 501; flow 499 shares link 500 and doubles its rate, which link 499 has room for
  solver.update();
  EXPECT_EQ(solver.shares().rate[499], 1);
  EXPECT_LE(solver.updated_flows().size(), 4U);
  EXPECT_LE(solver.updated_resources().size(), 4U);
}

}  // namespace
