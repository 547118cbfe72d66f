// SPDX-License-Identifier: Apache-2.0
// What holds for all fluid simulations, on random ones, against a slow simulation written apart.
#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "../../support/random_phases.hpp"
#include "../../support/rational.hpp"
#include "flow/detail/max_min.hpp"
#include "flow/simulation.hpp"

namespace {

using namespace zettatwin;
using flow::FlowId;
using flow::ResourceId;
using test::Phase;
using test::Random;
using test::Rational;
using units::Picoseconds;

// A picosecond of rounding per event.
constexpr double kRounding = 200e-12;

void expect_same(const flow::SimulationResult& result, const std::vector<std::optional<double>>& expected, std::uint64_t seed) {
  for (FlowId f = 0; f < expected.size(); ++f) {
    const auto& outcome = result.flows[f];
    ASSERT_EQ(outcome.finish != flow::kNever, expected[f].has_value()) << "seed " << seed << " flow " << f;
    if (!expected[f]) continue;
    ASSERT_NEAR(outcome.finish.seconds().si(), *expected[f], kRounding) << "seed " << seed << " flow " << f;
  }
}

TEST(SimulationLaws, EqualsTheExactStepByStep) {
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    Random random(seed);
    Random same = random;
    const auto sharing = test::random_sharing<double>(random, 3, 5, 100);
    const auto phases = test::random_phases<double>(random, sharing.flows());
    const auto exact_sharing = test::random_sharing<Rational>(same, 3, 5, 100);
    const auto exact_phases = test::random_phases<Rational>(same, exact_sharing.flows());
    const auto changes = test::random_changes<double>(random, sharing.resources());
    const auto exact_changes = test::random_changes<Rational>(same, sharing.resources());
    std::vector<std::optional<double>> expected;
    for (const auto& time : test::step_by_step(exact_sharing, exact_phases, exact_changes, Rational(0))) {
      expected.push_back(time ? std::optional(time->as_double()) : std::nullopt);
    }
    auto program = test::as_program(sharing, phases);
    test::add_changes(program, changes);
    expect_same(flow::simulate(program), expected, seed);
  }
}

TEST(SimulationLaws, EqualsTheStepByStepInDouble) {
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    Random random(seed);
    const auto sharing = test::random_sharing<double>(random, 10, 30, 200);
    const auto phases = test::random_phases<double>(random, sharing.flows());
    expect_same(flow::simulate(test::as_program(sharing, phases)), test::step_by_step(sharing, phases, {}, 1e-12), seed);
  }
}

// Resources of one flow are taken for caps, but not those whose capacity changes: a change to what it is, long after the end, takes the other way.
TEST(SimulationLaws, ResourcesOfOneFlowAreLikeAnyOther) {
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    Random random(seed);
    const auto sharing = test::random_sharing<double>(random, 14, 8, 100);
    const auto program = test::as_program(sharing, test::random_phases<double>(random, sharing.flows()));
    auto all_shared = program;
    for (ResourceId l = 0; l < sharing.resources(); ++l) all_shared.change_capacity(Picoseconds(1'000'000'000'000'000), l, units::BytesPerSecond::from_si(sharing.capacity(l)));
    const auto a = flow::simulate(program), b = flow::simulate(all_shared);
    ASSERT_EQ(a.unfinished, b.unfinished) << "seed " << seed;
    for (FlowId f = 0; f < sharing.flows(); ++f) {
      if (a.flows[f].finish == flow::kNever) continue;
      ASSERT_NEAR(a.flows[f].finish.seconds().si(), b.flows[f].finish.seconds().si(), kRounding) << "seed " << seed << " flow " << f;
      if (a.flows[f].finish == b.flows[f].finish) { ASSERT_EQ(a.flows[f].limited_by, b.flows[f].limited_by) << "seed " << seed << " flow " << f; }
    }
    for (ResourceId l = 0; a.unfinished.empty() && l < sharing.resources(); ++l) {
      const auto &x = a.resources[l], &y = b.resources[l];
      ASSERT_NEAR(x.carried.si(), y.carried.si(), 1e-8) << "seed " << seed << " resource " << l;
      ASSERT_NEAR(x.peak_utilisation, y.peak_utilisation, 1e-9) << "seed " << seed << " resource " << l;
      ASSERT_NEAR(x.saturated.seconds().si(), y.saturated.seconds().si(), kRounding) << "seed " << seed << " resource " << l;
    }
  }
}

TEST(SimulationLaws, ClassesHaveThePicosecondsOfTheirMembers) {
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    Random random(seed);
    const auto folded = test::random_symmetric<double>(random);
    const auto phases = test::random_phases<double>(random, folded.classes.flows());
    // A member waits for all members of the classes that its class waits for.
    std::vector<Phase<double>> of_members(folded.members.flows());
    for (FlowId f = 0; f < of_members.size(); ++f) {
      const auto& of_class = phases[folded.class_of[f]];
      of_members[f] = {of_class.bytes, of_class.latency, {}};
      for (const FlowId before : of_class.after) {
        for (FlowId g = 0; g < of_members.size(); ++g) {
          if (folded.class_of[g] == before) of_members[f].after.push_back(g);
        }
      }
    }
    const auto classes = flow::simulate(test::as_program(folded.classes, phases));
    const auto members = flow::simulate(test::as_program(folded.members, of_members));
    for (FlowId f = 0; f < of_members.size(); ++f) {
      ASSERT_EQ(members.flows[f].start, classes.flows[folded.class_of[f]].start) << "seed " << seed;
      ASSERT_EQ(members.flows[f].finish, classes.flows[folded.class_of[f]].finish) << "seed " << seed;
    }
    for (ResourceId l = 0; l < folded.members.resources(); ++l) {
      ASSERT_EQ(members.resources[l].saturated, classes.resources[folded.resource_class_of[l]].saturated) << "seed " << seed;
      ASSERT_NEAR(members.resources[l].carried.si(), classes.resources[folded.resource_class_of[l]].carried.si(), 1e-9) << "seed " << seed;
    }
  }
}

TEST(SimulationLaws, BytesAreConserved) {
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    Random random(seed);
    const auto sharing = test::random_sharing<double>(random, 10, 30, 200);
    const auto phases = test::random_phases<double>(random, sharing.flows());
    const auto result = flow::simulate(test::as_program(sharing, phases), {.record_rates = true});
    std::vector<double> moved(sharing.flows(), 0.0);
    for (const auto& interval : result.rates) moved[interval.flow] += interval.rate.si() * (interval.end - interval.begin).seconds().si();
    std::vector<double> carried(sharing.resources(), 0.0);
    for (FlowId f = 0; f < sharing.flows(); ++f) {
      for (const auto& use : sharing.uses(f)) carried[use.resource] += use.load * moved[f];
      if (result.flows[f].state != flow::FlowState::finished) continue;
      ASSERT_NEAR(moved[f], phases[f].bytes, 1e-9) << "seed " << seed;
    }
    for (ResourceId l = 0; l < sharing.resources(); ++l) {
      const auto& outcome = result.resources[l];
      ASSERT_NEAR(outcome.carried.si(), carried[l], 1e-8) << "seed " << seed;
      ASSERT_LE(outcome.peak_utilisation, 1 + 1e-9) << "seed " << seed;
      ASSERT_GE(outcome.carried.si(), outcome.saturated.seconds().si() * sharing.capacity(l) - 1e-8) << "seed " << seed;
    }
  }
}

// Intervals of a flow follow each other from its start to its finish, and the limit reported held for the longest.
TEST(SimulationLaws, IntervalsCoverEachFlow) {
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    Random random(seed);
    const auto sharing = test::random_sharing<double>(random, 10, 30, 200);
    const auto phases = test::random_phases<double>(random, sharing.flows());
    const auto result = flow::simulate(test::as_program(sharing, phases), {.record_rates = true});
    for (FlowId f = 0; f < sharing.flows(); ++f) {
      if (result.flows[f].state != flow::FlowState::finished) continue;
      Picoseconds reached = result.flows[f].start;
      std::vector<Picoseconds> limited(sharing.resources() + 1);  // the last: by its own cap
      const auto index = [&](ResourceId l) { return l == flow::kOwnCap ? sharing.resources() : l; };
      for (const auto& interval : result.rates) {
        if (interval.flow != f) continue;
        ASSERT_EQ(interval.begin, reached) << "seed " << seed;
        reached = interval.end;
        limited[index(interval.limited_by)] += interval.end - interval.begin;
      }
      ASSERT_EQ(reached, result.flows[f].finish) << "seed " << seed;
      if (result.flows[f].limited_by == flow::kUnlimited) {
        ASSERT_EQ(phases[f].bytes, 0) << "seed " << seed;
      } else {
        ASSERT_EQ(limited[index(result.flows[f].limited_by)], *std::max_element(limited.begin(), limited.end())) << "seed " << seed;
      }
    }
  }
}

TEST(SimulationLaws, TheOrderOfListingDoesNotChangeAPicosecond) {
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    Random random(seed);
    const auto sharing = test::random_sharing<double>(random, 10, 30, 200);
    auto phases = test::random_phases<double>(random, sharing.flows());
    for (auto& phase : phases) phase.after.clear();  // any order of flows is possible
    const auto order = test::random_order(random, sharing.flows());
    const auto new_id = test::random_order(random, sharing.resources());
    flow::SharingProblem<double> shuffled;
    std::vector<ResourceId> old_id(sharing.resources());
    for (ResourceId l = 0; l < sharing.resources(); ++l) old_id[new_id[l]] = l;
    for (const ResourceId l : old_id) shuffled.add_resource(sharing.capacity(l));
    std::vector<Phase<double>> shuffled_phases;
    for (const FlowId f : order) {
      std::vector<flow::Use<double>> uses(sharing.uses(f).begin(), sharing.uses(f).end());
      for (auto& use : uses) use.resource = new_id[use.resource];
      shuffled.add_flow(sharing.weight(f), uses, sharing.has_cap(f) ? std::optional(sharing.rate_cap(f)) : std::nullopt);
      shuffled_phases.push_back(phases[f]);
    }
    const auto before = flow::simulate(test::as_program(sharing, phases));
    const auto after = flow::simulate(test::as_program(shuffled, shuffled_phases));
    for (FlowId f = 0; f < sharing.flows(); ++f) ASSERT_EQ(after.flows[f].finish, before.flows[order[f]].finish) << "seed " << seed;
    for (ResourceId l = 0; l < sharing.resources(); ++l) {
      ASSERT_EQ(after.resources[new_id[l]].carried, before.resources[l].carried) << "seed " << seed;
      ASSERT_EQ(after.resources[new_id[l]].peak_utilisation, before.resources[l].peak_utilisation) << "seed " << seed;
    }
  }
}

}  // namespace
