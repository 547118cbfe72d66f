// SPDX-License-Identifier: Apache-2.0
// The repository's own catalog as a document source, for tests.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "hardware/catalog.hpp"
#include "places.hpp"

namespace zettatwin::test {

class CatalogFiles final : public config::DocumentSource {
 public:
  [[nodiscard]] std::optional<std::string> read(const std::string& path) const override {
    std::ifstream file(root_ / path);
    if (!file) return std::nullopt;
    return std::string(std::istreambuf_iterator<char>(file), {});
  }
  [[nodiscard]] std::vector<std::string> list(const std::string& folder) const override {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(root_ / folder))
      if (entry.path().extension() == ".yaml") names.push_back(entry.path().stem().string());
    std::sort(names.begin(), names.end());
    return names;
  }

 private:
  std::filesystem::path root_ = test::source_dir() / "catalog";
};

// Documents held in memory: path -> text.
class Documents final : public config::DocumentSource {
 public:
  using Texts = std::map<std::string, std::string>;
  explicit Documents(Texts texts) : texts_(std::move(texts)) {}
  [[nodiscard]] std::optional<std::string> read(const std::string& path) const override {
    const auto found = texts_.find(path);
    return found == texts_.end() ? std::nullopt : std::optional(found->second);
  }
  [[nodiscard]] std::vector<std::string> list(const std::string& folder) const override {
    std::vector<std::string> names;
    for (const auto& [path, text] : texts_)
      if (path.starts_with(folder + "/")) names.push_back(path.substr(folder.size() + 1, path.size() - folder.size() - 6));
    return names;
  }

 private:
  std::map<std::string, std::string> texts_;
};

[[nodiscard]] inline std::string text_of(const config::Diagnostics& diagnostics) {
  std::string text;
  for (const auto& d : diagnostics.all()) text += d.text() + "\n";
  return text;
}

// A chip of the catalog; a failed load fails the test.
[[nodiscard]] inline hardware::Chip catalog_chip(const std::string& name) {
  config::Diagnostics diagnostics;
  auto chip = hardware::load_chip(CatalogFiles{}, name, {}, diagnostics);
  EXPECT_TRUE(chip && diagnostics.all().empty()) << text_of(diagnostics);
  return chip.value_or(hardware::Chip{});
}

}  // namespace zettatwin::test
