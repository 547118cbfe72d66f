// SPDX-License-Identifier: Apache-2.0
// Loads catalog documents by name: chips, machines. A document may say `extends: other`, which lays it over that one.
#pragma once

#include <optional>
#include <string>

#include "config/document.hpp"
#include "hardware/chip.hpp"
#include "hardware/machine.hpp"

namespace zettatwin::hardware {

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
