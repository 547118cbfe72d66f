// SPDX-License-Identifier: Apache-2.0
// Shows an audit: as a table for a terminal of 120 columns, as JSON (docs/claims.md documents the fields; they are stable).
#pragma once

#include <string>

#include "claims/audit.hpp"

namespace zettatwin::claims {

// With `details`, every figure is followed by its formula, inputs and sources.
[[nodiscard]] std::string text(const Audit& audit, bool details);
[[nodiscard]] std::string json(const Audit& audit);

}  // namespace zettatwin::claims
