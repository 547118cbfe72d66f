// SPDX-License-Identifier: Apache-2.0
#include "plan/layout.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <random>

#include "models.hpp"

namespace zettatwin::plan {
namespace {

using testing::dense_model;
using testing::expert_model;

const LayerWeights kUnit{.kinds = {1}};

std::vector<std::int64_t> counts(const Layout& layout) {
  std::vector<std::int64_t> result;
  for (const auto& chunk : layout.chunks) result.push_back(chunk.layer_count());
  return result;
}

Layout layout_of(const Plan& plan, const model::Architecture& a, const LayerWeights& weights) {
  config::Diagnostics d;
  auto layout = make_layout(plan, a, weights, config::location_in("plan"), d);
  EXPECT_TRUE(layout && !d.has_errors());
  return *layout;
}

TEST(Layout, EvenLayersAreEven) { EXPECT_EQ(counts(layout_of(Plan{.pp = 4}, dense_model(32), kUnit)), (std::vector<std::int64_t>{8, 8, 8, 8})); }

TEST(Layout, RemainderGoesToLaterChunks) {
  const auto c = counts(layout_of(Plan{.pp = 4}, dense_model(30), kUnit));
  EXPECT_EQ(c, (std::vector<std::int64_t>{7, 7, 8, 8}));
}

TEST(Layout, EndsTakeFewerLayers) {
  // 126 layers over 16 stages whose ends carry one layer's worth of embedding and head: 7 at both ends, as Llama 3 405B was trained.
  const auto c = counts(layout_of(Plan{.pp = 16}, dense_model(126), {.kinds = {1}, .embedding = 1, .head = 1}));
  EXPECT_EQ(c.front(), 7);
  EXPECT_EQ(c.back(), 7);
  EXPECT_EQ(std::count(c.begin(), c.end(), 8), 14);
}

TEST(Layout, SpansFollowTheKinds) {
  auto a = expert_model(3, 13);
  a.mtp_depth = 1;
  a.mtp_layer = a.kinds[1];
  const auto layout = layout_of(Plan{.pp = 4, .layers_per_chunk = {5, 4, 4, 3}}, a, {.kinds = {1, 1}});
  EXPECT_EQ(layout.chunks[0].layers, (std::vector<LayerSpan>{{0, 3, 0}, {1, 2, 3}}));
  EXPECT_EQ(layout.chunks[3].layers, (std::vector<LayerSpan>{{1, 3, 13}}));
  EXPECT_TRUE(layout.chunks[0].has_embedding && !layout.chunks[0].has_head);
  EXPECT_TRUE(layout.chunks[3].has_head);
  EXPECT_EQ(layout.chunks[3].mtp, 1);
  EXPECT_EQ(layout.chunks[0].mtp, 0);
}

TEST(Layout, RanksHoldWhatTheirScheduleSays) {
  using Held = std::vector<std::vector<std::int32_t>>;
  Plan plan{.pp = 2};
  const auto a = dense_model(12);
  EXPECT_EQ(layout_of(plan, a, kUnit).held, (Held{{0}, {1}}));
  plan.schedule = ScheduleKind::interleaved;
  plan.vpp = 3;
  EXPECT_EQ(layout_of(plan, a, kUnit).held, (Held{{0, 2, 4}, {1, 3, 5}}));
  plan.vpp = 1;
  plan.schedule = ScheduleKind::zb_v;
  EXPECT_EQ(layout_of(plan, a, kUnit).held, (Held{{0, 3}, {1, 2}}));
  plan.schedule = ScheduleKind::dualpipe_v;
  EXPECT_EQ(layout_of(plan, a, kUnit).held, (Held{{0, 3}, {1, 2}}));
  plan.schedule = ScheduleKind::dualpipe;
  EXPECT_EQ(layout_of(plan, a, kUnit).held, (Held{{0, 1}, {1, 0}}));
}

TEST(Layout, ExplicitCountsMayBeEmptyAtTheEnds) {
  const auto layout = layout_of(Plan{.pp = 4, .layers_per_chunk = {0, 16, 16, 0}}, dense_model(32), kUnit);
  EXPECT_TRUE(layout.chunks[0].layers.empty());
  EXPECT_TRUE(layout.chunks[0].has_embedding);
}

TEST(Layout, RefusesWrongCounts) {
  config::Diagnostics d;
  const auto where = config::location_in("plan");
  EXPECT_FALSE(make_layout(Plan{.pp = 4, .layers_per_chunk = {8, 8, 8}}, dense_model(32), where, d));
  EXPECT_EQ(d.error_count(), 2u);  // entries and sum
  EXPECT_FALSE(make_layout(Plan{.pp = 40}, dense_model(32), where, d));
  EXPECT_EQ(d.error_count(), 3u);
}

TEST(LayerWeights, CountActiveWork) {
  const auto a = expert_model();
  const auto w = weights_by_parameters(a);
  // attention: q, o 4096^2, k, v 4096*1024; router 4096*64; 8 + 1 experts of 3*4096*2048; two norms.
  EXPECT_DOUBLE_EQ(w.kinds[1], 2 * 4096.0 * 4096 + 2 * 4096.0 * 1024 + 4096.0 * 64 + 9 * 3 * 4096.0 * 2048 + 2 * 4096);
  EXPECT_DOUBLE_EQ(w.head, 4096.0 * 128000);
}

// Slow, obvious reference: every composition of the layers.
double best_maximum(const std::vector<double>& layers, std::size_t from, std::size_t chunks, double first, double last) {
  double sum = first;
  if (chunks == 1) return std::accumulate(layers.begin() + static_cast<std::ptrdiff_t>(from), layers.end(), sum) + last;
  double best = 1e300;
  for (std::size_t to = from + 1; to + chunks - 1 <= layers.size(); ++to) {
    sum += layers[to - 1];
    best = std::min(best, std::max(sum, best_maximum(layers, to, chunks - 1, 0, last)));
  }
  return best;
}

// A stack of single layers whose kind i weighs i + 1.
model::Architecture stack_of(const std::vector<std::size_t>& kinds) {
  auto a = dense_model(1);
  a.kinds.assign(7, a.kinds[0]);
  a.runs.clear();
  for (const auto kind : kinds) a.runs.push_back({1, kind});
  return a;
}
const std::vector<double> kSevenKinds{1, 2, 3, 4, 5, 6, 7};

TEST(Layout, MaximumComesBeforeSumOfSquares) {
  // Weights 1 5 2 3: {1, 5, 5} has the sum of squares 51 and {6, 2, 3} only 49, but a heavier chunk.
  EXPECT_EQ(counts(layout_of(Plan{.pp = 3}, stack_of({0, 4, 1, 2}), {.kinds = kSevenKinds})), (std::vector<std::int64_t>{1, 1, 2}));
}

TEST(Layout, MatchesExhaustiveSearch) {
  std::mt19937 random(7);
  for (int round = 0; round < 300; ++round) {
    std::vector<std::size_t> kinds(random() % 9 + 1);
    std::vector<double> layers;
    for (auto& kind : kinds) layers.push_back(kSevenKinds[kind = random() % 7]);
    const LayerWeights w{.kinds = kSevenKinds, .embedding = static_cast<double>(random() % 4), .head = static_cast<double>(random() % 8)};
    const auto pp = static_cast<std::int64_t>(random() % kinds.size() + 1);
    const auto layout = layout_of(Plan{.pp = pp}, stack_of(kinds), w);
    double worst = 0;
    std::int64_t sum = 0;
    for (const auto& chunk : layout.chunks) {
      double weight = (chunk.has_embedding ? w.embedding : 0) + (chunk.has_head ? w.head : 0);
      for (const auto& span : chunk.layers) weight += static_cast<double>(span.count) * w.kinds[span.kind];
      worst = std::max(worst, weight);
      sum += chunk.layer_count();
      EXPECT_GE(chunk.layer_count(), 1);
    }
    EXPECT_EQ(sum, static_cast<std::int64_t>(kinds.size()));
    EXPECT_DOUBLE_EQ(worst, best_maximum(layers, 0, static_cast<std::size_t>(pp), w.embedding, w.head)) << round;
  }
}

}  // namespace
}  // namespace zettatwin::plan
