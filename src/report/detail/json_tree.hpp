// SPDX-License-Identifier: Apache-2.0
// A result tree as nested JSON. The header names no JSON type but the forward declaration, to keep compile times down.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string_view>

#include "result/tree.hpp"

namespace zettatwin::report::detail {

// {"total_s": 1.5, "compute": {"total_s": ..., "gemm": {...}}, "optimizer_s": 0.1}: leaves carry the unit suffix, inner nodes a total.
[[nodiscard]] nlohmann::ordered_json tree_json(const result::Node& node, std::string_view suffix);

}  // namespace zettatwin::report::detail
