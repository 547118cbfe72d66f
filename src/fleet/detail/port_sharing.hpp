// SPDX-License-Identifier: Apache-2.0
// Max-min fair rates of transfers that each cross two ports, kept while transfers come and go. Transfers between the same two ports have the same rate: they are one class with
// so many members, unless they have different rate caps.
// A change opens its two ports: their classes are shared anew, with what each closed port allows. A closed port that is full allows its level (its highest rate), and is opened if a rate of its classes
// changes all the same; one that is not full allows everything, and is opened if it would be overloaded. When no more is opened, every class has a bottleneck where no other class
// is faster, which is what max-min fair means (docs/math/fleet.md).
// Cost of a change: O(c log c) of the c classes at opened ports, however many members they have.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "flow/max_min.hpp"

namespace zettatwin::fleet {

class PortSharing final {
 public:
  using ClassId = std::uint32_t;  // used again after close()
  using Port = std::uint32_t;

  explicit PortSharing(const std::vector<double>& capacities);  // zero: no limit
  PortSharing(const PortSharing&) = delete;  // the solver knows the problem's address
  PortSharing& operator=(const PortSharing&) = delete;

  // A class without members. `cap` zero: none.
  [[nodiscard]] ClassId open(Port a, Port b, double cap);
  void close(ClassId id);  // expects no members
  void add_members(ClassId id, std::int64_t more) { classes_[id].members += more; }
  void set_capacity(Port port, double capacity) { ports_[port].capacity = capacity; }
  [[nodiscard]] double capacity(Port port) const { return ports_[port].capacity; }
  // After members or capacities at these ports have changed. The classes whose rates have; valid until the next call.
  [[nodiscard]] std::span<const ClassId> share(Port a, Port b);

  [[nodiscard]] double rate(ClassId id) const { return classes_[id].rate; }
  [[nodiscard]] double cap(ClassId id) const { return classes_[id].cap; }
  [[nodiscard]] std::int64_t members(ClassId id) const { return classes_[id].members; }
  [[nodiscard]] Port port(ClassId id, int side) const { return classes_[id].port[side]; }
  [[nodiscard]] const std::vector<ClassId>& classes(Port port) const { return ports_[port].classes; }

 private:
  struct Class {
    double cap = 0, rate = 0;
    std::int64_t members = 0;
    Port port[2] = {0, 0};
    std::uint32_t place[2] = {0, 0};  // in the ports' lists
    std::uint64_t mark = 0;
  };
  struct PortState {
    double capacity = 0;
    double carried = 0;
    double level = 0;    // if it is full: of its fastest classes
    double more = 0;     // that closed ports would carry
    bool full = false;   // holds classes back
    std::vector<ClassId> classes;
    std::uint64_t mark = 0;
    flow::ResourceId resource = 0;
  };
  [[nodiscard]] bool is_open(Port port) const { return ports_[port].mark == marks_; }
  void open_port(Port port);
  void solve();
  [[nodiscard]] const flow::Shares<double>& shares() const { return solver_.shares(); }
  [[nodiscard]] bool open_more();
  void commit();

  std::vector<PortState> ports_;
  std::vector<Class> classes_;
  std::vector<ClassId> spare_;
  std::uint64_t marks_ = 0;
  // Of the current change.
  std::vector<Port> opened_, loaded_;  // loaded: closed ones that would carry something else
  std::vector<ClassId> touched_, changed_;
  flow::SharingProblem<double> problem_;
  flow::MaxMinSolver<double> solver_{problem_};  // keeps its memory: problems are small and many
};

}  // namespace zettatwin::fleet
