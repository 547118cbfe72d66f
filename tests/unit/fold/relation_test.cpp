// SPDX-License-Identifier: Apache-2.0
// Symbolic orbits against every member written down.
#include "fold/relation.hpp"

#include <gtest/gtest.h>

#include <map>

#include "base/contract.hpp"
#include "explicit.hpp"
#include "random_spaces.hpp"

namespace zettatwin::fold {
namespace {

using enum AtomKind;
using enum Boundary;

TEST(Orbits, OfPointsByHand) {
  const FoldedSpace flat({{8}, {16}}, {{3, 5}});  // tied: a product
  const auto classes = orbits(flat, points(flat));
  ASSERT_EQ(classes.size(), 4U);
  std::map<Position, std::int64_t> members;
  for (const auto& orbit : classes) members[orbit.representative.source] = orbit.members;
  EXPECT_EQ(members,
            (std::map<Position, std::int64_t>{{{3, 5}, 1}, {{0, 5}, 7}, {{3, 0}, 15}, {{0, 0}, 105}}));
}

TEST(Orbits, OfPairsOfAnExchangeableAtomByHand) {
  const FoldedSpace space({{5}}, {{2}});
  const auto classes = orbits(space, {relation::any});  // (2,2) (2,r) (r,2) (r,r) (r,r')
  std::map<std::pair<std::int64_t, std::int64_t>, std::int64_t> members;
  for (const auto& [pair, count] : classes) members[{pair.source[0], pair.destination[0]}] = count;
  EXPECT_EQ(members, (std::map<std::pair<std::int64_t, std::int64_t>, std::int64_t>{
                         {{2, 2}, 1}, {{2, 0}, 4}, {{0, 2}, 4}, {{0, 0}, 4}, {{0, 1}, 12}}));
}

TEST(Orbits, CyclicPairsAreOffsetsUntilAValueIsNamed) {
  EXPECT_EQ(orbits(FoldedSpace({{7, cyclic}}), {relation::any}).size(), 7U);
  EXPECT_EQ(orbits(FoldedSpace({{7, cyclic}}, {{4}}), {relation::any}).size(), 49U);
  EXPECT_EQ(orbits(FoldedSpace({{7, cyclic}}), {relation::shift(1)}).size(), 1U);
  EXPECT_EQ(orbits(FoldedSpace({{7, rigid}}), {relation::step(1)}).size(), 6U);
}

TEST(Orbits, FaultsInATreeCostOnePathEach) {
  const std::vector<Atom> tree{
      {8, exchangeable, untied}, {8, exchangeable, untied}, {128, exchangeable, untied}, {64}};
  const auto classes = [&](const std::vector<Position>& faults) {
    const FoldedSpace space(tree, faults);
    return orbits(space, points(space)).size();
  };
  EXPECT_EQ(classes({}), 1U);
  EXPECT_EQ(classes({{1, 2, 3, 4}}), 5U);                               // 1 + h
  EXPECT_EQ(classes({{1, 2, 3, 4}, {5, 6, 7, 8}}), 9U);                 // 1 + 2h
  EXPECT_EQ(classes({{1, 2, 3, 4}, {5, 2, 3, 4}}), 6U);                 // same board: one more leaf
  EXPECT_EQ(classes({{1, 2, 3, 4}, {none, none, 9, 4}}), 6U);           // a whole cabinet
  EXPECT_EQ(classes({{1, 2, 3, 4}, {5, 6, 7, 8}, {0, 0, 0, 0}}), 13U);  // 1 + 3h
}

TEST(Orbits, RelationsAcrossUntiedBoundariesAreRefused) {
  const FoldedSpace tree({{4, exchangeable, untied}, {4}});
  EXPECT_FALSE(respects(tree, {relation::same, relation::any}));  // a rail across the tree
  EXPECT_TRUE(respects(tree, {relation::any, relation::different}));
  EXPECT_FALSE(respects(tree, {relation::source, relation::absent}));  // "position 3", of no unit
  EXPECT_TRUE(respects(tree, {relation::absent, relation::source}));
  EXPECT_FALSE(respects(tree, {relation::absent, relation::shift(1)}));  // a step between exchangeable values
  EXPECT_THROW((void)orbits(tree, {relation::same, relation::any}), ContractFailure);
  const FoldedSpace rails({{4}, {4}}, {});
  EXPECT_TRUE(respects(rails, {relation::same, relation::any}));
}

// Every member is in exactly one orbit, orbits have as many members as they say, and they are the orbits of
// the group that the space's description stands for: neither finer nor coarser.
TEST(Orbits, EqualTheOrbitsOfTheExplicitGroup) {
  for (std::uint64_t seed = 0; seed < 500; ++seed) {
    SCOPED_TRACE(seed);
    test::Random random(seed);
    const auto space = test::random_space(random);
    const auto family = test::random_family(random, space);
    const auto elements = test::members(space, family);
    if (elements.size() > 2500) continue;
    const auto symbolic = orbits(space, family);
    const auto roots = test::group_orbits(space, elements);
    std::map<std::size_t, std::size_t> orbit_of_root;
    std::vector<std::int64_t> counts(symbolic.size(), 0);
    for (std::size_t i = 0; i < elements.size(); ++i) {
      const auto orbit = orbit_of(space, elements[i]);
      const auto index = find(symbolic, orbit.representative);
      ASSERT_TRUE(index.has_value());
      ASSERT_EQ(orbit.members, symbolic[*index].members);
      ++counts[*index];
      ASSERT_EQ(orbit_of_root.emplace(roots[i], *index).first->second, *index);
    }
    EXPECT_EQ(orbit_of_root.size(), symbolic.size());
    for (std::size_t i = 0; i < symbolic.size(); ++i) {
      EXPECT_EQ(counts[i], symbolic[i].members);
      EXPECT_EQ(orbit_of(space, symbolic[i].representative).representative, symbolic[i].representative);
    }
  }
}

}  // namespace
}  // namespace zettatwin::fold
