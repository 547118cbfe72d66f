// SPDX-License-Identifier: Apache-2.0
// Single operators and collectives that published tables measure, asked of the same functions as everything else: products, attention, streams (compute),
// collectives (network). Kernels run alone, so that the loss of clock in long runs is left out (`isolated`), except in bandwidth, which has none.
// A rate without a shape is that of the best of a grid of shapes, as its sources search for it.
#pragma once

#include <optional>
#include <string>

#include "api/library.hpp"
#include "validation/serving_lowering.hpp"

namespace zettatwin::validation {

// In base units; nothing, and why, if it cannot be asked.
struct OperatorAnswer {
  std::optional<double> value;
  double kernels = 0;  // half width of the residuals of its kernels, in the logarithm
  std::string why;
};
[[nodiscard]] OperatorAnswer ask_operator(const ServingRow& row, api::Library& library);

}  // namespace zettatwin::validation
