// SPDX-License-Identifier: Apache-2.0
#include "fleet/detail/books.hpp"

#include <algorithm>
#include <cmath>

#include "fleet/detail/steady.hpp"
#include "fleet/times.hpp"

namespace zettatwin::fleet {

using units::Picoseconds;

namespace {

// Seconds until the last request of all traces; zero: there are none, or their rate is not known.
double traces_end(const FleetSpec& spec) {
  double end = 0;
  for (const auto& stream : spec.streams) {
    const double rate = stream->means().rate.si();
    if (stream->size() && rate > 0) end = std::max(end, static_cast<double>(*stream->size()) / rate);
  }
  return end;
}

// When requests stop to come, if that is known beforehand; zero: it is not.
Picoseconds arrivals_end(const FleetSpec& spec) {
  double end = spec.horizon.si(), rates = 0;
  bool all_traces = true;
  for (const auto& stream : spec.streams) {
    all_traces = all_traces && stream->size();
    rates += stream->means().rate.si();
  }
  const auto sooner = [&](double seconds) { end = end > 0 && seconds > 0 ? std::min(end, seconds) : std::max(end, seconds); };
  if (all_traces) sooner(traces_end(spec));
  if (spec.max_requests > 0 && rates > 0) sooner(static_cast<double>(spec.max_requests) / rates);
  return std::isfinite(end) && end <= kLongestRun ? Picoseconds::from(units::Seconds::from_si(end)) : Picoseconds(0);
}

// A power of two of seconds, so that `intervals` of them cover the run if its length is known; else they begin short and grow.
Picoseconds first_interval(const FleetSpec& spec, std::int64_t intervals) {
  if (spec.series_interval.si() > 0) return Picoseconds::from(spec.series_interval);
  const double known = arrivals_end(spec).seconds().si(), stated = spec.horizon.si() > 0 ? spec.horizon.si() : traces_end(spec);
  const double expected = known > 0 ? known : std::min(stated, kLongestRun);
  const double least = 1.0 / 1024;
  double interval = least;
  while (expected / interval > static_cast<double>(intervals)) interval *= 2;
  return Picoseconds::from(units::Seconds::from_si(interval));
}

constexpr std::int64_t kLeastIntervals = 256;  // also without time series: saturation is judged by them

std::int64_t intervals_of(const FleetSpec& spec) { return std::max(spec.max_series, kLeastIntervals); }

}  // namespace

Books::Books(const FleetSpec& spec, std::size_t models, std::size_t groups)
    : series(spec.pools.size(), intervals_of(spec), first_interval(spec, intervals_of(spec)), true),
      collector(spec.slo, Picoseconds::from(spec.frontend_delay), models, groups),
      steps(spec.pools.size()),
      spec_(spec),
      may_open_(spec.warm_up_requests > 0),
      warm_up_(Picoseconds::from(spec.warm_up)),
      warm_up_requests_(spec.warm_up_requests),
      next_progress_(spec.progress_requests) {
  waiting_.end = arrivals_end(spec);
  collector.open_window(may_open_ ? Picoseconds(INT64_MAX) : warm_up_);
  if (spec.horizon.si() > 0) collector.close_window(Picoseconds::from(spec.horizon));
}

void Books::warm_up_until(Picoseconds time) {
  warm_up_ = time;
  warm_up_requests_ = 0;
  may_open_ = false;
  collector.open_window(time);
}

Arrival Books::count(const requests::Request& request, Picoseconds time) {
  Arrival arrival{.time = time, .number = static_cast<std::uint64_t>(counts_.arrived), .input = request.input, .output = request.output, .model = request.model,
                  .measured = counts_.arrived >= warm_up_requests_ && time >= warm_up_, .blocks = request.blocks};
  if (arrival.measured && may_open_) {
    may_open_ = false;
    collector.open_window(time);
  }
  if (request.model >= 0) {
    const auto model = static_cast<std::size_t>(request.model);
    if (model >= longest_.size()) longest_.resize(model + 1);
    longest_[model] = std::max(longest_[model], std::int64_t{request.input} + request.output);
  }
  ++counts_.arrived;
  ++counts_.in_flight;
  after_start_ += time > Picoseconds(0) ? 1 : 0;
  last_arrival_ = std::max(last_arrival_, time);
  ++series.at(time).arrived;
  return arrival;
}

double Books::offered_per_s(bool cut_short) const {
  const bool endless = std::all_of(spec_.streams.begin(), spec_.streams.end(), [](const auto& stream) { return !stream->size(); });
  if (!cut_short && endless && spec_.horizon.si() > 0 && spec_.max_requests == 0) return static_cast<double>(counts_.arrived) / spec_.horizon.si();
  return last_arrival_ > Picoseconds(0) ? static_cast<double>(after_start_) / last_arrival_.seconds().si() : 0;  // as many gaps
}

Flight& Books::open(Arrival&& arrival) {
  Flight& flight = flights.open(arrival.number);
  flight.arrival = arrival.time;
  flight.number = arrival.number;
  flight.model = arrival.model;
  flight.input = arrival.input;
  flight.output = arrival.output;
  flight.measured = arrival.measured;
  flight.blocks = std::move(arrival.blocks);
  return flight;
}

Flight& Books::arrive(const requests::Request& request, std::int32_t source, Picoseconds arrival) {
  Flight& flight = open(count(request, arrival));
  flight.source = source;
  return flight;
}

void Books::schedule(Flight& flight, Picoseconds at, std::int32_t cached) {
  if (flight.scheduled >= Picoseconds(0)) return;
  flight.scheduled = at;
  flight.cached = cached;
  const auto waits_at = [&](Picoseconds time) { return flight.arrival <= time && at > time ? 1 : 0; };
  waiting_.half += waits_at(Picoseconds(waiting_.end.count() / 2));
  waiting_.whole += waits_at(waiting_.end);
}

void Books::first_token(Flight& flight, Picoseconds at) {
  if (flight.first_token >= Picoseconds(0)) return;
  flight.first_token = at;
  IntervalCounts& column = series.at(at);
  ++column.first_tokens;
  column.ttft += (at - flight.arrival).count();
  column.input_tokens += flight.input;
}

bool Books::finish(Flight& flight, Picoseconds at) {
  const bool good = collector.finished(flight, at);
  IntervalCounts& column = series.at(at);
  ++column.finished;
  column.within_slo += good ? 1 : 0;
  column.output_tokens += flight.output;
  ++counts_.finished;
  record(flight, RequestRecord::State::finished, at);
  return good;
}

void Books::reject(Flight& flight, Picoseconds at) {
  collector.rejected(flight);
  ++series.at(at).failed;
  ++counts_.rejected;
  record(flight, RequestRecord::State::rejected, Picoseconds(-1));
}

void Books::lose(Flight& flight, Picoseconds at) {
  collector.lost(flight);
  ++series.at(at).failed;
  ++counts_.lost;
  record(flight, RequestRecord::State::lost, Picoseconds(-1));
  last_end_ = std::max(last_end_, at);
}

void Books::record(const Flight& flight, RequestRecord::State state, Picoseconds end) {
  if (spec_.on_request)
    spec_.on_request({.number = flight.number, .model = flight.model, .input = flight.input, .output = flight.output, .cached = flight.cached,
                      .retries = flight.retries, .instance = flight.instance, .decode_instance = flight.decode_instance, .state = state,
                      .arrival = flight.arrival, .scheduled = flight.scheduled, .first_token = flight.first_token, .finish = end});
  collector.arrived(flight);
  if (state == RequestRecord::State::in_flight) return;
  --counts_.in_flight;
  ++done_;
  last_end_ = std::max(last_end_, end);
  if (done_ >= next_progress_) progress(end);
  flights.close(flights.at(flight.id));
}

void Books::progress(Picoseconds at) {
  next_progress_ += std::max<std::int64_t>(1, spec_.progress_requests);
  if (spec_.on_progress) spec_.on_progress({.time = std::max(at, last_end_), .arrived = counts_.arrived, .done = done_,
                                           .share = expected > 0 ? std::min(1.0, static_cast<double>(counts_.arrived) / expected) : 0});
}

void Books::close(bool for_good) {
  flights.for_each([&](const Flight& flight) {
    record(flight, RequestRecord::State::in_flight, Picoseconds(-1));
    if (for_good) collector.unanswered(flight);
  });
  ZT_ENSURE(counts_.arrived == counts_.finished + counts_.rejected + counts_.lost + counts_.in_flight, "requests are conserved");
  ZT_ENSURE(static_cast<std::int64_t>(flights.count()) == counts_.in_flight, "requests in the system");
}

void Books::absorb(std::size_t group, const Books& other) {
  counts_.arrived += other.counts_.arrived, counts_.finished += other.counts_.finished, counts_.rejected += other.counts_.rejected;
  counts_.lost += other.counts_.lost, counts_.in_flight += other.counts_.in_flight;
  if (longest_.size() < other.longest_.size()) longest_.resize(other.longest_.size());
  for (std::size_t m = 0; m < other.longest_.size(); ++m) longest_[m] = std::max(longest_[m], other.longest_[m]);
  after_start_ += other.after_start_;
  last_arrival_ = std::max(last_arrival_, other.last_arrival_);
  last_end_ = std::max(last_end_, other.last_end_);
  waiting_.half += other.waiting_.half, waiting_.whole += other.waiting_.whole;
  done_ += other.done_;
  if (may_open_) warm_up_until(other.collector.from());
  collector.absorb(group, other.collector);
  series.absorb(other.series);
  for (std::size_t p = 0; p < steps.size(); ++p) steps[p].decode_steps += other.steps[p].decode_steps, steps[p].decoding += other.steps[p].decoding;
  if (group == 0) timeline = other.timeline;
}

void Books::ran(std::size_t pool, std::int32_t instance, bool shown, LastRun& last, const serving::StepRun& run) {
  series.busy(pool, run.begin, run.end);
  if (shown && static_cast<std::int64_t>(timeline.size()) < spec_.timeline_spans)
    timeline.push_back({instance, run.begin, run.end, run.steps, run.decoding, run.prompt_tokens, static_cast<std::int32_t>(pool)});
  if (run.decoding == 0 || run.steps == 0) return;
  if (collector.is_open(run.end)) {
    steps[pool].decode_steps += run.steps;
    steps[pool].decoding += run.steps * run.decoding;
    const Picoseconds step((run.end - run.begin).count() / run.steps);
    // Sequences that decoded before and had to wait: for prompts in steps of their own.
    const std::int64_t stalled = last.decode_end >= Picoseconds(0) && last.decode_end < run.begin ? std::min(last.decoding, run.decoding) : 0;
    const auto model = static_cast<std::size_t>(spec_.pools[pool].model);
    // What clients see: one gap for each parcel of tokens.
    const auto parcel = spec_.pools[pool].engine.stream_tokens, tokens = run.steps * run.decoding + last.unsent, parcels = tokens / parcel;
    const Picoseconds gap(step.count() * parcel);
    const auto longer = std::min(stalled, parcels);
    last.unsent = tokens % parcel;
    if (longer > 0) collector.gaps(model, static_cast<std::size_t>(instance), gap + (run.begin - last.decode_end), longer);
    collector.gaps(model, static_cast<std::size_t>(instance), gap, parcels - longer);
  }
  last.decode_end = run.end;
  last.decoding = std::max<std::int64_t>(0, run.decoding - (last.left_at == run.end ? last.left : 0));
}

void Books::write(FleetResult& result, Picoseconds end, double scale, double whole) const {
  result.requests = counts_;
  result.longest = longest_;
  result.simulated_s = end.seconds().si();
  const Picoseconds to = std::min(end, collector.until());
  const Picoseconds from = std::min(collector.from(), to);
  result.measured_from_s = from.seconds().si();
  result.measured_to_s = to.seconds().si();
  double chips = 0;
  std::size_t models = 1;
  for (const PoolSpec& pool : spec_.pools) {
    chips += static_cast<double>(pool.instances) * pool.chips_per_instance * whole;
    models = std::max(models, static_cast<std::size_t>(pool.model) + 1);
  }
  result.all = collector.all(to, chips, scale);
  add_steady_rates(result.all, series, from, to, chips, scale);
  for (std::size_t m = 0; models > 1 && m < models; ++m) {
    double of_model = 0;
    for (const PoolSpec& pool : spec_.pools)
      if (static_cast<std::size_t>(pool.model) == m) of_model += static_cast<double>(pool.instances) * pool.chips_per_instance * whole;
    result.models.push_back(collector.metrics(m, to, of_model, scale));
  }
  collector.histograms(result.ttft, result.tpot, result.e2e);
  if (spec_.max_series > 0) result.series = series.result(end);
  result.timeline = timeline;
}

}  // namespace zettatwin::fleet
