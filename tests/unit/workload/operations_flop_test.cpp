// SPDX-License-Identifier: Apache-2.0
// Sharding moves work between ranks; it makes none and loses none.
#include "operations_fixture.hpp"

namespace zettatwin::workload {
namespace {

using namespace testing;

struct Case {
  const char* name;
  model::Architecture model;
  std::vector<plan::Plan> plans;
};

model::Architecture many_heads(model::Architecture a) {
  a.kinds[0].attention.kv_heads = a.kinds[0].attention.heads;  // none replicated
  return a;
}

std::vector<Case> cases() {
  const auto dense = std::vector<plan::Plan>{{.tp = 2}, {.tp = 8}, {.cp = 4}, {.tp = 2, .cp = 2}, {.tp = 4, .sequence_parallel = false},
                                             {.tp = 2, .cp = 4, .cp_kind = plan::ContextParallelKind::all_to_all}};
  const auto mixed = std::vector<plan::Plan>{{.ep = 4}, {.ep = 16}, {.tp = 2, .ep = 8}, {.tp = 4, .cp = 2, .ep = 8, .etp = 2}, {.tp = 2, .ep = 2, .etp = 2}, {.cp = 2, .ep = 16}};
  return {{"dense", many_heads(dense_model()), dense}, {"latent", latent_model(), {{.tp = 2}, {.tp = 8}, {.cp = 4}, {.tp = 4, .cp = 2}}},
          {"experts", many_heads(expert_model()), mixed}};
}

// Ranks that share one microbatch.
double sharers(const plan::Plan& p) { return static_cast<double>(p.tp * p.cp); }

TEST(FlopConservation, RanksTogetherDoTheUnshardedWork) {
  for (const auto& c : cases()) {
    const auto whole = layer_of(c.model, {});
    for (const auto& plan : c.plans) {
      const auto part = layer_of(c.model, plan);
      const auto where = ::testing::Message() << c.name << " tp " << plan.tp << " cp " << plan.cp << " ep " << plan.ep << " etp " << plan.etp;
      EXPECT_NEAR(flop_of(part.forward) * sharers(plan) / flop_of(whole.forward), 1, 1e-12) << where;
      EXPECT_NEAR(flop_of(part.backward_input) * sharers(plan) / flop_of(whole.backward_input), 1, 1e-12) << where;
      EXPECT_NEAR(flop_of(part.backward_weight) * sharers(plan) / flop_of(whole.backward_weight), 1, 1e-12) << where;
    }
  }
}

TEST(FlopConservation, TheHeadToo) {
  const auto model = dense_model();
  const auto whole = head_operations(model, {}, kShape, test::catalog_software());
  for (const plan::Plan& plan : {plan::Plan{.tp = 8}, plan::Plan{.cp = 4}, plan::Plan{.tp = 2, .cp = 2}})
    EXPECT_DOUBLE_EQ(flop_of(head_operations(model, plan, kShape, test::catalog_software()).forward) * sharers(plan), flop_of(whole.forward));
}

TEST(FlopConservation, ReplicatedKeyValueHeadsAreTheOnlyExtraWork) {
  // Two key/value heads on eight ranks: each computes one, eight in all instead of two.
  const auto model = dense_model();
  const double whole = flop_of(layer_of(model, {}).forward), part = flop_of(layer_of(model, {.tp = 8}).forward);
  const double one_head = 2 * kTokens * 1024 * (128 + 128);
  EXPECT_NEAR(8 * part - whole, 6 * one_head, 1);
}

TEST(FlopConservation, BackwardProductsCostTwiceTheForward) {
  for (const auto& c : cases())
    for (const auto& plan : c.plans) {
      const auto ops = layer_of(c.model, plan);
      EXPECT_NEAR((flop_of(ops.backward_input, false) + flop_of(ops.backward_weight, false)) / flop_of(ops.forward, false), 2, 1e-12) << c.name;
      EXPECT_DOUBLE_EQ(flop_of(ops.backward_input, false), flop_of(ops.backward_weight, false)) << c.name;
    }
}

TEST(FlopConservation, ThePrecisionDoesNotChangeIt) {
  const auto model = expert_model();
  EXPECT_EQ(flop_of(layer_of(model, {.ep = 4}).forward), flop_of(layer_of(model, {.ep = 4, .recipe = plan::Recipe::fp8_block}).forward));
}

TEST(FlopConservation, AttentionBackwardIsFiveProductsForTwo) {
  const auto ops = layer_of(dense_model(), {});
  EXPECT_DOUBLE_EQ(flop_of({named(ops.backward_input, "attention backward")}), 2.5 * flop_of({named(ops.forward, "attention")}));
}

// Narayanan et al. 2021, eq. 3, per token: 96 l h^2 (1 + s / 6h + V / 16 l h), with full recomputation; a quarter of the layers' and their attention's less without.
TEST(HardwareFlop, IsThePublishedFormulaOfAGpt) {
  const double l = 96, h = 12288, length = 2048, v = 51200;
  model::Architecture gpt = many_heads(dense_model());
  gpt.hidden = 12288;
  gpt.vocabulary = 51200;
  gpt.runs = {{96, 0}};
  auto& layer = gpt.kinds[0];
  layer.attention.heads = layer.attention.kv_heads = 96;
  layer.attention.head_dim = layer.attention.v_head_dim = 128;
  layer.dense->intermediate = 4 * 12288;
  layer.dense->gated = false;
  const auto per_token = [&](plan::Recompute recompute) { return hardware_flop_per_token(gpt, {.recompute = recompute}, test::catalog_software(), 2048).si(); };
  const double published = 96 * l * h * h * (1 + length / (6 * h) + v / (16 * l * h));
  EXPECT_NEAR(per_token(plan::Recompute::full) / published, 1, 1e-12);
  EXPECT_NEAR((per_token(plan::Recompute::full) - per_token(plan::Recompute::none)) / (24 * l * h * h * (1 + length / (6 * h))), 1, 1e-12);
  EXPECT_DOUBLE_EQ(per_token(plan::Recompute::selective), per_token(plan::Recompute::none)) << "norms and activation functions multiply nothing";
  EXPECT_NEAR((per_token(plan::Recompute::none) - model_flop_per_token(gpt, 2048).si()) / (12 * l * h * (length - 1) / 2), 1, 1e-9) << "the other half of the scores";
}

}  // namespace
}  // namespace zettatwin::workload
