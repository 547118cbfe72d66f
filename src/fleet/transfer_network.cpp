// SPDX-License-Identifier: Apache-2.0
#include "fleet/transfer_network.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <string>

#include "base/contract.hpp"

namespace zettatwin::fleet {

using units::Picoseconds;

namespace {

constexpr Picoseconds kNever{std::numeric_limits<std::int64_t>::max()};
constexpr double kNoLimit = 1e30;  // bytes per second, of what nothing limits

}  // namespace

TransferNetwork::TransferNetwork(std::vector<double> egress, std::vector<double> ingress, double network)
    : senders_(egress.size()), network_(network), ports_(egress.size() + ingress.size()) {
  for (std::size_t i = 0; i < egress.size(); ++i) ports_[i].capacity = egress[i];
  for (std::size_t i = 0; i < ingress.size(); ++i) ports_[senders_ + i].capacity = ingress[i];
  for (const Port& port : ports_) ZT_EXPECT(port.capacity >= 0 && std::isfinite(port.capacity), "capacity of a port");
  ZT_EXPECT(network >= 0 && std::isfinite(network), "capacity of the network");
}

void TransferNetwork::attach(Id id) {
  Transfer& t = transfers_[id];
  for (int side = 0; side < 2; ++side) {
    t.place[side] = static_cast<std::uint32_t>(ports_[t.port[side]].transfers.size());
    ports_[t.port[side]].transfers.push_back(id);
  }
  t.place_active = static_cast<std::uint32_t>(active_.size());
  active_.push_back(id);
  t.active = true;
}

void TransferNetwork::detach(Id id) {
  Transfer& t = transfers_[id];
  for (int side = 0; side < 2; ++side) {
    Port& port = ports_[t.port[side]];
    const Id last = port.transfers.back();
    port.transfers[t.place[side]] = last;
    transfers_[last].place[side] = t.place[side];
    port.transfers.pop_back();
  }
  const Id last = active_.back();
  active_[t.place_active] = last;
  transfers_[last].place_active = t.place_active;
  active_.pop_back();
  t.active = false;
  ++t.version;
  free_.push_back(id);
}

TransferNetwork::Id TransferNetwork::start(std::size_t from, std::size_t to, double bytes, double rate_cap, Picoseconds at) {
  ZT_EXPECT(from < senders_ && to < ports_.size() - senders_, "a transfer between ports that are not there");
  ZT_EXPECT(bytes >= 0 && std::isfinite(bytes) && rate_cap >= 0, "a transfer of " + std::to_string(bytes) + " bytes");
  if (free_.empty()) {
    free_.push_back(static_cast<Id>(transfers_.size()));
    transfers_.emplace_back();
  }
  const Id id = free_.back();
  free_.pop_back();
  Transfer& t = transfers_[id];
  t.left = bytes;
  t.cap = rate_cap;
  t.rate = t.free_rate = 0;
  t.since = at;
  t.port[0] = static_cast<std::uint32_t>(from);
  t.port[1] = static_cast<std::uint32_t>(senders_ + to);
  attach(id);
  share_from(t.port[0], t.port[1], at);
  schedule(id);
  return id;
}

void TransferNetwork::add_bytes(Id id, double bytes, Picoseconds at) {
  Transfer& t = transfers_[id];
  ZT_EXPECT(t.active && std::isfinite(bytes), "bytes of a transfer");
  settle(t, at);
  t.left = std::max(0.0, t.left + bytes);
  schedule(id);
}

void TransferNetwork::cancel(Id id, Picoseconds at) {
  ZT_EXPECT(transfers_[id].active, "a transfer that is not under way");
  detach(id);
  share_from(transfers_[id].port[0], transfers_[id].port[1], at);
}

void TransferNetwork::set_port(std::uint32_t port, double capacity, Picoseconds at) {
  ZT_EXPECT(capacity >= 0 && std::isfinite(capacity), "capacity of a port");
  if (ports_[port].capacity == capacity) return;
  ports_[port].capacity = capacity;
  share_from(port, port, at);
}
void TransferNetwork::set_egress(std::size_t port, double capacity, Picoseconds at) { set_port(static_cast<std::uint32_t>(port), capacity, at); }
void TransferNetwork::set_ingress(std::size_t port, double capacity, Picoseconds at) { set_port(static_cast<std::uint32_t>(senders_ + port), capacity, at); }
void TransferNetwork::set_network(double capacity, Picoseconds at) {
  ZT_EXPECT(capacity > 0 && std::isfinite(capacity), "capacity of the network");
  network_ = capacity;
  level_ = level_of_network();
  apply_all(at);
}

// All transfers that share ports with transfers of this port, and so on.
void TransferNetwork::collect(std::uint32_t first) {
  if (ports_[first].mark == marks_) return;
  ports_[first].mark = marks_;
  touched_.push_back(first);
  for (std::size_t next = touched_.size() - 1; next < touched_.size(); ++next) {
    for (const Id id : ports_[touched_[next]].transfers) {
      Transfer& t = transfers_[id];
      if (t.mark == marks_) continue;
      t.mark = marks_;
      component_.push_back(id);
      for (const std::uint32_t other : t.port) {
        if (ports_[other].mark == marks_) continue;
        ports_[other].mark = marks_;
        touched_.push_back(other);
      }
    }
  }
}

// Rates of component_ without the network.
void TransferNetwork::solve() {
  const auto limit = [](double capacity) { return capacity > 0 ? capacity : kNoLimit; };
  if (component_.size() == 1) {
    Transfer& t = transfers_[component_[0]];
    t.free_rate = std::min({limit(t.cap), limit(ports_[t.port[0]].capacity), limit(ports_[t.port[1]].capacity)});
    return;
  }
  flow::SharingProblem<double> problem;
  for (const std::uint32_t p : touched_) ports_[p].resource = problem.add_resource(limit(ports_[p].capacity));
  for (const Id id : component_) {
    const Transfer& t = transfers_[id];
    problem.add_flow(1, {{ports_[t.port[0]].resource, 1}, {ports_[t.port[1]].resource, 1}}, t.cap > 0 ? std::optional(t.cap) : std::nullopt);
  }
  const flow::Shares<double> shares = flow::max_min(problem);
  for (std::size_t i = 0; i < component_.size(); ++i) transfers_[component_[i]].free_rate = shares.rate[i];
}

void TransferNetwork::share_from(std::uint32_t port_a, std::uint32_t port_b, Picoseconds at) {
  ++marks_;
  component_.clear();
  touched_.clear();
  collect(port_a);
  collect(port_b);
  if (!component_.empty()) {
    std::sort(component_.begin(), component_.end());
    solve();
  }
  const bool bound = level_ < kUnbound;
  if (network_ > 0) level_ = level_of_network();
  if (bound || level_ < kUnbound) return apply_all(at);
  for (const Id id : component_) set_rate(id, transfers_[id].free_rate, at);
}

// The level at which the network is full: sum of min(rate, level) = its capacity. Found from below: transfers under the level keep their rates.
double TransferNetwork::level_of_network() const {
  double total = 0;
  for (const Id id : active_) total += transfers_[id].free_rate;
  if (total <= network_) return kUnbound;
  double level = network_ / static_cast<double>(active_.size());
  for (;;) {
    double below = 0;
    std::size_t others = 0;
    for (const Id id : active_) {
      if (transfers_[id].free_rate <= level) below += transfers_[id].free_rate;
      else ++others;
    }
    const double next = others > 0 ? (network_ - below) / static_cast<double>(others) : level;
    if (next <= level) return level;
    level = next;
  }
}

void TransferNetwork::apply_all(Picoseconds at) {
  for (const Id id : active_) {
    Transfer& t = transfers_[id];
    const double rate = std::min(t.free_rate, level_);
    if (rate == t.rate) continue;
    settle(t, at);
    t.rate = rate;
  }
  finishes_ = {};
  for (const Id id : active_) schedule(id);
}

void TransferNetwork::settle(Transfer& t, Picoseconds at) {
  ZT_ASSERT(at >= t.since, "a transfer's time goes back");
  t.left = std::max(0.0, t.left - t.rate * (at - t.since).seconds().si());
  t.since = at;
}

void TransferNetwork::set_rate(Id id, double rate, Picoseconds at) {
  Transfer& t = transfers_[id];
  if (rate == t.rate) return;
  settle(t, at);
  t.rate = rate;
  schedule(id);
}

void TransferNetwork::schedule(Id id) {
  Transfer& t = transfers_[id];
  ++t.version;
  if (t.left <= 0) return finishes_.push({t.since, id, t.version});
  if (t.rate <= 0) return;
  const double ps = std::ceil(t.left / t.rate * 1e12);
  if (ps < 4e18) finishes_.push({t.since + Picoseconds(static_cast<std::int64_t>(ps)), id, t.version});
}

void TransferNetwork::drop_stale() {
  while (!finishes_.empty() && (!transfers_[finishes_.top().id].active || transfers_[finishes_.top().id].version != finishes_.top().version))
    finishes_.pop();
}

double TransferNetwork::port_rate(std::size_t port) const {
  double sum = 0;
  for (const Id id : ports_[port].transfers) sum += transfers_[id].rate;
  return sum;
}

Picoseconds TransferNetwork::next_finish() {
  drop_stale();
  return finishes_.empty() ? kNever : finishes_.top().at;
}

TransferNetwork::Id TransferNetwork::take_finished() {
  drop_stale();
  ZT_EXPECT(!finishes_.empty(), "no transfer finishes");
  const Finish finish = finishes_.top();
  finishes_.pop();
  cancel(finish.id, finish.at);
  return finish.id;
}

}  // namespace zettatwin::fleet
