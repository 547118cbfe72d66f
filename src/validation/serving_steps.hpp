// SPDX-License-Identifier: Apache-2.0
// Figures that the step times of one instance give without any simulation.
#pragma once

#include "api/library.hpp"
#include "validation/serving_runs.hpp"

namespace zettatwin::validation {

// Rates of one phase, static batches, transfers of caches (Load batch, pace, one_shot).
[[nodiscard]] RunAnswer ask_steps(const ServingRow& row, const Sizes& sizes, api::Library& library, const config::DocumentSource& source);

}  // namespace zettatwin::validation
