// SPDX-License-Identifier: Apache-2.0
// Two halves of a batch: how much of the exchange passes beside computing.
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include "served.hpp"

namespace zettatwin::inference {
namespace {

using test::free_software;
using test::served;
using test::Toy;
using test::toy_machine;
using test::toy_model;

constexpr double kRounding = 1e-11;

double of(const Parts& parts, Part part) { return parts[static_cast<std::size_t>(part)]; }
double layers(const Parts& parts) { return std::accumulate(parts.begin(), parts.end(), 0.0) - of(parts, Part::head); }

inference::Served pools(double bytes_per_s, double share, double cores, const std::string& text) {
  Toy toy;
  toy.levels = {{"node", 4, bytes_per_s, 0}};
  auto software = free_software();
  software.overlap_share.value = units::Ratio::from_si(share);
  software.exchange_cores.value = units::Ratio::from_si(cores);
  return served(toy_machine(toy), toy_model(test::kToyExperts), software, "dp=4,ep=4,instances=1,load.kind=balanced" + text);
}

// 512 sequences: 128 per rank, 64 in each half. Three layers send a token's 512 features in a byte each with four scales, and take two bytes of each back, for two experts of which three in four are elsewhere.
const serving::StepLoad kWhole{.sequences = 512, .cached = 512 * 128, .chunks = {}}, kHalf{.sequences = 256, .cached = 256 * 128, .chunks = {}};
constexpr double kSent = 3 * 128 * 2 * 0.75 * (512 + 4 * 4 + 2 * 512);

TEST(TwoBatchOverlap, ShowsWhatTheShareLeavesOfTheExchange) {
  for (const double bandwidth : {2e10, 1e8}) {
    const auto half = pools(bandwidth, 1, 0, "").pools[0].timer->parts(kHalf);
    const double exchange = 2 * of(half, Part::exchange), computing = 2 * layers(half) - exchange;
    EXPECT_NEAR(exchange, kSent / bandwidth, 1e-9 * exchange);
    EXPECT_EQ(bandwidth > 1e10, exchange < computing);
    for (const double share : {0.0, 0.3, 0.7, 1.0}) {
      const auto parts = pools(bandwidth, share, 0, ",two_batch_overlap=true").pools[0].timer->parts(kWhole);
      const double serial = layers(pools(bandwidth, share, 0, "").pools[0].timer->parts(kWhole));
      EXPECT_NEAR(layers(parts), std::min(serial, std::max(exchange, computing + (1 - share) * exchange)), kRounding) << share << " at " << bandwidth;
    }
  }
}

TEST(TwoBatchOverlap, MoreHiddenIsNeverSlower) {
  for (const double cores : {0.0, 0.2})
    for (const double bandwidth : {3e9, 3e8}) {
      double before = 1e30;
      for (int tenth = 0; tenth <= 10; ++tenth) {
        const double now = layers(pools(bandwidth, tenth / 10.0, cores, ",two_batch_overlap=true").pools[0].timer->parts(kWhole));
        EXPECT_LE(now, before + kRounding) << tenth << " of " << cores << " at " << bandwidth;
        before = now;
      }
    }
}

TEST(TwoBatchOverlap, ExplanationsNameTheShare) {
  const auto root = pools(1e9, 0.7, 0, ",two_batch_overlap=true").pools[0].timer->explain(kWhole);
  const auto named = [&](const char* name) { return std::find_if(root.inputs.begin(), root.inputs.end(), [&](const result::Input& i) { return i.name == name; }); };
  ASSERT_NE(named("overlap_share"), root.inputs.end());
  EXPECT_EQ(named("overlap_share")->value, "0.700");
  EXPECT_NE(root.formula.find("overlap_share"), std::string::npos);
  EXPECT_TRUE(pools(1e9, 0.7, 0, "").pools[0].timer->explain(kWhole).inputs.empty());
}

TEST(TwoBatchOverlap, EnginesSayHowMuch) {
  EXPECT_EQ(test::catalog_serving("deepseek").overlap_share.si(), 1);
  EXPECT_EQ(test::catalog_serving("cann").overlap_share.si(), 0.7);
}

}  // namespace
}  // namespace zettatwin::inference
