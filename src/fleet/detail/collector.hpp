// SPDX-License-Identifier: Apache-2.0
// Latencies and counts of measured requests, by model and by batch; batches give the confidence intervals. A batch is a group of instances where
// instances are independent, else so many requests in order of arrival, twice as many when there are too many batches.
// Half width: t(0.975, b - 1) s / sqrt(b) of the b batches' values.
#pragma once

#include <cstdint>
#include <vector>

#include "fleet/detail/flight.hpp"
#include "fleet/detail/series.hpp"
#include "fleet/histogram.hpp"
#include "fleet/metrics.hpp"
#include "fleet/spec.hpp"

namespace zettatwin::fleet {

// Two-sided 95 % quantile of Student's t distribution.
[[nodiscard]] double student_t95(std::size_t degrees);
// Mean of the values and its half width; the latter only of two or more.
[[nodiscard]] Estimate estimate_of(const std::vector<double>& values);

// Without confidence.
[[nodiscard]] LatencySummary summary_of(const LogHistogram& histogram);

struct Met {
  bool ttft = true, tpot = true, e2e = true;
  [[nodiscard]] bool all() const { return ttft && tpot && e2e; }
};
[[nodiscard]] Met met(const Slo& slo, units::Picoseconds ttft, units::Picoseconds tpot, units::Picoseconds e2e);

class Collector final {
 public:
  static constexpr std::size_t kBatches = 32;

  // `groups` > 0: batches are groups of instances.
  Collector(const Slo& slo, units::Picoseconds frontend_delay, std::size_t models, std::size_t groups);

  // From then on throughput counts, whoever arrived when.
  void open_window(units::Picoseconds at) { from_ = at; }
  void close_window(units::Picoseconds at) { until_ = at; }
  [[nodiscard]] bool is_open(units::Picoseconds at) const { return at >= from_ && at <= until_; }
  void arrived(const Flight& flight);  // and has left, or the run is over
  // Whether all objectives are met.
  bool finished(const Flight& flight, units::Picoseconds at);
  void rejected(const Flight& flight);
  void lost(const Flight& flight);
  void unanswered(const Flight& flight);  // in flight for good: misses all objectives
  void transferred(const Flight& flight, units::Picoseconds at);
  // Steps of `duration` each, after which `tokens` tokens have come in all.
  void gaps(std::size_t model, std::size_t group, units::Picoseconds duration, std::int64_t tokens);

  // All that another one, of a part of the fleet, has counted: a group here.
  void absorb(std::size_t group, const Collector& other);

  [[nodiscard]] units::Picoseconds from() const { return from_; }
  [[nodiscard]] units::Picoseconds until() const { return until_; }
  // Of one model. `scale`: fleet over simulated instances; chips of the fleet.
  [[nodiscard]] Metrics metrics(std::size_t model, units::Picoseconds to, double chips, double scale) const;
  [[nodiscard]] Metrics all(units::Picoseconds to, double chips, double scale) const;
  void histograms(LogHistogram& ttft, LogHistogram& tpot, LogHistogram& e2e) const;

 private:
  struct Cell {
    LogHistogram ttft, tpot, itl, e2e, queueing, transfer;
    RequestCounts requests;  // measured ones
    std::int64_t unanswered = 0;
    std::int64_t met_ttft = 0, met_tpot = 0, met_e2e = 0, met_all = 0;
    std::int64_t input_tokens = 0, output_tokens = 0, cached_tokens = 0;
    // In the window, whenever they arrived.
    std::int64_t window_finished = 0, window_good = 0, window_input = 0, window_output = 0;
    void merge(const Cell& other);
  };
  [[nodiscard]] Cell& cell(const Flight& flight);
  void merge_pairs();
  [[nodiscard]] Metrics metrics_of(const std::vector<const Cell*>& batches, units::Picoseconds to, double chips, double scale) const;

  Slo slo_;
  units::Picoseconds frontend_;
  std::size_t groups_;
  std::uint64_t batch_size_ = 64;
  std::vector<std::vector<Cell>> cells_;  // [model][batch]; the last for models that nobody serves
  units::Picoseconds from_;
  units::Picoseconds until_{INT64_MAX};
};

}  // namespace zettatwin::fleet
