// SPDX-License-Identifier: Apache-2.0
// Rows known to be wrong, each with its reason and source: catalog/validation/exclusions.yaml. They are predicted like all others, but scored apart.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/document.hpp"
#include "config/schema.hpp"

namespace zettatwin::validation {

struct Exclusion {
  std::vector<std::string> ids;   // one that ends with * stands for all that begin so
  std::vector<std::string> figures;  // of those that notes state (serving: "TTFT"); empty: the row with all that it states
  std::string reason;
  std::string source;             // who says so, or how it shows
};
void describe(config::Schema& s, Exclusion& exclusion);

// None if there is no such file.
[[nodiscard]] std::optional<std::vector<Exclusion>> load_exclusions(const config::DocumentSource& source, config::Diagnostics& diagnostics);

// Null if the row's figure counts: its own, or one that its notes state.
[[nodiscard]] const Exclusion* find_exclusion(const std::vector<Exclusion>& exclusions, std::string_view id, std::string_view stated = "");

}  // namespace zettatwin::validation
