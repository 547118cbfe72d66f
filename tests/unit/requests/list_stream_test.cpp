// SPDX-License-Identifier: Apache-2.0
#include "requests/list_stream.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "base/contract.hpp"
#include "drain.hpp"

namespace zettatwin::requests {
namespace {

using namespace test;

Request request(std::int64_t seconds, std::int32_t input, std::int32_t output) { return {.arrival = units::Picoseconds(seconds * 1'000'000'000'000), .input = input, .output = output}; }

std::shared_ptr<RequestList> hundred() {
  auto list = std::make_shared<RequestList>(16);
  for (std::int32_t i = 0; i < 100; ++i) {
    auto r = request(i, 32 + i, 1 + i);
    r.session = static_cast<std::uint64_t>(i % 3);
    r.model = i % 2;
    for (std::int32_t k = 0; k < i % 4; ++k) r.blocks.push_back(static_cast<std::uint64_t>(100 * i + k));
    list->add(r);
  }
  return list;
}

TEST(ListStream, GivesBackWhatItHolds) {
  const auto list = hundred();
  ListStream stream(list);
  EXPECT_EQ(stream.size(), 100);
  EXPECT_EQ(stream.block_tokens(), 16);
  EXPECT_EQ(stream.concurrency(), 0);
  Request r;
  for (std::int32_t i = 0; i < 100; ++i) {
    ASSERT_TRUE(stream.next(r));
    EXPECT_EQ(r.arrival.count(), i * 1'000'000'000'000LL);
    EXPECT_EQ(r.input, 32 + i);
    EXPECT_EQ(r.output, 1 + i);
    EXPECT_EQ(r.model, i % 2);
    EXPECT_EQ(r.session, static_cast<std::uint64_t>(i % 3));
    ASSERT_EQ(r.blocks.size(), static_cast<std::size_t>(i % 4));
    if (i % 4 == 3) { EXPECT_EQ(r.blocks[2], static_cast<std::uint64_t>(100 * i + 2)); }
  }
  EXPECT_FALSE(stream.next(r));
  EXPECT_EQ(drained(*stream.fresh()).size(), 100u);
}

// 99 gaps of a second; (32 + 131) / 2 and (1 + 100) / 2 tokens.
TEST(ListStream, Means) {
  const auto means = hundred()->means();
  EXPECT_DOUBLE_EQ(means.rate.si(), 1);
  EXPECT_DOUBLE_EQ(means.input, 81.5);
  EXPECT_DOUBLE_EQ(means.output, 50.5);
  EXPECT_TRUE(std::isnan(RequestList().means().input));
}

TEST(ListStream, PartsAreTheWhole) {
  const ListStream whole(hundred());
  for (const auto split : {Split::round_robin, Split::random}) {
    std::vector<std::int32_t> lengths;
    for (std::int64_t i = 0; i < 7; ++i) {
      const auto part = whole.part({.instance = i, .of = 7, .split = split, .seed = 5});
      const auto mine = drained(*part);
      if (split == Split::round_robin) {
        EXPECT_EQ(part->size(), static_cast<std::int64_t>(mine.size()));
        for (std::size_t k = 0; k < mine.size(); ++k) EXPECT_EQ(mine[k].output, static_cast<std::int32_t>(1 + i + 7 * static_cast<std::int64_t>(k)));
      }
      EXPECT_EQ(drained(*part->fresh()).size(), mine.size());
      EXPECT_DOUBLE_EQ(part->means().rate.si(), 1.0 / 7);
      for (const auto& r : mine) lengths.push_back(r.output);
    }
    std::sort(lengths.begin(), lengths.end());
    ASSERT_EQ(lengths.size(), 100u);
    for (std::int32_t i = 0; i < 100; ++i) EXPECT_EQ(lengths[static_cast<std::size_t>(i)], 1 + i);
  }
  EXPECT_THROW((void)whole.part({.instance = 7, .of = 7}), ContractFailure);
}

// Requests 1, 3, 5, ...; of those number 2, 5, 8, ...: 5, 11, 17, ... of the whole.
TEST(ListStream, PartsOfParts) {
  const ListStream whole(hundred());
  const auto part = whole.part({.instance = 1, .of = 2})->part({.instance = 2, .of = 3});
  const auto mine = drained(*part);
  EXPECT_EQ(part->size(), 16);
  ASSERT_EQ(mine.size(), 16u);
  for (std::size_t i = 0; i < mine.size(); ++i) EXPECT_EQ(mine[i].output, 1 + 5 + 6 * static_cast<std::int32_t>(i));
  EXPECT_EQ(whole.part({.instance = 500, .of = 1000})->size(), 0);
  EXPECT_TRUE(drained(*whole.part({.instance = 500, .of = 1000})).empty());
}

TEST(ListStream, Contracts) {
  RequestList list;
  list.add(request(5, 1, 1));
  EXPECT_THROW(list.add(request(4, 1, 1)), ContractFailure);
  EXPECT_THROW(list.add(request(5, 0, 1)), ContractFailure);
  EXPECT_THROW(list.add(request(5, 1, 0)), ContractFailure);
  auto with_blocks = request(6, 1, 1);
  with_blocks.blocks = {1};
  EXPECT_THROW(list.add(with_blocks), ContractFailure);
  EXPECT_EQ(list.size(), 1u);
}

}  // namespace
}  // namespace zettatwin::requests
