// SPDX-License-Identifier: Apache-2.0
// Formats that a deployment does not state are those that the model is published in.
#include <gtest/gtest.h>

#include <array>

#include "served.hpp"

namespace zettatwin::inference {
namespace {

using W = model::WeightFormat;

// The toy model with experts, as somebody publishes it.
model::Architecture published_in(W weights, W attention = W::unstated, W experts = W::unstated) {
  auto model = test::toy_model(test::kToyExperts);
  model.published = {.weights = weights, .attention = attention, .experts = experts};
  return model;
}

// weights, attention, its output, experts.
using Formats = std::array<Format, 4>;
Formats formats(const std::string& text, const model::Architecture& model) {
  const auto pool = with_published_formats(test::deployment(text).pools.front(), model);
  return {pool.weights, pool.attention_format(), pool.attention_output_format(), pool.expert_format()};
}

TEST(PublishedFormats, AreWhatNothingStatedMeans) {
  using enum Format;
  const auto deepseek = published_in(W::fp8_block), oss = published_in(W::bf16, W::unstated, W::mxfp4), nvfp4 = published_in(W::fp4, W::bf16);
  EXPECT_EQ(formats("tp=1", deepseek), (Formats{fp8_block, fp8_block, fp8_block, fp8_block}));
  EXPECT_EQ(formats("tp=1", oss), (Formats{bf16, bf16, bf16, mxfp4}));
  EXPECT_EQ(formats("tp=1", nvfp4), (Formats{fp4, bf16, bf16, fp4}));
  EXPECT_EQ(formats("tp=1", published_in(W::unstated)), (Formats{bf16, bf16, bf16, bf16})) << "unknown ones are taken to be wide";
}

TEST(PublishedFormats, StatedOnesWin) {
  using enum Format;
  const auto oss = published_in(W::bf16, W::unstated, W::mxfp4), nvfp4 = published_in(W::fp4, W::bf16);
  EXPECT_EQ(formats("weights=fp8", oss), (Formats{fp8, fp8, fp8, fp8})) << "parts that are as the weights follow the stated ones";
  EXPECT_EQ(formats("weights=bf16", nvfp4), (Formats{bf16, bf16, bf16, bf16}));
  EXPECT_EQ(formats("experts=fp4", oss), (Formats{bf16, bf16, bf16, fp4}));
  EXPECT_EQ(formats("attention=fp8", nvfp4), (Formats{fp4, fp8, fp8, fp4}));
  EXPECT_EQ(formats("attention_output=fp4", nvfp4), (Formats{fp4, bf16, fp4, fp4}));
  EXPECT_EQ(formats("weights=fp8,experts=published", oss), (Formats{fp8, fp8, fp8, mxfp4}));
  EXPECT_EQ(formats("weights=fp8,attention=fp4,attention_output=published", nvfp4), (Formats{fp8, fp4, bf16, fp8}));
  EXPECT_EQ(formats("weights=published", oss), formats("tp=1", oss));
}

TEST(PublishedFormats, ResolvingAgainChangesNothing) {
  for (const auto& model : {published_in(W::fp8_block), published_in(W::bf16, W::unstated, W::mxfp4), published_in(W::fp4, W::bf16), published_in(W::unstated)})
    for (const std::string text : {"tp=1", "weights=fp8", "experts=fp4", "attention=fp8,experts=published", "attention_output=published"}) {
      const auto once = with_published_formats(test::deployment(text).pools.front(), model), twice = with_published_formats(once, model);
      EXPECT_EQ((Formats{once.weights, once.attention, once.attention_output, once.experts}), (Formats{twice.weights, twice.attention, twice.attention_output, twice.experts})) << text;
    }
}

TEST(PublishedFormats, TheTextOfADeploymentNamesThemAndGivesThemAgain) {
  const auto oss = published_in(W::bf16, W::unstated, W::mxfp4);
  const auto text = text_of(test::deployment("tp=2,instances=1"), oss);
  EXPECT_EQ(text, "tp=2,ep=1,instances=1,weights=bf16,experts=mxfp4");
  EXPECT_EQ(formats(text, published_in(W::fp8)), formats("tp=2", oss)) << "whatever the next model is";
}

TEST(PublishedFormats, AreToldOnlyWhereAllPoolsHaveThem) {
  const auto model = published_in(W::fp8_block);
  const auto as = [&](const std::string& text, const model::Architecture& of) { return weights_as_published(test::deployment(text), of); };
  EXPECT_TRUE(as("tp=1", model));
  EXPECT_TRUE(as("weights=fp8_block", model)) << "stated, and the same";
  EXPECT_FALSE(as("weights=fp8", model));
  EXPECT_FALSE(as("attention=bf16", model));
  EXPECT_FALSE(as("prefill.weights=bf16,decode.tp=1", model));
  EXPECT_FALSE(as("tp=1", published_in(W::unstated))) << "nobody knows";
}

// Memory by hand: what serve() loads is what the format's bytes say, part by part.
TEST(PublishedFormats, DecideWhatAnInstanceHolds) {
  const auto machine = test::toy_machine();
  const auto held = [&](const model::Architecture& model, const std::string& text) { return test::served(machine, model, test::free_software(), text).pools[0].memory.weights.si(); };
  const auto wide = published_in(W::unstated), narrow = published_in(W::fp8_block), mixed = published_in(W::bf16, W::unstated, W::int4);
  const double all = held(wide, "instances=1"), routed = held(wide, "instances=1") - held(wide, "instances=1,experts=int4");
  EXPECT_NEAR(held(narrow, "instances=1"), held(wide, "instances=1,weights=fp8_block"), 1);
  EXPECT_LT(held(narrow, "instances=1"), 0.8 * all);
  EXPECT_NEAR(held(mixed, "instances=1"), all - routed, 1);
  EXPECT_NEAR(held(narrow, "instances=1,weights=bf16"), all, 1);
  const auto& experts = *wide.kinds.back().experts;
  double weights = 0;  // of routed experts: three matrices each
  for (const auto& run : wide.runs)
    if (wide.kinds[run.kind].experts) weights += static_cast<double>(run.count * experts.routed_experts * 3 * wide.hidden * experts.intermediate);
  EXPECT_NEAR(routed, weights * (2 - 0.5625), 1e-9 * routed);
}

// Scales of 16 bits and zero points of 4 bits per group, as the model is published or as stated.
TEST(PublishedFormats, GroupsOfIntegersCountTheirScales) {
  EXPECT_EQ(bytes_of(Format::int4), 0.5 + 2.0 / 32);
  EXPECT_EQ(bytes_of(Format::int4, {.size = 128}), 0.5 + 2.0 / 128);
  EXPECT_EQ(bytes_of(Format::int4, {.size = 128, .zeros = true}), 0.5 + 2.5 / 128);
  EXPECT_EQ(bytes_of(Format::int4, {.size = -1, .zeros = true}), 0.5);
  EXPECT_EQ(bytes_of(Format::fp4, {.size = 128}), bytes_of(Format::fp4));
  auto awq = published_in(W::int4);
  awq.published.groups = {.size = 128, .zeros = true};
  const auto groups = [&](const std::string& text, const model::Architecture& model) { return with_published_formats(test::deployment(text).pools.front(), model).groups(); };
  EXPECT_EQ(groups("tp=1", awq), awq.published.groups);
  EXPECT_EQ(groups("int4_group=64", awq), (model::IntegerGroups{.size = 64, .zeros = false})) << "stated: without zero points";
  EXPECT_EQ(groups("weights=int4,int4_group=128", published_in(W::bf16)), (model::IntegerGroups{.size = 128, .zeros = false}));
  EXPECT_EQ(groups("weights=int4", published_in(W::bf16)).size, 32);
  EXPECT_EQ(text_of(test::deployment("tp=1"), awq), "tp=1,ep=1,weights=int4,int4_group=128");
  EXPECT_EQ(text_of(test::deployment("weights=int4"), published_in(W::bf16)), "tp=1,ep=1,weights=int4");
  EXPECT_FALSE(weights_as_published(test::deployment("int4_group=64"), awq));
  const auto held = [&](const std::string& text) { return test::served(test::toy_machine(), awq, test::free_software(), text).pools[0].memory.weights.si(); };
  const double wide = held("instances=1,weights=bf16"), narrow = held("instances=1");
  EXPECT_NEAR((wide - narrow) / (wide - held("instances=1,weights=fp8")), (2 - 0.5 - 2.5 / 128) / (2 - 1), 1e-9);
}

// Four-bit integers: no chip multiplies them, all widen them.
TEST(PublishedFormats, IntegersOfFourBitsAreWidened) {
  for (const auto fp4 : {false, true}) {
    auto chip = test::toy_machine().chip;
    if (fp4) chip.matrix_peak[hardware::Precision::fp4] = chip.matrix_peak.at(hardware::Precision::bf16);
    const auto a = arithmetic_of(chip, Format::int4);
    EXPECT_TRUE(a.weight_only && !a.casts);
    EXPECT_EQ(a.precision, hardware::Precision::bf16);
    EXPECT_EQ(a.weight_bytes, 0.5625);
  }
}

}  // namespace
}  // namespace zettatwin::inference
