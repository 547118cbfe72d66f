// SPDX-License-Identifier: Apache-2.0
#include "inference/placement.hpp"

#include <algorithm>

#include "base/contract.hpp"

namespace zettatwin::inference {
namespace {

// The largest divisor of `whole` that is at most `limit`; a multiple of `unit` if any such divisor is.
std::int64_t share_of(std::int64_t whole, std::int64_t limit, std::int64_t unit) {
  std::int64_t best = 1, best_whole = 0;
  for (std::int64_t d = 1; d * d <= whole; ++d) {
    if (whole % d != 0) continue;
    for (const auto candidate : {d, whole / d}) {
      if (candidate > limit) continue;
      best = std::max(best, candidate);
      if (candidate % unit == 0) best_whole = std::max(best_whole, candidate);
    }
  }
  return best_whole > 0 ? best_whole : best;
}

// Chips of the instance in one unit of each level up to `outer`; empty if a level has too few units.
std::vector<std::int64_t> held_per_unit(const hardware::Machine& machine, std::int64_t chips, std::int64_t tp, std::size_t outer) {
  std::vector<std::int64_t> held(outer + 1);
  held[outer] = chips;
  for (auto l = outer; l > 0; --l) {
    held[l - 1] = share_of(held[l], machine.chips_within(l), tp);
    if (held[l] / held[l - 1] > machine.levels[l].size) return {};
  }
  if (held[0] > machine.levels[0].size) return {};
  return held;
}

}  // namespace

std::optional<topology::Fabric> place_instance(const hardware::Machine& machine, std::int64_t chips, std::int64_t tp) {
  ZT_EXPECT(chips >= 1 && tp >= 1 && !machine.levels.empty(), "an instance of at least one chip on a machine with levels");
  for (std::size_t outer = 0; outer < machine.levels.size(); ++outer) {
    if (machine.chips_within(outer + 1) < chips) continue;
    const auto held = held_per_unit(machine, chips, tp, outer);
    if (held.empty()) continue;
    topology::Fabric fabric{.machine = &machine, .used = std::vector<std::int64_t>(machine.levels.size(), 1)};
    for (std::size_t l = 0; l <= outer; ++l) fabric.used[l] = l == 0 ? held[0] : held[l] / held[l - 1];
    ZT_ENSURE(fabric.ranks() == chips, "an instance has its chips");
    return fabric;
  }
  return std::nullopt;
}

std::int64_t instances_on(const topology::Fabric& fabric, std::int64_t available) {
  const auto& levels = fabric.machine->levels;
  std::int64_t slots = 1;         // inside one unit of the level below
  std::int64_t best = 0, chips = 1;
  if (available <= 0) available = fabric.machine->chips();
  // Whole units of each level hold slots each; what is left of the request is filled from the units inside.
  std::vector<std::int64_t> per_unit, unit_chips;
  for (std::size_t l = 0; l < levels.size(); ++l) {
    slots *= levels[l].size / fabric.used[l];
    chips *= levels[l].size;
    per_unit.push_back(slots);
    unit_chips.push_back(chips);
  }
  std::int64_t rest = available;
  std::size_t spans = 0;  // the outermost level that one instance needs
  for (std::size_t l = 0; l < levels.size(); ++l)
    if (fabric.used[l] > 1) spans = l;
  for (std::size_t l = levels.size(); l-- > 0;) {
    if (l < spans) break;
    const auto units = rest / unit_chips[l];
    best += units * per_unit[l];
    rest -= units * unit_chips[l];
  }
  // Inside a unit of the level that an instance spans, a part of the unit's units may do.
  const auto inner = spans > 0 ? unit_chips[spans - 1] : 1;
  const auto inner_slots = spans > 0 ? per_unit[spans - 1] : 1;
  best += rest / inner / fabric.used[spans] * inner_slots;
  return best;
}

std::optional<std::int64_t> instance_with(const topology::Fabric& fabric, std::int64_t first, std::int64_t chip) {
  if (chip < first) return std::nullopt;
  std::int64_t rest = chip - first, index = 0, slots_below = 1;
  for (std::size_t l = 0; l < fabric.machine->levels.size(); ++l) {
    const auto size = fabric.machine->levels[l].size, slots = size / fabric.used[l];
    const auto slot = rest % size / fabric.used[l];
    if (slot >= slots) return std::nullopt;  // what is left of a unit when instances have filled it
    index += slot * slots_below;
    slots_below *= slots;
    rest /= size;
  }
  return rest == 0 ? std::optional(index) : std::nullopt;
}

Between between(const hardware::Machine& machine, std::int64_t chips) {
  std::size_t level = 0;
  while (level + 1 < machine.levels.size() && machine.chips_within(level + 1) < chips) ++level;
  const auto& network = machine.levels[level].network;
  return {.level = level, .per_chip = machine.levels[level].port_bandwidth() * network.efficiency.si(), .latency = network.latency.value};
}

}  // namespace zettatwin::inference
