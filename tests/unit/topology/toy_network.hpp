// SPDX-License-Identifier: Apache-2.0
// Machines of a few levels with round figures, and their networks written out link by link: the slow, obvious reference of the closed forms.
#pragma once

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "topology/survey.hpp"

namespace zettatwin::topology::test {

using hardware::NetworkKind;

inline hardware::Level level_of(NetworkKind kind, std::int64_t size, double GB_per_s, double latency_us = 1) {
  hardware::Level level;
  level.size = size;
  level.network.kind = kind;
  auto& bandwidth = kind == NetworkKind::full_mesh || kind == NetworkKind::torus ? level.network.pair_bandwidth : level.network.bandwidth;
  bandwidth = {GB_per_s * units::GB_per_s, {}, true};
  level.network.latency = {latency_us * units::microsecond, {}, true};
  level.network.efficiency = {units::Ratio::from_si(1), {}, true};
  return level;
}

inline hardware::Level mesh(std::int64_t size, double GB_per_s = 1, double latency_us = 1) { return level_of(NetworkKind::full_mesh, size, GB_per_s, latency_us); }
inline hardware::Level switched(std::int64_t size, double GB_per_s = 1, std::int64_t planes = 1, std::int64_t tiers = 1) {
  auto level = level_of(NetworkKind::switched, size, GB_per_s);
  level.network.planes = planes;
  level.network.tiers = tiers;
  return level;
}
inline hardware::Level sharing(hardware::Level level) {
  level.shares_ports = true;
  return level;
}
inline hardware::Level clos(std::int64_t size, std::int64_t tiers, double oversubscription, std::int64_t units_per_leaf = 0, double GB_per_s = 1) {
  auto level = level_of(NetworkKind::clos, size, GB_per_s);
  level.network.tiers = tiers;
  level.network.oversubscription = {units::Ratio::from_si(oversubscription), {}, true};
  level.network.units_per_leaf = units_per_leaf;
  return level;
}
inline hardware::Level torus(const std::vector<std::int64_t>& extents, double GB_per_s = 1) {
  std::int64_t units = 1;
  for (const auto extent : extents) units *= extent;
  auto level = level_of(NetworkKind::torus, units, GB_per_s);
  level.network.torus = extents;
  return level;
}

inline hardware::Machine machine_of(std::vector<hardware::Level> levels) {
  hardware::Machine machine;
  machine.levels = std::move(levels);
  return machine;
}

// A chip's coordinates: its position in each level, and on tori per dimension.
class Enumerated {
 public:
  using Chip = std::int64_t;
  using Link = std::tuple<std::size_t, std::int64_t, Chip, Chip>;  // level, dimension or tier, from, to: in one direction

  explicit Enumerated(const hardware::Machine& machine) : machine_(machine), levels_(levels_in_use(machine)), chips_(machine.chips()) {}

  [[nodiscard]] std::int64_t chips() const { return chips_; }
  [[nodiscard]] const std::vector<LevelInUse>& levels() const { return levels_; }
  [[nodiscard]] std::int64_t position(Chip chip, std::size_t l) const { return chip / levels_[l].chips_below % levels_[l].units; }

  // The innermost level that holds both.
  [[nodiscard]] std::size_t common(Chip a, Chip b) const {
    std::size_t l = 0;
    while (a / levels_[l].chips() != b / levels_[l].chips()) ++l;
    return l;
  }

  // Neighbours in a graph of chips and switches, without links above level `top`. Switches are numbered after the chips: one plane, per tier
  // and group; the leaves of a unit are one switch, as are the middle tiers of a leaf, and the top tier of a level.
  [[nodiscard]] std::map<std::int64_t, std::set<std::int64_t>> graph(std::size_t top) const {
    std::map<std::int64_t, std::set<std::int64_t>> edges;
    std::map<std::tuple<std::size_t, std::int64_t, std::int64_t>, std::int64_t> switches;
    const auto join = [&](std::int64_t a, std::int64_t b) { edges[a].insert(b), edges[b].insert(a); };
    const auto switch_of = [&](std::size_t l, std::int64_t tier, std::int64_t group) {
      return switches.try_emplace({l, tier, group}, chips_ + static_cast<std::int64_t>(switches.size())).first->second;
    };
    for (std::size_t l = 0; l <= top; ++l) {
      const auto& level = levels_[l];
      for (Chip a = 0; a < chips_; ++a) {
        if (level.direct()) {
          for (Chip b = 0; b < a; ++b)
            if (adjacent(a, b, l)) join(a, b);
          continue;
        }
        // Tiers below the top belong to a leaf; switches shared with the level below belong to that level.
        const std::int64_t leaf = a / level.chips() * 1000 + position(a, l) / std::max<std::int64_t>(1, level.level.network.units_per_leaf);
        std::int64_t below = a;
        for (std::int64_t tier = 1; tier <= level.tiers(); ++tier) {
          const bool own = !level.shares_ports || tier > levels_[l - 1].tiers();
          const std::int64_t here = tier == level.tiers() ? switch_of(l, tier, a / level.chips())
                                    : own                 ? switch_of(l, tier, leaf)
                                                          : switch_of(l - 1, tier, a / levels_[l - 1].chips());
          join(below, here);
          below = here;
        }
      }
    }
    return edges;
  }

  // Links crossed on a shortest path inside the innermost unit that holds both.
  [[nodiscard]] std::vector<std::vector<std::int64_t>> distances() const {
    std::vector<std::vector<std::int64_t>> all(static_cast<std::size_t>(chips_), std::vector<std::int64_t>(static_cast<std::size_t>(chips_), 0));
    for (std::size_t top = 0; top < levels_.size(); ++top) {
      const auto edges = graph(top);
      for (Chip a = 0; a < chips_; ++a) {
        const auto from_a = search(edges, a);
        for (Chip b = 0; b < chips_; ++b)
          if (a != b && common(a, b) == top) all[static_cast<std::size_t>(a)][static_cast<std::size_t>(b)] = from_a.at(b);
      }
    }
    return all;
  }

  // Load of each directed link when every chip sends one unit to every chip: routed one pair after the other.
  [[nodiscard]] std::map<Link, double> loads() const {
    std::map<Link, double> load;
    for (Chip a = 0; a < chips_; ++a)
      for (Chip b = 0; b < chips_; ++b) route(a, b, load);
    return load;
  }

 private:
  [[nodiscard]] std::vector<std::int64_t> extents(std::size_t l) const {
    return levels_[l].level.network.kind == NetworkKind::torus ? levels_[l].level.network.torus : std::vector<std::int64_t>{};
  }

  [[nodiscard]] bool adjacent(Chip a, Chip b, std::size_t l) const {
    const auto& level = levels_[l];
    if (a / level.chips() != b / level.chips() || a % level.chips_below != b % level.chips_below) return false;
    if (level.level.network.kind == NetworkKind::full_mesh) return a != b;
    std::int64_t p = position(a, l), q = position(b, l), steps = 0;
    for (const auto extent : extents(l)) {
      const std::int64_t apart = std::abs(p % extent - q % extent);
      steps += std::min(apart, extent - apart);
      p /= extent, q /= extent;
    }
    return steps == 1;
  }

  [[nodiscard]] static std::map<std::int64_t, std::int64_t> search(const std::map<std::int64_t, std::set<std::int64_t>>& edges, std::int64_t from) {
    std::map<std::int64_t, std::int64_t> distance{{from, 0}};
    std::vector<std::int64_t> queue{from};
    for (std::size_t i = 0; i < queue.size(); ++i) {
      const auto found = edges.find(queue[i]);
      if (found == edges.end()) continue;
      for (const auto next : found->second)
        if (distance.try_emplace(next, distance.at(queue[i]) + 1).second) queue.push_back(next);
    }
    return distance;
  }

  void route(Chip a, Chip b, std::map<Link, double>& load) const {
    std::vector<std::size_t> crossed;  // from the outside in
    for (std::size_t l = levels_.size(); l-- > 0;) {
      if (position(a, l) == position(b, l)) continue;
      crossed.push_back(l);
      if (!levels_[l].direct()) break;
    }
    Chip at = a;
    for (auto l = crossed.rbegin(); l != crossed.rend(); ++l) {
      const auto& level = levels_[*l];
      if (!level.direct()) {
        const Chip to = at / level.chips() * level.chips() + b % level.chips();
        const auto leaf = [&](Chip chip) { return position(chip, *l) / std::max<std::int64_t>(1, level.level.network.units_per_leaf); };
        const std::int64_t tiers = leaf(at) == leaf(to) ? 1 : level.tiers();
        // Links above the leaves are shared by all chips below them, evenly: key -1 - leaf, load of the whole leaf.
        load[{*l, 0, at, -1}] += 1;
        for (std::int64_t tier = 1; tier < tiers; ++tier) load[{*l, tier, -1 - at / level.chips() * 1000 - leaf(at), -1}] += 1;
        at = to;
      } else if (level.level.network.kind == NetworkKind::full_mesh) {
        const Chip to = at + (position(b, *l) - position(at, *l)) * level.chips_below;
        load[{*l, 0, at, to}] += 1;
        at = to;
      } else {
        at = walk(at, b, *l, load);
      }
    }
  }

  // Dimension after dimension the short way round; opposite chips by halves both ways.
  Chip walk(Chip at, Chip b, std::size_t l, std::map<Link, double>& load) const {
    std::int64_t stride = levels_[l].chips_below, dimension = 0;
    for (const auto extent : extents(l)) {
      ++dimension;
      const auto coordinate = [&](Chip chip) { return chip / stride % extent; };
      const std::int64_t forward = (coordinate(b) - coordinate(at) + extent) % extent;
      const auto go = [&](std::int64_t steps, std::int64_t by, double weight) {
        for (Chip c = at; steps > 0; --steps) {
          const Chip next = c + ((coordinate(c) + by + extent) % extent - coordinate(c)) * stride;
          load[{l, dimension, c, next}] += weight;
          c = next;
        }
      };
      const bool opposite = 2 * forward == extent;
      if (2 * forward <= extent) go(forward, 1, opposite ? 0.5 : 1);
      if (2 * forward >= extent) go(extent - forward, -1, opposite ? 0.5 : 1);
      at += (coordinate(b) - coordinate(at)) * stride;
      stride *= extent;
    }
    return at;
  }

  hardware::Machine machine_;
  std::vector<LevelInUse> levels_;
  std::int64_t chips_;
};

// Small machines of every kind of network and of their combinations.
inline std::vector<std::pair<std::string, hardware::Machine>> small_machines() {
  return {{"mesh", machine_of({mesh(8)})},
          {"mesh of meshes", machine_of({mesh(4, 2), mesh(3)})},
          {"three meshes", machine_of({mesh(2), mesh(3), mesh(4)})},
          {"pods of meshes", machine_of({mesh(3), mesh(3), switched(4, 2, 8), clos(3, 3, 1)})},
          {"mesh of switches", machine_of({switched(4, 3), mesh(3)})},
          {"mesh, switch, mesh", machine_of({mesh(3), switched(2), mesh(4)})},
          {"odd torus", machine_of({torus({3, 5})})},
          {"even torus", machine_of({torus({4, 6})})},
          {"torus with flat dimensions", machine_of({torus({2, 1, 4})})},
          {"torus of meshes", machine_of({mesh(2), torus({3, 4})})},
          {"torus under switches", machine_of({torus({2, 3}), switched(3)})},
          {"two tiers of the same ports", machine_of({mesh(2), switched(4), sharing(switched(3, 1, 1, 2))})},
          {"one tier of the same ports", machine_of({switched(4), sharing(switched(3))})},
          {"leaves", machine_of({switched(2), clos(6, 2, 2, 2)})},
          {"leaves, the last partly filled", machine_of({mesh(2), clos(7, 2, 3, 3)})},
          {"one leaf", machine_of({mesh(2), clos(4, 3, 2, 4)})},
          {"a level of one unit between", machine_of({mesh(3), switched(1), switched(2)})}};
}

}  // namespace zettatwin::topology::test
