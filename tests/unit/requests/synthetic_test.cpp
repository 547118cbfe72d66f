// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <set>

#include "../../support/law.hpp"
#include "base/contract.hpp"
#include "base/stable_hash.hpp"
#include "drain.hpp"
#include "requests/traffic_spec.hpp"

namespace zettatwin::requests {
namespace {

using namespace test;
using namespace zettatwin::test;

constexpr std::int64_t kMany = 100'000;

TrafficSpec poisson(double rate = 50) {
  TrafficSpec spec;
  spec.rate = units::Hertz::from_si(rate);
  spec.input = {.mean = 1000, .cv = 0.5};
  spec.output = {.law = LengthShape::uniform, .low = 100, .high = 300};
  spec.requests = kMany;
  return spec;
}

TEST(Synthetic, MeansAreThoseDrawn) {
  auto spec = poisson();
  spec.shared_prefixes = {.share = 0.25, .count = 4, .tokens = 100};
  const auto stream = synthetic(spec);
  EXPECT_EQ(stream->size(), kMany);
  const auto all = drained(*stream);
  ASSERT_EQ(all.size(), static_cast<std::size_t>(kMany));
  double input = 0, output = 0;
  for (const auto& r : all) input += r.input, output += r.output;
  const auto means = stream->means();
  EXPECT_DOUBLE_EQ(means.rate.si(), 50);
  EXPECT_DOUBLE_EQ(means.output, 200);
  EXPECT_NEAR(means.input, 1025, 1e-3);
  EXPECT_NEAR(input / kMany, means.input, 5 * 500 / std::sqrt(kMany));
  EXPECT_NEAR(output / kMany, means.output, 5 * 58 / std::sqrt(kMany));
  EXPECT_NEAR(all.back().arrival.seconds().si(), kMany / 50.0, 5 * std::sqrt(kMany) / 50);
}

TEST(Synthetic, SameBitsAgain) {
  auto spec = poisson();
  spec.requests = 1000;
  spec.shared_prefixes = {.share = 0.5, .count = 3, .tokens = 64, .zipf = 1};
  const auto hash_of = [](Stream& stream) {
    StableHash hash;
    for (const auto& r : drained(stream)) {
      hash.add(r.arrival.count()).add(std::int64_t{r.input}).add(std::int64_t{r.output});
      for (const auto b : r.blocks) hash.add(b);
    }
    return hash.value();
  };
  const auto stream = synthetic(spec);
  const auto first = hash_of(*stream);
  EXPECT_EQ(hash_of(*stream->fresh()), first);
  EXPECT_EQ(first, 10846954614444894541u);  // on every machine
  spec.seed = 2;
  EXPECT_NE(hash_of(*synthetic(spec)), first);
}

TEST(Synthetic, DurationAndCountEndIt) {
  auto spec = poisson();
  spec.duration = units::Seconds::from_si(100);
  const auto timed = synthetic(spec);
  EXPECT_EQ(timed->size(), std::nullopt);
  const auto all = drained(*timed);
  EXPECT_NEAR(static_cast<double>(all.size()), 5000, 5 * std::sqrt(5000));
  EXPECT_LE(all.back().arrival.seconds().si(), 100);
  Request r;
  EXPECT_FALSE(timed->next(r));
  spec.requests = 10;
  EXPECT_EQ(drained(*synthetic(spec)).size(), 10u);
}

// Every share has its count, the laws of the whole, and (round robin) together exactly the requests of the whole.
TEST(Synthetic, Parts) {
  const auto whole = synthetic(poisson());
  std::vector<double> gaps, filtered;
  std::int64_t count = 0;
  for (std::int64_t i = 0; i < 7; ++i) {
    const auto part = whole->part({.instance = i, .of = 7});
    const auto all = drained(*part);
    EXPECT_EQ(part->size(), static_cast<std::int64_t>(all.size()));
    EXPECT_NEAR(part->means().rate.si(), 50.0 / 7, 1e-12);
    count += static_cast<std::int64_t>(all.size());
    for (std::size_t k = 1; k < all.size(); ++k) gaps.push_back((all[k].arrival - all[k - 1].arrival).seconds().si());
    // A share of a share passes over.
    EXPECT_EQ(drained(*part->part({.instance = 1, .of = 2})).size(), all.size() / 2);
  }
  EXPECT_EQ(count, kMany);
  const auto all = drained(*whole->fresh());
  for (std::size_t k = 7; k < all.size(); ++k) filtered.push_back((all[k].arrival - all[k - 7].arrival).seconds().si());
  EXPECT_NEAR(moments(gaps).mean, moments(filtered).mean, 0.002);
  EXPECT_NEAR(moments(gaps).cv, 1 / std::sqrt(7), 0.01);

  double random_count = 0;
  for (std::int64_t i = 0; i < 7; ++i) random_count += static_cast<double>(drained(*whole->part({.instance = i, .of = 7, .split = Split::random})).size());
  EXPECT_NEAR(random_count, kMany, 5 * std::sqrt(kMany));
  EXPECT_THROW((void)whole->part({.instance = 7, .of = 7}), ContractFailure);
}

TEST(Synthetic, SharedPrefixes) {
  auto spec = poisson();
  spec.requests = 20'000;
  spec.shared_prefixes = {.share = 0.6, .count = 5, .tokens = 100, .zipf = 1};  // 100 tokens: 6 whole blocks of 16
  const auto stream = synthetic(spec);
  EXPECT_EQ(stream->block_tokens(), 16);
  std::map<std::vector<std::uint64_t>, double> seen;
  double without = 0;
  for (const auto& r : drained(*stream)) {
    if (r.blocks.empty()) { ++without; continue; }
    ASSERT_EQ(r.blocks.size(), 6u);
    EXPECT_GT(r.input, 100);
    seen[r.blocks] += 1;
  }
  EXPECT_NEAR(without, 8000, 5 * std::sqrt(20'000 * 0.24));
  ASSERT_EQ(seen.size(), 5u);
  std::vector<double> counts, expected;
  for (const auto& [blocks, n] : seen) counts.push_back(n);
  std::sort(counts.rbegin(), counts.rend());
  for (int rank = 1; rank <= 5; ++rank) expected.push_back((20'000 - without) / rank / (1 + 1 / 2.0 + 1 / 3.0 + 1 / 4.0 + 1 / 5.0));
  EXPECT_LT(pearson(counts, expected), kPearsonBound);
  // Another instance's share has the same contents.
  for (const auto& r : drained(*stream->part({.instance = 2, .of = 40}))) { EXPECT_TRUE(r.blocks.empty() || seen.contains(r.blocks)); }
}

TEST(Synthetic, ClosedLoop) {
  TrafficSpec spec;
  spec.concurrency = 10;
  spec.requests = 101;
  spec.input = {.law = LengthShape::uniform, .low = 819, .high = 1024};
  spec.output = {.mean = 128};
  const auto stream = synthetic(spec);
  EXPECT_EQ(stream->concurrency(), 10);
  EXPECT_EQ(stream->size(), 101);
  EXPECT_EQ(stream->means().rate.si(), 0);
  const auto all = drained(*stream);
  ASSERT_EQ(all.size(), 101u);
  for (const auto& r : all) EXPECT_TRUE(r.arrival.count() == 0 && r.output == 128 && r.input >= 819 && r.input <= 1024);
  std::int64_t clients = 0, requests = 0;
  for (std::int64_t i = 0; i < 4; ++i) {
    const auto part = stream->part({.instance = i, .of = 4});
    clients += part->concurrency();
    requests += static_cast<std::int64_t>(drained(*part).size());
  }
  EXPECT_EQ(clients, 10);
  EXPECT_EQ(requests, 101);
}

config::Diagnostics read(const char* text, std::optional<TrafficSpec>& spec) {
  config::Diagnostics diagnostics;
  const auto node = config::parse_document(text, "t.yaml", diagnostics);
  spec = node ? read_traffic(*node, diagnostics) : std::nullopt;
  return diagnostics;
}

TEST(TrafficSpec, Reads) {
  std::optional<TrafficSpec> spec;
  auto d = read("arrivals: gamma\nrate: 6,000 requests/min\ncv: 2\ndiurnal: {peak_to_mean: 1.4, peak: 14 h}\ninput: 1024\noutput: {law: geometric, mean: 200, max: 4096}\n"
                "shared_prefixes: {share: 80 %, count: 10, tokens: 2048}\nsessions: {turns: 5, think: 30 s}\nrequests: 1000000\nduration: 1 h\n", spec);
  ASSERT_TRUE(spec) << d.all()[0].text();
  EXPECT_DOUBLE_EQ(spec->rate.si(), 100);
  EXPECT_EQ(spec->input.mean, 1024);
  EXPECT_EQ(spec->output.max, 4096);
  EXPECT_DOUBLE_EQ(spec->shared_prefixes->share, 0.8);
  EXPECT_EQ(spec->sessions->turns.mean, 5);
  EXPECT_DOUBLE_EQ(spec->diurnal->peak.si(), 14 * 3600);
  EXPECT_DOUBLE_EQ(synthetic(*spec)->means().rate.si(), 100);
}

TEST(TrafficSpec, ReportsAllProblems) {
  std::optional<TrafficSpec> spec;
  const auto text = [&](const char* document) {
    std::string all;
    const auto diagnostics = read(document, spec);
    for (const auto& d : diagnostics.all()) all += d.text() + "\n";
    EXPECT_FALSE(spec);
    return all;
  };
  auto all = text("rate: 10 requests/s\nconcurrency: 4\ninput: 0\noutput: {law: uniform, low: 5, high: 2}\n");
  EXPECT_NE(all.find("both a rate and a concurrency"), std::string::npos) << all;
  EXPECT_NE(all.find("t.yaml:3:8: error: the mean length is below 1 token"), std::string::npos) << all;
  EXPECT_NE(all.find("no range of lengths"), std::string::npos) << all;
  EXPECT_NE(text("input: 10\noutput: 10\n").find("neither a rate nor a concurrency"), std::string::npos);
  EXPECT_NE(text("rate: 10 requests/s\noutput: 10\n").find("input"), std::string::npos);
  EXPECT_NE(text("rate: 10 GB/s\ninput: 10\noutput: 10\n").find("t.yaml:1:7"), std::string::npos);
  EXPECT_NE(text("rate: 1 /s\ncv: 2\ninput: 10\noutput: 10\n").find("cv"), std::string::npos);
  EXPECT_NE(text("rate: 1 /s\ninput: {law: histogram}\noutput: 10\n").find("no bin"), std::string::npos);
}

TEST(TrafficDocument, ClosedLoopsRunTenRoundsUnlessTheySay) {
  const auto requests = [](const std::string& yaml) {
    config::Diagnostics diagnostics;
    const auto node = config::parse_document(yaml, "t.yaml", diagnostics);
    const auto spec = node ? read_traffic(*node, diagnostics) : std::nullopt;
    EXPECT_TRUE(spec);
    return spec ? spec->requests : -1;
  };
  EXPECT_EQ(requests("{concurrency: 4, input: 10, output: 10}"), 40);
  EXPECT_EQ(requests("{concurrency: 4, requests: 7, input: 10, output: 10}"), 7);
  EXPECT_EQ(requests("{rate: 4 /s, input: 10, output: 10}"), 0);
}

}  // namespace
}  // namespace zettatwin::requests
