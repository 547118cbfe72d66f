// SPDX-License-Identifier: Apache-2.0
// In which formats the weights of a config.json are published.
#include <gtest/gtest.h>

#include "documents.hpp"
#include "model/preset.hpp"

namespace zettatwin::model {
namespace {

using F = WeightFormat;
using testing::all_text;

const std::string kSizes = "hidden_size: 64, num_hidden_layers: 4, num_attention_heads: 8, num_key_value_heads: 2, vocab_size: 1000, intermediate_size: 96";
const std::string kDense = "{model_type: llama, " + kSizes;
const std::string kExperts = "{model_type: qwen3_moe, " + kSizes + ", num_experts: 8, num_experts_per_tok: 2, moe_intermediate_size: 32";

// With `more` of the config, after the sizes.
PublishedFormats formats(const std::string& sizes, const std::string& more, std::string* problems = nullptr) {
  config::Diagnostics diagnostics;
  const auto a = testing::import_text(sizes + (more.empty() ? "" : ", " + more) + "}", diagnostics);
  EXPECT_TRUE(a) << all_text(diagnostics);
  if (problems) *problems = all_text(diagnostics);
  else EXPECT_TRUE(diagnostics.all().empty()) << all_text(diagnostics);
  return a ? a->published : PublishedFormats{};
}
PublishedFormats all(F format) { return {.weights = format}; }
PublishedFormats only_experts(F format) { return {.weights = F::bf16, .attention = F::unstated, .experts = format}; }

std::string quantised(const std::string& keys) { return "torch_dtype: bfloat16, quantization_config: {" + keys + "}"; }

// compressed-tensors or Model Optimizer with one group.
std::string group(const std::string& weights, const std::string& more = "") {
  return quantised("quant_method: compressed-tensors, config_groups: {group_0: {targets: [Linear], weights: {" + weights + "}" + more + "}}");
}

TEST(Quantisation, WithoutOneTheTypeSays) {
  EXPECT_EQ(formats(kDense, "torch_dtype: bfloat16"), all(F::bf16));
  EXPECT_EQ(formats(kDense, "dtype: float16"), all(F::bf16));
  EXPECT_EQ(formats(kDense, "torch_dtype: bfloat16, quantization_config: null"), all(F::bf16));
  EXPECT_EQ(formats(kDense, ""), all(F::unstated));
  EXPECT_EQ(formats(kDense, "torch_dtype: float32"), all(F::unstated)) << "nobody serves in it";
}

TEST(Quantisation, EightBits) {
  EXPECT_EQ(formats(kExperts, quantised("quant_method: fp8, fmt: e4m3, weight_block_size: [128, 128]")), all(F::fp8_block));
  EXPECT_EQ(formats(kDense, quantised("quant_method: fp8, activation_scheme: static")), all(F::fp8));
  EXPECT_EQ(formats(kDense, quantised("quant_method: fbgemm_fp8, activation_scale_ub: 1200.0")), all(F::fp8));
  EXPECT_EQ(formats(kDense, quantised("quant_method: modelopt, quant_algo: FP8")), all(F::fp8));
  EXPECT_EQ(formats(kDense, quantised("quant_algo: FP8, producer: {name: modelopt}")), all(F::fp8));
  EXPECT_EQ(formats(kDense, group("num_bits: 8, type: float, strategy: channel")), all(F::fp8));
  EXPECT_EQ(formats(kDense, group("num_bits: 8, type: float, strategy: block, block_structure: [128, 128]")), all(F::fp8_block));
  EXPECT_EQ(formats(kDense, group("num_bits: 8, type: float, strategy: group, group_size: 32")), all(F::mxfp8));
  EXPECT_EQ(formats(kDense, group("num_bits: 8, type: int, strategy: channel", ", input_activations: {num_bits: 8, type: int}")), all(F::int8));
}

TEST(Quantisation, FourBits) {
  EXPECT_EQ(formats(kDense, quantised("quant_method: modelopt, quant_algo: NVFP4")), all(F::fp4));
  EXPECT_EQ(formats(kDense, group("num_bits: 4, type: float, group_size: 16")), all(F::fp4));
  EXPECT_EQ(formats(kDense, group("num_bits: 4, type: float, group_size: 32")), all(F::mxfp4));
  EXPECT_EQ(formats(kDense, group("num_bits: 4, type: int, group_size: 32")), all(F::int4));
  const auto int4 = [](std::int64_t size, bool zeros) { return PublishedFormats{.weights = F::int4, .groups = {.size = size, .zeros = zeros}}; };
  EXPECT_EQ(formats(kDense, quantised("quant_method: awq, bits: 4, group_size: 128, zero_point: true")), int4(128, true));
  EXPECT_EQ(formats(kDense, quantised("quant_method: gptq, bits: 4, group_size: 64, sym: false")), int4(64, true));
  EXPECT_EQ(formats(kDense, quantised("quant_method: gptq, bits: 4, group_size: 128, sym: true")), int4(128, false));
  EXPECT_EQ(formats(kDense, quantised("quant_method: gptq, bits: 4, group_size: -1")), int4(-1, false)) << "a channel";
  EXPECT_EQ(formats(kDense, quantised("quant_method: awq, bits: 4")), int4(128, false)) << "as the tools do";
  EXPECT_EQ(formats(kDense, quantised("quant_algo: W4A16_AWQ")), int4(128, false));
  EXPECT_EQ(formats(kDense, group("num_bits: 4, type: int, strategy: channel")), int4(-1, false));
  EXPECT_EQ(formats(kDense, group("num_bits: 4, type: int, group_size: 128, symmetric: false")), int4(128, true));
  EXPECT_EQ(formats(kExperts, quantised("quant_method: mxfp4, modules_to_not_convert: [model.layers.*.self_attn, model.layers.*.mlp.router, lm_head]")), only_experts(F::mxfp4)) << "gpt-oss";
}

TEST(Quantisation, WhatStaysWide) {
  const auto with = [](const std::string& list) { return quantised("quant_method: modelopt, quant_algo: NVFP4, ignore: [" + list + "]"); };
  const PublishedFormats attention{.weights = F::fp4, .attention = F::bf16, .experts = F::unstated};
  EXPECT_EQ(formats(kExperts, with("lm_head, model.layers.*.mlp.gate")), all(F::fp4)) << "heads and routers are wide in every format";
  EXPECT_EQ(formats(kExperts, with("'re:.*self_attn.*'")), attention);
  EXPECT_EQ(formats(kDense, with("'model.layers.0.self_attn*', 'model.layers.1.self_attn*'")), attention) << "half of four layers";
  EXPECT_EQ(formats(kDense, with("'model.layers.0.self_attn*'")), all(F::fp4)) << "a quarter of them";
  EXPECT_EQ(formats(kDense, with("model.layers.0.self_attn.q_proj, model.layers.0.self_attn.k_proj")), all(F::fp4)) << "one layer twice";
  EXPECT_EQ(formats(kDense, with("'re:.*vision_model.*self_attn', 'model.layers.*.self_attn.indexers_proj', 'model.layers.*.self_attn.q_norm'")), all(F::fp4));
  EXPECT_EQ(formats(kExperts, with("'re:.*self_attn.*', 're:.*shared_experts.*'")), only_experts(F::fp4));
  EXPECT_EQ(formats(kExperts, with("'*.mlp.shared_expert_gate'")), all(F::fp4)) << "a gate is no feed-forward";
  EXPECT_EQ(formats(kExperts, quantised("quant_method: compressed-tensors, config_groups: {group_0: {targets: ['re:.*mlp.experts.*'], weights: {num_bits: 4, type: int, group_size: 32}}}")),
            only_experts(F::int4));
}

TEST(Quantisation, UnknownOnesAreNamed) {
  const auto named = [](const std::string& keys, const std::string& name) {
    std::string problems;
    EXPECT_EQ(formats(kDense, quantised(keys), &problems), PublishedFormats{}) << keys;
    EXPECT_NE(problems.find(name), std::string::npos) << keys << "\n" << problems;
    EXPECT_NE(problems.find("bf16 is assumed"), std::string::npos) << problems;
  };
  named("quant_method: bitsandbytes, load_in_8bit: true", "'bitsandbytes'");
  named("quant_method: modelopt, quant_algo: MIXED_PRECISION", "'modelopt' with 'mixed_precision'");
  named("quant_method: fp8, weight_block_size: [1, 64]", "'fp8'");
  named("quant_method: gptq, bits: 3", "'gptq'");
  named("bits: 4, group_size: 64", "without a quant_method");
  named("quant_method: compressed-tensors, config_groups: {a: {targets: [Linear], weights: {num_bits: 4, type: int}}, b: {targets: [Linear], weights: {num_bits: 8, type: float}}}", "'compressed-tensors'");
  named("quant_method: compressed-tensors, config_groups: {a: {targets: [Linear], weights: {num_bits: 8, type: int, strategy: channel}, input_activations: null}}", "'compressed-tensors'");
}

// Names in the lists of what stays wide that mean no module.
TEST(Quantisation, ModulesThatNobodyHasAreNamed) {
  const auto problems = [](const std::string& list) {
    std::string text;
    EXPECT_EQ(formats(kExperts, quantised("quant_method: modelopt, quant_algo: NVFP4, ignore: [" + list + "]"), &text).weights, F::fp4);
    return text;
  };
  const auto misspelt = problems("lm_head, 'model.layers.0.self_attn', model.blocks.0.self_atn");
  EXPECT_NE(misspelt.find("'model.blocks.0.self_atn'"), std::string::npos) << misspelt;
  EXPECT_NE(misspelt.find("did you mean 'self_attn'?"), std::string::npos) << misspelt;
  EXPECT_EQ(misspelt.find("lm_head'"), std::string::npos) << misspelt;
  EXPECT_NE(problems("zzzz, yyyy, xxxx").find("'zzzz' (and 2 more)"), std::string::npos) << "once for all";
  EXPECT_EQ(problems("lm_head, 'mtp*', 'model.visual*', 'model.layers.3.mlp.gate', 're:.*self_attn.*', model.norm, head, 'model.layers.78*'"), "");
}

TEST(Quantisation, AWrapperSpeaksForItsLanguageModel) {
  std::string problems;
  const std::string text = "text_config: " + kDense + "}";
  EXPECT_EQ(formats("{model_type: some_vl", text + ", dtype: bfloat16", &problems), all(F::bf16));
  EXPECT_EQ(formats("{model_type: some_vl", text + ", dtype: bfloat16, quantization_config: {quant_method: fp8}", &problems), all(F::fp8));
  EXPECT_EQ(formats("{model_type: some_vl", "text_config: " + kDense + ", quantization_config: {quant_method: fp8}}, quantization_config: {quant_method: mxfp4}", &problems), all(F::fp8)) << "its own comes first";
}

TEST(Quantisation, OurOwnDialectSaysItInItsOwnWords) {
  EXPECT_EQ(formats("{model_type: transformer, " + kSizes, "weight_format: fp8_block, attention_format: bf16, expert_format: fp4"), (PublishedFormats{.weights = F::fp8_block, .attention = F::bf16, .experts = F::fp4}));
  config::Diagnostics diagnostics;
  EXPECT_FALSE(testing::import_text("{model_type: transformer, " + kSizes + ", weight_format: fp7}", diagnostics));
  EXPECT_NE(all_text(diagnostics).find("fp7"), std::string::npos);
}

TEST(Quantisation, OverridesTakeItBack) {
  config::Diagnostics diagnostics;
  const auto overrides = config::parse_document("{quantization_config: null}", "overrides", diagnostics);
  const auto of = [&](const config::Node* over) {
    const auto a = load_model(testing::CatalogOnDisk{}, "deepseek-v3", config::location_in("--model"), diagnostics, over);
    EXPECT_TRUE(a) << all_text(diagnostics);
    return a ? a->published.weights : F::unstated;
  };
  EXPECT_EQ(of(nullptr), F::fp8_block);
  EXPECT_EQ(of(&*overrides), F::unstated);
}

TEST(Quantisation, OfTheCatalog) {
  const auto of = [](const std::string& name) {
    config::Diagnostics diagnostics;
    const auto a = load_model(testing::CatalogOnDisk{}, name, config::location_in("--model"), diagnostics);
    EXPECT_TRUE(a && diagnostics.all().empty()) << all_text(diagnostics);
    return a ? a->published : PublishedFormats{};
  };
  for (const char* name : {"deepseek-v3", "deepseek-v3.2", "kimi-k2", "minimax-m2.5"}) EXPECT_EQ(of(name), all(F::fp8_block)) << name;
  for (const char* name : {"gpt-oss-20b", "gpt-oss-120b"}) EXPECT_EQ(of(name), only_experts(F::mxfp4)) << name;
  EXPECT_EQ(of("kimi-k2.5"), only_experts(F::int4));
  for (const char* name : {"llama-3.1-70b", "glm-5", "minimax-m3", "qwen3.5-397b-a17b"}) EXPECT_EQ(of(name), all(F::bf16)) << name;
  EXPECT_EQ(of("gpt3-175b"), all(F::unstated)) << "was never published";
}

}  // namespace
}  // namespace zettatwin::model
