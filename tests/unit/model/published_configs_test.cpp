// SPDX-License-Identifier: Apache-2.0
// Every published config.json at hand either imports or is refused with a reason; and both happen to the ones
// we expect.
#include <gtest/gtest.h>

#include <iostream>

#include "documents.hpp"
#include "model/parameters.hpp"
#include "model/preset.hpp"

namespace zettatwin::model {
namespace {

namespace fs = std::filesystem;

fs::path folder() { return test::shared_data() / "models"; }

TEST(PublishedConfigs, ImportOrAreRefusedWithAReason) {
  if (!fs::is_directory(folder())) GTEST_SKIP() << "no folder of published config.json files at " << folder();
  int imported = 0, refused = 0;
  for (const auto& file : fs::directory_iterator(folder())) {
    if (file.path().extension() != ".json") continue;
    const auto name = file.path().filename().string();
    config::Diagnostics diagnostics;
    const auto root =
        config::parse_document(*testing::CatalogOnDisk::text_of(file.path()), name, diagnostics);
    ASSERT_TRUE(root) << testing::all_text(diagnostics);
    const auto architecture = import_config(*root, name, diagnostics);
    EXPECT_NE(architecture.has_value(), diagnostics.has_errors()) << name;
    if (!architecture) {
      ++refused;
      continue;
    }
    ++imported;
    const auto parameters = parameters_of(*architecture);
    EXPECT_GT(parameters.active, 100'000'000) << name;
    EXPECT_LE(parameters.active, parameters.total) << name;
  }
  std::cout << imported << " imported, " << refused << " refused\n";
  EXPECT_GE(imported, 55);
  EXPECT_GE(imported + refused, 105);
}

TEST(PublishedConfigs, ArchitecturesThatCannotBeMappedAreRefused) {
  if (!fs::is_directory(folder())) GTEST_SKIP() << "no folder of published config.json files at " << folder();
  for (const std::string part : {"Nemotron-Super-49B"})
    for (const auto& file : fs::directory_iterator(folder())) {
      const auto name = file.path().filename().string();
      if (name.find(part) == std::string::npos || file.path().extension() != ".json") continue;
      config::Diagnostics diagnostics;
      EXPECT_FALSE(testing::import_text(*testing::CatalogOnDisk::text_of(file.path()), diagnostics)) << name;
      EXPECT_NE(testing::all_text(diagnostics).find("could not be mapped"), std::string::npos) << name;
    }
}

// DeepSeek-V3.2 is DeepSeek-V3 with an indexer in every layer.
TEST(PublishedConfigs, SparseAttentionIsImported) {
  if (!fs::is_directory(folder())) GTEST_SKIP() << "no folder of published config.json files at " << folder();
  const auto read = [](const std::string& file) {
    config::Diagnostics diagnostics;
    const auto architecture = testing::import_text(*testing::CatalogOnDisk::text_of(folder() / file), diagnostics);
    EXPECT_TRUE(architecture) << testing::all_text(diagnostics);
    return architecture.value_or(Architecture{});
  };
  const auto v3 = parameters_of(read("deepseek-ai--DeepSeek-V3.json")).total, v32 = parameters_of(read("deepseek-ai--DeepSeek-V3.2.json")).total;
  EXPECT_EQ(v32 - v3, 61 * (1536 * 64 * 128 + 7168 * (128 + 64) + 2 * 128));
  EXPECT_EQ(read("zai-org--GLM-5.json").layer(77).attention.indexer.keys(), 2048);
  const auto shared = read("zai-org--GLM-5.2.json");
  std::int64_t own = 0;
  for (std::int64_t i = 0; i < shared.layers(); ++i) own += shared.layer(i).attention.indexer.heads > 0 ? 1 : 0;
  EXPECT_EQ(own, 21);
  const auto blocks = read("MiniMaxAI--MiniMax-M3.json");
  EXPECT_EQ(blocks.layer(2).attention.indexer.keys(), 0);
  EXPECT_EQ(blocks.layer(3).attention.indexer.keys(), 2048);
}

// The counts that authors print, and by hand from the modelling code (recent_models_test.cpp has the sums).
TEST(PublishedConfigs, RecentModelsHaveTheirSizes) {
  if (!fs::is_directory(folder())) GTEST_SKIP() << "no folder of published config.json files at " << folder();
  const auto count = [](const std::string& file) {
    config::Diagnostics diagnostics;
    const auto architecture = testing::import_text(*testing::CatalogOnDisk::text_of(folder() / (file + ".json")), diagnostics);
    EXPECT_TRUE(architecture) << testing::all_text(diagnostics);
    return architecture ? parameters_of(*architecture) : Parameters{};
  };
  EXPECT_EQ(count("deepseek-ai--DeepSeek-V4-Flash").total, 284'332'240'471);
  EXPECT_EQ(count("sgl-project--DeepSeek-V4-Flash-FP8").total, 284'332'240'471);
  EXPECT_EQ(count("deepseek-ai--DeepSeek-V4-Pro").total, 1'572'997'201'763);
  EXPECT_EQ(count("XiaomiMiMo--MiMo-V2-Flash").total, 308'778'780'864);
  EXPECT_EQ(count("google--gemma-4-26B-A4B").total, 25'233'141'760);
  EXPECT_EQ(count("nvidia--Gemma-4-31B-IT-NVFP4").total, 30'697'345'280);
  EXPECT_EQ(count("Qwen--Qwen3.5-27B").total, 26'895'998'464);
  EXPECT_EQ(count("nvidia--NVIDIA-Nemotron-3-Nano-30B-A3B-BF16").total, 31'577'940'288);
  EXPECT_EQ(count("nvidia--NVIDIA-Nemotron-3-Nano-30B-A3B-BF16").active, 3'580'076'352);
  EXPECT_EQ(count("nvidia--NVIDIA-Nemotron-3-Super-120B-A12B-FP8").total, 120'668'707'840);
  EXPECT_EQ(count("nvidia--NVIDIA-Nemotron-3-Ultra-550B-A55B-BF16").total, 549'308'993'536) << "without a number of layers";
  EXPECT_EQ(count("moonshotai--Kimi-K3").total, 2'779'484'476'000);
  EXPECT_EQ(count("stepfun-ai--Step-3.7-Flash").total, 196'956'130'368);
  EXPECT_EQ(count("stepfun-ai--step-moe").total, 316'294'538'240);
  EXPECT_EQ(count("nvidia--Nemotron-H-56B-Base-8K").total, 56'324'350'464);
}

// Presets say the formats that their authors' config.json says.
TEST(PublishedConfigs, PresetsHaveTheirFormats) {
  if (!fs::is_directory(folder())) GTEST_SKIP() << "no folder of published config.json files at " << folder();
  const testing::CatalogOnDisk catalog;
  constexpr std::string_view kBefore = "config.json of ", kAfter = " on huggingface.co";
  int compared = 0;
  for (const auto& name : catalog.list("models")) {
    config::Diagnostics diagnostics;
    const auto where = config::location_in("--model");
    const auto preset = load_preset(catalog, name, where, diagnostics);
    const auto ours = load_model(catalog, name, where, diagnostics);
    ASSERT_TRUE(preset && ours) << testing::all_text(diagnostics);
    if (!preset->source.starts_with(kBefore) || !preset->source.ends_with(kAfter)) continue;
    auto file = preset->source.substr(kBefore.size(), preset->source.size() - kBefore.size() - kAfter.size()) + ".json";
    file.replace(file.find('/'), 1, "--");
    const auto text = testing::CatalogOnDisk::text_of(folder() / file);
    if (!text) continue;
    const auto theirs = testing::import_text(*text, diagnostics);
    if (!theirs) continue;
    ++compared;
    EXPECT_EQ(ours->published, theirs->published) << name;
    EXPECT_NE(ours->published.weights, WeightFormat::unstated) << name;
  }
  std::cout << compared << " presets compared\n";
  EXPECT_GE(compared, 28);
}

// Quantisations that people publish, by name of the file.
TEST(PublishedConfigs, QuantisedCheckpointsAreRead) {
  if (!fs::is_directory(folder())) GTEST_SKIP() << "no folder of published config.json files at " << folder();
  using F = WeightFormat;
  const auto of = [](const std::string& file) {
    config::Diagnostics diagnostics;
    const auto architecture = testing::import_text(*testing::CatalogOnDisk::text_of(folder() / (file + ".json")), diagnostics);
    EXPECT_TRUE(architecture) << testing::all_text(diagnostics);
    return architecture ? architecture->published : PublishedFormats{};
  };
  EXPECT_EQ(of("deepseek-ai--DeepSeek-R1"), PublishedFormats{.weights = F::fp8_block});
  EXPECT_EQ(of("zai-org--GLM-5-FP8"), PublishedFormats{.weights = F::fp8_block}) << "its list names norms and small matrices";
  EXPECT_EQ(of("Qwen--Qwen3-32B-FP8-Static-PerTensor"), PublishedFormats{.weights = F::fp8});
  EXPECT_EQ(of("meta-llama--Llama-3.1-405B-Instruct-FP8"), PublishedFormats{.weights = F::fp8});
  EXPECT_EQ(of("RedHatAI--Llama-4-Scout-17B-16E-Instruct-FP8-dynamic"), (PublishedFormats{.weights = F::fp8, .attention = F::bf16, .experts = F::unstated}));
  EXPECT_EQ(of("nvidia--MiniMax-M2.5-NVFP4"), (PublishedFormats{.weights = F::fp4, .attention = F::bf16, .experts = F::unstated}));
  EXPECT_EQ(of("nvidia--GLM-5.1-NVFP4"), (PublishedFormats{.weights = F::bf16, .attention = F::unstated, .experts = F::fp4})) << "shared experts and attention stay wide";
  EXPECT_EQ(of("nvidia--Qwen3.6-35B-A3B-NVFP4"), PublishedFormats{}) << "mixed";
  const auto experts_in = [](F format) { return PublishedFormats{.weights = F::fp8_block, .attention = F::unstated, .experts = format}; };
  EXPECT_EQ(of("deepseek-ai--DeepSeek-V4-Pro"), experts_in(F::mxfp4));
  EXPECT_EQ(of("nvidia--DeepSeek-V4-Pro-NVFP4"), experts_in(F::fp4));
  EXPECT_EQ(of("moonshotai--Kimi-K3"), (PublishedFormats{.weights = F::bf16, .attention = F::unstated, .experts = F::mxfp4}));
  EXPECT_EQ(of("sgl-project--DeepSeek-V4-Pro-FP8"), PublishedFormats{.weights = F::fp8_block});
}

}  // namespace
}  // namespace zettatwin::model
