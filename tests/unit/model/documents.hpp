// SPDX-License-Identifier: Apache-2.0
// Documents for the model tests: the shipped catalog on disk, and configs written in the test.
#pragma once

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "../../support/places.hpp"
#include "config/document.hpp"
#include "model/import.hpp"

namespace zettatwin::model::testing {

class CatalogOnDisk final : public config::DocumentSource {
 public:
  std::optional<std::string> read(const std::string& path) const override {
    const auto inside = test::source_dir() / "catalog" / path;
    return text_of(std::filesystem::exists(inside) ? inside : std::filesystem::path(path));
  }
  std::vector<std::string> list(const std::string& folder) const override {
    std::vector<std::string> names;
    for (const auto& file :
         std::filesystem::directory_iterator(test::source_dir() / "catalog" / folder))
      if (file.path().extension() == ".yaml") names.push_back(file.path().stem().string());
    std::sort(names.begin(), names.end());
    return names;
  }
  static std::optional<std::string> text_of(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file) return std::nullopt;
    return std::string(std::istreambuf_iterator<char>(file), {});
  }
};

inline std::string all_text(const config::Diagnostics& diagnostics) {
  std::string text;
  for (const auto& one : diagnostics.all()) text += one.text() + "\n";
  return text;
}

inline std::optional<Architecture> import_text(const std::string& text, config::Diagnostics& diagnostics) {
  const auto root = config::parse_document(text, "config.json", diagnostics);
  return root ? import_config(*root, "test", diagnostics) : std::nullopt;
}

}  // namespace zettatwin::model::testing
