// SPDX-License-Identifier: Apache-2.0
#include "fleet/detail/alone_run.hpp"

#include <algorithm>
#include <cmath>
#include <string>

#include "fleet/detail/judge.hpp"

namespace zettatwin::fleet {

using units::Picoseconds;

class AloneRun::SeatObserver final : public serving::Observer {
 public:
  SeatObserver(AloneRun& run, Seat& seat) : run_(run), seat_(seat) {}
  void scheduled(serving::JobId id, Picoseconds at, std::int32_t cached) override { run_.books_->schedule(run_.books_->flights.at(id), at, cached); }
  void first_token(serving::JobId id, Picoseconds at) override { run_.books_->first_token(run_.books_->flights.at(id), at); }
  void finished(serving::JobId id, Picoseconds at) override {
    seat_.last.leaves(at);
    run_.books_->finish(run_.books_->flights.at(id), at);
    ++run_.events_;
  }
  void preempted(serving::JobId, Picoseconds at) override { seat_.last.leaves(at); }
  void rejected(serving::JobId id, Picoseconds at) override { run_.books_->reject(run_.books_->flights.at(id), at); }
  void ran(const serving::StepRun& step_run) override {
    const Member& member = seat_.member;
    const bool shown = (run_.sampled_ ? member.routed_id : member.index) < run_.spec_.timeline_instances;
    run_.books_->ran(member.pool, static_cast<std::int32_t>(member.routed_id), shown, seat_.last, step_run);
    ++run_.events_;
  }

 private:
  AloneRun& run_;
  Seat& seat_;
};

namespace {

constexpr double kBeyondExpected = 1.5;  // requests over those expected, so that no instance gets a second one before all have had one
constexpr std::int64_t kHand = 1024;  // requests per instance that are dealt out at a time
constexpr std::size_t kMouthful = 32;  // of them, that an instance is given before it goes on

// Requests of all streams in order of arrival, up to the limits.
class Arrivals final {
 public:
  Arrivals(const FleetSpec& spec, Picoseconds horizon) : horizon_(horizon), left_(spec.max_requests > 0 ? spec.max_requests : INT64_MAX) {
    for (const auto& stream : spec.streams) {
      streams_.push_back(stream->fresh());
      heads_.emplace_back();
      has_.push_back(streams_.back()->next(heads_.back()));
    }
  }
  // The next one; none after the last.
  [[nodiscard]] const requests::Request* next() {
    if (taken_ != kNone) has_[taken_] = streams_[taken_]->next(heads_[taken_]);
    taken_ = kNone;
    for (std::size_t s = 0; s < heads_.size(); ++s)
      if (has_[s] && (taken_ == kNone || heads_[s].arrival < heads_[taken_].arrival)) taken_ = s;
    if (taken_ == kNone || heads_[taken_].arrival >= horizon_ || left_-- <= 0) {
      has_.assign(has_.size(), false);
      taken_ = kNone;
      return nullptr;
    }
    return &heads_[taken_];
  }

 private:
  static constexpr std::size_t kNone = SIZE_MAX;
  Picoseconds horizon_;
  std::int64_t left_;
  std::vector<std::unique_ptr<requests::Stream>> streams_;
  std::vector<requests::Request> heads_;
  std::vector<bool> has_;
  std::size_t taken_ = kNone;
};

// Groups of equally many instances, enough for an interval; 0: none.
std::size_t groups_of(std::size_t instances) {
  for (std::size_t groups = std::min<std::size_t>(32, instances); groups >= 16; --groups)
    if (instances % groups == 0) return groups;
  return 0;
}

}  // namespace

bool instances_are_independent(const FleetSpec& spec) {
  if (spec.router.routing != Routing::round_robin && spec.router.routing != Routing::random) return false;
  if (!spec.failures.empty() || spec.retry.client_timeout.si() > 0 || spec.cache_pool) return false;
  for (const PoolSpec& pool : spec.pools)
    if (pool.role != Role::aggregated || pool.autoscaling) return false;
  for (const auto& stream : spec.streams)
    if (stream->concurrency() > 0) return false;
  return true;
}

std::optional<double> expected_requests(const FleetSpec& spec) {
  double all = 0;
  for (const auto& stream : spec.streams) {
    const double rate = stream->means().rate.si();
    std::optional<double> n;
    if (const auto size = stream->size()) n = static_cast<double>(*size);
    if (spec.horizon.si() > 0 && std::isfinite(rate) && rate > 0) n = std::min(n.value_or(1e300), rate * spec.horizon.si());
    if (!n && spec.max_requests == 0) return std::nullopt;
    all += n.value_or(1e300);
  }
  return spec.max_requests > 0 ? std::min(all, static_cast<double>(spec.max_requests)) : all;
}

AloneRun::AloneRun(const FleetSpec& spec, std::int64_t sample)
    : spec_(spec), horizon_(spec.horizon.si() > 0 ? Picoseconds::from(spec.horizon) : kNever), frontend_(Picoseconds::from(spec.frontend_delay)) {
  for (const PoolSpec& pool : spec.pools) total_ += pool.instances;
  sampled_ = sample > 0 && sample < total_;
  made_ = total_;
  if (!sampled_ && total_ > spec.sample_above && spec.router.routing == Routing::round_robin)
    made_ = static_cast<std::int64_t>(std::min(static_cast<double>(total_), kBeyondExpected * expected_requests(spec).value_or(1e300) + static_cast<double>(spec.sample_above)));
  make_seats(sample);
  groups_ = groups_of(seats_.size());
  books_ = std::make_unique<Books>(spec, spec.models(), groups_);
  books_->expected = expected_requests(spec).value_or(0) * static_cast<double>(seats_.size()) / static_cast<double>(std::max<std::int64_t>(1, total_));
  // Where each instance counts for itself, the number of warm-up requests becomes the time that they take.
  if (sampled_ && spec.warm_up_requests > 0) {
    double rate = 0;
    for (const auto& stream : spec.streams) rate += stream->means().rate.si();
    if (rate > 0) books_->warm_up_until(Picoseconds::from(units::Seconds::from_si(std::max(spec.warm_up.si(), static_cast<double>(spec.warm_up_requests) / rate))));
  }
}

AloneRun::~AloneRun() = default;

void AloneRun::make_seats(std::int64_t sample) {
  seats_of_model_.resize(spec_.models());
  for (std::size_t model = 0; model < seats_of_model_.size(); ++model) {
    std::int64_t of = 0;
    for (const PoolSpec& pool : spec_.pools)
      if (static_cast<std::size_t>(pool.model) == model) of += pool.instances;
    const std::int64_t wanted = sampled_ ? std::clamp<std::int64_t>((sample * of + total_ - 1) / std::max<std::int64_t>(1, total_), 1, std::max<std::int64_t>(1, of)) : std::min(made_, of);
    std::int64_t place = 0, next = 0;  // the next-th of the wanted ones, in the middle of its share
    for (std::size_t p = 0; p < spec_.pools.size(); ++p) {
      if (static_cast<std::size_t>(spec_.pools[p].model) != model) continue;
      for (std::int64_t i = 0; i < spec_.pools[p].instances; ++i, ++place) {
        if (next >= wanted) break;
        if (sampled_ && place != (2 * next + 1) * of / (2 * wanted)) continue;
        ++next;
        add_seat(p, i, place, of);
      }
    }
  }
}

void AloneRun::add_seat(std::size_t p, std::int64_t index, std::int64_t place, std::int64_t of) {
  auto seat = std::make_unique<Seat>();
  const PoolSpec& pool = spec_.pools[p];
  Member& m = seat->member;
  m.pool = p;
  m.index = index;
  m.routed_id = static_cast<std::int64_t>(seats_.size());
  seat->place = place;
  seat->of = of;
  serving::EngineSettings settings = pool.engine;
  for (const auto& stream : spec_.streams)
    if (settings.prefix_caching && stream->block_tokens() > 0) settings.prefix_tokens = stream->block_tokens();
  m.observer = std::make_unique<SeatObserver>(*this, *seat);
  // The seed that it has on one clock: by its number among all instances.
  std::uint64_t number = static_cast<std::uint64_t>(index);
  for (std::size_t q = 0; q < p; ++q) number += static_cast<std::uint64_t>(spec_.pools[q].instances);
  m.instance = serving::make_instance(std::move(settings), *pool.timer, *m.observer, {.seed = spec_.seed + number, .tell_runs = true});
  m.set_power(Power::on, Picoseconds(0));
  seats_of_model_[static_cast<std::size_t>(pool.model)].push_back(seats_.size());
  seats_.push_back(std::move(seat));
}

// State at the ends of intervals up to `until`, and at the beginning of the window.
void AloneRun::sample_to(Seat& seat, Picoseconds until) {
  serving::Instance& instance = *seat.member.instance;
  for (;;) {
    const Picoseconds window = !seat.window_open ? books_->collector.from() : seat.member.closed ? kNever : books_->collector.until();
    if (seat.next_sample == Picoseconds(0)) seat.next_sample = books_->series.next_end(Picoseconds(0));
    const Picoseconds next = std::min(window, seat.next_sample);
    if (next > until) return;
    instance.advance(next);
    if (next == window) {
      if (seat.window_open) seat.member.close_window(next);
      else seat.member.open_window(next);
      seat.window_open = true;
      continue;
    }
    books_->series.state(next, seat.member.pool, {.on = 1, .waiting = instance.waiting(), .running = instance.running(), .blocks_used = instance.blocks_used(), .blocks = instance.blocks()});
    seat.next_sample = books_->series.next_end(next);
  }
}

void AloneRun::advance(Seat& seat, Picoseconds until) {
  sample_to(seat, until);
  seat.member.instance->advance(until);
}

void AloneRun::submit(Seat& seat, Flight& flight) {
  const Picoseconds at = flight.arrival + frontend_;
  sample_to(seat, at);
  serving::Instance& instance = *seat.member.instance;
  if (spec_.retry.max_queue > 0) {
    instance.advance(at);
    if (instance.waiting() >= spec_.retry.max_queue) return books_->reject(flight, at);
  }
  flight.instance = static_cast<std::int32_t>(seat.member.routed_id);
  ++seat.member.routed;
  instance.submit({.id = flight.id, .work = serving::Work::whole, .hold = false, .input = flight.input, .output = flight.output, .generated = 0, .blocks = std::move(flight.blocks)}, at);
}

// What is left inside, or until the run is cut off.
void AloneRun::finish(Seat& seat) {
  serving::Instance& instance = *seat.member.instance;
  if (spec_.end == End::cut_off) return advance(seat, horizon_ - Picoseconds(1));
  while (instance.next_event() != kNever) {
    const Picoseconds next = instance.next_event();
    sample_to(seat, next);
    instance.advance(next);
  }
}

void AloneRun::deliver(Seat& seat) {
  if (seat.inbox.empty()) return;
  for (std::size_t i = 0; i < seat.inbox.size(); ++i) {
    Flight& flight = books_->open(std::move(seat.inbox[i]));
    const Picoseconds at = flight.arrival + frontend_;
    submit(seat, flight);
    // Who has left by then is forgotten: memory follows the requests in flight, not those that were dealt out.
    if (i % kMouthful == kMouthful - 1 || i + 1 == seat.inbox.size()) seat.member.instance->advance(at);
  }
  seat.inbox.clear();
}

void AloneRun::deal_all() {
  Arrivals arrivals(spec_, horizon_);
  std::vector<std::optional<Balancer>> routers(seats_of_model_.size());
  for (std::size_t m = 0; m < routers.size(); ++m) {
    if (seats_of_model_[m].empty()) continue;
    routers[m].emplace(spec_.router, seats_of_model_[m].size(), spec_.seed, stream_of(0xf1ee, 2 * m));
    for (std::size_t i = 0; i < seats_of_model_[m].size(); ++i) routers[m]->open(i, true);
  }
  // Many at a time, so that an instance's state is fetched from memory once for all of them.
  const std::int64_t hand = std::clamp<std::int64_t>(kHand * total_, 1 << 13, 1 << 17);
  for (bool more = true; more && !cut_short_;) {
    for (std::int64_t dealt = 0; dealt < hand; ++dealt) {
      const requests::Request* request = arrivals.next();
      more = request != nullptr;
      if (!more) break;
      // One that would reach its instance after the end is in flight there.
      const bool too_late = spec_.end == End::cut_off && request->arrival + frontend_ >= horizon_;
      Arrival arrival = books_->count(*request, request->arrival);
      const auto model = static_cast<std::size_t>(arrival.model);
      const bool served = arrival.model >= 0 && model < routers.size() && routers[model];
      if (too_late || !served) {
        Flight& flight = books_->open(std::move(arrival));
        if (!too_late) books_->reject(flight, flight.arrival);
        continue;
      }
      const std::size_t seat = seats_of_model_[model][*routers[model]->choose([](std::size_t) { return 0; })];
      seats_[seat]->inbox.push_back(std::move(arrival));
    }
    for (auto& seat : seats_) deliver(*seat);
    cut_short_ = static_cast<std::int64_t>(books_->flights.count()) > spec_.max_backlog + spec_.places();
  }
  if (!cut_short_)
    for (auto& seat : seats_) finish(*seat);
}

void AloneRun::run_share(Seat& seat) {
  const requests::Split split = spec_.router.routing == Routing::random || seats_of_model_.size() > 1 ? requests::Split::random : requests::Split::round_robin;
  FleetSpec share = spec_;
  share.streams.clear();
  for (const auto& stream : spec_.streams) share.streams.push_back(stream->part({.instance = seat.place, .of = seat.of, .split = split, .seed = spec_.seed}));
  if (spec_.max_requests > 0) share.max_requests = std::max<std::int64_t>(1, spec_.max_requests / seat.of);
  Arrivals arrivals(share, horizon_);
  const std::int64_t most = spec_.max_backlog / static_cast<std::int64_t>(seats_.size());
  while (const requests::Request* request = arrivals.next()) {
    if (request->model != spec_.pools[seat.member.pool].model) continue;
    Flight& flight = books_->arrive(*request, 0, request->arrival);
    if (spec_.end == End::cut_off && request->arrival + frontend_ >= horizon_) continue;
    flight.instance = static_cast<std::int32_t>(seat.member.routed_id);
    submit(seat, flight);
    if (seat.member.instance->waiting() > most) {
      cut_short_ = true;
      return;
    }
  }
  finish(seat);
}

FleetResult AloneRun::run() {
  if (sampled_) {
    for (auto& seat : seats_)
      if (!cut_short_) run_share(*seat);
  } else {
    deal_all();
  }
  return result();
}

FleetResult AloneRun::result() {
  FleetResult r;
  books_->close();
  Picoseconds to = spec_.end == End::cut_off && !cut_short_ ? horizon_ : books_->last_end();
  const double scale = sampled_ ? static_cast<double>(total_) / static_cast<double>(std::max<std::size_t>(1, seats_.size())) : 1;
  for (auto& seat : seats_)
    if (spec_.end == End::drain && !cut_short_) sample_to(*seat, to);  // those that were done earlier are still on
  for (std::size_t p = 0; p < spec_.pools.size() && !sampled_; ++p) {
    const std::int64_t idle = spec_.pools[p].instances - std::count_if(seats_.begin(), seats_.end(), [&](const auto& seat) { return seat->member.pool == p; });
    books_->series.constant(p, {.on = idle, .blocks = idle * spec_.pools[p].engine.blocks});
  }
  books_->write(r, to, scale, 1);
  const Picoseconds from = std::min(books_->collector.from(), to);
  for (std::size_t p = 0; p < spec_.pools.size(); ++p) {
    PoolTotals totals(spec_.pools[p]);
    std::int64_t members = 0;
    for (auto& seat : seats_) {
      if (seat->member.pool != p) continue;
      if (!seat->window_open) seat->member.open_window(from);
      totals.add(seat->member, from, to);
      ++members;
    }
    const std::int64_t all = spec_.pools[p].instances;
    if (!sampled_) totals.add_idle(all - members, from, std::min(to, books_->collector.until()));
    r.pools.push_back(totals.result(spec_.pools[p], sampled_ ? static_cast<double>(all) / static_cast<double>(std::max<std::int64_t>(1, members)) : 1, (std::min(to, books_->collector.until()) - from).seconds().si()));
  }
  r.events = events_;
  r.cut_short = cut_short_;
  if (sampled_) {
    r.sampling = {.sampled = true, .instances = static_cast<std::int64_t>(seats_.size()), .of = total_, .how = ""};
    r.sampling.how = std::to_string(seats_.size()) + " of " + std::to_string(total_) + " instances, evenly spread, each with its share of the requests: they cannot influence each other";
  }
  r.judgement = judge({.series = books_->series, .counts = r.requests, .from = from, .to = to, .offered_per_s = books_->offered_per_s(cut_short_), .waiting = books_->waiting(), .closed_loop = false, .cut_short = cut_short_, .scale = scale});
  return r;
}

}  // namespace zettatwin::fleet
