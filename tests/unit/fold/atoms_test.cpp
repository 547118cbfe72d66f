// SPDX-License-Identifier: Apache-2.0
#include "fold/atoms.hpp"

#include <gtest/gtest.h>

#include "base/contract.hpp"

namespace zettatwin::fold {
namespace {

using Sizes = std::vector<std::int64_t>;

TEST(Atoms, RefineMachineLevelsAndParallelDimensions) {
  // 8 chips a board, 16 boards; tensor 4, data 4 x 8 around a pipeline of 2.
  const std::vector<space::View> views{{{{8, 1}}}, {{{16, 8}}}, {{{4, 1}}}, {{{4, 4}, {4, 32}}}, {{{2, 16}}}};
  EXPECT_EQ(common_atoms(128, views), (Sizes{4, 2, 2, 2, 4}));
  EXPECT_EQ(common_atoms(128, {}), (Sizes{128}));
  EXPECT_EQ(common_atoms(1, {}), Sizes{});
}

TEST(Atoms, EdgesThatDoNotNestHaveNone) {
  const std::vector<space::View> views{{{{8, 1}}}, {{{6, 1}}}};
  EXPECT_EQ(common_atoms(48, views), std::nullopt);
  EXPECT_EQ(common_atoms(4, std::vector<space::View>{{{{8, 1}}}}), std::nullopt);
}

TEST(Atoms, PairsWithinAGroup) {
  const FoldedSpace space({{4}, {2}, {2}, {2}, {4}}, {});
  const auto pairs = orbits(space, pairs_within(space, {{{4, 4}, {4, 32}}}));
  std::int64_t members = 0;
  for (const auto& orbit : pairs) members += orbit.members;
  EXPECT_EQ(members, 128 * 16);
  EXPECT_THROW((void)pairs_within(space, {{{3, 1}}}), ContractFailure);
}

TEST(Space, PositionsAreRanksWrittenInAtoms) {
  const FoldedSpace space({{4}, {3}, {5}}, {});
  EXPECT_EQ(space.points(), 60);
  EXPECT_EQ(space.view(), (space::View{{{4, 1}, {3, 4}, {5, 12}}}));
  for (std::int64_t rank = 0; rank < 60; ++rank) {
    const auto p = space.position_of(rank);
    EXPECT_EQ(p[0] + 4 * p[1] + 12 * p[2], rank);
  }
  EXPECT_THROW((void)space.position_of(60), ContractFailure);
}

TEST(Space, RefusesWhatItCannotMean) {
  EXPECT_THROW(FoldedSpace({}, {}), ContractFailure);
  EXPECT_THROW(FoldedSpace({{0}}, {}), ContractFailure);
  EXPECT_THROW(FoldedSpace({{4}}, {{4}}), ContractFailure);
  EXPECT_THROW(FoldedSpace({{4}}, {{none}}), ContractFailure);
  EXPECT_THROW(FoldedSpace({{4}}, {{1, 2}}), ContractFailure);
  EXPECT_THROW(FoldedSpace({{4, AtomKind::rigid, Boundary::tied, {2}}}, {}), ContractFailure);
  EXPECT_THROW(FoldedSpace({{4, AtomKind::exchangeable, Boundary::tied, {4}}}, {}), ContractFailure);
  const FoldedSpace huge({{1LL << 40}, {1LL << 40}}, {});
  EXPECT_THROW((void)huge.points(), ContractFailure);
}

}  // namespace
}  // namespace zettatwin::fold
