// SPDX-License-Identifier: Apache-2.0
#include "topology/fabric.hpp"

#include <algorithm>
#include <functional>
#include <numeric>
#include <string>

#include "base/contract.hpp"

namespace zettatwin::topology {
namespace {

std::int64_t product(std::span<const std::int64_t> values) {
  return std::accumulate(values.begin(), values.end(), std::int64_t{1}, std::multiplies<>());
}

}  // namespace

std::int64_t Fabric::ranks() const { return filled.empty() ? product(used) : filled.back(); }

std::int64_t Fabric::ranks_within(std::size_t level) const {
  ZT_EXPECT(level < used.size(), std::to_string(level));
  return filled.empty() ? product(std::span(used).first(level + 1)) : filled[level];
}

std::int64_t Fabric::border_step(std::size_t level) const {
  std::int64_t step = ranks_within(level);
  for (std::size_t l = level; l < filled.size(); ++l) step = std::gcd(step, filled[l]);
  return step;
}

Fabric whole(const hardware::Machine& machine) {
  Fabric fabric{&machine, {}};
  for (const auto& level : machine.levels) fabric.used.push_back(level.size);
  return fabric;
}

std::int64_t Spread::size() const { return product(fanout); }

std::int64_t Spread::members_below(std::size_t level) const {
  ZT_EXPECT(level <= fanout.size(), std::to_string(level));
  return product(std::span(fanout).first(level));
}

std::size_t Spread::outermost() const {
  for (std::size_t l = fanout.size(); l > 0; --l)
    if (fanout[l - 1] > 1) return l - 1;
  return fanout.size();
}

bool divides_evenly(const Fabric& fabric, const space::View& group) {
  for (std::size_t l = 0; l < fabric.used.size(); ++l) {
    const auto within = fabric.ranks_within(l);
    if (!space::divides_evenly(group, within)) return false;
    if (space::members_in_block(group, fabric.border_step(l)) != space::members_in_block(group, within)) return false;
  }
  return true;
}

bool may_be_cut(const hardware::Machine& machine, std::size_t level) {
  ZT_EXPECT(level < machine.levels.size(), std::to_string(level));
  if (level + 1 == machine.levels.size()) return true;  // nothing outside
  const auto kind = machine.levels[level + 1].network.kind;
  return kind == hardware::NetworkKind::switched || kind == hardware::NetworkKind::clos;
}

Spread spread_of(const Fabric& fabric, const space::View& group) {
  Spread spread;
  std::int64_t below = 1;
  for (std::size_t l = 0; l < fabric.used.size(); ++l) {
    const std::int64_t within = space::members_in_block(group, fabric.border_step(l));
    ZT_ASSERT(within % below == 0, std::to_string(within) + " members around " + std::to_string(below));
    spread.fanout.push_back(within / below);
    below = within;
  }
  ZT_ENSURE(spread.size() == group.size(), std::to_string(spread.size()) + " of " + std::to_string(group.size()));
  return spread;
}

std::vector<std::int64_t> neighbour_crossings(const Fabric& fabric, std::int64_t stride, std::int64_t size, bool ring) {
  ZT_EXPECT(divides_evenly(fabric, {{{size, stride}}}), std::to_string(size) + " x " + std::to_string(stride));
  const Spread spread = spread_of(fabric, {{{size, stride}}});
  std::vector<std::int64_t> crossings(spread.fanout.size(), 0);
  std::int64_t units_above = size;  // units of level l - 1 that the row occupies
  for (std::size_t l = 0; l < crossings.size(); ++l) {
    const std::int64_t units = units_above / spread.fanout[l];  // units of level l
    crossings[l] = units_above - units;                         // borders between consecutive units of l - 1 that are not borders of l
    units_above = units;
  }
  if (ring && size > 1) ++crossings[spread.outermost()];  // from the last back to the first
  return crossings;
}

std::int64_t units_apart(const Fabric& fabric, std::int64_t stride, std::int64_t size) {
  if (size < 2) return 1;
  const auto outermost = spread_of(fabric, {{{size, stride}}}).outermost();
  return std::max<std::int64_t>(1, outermost > 0 ? stride / fabric.ranks_within(outermost - 1) : stride);
}

Spread spread_of_neighbours(const Fabric& fabric, std::int64_t stride, std::int64_t size) {
  Spread spread{std::vector<std::int64_t>(fabric.used.size(), 1)};
  if (size < 2) return spread;
  const auto outermost = spread_of(fabric, {{{size, stride}}}).outermost();
  spread.fanout[outermost] = 2;
  return spread;
}

}  // namespace zettatwin::topology
