// SPDX-License-Identifier: Apache-2.0
#include "fleet/detail/port_sharing.hpp"

#include <algorithm>
#include <cmath>
#include <optional>

#include "base/contract.hpp"

namespace zettatwin::fleet {

namespace {

constexpr double kNoLimit = 1e30;   // bytes per second, of what nothing limits
constexpr double kSame = 1e-12;     // relative; as module flow
constexpr int kStepwise = 4;        // rounds; then all that is connected is opened

double limit(double capacity) { return capacity > 0 ? capacity : kNoLimit; }
bool same(double a, double b) { return std::abs(a - b) <= kSame * std::max(a, b); }

}  // namespace

PortSharing::PortSharing(const std::vector<double>& capacities) : ports_(capacities.size()) {
  for (std::size_t p = 0; p < capacities.size(); ++p) ports_[p].capacity = capacities[p];
}

PortSharing::ClassId PortSharing::open(Port a, Port b, double cap) {
  if (spare_.empty()) {
    spare_.push_back(static_cast<ClassId>(classes_.size()));
    classes_.emplace_back();
  }
  const ClassId id = spare_.back();
  spare_.pop_back();
  Class& c = classes_[id];
  c = Class{.cap = cap, .port = {a, b}};
  for (int side = 0; side < 2; ++side) {
    c.place[side] = static_cast<std::uint32_t>(ports_[c.port[side]].classes.size());
    ports_[c.port[side]].classes.push_back(id);
  }
  return id;
}

void PortSharing::close(ClassId id) {
  const Class& c = classes_[id];
  ZT_EXPECT(c.members == 0, "a class that has members");
  for (int side = 0; side < 2; ++side) {
    auto& list = ports_[c.port[side]].classes;
    const ClassId last = list.back();
    Class& moved = classes_[last];
    const Port port = c.port[side];
    const std::uint32_t place = c.place[side];
    list[place] = last;
    moved.place[moved.port[0] == port ? 0 : 1] = place;
    list.pop_back();
  }
  spare_.push_back(id);
}

void PortSharing::open_port(Port port) {
  if (is_open(port)) return;
  ports_[port].mark = marks_;
  opened_.push_back(port);
}

std::span<const PortSharing::ClassId> PortSharing::share(Port a, Port b) {
  ++marks_;
  opened_.clear();
  touched_.clear();
  changed_.clear();
  open_port(a);
  open_port(b);
  std::size_t known = 0;
  for (int round = 0;; ++round) {
    for (; known < opened_.size(); ++known)
      for (const ClassId id : ports_[opened_[known]].classes) {
        Class& c = classes_[id];
        if (c.mark != marks_) {
          c.mark = marks_;
          touched_.push_back(id);
        }
        if (round >= kStepwise) open_port(c.port[0]), open_port(c.port[1]);
      }
    solve();
    if (!open_more()) break;
  }
  commit();
  return changed_;
}

// Rates of the touched classes, within what closed ports allow.
void PortSharing::solve() {
  problem_.clear();
  for (const Port p : opened_) ports_[p].resource = problem_.add_resource(limit(ports_[p].capacity));
  for (const ClassId id : touched_) {
    const Class& c = classes_[id];
    flow::Use<double> uses[2];
    std::size_t count = 0;
    double cap = c.cap > 0 ? c.cap : kNoLimit;
    for (const Port p : c.port) {
      if (is_open(p)) uses[count++] = {ports_[p].resource, static_cast<double>(c.members)};
      else if (ports_[p].full) cap = std::min(cap, ports_[p].level);
    }
    (void)problem_.add_flow(1, std::span<const flow::Use<double>>(uses, count), cap < kNoLimit ? std::optional(cap) : std::nullopt);
  }
  solver_.restart();
  for (flow::FlowId f = 0; f < problem_.flows(); ++f) solver_.start(f);
  solver_.update();
}

bool PortSharing::open_more() {
  const std::size_t before = opened_.size();
  for (const Port p : loaded_) ports_[p].more = 0;
  loaded_.clear();
  for (std::size_t i = 0; i < touched_.size(); ++i) {
    const Class& c = classes_[touched_[i]];
    if (same(shares().rate[i], c.rate)) continue;
    for (const Port p : c.port) {
      if (is_open(p)) continue;
      if (ports_[p].full) {
        open_port(p);
        continue;
      }
      if (ports_[p].more == 0) loaded_.push_back(p);
      ports_[p].more += static_cast<double>(c.members) * (shares().rate[i] - c.rate);
    }
  }
  for (const Port p : loaded_)
    if (!is_open(p) && ports_[p].carried + ports_[p].more > limit(ports_[p].capacity) * (1 + kSame)) open_port(p);
  return opened_.size() > before;
}

void PortSharing::commit() {
  for (const Port p : loaded_) {
    if (!is_open(p)) ports_[p].carried += ports_[p].more;
    ports_[p].more = 0;
  }
  loaded_.clear();
  for (std::size_t i = 0; i < touched_.size(); ++i) {
    Class& c = classes_[touched_[i]];
    if (same(shares().rate[i], c.rate)) continue;
    c.rate = shares().rate[i];
    changed_.push_back(touched_[i]);
  }
  for (const Port p : opened_) {
    PortState& port = ports_[p];
    port.carried = 0;
    for (const ClassId id : port.classes) port.carried += static_cast<double>(classes_[id].members) * classes_[id].rate;
    port.full = shares().saturated[port.resource] != 0;
    port.level = port.full ? shares().level[port.resource] : 0;
  }
}

}  // namespace zettatwin::fleet
