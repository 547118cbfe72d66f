// SPDX-License-Identifier: Apache-2.0
// The machine that a question names, and the same with another number of chips.
#pragma once

#include <cstdint>
#include <optional>

#include "config/document.hpp"
#include "hardware/machine.hpp"

namespace zettatwin::api {

// A catalog name, or a mapping such as {extends: dgx-h100, nodes: 256}.
[[nodiscard]] std::optional<hardware::Machine> load_machine(const config::Node& node, const config::DocumentSource& source, config::Diagnostics& diagnostics);

// The machine cut or grown to `chips`; if they are not whole units, to the fewest whole units that hold them (the 288 chips of four NVL72 racks
// for 256). 0: as it is. Nothing, and diagnostics, if it cannot hold so many.
[[nodiscard]] std::optional<hardware::Machine> machine_of_size(const hardware::Machine& machine, std::int64_t chips, const config::Location& where, config::Diagnostics& diagnostics);

}  // namespace zettatwin::api
