// SPDX-License-Identifier: Apache-2.0
#include "topology/survey.hpp"

namespace zettatwin::topology {
namespace {

UniformTraffic uniform_traffic(const Survey& s, units::Bytes bytes) {
  UniformTraffic traffic{bytes, {}, {}, 0};
  for (std::size_t c = 0; c < s.links.size(); ++c) {
    traffic.busy.push_back(busy_time(s.levels, s.links[c], bytes, s.chips));
    if (traffic.busy.back() <= traffic.time) continue;
    traffic.time = traffic.busy.back();
    traffic.bottleneck = c;
  }
  return traffic;
}

}  // namespace

Survey survey(const hardware::Machine& machine, units::Bytes all_to_all_bytes) {
  Survey s;
  s.chips = machine.chips();
  s.levels = levels_in_use(machine);
  s.links = link_classes(s.levels);
  for (std::size_t i = 0; i < s.levels.size(); ++i) s.unit_bisections.push_back(bisection_of(s.levels, i));
  if (!s.levels.empty()) s.bisection = bisection_of(s.levels);
  s.scale_up_ports = ports_of_chip(s.levels, false);
  s.scale_out_ports = ports_of_chip(s.levels, true);
  s.scale_up_chips = scale_up_chips(s.levels);
  s.paths = paths_of(s.levels);
  s.all_to_all = uniform_traffic(s, all_to_all_bytes);
  return s;
}

}  // namespace zettatwin::topology
