// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "claims/comparison.hpp"

namespace zettatwin::claims::detail {

// Figures as rows, machines as columns, with the ratio to the reference.
[[nodiscard]] std::string comparison_text(const ComparisonResult& result);

}  // namespace zettatwin::claims::detail
