// SPDX-License-Identifier: Apache-2.0
#include "fleet/detail/steady.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <vector>

#include "fleet/detail/collector.hpp"

namespace zettatwin::fleet {

using units::Picoseconds;

namespace {

constexpr std::size_t kLeastColumns = 16;
constexpr std::int64_t kMostGroups = 16, kLeastGroups = 4;

// What is counted per interval.
enum What : std::size_t { finished, input, output, total, good, kWhats };
using Sums = std::array<double, kWhats>;

Sums sums_of(const IntervalCounts& c) {
  const auto in = static_cast<double>(c.input_tokens), out = static_cast<double>(c.output_tokens);
  return {static_cast<double>(c.finished), in, out, in + out, static_cast<double>(c.within_slo)};
}

struct Window {
  std::size_t first = 0, last = 0;  // columns, one past the last
  std::int64_t inside = 1;          // requests, when the first was answered
};

std::optional<Window> window_of(const std::vector<IntervalCounts>& counts, std::size_t from, std::size_t to) {
  Window w;
  std::size_t i = 0;
  std::int64_t arrived = 0, gone = 0, done = 0;
  for (; i < to && done == 0; ++i) arrived += counts[i].arrived, gone += counts[i].finished + counts[i].failed, done += counts[i].finished;
  w.inside = std::max<std::int64_t>(1, arrived - gone);
  for (; i < to && done < w.inside; ++i) done += counts[i].finished;
  w.first = std::max(i, from);
  for (std::size_t c = 0; c < to; ++c)
    if (counts[c].arrived > 0) w.last = c;
  if (w.last < w.first + kLeastColumns) return std::nullopt;
  return w;
}

// Time and sums since the window's begin at the moment by which so many of its requests have finished, evenly within a column.
struct Moment {
  double columns = 0;
  Sums sums{};
};
Moment moment_of(const std::vector<IntervalCounts>& counts, const Window& w, double completions) {
  Moment m;
  for (std::size_t i = w.first; i < w.last && m.sums[finished] < completions; ++i) {
    const Sums column = sums_of(counts[i]);
    const double rest = completions - m.sums[finished];
    const double part = column[finished] > rest ? rest / column[finished] : 1;
    m.columns += part;
    for (std::size_t k = 0; k < kWhats; ++k) m.sums[k] += part * column[k];
    if (part < 1) break;
  }
  return m;
}

struct Rates {
  double from = 0, to = 0;  // columns from the window's begin
  std::array<Estimate, kWhats> per_column;
};

Rates rates_of(const std::vector<IntervalCounts>& counts, const Window& w) {
  const Moment end = moment_of(counts, w, INFINITY);
  const auto all = static_cast<std::int64_t>(end.sums[finished]);
  const std::int64_t rounds = std::max<std::int64_t>(1, (all / w.inside + kMostGroups - 1) / kMostGroups), per = rounds * w.inside, groups = all / per;
  Rates r{.from = 0, .to = end.columns, .per_column = {}};
  for (std::size_t k = 0; k < kWhats; ++k) r.per_column[k].value = end.sums[k] / end.columns;
  if (groups < kLeastGroups) return r;
  std::vector<Moment> edges;
  for (std::int64_t g = 0; g <= groups; ++g) edges.push_back(moment_of(counts, w, static_cast<double>(all - (groups - g) * per)));
  r.from = edges.front().columns;
  r.to = edges.back().columns;
  const double length = r.to - r.from, n = static_cast<double>(groups);
  for (std::size_t k = 0; k < kWhats; ++k) {
    const double rate = (edges.back().sums[k] - edges.front().sums[k]) / length;
    double squares = 0;
    for (std::size_t g = 0; g + 1 < edges.size(); ++g) {
      const double rest = edges[g + 1].sums[k] - edges[g].sums[k] - rate * (edges[g + 1].columns - edges[g].columns);
      squares += rest * rest;
    }
    r.per_column[k] = {rate, student_t95(edges.size() - 2) * std::sqrt(squares / (n - 1) / n) / (length / n)};
  }
  return r;
}

Estimate times(const Estimate& e, double factor) { return {e.value * factor, e.half_width ? std::optional(*e.half_width * factor) : std::nullopt}; }

// The same share of another value.
void relative(Estimate& value, const Estimate& steady) {
  if (steady.half_width && steady.value > 0) value.half_width = value.value * *steady.half_width / steady.value;
}

}  // namespace

void add_steady_rates(Metrics& m, const SeriesRecorder& series, Picoseconds from, Picoseconds to, double chips, double scale) {
  const std::int64_t step = series.interval().count();
  const auto first = static_cast<std::size_t>((from.count() + step - 1) / step);
  const auto last = std::min(series.counts().size(), static_cast<std::size_t>(to.count() / step));
  const auto window = window_of(series.counts(), first, last);
  if (!window) return;
  const Rates rates = rates_of(series.counts(), *window);
  const double seconds = series.interval().seconds().si(), per_second = scale / seconds;
  const auto at = [&](double columns) { return (static_cast<double>(window->first) + columns) * seconds; };
  const auto rate = [&](What what) { return times(rates.per_column[what], per_second); };
  SteadyRates s{.from_s = at(rates.from), .to_s = at(rates.to), .requests_per_s = rate(finished), .input_tokens_per_s = rate(input), .output_tokens_per_s = rate(output),
                .total_tokens_per_s = rate(total), .goodput_per_s = rate(good), .output_tokens_per_s_per_chip = {}};
  if (chips > 0) s.output_tokens_per_s_per_chip = times(s.output_tokens_per_s, 1 / chips);
  m.steady = s;
  if (scale != 1) return;
  relative(m.requests_per_s, s.requests_per_s);
  relative(m.input_tokens_per_s, s.input_tokens_per_s);
  relative(m.output_tokens_per_s, s.output_tokens_per_s);
  relative(m.total_tokens_per_s, s.total_tokens_per_s);
  relative(m.goodput_per_s, s.goodput_per_s);
  relative(m.output_tokens_per_s_per_chip, s.output_tokens_per_s);
  relative(m.total_tokens_per_s_per_chip, s.total_tokens_per_s);
}

}  // namespace zettatwin::fleet
