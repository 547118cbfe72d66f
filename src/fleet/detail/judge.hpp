// SPDX-License-Identifier: Apache-2.0
// Whether a fleet keeps up. Let W be the waiting requests at the ends of intervals of time while requests came, after the warm-up and at least the first
// tenth, with n arrivals in that time. A line is fitted to W; its rise over that time is the growth. Saturated: growth > max(n / 100, 2 sqrt(n)) and
// more than half of it is still there in the mean of the last tenth. A stable queue at 95 % of capacity seldom strays that far, an overload of 5 % passes it after some 2,000 requests
// (docs/math/fleet.md). Where requests come in less than eight intervals, because answering them takes that much longer, the line goes through the waiting at half of that time and at its end. A closed loop cannot be overloaded. A run that the limit of the backlog ended is saturated; if that was too early for a line, all that came and was not answered is growth.
#pragma once

#include "fleet/detail/series.hpp"
#include "fleet/metrics.hpp"
#include "fleet/result.hpp"

namespace zettatwin::fleet {

// Requests that wait at half of the time in which they come, and at its end: those that have come and whose first step begins later.
struct Waiting {
  units::Picoseconds end;  // zero: not known
  std::int64_t half = 0, whole = 0;
};

struct Evidence {
  const SeriesRecorder& series;
  RequestCounts counts;
  units::Picoseconds from, to;
  double offered_per_s = 0;  // of the simulated instances; 0: all at once
  Waiting waiting;
  bool closed_loop = false;
  std::int64_t unanswered = 0;  // in flight at the end, with nothing left that could answer
  bool cut_short = false;
  double scale = 1;
};
[[nodiscard]] Judgement judge(const Evidence& evidence);

}  // namespace zettatwin::fleet
