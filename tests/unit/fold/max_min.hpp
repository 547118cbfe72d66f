// SPDX-License-Identifier: Apache-2.0
// Max-min fair rates by progressive filling, as slowly and plainly as possible.
#pragma once

#include <algorithm>
#include <limits>
#include <vector>

#include "fold/refine.hpp"

namespace zettatwin::fold::test {

// Level of each flow (weights are part of the loads); capacities and caps per colour.
inline std::vector<double> max_min(const Bipartite& problem, const std::vector<double>& capacity,
                                   const std::vector<double>& cap) {
  const auto links = problem.links.colours.size();
  const auto flows = problem.flows.colours.size();
  std::vector<double> level(flows, 0);
  std::vector<bool> live(flows, true);
  std::vector<double> left;
  for (const auto colour : problem.links.colours) left.push_back(capacity[static_cast<std::size_t>(colour)]);
  const auto cap_of = [&](std::size_t f) { return cap[static_cast<std::size_t>(problem.flows.colours[f])]; };
  for (double now = 0; std::count(live.begin(), live.end(), true) > 0;) {
    std::vector<double> demand(links, 0);
    for (const auto& e : problem.entries)
      if (live[e.flow]) demand[e.resource] += e.load;
    double step = std::numeric_limits<double>::infinity();
    for (std::size_t l = 0; l < links; ++l)
      if (demand[l] > 0) step = std::min(step, left[l] / demand[l]);
    for (std::size_t f = 0; f < flows; ++f)
      if (live[f]) step = std::min(step, cap_of(f) - now);
    now += step;
    for (std::size_t l = 0; l < links; ++l) left[l] -= demand[l] * step;
    const auto full = [&](std::uint32_t l) {
      return left[l] <= 1e-9 * capacity[static_cast<std::size_t>(problem.links.colours[l])];
    };
    std::vector<bool> freezes(flows, false);
    for (const auto& e : problem.entries) freezes[e.flow] = freezes[e.flow] || full(e.resource);
    for (std::size_t f = 0; f < flows; ++f) {
      if (!live[f] || !(freezes[f] || cap_of(f) - now <= 1e-9 * cap_of(f))) continue;
      live[f] = false;
      level[f] = now;
    }
  }
  return level;
}

}  // namespace zettatwin::fold::test
