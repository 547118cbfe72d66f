// SPDX-License-Identifier: Apache-2.0
// Loads chips and machines of the catalog by name; how documents extend each other: config/catalog_document.hpp.
#pragma once

#include <optional>
#include <string>

#include "config/document.hpp"
#include "hardware/chip.hpp"
#include "hardware/machine.hpp"

namespace zettatwin::hardware {

[[nodiscard]] std::optional<Chip> load_chip(const config::DocumentSource& source, const std::string& name,
                                            const config::Location& where, config::Diagnostics& diagnostics);
[[nodiscard]] std::optional<Machine> load_machine(const config::DocumentSource& source, const std::string& name,
                                                  const config::Location& where, config::Diagnostics& diagnostics);
// A machine written in place (a scenario's own mapping, which may extend a catalog machine).
[[nodiscard]] std::optional<Machine> machine_from(const config::DocumentSource& source, const config::Node& node,
                                                  config::Diagnostics& diagnostics);

}  // namespace zettatwin::hardware
