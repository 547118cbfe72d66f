// SPDX-License-Identifier: Apache-2.0
// Random phases over a random sharing problem, for the fluid simulation and for its references.
#pragma once

#include <optional>
#include <vector>

#include "flow/simulation.hpp"
#include "flow_reference.hpp"
#include "random_sharing.hpp"

namespace zettatwin::test {

// One phase per flow; whole bytes and seconds, some without bytes, some after others.
template <class Scalar>
std::vector<Phase<Scalar>> random_phases(Random& random, std::size_t flows) {
  std::vector<Phase<Scalar>> phases(flows);
  for (std::size_t f = 0; f < flows; ++f) {
    phases[f].bytes = Scalar(random.one_in(8) ? 0 : random.between(1, 6));
    phases[f].latency = Scalar(random.one_in(2) ? 0 : random.between(1, 3));
    for (std::int64_t n = f > 0 ? random.between(0, 2) : 0; n > 0; --n) phases[f].after.push_back(below(random, f));
  }
  return phases;
}

// In order of time; the last restores every capacity that was taken away.
template <class Scalar>
std::vector<CapacityChange<Scalar>> random_changes(Random& random, std::size_t resources) {
  std::vector<CapacityChange<Scalar>> changes;
  for (std::int64_t time = random.between(0, 3); time < 8; time += random.between(1, 4)) {
    changes.push_back({Scalar(time), below(random, resources), Scalar(random.between(0, 6))});
  }
  for (flow::ResourceId l = 0; l < resources; ++l) changes.push_back({Scalar(9), l, Scalar(random.between(1, 6))});
  return changes;
}

inline void add_changes(flow::FlowProgram& program, const std::vector<CapacityChange<double>>& changes) {
  for (const auto& [time, resource, capacity] : changes) {
    program.change_capacity(units::Picoseconds::from(units::Seconds::from_si(time)), resource, units::BytesPerSecond::from_si(capacity));
  }
}

inline flow::FlowProgram as_program(const flow::SharingProblem<double>& sharing, const std::vector<Phase<double>>& phases) {
  flow::FlowProgram program;
  for (flow::ResourceId l = 0; l < sharing.resources(); ++l) program.add_resource(units::BytesPerSecond::from_si(sharing.capacity(l)));
  for (flow::FlowId f = 0; f < sharing.flows(); ++f) {
    std::optional<units::BytesPerSecond> cap;
    if (sharing.has_cap(f)) cap = units::BytesPerSecond::from_si(sharing.rate_cap(f));
    const auto uses = sharing.uses(f);
    program.add_flow({.bytes = units::Bytes::from_si(phases[f].bytes),
                      .uses = {uses.begin(), uses.end()},
                      .weight = sharing.weight(f),
                      .rate_cap = cap,
                      .latency = units::Picoseconds::from(units::Seconds::from_si(phases[f].latency)),
                      .after = phases[f].after});
  }
  return program;
}

}  // namespace zettatwin::test
