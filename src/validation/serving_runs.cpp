// SPDX-License-Identifier: Apache-2.0
#include "validation/serving_runs.hpp"

namespace zettatwin::validation {

std::optional<double> RunAnswer::value(const Figure&) const { return std::nullopt; }

RunAnswer Runs::ask(const ServingRow&) {
  return {.why = "serving runs are not predicted"};
}

}  // namespace zettatwin::validation
