// SPDX-License-Identifier: Apache-2.0
#include "fleet/detail/series.hpp"

#include <algorithm>
#include <string>

#include "base/contract.hpp"

namespace zettatwin::fleet {

using units::Picoseconds;

Gauges& Gauges::operator+=(const Gauges& o) {
  on += o.on, waiting += o.waiting, running += o.running, blocks_used += o.blocks_used, blocks += o.blocks;
  return *this;
}

IntervalCounts& IntervalCounts::operator+=(const IntervalCounts& o) {
  arrived += o.arrived, finished += o.finished, within_slo += o.within_slo, failed += o.failed;
  input_tokens += o.input_tokens, output_tokens += o.output_tokens, first_tokens += o.first_tokens, ttft += o.ttft;
  return *this;
}

SeriesRecorder::SeriesRecorder(std::size_t pools, std::int64_t max_intervals, Picoseconds interval, bool may_grow)
    : max_(static_cast<std::size_t>(max_intervals)), interval_(interval), may_grow_(may_grow), states_(pools), constant_(pools), busy_(pools) {
  ZT_EXPECT(max_intervals >= 2 && interval > Picoseconds(0), "intervals of time series");
}

void SeriesRecorder::find(Picoseconds time) {
  last_ = column(time);
  last_begin_ = interval_ * static_cast<std::int64_t>(last_);
  last_end_ = last_begin_ + interval_;
}

void SeriesRecorder::merge_pairs() {
  interval_ += interval_;
  last_end_ = last_begin_;  // nothing is known
  busy_end_ = busy_begin_;
  const auto halve = [](auto& values) {
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (i % 2 == 0) values[i / 2] = values[i];
      else values[i / 2] += values[i];
    }
    values.resize((values.size() + 1) / 2);
  };
  halve(counts_);
  for (auto& busy : busy_) halve(busy);
  for (auto& states : states_) {  // states at the ends that stay
    for (std::size_t i = 1; i < states.size(); i += 2) states[i / 2] = states[i];
    states.resize(states.size() / 2);
  }
}

std::size_t SeriesRecorder::column(Picoseconds time) {
  auto index = static_cast<std::size_t>(time.count() / interval_.count());
  while (index >= max_ && may_grow_) {
    merge_pairs();
    index = static_cast<std::size_t>(time.count() / interval_.count());
  }
  if (index >= counts_.size()) counts_.resize(index + 1);
  return index;
}

void SeriesRecorder::state(Picoseconds time, std::size_t pool, const Gauges& gauges) {
  const std::size_t end_of = column(time - Picoseconds(1));
  if (time.count() % interval_.count() != 0) return;  // has become the middle of a longer interval
  if (end_of >= states_[pool].size()) states_[pool].resize(end_of + 1);
  states_[pool][end_of] += gauges;
}

void SeriesRecorder::busy(std::size_t pool, Picoseconds begin, Picoseconds end) {
  if (end <= begin) return;
  if (begin >= busy_begin_ && end <= busy_end_ && busy_at_ < busy_[pool].size()) {
    busy_[pool][busy_at_] += (end - begin).count();
    return;
  }
  (void)column(end - Picoseconds(1));  // may make intervals longer
  auto& busy = busy_[pool];
  if (busy.size() < counts_.size()) busy.resize(counts_.size());
  busy_begin_ = interval_ * ((end.count() - 1) / interval_.count());
  busy_end_ = busy_begin_ + interval_;
  busy_at_ = static_cast<std::size_t>(busy_begin_.count() / interval_.count());
  while (begin < end) {
    const Picoseconds until = std::min(end, next_end(begin));
    busy[static_cast<std::size_t>(begin.count() / interval_.count())] += (until - begin).count();
    begin = until;
  }
}

void SeriesRecorder::absorb(SeriesRecorder other) {
  while (interval_ < other.interval_) merge_pairs();
  while (other.interval_ < interval_) other.merge_pairs();
  ZT_EXPECT(interval_ == other.interval_ && states_.size() == other.states_.size(), "series of one fleet");
  const auto add = [](auto& sums, const auto& values) {
    if (sums.size() < values.size()) sums.resize(values.size());
    for (std::size_t i = 0; i < values.size(); ++i) sums[i] += values[i];
  };
  add(counts_, other.counts_);
  for (std::size_t p = 0; p < states_.size(); ++p) add(states_[p], other.states_[p]), add(busy_[p], other.busy_[p]);
  last_end_ = last_begin_, busy_end_ = busy_begin_;  // nothing is known
}

std::int64_t SeriesRecorder::waiting(std::size_t interval) const {
  std::int64_t sum = 0;
  for (const auto& states : states_)
    if (interval < states.size()) sum += states[interval].waiting;
  return sum;
}

Series SeriesRecorder::result(Picoseconds end) const {
  Series s;
  s.interval_s = interval_.seconds().si();
  const std::size_t n = std::min(counts_.size(), static_cast<std::size_t>((end.count() + interval_.count() - 1) / interval_.count()));
  for (std::size_t i = 0; i < n; ++i) {
    const IntervalCounts& c = counts_[i];
    s.arrived.push_back(c.arrived);
    s.finished.push_back(c.finished);
    s.within_slo.push_back(c.within_slo);
    s.failed.push_back(c.failed);
    s.input_tokens.push_back(static_cast<double>(c.input_tokens));
    s.output_tokens.push_back(static_cast<double>(c.output_tokens));
    s.ttft_mean_s.push_back(c.first_tokens > 0 ? seconds_of(c.ttft) / static_cast<double>(c.first_tokens) : 0);
  }
  for (std::size_t p = 0; p < states_.size(); ++p) {
    PoolSeries pool;
    for (std::size_t i = 0; i < n; ++i) {
      Gauges g = i < states_[p].size() ? states_[p][i] : Gauges{};
      if (g.on > 0) g += constant_[p];
      pool.on.push_back(static_cast<double>(g.on));
      pool.waiting.push_back(static_cast<double>(g.waiting));
      pool.running.push_back(static_cast<double>(g.running));
      pool.cache_used.push_back(g.blocks > 0 ? static_cast<double>(g.blocks_used) / static_cast<double>(g.blocks) : 0);
      const double instance_s = static_cast<double>(g.on) * s.interval_s;
      pool.busy.push_back(i < busy_[p].size() && instance_s > 0 ? std::min(1.0, seconds_of(busy_[p][i]) / instance_s) : 0);
    }
    s.pools.push_back(std::move(pool));
  }
  return s;
}

}  // namespace zettatwin::fleet
