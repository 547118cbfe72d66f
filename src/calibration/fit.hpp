// SPDX-License-Identifier: Apache-2.0
// Figures from timings. Minimises over the logarithms x of the parameters
//     sum over samples of rho(ln predicted - ln measured) / s^2  +  1/2 sum over parameters of ((x - x_before) / spread)^2
// with rho(r) = c^2 (sqrt(1 + (r/c)^2) - 1): squares near zero, absolute values far out, so that single odd kernels do not pull (soft L1).
// s = 0.08 is how far single kernels lie from the forms. The second term is what is known before: with few samples the figures stay
// where the family has them unless the data speak, with many it vanishes. Method: Levenberg-Marquardt, derivatives by differences.
// No randomness: the same input gives the same figures.
#pragma once

#include <vector>

#include "calibration/parameters.hpp"
#include "calibration/sample.hpp"

namespace zettatwin::calibration {

struct Fitted {
  Parameter parameter;
  double before = 0, value = 0;   // base units
  double low = 0, high = 0;       // 80 % interval of the value
};

// The parameters to fit with so many samples: at most one for each, those that the samples say most about.
[[nodiscard]] std::vector<Parameter> worth_fitting(const hardware::Chip& chip, const std::vector<Sample>& samples, std::vector<Parameter> all);

// Sets the figures of `chip`. Expects samples of positive times.
[[nodiscard]] std::vector<Fitted> fit(hardware::Chip& chip, const std::vector<Sample>& samples, const std::vector<Parameter>& parameters);

}  // namespace zettatwin::calibration
