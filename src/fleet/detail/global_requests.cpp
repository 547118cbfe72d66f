// SPDX-License-Identifier: Apache-2.0
// The way of a request: to an instance, from prefill to decode, out again.
#include <algorithm>
#include <cmath>

#include "fleet/detail/global_run.hpp"

namespace zettatwin::fleet {

using units::Picoseconds;

// A new request, or one that is sent again: to an instance that computes its prompt, after blocks were reserved where that comes first.
void GlobalRun::route(Flight& flight) {
  Model& model = models_[static_cast<std::size_t>(flight.model)];
  flight.instance = -1;
  if (!flight.reserved) flight.decode_instance = -1;
  flight.computing_since = Picoseconds(-1);
  const bool to_decode = model.transfer != nullptr && model.decode.balancer && flight.input < model.transfer->min_tokens;
  Choice& choice = to_decode ? model.decode : model.compute;
  if (!choice.balancer) return end(flight, Told::rejected, now_);
  if (choice.balancer->open_count() == 0) {
    flight.stage = Stage::homeless;
    model.homeless.push_back(flight.id);
    return;
  }
  const bool disaggregated = !to_decode && model.decode.balancer.has_value() && model.compute.balancer->open_count() > 0;
  if (disaggregated && flight.input + flight.output - 1 > model.largest_decode) return end(flight, Told::rejected, now_);
  if (disaggregated && model.transfer->hand_off == HandOff::reserved && !flight.reserved && flight.output - flight.generated > 1)
    if (!model.blocked.empty() || !reserve_decode(flight)) return block(flight, Stage::unreserved);
  send(flight, choice);
}

void GlobalRun::send(Flight& flight, Choice& choice) {
  const std::optional<std::size_t> place = choice.balancer->choose([&](std::size_t i) { return members_[choice.members[i]].instance->cached_prefix(flight.blocks); });
  if (!place) {
    flight.stage = Stage::homeless;
    models_[static_cast<std::size_t>(flight.model)].homeless.push_back(flight.id);
    return;
  }
  const std::size_t member = choice.members[*place];
  Member& m = members_[member];
  flight.instance = static_cast<std::int32_t>(member);
  if (spec_.retry.max_queue > 0 && m.instance->waiting() >= spec_.retry.max_queue) {
    flight.stage = Stage::homeless;
    return end(flight, Told::rejected, now_);
  }
  const bool prefill = spec_.pools[m.pool].role == Role::prefill && flight.output - flight.generated > 1;
  flight.stage = Stage::computing;
  flight.held = prefill;
  choice.balancer->add(*place, 1, flight.input);
  ++m.inside;
  ++m.routed;
  submit(flight, member, prefill ? serving::Work::prefill : serving::Work::whole, prefill);
}

void GlobalRun::submit(Flight& flight, std::size_t member, serving::Work work, bool hold) {
  serving::Job job{.id = flight.id, .work = work, .hold = hold, .input = flight.input, .output = flight.output, .generated = flight.generated, .blocks = {}};
  if (work != serving::Work::decode) job.blocks = flight.blocks;
  else if (models_[static_cast<std::size_t>(flight.model)].first_token != serving::FirstToken::decoded) ++job.generated;
  serving::Instance& instance = *members_[member].instance;
  instance.submit(std::move(job), now_);
  clocks_.set(member, instance.next_event());
}

bool GlobalRun::reserve_on(Flight& flight, std::size_t place) {
  Choice& choice = models_[static_cast<std::size_t>(flight.model)].decode;
  const std::size_t member = choice.members[place];
  Member& m = members_[member];
  // As much as its admission will ask for.
  const bool in_full = spec_.pools[m.pool].engine.admission == serving::Admission::full;
  const std::int32_t tokens = in_full ? flight.input + flight.output - 2 : flight.cache_tokens();
  if (flight.input + flight.output - 1 + spec_.pools[m.pool].engine.speculation.draft > m.instance->blocks() * spec_.pools[m.pool].engine.block_tokens) return false;
  if (m.power != Power::on || !m.instance->reserve(flight.id, tokens, now_)) return false;
  clocks_.set(member, m.instance->next_event());
  flight.decode_instance = static_cast<std::int32_t>(member);
  flight.reserved = true;
  choice.balancer->add(place, 1, flight.input);
  ++m.inside;
  ++m.routed;
  return true;
}

// The instance that the decode router names, or the least loaded one that has the blocks.
bool GlobalRun::reserve_decode(Flight& flight) {
  Balancer& balancer = *models_[static_cast<std::size_t>(flight.model)].decode.balancer;
  const std::optional<std::size_t> first = balancer.choose([](std::size_t) { return 0; });
  if (!first) return false;
  if (reserve_on(flight, *first)) return true;
  return balancer.choose_fitting([&](std::size_t place) { return place != *first && reserve_on(flight, place); }).has_value();
}

void GlobalRun::block(Flight& flight, Stage stage) {
  flight.stage = stage;
  Model& model = models_[static_cast<std::size_t>(flight.model)];
  // Where blocks are reserved first, a prompt that is done had its turn before.
  if (stage == Stage::blocked && model.transfer->hand_off == HandOff::reserved) model.blocked.push_front(flight.id);
  else model.blocked.push_back(flight.id);
}

// The prompt is done and its cache is held.
void GlobalRun::computed(Flight& flight, Picoseconds at) {
  Model& model = models_[static_cast<std::size_t>(flight.model)];
  flight.prompt_done = at;
  if (flight.cancelled) return end(flight, Told::cancelled, at);
  if (flight.reserved || (model.blocked.empty() && reserve_decode(flight)) || reserve_instead(flight)) return start_transfer(flight);
  block(flight, Stage::blocked);
}

// Blocks are reserved before prompts are computed, but the instance where these were has failed. They are taken from the last request whose prompt is
// not begun: else prompts that are done would keep the prefill instances full, and prompts to come the decode instances.
bool GlobalRun::reserve_instead(Flight& flight) {
  if (models_[static_cast<std::size_t>(flight.model)].transfer->hand_off != HandOff::reserved) return false;
  std::vector<Flight*> later;
  books_.flights.for_each([&](Flight& f) {
    if (f.model == flight.model && f.reserved && f.stage == Stage::computing && f.computing_since < Picoseconds(0)) later.push_back(&f);
  });
  std::sort(later.begin(), later.end(), [](const Flight* a, const Flight* b) { return a->number > b->number; });
  for (Flight* other : later) {
    const auto member = static_cast<std::size_t>(other->decode_instance);
    give_back_blocks(*other);
    other->decode_instance = -1;
    if (reserve_on(flight, place_[member])) return true;
  }
  return false;
}

void GlobalRun::give_back_blocks(Flight& flight) {
  const auto member = static_cast<std::size_t>(flight.decode_instance);
  flight.reserved = false;
  members_[member].instance->cancel(flight.id, now_);
  clocks_.set(member, members_[member].instance->next_event());
  choice_of(member).balancer->add(place_[member], -1, -flight.input);
  --members_[member].inside;
  freed_.push_back(member);
  take_if_drained(member);
}

// Blocks of this decode instance may have become free. First come, first served: whoever waits longer goes first, so nobody starves.
void GlobalRun::serve_blocked(std::size_t member) {
  if (spec_.pools[members_[member].pool].role != Role::decode) return;
  Model& model = models_[static_cast<std::size_t>(spec_.pools[members_[member].pool].model)];
  while (!model.blocked.empty()) {
    Flight* flight = books_.flights.find(model.blocked.front());
    if (flight != nullptr && (flight->stage == Stage::blocked || flight->stage == Stage::unreserved)) {
      if (!reserve_on(*flight, place_[member])) return;
      model.blocked.pop_front();
      if (flight->stage == Stage::blocked) start_transfer(*flight);
      else send(*flight, model.compute);
    } else {
      model.blocked.pop_front();
    }
  }
}

void GlobalRun::start_transfer(Flight& flight) {
  Model& model = models_[static_cast<std::size_t>(flight.model)];
  ++model.transferring;
  flight.stage = Stage::transferring;
  flight.moving = false;
  flight.transfer_start = now_;
  ++flight.epoch;
  const Picoseconds latency = Picoseconds::from(model.transfer->latency);
  if (latency > Picoseconds(0)) plan(now_ + latency, Planned::transfer, flight.id, flight.epoch);
  else begin_transfer(flight);
}

// Layer-wise, what could have moved while the prompt was computed is moved: at the rate that the transfer gets now, but never the last layer. It loads
// ports and network afterwards all the same, for nobody: so that what moves earlier is not moved for free.
void GlobalRun::begin_transfer(Flight& flight) {
  const Model& model = models_[static_cast<std::size_t>(flight.model)];
  const TransferSpec& spec = *model.transfer;
  const double bytes = spec.cache.of(static_cast<double>(flight.cache_tokens())).si();
  const std::size_t from = port_[static_cast<std::size_t>(flight.instance)], to = port_[static_cast<std::size_t>(flight.decode_instance)];
  const std::int64_t senders = ranks_of(flight.instance), receivers = ranks_of(flight.decode_instance);
  double full = 0;  // of one rank on either side
  for (const double rate : {full_egress_[from] / static_cast<double>(senders), full_ingress_[to] / static_cast<double>(receivers)})
    if (rate > 0) full = full == 0 ? rate : std::min(full, rate);
  double cap = senders > 1 || receivers > 1 ? full : 0;
  if (full > 0 && spec.half_size.si() > 0) cap = full * bytes / (bytes + spec.half_size.si());
  refresh_ports(static_cast<std::size_t>(flight.decode_instance));
  const TransferNetwork::Id id = network_->start(from, to, bytes, cap, now_);
  if (id >= owner_.size()) owner_.resize(id + 1);
  owner_[id] = flight.id;
  flight.transfer = id;
  flight.moving = true;
  flight.hidden_bytes = 0;
  if (spec.layer_wise && flight.computing_since >= Picoseconds(0)) {
    const double computing_s = (flight.prompt_done - flight.computing_since).seconds().si();
    flight.hidden_bytes = std::min(bytes * (1 - 1 / static_cast<double>(spec.layers)), network_->rate(id) * computing_s);
    network_->add_bytes(id, -flight.hidden_bytes, now_);
  }
  Traffic& traffic = traffic_[model.transfer_index];
  ++traffic.transfers;
  traffic.bytes += bytes;
  if (books_.collector.is_open(now_)) traffic.window_bytes += bytes;
  traffic.at_once = std::max(traffic.at_once, network_->under_way());
  refresh_ports(static_cast<std::size_t>(flight.decode_instance));
}

void GlobalRun::take_transfer() {
  const TransferNetwork::Id id = network_->take_finished();
  Flight* flight = owner_[id] != 0 ? books_.flights.find(owner_[id]) : nullptr;
  owner_[id] = 0;
  const std::size_t decode = decode_member_[network_->receiver(id)];
  if (flight != nullptr) {
    flight->moving = false;
    if (flight->hidden_bytes > 0) {
      const std::size_t from = port_[static_cast<std::size_t>(flight->instance)];
      const TransferNetwork::Id rest = network_->start(from, port_[decode], flight->hidden_bytes, 0, now_);
      if (rest >= owner_.size()) owner_.resize(rest + 1);
      owner_[rest] = 0;
    }
    transfer_done(*flight);
  }
  refresh_ports(decode);
}

void GlobalRun::transfer_done(Flight& flight) {
  Traffic& traffic = traffic_[models_[static_cast<std::size_t>(flight.model)].transfer_index];
  traffic.duration.add(now_ - flight.prompt_done);
  traffic.blocked.add(flight.transfer_start - flight.prompt_done);
  books_.collector.transferred(flight, now_);
  release_held(flight);
  --models_[static_cast<std::size_t>(flight.model)].transferring;
  flight.stage = Stage::decoding;
  flight.reserved = false;
  submit(flight, static_cast<std::size_t>(flight.decode_instance), serving::Work::decode, false);
}

void GlobalRun::release_held(Flight& flight) {
  if (!flight.held) return;
  const auto member = static_cast<std::size_t>(flight.instance);
  flight.held = false;
  members_[member].instance->release(flight.id, now_);
  clocks_.set(member, members_[member].instance->next_event());
  choice_of(member).balancer->add(place_[member], -1, -flight.input);
  --members_[member].inside;
  take_if_drained(member);
}

// Transfers and the instance's own exchange share the ingress: each is told what the other uses, in steps of 1/32.
void GlobalRun::refresh_ports(std::size_t member) {
  Member& m = members_[member];
  if (!m.timer || !m.works()) return;
  const std::size_t port = port_[member];
  const double full = full_ingress_[port];
  const auto coarse = [](double share) { return std::round(std::clamp(share, 0.0, 0.96875) * 32) / 32; };
  network_->set_ingress(port, full * (1 - coarse(m.timer->exchange_share())), now_);
  const double used = coarse(network_->ingress_rate(port) / full);
  if (used == m.timer->used()) return;
  m.instance->advance(now_);  // what began before has the pace that it had
  m.timer->set_used(used);
  m.instance->timer_changed(now_);
  clocks_.set(member, m.instance->next_event());
}

// Gives back what the request holds, but for a job that still runs.
void GlobalRun::leave(Flight& flight) {
  if (flight.moving) {
    network_->cancel(flight.transfer, now_);
    owner_[flight.transfer] = 0;
    flight.moving = false;
    refresh_ports(static_cast<std::size_t>(flight.decode_instance));
  }
  if (flight.stage == Stage::transferring) --models_[static_cast<std::size_t>(flight.model)].transferring;
  if (flight.stage == Stage::blocked || flight.stage == Stage::transferring) release_held(flight);
  if (flight.reserved) give_back_blocks(flight);
}

// The request leaves the system; its job, if it had one, has ended.
void GlobalRun::end(Flight& flight, Told how, Picoseconds at) {
  const bool on_instance = flight.stage == Stage::computing || flight.stage == Stage::decoding;
  if (on_instance) {
    const auto member = static_cast<std::size_t>(flight.stage == Stage::computing ? flight.instance : flight.decode_instance);
    // A prompt that was to be held and ends here instead: its blocks go with it.
    if (flight.stage == Stage::computing && flight.held && flight.prompt_done >= Picoseconds(0) && how == Told::cancelled) members_[member].instance->release(flight.id, now_);
    choice_of(member).balancer->add(place_[member], -1, -flight.input);
    --members_[member].inside;
    freed_.push_back(member);
    take_if_drained(member);
  }
  leave(flight);
  const std::int32_t source = flight.source;
  if (how == Told::finished) {
    books_.first_token(flight, at);  // unless it had one
    count_outages(books_.finish(flight, at), at);
  } else {
    count_outages(false, at);
    if (how == Told::rejected) books_.reject(flight, at);
    else books_.lose(flight, at);
  }
  Source& from = sources_[static_cast<std::size_t>(source)];
  if (from.concurrency == 0) return;
  ++from.waiting_users;
  plan(now_ + Picoseconds::from(spec_.frontend_delay), Planned::next_of_loop, static_cast<std::uint64_t>(source));
}

Picoseconds GlobalRun::next_timeout() {
  while (!timeouts_.empty() && books_.flights.find(timeouts_.front().second) == nullptr) timeouts_.pop_front();
  return timeouts_.empty() ? kNever : timeouts_.front().first;
}

void GlobalRun::timeout(Id id) {
  Flight* flight = books_.flights.find(id);
  if (flight == nullptr || flight->cancelled) return;
  if (flight->stage != Stage::computing && flight->stage != Stage::decoding) return end(*flight, Told::cancelled, now_);
  flight->cancelled = true;
  const auto member = static_cast<std::size_t>(flight->stage == Stage::computing ? flight->instance : flight->decode_instance);
  members_[member].instance->cancel(id, now_);
  clocks_.set(member, members_[member].instance->next_event());
}

void GlobalRun::send_again(Id id) {
  Flight* flight = books_.flights.find(id);
  if (flight != nullptr && flight->stage == Stage::retrying) route(*flight);
}

void GlobalRun::serve_homeless(std::size_t model) {
  std::deque<Id> homeless;
  homeless.swap(models_[model].homeless);
  for (const Id id : homeless) {
    Flight* flight = books_.flights.find(id);
    if (flight != nullptr && flight->stage == Stage::homeless) route(*flight);
  }
}

TransferResult GlobalRun::transfer_result(std::size_t index, Picoseconds from, Picoseconds to) const {
  const Traffic& t = traffic_[index];
  TransferResult r;
  r.transfers = t.transfers;
  r.bytes = t.bytes;
  r.transfers_at_once = static_cast<std::int64_t>(t.at_once);
  r.duration = summary_of(t.duration);
  r.blocked = summary_of(t.blocked);
  const double seconds = (to - from).seconds().si();
  double egress = 0, ingress = 0;
  for (const PoolSpec& pool : spec_.pools) {
    if (pool.model != spec_.transfers[index].model) continue;
    if (pool.role == Role::prefill) egress += pool.egress.si() * static_cast<double>(pool.instances);
    if (pool.role == Role::decode) ingress += pool.ingress.si() * static_cast<double>(pool.instances);
  }
  const auto used = [&](double capacity) { return capacity > 0 && seconds > 0 ? t.window_bytes / capacity / seconds : 0; };
  r.egress_used = used(egress);
  r.ingress_used = used(ingress);
  r.network_used = used(spec_.network.si());
  return r;
}

}  // namespace zettatwin::fleet
