// SPDX-License-Identifier: Apache-2.0
#include "explicit.hpp"

#include <numeric>
#include <utility>

namespace zettatwin::fold::test {
namespace {

using Kind = Relation::Kind;

std::vector<std::pair<std::int64_t, std::int64_t>> values_of(const Relation& relation, std::int64_t size) {
  std::vector<std::pair<std::int64_t, std::int64_t>> values;
  if (relation.kind == Kind::absent) return {{none, none}};
  for (std::int64_t a = 0; a < size; ++a) {
    if (relation.kind == Kind::source) values.emplace_back(a, none);
    if (relation.kind == Kind::destination) values.emplace_back(none, a);
    for (std::int64_t b = 0; b < size; ++b) {
      const auto target = a + relation.step;
      const bool stepped = relation.wraps ? (target - b) % size == 0 : target == b;
      if ((relation.kind == Kind::same && a == b) || (relation.kind == Kind::different && a != b) ||
          relation.kind == Kind::any || (relation.kind == Kind::shift && stepped))
        values.emplace_back(a, b);
    }
  }
  return values;
}

// A map of positions: inside one unit (`outer` values of some atoms) one atom's values are permuted.
struct Generator {
  std::vector<std::pair<std::size_t, std::int64_t>> unit;
  std::size_t atom = 0;
  std::vector<std::int64_t> image;

  Position operator()(Position p) const {
    for (const auto& [outer, value] : unit)
      if (p[outer] != value) return p;
    if (p[atom] != none) p[atom] = image[static_cast<std::size_t>(p[atom])];
    return p;
  }
};

std::size_t range_of(const Atom& atom, std::int64_t value) {
  std::size_t range = 0;
  for (const auto first : atom.ranges) range += first <= value ? 1 : 0;
  return range;
}

void add_permutations(const FoldedSpace& space, Generator generator, std::vector<Generator>& generators) {
  const auto& atom = space.atoms()[generator.atom];
  std::set<std::int64_t> named;
  for (const auto& exception : space.exceptions()) {
    bool seen = exception[generator.atom] != none;
    for (const auto& [outer, value] : generator.unit)
      seen = seen && (exception[outer] == none || exception[outer] == value);
    if (seen) named.insert(exception[generator.atom]);
  }
  const auto n = static_cast<std::size_t>(atom.size);
  generator.image.resize(n);
  std::iota(generator.image.begin(), generator.image.end(), 0);
  if (atom.kind == AtomKind::cyclic && named.empty()) {
    for (std::size_t v = 0; v < n; ++v) generator.image[v] = static_cast<std::int64_t>((v + 1) % n);
    generators.push_back(generator);
  }
  if (atom.kind != AtomKind::exchangeable) return;
  for (std::int64_t a = 0; a < atom.size; ++a)
    for (std::int64_t b = a + 1; b < atom.size; ++b) {
      if (named.contains(a) || named.contains(b) || range_of(atom, a) != range_of(atom, b)) continue;
      auto swap = generator;
      std::swap(swap.image[static_cast<std::size_t>(a)], swap.image[static_cast<std::size_t>(b)]);
      generators.push_back(swap);
    }
}

std::vector<Generator> generators_of(const FoldedSpace& space) {
  std::vector<Generator> generators;
  std::vector<std::vector<std::pair<std::size_t, std::int64_t>>> units;
  for (const auto& segment : space.segments()) {
    if (segment.starts_chain) units = {{}};
    for (const auto& unit : units)
      for (const auto atom : segment.atoms) add_permutations(space, {unit, atom, {}}, generators);
    for (const auto atom : segment.atoms) {
      decltype(units) finer;
      for (const auto& unit : units)
        for (std::int64_t v = 0; v < space.atoms()[atom].size; ++v) {
          finer.push_back(unit);
          finer.back().emplace_back(atom, v);
        }
      units = std::move(finer);
    }
  }
  return generators;
}

// The atoms that say which unit an atom's value belongs to.
std::vector<std::size_t> outside_of(const FoldedSpace& space, std::size_t atom) {
  const auto& atoms = space.atoms();
  while (atom + 1 < atoms.size() && atoms[atom].outward == Boundary::tied) ++atom;
  std::vector<std::size_t> outside;
  while (atom + 1 < atoms.size() && atoms[atom].outward != Boundary::independent) outside.push_back(++atom);
  return outside;
}

// Whether an intermediate value is the one of the flow's source or destination, in the same unit.
bool returns_to_an_end(const FoldedSpace& space, const Use& use, const Element& flow, const Element& resource,
                       const Position& via) {
  for (std::size_t i = 0; i < via.size(); ++i) {
    if (via[i] == none) continue;
    const auto& position = use.source[i].from == Pick::From::spread ? resource.source : resource.destination;
    for (const auto* end : {&flow.source, &flow.destination}) {
      bool same = (*end)[i] == via[i];
      for (const auto j : outside_of(space, i)) same = same && (*end)[j] == position[j];
      if (same) return true;
    }
  }
  return false;
}

}  // namespace

std::vector<Element> members(const FoldedSpace& space, const Family& family) {
  const Position empty(family.size(), none);
  std::vector<Element> elements{{empty, empty}};
  for (std::size_t atom = 0; atom < family.size(); ++atom) {
    std::vector<Element> longer;
    for (const auto& element : elements)
      for (const auto& [a, b] : values_of(family[atom], space.atoms()[atom].size)) {
        longer.push_back(element);
        longer.back().source[atom] = a;
        longer.back().destination[atom] = b;
      }
    elements = std::move(longer);
  }
  return elements;
}

std::vector<std::size_t> group_orbits(const FoldedSpace& space, const std::vector<Element>& elements) {
  std::map<Element, std::size_t> index;
  for (std::size_t i = 0; i < elements.size(); ++i) index.emplace(elements[i], i);
  std::vector<std::size_t> root(elements.size());
  std::iota(root.begin(), root.end(), 0U);
  const auto top = [&](std::size_t i) {
    while (root[i] != i) i = root[i];
    return i;
  };
  for (const auto& g : generators_of(space))
    for (std::size_t i = 0; i < elements.size(); ++i) {
      const auto a = top(i);
      const auto b = top(index.at({g(elements[i].source), g(elements[i].destination)}));
      root[std::max(a, b)] = std::min(a, b);
    }
  for (std::size_t i = 0; i < elements.size(); ++i) root[i] = top(i);
  return root;
}

std::map<Element, double> trace(const FoldedSpace& space, const std::set<Element>& resources,
                                const Element& flow, const Use& use) {
  using From = Pick::From;
  const auto atoms = space.atoms().size();
  const Position empty(atoms, none);
  std::vector<std::pair<Element, Position>> ways{{{empty, empty}, empty}};
  for (std::size_t i = 0; i < atoms; ++i) {
    const auto size = space.atoms()[i].size;
    const bool spread = use.source[i].from == From::spread || use.destination[i].from == From::spread;
    decltype(ways) longer;
    for (const auto& [resource, via] : ways)
      for (std::int64_t z = 0; z < (spread ? size : 1); ++z) {
        const auto value = [&](const Pick& pick) {
          switch (pick.from) {
            case From::nothing:
              return none;
            case From::spread:
              return z;
            case From::source:
              return (flow.source[i] + pick.plus + size) % size;
            case From::destination:
              return (flow.destination[i] + pick.plus + size) % size;
          }
          return none;
        };
        longer.emplace_back(resource, via);
        longer.back().first.source[i] = value(use.source[i]);
        longer.back().first.destination[i] = value(use.destination[i]);
        if (spread) longer.back().second[i] = z;
      }
    ways = std::move(longer);
  }
  if (use.spread_over_others)
    std::erase_if(
        ways, [&](const auto& way) { return returns_to_an_end(space, use, flow, way.first, way.second); });
  if (use.open) std::erase_if(ways, [&](const auto& way) { return !use.open(flow, way.second); });
  std::map<Element, double> shares;
  for (const auto& [resource, via] : ways)
    if (resources.contains(resource)) shares[resource] += use.weight / static_cast<double>(ways.size());
  return shares;
}

}  // namespace zettatwin::fold::test
