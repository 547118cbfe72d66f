// SPDX-License-Identifier: Apache-2.0
// What happened to every request: who is in the system, how many came and went, what was measured. Shared by both ways to run a fleet.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "fleet/detail/collector.hpp"
#include "fleet/detail/flight.hpp"
#include "fleet/detail/judge.hpp"
#include "fleet/detail/series.hpp"
#include "fleet/result.hpp"
#include "fleet/spec.hpp"
#include "serving/statistics.hpp"

namespace zettatwin::fleet {

// Steps of a pool, as instances tell them.
struct StepCounts {
  std::int64_t decode_steps = 0, decoding = 0;  // steps with decoding sequences; their sum
};
// Sequences that decoded in an instance's last such step and are still there: the gaps between their tokens may be longer than a step.
struct LastRun {
  units::Picoseconds decode_end{-1};
  std::int64_t decoding = 0;
  units::Picoseconds left_at{-1};
  std::int64_t left = 0;  // at that time
  std::int64_t unsent = 0;  // tokens that wait for a parcel to be full
  void leaves(units::Picoseconds at) {
    if (at == decode_end && decoding > 0) --decoding;
    left = at == left_at ? left + 1 : 1;
    left_at = at;
  }
};

// A request that has been counted and is not yet in the system.
struct Arrival {
  units::Picoseconds time;
  std::uint64_t number = 0;
  std::int32_t input = 0, output = 0;
  std::int32_t model = 0;
  bool measured = false;
  std::vector<std::uint64_t> blocks;
};

class Books final {
 public:
  // `groups`: of instances, as Collector's.
  Books(const FleetSpec& spec, std::size_t models, std::size_t groups);

  // Instead of the spec's warm-up.
  void warm_up_until(units::Picoseconds time);
  // A request comes at request.arrival (of its client): it is counted, and in the system.
  Flight& arrive(const requests::Request& request, std::int32_t source, units::Picoseconds arrival);
  // The same in two steps, so that requests can be dealt out in order and looked at instance by instance.
  [[nodiscard]] Arrival count(const requests::Request& request, units::Picoseconds arrival);
  Flight& open(Arrival&& arrival);
  void schedule(Flight& flight, units::Picoseconds at, std::int32_t cached);
  void first_token(Flight& flight, units::Picoseconds at);
  // These end the flight. The first says whether all objectives were met.
  bool finish(Flight& flight, units::Picoseconds at);
  void reject(Flight& flight, units::Picoseconds at);
  void lose(Flight& flight, units::Picoseconds at);
  // `shown`: the instance is on the timeline.
  void ran(std::size_t pool, std::int32_t instance, bool shown, LastRun& last, const serving::StepRun& run);
  // Those of another run, of a part of the fleet: a group here, with metrics of its own. Both are closed.
  void absorb(std::size_t group, const Books& other);
  // Everything that is still in the system; `for_good`: nothing would ever answer it.
  void close(bool for_good = false);

  [[nodiscard]] const RequestCounts& counts() const { return counts_; }
  [[nodiscard]] units::Picoseconds last_end() const { return last_end_; }
  // Requests per second while they came; 0 if all came at once. `cut_short`: the run ended before they did.
  [[nodiscard]] double offered_per_s(bool cut_short) const;
  [[nodiscard]] const Waiting& waiting() const { return waiting_; }
  // Requests, completions and metrics into the result. `scale`: fleet over simulated instances; `whole`: fleet over the instances of the spec.
  void write(FleetResult& result, units::Picoseconds end, double scale, double whole) const;

  FlightTable flights;
  SeriesRecorder series;
  Collector collector;
  std::vector<StepCounts> steps;  // per pool
  double expected = 0;            // requests of the run, for whoever watches; 0: unknown
  std::vector<Span> timeline;

 private:
  void record(const Flight& flight, RequestRecord::State state, units::Picoseconds end);
  void progress(units::Picoseconds at);

  const FleetSpec& spec_;
  bool may_open_;  // the window opens with the first measured request
  units::Picoseconds warm_up_;
  std::int64_t warm_up_requests_;
  RequestCounts counts_;
  std::vector<std::int64_t> longest_;  // by model
  std::int64_t after_start_ = 0;  // requests that came later than at 0
  units::Picoseconds last_arrival_;
  Waiting waiting_;
  std::int64_t done_ = 0;
  std::int64_t next_progress_;
  units::Picoseconds last_end_;
};

}  // namespace zettatwin::fleet
