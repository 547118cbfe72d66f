// SPDX-License-Identifier: Apache-2.0
// Views on the rank space against enumeration of their members.
#include "space/view.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <set>

namespace zettatwin::space {
namespace {

// All members of the group that contains `base`.
std::set<std::int64_t> members(const View& view, std::int64_t base) {
  std::set<std::int64_t> ranks{base};
  for (const auto& atom : view.atoms) {
    std::set<std::int64_t> next;
    for (const auto rank : ranks)
      for (std::int64_t k = 0; k < atom.size; ++k) next.insert(rank + k * atom.stride);
    ranks = std::move(next);
  }
  return ranks;
}

std::int64_t enumerated(const View& view, std::int64_t base, std::int64_t block) {
  const auto ranks = members(view, base);
  std::int64_t count = 0;
  for (const auto rank : ranks)
    if (rank / block == base / block) ++count;
  return count;
}

TEST(View, MembersOfAContiguousGroupFillBlocks) {
  const View tensor{{{8, 1}}};
  EXPECT_EQ(members_in_block(tensor, 8), 8);
  EXPECT_EQ(members_in_block(tensor, 4), 4);
  EXPECT_EQ(members_in_block(tensor, 64), 8);
  EXPECT_EQ(members_in_block(tensor, 1), 1);
}

TEST(View, MembersOfAStridedGroup) {
  const View data{{{16, 8}}};  // ranks 0, 8, ..., 120
  EXPECT_EQ(members_in_block(data, 8), 1);
  EXPECT_EQ(members_in_block(data, 32), 4);
  EXPECT_EQ(members_in_block(data, 128), 16);
  const View two{{{2, 1}, {4, 16}}};
  EXPECT_EQ(two.size(), 8);
  EXPECT_EQ(members_in_block(two, 16), 2);
  EXPECT_EQ(members_in_block(two, 32), 4);
}

TEST(View, SaysWhetherBlocksCutIt) {
  EXPECT_FALSE(divides_evenly({{{12, 1}}}, 8));
  EXPECT_FALSE(divides_evenly({{{4, 3}}}, 8));
  EXPECT_TRUE(divides_evenly({{{11, 8}}}, 88));
  EXPECT_TRUE(divides_evenly({{{1, 7}}}, 2));  // one member is in one block, whatever its stride
}

TEST(View, LeastMembersWhereBlocksCutIt) {
  EXPECT_EQ(members_in_block({{{12, 1}}}, 8), 4);     // 0-7 8-11 | 12-15 16-23
  EXPECT_EQ(members_in_block({{{256, 1}}}, 88), 8);   // 256-263 is a piece alone
  EXPECT_EQ(members_in_block({{{32, 8}}}, 88), 1);    // the same ranks, one of eight
  EXPECT_EQ(members_in_block({{{4, 3}}}, 8), 1);      // 0 3 6 | 9
  EXPECT_EQ(members_in_block({{{2, 1}, {16, 8}}}, 24), 2);  // pieces of 8 ranks hold one pair
}

// Whole groups side by side in a space that blocks cut anywhere: no member has fewer fellows in its block, and over a common period some have no more if the
// group's stride is in step with the block.
RC_GTEST_PROP(View, LeastMembersAreLeast, ()) {
  const Atom atom{*rc::gen::inRange<std::int64_t>(2, 13), *rc::gen::inRange<std::int64_t>(1, 7)};
  const auto block = *rc::gen::inRange<std::int64_t>(1, 60);
  const auto span = atom.size * atom.stride;
  const auto least = members_in_block({{atom}}, block);
  RC_ASSERT(atom.size % least == 0);
  RC_ASSERT(members_in_block({{atom}}, block * *rc::gen::inRange<std::int64_t>(1, 5)) % least == 0);
  std::int64_t fewest = atom.size;
  for (std::int64_t base = 0; base < std::lcm(span, block); ++base) {
    if (base % span >= atom.stride) continue;  // a first member of a group
    std::map<std::int64_t, std::int64_t> counts;
    for (std::int64_t k = 0; k < atom.size; ++k) ++counts[(base + k * atom.stride) / block];
    for (const auto& [unit, count] : counts) fewest = std::min(fewest, count);
  }
  RC_ASSERT(fewest >= least);
  if (block % atom.stride == 0) RC_ASSERT(fewest == least);
}

// A mixed-radix space: a view takes some digits whole, the block is a product of the innermost ones or cuts one digit evenly.
RC_GTEST_PROP(View, AgreesWithEnumerationOnMixedRadixSpaces, ()) {
  const auto radices = *rc::gen::container<std::vector<std::int64_t>>(4, rc::gen::inRange<std::int64_t>(1, 7));
  View view;
  std::int64_t stride = 1;
  std::int64_t base = 0;
  std::vector<std::int64_t> blocks{1};
  for (const auto radix : radices) {
    if (*rc::gen::arbitrary<bool>()) view.atoms.push_back({radix, stride});
    else base += *rc::gen::inRange<std::int64_t>(0, radix) * stride;
    for (std::int64_t part = 2; part <= radix; ++part)
      if (radix % part == 0) blocks.push_back(part * stride);
    stride *= radix;
  }
  for (const auto block : blocks) {
    RC_ASSERT(divides_evenly(view, block));
    RC_ASSERT(members_in_block(view, block) == enumerated(view, base, block));
  }
}

// Whenever a single row claims to divide evenly, each of its members sees the same count.
RC_GTEST_PROP(View, EveryMemberOfAnEvenRowSeesTheSameCount, ()) {
  const Atom atom{*rc::gen::inRange<std::int64_t>(1, 13), *rc::gen::inRange<std::int64_t>(1, 13)};
  const auto block = *rc::gen::inRange<std::int64_t>(1, 200);
  RC_PRE(divides_evenly({{atom}}, block));
  const auto expected = members_in_block({{atom}}, block);
  const auto ranks = members({{atom}}, 0);
  for (const auto rank : ranks) {
    std::int64_t count = 0;
    for (const auto other : ranks)
      if (other / block == rank / block) ++count;
    RC_ASSERT(count == expected);
  }
}

}  // namespace
}  // namespace zettatwin::space
