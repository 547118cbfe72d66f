// SPDX-License-Identifier: Apache-2.0
// Whether a plan makes sense for a model: every rule at once, with the nearest value that would do. Rules that need the machine are in
// place() and check_replicas().
#pragma once

#include <cstdint>

#include "config/diagnostic.hpp"
#include "model/architecture.hpp"
#include "plan/plan.hpp"

namespace zettatwin::plan {

// `sequence_length` in tokens; 0 skips the rules about it. Returns whether there was no error (warnings do not count).
[[nodiscard]] bool check(const Plan& plan, const model::Architecture& architecture, std::int64_t sequence_length,
                         const config::Location& where, config::Diagnostics& diagnostics);

// Rules that need the number of replicas, known after place(): global batch divides by micro_batch * dp, zero_group by dp * cp.
[[nodiscard]] bool check_replicas(const Plan& plan, std::int64_t dp, const config::Location& where, config::Diagnostics& diagnostics);

// The value in [1, limit] that divides `whole`, nearest to `wanted` (the smaller of two).
[[nodiscard]] std::int64_t nearest_divisor(std::int64_t whole, std::int64_t wanted, std::int64_t limit);

}  // namespace zettatwin::plan
