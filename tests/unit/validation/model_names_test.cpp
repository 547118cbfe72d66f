// SPDX-License-Identifier: Apache-2.0
#include "validation/model_names.hpp"

#include <gtest/gtest.h>

#include "../../support/catalog_files.hpp"
#include "validation/vocabulary.hpp"

namespace zettatwin::validation {
namespace {

std::string found(const ModelNames& names, const std::string& text) {
  const auto* rule = names.find(text);
  return rule ? rule->is : "none";
}

TEST(ModelNames, TheLongestNameWhoseNumbersEndWhereTheTextsDo) {
  const ModelNames names({"qwen3-8b", "qwen3-80b", "llama-2-70b", "kimi-k2", "deepseek-v3"}, {{.names = {"deepseek-v3.1", "deepseek-r1"}, .is = "deepseek-v3", .note = {}}, {.names = {"deepseek-v4"}, .is = "", .note = "why"}});
  EXPECT_EQ(found(names, "Qwen/Qwen3-8B-FP8"), "qwen3-8b");
  EXPECT_EQ(found(names, "meta-llama/Llama-2-70b-hf"), "llama-2-70b");
  EXPECT_EQ(found(names, "Kimi-K2.5"), "none");
  EXPECT_EQ(found(names, "Kimi-K2-0905"), "kimi-k2") << "a date behind a separator";
  EXPECT_EQ(found(names, "DeepSeek-V3-0324"), "deepseek-v3");
  EXPECT_EQ(found(names, "DeepSeek-V3.1"), "deepseek-v3");
  EXPECT_EQ(found(names, "DeepSeek-V3.2"), "none");
  EXPECT_EQ(found(names, "deepseek_v3"), "deepseek-v3");
  EXPECT_EQ(found(names, "DeepSeek-V4-Flash"), "") << "known to be missing";
  EXPECT_EQ(found(names, "deepseek_v3_1"), "deepseek-v3");
  EXPECT_EQ(found(ModelNames({"gpt3-13b", "gpt3-1.3b"}, {}), "GPT3 1.3B"), "gpt3-1.3b");
  EXPECT_EQ(found(ModelNames({"gpt3-13b", "gpt3-1.3b"}, {}), "GPT3-13B"), "gpt3-13b");
  EXPECT_EQ(found(names, "something"), "none");
  EXPECT_EQ(found(names, ""), "none");
}

TEST(ModelNames, OfTheCatalogNameModelsThatItHas) {
  const test::CatalogFiles catalog;
  config::Diagnostics diagnostics;
  const auto vocabulary = load_vocabulary(catalog, diagnostics);
  ASSERT_TRUE(vocabulary) << test::text_of(diagnostics);
  const auto presets = catalog.list("models");
  for (const auto& rule : vocabulary->models) {
    if (rule.is.empty()) EXPECT_FALSE(rule.note.empty());
    else EXPECT_NE(std::find(presets.begin(), presets.end(), rule.is), presets.end()) << rule.is;
  }
  const ModelNames names(presets, vocabulary->models);
  for (const auto& preset : presets) EXPECT_EQ(found(names, preset), preset);
  const std::map<std::string, std::string> published{{"meta-llama/Meta-Llama-3-70B-Instruct", "llama-3.1-70b"}, {"LLAMA3.1-405B", "llama-3.1-405b"}, {"Llama3-405B (4 layers)", "llama-3.1-405b"}, {"Llama4-Scout-17B-16E-Maxtext", "llama-4-scout"},
                                                     {"Mistral-7B-MaxText", "mistral-7b"}, {"openai/gpt-oss-120b", "gpt-oss-120b"}, {"Qwen/Qwen3-235B-A22B-Instruct-2507", "qwen3-235b-a22b"}, {"GPT3-175B (MLPerf)", "gpt3-175b"},
                                                     {"DeepSeek-V3.2-Exp", "deepseek-v3.2"}, {"zai-org/GLM-4.6-FP8", "glm-4.5"}, {"CodeLlama-34B", "codellama-34b"}, {"Qwen-72B", "qwen-72b"}, {"Qwen1.5-72B", "qwen1.5-72b"},
                                                     {"nvidia/Nemotron-H-56B-Base-8K", ""}, {"wan2.1-14b", ""}, {"gemma-2-27b-it", "gemma-2-27b"}, {"LLaMA-33B", "llama-33b"}, {"Kimi-K2-Thinking", "kimi-k2"}};
  for (const auto& [text, preset] : published) EXPECT_EQ(found(names, text), preset) << text;
}

}  // namespace
}  // namespace zettatwin::validation
