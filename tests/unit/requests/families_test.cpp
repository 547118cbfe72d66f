// SPDX-License-Identifier: Apache-2.0
#include "requests/families.hpp"

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "base/contract.hpp"
#include "drain.hpp"
#include "requests/list_stream.hpp"
#include "requests/traffic_spec.hpp"

namespace zettatwin::requests {
namespace {

using test::drained;
using Blocks = std::vector<std::uint64_t>;

std::shared_ptr<const Stream> listed(const std::vector<Blocks>& contents) {
  auto list = std::make_shared<RequestList>(16);
  std::int64_t ms = 0;
  for (const Blocks& blocks : contents)
    list->add({.arrival = units::Picoseconds(ms++ * 1'000'000'000), .input = 1000, .output = 1, .model = static_cast<std::int32_t>(blocks.empty() ? 0 : blocks[0] % 2), .session = 0, .blocks = blocks});
  return std::make_shared<ListStream>(std::move(list));
}

Blocks names(const CommonContent& common) {
  Blocks all;
  for (const auto& block : common.blocks()) all.push_back(block.name);
  return all;
}

// 100 requests begin with 1 2 3 and go on each for itself; 30 with 5; one conversation of ten turns begins with 7.
std::vector<Blocks> mixed_contents() {
  std::vector<Blocks> contents;
  for (std::uint64_t i = 0; i < 100; ++i) contents.push_back({1, 2, 3, 1000 + i, 2000 + i});
  for (std::uint64_t i = 0; i < 30; ++i) contents.push_back({5, 3000 + i});
  Blocks talk{7};
  for (std::uint64_t i = 0; i < 10; ++i) talk.push_back(4000 + i), contents.push_back(talk);
  return contents;
}

TEST(Families, WhatManyBeginWithIsCommon) {
  const auto stream = listed(mixed_contents());
  const std::vector streams{stream};
  EXPECT_EQ(names(*common_content(streams, 0.5, 1000)), (Blocks{1, 2, 3}));
  EXPECT_EQ(names(*common_content(streams, 0.1, 1000)), (Blocks{1, 2, 3, 5}));
  EXPECT_EQ(names(*common_content(streams, 0.01, 1000)), (Blocks{1, 2, 3, 5}));  // a conversation repeats itself
  EXPECT_EQ(names(*common_content(streams, 0.9, 1000)), Blocks{});
  EXPECT_EQ(names(*common_content(streams, 0.9, 100)), (Blocks{1, 2, 3}));       // of those that are read
  const auto common = common_content(streams, 0.1, 1000);
  EXPECT_EQ(common->blocks()[0].model, 1);
  EXPECT_TRUE(common->has(5));
  EXPECT_FALSE(common->has(7));
}

TEST(Families, BeginBelowWhatIsCommon) {
  const CommonContent common({{1, 0}, {2, 0}});
  const auto family = [&](const Blocks& blocks, std::uint64_t session, std::uint64_t number) {
    return family_of({.arrival = {}, .input = 100, .output = 1, .model = 0, .session = session, .blocks = blocks}, number, &common);
  };
  EXPECT_EQ(family({1, 2, 8, 9}, 0, 0), family({1, 2, 8, 10}, 3, 1));
  EXPECT_NE(family({1, 2, 8, 9}, 0, 0), family({1, 2, 9}, 0, 0));
  EXPECT_EQ(family({1, 2}, 3, 0), family({1}, 3, 1));     // a conversation without content of its own
  EXPECT_NE(family({1, 2}, 0, 0), family({1, 2}, 0, 1));  // nothing is shared but what is common
  EXPECT_EQ(family_of({.arrival = {}, .input = 1, .output = 1, .model = 0, .session = 0, .blocks = {1, 2}}, 4, nullptr), 1u);
  for (std::uint64_t f = 0; f < 1000; ++f) EXPECT_LT(class_of(f, 7, 3), 7u);
}

// Parts by families are the whole, each request once; none of two parts share content that is not common; parts are alike in size.
void expect_partition(const Stream& whole, const std::shared_ptr<const CommonContent>& common, std::int64_t of) {
  const auto all = drained(*whole.fresh());
  std::map<std::int64_t, int> times;
  std::map<std::uint64_t, std::int64_t> owner;
  std::size_t sum = 0;
  for (std::int64_t i = 0; i < of; ++i) {
    const auto part = whole.part({.instance = i, .of = of, .split = Split::families, .seed = 5, .common = common});
    const auto mine = drained(*part);
    EXPECT_EQ(drained(*part->fresh()).size(), mine.size());
    EXPECT_NEAR(part->means().rate.si(), whole.means().rate.si() / static_cast<double>(of), 0.3 * whole.means().rate.si() / static_cast<double>(of));
    EXPECT_NEAR(static_cast<double>(mine.size()), static_cast<double>(all.size()) / static_cast<double>(of), 0.3 * static_cast<double>(all.size()) / static_cast<double>(of));
    sum += mine.size();
    for (const Request& r : mine) {
      ++times[r.arrival.count()];
      for (const std::uint64_t block : r.blocks)
        if (!common->has(block)) { EXPECT_EQ(owner.emplace(block, i).first->second, i); }
    }
  }
  EXPECT_EQ(sum, all.size());
  for (const Request& r : all) EXPECT_GE(times[r.arrival.count()], 1);
}

TrafficSpec conversations(std::int64_t prefixes) {
  TrafficSpec spec;
  spec.rate = units::Hertz::from_si(100);
  spec.requests = 8000;
  spec.input = {.mean = 200, .cv = 1};
  spec.output = {.mean = 50, .cv = 1};
  spec.sessions.emplace();
  spec.shared_prefixes = SharedPrefixSpec{.share = 0.7, .count = prefixes, .tokens = 128, .zipf = 0.5};
  return spec;
}

TEST(Families, AreKeptTogether) {
  const std::shared_ptr<const Stream> talks = synthetic(conversations(400));
  expect_partition(*talks, common_content(std::vector{talks}, 0.02, 8000), 4);
  auto list = std::make_shared<RequestList>(16);
  for (const Request& r : drained(*talks->fresh())) list->add(r);
  const std::shared_ptr<const Stream> trace = std::make_shared<ListStream>(list);
  expect_partition(*trace, common_content(std::vector{trace}, 0.02, 8000), 4);
}

// Conversations that share nothing but common prefixes are drawn without the others: as many requests, as long, with the same prefixes and content of their own.
TEST(Families, OfALawAreDrawnAlone) {
  const std::shared_ptr<const Stream> whole = synthetic(conversations(3));
  const auto common = common_content(std::vector{whole}, 0.01, 8000);
  EXPECT_EQ(common->blocks().size(), 24u);
  const auto all = drained(*whole->fresh());
  double input = 0, tokens = 0, count = 0;
  std::set<std::uint64_t> seen;
  for (const Request& r : all) input += r.input;
  for (std::int64_t i = 0; i < 4; ++i) {
    const auto part = whole->part({.instance = i, .of = 4, .split = Split::families, .seed = 5, .common = common});
    EXPECT_NEAR(part->means().rate.si(), 25, 1e-9);
    const auto mine = drained(*part);
    std::set<std::uint64_t> own;
    for (const Request& r : mine) {
      tokens += r.input, count += 1;
      for (const std::uint64_t block : r.blocks)
        if (!common->has(block)) own.insert(block);
    }
    for (const std::uint64_t block : own) EXPECT_TRUE(seen.insert(block).second);
    EXPECT_NEAR(mine.back().arrival.seconds().si(), all.back().arrival.seconds().si(), 0.1 * all.back().arrival.seconds().si());
  }
  EXPECT_EQ(count, static_cast<double>(all.size()));
  EXPECT_NEAR(tokens / count, input / static_cast<double>(all.size()), 0.1 * tokens / count);
  auto single = conversations(1);
  single.sessions.reset();
  const auto plain = synthetic(single);
  const auto share = plain->part({.instance = 1, .of = 4, .split = Split::families, .seed = 5, .common = common_content(std::vector{std::shared_ptr<const Stream>(plain->fresh())}, 0.01, 8000)});
  EXPECT_NEAR(static_cast<double>(drained(*share).size()), 2000, 200);
}

}  // namespace
}  // namespace zettatwin::requests
