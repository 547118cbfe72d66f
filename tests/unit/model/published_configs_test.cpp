// SPDX-License-Identifier: Apache-2.0
// Every published config.json at hand either imports or is refused with a reason; and both happen to the ones
// we expect.
#include <gtest/gtest.h>

#include <iostream>

#include "documents.hpp"
#include "model/parameters.hpp"

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

TEST(PublishedConfigs, HybridAndCompressedAttentionAreRefused) {
  if (!fs::is_directory(folder())) GTEST_SKIP() << "no folder of published config.json files at " << folder();
  for (const std::string part : {"Nemotron-3", "Nemotron-H", "DeepSeek-V4", "Kimi-K3", "gemma-4"})
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

}  // namespace
}  // namespace zettatwin::model
