// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <string>

#include "base/contract.hpp"
#include "flow/simulation.hpp"

namespace zettatwin::flow {

using units::BytesPerSecond;
using units::Picoseconds;

ResourceId FlowProgram::add_resource(BytesPerSecond capacity) { return sharing_.add_resource(capacity.si()); }

FlowId FlowProgram::add_flow(const FlowSpec& spec) {
  const FlowId flow = sharing_.flows();
  const std::string name = "flow " + std::to_string(flow);
  ZT_EXPECT(spec.bytes.si() >= 0 && std::isfinite(spec.bytes.si()), "bytes of " + name);
  ZT_EXPECT(spec.latency >= Picoseconds(0), "latency of " + name);
  std::optional<double> rate_cap;
  if (spec.rate_cap) rate_cap = spec.rate_cap->si();
  sharing_.add_flow(spec.weight, spec.uses, rate_cap);
  ZT_EXPECT(spec.bytes.si() == 0 || rate_cap || !sharing_.uses(flow).empty(), name + " has neither resources nor a rate cap");
  bytes_.push_back(spec.bytes.si());
  latency_.push_back(spec.latency);
  for (const FlowId before : spec.after) {
    ZT_EXPECT(before < flow, name + " comes after a flow that is not there yet");
    after_.push_back(before);
  }
  first_after_.push_back(static_cast<std::uint32_t>(after_.size()));
  return flow;
}

FlowId FlowProgram::add_delay(Picoseconds duration, std::vector<FlowId> after) {
  return add_flow({.latency = duration, .after = std::move(after)});
}

void FlowProgram::change_capacity(Picoseconds time, ResourceId resource, BytesPerSecond capacity) {
  ZT_EXPECT(time >= Picoseconds(0) && resource < sharing_.resources(), "change of resource " + std::to_string(resource));
  ZT_EXPECT(capacity.si() >= 0 && std::isfinite(capacity.si()), "capacity of resource " + std::to_string(resource));
  changes_.push_back({time, resource, capacity.si()});
}

}  // namespace zettatwin::flow
