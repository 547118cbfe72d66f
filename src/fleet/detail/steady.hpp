// SPDX-License-Identifier: Apache-2.0
// Rates of the steady part of a run, without the time in which the system fills and empties (docs/serving_metrics.md). It begins when as many requests have been
// answered as were inside when the first was, so that none of the first is left, and ends with the last arrival. Where these are too near, there is no steady part.
// Confidence: the part is cut into 4 to 16 groups of as many completions, each a multiple of the requests inside, so that rounds of a closed loop are not cut; a rate
// is the ratio of two sums over groups, y over durations d, with half width t(0.975, m - 1) s / (sqrt(m) mean d), s the deviation of y - R d.
#pragma once

#include "fleet/detail/series.hpp"
#include "fleet/metrics.hpp"
#include "units/picoseconds.hpp"

namespace zettatwin::fleet {

// Of the columns within [from, to]. `scale`: fleet over simulated instances. Without a scale the rates of the whole run get the relative half widths, too.
void add_steady_rates(Metrics& metrics, const SeriesRecorder& series, units::Picoseconds from, units::Picoseconds to, double chips, double scale);

}  // namespace zettatwin::fleet
