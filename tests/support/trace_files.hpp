// SPDX-License-Identifier: Apache-2.0
// Traces held in memory: path -> text.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "requests/text_source.hpp"

namespace zettatwin::test {

class TraceTexts final : public requests::TraceFiles {
 public:
  explicit TraceTexts(std::map<std::string, std::string> texts) : texts_(std::move(texts)) {}
  [[nodiscard]] std::unique_ptr<requests::TextSource> open(const std::string& path) const override {
    const auto found = texts_.find(path);
    return found == texts_.end() ? nullptr : std::make_unique<requests::StringSource>(found->second);
  }
  [[nodiscard]] std::vector<std::string> list(const std::string& folder) const override {
    std::vector<std::string> names;
    for (const auto& [path, text] : texts_)
      if (path.starts_with(folder + "/")) names.push_back(path.substr(folder.size() + 1));
    return names;
  }

 private:
  std::map<std::string, std::string> texts_;
};

}  // namespace zettatwin::test
