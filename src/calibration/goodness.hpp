// SPDX-License-Identifier: Apache-2.0
// How well predictions describe timings: errors |predicted / measured - 1|, their sign, and the residual that remains.
#pragma once

#include <vector>

#include "calibration/sample.hpp"

namespace zettatwin::calibration {

struct Goodness {
  std::size_t count = 0;
  double median = 0, p90 = 0;  // of |predicted / measured - 1|
  double bias = 0;             // median of predicted / measured - 1
  double low = 1, high = 1;    // 10 % and 90 % quantiles of measured / predicted
};

// Of predicted / measured.
[[nodiscard]] Goodness goodness(std::vector<double> ratios);
[[nodiscard]] Goodness goodness(const hardware::Chip& chip, const std::vector<Sample>& samples);

}  // namespace zettatwin::calibration
