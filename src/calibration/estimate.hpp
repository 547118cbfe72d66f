// SPDX-License-Identifier: Apache-2.0
// Positive unknowns from timings. Minimises over their logarithms x
//     sum over timings of rho(ln predicted - ln measured) / s^2  +  1/2 sum over unknowns of ((x - x_before) / spread)^2
// with rho(r) = c^2 (sqrt(1 + (r/c)^2) - 1): squares near zero, absolute values far out, so that single odd timings do not pull (soft L1).
// s = 0.08 is how far single timings lie from the forms. The second term is what is known before: with few timings the unknowns stay
// where the family has them unless the data speak, with many it vanishes. Method: Levenberg-Marquardt, derivatives by differences.
// No randomness: the same input gives the same estimates.
#pragma once

#include <cstddef>
#include <functional>
#include <vector>

namespace zettatwin::calibration {

struct Unknown {
  double before = 0;         // what is known of it, within the limits
  double low = 0, high = 0;  // limits
  double spread = 1;         // standard deviation of its logarithm before measuring
};

struct Estimate {
  double value = 0;
  double low = 0, high = 0;  // 80 % interval
};

// ln(predicted / measured) of every timing with these values of the unknowns.
using Residuals = std::function<std::vector<double>(const std::vector<double>& values)>;

[[nodiscard]] std::vector<Estimate> estimate(const std::vector<Unknown>& unknowns, const Residuals& residuals);

// Of all unknowns at most so many, those that the timings say most about first.
[[nodiscard]] std::vector<std::size_t> most_telling(const std::vector<Unknown>& unknowns, const Residuals& residuals, std::size_t most);

}  // namespace zettatwin::calibration
