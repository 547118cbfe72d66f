// SPDX-License-Identifier: Apache-2.0
// Counters per interval of time and states at the ends of intervals, in bounded memory: when time runs past the last interval, pairs are merged and the
// interval is twice as long. Ends of intervals then are ends of earlier, shorter ones, so that instances may be recorded one after the other.
#pragma once

#include <cstdint>
#include <vector>

#include "fleet/result.hpp"
#include "units/picoseconds.hpp"

namespace zettatwin::fleet {

// State of one pool (or of a part of it).
struct Gauges {
  std::int64_t on = 0, waiting = 0, running = 0, blocks_used = 0, blocks = 0;
  Gauges& operator+=(const Gauges& other);
};

// Picoseconds of many requests or instances: whole numbers, so that their sum does not depend on their order.
__extension__ using ManyPicoseconds = __int128;
[[nodiscard]] inline double seconds_of(ManyPicoseconds sum) { return static_cast<double>(sum) * 1e-12; }

struct IntervalCounts {
  std::int64_t arrived = 0, finished = 0, within_slo = 0, failed = 0;
  std::int64_t input_tokens = 0, output_tokens = 0;
  std::int64_t first_tokens = 0;
  ManyPicoseconds ttft = 0;  // their sum
  IntervalCounts& operator+=(const IntervalCounts& other);
};

class SeriesRecorder final {
 public:
  // Expects max_intervals >= 2 and interval > 0.
  SeriesRecorder(std::size_t pools, std::int64_t max_intervals, units::Picoseconds interval, bool may_grow);

  [[nodiscard]] IntervalCounts& at(units::Picoseconds time) {
    if (time < last_begin_ || time >= last_end_) find(time);
    return counts_[last_];
  }
  // What another one recorded, of other instances. Expects that one's interval is the other's times a power of two.
  void absorb(SeriesRecorder other);
  // `time` ends an interval: a multiple of interval().
  void state(units::Picoseconds time, std::size_t pool, const Gauges& gauges);
  void busy(std::size_t pool, units::Picoseconds begin, units::Picoseconds end);
  // Instances that have the same state all the time, beside those that are told.
  void constant(std::size_t pool, const Gauges& gauges) { constant_[pool] = gauges; }

  [[nodiscard]] units::Picoseconds interval() const { return interval_; }
  // The first end of an interval after `time`.
  [[nodiscard]] units::Picoseconds next_end(units::Picoseconds time) const { return interval_ * (time.count() / interval_.count() + 1); }
  [[nodiscard]] const std::vector<IntervalCounts>& counts() const { return counts_; }
  [[nodiscard]] std::int64_t waiting(std::size_t interval) const;  // of all pools at its end
  [[nodiscard]] const std::vector<Gauges>& states(std::size_t pool) const { return states_[pool]; }

  // Up to `end`, whose interval may be a part of one.
  [[nodiscard]] Series result(units::Picoseconds end) const;

 private:
  [[nodiscard]] std::size_t column(units::Picoseconds time);
  void find(units::Picoseconds time);
  void merge_pairs();

  std::size_t max_;
  units::Picoseconds interval_;
  bool may_grow_;
  std::vector<IntervalCounts> counts_;
  units::Picoseconds last_begin_, last_end_;  // of the column that was asked for last
  std::size_t last_ = 0;
  units::Picoseconds busy_begin_, busy_end_;  // the same of busy()
  std::size_t busy_at_ = 0;
  std::vector<std::vector<Gauges>> states_;  // per pool
  std::vector<Gauges> constant_;             // likewise
  std::vector<std::vector<ManyPicoseconds>> busy_;  // per pool, of all instances
};

}  // namespace zettatwin::fleet
