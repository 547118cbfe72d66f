// SPDX-License-Identifier: Apache-2.0
// What a layer's operations owe to the framework and to the way of training: dispatchers, attention generations, frozen weights, recomputed products.
#include <algorithm>

#include "operations_fixture.hpp"

namespace zettatwin::workload {
namespace {

using namespace testing;

LayerOperations layer_with(const model::Architecture& a, const plan::Plan& plan, const software::Profile& software) { return layer_operations(a, a.kinds[0], plan, kShape, software); }

TEST(SoftwareOperations, EveryCopyTravelsOnItsOwnWithoutDeduplication) {
  auto software = test::catalog_software();
  software.dispatcher = software::Dispatcher::all_to_all;
  const auto ops = layer_with(expert_model(), {.ep = 8}, software);
  const auto& dispatch = work_of<Communication>(ops.forward, "dispatch");
  EXPECT_EQ(dispatch.tokens_sent, 0) << "no token is known to travel once";
  EXPECT_EQ(dispatch.bytes.si(), 4 * kTokens * 1024 * 2);
}

TEST(SoftwareOperations, TokensTravelInTheFormatOfTheFramework) {
  auto software = test::catalog_software();
  const plan::Plan plan{.ep = 8, .recipe = plan::Recipe::mxfp8};
  const double quantised = bytes_of(layer_with(expert_model(), plan, software).forward, "dispatch");
  software.quantised_dispatch = false;
  EXPECT_EQ(bytes_of(layer_with(expert_model(), plan, software).forward, "dispatch"), 4 * kTokens * 1024 * 2);
  EXPECT_LT(quantised, 4 * kTokens * 1024 * 1.1);
}

TEST(SoftwareOperations, ExchangesRunBesideAnotherMicrobatch) {
  plan::Plan plan{.ep = 8};
  plan.overlap.ep = true;
  const auto ops = layer_of(expert_model(), plan);
  EXPECT_EQ(named(ops.forward, "dispatch").hiding, Hiding::background);
  EXPECT_EQ(named(ops.backward_input, "combine backward").hiding, Hiding::background);
  plan.schedule = plan::ScheduleKind::dualpipe;
  EXPECT_EQ(named(layer_of(expert_model(), plan).forward, "dispatch").hiding, Hiding::none) << "both passes are played";
}

TEST(SoftwareOperations, AttentionOfAnOlderGeneration) {
  auto software = test::catalog_software();
  software.attention = software::AttentionKernel::flash1;
  const auto ops = layer_with(dense_model(), {}, software);
  EXPECT_EQ(work_of<compute::AttentionOp>(ops.forward, "attention").kernel, compute::AttentionKernel::flash1);
  EXPECT_EQ(work_of<compute::AttentionOp>(ops.backward_input, "attention backward").kernel, compute::AttentionKernel::flash1);
}

// One scale per tensor, found anew: the tensor is read once, 2 bytes per value, before each cast, forward and backward.
TEST(SoftwareOperations, ScalesOfWholeTensorsAreSearchedBeforeCasts) {
  auto software = test::catalog_software();
  const plan::Plan plan{.recipe = plan::Recipe::fp8_block};
  const auto without = layer_with(dense_model(), plan, software);
  software.scale_search = {.value = units::Bytes::from_si(2), .provenance = {}, .present = true};
  const auto with = layer_with(dense_model(), plan, software);
  const auto count = [](const std::vector<Operation>& ops, std::string_view name) { return std::count_if(ops.begin(), ops.end(), [&](const Operation& op) { return op.name == name; }); };
  EXPECT_EQ(count(without.forward, "search for scales"), 0);
  EXPECT_EQ(count(with.forward, "search for scales"), count(with.forward, "cast of inputs"));
  EXPECT_EQ(count(with.backward_input, "search for scales"), count(with.backward_input, "cast of gradients"));
  const auto first = std::find_if(with.forward.begin(), with.forward.end(), [](const Operation& op) { return op.name == "search for scales"; });
  ASSERT_NE(first, with.forward.end());
  EXPECT_EQ(std::get<compute::MemoryOp>(first->work).bytes.si(), 2 * kTokens * 1024) << "of the first input";
  EXPECT_EQ(count(layer_with(dense_model(), {}, software).forward, "search for scales"), 0) << "bf16 is not cast";
}

TEST(SoftwareOperations, FrozenWeightsHaveNoGradients) {
  const auto trained = layer_of(dense_model(), {.tp = 2}), frozen = layer_of(dense_model(), {.tp = 2, .frozen_weights = true});
  EXPECT_TRUE(frozen.backward_weight.empty());
  EXPECT_EQ(names_of(frozen.forward), names_of(trained.forward));
  EXPECT_EQ(frozen.backward_input.size() + 2, trained.backward_input.size()) << "two inputs are not gathered for weight gradients";
}

// 4,096 tokens of 8,192 features: 33,554,432 values; block FP8 has a scale of four bytes for 128 of them, MXFP8 one byte for 32, FP4 one byte for 16.
TEST(SoftwareOperations, GathersCarryTheProductsFormatWithItsScales) {
  const auto model = dense_model();
  const double values = kTokens * static_cast<double>(model.hidden);
  for (const auto& [recipe, bytes] : {std::pair(plan::Recipe::bf16, 2.0), std::pair(plan::Recipe::fp8_block, 1 + 4.0 / 128), std::pair(plan::Recipe::mxfp8, 1 + 1.0 / 32), std::pair(plan::Recipe::fp4, 0.5 + 1.0 / 16)}) {
    const auto ops = layer_of(model, {.tp = 2, .recipe = recipe});
    const auto expect_bytes = [](const std::vector<Operation>& all, std::string_view name, double expected) {
      int found = 0;  // around attention and around the feed-forward
      for (const auto& op : all) {
        if (op.name != name) continue;
        ++found;
        EXPECT_DOUBLE_EQ(std::get<Communication>(op.work).bytes.si(), expected) << name;
      }
      EXPECT_EQ(found, 2) << name;
    };
    expect_bytes(ops.forward, "all-gather of inputs", values * bytes);
    expect_bytes(ops.backward_input, "all-gather of output gradients", values * bytes);
    expect_bytes(ops.forward, "reduce-scatter of outputs", values * 2);  // sums are not cast
  }
}

TEST(SoftwareOperations, ProductsOfTheFeedForwardRunAgain) {
  auto software = test::catalog_software();
  const auto again = [&](std::string_view name) { return named(layer_with(dense_model(), {}, software).forward, name).recomputed_selectively; };
  EXPECT_FALSE(again("feed-forward up projection"));
  software.selective = {software::Module::mlp_up};
  EXPECT_TRUE(again("feed-forward up projection"));
  EXPECT_FALSE(again("activation"));
  EXPECT_FALSE(again("feed-forward down projection"));
  software.selective = {software::Module::mlp};
  EXPECT_TRUE(again("feed-forward up projection"));
  EXPECT_TRUE(again("activation"));
  EXPECT_TRUE(again("feed-forward down projection"));
  EXPECT_FALSE(again("qkv projection"));
}

double cast_elements(const std::vector<Operation>& operations) {
  double sum = 0;
  for (const auto& op : operations)
    if (const auto* q = std::get_if<compute::Quantise>(&op.work)) sum += q->elements;
  return sum;
}

// Casts happen where the sequence is sharded if what is gathered travels cast: inputs of 1,024 features by qkv and up projection, their like of the gradients of
// both outputs; 512 and 2,048 features of the rank's own are cast whole. 2 + 2 ranks of 4.
TEST(SoftwareOperations, WhatIsGatheredIsCastBefore) {
  auto software = test::catalog_software();
  const plan::Plan plan{.tp = 4, .recipe = plan::Recipe::mxfp8};
  const auto before = layer_with(dense_model(), plan, software);
  EXPECT_EQ(cast_elements(before.forward), kTokens * (1024 / 4 + 256 + 1024 / 4 + 1024));
  EXPECT_EQ(cast_elements(before.backward_input), kTokens * (512 + 1024 / 4 + 2048 + 1024 / 4));
  software.quantised_gather = false;
  const auto after = layer_with(dense_model(), plan, software);
  EXPECT_EQ(cast_elements(after.forward), kTokens * (1024 + 256 + 1024 + 1024));
  EXPECT_EQ(cast_elements(after.backward_input), kTokens * (512 + 1024 + 2048 + 1024));
  for (const auto& op : after.forward)
    if (op.name == "all-gather of inputs") {
      EXPECT_EQ(std::get<Communication>(op.work).bytes.si(), kTokens * 1024 * 2);
    }
  EXPECT_EQ(cast_elements(layer_with(dense_model(), {.tp = 4, .sequence_parallel = false, .recipe = plan::Recipe::mxfp8}, software).forward), cast_elements(after.forward)) << "nothing is gathered";
}

// A scale per row serves one product: inputs by row forward, by column for weight gradients, gradients by both.
TEST(SoftwareOperations, RowScalesCastEachCopyOnItsOwn) {
  auto software = test::catalog_software();
  const plan::Plan plan{.recipe = plan::Recipe::fp8_block};
  const auto once = layer_with(dense_model(), plan, software);
  software.row_scales = true;
  software.rescale = {.value = units::Bytes::from_si(4), .provenance = {}, .present = true};
  const auto rows = layer_with(dense_model(), plan, software);
  for (const auto* list : {&rows.forward, &rows.backward_input})
    for (const auto& op : *list)
      if (const auto* q = std::get_if<compute::Quantise>(&op.work)) {
        EXPECT_EQ(q->copies, 1) << op.name;
      }
  EXPECT_EQ(cast_elements(rows.forward), cast_elements(once.forward));
  EXPECT_EQ(cast_elements(rows.backward_input), 2 * cast_elements(once.backward_input) + cast_elements(once.forward));
  const auto rescaled = [](const std::vector<Operation>& list) {
    double bytes = 0;
    for (const auto& op : list)
      if (op.name == "scales after the product") bytes += std::get<compute::MemoryOp>(op.work).bytes.si();
    return bytes;
  };
  EXPECT_EQ(rescaled(rows.forward), 0) << "forward products scale themselves";
  EXPECT_EQ(rescaled(rows.backward_input), 4 * kTokens * (1024 + 1024 + 1024 + 4096)) << "input gradients";
  EXPECT_EQ(rescaled(rows.backward_weight), 4.0 * 1024 * (1536 + 1024 + 8192 + 4096)) << "weight gradients";
  EXPECT_EQ(rescaled(layer_with(dense_model(), {}, software).backward_input), 0) << "bf16 has no scales";
}

TEST(SoftwareOperations, WhatIsGatheredMayBeKept) {
  auto software = test::catalog_software();
  const plan::Plan plan{.tp = 4};
  const auto again = layer_with(dense_model(), plan, software);
  software.keeps_gathered = true;
  const auto kept = layer_with(dense_model(), plan, software);
  EXPECT_EQ(kept.backward_input.size() + 2, again.backward_input.size()) << "no gathers for weight gradients";
  for (const auto& op : kept.forward) EXPECT_EQ(op.recomputed_selectively, op.name == "all-gather of inputs" || op.name == "norm" || op.name == "activation") << op.name;
}

// Two gathers and two scatters forward, the same backward, each with a pass over all it carries; the one behind a gather waits for it.
TEST(SoftwareOperations, PartsAreBroughtInOrder) {
  auto software = test::catalog_software();
  software.collective_copy = {.value = units::Bytes::from_si(4), .provenance = {}, .present = true};
  plan::Plan plan{.tp = 4, .recipe = plan::Recipe::mxfp8};
  const auto ops = layer_with(dense_model(), plan, software);
  double forward = 0;
  for (std::size_t i = 0; i < ops.forward.size(); ++i) {
    const auto* communication = std::get_if<Communication>(&ops.forward[i].work);
    if (!communication) continue;
    const bool gathers = communication->op == network::Collective::all_gather;
    const auto& copy = ops.forward[gathers ? i + 1 : i - 1];
    EXPECT_EQ(copy.name, "order of gathered parts");
    EXPECT_DOUBLE_EQ(std::get<compute::MemoryOp>(copy.work).bytes.si(), 2 * communication->bytes.si()) << "read and written in the format on the wire";
    forward += 1;
  }
  EXPECT_EQ(forward, 4);
  plan.overlap.tp = true;
  for (const auto& op : layer_with(dense_model(), plan, software).forward) EXPECT_NE(op.name, "order of gathered parts") << "products write where the parts belong";
}

// What is reduced beside a product arrives as one part per rank: read once more at the end, after the message; nothing where messages are waited for.
TEST(SoftwareOperations, PartsOfAllRanksAreAddedUp) {
  auto software = test::catalog_software();
  software.partial_sum = {.value = units::Bytes::from_si(2), .provenance = {}, .present = true};
  plan::Plan plan{.tp = 4};
  for (const auto& op : layer_with(dense_model(), plan, software).forward) EXPECT_NE(op.name, "sum of the ranks' parts");
  plan.overlap.tp = true;
  const auto ops = layer_with(dense_model(), plan, software);
  for (const auto* pass : {&ops.forward, &ops.backward_input}) {
    int sums = 0;
    for (std::size_t i = 0; i < pass->size(); ++i) {
      const auto* communication = std::get_if<Communication>(&(*pass)[i].work);
      if (!communication || communication->op != network::Collective::reduce_scatter) continue;
      ASSERT_LT(i + 1, pass->size());
      EXPECT_EQ((*pass)[i + 1].name, "sum of the ranks' parts");
      EXPECT_DOUBLE_EQ(std::get<compute::MemoryOp>((*pass)[i + 1].work).bytes.si(), communication->bytes.si());
      ++sums;
    }
    EXPECT_EQ(sums, 2);
  }
}

// Of 8 heads on 2 key heads keys travel four times as often; three parts after the first are joined, of 1,024 tokens each rank has.
TEST(SoftwareOperations, RingAttentionOfPyTorch) {
  auto software = test::catalog_software();
  const auto a = dense_model();
  const plan::Plan plan{.cp = 4};
  const auto plain = layer_with(a, plan, software);
  for (const auto& op : plain.forward) EXPECT_NE(op.name, "joining of partial results");
  software.repeats_keys = true;
  software.ring_merge = {.forward = {.value = units::Bytes::from_si(30), .provenance = {}, .present = true}, .backward = {.value = units::Bytes::from_si(50), .provenance = {}, .present = true}};
  const auto ops = layer_with(a, plan, software);
  EXPECT_DOUBLE_EQ(bytes_of(ops.forward, "ring exchange of keys and values"), 4 * bytes_of(plain.forward, "ring exchange of keys and values"));
  EXPECT_DOUBLE_EQ(bytes_of(ops.backward_input, "ring exchange of key and value gradients"), 4 * bytes_of(plain.backward_input, "ring exchange of key and value gradients"));
  const double features = 3 * kTokens / 4 * 8 * 128;
  EXPECT_DOUBLE_EQ(work_of<compute::MemoryOp>(ops.forward, "joining of partial results").bytes.si(), 30 * features);
  EXPECT_DOUBLE_EQ(work_of<compute::MemoryOp>(ops.backward_input, "joining of partial results").bytes.si(), 50 * features);
}

TEST(SoftwareOperations, ProductsAroundAttentionRunAgain) {
  auto software = test::catalog_software();
  software.selective = {software::Module::attn_proj};
  const auto again = [&](std::int64_t tp, std::string_view name) { return named(layer_with(dense_model(), {.tp = tp}, software).forward, name).recomputed_selectively; };
  EXPECT_TRUE(again(1, "qkv projection"));
  EXPECT_TRUE(again(1, "rotary embedding and layout"));
  EXPECT_TRUE(again(1, "attention output projection"));
  EXPECT_FALSE(again(1, "attention"));
  EXPECT_FALSE(again(4, "attention output projection")) << "its sum over ranks is kept";
}

}  // namespace
}  // namespace zettatwin::workload
