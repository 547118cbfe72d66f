// SPDX-License-Identifier: Apache-2.0
// Shapes of the catalog's models, read once.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "config/document.hpp"
#include "validation/table.hpp"

namespace zettatwin::validation {

class ModelIndex final {
 public:
  ModelIndex(const config::DocumentSource& source, config::Diagnostics& diagnostics);

  struct Shape {
    std::string name;
    std::int64_t layers = 0, hidden = 0, heads = 0, kv_heads = 0, vocabulary = 0, experts = 0;
    std::vector<std::int64_t> widths;  // of feed-forwards and experts
  };
  // The preset with the row's shape, whose name is nearest to the row's; `layers` may differ if nothing else does. Null if there is none.
  [[nodiscard]] const Shape* find(const Row& row) const;
  // A preset if no column of the row contradicts its shape; layers may differ, and blank columns contradict nothing.
  [[nodiscard]] const Shape* named(const std::string& preset, const Row& row) const;
  [[nodiscard]] std::vector<std::string> names() const;

 private:
  std::vector<Shape> shapes_;
};

}  // namespace zettatwin::validation
