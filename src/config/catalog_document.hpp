// SPDX-License-Identifier: Apache-2.0
// Catalog documents by name. A document may say `extends: other`, which lays it over that one: mappings merge key by key, but a figure
// (a mapping with `value`) replaces the base's figure whole, lest its range or note outlive it; `key: null` removes what the base gives.
// Base documents that are no entry of their own lie in a subfolder ("extends: families/hopper"), which listings of the folder leave out.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "config/document.hpp"

namespace zettatwin::config {

[[nodiscard]] Node laid_over(const Node& base, const Node& over);

// `node` with its own `extends` applied, for documents written in place. `load_base` gives the base by name.
using BaseLoader = std::function<std::optional<Node>(const std::string& name, const Location& where)>;
[[nodiscard]] std::optional<Node> extended(const Node& node, const BaseLoader& load_base, Diagnostics& diagnostics);

// The document of "<folder>/<name>.yaml" with all `extends` applied; cycles and unknown names (with the nearest known) are errors.
[[nodiscard]] std::optional<Node> load_document(const DocumentSource& source, const std::string& folder, const std::string& name, const Location& where,
                                                Diagnostics& diagnostics);

}  // namespace zettatwin::config
