// SPDX-License-Identifier: Apache-2.0
// Half a million and a million chips: how many classes, how long. Prints and records both.
#include <gtest/gtest.h>

#include <chrono>
#include <cstdio>
#include <numeric>
#include <string>

#include "fold/assembly.hpp"

namespace zettatwin::fold {
namespace {

using enum AtomKind;
using enum Boundary;

// Position, board, cabinet, pod.
const std::vector<Position> faults{{1, 2, 3, 4}, {5, 6, 7, 8}, {1, 0, 3, 4}};

FoldedSpace machine(std::int64_t pods, Boundary board, std::size_t fault_count) {
  return FoldedSpace(
      {{8, exchangeable, board}, {8, exchangeable, untied}, {128, exchangeable, untied}, {pods}},
      {faults.begin(), faults.begin() + static_cast<std::ptrdiff_t>(fault_count)});
}

std::vector<Pick> from(Pick pick, std::size_t level) {
  std::vector<Pick> picks(4, pick);
  std::fill_n(picks.begin(), level, pick::nothing);
  return picks;
}

// Only chips fail here; a colour per kind of link.
Assembly::Colour colour(const FoldedSpace& space, std::int64_t healthy) {
  return [exceptions = space.exceptions(), healthy](const Element& e) {
    for (const auto& fault : exceptions)
      if (within(e.source, fault)) return std::int64_t{-1};
    return healthy;
  };
}

// Global all-to-all; ports into and out of every unit of every level.
Assembly tree(FoldedSpace space) {
  Assembly problem(std::move(space));
  for (std::size_t level = 0; level < 4; ++level)
    problem.add_flows(pairs_across(problem.space(), level), [](const Element&) { return 0; });
  for (std::size_t level = 0; level < 4; ++level) {
    Family units(4, relation::source);
    std::fill_n(units.begin(), level, relation::absent);
    for (const auto pick : {pick::source, pick::destination}) {
      const auto ports =
          problem.add_resources(units, colour(problem.space(), static_cast<std::int64_t>(level)));
      for (auto crossed = level; crossed < 4; ++crossed)
        problem.connect(ports, crossed, {from(pick, level), from(pick::nothing, 4)});
    }
  }
  return problem;
}

// The cabinet as a full mesh of positions and boards, half the traffic by either corner; switches outside it.
Assembly mesh_and_tree(FoldedSpace space) {
  using namespace pick;
  auto problem = tree(std::move(space));
  const auto rows = problem.add_resources(mesh_links(problem.space(), 0), colour(problem.space(), 10));
  const auto columns = problem.add_resources(mesh_links(problem.space(), 1), colour(problem.space(), 11));
  problem.connect(rows, 0, {{source, source, source, source}, {destination, source, source, source}});
  for (const auto& [row, column] : {std::pair{source, destination}, std::pair{destination, source}}) {
    problem.connect(rows, 1, {{source, row, source, source}, {destination, row, source, source}, 0.5});
    problem.connect(columns, 1,
                    {{column, source, source, source}, {column, destination, source, source}, 0.5});
  }
  return problem;
}

void measure(const std::string& name, Assembly (*build)(FoldedSpace), FoldedSpace space) {
  const auto chips = space.points();
  const auto chip_classes = orbits(space, points(space)).size();
  const auto fault_count = space.exceptions().size();
  const auto start = std::chrono::steady_clock::now();
  const auto problem = build(std::move(space));
  const auto folded = std::chrono::steady_clock::now();
  const auto quotient = coarsest(problem.bipartite());
  const auto merged = std::chrono::steady_clock::now();
  const auto& flows = problem.bipartite().flows.members;
  EXPECT_EQ(std::accumulate(flows.begin(), flows.end(), std::int64_t{0}), chips * (chips - 1));
  const auto ms = [](auto from, auto to) {
    return std::chrono::duration<double, std::milli>(to - from).count();
  };
  std::printf(
      "[ measured ] %-13s %7lld chips %zu faults: %3zu chip, %4zu flow, %4zu link classes in %.2f ms; "
      "coarsest %3zu flow, %3zu link in %.2f ms\n",
      name.c_str(), static_cast<long long>(chips), fault_count, chip_classes, flows.size(),
      problem.bipartite().links.colours.size(), ms(start, folded), quotient.merged.flows.members.size(),
      quotient.merged.links.members.size(), ms(folded, merged));
  const auto key = name + "_" + std::to_string(chips) + "_" + std::to_string(fault_count);
  ::testing::Test::RecordProperty(key + "_flow_classes", static_cast<int>(flows.size()));
  ::testing::Test::RecordProperty(key + "_us", static_cast<int>(1000 * ms(start, merged)));
  EXPECT_LT(ms(start, merged), 2000);
}

TEST(Scale, AllToAllOverATree) {
  for (const std::int64_t pods : {64, 128})
    for (std::size_t k = 0; k <= 3; ++k) measure("tree", tree, machine(pods, untied, k));
}

TEST(Scale, AllToAllOverMeshedCabinets) {
  for (const std::int64_t pods : {64, 128})
    for (std::size_t k = 0; k <= 3; ++k) measure("mesh and tree", mesh_and_tree, machine(pods, tied, k));
}

// The classes do not know how large the machine is.
TEST(Scale, ClassesDependOnFaultsAlone) {
  const auto small = tree(machine(16, untied, 2));
  const auto large = tree(machine(1 << 14, untied, 2));
  EXPECT_EQ(small.bipartite().flows.colours, large.bipartite().flows.colours);
  EXPECT_EQ(small.bipartite().entries.size(), large.bipartite().entries.size());
  EXPECT_EQ(coarsest(small.bipartite()).flow_class, coarsest(large.bipartite()).flow_class);
}

// One fault in a tree of h levels leaves 3 h (h + 1) / 2 classes of pairs.
TEST(Scale, PairsBesideOneFaultByFormula) {
  for (std::int64_t h = 1; h <= 6; ++h) {
    const FoldedSpace space(std::vector<Atom>(static_cast<std::size_t>(h), {5, exchangeable, untied}),
                            {Position(static_cast<std::size_t>(h), 2)});
    std::size_t classes = 0;
    for (std::size_t level = 0; level < static_cast<std::size_t>(h); ++level)
      classes += orbits(space, pairs_across(space, level)).size();
    EXPECT_EQ(static_cast<std::int64_t>(classes), 3 * h * (h + 1) / 2);
  }
}

}  // namespace
}  // namespace zettatwin::fold
