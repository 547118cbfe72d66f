// SPDX-License-Identifier: Apache-2.0
#include "fleet/detail/global_run.hpp"

#include <algorithm>

#include "fleet/detail/alone_run.hpp"
#include "fleet/detail/judge.hpp"

namespace zettatwin::fleet {

using units::Picoseconds;

// Writes down what an instance tells.
class MemberObserver final : public serving::Observer {
 public:
  MemberObserver(GlobalRun& run, std::size_t member) : run_(run), member_(member) {}
  void scheduled(serving::JobId id, Picoseconds at, std::int32_t cached) override { run_.notes_.push_back({GlobalRun::Told::scheduled, id, at, cached, member_}); }
  void first_token(serving::JobId id, Picoseconds at) override { run_.notes_.push_back({GlobalRun::Told::first_token, id, at, 0, member_}); }
  void finished(serving::JobId id, Picoseconds at) override {
    run_.last_runs_[member_].leaves(at);
    run_.notes_.push_back({GlobalRun::Told::finished, id, at, 0, member_});
  }
  void preempted(serving::JobId, Picoseconds at) override { run_.last_runs_[member_].leaves(at); }
  void rejected(serving::JobId id, Picoseconds at) override { run_.notes_.push_back({GlobalRun::Told::rejected, id, at, 0, member_}); }
  void cancelled(serving::JobId id, Picoseconds at) override {
    run_.last_runs_[member_].leaves(at);
    run_.notes_.push_back({GlobalRun::Told::cancelled, id, at, 0, member_});
  }
  void ran(const serving::StepRun& step_run) override {
    const Member& member = run_.members_[member_];
    run_.books_.ran(member.pool, static_cast<std::int32_t>(member_), member.index < run_.spec_.timeline_instances, run_.last_runs_[member_], step_run);
  }

 private:
  GlobalRun& run_;
  std::size_t member_;
};

std::unique_ptr<serving::Observer> make_observer(GlobalRun& run, std::size_t member) { return std::make_unique<MemberObserver>(run, member); }

namespace {

std::size_t most_members(const FleetSpec& spec) {
  std::int64_t members = 0;
  for (const PoolSpec& pool : spec.pools) members += pool.autoscaling ? pool.autoscaling->max : pool.instances;
  return static_cast<std::size_t>(members);
}

}  // namespace

GlobalRun::GlobalRun(const FleetSpec& spec, double factor)
    : spec_(spec),
      factor_(factor),
      books_(spec, spec.models(), 0),
      clocks_(most_members(spec)),
      models_(spec.models()),
      wanted_(spec.pools.size()),
      on_now_(spec.pools.size()),
      on_peak_(spec.pools.size()),
      horizon_(spec.horizon.si() > 0 ? Picoseconds::from(spec.horizon) : kNever),
      most_inside_(spec.max_backlog + spec.places()) {
  if (spec.cache_pool) store_.emplace(serving::ContentStore::Settings{.capacity = spec.cache_pool->capacity, .bandwidth = spec.cache_pool->bandwidth, .latency = spec.cache_pool->latency});
  books_.expected = expected_requests(spec).value_or(0);
  make_members();
  make_models();
  for (const auto& stream : spec.streams) {
    sources_.push_back({.stream = stream->fresh(), .next = {}, .concurrency = stream->concurrency()});
    pull(sources_.back());
  }
  for (std::size_t s = 0; s < sources_.size(); ++s)
    for (std::int64_t user = 0; user < sources_[s].concurrency; ++user) {
      ++sources_[s].waiting_users;
      plan(Picoseconds::from(spec.frontend_delay), Planned::next_of_loop, s);
    }
  plan_failures();
  if (spec.warm_up_requests == 0) plan(books_.collector.from(), Planned::window);
  if (spec.horizon.si() > 0) plan(books_.collector.until(), Planned::window_end);
  plan(books_.series.next_end(Picoseconds(0)), Planned::sample);
  for (std::size_t p = 0; p < spec.pools.size(); ++p)
    if (spec.pools[p].autoscaling) plan(Picoseconds::from(spec.pools[p].autoscaling->interval), Planned::scale, p), scales_ = true;
}

void GlobalRun::make_members() {
  std::vector<double> egress, ingress;
  const bool transfers = !spec_.transfers.empty();
  members_.reserve(most_members(spec_));  // observers and timers stay where they are anyway; members are moved here once
  last_runs_.resize(most_members(spec_));
  for (std::size_t p = 0; p < spec_.pools.size(); ++p) {
    const PoolSpec& pool = spec_.pools[p];
    first_of_pool_.push_back(members_.size());
    const std::int64_t most = pool.autoscaling ? pool.autoscaling->max : pool.instances;
    for (std::int64_t i = 0; i < most; ++i) {
      Member member;
      member.pool = p;
      member.index = i;
      std::size_t port = 0;
      if (transfers && pool.role == Role::decode) {
        port = ingress.size();
        ingress.push_back(pool.ingress.si());
        decode_member_.push_back(members_.size());
        if (pool.ingress.si() > 0) member.timer = std::make_unique<ContendedTimer>(*pool.timer);
      } else if (transfers && pool.role == Role::prefill) {
        port = egress.size();
        egress.push_back(pool.egress.si());
      }
      port_.push_back(port);
      members_.push_back(std::move(member));
      if (i < pool.instances) turn_on(members_.size() - 1);
    }
  }
  first_of_pool_.push_back(members_.size());
  full_egress_ = egress;
  full_ingress_ = ingress;
  if (transfers) network_.emplace(std::move(egress), std::move(ingress), spec_.network.si());
  traffic_.resize(spec_.transfers.size());
}

void GlobalRun::make_models() {
  place_.resize(members_.size());
  for (std::size_t m = 0; m < members_.size(); ++m) {
    Choice& choice = choice_of(m);
    place_[m] = choice.members.size();
    choice.members.push_back(m);
  }
  for (std::size_t i = 0; i < models_.size(); ++i) {
    Model& model = models_[i];
    if (!model.compute.members.empty()) model.compute.balancer.emplace(spec_.router, model.compute.members.size(), spec_.seed, stream_of(0xf1ee, 2 * i));
    if (!model.decode.members.empty()) model.decode.balancer.emplace(spec_.decode_router, model.decode.members.size(), spec_.seed, stream_of(0xf1ee, 2 * i + 1));
    for (std::size_t t = 0; t < spec_.transfers.size(); ++t)
      if (static_cast<std::size_t>(spec_.transfers[t].model) == i) model.transfer = &spec_.transfers[t], model.transfer_index = t;
  }
  for (const PoolSpec& pool : spec_.pools)
    if (pool.role == Role::decode) {
      Model& model = models_[static_cast<std::size_t>(pool.model)];
      model.largest_decode = std::max(model.largest_decode, pool.engine.blocks * pool.engine.block_tokens);
      model.first_token = pool.engine.first_token;
    }
  for (std::size_t m = 0; m < members_.size(); ++m)
    if (members_[m].power == Power::on) choice_of(m).balancer->open(place_[m], true);
}

GlobalRun::Choice& GlobalRun::choice_of(std::size_t member) {
  const PoolSpec& pool = spec_.pools[members_[member].pool];
  Model& model = models_[static_cast<std::size_t>(pool.model)];
  return pool.role == Role::decode ? model.decode : model.compute;
}

void GlobalRun::plan(Picoseconds at, Planned what, std::uint64_t subject, std::uint64_t epoch) {
  if (what != Planned::sample && what != Planned::scale && what != Planned::window && what != Planned::window_end) ++lasting_;
  planned_.push({at, orders_++, what, subject, epoch});
}

void GlobalRun::pull(Source& source) {
  source.has_next = source.stream->next(source.next);
  if (source.has_next && source.concurrency == 0 && source.next.arrival >= horizon_) source.has_next = false;
}

GlobalRun::Source* GlobalRun::next_source() {
  Source* first = nullptr;
  for (Source& source : sources_)
    if (source.has_next && source.concurrency == 0 && (first == nullptr || source.next.arrival < first->next.arrival)) first = &source;
  return first;
}

void GlobalRun::request_arrives(Source& source, Picoseconds client) {
  if (spec_.max_requests > 0 && books_.counts().arrived >= spec_.max_requests) {
    for (Source& each : sources_) each.has_next = false;
    return;
  }
  const bool was_open = books_.collector.is_open(client);
  Flight& flight = books_.arrive(source.next, static_cast<std::int32_t>(&source - sources_.data()), client);
  if (!was_open && books_.collector.is_open(client))
    for (Member& member : members_) member.open_window(now_);
  pull(source);
  if (spec_.retry.client_timeout.si() > 0) timeouts_.emplace_back(client + Picoseconds::from(spec_.retry.client_timeout), flight.id);
  if (static_cast<std::size_t>(flight.model) >= models_.size() || flight.model < 0) return end(flight, Told::rejected, now_);
  route(flight);
}

bool GlobalRun::over() const {
  if (books_.flights.count() > 0) return false;
  for (const Source& source : sources_)
    if (source.has_next && (source.concurrency == 0 || source.waiting_users > 0)) return false;
  return true;
}

// One event; false if there is none any more.
bool GlobalRun::step() {
  Source* source = next_source();
  const Picoseconds arrival = source != nullptr ? source->next.arrival + Picoseconds::from(spec_.frontend_delay) : kNever;
  const Picoseconds instance = clocks_.next();
  const Picoseconds transfer = network_ ? network_->next_finish() : kNever;
  const Picoseconds planned = planned_.empty() ? kNever : planned_.top().at;
  const Picoseconds timed_out = next_timeout();
  const Picoseconds next = std::min(std::min({arrival, instance, timed_out}), std::min(transfer, planned));
  if (next == kNever || (spec_.end == End::drain && over())) return false;
  if (spec_.end == End::cut_off && next >= horizon_) return false;
  // Nothing but looks at the state is left: what is inside waits for something that does not come, unless instances are started for it.
  constexpr std::int64_t kPatience = 4096;
  const bool periodic = std::min({arrival, instance, transfer, timed_out}) == kNever && lasting_ == 0;
  idle_plans_ = periodic ? idle_plans_ + 1 : 0;
  if (idle_plans_ > (scales_ || spec_.end == End::cut_off ? kPatience : 0)) {
    now_ = busy_until_;
    return false;
  }
  now_ = next;
  if (!periodic) busy_until_ = now_;
  ++events_;
  if (next == instance) {
    const std::size_t member = clocks_.first();
    members_[member].instance->advance(next);
    handle_notes();
    clocks_.set(member, members_[member].works() ? members_[member].instance->next_event() : kNever);
  } else if (next == transfer) {
    take_transfer();
  } else if (next == timed_out) {
    const Id id = timeouts_.front().second;
    timeouts_.pop_front();
    timeout(id);
  } else if (next == planned) {
    const Event event = planned_.top();
    planned_.pop();
    handle(event);
  } else {
    request_arrives(*source, source->next.arrival);
  }
  handle_notes();
  if (static_cast<std::int64_t>(books_.flights.count()) > most_inside_) {
    cut_short_ = true;
    return false;
  }
  return true;
}

void GlobalRun::handle(const Event& event) {
  if (event.what != Planned::sample && event.what != Planned::scale && event.what != Planned::window && event.what != Planned::window_end) --lasting_;
  switch (event.what) {
    case Planned::window:
      for (Member& member : members_) member.open_window(now_);
      break;
    case Planned::window_end:
      for (Member& member : members_) member.close_window(now_);
      break;
    case Planned::sample: sample(); break;
    case Planned::scale: scale(event.subject); break;
    case Planned::failure: failure(event.subject); break;
    case Planned::recovery: recovery(event.subject); break;
    case Planned::ready: ready(event.subject, event.epoch); break;
    case Planned::retry: send_again(event.subject); break;
    case Planned::transfer:
      if (Flight* flight = books_.flights.find(event.subject); flight != nullptr && flight->stage == Stage::transferring && !flight->moving && flight->epoch == event.epoch) begin_transfer(*flight);
      break;
    case Planned::next_of_loop: {
      Source& source = sources_[event.subject];
      --source.waiting_users;
      const Picoseconds client = now_ - Picoseconds::from(spec_.frontend_delay);
      if (source.has_next && client < horizon_) request_arrives(source, client);
      else source.has_next = false;
      break;
    }
  }
}

void GlobalRun::handle_notes() {
  std::size_t i = 0, f = 0;  // handling may add more of both
  while (i < notes_.size() || f < freed_.size()) {
    if (i < notes_.size()) handle(Note(notes_[i++]));
    else serve_blocked(freed_[f++]);
  }
  notes_.clear();
  freed_.clear();
}

void GlobalRun::handle(const Note& note) {
  Flight* flight = books_.flights.find(note.id);
  const auto member = static_cast<std::int32_t>(note.member);
  if (flight == nullptr) return;
  const bool computes = flight->stage == Stage::computing && flight->instance == member;
  const bool decodes = flight->stage == Stage::decoding && flight->decode_instance == member;
  if (!computes && !decodes) return;  // of a job that was given up here
  const auto first_token = models_[static_cast<std::size_t>(flight->model)].first_token;
  switch (note.what) {
    case Told::scheduled:
      if (decodes && first_token == serving::FirstToken::joined) books_.first_token(*flight, note.at);
      if (!computes) break;
      if (flight->computing_since < Picoseconds(0)) flight->computing_since = note.at;
      books_.schedule(*flight, note.at, note.cached);
      break;
    case Told::first_token:
      if (decodes || !flight->held || first_token == serving::FirstToken::prompt) books_.first_token(*flight, note.at);
      break;
    case Told::finished:
      if (computes && flight->held) computed(*flight, note.at);
      else end(*flight, flight->cancelled ? Told::cancelled : Told::finished, note.at);
      break;
    case Told::rejected:
    case Told::cancelled: end(*flight, note.what, note.at); break;
  }
}

std::int64_t GlobalRun::waiting_outside(std::size_t pool) const {
  const PoolSpec& spec = spec_.pools[pool];
  const Model& model = models_[static_cast<std::size_t>(spec.model)];
  const Choice& choice = spec.role == Role::decode ? model.decode : model.compute;
  if (members_[choice.members.front()].pool != pool) return 0;  // told by the first pool of its kind
  return spec.role == Role::decode ? static_cast<std::int64_t>(model.blocked.size()) + model.transferring : static_cast<std::int64_t>(model.homeless.size());
}

void GlobalRun::sample() {
  for (std::size_t p = 0; p < spec_.pools.size(); ++p) {
    Gauges gauges;
    for (std::size_t m = first_of_pool_[p]; m < first_of_pool_[p + 1]; ++m) {
      if (!members_[m].works()) continue;
      const serving::Instance& instance = *members_[m].instance;
      gauges += {.on = 1, .waiting = instance.waiting(), .running = instance.running(), .blocks_used = instance.blocks_used(), .blocks = instance.blocks()};
    }
    gauges.waiting += waiting_outside(p);
    books_.series.state(now_, p, gauges);
  }
  plan(books_.series.next_end(now_), Planned::sample);
}

FleetResult GlobalRun::run() {
  while (step()) {
  }
  if (spec_.end == End::cut_off && !cut_short_) now_ = horizon_;
  for (Member& member : members_)
    if (member.works() && (spec_.end == End::cut_off || cut_short_)) member.instance->advance(now_);
  notes_.clear();
  return result();
}

void GlobalRun::add_to(std::vector<PoolTotals>& totals) const {
  const Picoseconds from = std::min(books_.collector.from(), end_);
  for (std::size_t p = 0; p < spec_.pools.size(); ++p)
    for (std::size_t m = first_of_pool_[p]; m < first_of_pool_[p + 1]; ++m) totals[p].add(members_[m], from, end_);
}

FleetResult GlobalRun::result() {
  FleetResult r;
  // Those that came to the frontend before the end but not yet to an instance.
  if (spec_.end == End::cut_off)
    while (Source* source = next_source()) {
      if (source->next.arrival >= now_) break;
      (void)books_.arrive(source->next, 0, source->next.arrival);
      pull(*source);
    }
  const std::int64_t unanswered = spec_.end == End::drain && !cut_short_ ? books_.counts().in_flight : 0;
  books_.close(unanswered > 0);
  for (Outage& outage : outages_)
    if (outage.until == kNever) outage.ended += unanswered, outage.unanswered = unanswered;
  const bool all_done = books_.counts().in_flight == 0;
  const Picoseconds to = spec_.end == End::drain && all_done ? books_.last_end() : now_;
  end_ = to;
  books_.write(r, to, factor_, factor_);
  const Picoseconds from = std::min(books_.collector.from(), to);
  std::vector<PoolTotals> totals;
  for (const PoolSpec& pool : spec_.pools) totals.emplace_back(pool, store_.has_value());
  add_to(totals);
  for (std::size_t p = 0; p < spec_.pools.size(); ++p) {
    r.pools.push_back(totals[p].result(spec_.pools[p], factor_, (std::min(to, books_.collector.until()) - from).seconds().si()));
    r.pools.back().instances_peak = on_peak_[p];
  }
  for (std::size_t t = 0; t < traffic_.size(); ++t) r.transfers.push_back(transfer_result(t, from, to));
  if (store_) {
    const auto& c = store_->counts();
    r.cache_pool = {.present = true, .reads = c.reads, .bytes_read = c.bytes_read, .bytes_written = c.bytes_written, .bytes_evicted = c.bytes_evicted, .used_peak = c.used_peak,
                    .capacity = spec_.cache_pool->capacity.si(), .wait_mean_s = c.reads > 0 ? c.wait_seconds / static_cast<double>(c.reads) : 0,
                    .busy = to > Picoseconds(0) ? std::min(1.0, c.busy_seconds / to.seconds().si()) : 0,
                    .write_busy = to > Picoseconds(0) ? std::min(1.0, c.write_seconds / to.seconds().si()) : 0, .write_lag_max_s = c.write_lag_max};
  }
  for (const Outage& outage : outages_) r.failures.push_back(finish_outage(outage));
  r.scaling = scaling_;
  r.events = events_;
  r.cut_short = cut_short_;
  bool closed = true;
  for (const Source& source : sources_) closed = closed && source.concurrency > 0;
  r.judgement = judge({.series = books_.series, .counts = r.requests, .from = from, .to = to, .offered_per_s = books_.offered_per_s(cut_short_), .waiting = books_.waiting(), .closed_loop = closed, .unanswered = unanswered, .cut_short = cut_short_, .scale = factor_});
  return r;
}

}  // namespace zettatwin::fleet
