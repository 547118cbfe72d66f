// SPDX-License-Identifier: Apache-2.0
#include "fold/relation.hpp"

#include <algorithm>

#include "base/contract.hpp"
#include "fold/detail/descent.hpp"

namespace zettatwin::fold {
namespace {

using detail::Cells;
using detail::Ends;
using Kind = Relation::Kind;

bool has_source(Kind kind) { return kind != Kind::absent && kind != Kind::destination; }
bool has_destination(Kind kind) { return kind != Kind::absent && kind != Kind::source; }
bool is_pair(Kind kind) { return has_source(kind) && has_destination(kind); }

// What has been seen of a chain, from the outside in.
struct Outside {
  bool source_whole = true;
  bool destination_whole = true;
  bool together = true;  // for certain
};

bool respects(const FoldedSpace::Segment& segment, const Family& family, const Outside& outside) {
  return std::all_of(segment.atoms.begin(), segment.atoms.end(), [&](std::size_t atom) {
    const auto kind = family[atom].kind;
    return (!has_source(kind) || outside.source_whole) &&
           (!has_destination(kind) || outside.destination_whole) &&
           (!is_pair(kind) || kind == Kind::any || outside.together);
  });
}

Outside inside(Outside outside, const FoldedSpace::Segment& segment, const Family& family) {
  for (const auto atom : segment.atoms) {
    const auto kind = family[atom].kind;
    outside.source_whole = outside.source_whole && has_source(kind);
    outside.destination_whole = outside.destination_whole && has_destination(kind);
    outside.together = outside.together && kind == Kind::same;
  }
  return outside;
}

bool moves_only_what_it_may(const FoldedSpace& space, const Family& family) {
  for (std::size_t atom = 0; atom < family.size(); ++atom) {
    if (family[atom].kind != Kind::shift) continue;
    const auto kind = space.atoms()[atom].kind;
    if (kind == AtomKind::exchangeable || (kind == AtomKind::cyclic && !family[atom].wraps)) return false;
  }
  return true;
}

// One way of choosing an atom's coordinates, and how many members of the family are alike to it there.
struct Choice {
  std::int64_t source = none;
  std::int64_t destination = none;
  std::int64_t alike = 1;
};

// Destinations beside a given source, of the same unit.
void pair_choices(std::int64_t source, const Cells& cells, const Relation& relation, std::int64_t size,
                  std::vector<Choice>& choices) {
  const auto beside = cells.with(source);
  const auto add = [&](std::int64_t destination) {
    choices.push_back({source, destination, times(cells.alike(source), beside.alike(destination))});
  };
  if (relation.kind == Kind::same) return add(source);
  if (relation.kind == Kind::shift) {
    const auto target = source + relation.step;
    const auto wrapped = ((target % size) + size) % size;
    if (relation.wraps || wrapped == target) add(wrapped);
    return;
  }
  for (const auto destination : beside.representatives())
    if (relation.kind == Kind::any || destination != source) add(destination);
}

std::vector<Choice> choices_of(const FoldedSpace& space, std::size_t atom, const Relation& relation,
                               const Ends& ends) {
  std::vector<Choice> choices;
  if (relation.kind == Kind::absent) return {Choice{}};
  const auto sources = detail::cells_of(space, atom, ends.source);
  const auto destinations = detail::cells_of(space, atom, ends.destination);
  if (!has_destination(relation.kind)) {
    for (const auto value : sources.representatives()) choices.push_back({value, none, sources.alike(value)});
  } else if (!has_source(relation.kind)) {
    for (const auto value : destinations.representatives())
      choices.push_back({none, value, destinations.alike(value)});
  } else if (ends.together) {
    for (const auto value : sources.representatives())
      pair_choices(value, sources, relation, space.atoms()[atom].size, choices);
  } else {
    for (const auto s : sources.representatives())
      for (const auto d : destinations.representatives())
        choices.push_back({s, d, times(sources.alike(s), destinations.alike(d))});
  }
  return choices;
}

// Depth first through segments and their atoms, outermost first.
class Enumeration final {
 public:
  Enumeration(const FoldedSpace& space, const Family& family) : space_(space), family_(family) {
    element_.source.assign(family.size(), none);
    element_.destination.assign(family.size(), none);
  }

  std::vector<Orbit> run() {
    enter(0, detail::ends_at_top(space_), 1);
    std::sort(orbits_.begin(), orbits_.end(),
              [](const Orbit& a, const Orbit& b) { return a.representative < b.representative; });
    return std::move(orbits_);
  }

 private:
  void enter(std::size_t segment, const Ends& above, std::int64_t members) {
    if (segment == space_.segments().size()) {
      orbits_.push_back({element_, members});
    } else if (segment == 0 || space_.segments()[segment].starts_chain) {
      choose(segment, 0, detail::ends_at_top(space_), members);
    } else {
      const auto& outer = space_.segments()[segment - 1];
      choose(segment, 0, detail::ends_below(space_, above, outer, element_.source, element_.destination),
             members);
    }
  }

  void choose(std::size_t segment, std::size_t place, const Ends& ends, std::int64_t members) {
    const auto& atoms = space_.segments()[segment].atoms;
    if (place == atoms.size()) return enter(segment + 1, ends, members);
    const auto atom = atoms[place];
    for (const auto& choice : choices_of(space_, atom, family_[atom], ends)) {
      element_.source[atom] = choice.source;
      element_.destination[atom] = choice.destination;
      choose(segment, place + 1, ends, times(members, choice.alike));
    }
  }

  const FoldedSpace& space_;
  const Family& family_;
  Element element_;
  std::vector<Orbit> orbits_;
};

// The canonical values of one atom, and how many are alike.
Choice canonical(const FoldedSpace& space, std::size_t atom, const Element& element, const Ends& ends) {
  const auto source = element.source[atom];
  const auto destination = element.destination[atom];
  Choice choice;
  if (source != none) {
    const auto cells = detail::cells_of(space, atom, ends.source);
    choice.source = cells.least(source);
    choice.alike = cells.alike(source);
    if (destination != none && ends.together) {
      choice.destination = cells.least_beside(source, destination);
      choice.alike = times(choice.alike, cells.with(choice.source).alike(choice.destination));
      return choice;
    }
  }
  if (destination != none) {
    const auto cells = detail::cells_of(space, atom, ends.destination);
    choice.destination = cells.least(destination);
    choice.alike = times(choice.alike, cells.alike(destination));
  }
  return choice;
}

}  // namespace

bool respects(const FoldedSpace& space, const Family& family) {
  if (family.size() != space.atoms().size() || !moves_only_what_it_may(space, family)) return false;
  Outside outside;
  for (const auto& segment : space.segments()) {
    if (segment.starts_chain) outside = {};
    if (!respects(segment, family, outside)) return false;
    outside = inside(outside, segment, family);
  }
  return true;
}

std::vector<Orbit> orbits(const FoldedSpace& space, const Family& family) {
  ZT_EXPECT(respects(space, family), "the family ties what the space's boundaries leave untied");
  return Enumeration(space, family).run();
}

Orbit orbit_of(const FoldedSpace& space, const Element& element) {
  Orbit orbit{element, 1};
  Ends ends;
  for (std::size_t s = 0; s < space.segments().size(); ++s) {
    const auto& segment = space.segments()[s];
    ends = segment.starts_chain ? detail::ends_at_top(space)
                                : detail::ends_below(space, ends, space.segments()[s - 1], element.source,
                                                     element.destination);
    for (const auto atom : segment.atoms) {
      const auto choice = canonical(space, atom, element, ends);
      orbit.representative.source[atom] = choice.source;
      orbit.representative.destination[atom] = choice.destination;
      orbit.members = times(orbit.members, choice.alike);
    }
  }
  return orbit;
}

std::optional<std::size_t> find(const std::vector<Orbit>& orbits, const Element& representative) {
  const auto it =
      std::lower_bound(orbits.begin(), orbits.end(), representative,
                       [](const Orbit& orbit, const Element& e) { return orbit.representative < e; });
  if (it == orbits.end() || it->representative != representative) return std::nullopt;
  return static_cast<std::size_t>(it - orbits.begin());
}

Family points(const FoldedSpace& space) { return Family(space.atoms().size(), relation::source); }

Family pairs_across(const FoldedSpace& space, std::size_t atom) {
  Family family(space.atoms().size(), relation::same);
  std::fill_n(family.begin(), atom, relation::any);
  family[atom] = relation::different;
  return family;
}

Family mesh_links(const FoldedSpace& space, std::size_t atom) {
  Family family(space.atoms().size(), relation::same);
  family[atom] = relation::different;
  return family;
}

}  // namespace zettatwin::fold
