// SPDX-License-Identifier: Apache-2.0
// Loads catalog documents by name: chips, machines. A document may say `extends: other`, which lays it over that one: mappings
// merge key by key, but a figure (a mapping with `value`) replaces the base's figure whole, lest its range or note outlive it;
// `key: null` removes what the base gives. Base documents that are no chip or machine of their own lie in a subfolder
// ("extends: families/hopper"), which listings of the folder leave out.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "config/document.hpp"
#include "hardware/chip.hpp"
#include "hardware/machine.hpp"

namespace zettatwin::hardware {

[[nodiscard]] config::Node laid_over(const config::Node& base, const config::Node& over);

// `node` with its own `extends` applied, for documents written in place. `load_base` gives the base by name.
using BaseLoader = std::function<std::optional<config::Node>(const std::string& name, const config::Location& where)>;
[[nodiscard]] std::optional<config::Node> extended(const config::Node& node, const BaseLoader& load_base,
                                                   config::Diagnostics& diagnostics);

// The document of "chips/<name>.yaml" with all `extends` applied; cycles and unknown names (with the nearest known) are errors.
[[nodiscard]] std::optional<config::Node> load_document(const config::DocumentSource& source, const std::string& folder,
                                                        const std::string& name, const config::Location& where,
                                                        config::Diagnostics& diagnostics);
[[nodiscard]] std::optional<Chip> load_chip(const config::DocumentSource& source, const std::string& name,
                                            const config::Location& where, config::Diagnostics& diagnostics);
[[nodiscard]] std::optional<Machine> load_machine(const config::DocumentSource& source, const std::string& name,
                                                  const config::Location& where, config::Diagnostics& diagnostics);
// A machine written in place (a scenario's own mapping, which may extend a catalog machine).
[[nodiscard]] std::optional<Machine> machine_from(const config::DocumentSource& source, const config::Node& node,
                                                  config::Diagnostics& diagnostics);

}  // namespace zettatwin::hardware
