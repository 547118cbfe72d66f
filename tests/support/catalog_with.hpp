// SPDX-License-Identifier: Apache-2.0
// The catalog and one more document, mine.yaml.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "catalog_files.hpp"

namespace zettatwin::test {

class CatalogWith final : public config::DocumentSource {
 public:
  explicit CatalogWith(std::string text) : text_(std::move(text)) {}
  [[nodiscard]] std::optional<std::string> read(const std::string& path) const override { return path == "mine.yaml" ? text_ : files_.read(path); }
  [[nodiscard]] std::vector<std::string> list(const std::string& folder) const override { return files_.list(folder); }

 private:
  CatalogFiles files_;
  std::string text_;
};

}  // namespace zettatwin::test
