// SPDX-License-Identifier: Apache-2.0
// Caches on their way between instances. Model: fluid. A transfer crosses the egress of its sender, the ingress of its receiver and the network
// between the pools; all that are under way share these max-min fairly (module flow), none above its own rate cap. Rates change only when a transfer
// begins or ends or a capacity changes, and only those of transfers connected to the change by ports. The network connects all, but only if the rates
// without it exceed it: it is then full at a level above which nobody rises, and whoever was slower than that is as fast as without it.
// A finish is the first whole picosecond at which all bytes have moved.
// Assumes that rates settle at once and that the way inside the network does not matter (docs/math/fleet.md).
// Transfers between the same two ports with the same cap have the same rate, so they end in the order of the bytes that each of them should have moved when it is done: such a lane is one thing, whatever its
// number of transfers, and so are all lanes that the network holds back together. Cost of a change: O(c log c) of the c lanes at ports whose rates change (detail/port_sharing.hpp) and O(log l) of all l lanes for each of them, O(log n) of the n transfers of a lane.
#pragma once

#include <cstdint>
#include <set>
#include <unordered_map>
#include <utility>
#include <vector>

#include "fleet/detail/event_tree.hpp"
#include "fleet/detail/port_sharing.hpp"
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
  void set_network(double capacity, units::Picoseconds at);  // expects that there was one

  // When the next transfer has moved all its bytes; max: never.
  [[nodiscard]] units::Picoseconds next_finish();
  // Ends that transfer. A transfer that finished and gets more bytes is started again by its owner.
  Id take_finished();

  [[nodiscard]] double egress_rate(std::size_t port) const { return port_rate(port); }
  [[nodiscard]] double ingress_rate(std::size_t port) const { return port_rate(senders_ + port); }
  [[nodiscard]] double ingress_capacity(std::size_t port) const { return sharing_.capacity(static_cast<PortSharing::Port>(senders_ + port)); }
  [[nodiscard]] std::size_t receiver(Id id) const { return transfers_[id].port[1] - senders_; }  // also just after it ended
  [[nodiscard]] double rate(Id id) const { return rate_of(transfers_[id].lane); }
  [[nodiscard]] std::size_t under_way() const { return under_way_; }

 private:
  using LaneId = PortSharing::ClassId;
  __extension__ using Fixed = __int128;  // rates times members, so that their sum does not depend on their order
  struct Transfer {
    double end = 0;  // of its lane's volume
    LaneId lane = 0;
    std::uint32_t port[2] = {0, 0};
    std::uint32_t version = 0;
    bool active = false;
  };
  struct End {
    double at = 0;
    Id id = 0;
    std::uint32_t version = 0;
    friend bool operator<(const End& a, const End& b) { return a.at != b.at ? a.at > b.at : a.id > b.id; }  // earliest on top of a heap
  };
  struct Lane {
    double volume = 0;  // that each transfer which was always there would have moved, at `since`; of held lanes the network's less `offset`
    double offset = 0;
    units::Picoseconds since;
    double rate = 0;    // without the network
    bool listed = false, held = false, out = false;
    std::vector<End> ends;  // a heap
  };

  [[nodiscard]] double rate_of(LaneId id) const { return lanes_[id].held ? level_ : lanes_[id].rate; }
  [[nodiscard]] double port_rate(std::size_t port) const;
  [[nodiscard]] LaneId lane_of(std::uint32_t from, std::uint32_t to, double cap);
  void set_port(std::uint32_t port, double capacity, units::Picoseconds at);
  // What is changed is taken out, with what it has moved until then, and listed again.
  void take_out(LaneId id, units::Picoseconds at);
  void list_out(units::Picoseconds at);
  void share(std::uint32_t a, std::uint32_t b, units::Picoseconds at);
  [[nodiscard]] const End* first_end(Lane& lane) const;
  [[nodiscard]] units::Picoseconds time_of(double volume_left, double rate, units::Picoseconds since) const;
  void schedule(LaneId id);
  [[nodiscard]] Fixed demand(LaneId id) const;
  void run_network(units::Picoseconds at);
  void level_network(units::Picoseconds at);
  void hold(LaneId id, bool held, units::Picoseconds at);
  // The lane whose transfer finishes next, and when.
  [[nodiscard]] std::pair<units::Picoseconds, LaneId> next();

  static constexpr double kUnbound = 1e300;
  std::size_t senders_;
  double network_;
  PortSharing sharing_;
  std::vector<Transfer> transfers_;
  std::vector<Id> free_;
  std::size_t under_way_ = 0;
  std::vector<Lane> lanes_;                             // by class
  std::unordered_map<std::uint64_t, LaneId> lane_between_;  // the oldest; transfers with other caps have lanes of their own
  EventTree finishes_{0};                               // of lanes that are not held
  std::vector<LaneId> out_;                             // taken out
  // With a network: lanes by their rates without it, and what it does to those that it holds back.
  double level_ = kUnbound;  // above which it lets no transfer rise
  double volume_ = 0;        // that each of those has moved
  units::Picoseconds since_;
  std::set<std::pair<double, LaneId>> slow_, held_, held_ends_;  // the last by the network's volume at their first end
  Fixed slow_demand_ = 0;
  std::int64_t held_members_ = 0;
};

}  // namespace zettatwin::fleet
