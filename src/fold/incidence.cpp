// SPDX-License-Identifier: Apache-2.0
#include "fold/incidence.hpp"

#include <algorithm>
#include <numeric>
#include <string>
#include <utility>

#include "base/contract.hpp"
#include "fold/detail/descent.hpp"

namespace zettatwin::fold {
namespace {

using detail::Visible;
using From = Pick::From;

// One end of a resource on its way inwards: whose unit is it in?
struct End {
  Visible visible;
  bool whole = true;  // has all outer coordinates
  bool in_source_unit = true;
  bool in_destination_unit = true;
};

struct Unit {
  End source, destination;
  bool together = true;
};

struct Option {
  Element resource;
  Position via;
  std::int64_t ways = 1;
};

// All resources that one flow runs over, up to the symmetries that hold the flow fixed.
class Trace final {
 public:
  Trace(const FoldedSpace& space, const Use& use, const Element& flow)
      : space_(space), use_(use), flow_(flow) {
    const Position empty(space.atoms().size(), none);
    option_ = {{empty, empty}, empty, 1};
  }

  std::vector<Option> run() {
    enter(0, {}, 1);
    return std::move(options_);
  }

 private:
  void enter(std::size_t segment, const Unit& above, std::int64_t ways) {
    const auto& segments = space_.segments();
    if (segment == segments.size()) {
      option_.ways = ways;
      options_.push_back(option_);
    } else if (segments[segment].starts_chain) {
      const End end{detail::all_visible(space_)};
      choose(segment, 0, {end, end, true}, ways);
    } else {
      const auto& outer = segments[segment - 1];
      const auto together =
          above.together && detail::agree(outer, option_.resource.source, option_.resource.destination);
      choose(segment, 0,
             {below(above.source, outer, option_.resource.source),
              below(above.destination, outer, option_.resource.destination), together},
             ways);
    }
  }

  End below(const End& end, const FoldedSpace::Segment& outer, const Position& position) const {
    const bool present = std::all_of(outer.atoms.begin(), outer.atoms.end(),
                                     [&](std::size_t atom) { return position[atom] != none; });
    return {detail::visible_below(space_, end.visible, outer, position), end.whole && present,
            end.in_source_unit && detail::agree(outer, position, flow_.source),
            end.in_destination_unit && detail::agree(outer, position, flow_.destination)};
  }

  void choose(std::size_t segment, std::size_t place, const Unit& unit, std::int64_t ways) {
    const auto& atoms = space_.segments()[segment].atoms;
    if (place == atoms.size()) return enter(segment + 1, unit, ways);
    const auto atom = atoms[place];
    const auto& a = use_.source[atom];
    const auto& b = use_.destination[atom];
    if (a.from != From::spread && b.from != From::spread) {
      option_.via[atom] = none;
      set(atom, unit, none);
      return choose(segment, place + 1, unit, ways);
    }
    ZT_EXPECT(a.from != b.from || unit.together, "the same intermediate value in different units");
    const auto& end = a.from == From::spread ? unit.source : unit.destination;
    for (const auto& [value, alike] : intermediates(atom, end)) {
      option_.via[atom] = value;
      set(atom, unit, value);
      choose(segment, place + 1, unit, times(ways, alike));
    }
  }

  // Values with multiplicities, told apart from the flow's own where those are values of the same unit.
  std::vector<std::pair<std::int64_t, std::int64_t>> intermediates(std::size_t atom, const End& end) const {
    auto cells = detail::cells_of(space_, atom, end.visible);
    const auto from = end.in_source_unit ? flow_.source[atom] : none;
    const auto to = end.in_destination_unit ? flow_.destination[atom] : none;
    if (from != none) cells = cells.with(from);
    if (to != none) cells = cells.with(to);
    std::vector<std::pair<std::int64_t, std::int64_t>> values;
    for (const auto value : cells.representatives())
      if (!use_.spread_over_others || (value != from && value != to))
        values.emplace_back(value, cells.alike(value));
    return values;
  }

  void set(std::size_t atom, const Unit& unit, std::int64_t intermediate) {
    option_.resource.source[atom] = value(atom, use_.source[atom], unit.source, intermediate);
    option_.resource.destination[atom] = value(atom, use_.destination[atom], unit.destination, intermediate);
  }

  std::int64_t value(std::size_t atom, const Pick& pick, const End& end, std::int64_t intermediate) const {
    if (pick.from == From::nothing) return none;
    ZT_EXPECT(end.whole, "an inner coordinate without its outer ones, atom " + std::to_string(atom));
    if (pick.from == From::spread) return intermediate;
    const bool of_source = pick.from == From::source;
    ZT_EXPECT(of_source ? end.in_source_unit : end.in_destination_unit,
              "an inner coordinate of another unit, atom " + std::to_string(atom));
    const auto own = (of_source ? flow_.source : flow_.destination)[atom];
    ZT_EXPECT(own != none, "the flow has no such coordinate, atom " + std::to_string(atom));
    if (pick.plus == 0) return own;
    const auto& [size, kind, outward, ranges] = space_.atoms()[atom];
    ZT_EXPECT(kind != AtomKind::exchangeable,
              "a step between exchangeable values, atom " + std::to_string(atom));
    return ((own + pick.plus) % size + size) % size;
  }

  const FoldedSpace& space_;
  const Use& use_;
  const Element& flow_;
  Option option_;
  std::vector<Option> options_;
};

// Ways by resource orbit, ascending.
std::vector<std::pair<std::size_t, std::int64_t>> ways_by_orbit(const FoldedSpace& space,
                                                                const std::vector<Orbit>& resources,
                                                                const std::vector<Option>& options) {
  std::vector<std::pair<std::size_t, std::int64_t>> hits;
  for (const auto& option : options)
    if (const auto orbit = find(resources, orbit_of(space, option.resource).representative))
      hits.emplace_back(*orbit, option.ways);
  std::sort(hits.begin(), hits.end());
  std::vector<std::pair<std::size_t, std::int64_t>> sums;
  for (const auto& [orbit, ways] : hits) {
    if (sums.empty() || sums.back().first != orbit) sums.emplace_back(orbit, 0);
    sums.back().second += ways;
  }
  return sums;
}

// weight * (flows / resources) * (ways / all_ways), whole numbers reduced first.
double load(double weight, std::int64_t flows, std::int64_t resources, std::int64_t ways,
            std::int64_t all_ways) {
  const auto reduce = [](std::int64_t& a, std::int64_t& b) {
    const auto divisor = std::gcd(a, b);
    a /= divisor;
    b /= divisor;
  };
  reduce(flows, resources);
  reduce(ways, all_ways);
  reduce(flows, all_ways);
  reduce(ways, resources);
  const auto above = static_cast<double>(flows) * static_cast<double>(ways);
  return weight * (above / (static_cast<double>(resources) * static_cast<double>(all_ways)));
}

}  // namespace

Incidence incidence(const FoldedSpace& space, const std::vector<Orbit>& resources,
                    const std::vector<Orbit>& flows, const Use& use) {
  ZT_EXPECT(use.source.size() == space.atoms().size() && use.destination.size() == space.atoms().size(),
            "one pick per atom and end");
  ZT_EXPECT(use.weight > 0, std::to_string(use.weight));
  Incidence result;
  for (std::size_t f = 0; f < flows.size(); ++f) {
    const auto& flow = flows[f];
    auto options = Trace(space, use, flow.representative).run();
    if (use.open)
      std::erase_if(options,
                    [&](const Option& option) { return !use.open(flow.representative, option.via); });
    std::int64_t all_ways = 0;
    for (const auto& option : options) all_ways += option.ways;
    if (all_ways == 0) result.blocked.push_back(static_cast<std::uint32_t>(f));
    for (const auto& [orbit, ways] : ways_by_orbit(space, resources, options))
      result.entries.push_back({static_cast<std::uint32_t>(orbit), static_cast<std::uint32_t>(f),
                                load(use.weight, flow.members, resources[orbit].members, ways, all_ways)});
  }
  return result;
}

}  // namespace zettatwin::fold
