// SPDX-License-Identifier: Apache-2.0
#include "fleet/detail/judge.hpp"

#include <algorithm>
#include <cmath>

#include "units/text.hpp"

namespace zettatwin::fleet {

using units::Picoseconds;

namespace {

struct Line {
  double rise = 0;  // over all points
  double late = 0;  // mean of the last tenth
};

Line fit(const std::vector<double>& w) {
  const auto n = static_cast<double>(w.size());
  double mean = 0, cross = 0, square = 0;
  for (const double value : w) mean += value / n;
  for (std::size_t i = 0; i < w.size(); ++i) {
    const double x = static_cast<double>(i) - (n - 1) / 2;
    cross += x * (w[i] - mean);
    square += x * x;
  }
  Line line{.rise = square > 0 ? cross / square * n : 0};
  const std::size_t tail = std::max<std::size_t>(1, w.size() / 10);
  for (std::size_t i = w.size() - tail; i < w.size(); ++i) line.late += w[i] / static_cast<double>(tail);
  return line;
}

}  // namespace

Judgement judge(const Evidence& e) {
  Judgement j;
  const auto& counts = e.series.counts();
  const double interval = e.series.interval().seconds().si();
  std::size_t last = 0;  // one past the last interval with arrivals
  std::int64_t arrived = 0;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    if (counts[i].arrived > 0) last = i + 1;
    arrived += counts[i].arrived;
  }
  j.offered_per_s = e.offered_per_s * e.scale;
  if (e.counts.arrived > 0 && e.counts.rejected == e.counts.arrived) {
    j.verdict = Verdict::infeasible;
    j.reason = "no request can be answered";
    return j;
  }
  if (e.unanswered > 0 && e.counts.finished == 0) {
    j.verdict = Verdict::infeasible;
    j.reason = "no instance is left that could answer, and none had answered before";
    return j;
  }
  if (static_cast<double>(e.unanswered) > std::max(static_cast<double>(e.counts.arrived) / 100, 2.0)) {
    j.verdict = Verdict::saturated;
    j.reason = units::grouped(std::llround(static_cast<double>(e.unanswered) * e.scale)) + " requests wait for good: no instance is left that could answer them";
    return j;
  }
  if (e.closed_loop) {
    j.reason = "a closed loop offers no more than is answered";
    return j;
  }
  const auto begin = std::max(static_cast<std::size_t>(std::ceil(e.from.seconds().si() / interval)), last / 10);
  const std::size_t end = last > 0 && static_cast<double>(last) * interval > e.to.seconds().si() ? last - 1 : last;
  std::vector<double> waiting;
  double n = 0, done = 0, failed = 0;
  for (std::size_t i = begin; i < end; ++i) {
    waiting.push_back(static_cast<double>(e.series.waiting(i)));
    n += static_cast<double>(counts[i].arrived);
    done += static_cast<double>(counts[i].finished);
    failed += static_cast<double>(counts[i].failed);
  }
  if (waiting.size() < 8) {
    j.reason = j.offered_per_s > 0 ? "too short to see a backlog grow" : arrived > 0 ? "all requests come at once" : "no request came";
    const double rise = 2 * static_cast<double>(e.waiting.whole - e.waiting.half), all = static_cast<double>(arrived);
    if (!e.cut_short && e.waiting.end > Picoseconds(0) && j.offered_per_s > 0 && rise > std::max(all / 100, 2 * std::sqrt(all)) && static_cast<double>(e.waiting.whole) > rise / 2) {
      j.verdict = Verdict::saturated;
      j.reason = "the backlog grows as long as requests come";
      j.backlog_growth_per_s = rise / e.waiting.end.seconds().si() * e.scale;
      return j;
    }
    j.too_short = !e.cut_short;
    if (j.too_short) return j;
  }
  const double seconds = static_cast<double>(waiting.size()) * interval;
  const Line line = waiting.size() >= 2 ? fit(waiting) : Line{};
  j.backlog_growth_per_s = seconds > 0 ? line.rise / seconds * e.scale : 0;
  const double threshold = std::max(n / 100, 2 * std::sqrt(n));
  const bool grows = line.rise > threshold && line.late > line.rise / 2;
  if (grows || e.cut_short) {
    j.verdict = Verdict::saturated;
    j.reason = e.cut_short ? "the backlog passed the limit of the simulation" : "the backlog grows as long as requests come";
    j.sustainable_per_s = seconds > 0 ? done / seconds * e.scale : 0;
    if (e.cut_short && waiting.size() < 2) {
      const double each = j.offered_per_s / static_cast<double>(std::max<std::int64_t>(1, arrived));
      j.backlog_growth_per_s = static_cast<double>(e.counts.in_flight) * each;
      j.sustainable_per_s = static_cast<double>(e.counts.finished) * each;
    }
  } else if (failed > threshold) {
    j.verdict = Verdict::saturated;
    j.reason = "more than a hundredth of the requests was rejected or lost";
    j.sustainable_per_s = seconds > 0 ? done / seconds * e.scale : 0;
  } else {
    j.reason = waiting.size() < 8 ? j.reason : "the backlog does not grow";
  }
  return j;
}

}  // namespace zettatwin::fleet
