// SPDX-License-Identifier: Apache-2.0
// Whether a fleet keeps up. Let W be the waiting requests at the ends of intervals of time while requests came, after the warm-up and at least the first
// tenth, with n arrivals in that time. A line is fitted to W; its rise over that time is the growth. Saturated: growth > max(n / 100, 2 sqrt(n)) and
// more than half of it is still there in the mean of the last tenth. A stable queue at 95 % of capacity seldom strays that far, an overload of 5 % passes it after some 2,000 requests
// (docs/math/fleet.md). A closed loop cannot be overloaded.
#pragma once

#include "fleet/detail/series.hpp"
#include "fleet/metrics.hpp"
#include "fleet/result.hpp"

namespace zettatwin::fleet {

struct Evidence {
  const SeriesRecorder& series;
  RequestCounts counts;
  units::Picoseconds from, to;
  bool closed_loop = false;
  bool cut_short = false;
  double scale = 1;
};
[[nodiscard]] Judgement judge(const Evidence& evidence);

}  // namespace zettatwin::fleet
