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

TEST(PublishedConfigs, HybridAndSparseAttentionAreRefused) {
  if (!fs::is_directory(folder())) GTEST_SKIP() << "no folder of published config.json files at " << folder();
  for (const std::string part : {"Nemotron-3", "Nemotron-H", "DeepSeek-V3.2", "DeepSeek-V4",
                                 "GLM-5", "Kimi-K3", "gemma-4"})
    for (const auto& file : fs::directory_iterator(folder())) {
      const auto name = file.path().filename().string();
      if (name.find(part) == std::string::npos || file.path().extension() != ".json") continue;
      config::Diagnostics diagnostics;
      EXPECT_FALSE(testing::import_text(*testing::CatalogOnDisk::text_of(file.path()), diagnostics)) << name;
      EXPECT_NE(testing::all_text(diagnostics).find("could not be mapped"), std::string::npos) << name;
    }
}

}  // namespace
}  // namespace zettatwin::model
