// SPDX-License-Identifier: Apache-2.0
// A table for a terminal: columns as wide as their widest cell, words to the left, figures to the right.
#pragma once

#include <string>
#include <vector>

namespace zettatwin::report::detail {

class Table final {
 public:
  // One letter per column: l or r.
  Table(std::string alignment, std::vector<std::string> titles) : alignment_(std::move(alignment)), rows_{std::move(titles)} {}
  void row(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }
  // Lines indented by two, two spaces between columns.
  [[nodiscard]] std::string text() const;

 private:
  std::string alignment_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace zettatwin::report::detail
