// SPDX-License-Identifier: Apache-2.0
// Asks the api the way the program does: a scenario as text, the repository's catalog, and documents of the test's own.
#pragma once

#include "api/answer.hpp"
#include "catalog_files.hpp"

namespace zettatwin::test {

// The catalog, and files by path.
class CatalogAndFiles final : public config::DocumentSource {
 public:
  explicit CatalogAndFiles(Documents::Texts files = {}) : files_(std::move(files)) {}
  [[nodiscard]] std::optional<std::string> read(const std::string& path) const override {
    const auto found = files_.find(path);
    return found != files_.end() ? std::optional(found->second) : catalog_.read(path);
  }
  [[nodiscard]] std::vector<std::string> list(const std::string& folder) const override { return catalog_.list(folder); }

 private:
  CatalogFiles catalog_;
  Documents::Texts files_;
};

struct Asked {
  std::unique_ptr<api::Answer> answer;
  config::Diagnostics diagnostics;

  [[nodiscard]] std::string problems() const { return text_of(diagnostics); }
  [[nodiscard]] bool says(std::string_view text) const { return problems().find(text) != std::string::npos; }
};

[[nodiscard]] inline Asked ask(const std::string& scenario, const Documents::Texts& files = {}, const std::string& name = "scenario.yaml", const api::TrainOptions& options = {}) {
  Asked asked;
  const auto node = config::parse_document(scenario, name, asked.diagnostics);
  if (node) asked.answer = api::train(*node, CatalogAndFiles(files), options, asked.diagnostics);
  return asked;
}

}  // namespace zettatwin::test
