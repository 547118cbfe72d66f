// SPDX-License-Identifier: Apache-2.0
// Figures of a chip from timings of its kernels, by the method of estimate.hpp.
#pragma once

#include <string>
#include <vector>

#include "calibration/parameters.hpp"
#include "calibration/sample.hpp"

namespace zettatwin::calibration {

// A figure before and after.
struct Fitted {
  std::string path;  // in the document
  units::Dimension dimension;
  double before = 0, value = 0;   // base units
  double low = 0, high = 0;       // 80 % interval of the value
};

// The parameters to fit with so many samples: at most one for each, those that the samples say most about.
[[nodiscard]] std::vector<Parameter> worth_fitting(const hardware::Chip& chip, const std::vector<Sample>& samples, std::vector<Parameter> all);

// Sets the figures of `chip`; an entry per parameter, in their order. Expects samples of positive times.
[[nodiscard]] std::vector<Fitted> fit(hardware::Chip& chip, const std::vector<Sample>& samples, const std::vector<Parameter>& parameters);

}  // namespace zettatwin::calibration
