// SPDX-License-Identifier: Apache-2.0
// Half widths of families from the residuals of calibration runs.
// A campaign is one source on one chip: its runs share their errors, so each campaign counts as much as any other, however many runs it has. A family's width is the
// share's quantile of |r| over its runs, weighted so, then drawn towards its parent's: (campaigns width + parent's) / (campaigns + 1). The quantile of a campaign that a
// table has not seen is larger: the table is fitted without each campaign in turn, and all widths are multiplied by the share's quantile of |r| / width of the
// campaigns left out (at least 1). What one more assumed knob adds is the slope of r^2 over the number of assumed knobs within families.
#pragma once

#include "uncertainty/interval.hpp"

namespace zettatwin::uncertainty {

struct Sample {
  Traits traits;
  std::string campaign;
  double log_error = 0;  // ln(measured / predicted)
};

// The value below which a share of the weight lies: the first sorted value with at least that much at or below it.
[[nodiscard]] double weighted_quantile(std::vector<std::pair<double, double>> values_and_weights, double share);

// Families of all prefixes of the samples' paths; `intervals` gives the share and what cannot be fitted. Samples of unmeasured chips are left out.
[[nodiscard]] Intervals fitted(Intervals intervals, const std::vector<Sample>& samples);

// As catalog/validation/intervals.yaml.
[[nodiscard]] std::string yaml(const Intervals& intervals);

}  // namespace zettatwin::uncertainty
