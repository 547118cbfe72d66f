// SPDX-License-Identifier: Apache-2.0
// What an instance told, in order.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "serving/instance.hpp"

namespace zettatwin::test {

struct ServingEvent {
  char kind;  // s(cheduled) t(oken, first) f(inished) p(reempted) r(ejected) c(ancelled)
  serving::JobId id;
  std::int64_t at;
  std::int64_t value;  // cached tokens
  friend bool operator==(const ServingEvent&, const ServingEvent&) = default;
  friend std::ostream& operator<<(std::ostream& out, const ServingEvent& e) { return out << e.kind << e.id << '@' << e.at << '/' << e.value; }
};

struct ServingLog : serving::Observer {
  std::vector<ServingEvent> events;
  std::vector<serving::StepRun> runs;
  void add(char kind, serving::JobId id, units::Picoseconds at, std::int64_t value = 0) { events.push_back({kind, id, at.count(), value}); }
  void scheduled(serving::JobId id, units::Picoseconds at, std::int32_t cached) override { add('s', id, at, cached); }
  void first_token(serving::JobId id, units::Picoseconds at) override { add('t', id, at); }
  void finished(serving::JobId id, units::Picoseconds at) override { add('f', id, at); }
  void preempted(serving::JobId id, units::Picoseconds at) override { add('p', id, at); }
  void rejected(serving::JobId id, units::Picoseconds at) override { add('r', id, at); }
  void cancelled(serving::JobId id, units::Picoseconds at) override { add('c', id, at); }
  void ran(const serving::StepRun& run) override { runs.push_back(run); }
  [[nodiscard]] std::int64_t time_of(char kind, serving::JobId id) const {
    for (const auto& e : events)
      if (e.kind == kind && e.id == id) return e.at;
    return -1;
  }
};

}  // namespace zettatwin::test
