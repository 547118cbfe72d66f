// SPDX-License-Identifier: Apache-2.0
// What a layer's operations owe to the framework and to the way of training: dispatchers, attention generations, frozen weights, recomputed products.
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
  EXPECT_EQ(work_of<compute::MemoryOp>(with.forward, "search for scales").bytes.si(), 2 * kTokens * 1024) << "of the first input";
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

}  // namespace
}  // namespace zettatwin::workload
