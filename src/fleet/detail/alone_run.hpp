// SPDX-License-Identifier: Apache-2.0
// Instances that cannot influence each other, each simulated by itself: the router looks at no state (in turn, or at random), requests come whatever
// happens to them, nothing fails, no instance is turned on or off, no cache travels. Two ways:
// all      requests are read once and dealt out by the router, some thousands at a time; each instance then goes through its own. What happens is what
//          happens on one clock, to the picosecond; no event has to be put in order among instances.
// sample   some instances, evenly spread over all, each with its share of the traffic (requests::Stream::part). Half widths come from the spread
//          between groups of them.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "fleet/detail/books.hpp"
#include "fleet/detail/member.hpp"
#include "fleet/result.hpp"
#include "fleet/router.hpp"
#include "fleet/spec.hpp"

namespace zettatwin::fleet {

// Whether instances cannot influence each other.
[[nodiscard]] bool instances_are_independent(const FleetSpec& spec);
// Requests that will arrive, as far as streams and limits tell; none if they do not.
[[nodiscard]] std::optional<double> expected_requests(const FleetSpec& spec);

class AloneRun final {
 public:
  // Expects instances_are_independent(spec). `sample` > 0: so many instances.
  AloneRun(const FleetSpec& spec, std::int64_t sample);
  ~AloneRun();
  [[nodiscard]] FleetResult run();

 private:
  struct Seat {  // a simulated instance
    Member member;
    LastRun last;
    std::int64_t place = 0;      // among all instances of its model
    std::int64_t of = 0;
    units::Picoseconds next_sample;
    bool window_open = false;
    std::vector<Arrival> inbox;  // requests that were dealt out
  };
  class SeatObserver;

  void make_seats(std::int64_t sample);
  void add_seat(std::size_t pool, std::int64_t index, std::int64_t place, std::int64_t of);
  void deal_all();
  void deliver(Seat& seat);
  void run_share(Seat& seat);
  void submit(Seat& seat, Flight& flight);
  void advance(Seat& seat, units::Picoseconds until);
  void sample_to(Seat& seat, units::Picoseconds until);
  void finish(Seat& seat);
  [[nodiscard]] FleetResult result();

  const FleetSpec& spec_;
  std::int64_t total_ = 0;             // instances of the fleet
  std::int64_t made_ = 0;              // of each model at most, in turn from the first; the others get no request
  std::size_t groups_ = 0;
  std::unique_ptr<Books> books_;
  std::vector<std::unique_ptr<Seat>> seats_;
  std::vector<std::vector<std::size_t>> seats_of_model_;
  units::Picoseconds horizon_, frontend_;
  bool sampled_ = false;
  bool cut_short_ = false;
  std::int64_t events_ = 0;
};

}  // namespace zettatwin::fleet
