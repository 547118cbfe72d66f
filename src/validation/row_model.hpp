// SPDX-License-Identifier: Apache-2.0
// The model of a row: a preset by name or by shape, or a plain transformer built from the row's columns. What the columns leave open is assumed and listed; a
// name that the catalog knows is believed only where no column contradicts it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "config/document.hpp"
#include "validation/model_index.hpp"
#include "validation/model_names.hpp"
#include "validation/table.hpp"

namespace zettatwin::validation {

struct RowModel {
  config::Node model;  // as a scenario has it; null if there is a problem
  std::int64_t layers = 0;
  std::vector<std::string> assumed;
  std::string problem;
};
[[nodiscard]] RowModel model_of(const Row& row, const ModelIndex& index, const ModelNames& names);

}  // namespace zettatwin::validation
