// SPDX-License-Identifier: Apache-2.0
// Instances that fail, come back, are turned on and off.
#include <algorithm>
#include <cmath>

#include "fleet/detail/global_run.hpp"

namespace zettatwin::fleet {

using units::Picoseconds;

std::unique_ptr<serving::Observer> make_observer(GlobalRun& run, std::size_t member);  // global_run.cpp

void GlobalRun::plan_failures() {
  for (std::size_t i = 0; i < spec_.failures.size(); ++i) {
    const FailureSpec& spec = spec_.failures[i];
    Outage outage;
    outage.begin = Picoseconds::from(spec.at);
    outage.until = spec.duration.si() > 0 ? outage.begin + Picoseconds::from(spec.duration) : kNever;
    outage.before = std::max(Picoseconds::from(spec_.warm_up), spec.duration.si() > 0 ? outage.begin - Picoseconds::from(spec.duration) : Picoseconds(0));
    outage.result.failure = i;
    outage.result.at_s = spec.at.si();
    outage.result.until_s = outage.until == kNever ? -1 : outage.until.seconds().si();
    if (spec.kind != FailureKind::network) {
      const std::size_t first = first_of_pool_[static_cast<std::size_t>(spec.pool)];
      const auto all = static_cast<double>(spec_.pools[static_cast<std::size_t>(spec.pool)].instances);
      if (spec.instances.empty())
        for (std::size_t m = 0; m < static_cast<std::size_t>(std::ceil(spec.share * all - 1e-9)); ++m) outage.members.push_back(first + m);
      for (const std::int64_t m : spec.instances) outage.members.push_back(first + static_cast<std::size_t>(m));
    }
    outages_.push_back(std::move(outage));
    plan(outages_[i].begin, Planned::failure, i);
    if (outages_[i].until != kNever) plan(outages_[i].until, Planned::recovery, i);
  }
}

void GlobalRun::failure(std::size_t index) {
  Outage& outage = outages_[index];
  const FailureSpec& spec = spec_.failures[index];
  if (spec.kind != FailureKind::instances) return change_rates(spec, outage, spec.factor);
  // All are down before anything is sent again, so that nothing goes from one of them to the next.
  for (const std::size_t m : outage.members) {
    if (members_[m].power == Power::off || members_[m].power == Power::down) continue;
    if (members_[m].works()) {
      choice_of(m).balancer->open(place_[m], false);
      --on_now_[members_[m].pool];
    }
    ++outage.result.instances;
  }
  for (const std::size_t m : outage.members) fail_member(m, outage);
}

void GlobalRun::fail_member(std::size_t m, Outage& outage) {
  Member& member = members_[m];
  if (member.power == Power::off || member.power == Power::down) return;
  const bool worked = member.works();
  member.set_power(Power::down, now_);
  if (!worked) return;
  clocks_.set(m, kNever);
  std::vector<serving::Job> jobs = member.instance->fail(now_);
  last_runs_[m] = {};  // also of the run that the failure ended
  std::sort(jobs.begin(), jobs.end(), [](const auto& a, const auto& b) { return a.id < b.id; });
  // What the instance held by itself, and caches on their way from or to it; by request, for the same order always.
  std::vector<Id> hit;
  const auto here = static_cast<std::int32_t>(m);
  books_.flights.for_each([&](const Flight& f) {
    const bool prompt = f.instance == here && (f.stage == Stage::computing || f.stage == Stage::blocked || f.stage == Stage::transferring);
    if (prompt || (f.decode_instance == here && (f.reserved || f.stage == Stage::decoding))) hit.push_back(f.id);
  });
  std::sort(hit.begin(), hit.end());
  for (const Id id : hit) {
    Flight& flight = books_.flights.at(id);
    const auto job = std::lower_bound(jobs.begin(), jobs.end(), id, [](const serving::Job& a, Id b) { return a.id < b; });
    const std::int32_t has = job != jobs.end() && job->id == id ? job->generated : flight.generated;
    const bool to_decode = flight.decode_instance == here && flight.stage != Stage::decoding;
    const bool was_transferring = flight.stage == Stage::transferring;
    if (was_transferring) --models_[static_cast<std::size_t>(flight.model)].transferring;
    if (flight.moving) {
      network_->cancel(flight.transfer, now_);
      owner_[flight.transfer] = 0;
      flight.moving = false;
    }
    if (to_decode) {  // its blocks here are gone; its prompt is not
      flight.reserved = false;
      --member.inside;
      choice_of(m).balancer->add(place_[m], -1, -flight.input);
      flight.decode_instance = -1;
      if (was_transferring) to_serve_.push_back(id);
      continue;
    }
    const bool computed = flight.prompt_done >= Picoseconds(0) && (flight.stage == Stage::blocked || flight.stage == Stage::transferring);
    const std::int32_t generated = flight.first_token < Picoseconds(0) ? 0 : computed ? flight.generated + 1 : has;
    flight.held = false;
    --member.inside;
    choice_of(m).balancer->add(place_[m], -1, -flight.input);
    if (flight.reserved) {
      flight.stage = Stage::retrying;
      leave(flight);
    }
    retry(flight, generated, outage);
  }
  serve_again();
}

// Caches that were on their way to an instance that failed: to another one that has blocks.
void GlobalRun::serve_again() {
  const std::vector<Id> ids = std::move(to_serve_);
  to_serve_.clear();
  for (const Id id : ids) {
    Flight& flight = books_.flights.at(id);
    if (reserve_decode(flight) || reserve_instead(flight)) start_transfer(flight);
    else block(flight, Stage::blocked);
  }
}

void GlobalRun::retry(Flight& flight, std::int32_t generated, Outage& outage) {
  ++outage.result.requests_hit;
  const bool computed_any = flight.computing_since >= Picoseconds(0);
  flight.prompt_done = Picoseconds(-1);
  flight.stage = Stage::retrying;
  if (flight.cancelled || flight.retries >= spec_.retry.max_retries) {
    ++outage.result.requests_lost;
    return end(flight, Told::cancelled, now_);
  }
  if (computed_any) outage.result.recomputed_tokens += flight.input + generated;
  ++flight.retries;
  flight.generated = std::min(generated, flight.output - 1);
  plan(now_ + Picoseconds::from(spec_.retry.delay), Planned::retry, flight.id);
}

void GlobalRun::recovery(std::size_t index) {
  const Outage& outage = outages_[index];
  const FailureSpec& spec = spec_.failures[index];
  if (spec.kind != FailureKind::instances) return change_rates(spec, outage, 1 / spec.factor);
  for (const std::size_t m : outage.members) {
    if (members_[m].power != Power::down) continue;
    const bool still_down = std::any_of(outages_.begin(), outages_.end(), [&](const Outage& other) {
      return other.begin <= now_ && other.until > now_ && spec_.failures[other.result.failure].kind == FailureKind::instances &&
             std::find(other.members.begin(), other.members.end(), m) != other.members.end();
    });
    if (!still_down) turn_on(m);
  }
}

// By `factor`, so that failures of the same ports multiply.
void GlobalRun::change_rates(const FailureSpec& spec, const Outage& outage, double factor) {
  if (!network_) return;
  if (spec.kind == FailureKind::network) {
    network_factor_ *= factor;
    return network_->set_network(spec_.network.si() * network_factor_, now_);
  }
  for (const std::size_t m : outage.members) {
    const Role role = spec_.pools[members_[m].pool].role;
    if (role == Role::prefill) {
      full_egress_[port_[m]] *= factor;
      network_->set_egress(port_[m], full_egress_[port_[m]], now_);
    } else if (role == Role::decode) {
      full_ingress_[port_[m]] *= factor;
      network_->set_ingress(port_[m], full_ingress_[port_[m]], now_);
      if (full_ingress_[port_[m]] > 0) refresh_ports(m);
    }
  }
}

// It takes requests from now on.
void GlobalRun::turn_on(std::size_t m) {
  Member& member = members_[m];
  if (!member.instance) {
    const PoolSpec& pool = spec_.pools[member.pool];
    serving::EngineSettings settings = pool.engine;
    for (const auto& stream : spec_.streams)
      if (settings.prefix_caching && stream->block_tokens() > 0) settings.prefix_tokens = stream->block_tokens();
    member.observer = make_observer(*this, m);
    const serving::StepTimer& timer = member.timer ? static_cast<const serving::StepTimer&>(*member.timer) : *pool.timer;
    member.instance = serving::make_instance(std::move(settings), timer, *member.observer,
                                              {.seed = spec_.seed + m, .tell_runs = true,
                                               .store = {.store = store_ ? &*store_ : nullptr, .bytes_per_token = pool.stored_per_token.si(), .port = pool.store_port, .model = static_cast<std::uint64_t>(pool.model)}});
  }
  if (member.power == Power::off && now_ > Picoseconds(0)) (void)member.instance->fail(now_);  // comes with empty caches
  member.set_power(Power::on, now_);
  std::int64_t& on = on_now_[member.pool];
  on_peak_[member.pool] = std::max(on_peak_[member.pool], ++on);
  if (place_.empty()) return;  // at the start, before there are routers
  choice_of(m).balancer->open(place_[m], true);
  freed_.push_back(m);
  serve_homeless(static_cast<std::size_t>(spec_.pools[member.pool].model));
}

void GlobalRun::ready(std::size_t m, std::uint64_t epoch) {
  if (members_[m].power == Power::starting && members_[m].epoch == epoch) turn_on(m);
}

void GlobalRun::turn_off(std::size_t m) {
  Member& member = members_[m];
  if (member.power == Power::starting) return member.set_power(Power::off, now_);
  ZT_EXPECT(member.power == Power::on, "an instance that is on is turned off");
  choice_of(m).balancer->open(place_[m], false);
  --on_now_[member.pool];
  member.set_power(Power::draining, now_);
  take_if_drained(m);
}

void GlobalRun::take_if_drained(std::size_t m) {
  if (members_[m].power == Power::draining && members_[m].inside == 0) members_[m].set_power(Power::off, now_);
}

double GlobalRun::measure(std::size_t pool) const {
  const Autoscaling& policy = *spec_.pools[pool].autoscaling;
  double sum = 0, on = 0;
  for (std::size_t m = first_of_pool_[pool]; m < first_of_pool_[pool + 1]; ++m) {
    if (members_[m].power != Power::on) continue;
    const serving::Instance& instance = *members_[m].instance;
    on += 1;
    switch (policy.by) {
      case ScaleBy::running: sum += static_cast<double>(instance.running()) / static_cast<double>(spec_.pools[pool].engine.max_sequences); break;
      case ScaleBy::waiting: sum += static_cast<double>(instance.waiting()); break;
      case ScaleBy::cache: sum += static_cast<double>(instance.blocks_used()) / static_cast<double>(instance.blocks()); break;
    }
  }
  if (policy.by == ScaleBy::waiting) sum += static_cast<double>(waiting_outside(pool));
  return on > 0 ? sum / on : policy.target * 2;
}

void GlobalRun::scale(std::size_t p) {
  const PoolSpec& pool = spec_.pools[p];
  const Autoscaling& policy = *pool.autoscaling;
  plan(now_ + Picoseconds::from(policy.interval), Planned::scale, p);
  std::vector<std::size_t> on, starting, off;
  for (std::size_t m = first_of_pool_[p]; m < first_of_pool_[p + 1]; ++m) {
    if (members_[m].power == Power::on) on.push_back(m);
    if (members_[m].power == Power::starting) starting.push_back(m);
    if (members_[m].power == Power::off) off.push_back(m);
  }
  const auto have = static_cast<std::int64_t>(on.size() + starting.size());
  const double ratio = measure(p) / policy.target;
  std::int64_t wanted = std::abs(ratio - 1) <= policy.tolerance ? have : static_cast<std::int64_t>(std::ceil(static_cast<double>(std::max<std::size_t>(on.size(), 1)) * ratio - 1e-9));
  wanted = std::clamp(wanted, policy.min, policy.max);
  auto& history = wanted_[p];
  history.push_back({now_, wanted});
  while (history.front().first + Picoseconds::from(policy.down_delay) < now_) history.pop_front();
  if (wanted < have)
    for (const auto& [at, before] : history) wanted = std::max(wanted, std::min(before, have));
  if (wanted == have) return;
  scaling_.push_back({now_.seconds().si(), static_cast<std::int32_t>(p), have, wanted});
  for (std::int64_t i = have; i < wanted && i - have < static_cast<std::int64_t>(off.size()); ++i) {
    const std::size_t m = off[static_cast<std::size_t>(i - have)];
    members_[m].set_power(Power::starting, now_);
    plan(now_ + Picoseconds::from(policy.start_delay), Planned::ready, m, members_[m].epoch);
  }
  for (std::int64_t i = wanted; i < have; ++i) {  // those that are not there yet, then the last ones
    auto& from = !starting.empty() ? starting : on;
    if (from.empty()) break;
    turn_off(from.back());
    from.pop_back();
  }
}

void GlobalRun::count_outages(bool good, Picoseconds at) {
  for (Outage& o : outages_) {
    if (at >= o.begin && at < o.until) ++o.ended, o.good += good;
    else if (at >= o.before && at < o.begin) ++o.ended_before, o.good_before += good;
  }
}

FailureResult GlobalRun::finish_outage(const Outage& o) const {
  FailureResult r = o.result;
  const auto share = [](std::int64_t part, std::int64_t whole) { return whole > 0 ? static_cast<double>(part) / static_cast<double>(whole) : 1.0; };
  r.attainment_before = share(o.good_before, o.ended_before);
  r.attainment_during = share(o.good, o.ended);
  const auto& counts = books_.series.counts();
  const auto first = static_cast<std::size_t>(o.begin.count() / books_.series.interval().count());
  const double limit = r.attainment_before - 0.01;
  std::size_t last_bad = first;  // one past the last interval below
  for (std::size_t i = first; i < counts.size(); ++i) {
    const std::int64_t ended = counts[i].finished + counts[i].failed;
    if (ended > 0 && share(counts[i].within_slo, ended) < limit) last_bad = i + 1;
  }
  if (o.unanswered > 0) return r;  // never as before
  if (last_bad == first) r.attainment_after_s = 0;
  else if (last_bad < counts.size()) r.attainment_after_s = static_cast<double>(last_bad) * books_.series.interval().seconds().si() - r.at_s;
  return r;
}

}  // namespace zettatwin::fleet
