// SPDX-License-Identifier: Apache-2.0
// Tables of measured rows from CSV (RFC 4180): the first record names the columns.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "config/diagnostic.hpp"
#include "validation/table.hpp"

namespace zettatwin::cli {

[[nodiscard]] std::optional<validation::Table> parse_csv(std::string_view text, const std::string& name, config::Diagnostics& diagnostics);

}  // namespace zettatwin::cli
