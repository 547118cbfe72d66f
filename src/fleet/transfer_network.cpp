// SPDX-License-Identifier: Apache-2.0
#include "fleet/transfer_network.hpp"

#include <algorithm>
#include <cmath>
#include <string>

#include "base/contract.hpp"

namespace zettatwin::fleet {

using units::Picoseconds;

namespace {

constexpr double kFine = 0x1p40;      // parts of a byte per second
constexpr double kMostRate = 1e18;    // bytes per second: no network has as much, and a hundred million such rates can be added
constexpr double kLongVolume = 0x1p40;  // bytes: beyond, volumes are counted anew, so that a byte stays far above their last digit

std::vector<double> joined(std::vector<double> a, const std::vector<double>& b) {
  a.insert(a.end(), b.begin(), b.end());
  for (const double capacity : a) ZT_EXPECT(capacity >= 0 && std::isfinite(capacity), "capacity of a port");
  return a;
}

}  // namespace

TransferNetwork::TransferNetwork(std::vector<double> egress, std::vector<double> ingress, double network)
    : senders_(egress.size()), network_(network), sharing_(joined(std::move(egress), ingress)) {
  ZT_EXPECT(network >= 0 && std::isfinite(network), "capacity of the network");
}

TransferNetwork::LaneId TransferNetwork::lane_of(std::uint32_t from, std::uint32_t to, double cap) {
  const std::uint64_t key = (static_cast<std::uint64_t>(from) << 32) | to;
  const auto known = lane_between_.find(key);
  if (known != lane_between_.end() && sharing_.cap(known->second) == cap) return known->second;
  const LaneId id = sharing_.open(from, to, cap);
  if (id >= lanes_.size()) lanes_.resize(id + 1);
  finishes_.grow(lanes_.size());
  lanes_[id] = Lane{};
  if (known == lane_between_.end()) lane_between_.emplace(key, id);
  return id;
}

TransferNetwork::Id TransferNetwork::start(std::size_t from, std::size_t to, double bytes, double rate_cap, Picoseconds at) {
  ZT_EXPECT(from < senders_, "a transfer between ports that are not there");
  ZT_EXPECT(bytes >= 0 && std::isfinite(bytes) && rate_cap >= 0, "a transfer of " + std::to_string(bytes) + " bytes");
  if (free_.empty()) {
    free_.push_back(static_cast<Id>(transfers_.size()));
    transfers_.emplace_back();
  }
  const Id id = free_.back();
  free_.pop_back();
  Transfer& t = transfers_[id];
  t.port[0] = static_cast<std::uint32_t>(from);
  t.port[1] = static_cast<std::uint32_t>(senders_ + to);
  t.lane = lane_of(t.port[0], t.port[1], rate_cap);
  t.active = true;
  ++under_way_;
  take_out(t.lane, at);
  Lane& lane = lanes_[t.lane];
  t.end = lane.volume + bytes;
  lane.ends.push_back({t.end, id, t.version});
  std::push_heap(lane.ends.begin(), lane.ends.end());
  sharing_.add_members(t.lane, 1);
  share(t.port[0], t.port[1], at);
  return id;
}

void TransferNetwork::add_bytes(Id id, double bytes, Picoseconds at) {
  Transfer& t = transfers_[id];
  ZT_EXPECT(t.active && std::isfinite(bytes), "bytes of a transfer");
  take_out(t.lane, at);
  Lane& lane = lanes_[t.lane];
  t.end = std::max(lane.volume, t.end + bytes);
  lane.ends.push_back({t.end, id, ++t.version});
  std::push_heap(lane.ends.begin(), lane.ends.end());
  list_out(at);
}

void TransferNetwork::cancel(Id id, Picoseconds at) {
  Transfer& t = transfers_[id];
  ZT_EXPECT(t.active, "a transfer that is not under way");
  take_out(t.lane, at);
  t.active = false;
  ++t.version;
  free_.push_back(id);
  --under_way_;
  sharing_.add_members(t.lane, -1);
  if (sharing_.members(t.lane) == 0) {
    lanes_[t.lane].ends.clear();
    finishes_.set(t.lane, kNever);
    const auto known = lane_between_.find((static_cast<std::uint64_t>(t.port[0]) << 32) | t.port[1]);
    if (known != lane_between_.end() && known->second == t.lane) lane_between_.erase(known);
    sharing_.close(t.lane);
    out_.clear();  // nothing else was
  }
  share(t.port[0], t.port[1], at);
}

void TransferNetwork::set_port(std::uint32_t port, double capacity, Picoseconds at) {
  ZT_EXPECT(capacity >= 0 && std::isfinite(capacity), "capacity of a port");
  if (sharing_.capacity(port) == capacity) return;
  sharing_.set_capacity(port, capacity);
  share(port, port, at);
}
void TransferNetwork::set_egress(std::size_t port, double capacity, Picoseconds at) { set_port(static_cast<std::uint32_t>(port), capacity, at); }
void TransferNetwork::set_ingress(std::size_t port, double capacity, Picoseconds at) { set_port(static_cast<std::uint32_t>(senders_ + port), capacity, at); }
void TransferNetwork::set_network(double capacity, Picoseconds at) {
  ZT_EXPECT(network_ > 0 && capacity > 0 && std::isfinite(capacity), "capacity of the network");
  run_network(at);
  network_ = capacity;
  level_network(at);
}

// Rates of all whose ports the change touches, then the network's level.
void TransferNetwork::share(std::uint32_t a, std::uint32_t b, Picoseconds at) {
  for (const LaneId id : sharing_.share(a, b)) take_out(id, at);
  for (const LaneId id : out_) lanes_[id].rate = sharing_.rate(id);
  list_out(at);
}

void TransferNetwork::take_out(LaneId id, Picoseconds at) {
  Lane& lane = lanes_[id];
  run_network(at);
  if (lane.out) return;
  lane.out = true;
  out_.push_back(id);
  if (lane.listed && network_ > 0) {
    (lane.held ? held_ : slow_).erase({lane.rate, id});
    if (lane.held) held_members_ -= sharing_.members(id);
    else slow_demand_ -= demand(id);
  }
  if (lane.held) {
    if (const End* end = first_end(lane)) held_ends_.erase({end->at + lane.offset, id});
    lane.volume = volume_ - lane.offset;
  } else if (lane.listed) {
    ZT_ASSERT(at >= lane.since, "a transfer's time goes back");
    lane.volume += lane.rate * (at - lane.since).seconds().si();
  }
  lane.since = at;
  lane.listed = lane.held = false;
  if (lane.volume < kLongVolume) return;
  for (End& end : lane.ends) {
    end.at -= lane.volume;
    if (transfers_[end.id].active && transfers_[end.id].version == end.version) transfers_[end.id].end = end.at;
  }
  lane.volume = 0;
}

void TransferNetwork::list_out(Picoseconds at) {
  for (const LaneId id : out_) {
    lanes_[id].listed = true;
    lanes_[id].out = false;
    if (network_ == 0) continue;
    slow_.insert({lanes_[id].rate, id});
    slow_demand_ += demand(id);
  }
  level_network(at);
  for (const LaneId id : out_) schedule(id);
  out_.clear();
}

TransferNetwork::Fixed TransferNetwork::demand(LaneId id) const {
  return static_cast<Fixed>(std::min(lanes_[id].rate, kMostRate) * kFine) * sharing_.members(id);
}

// What the network's lanes have moved by then.
void TransferNetwork::run_network(Picoseconds at) {
  if (network_ > 0 && level_ < kUnbound) volume_ += level_ * (at - since_).seconds().si();
  since_ = at;
  if (volume_ < kLongVolume) return;
  held_ends_.clear();
  for (const auto& [rate, id] : held_) {
    lanes_[id].offset -= volume_;
    if (const End* end = first_end(lanes_[id])) held_ends_.insert({end->at + lanes_[id].offset, id});
  }
  volume_ = 0;
}

// The level at which the network is full: sum of min(rate, level) = its capacity. Who is above it is held back, then who is not any more is let go; both raise it, so that the first need not
// be looked at again.
void TransferNetwork::level_network(Picoseconds at) {
  if (network_ == 0) return;
  const auto level = [&] { return held_.empty() ? 0 : std::max(0.0, network_ - static_cast<double>(slow_demand_) / kFine) / static_cast<double>(held_members_); };
  if (held_.empty() && static_cast<double>(slow_demand_) / kFine <= network_) return;
  while (!slow_.empty() && slow_.rbegin()->first > level()) hold(slow_.rbegin()->second, true, at);
  while (!held_.empty() && held_.begin()->first <= level()) hold(held_.begin()->second, false, at);
  level_ = held_.empty() ? kUnbound : level();
  if (held_.empty()) volume_ = 0;
}

// From one side of the level to the other.
void TransferNetwork::hold(LaneId id, bool held, Picoseconds at) {
  Lane& lane = lanes_[id];
  (held ? slow_ : held_).erase({lane.rate, id});
  (held ? held_ : slow_).insert({lane.rate, id});
  held_members_ += held ? sharing_.members(id) : -sharing_.members(id);
  slow_demand_ += held ? -demand(id) : demand(id);
  const End* end = first_end(lane);
  if (held) {
    lane.volume += lane.rate * (at - lane.since).seconds().si();
    lane.offset = volume_ - lane.volume;
    finishes_.set(id, kNever);
    if (end) held_ends_.insert({end->at + lane.offset, id});
  } else {
    if (end) held_ends_.erase({end->at + lane.offset, id});
    lane.volume = volume_ - lane.offset;
  }
  lane.held = held;
  lane.since = at;
  if (!held) schedule(id);
}

const TransferNetwork::End* TransferNetwork::first_end(Lane& lane) const {
  while (!lane.ends.empty() && (!transfers_[lane.ends.front().id].active || transfers_[lane.ends.front().id].version != lane.ends.front().version)) {
    std::pop_heap(lane.ends.begin(), lane.ends.end());
    lane.ends.pop_back();
  }
  return lane.ends.empty() ? nullptr : &lane.ends.front();
}

Picoseconds TransferNetwork::time_of(double left, double rate, Picoseconds since) const {
  if (left <= 0) return since;
  if (rate <= 0) return kNever;
  const double ps = std::ceil(left / rate * 1e12);
  return ps < 4e18 ? since + Picoseconds(static_cast<std::int64_t>(ps)) : kNever;
}

void TransferNetwork::schedule(LaneId id) {
  Lane& lane = lanes_[id];
  if (lane.held || !lane.listed) return;
  const End* end = first_end(lane);
  finishes_.set(id, end ? time_of(end->at - lane.volume, lane.rate, lane.since) : kNever);
}

double TransferNetwork::port_rate(std::size_t port) const {
  double sum = 0;
  for (const LaneId id : sharing_.classes(static_cast<PortSharing::Port>(port))) sum += static_cast<double>(sharing_.members(id)) * rate_of(id);
  return sum;
}

std::pair<Picoseconds, TransferNetwork::LaneId> TransferNetwork::next() {
  std::pair<Picoseconds, LaneId> first{finishes_.next(), 0};
  if (first.first < kNever) first.second = static_cast<LaneId>(finishes_.first());
  if (held_ends_.empty()) return first;
  const auto& [volume, lane] = *held_ends_.begin();
  return std::min(first, {time_of(volume - volume_, level_, since_), lane});
}

Picoseconds TransferNetwork::next_finish() { return next().first; }

TransferNetwork::Id TransferNetwork::take_finished() {
  const auto [at, lane] = next();
  ZT_EXPECT(at < kNever, "no transfer finishes");
  const Id id = first_end(lanes_[lane])->id;
  cancel(id, at);
  return id;
}

}  // namespace zettatwin::fleet
