// SPDX-License-Identifier: Apache-2.0
// Caches on their way between instances. Model: fluid. A transfer crosses the egress of its sender, the ingress of its receiver and the network
// between the pools; all that are under way share these max-min fairly (module flow), none above its own rate cap. Rates change only when a transfer
// begins or ends or a capacity changes, and only those of transfers connected to the change by ports. The network connects all, but only if the rates
// without it exceed it: it is then full at a level above which nobody rises, and whoever was slower than that is as fast as without it.
// A finish is the first whole picosecond at which all bytes have moved.
// Assumes that rates settle at once and that the way inside the network does not matter (docs/math/fleet.md).
// Cost per change: O(n log n) of the n transfers connected to it, and O(all) where there is a network.
#pragma once

#include <cstdint>
#include <queue>
#include <vector>

#include "flow/max_min.hpp"
#include "units/picoseconds.hpp"
#include "units/quantity.hpp"

namespace zettatwin::fleet {

class TransferNetwork final {
 public:
  using Id = std::uint32_t;  // of a transfer under way; used again later

  // Capacities of zero do not limit.
  TransferNetwork(std::vector<double> egress, std::vector<double> ingress, double network);

  // Times of all calls never go back. Expects nothing to finish before `at` that was not taken. `rate_cap` zero: none.
  Id start(std::size_t from, std::size_t to, double bytes, double rate_cap, units::Picoseconds at);
  void add_bytes(Id id, double bytes, units::Picoseconds at);  // or takes them away, as many as are left at most
  void cancel(Id id, units::Picoseconds at);
  void set_egress(std::size_t port, double capacity, units::Picoseconds at);
  void set_ingress(std::size_t port, double capacity, units::Picoseconds at);
  void set_network(double capacity, units::Picoseconds at);

  // When the next transfer has moved all its bytes; max: never.
  [[nodiscard]] units::Picoseconds next_finish();
  // Ends that transfer. A transfer that finished and gets more bytes is started again by its owner.
  Id take_finished();

  [[nodiscard]] double egress_rate(std::size_t port) const { return port_rate(port); }
  [[nodiscard]] double ingress_rate(std::size_t port) const { return port_rate(senders_ + port); }
  [[nodiscard]] double ingress_capacity(std::size_t port) const { return ports_[senders_ + port].capacity; }
  [[nodiscard]] std::size_t receiver(Id id) const { return transfers_[id].port[1] - senders_; }  // also just after it ended
  [[nodiscard]] double rate(Id id) const { return transfers_[id].rate; }
  [[nodiscard]] std::size_t under_way() const { return active_.size(); }

 private:
  struct Transfer {
    double left = 0;  // bytes, at `since`
    double rate = 0;
    double free_rate = 0;  // without the network
    double cap = 0;
    units::Picoseconds since;
    std::uint32_t port[2] = {0, 0};
    std::uint32_t place[2] = {0, 0};  // in the ports' lists
    std::uint32_t place_active = 0;
    std::uint32_t version = 0;
    std::uint32_t mark = 0;
    bool active = false;
  };
  struct Port {
    double capacity = 0;
    std::vector<Id> transfers;
    std::uint32_t mark = 0;
    flow::ResourceId resource = 0;
  };
  struct Finish {
    units::Picoseconds at;
    Id id = 0;
    std::uint32_t version = 0;
    friend bool operator<(const Finish& a, const Finish& b) { return a.at != b.at ? a.at > b.at : a.id > b.id; }  // earliest on top
  };

  [[nodiscard]] double port_rate(std::size_t port) const;
  void attach(Id id);
  void detach(Id id);
  void set_port(std::uint32_t port, double capacity, units::Picoseconds at);
  void share_from(std::uint32_t port_a, std::uint32_t port_b, units::Picoseconds at);
  void collect(std::uint32_t port);
  void solve();
  [[nodiscard]] double level_of_network() const;
  void apply_all(units::Picoseconds at);
  void set_rate(Id id, double rate, units::Picoseconds at);
  void settle(Transfer& transfer, units::Picoseconds at);
  void schedule(Id id);
  void drop_stale();

  std::size_t senders_;
  double network_;
  static constexpr double kUnbound = 1e300;
  double level_ = kUnbound;  // above which the network lets no transfer rise
  std::vector<Port> ports_;  // egress, then ingress
  std::vector<Transfer> transfers_;
  std::vector<Id> free_;
  std::vector<Id> active_;
  std::priority_queue<Finish> finishes_;
  std::uint32_t marks_ = 0;
  std::vector<Id> component_;           // of the current change
  std::vector<std::uint32_t> touched_;  // ports of it
};

}  // namespace zettatwin::fleet
