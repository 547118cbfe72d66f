// SPDX-License-Identifier: Apache-2.0
#include "fold/space.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "base/contract.hpp"

namespace zettatwin::fold {
namespace {

void check(const Atom& atom) {
  ZT_EXPECT(atom.size >= 1, std::to_string(atom.size));
  ZT_EXPECT(atom.ranges.empty() || atom.kind == AtomKind::exchangeable,
            "only exchangeable atoms have ranges");
  std::int64_t previous = 0;
  for (const auto first : atom.ranges) {
    ZT_EXPECT(previous < first && first < atom.size, "range at " + std::to_string(first));
    previous = first;
  }
}

void check(const Position& exception, const std::vector<Atom>& atoms) {
  ZT_EXPECT(exception.size() == atoms.size(), std::to_string(exception.size()) + " values");
  bool names = false;
  for (std::size_t i = 0; i < atoms.size(); ++i) {
    ZT_EXPECT(exception[i] >= none && exception[i] < atoms[i].size, "value " + std::to_string(exception[i]));
    names = names || exception[i] != none;
  }
  ZT_EXPECT(names, "an exception names at least one value");
}

std::vector<FoldedSpace::Segment> segments_of(const std::vector<Atom>& atoms) {
  std::vector<FoldedSpace::Segment> segments;
  for (std::size_t i = atoms.size(); i-- > 0;) {
    const bool outermost = i + 1 == atoms.size();
    if (outermost || atoms[i].outward != Boundary::tied)
      segments.push_back({{}, outermost || atoms[i].outward == Boundary::independent});
    segments.back().atoms.push_back(i);
  }
  return segments;
}

}  // namespace

FoldedSpace::FoldedSpace(std::vector<Atom> atoms, std::vector<Position> exceptions)
    : atoms_(std::move(atoms)), exceptions_(std::move(exceptions)), segments_(segments_of(atoms_)) {
  ZT_EXPECT(!atoms_.empty(), "a space has atoms");
  for (const auto& atom : atoms_) check(atom);
  for (const auto& exception : exceptions_) check(exception, atoms_);
}

std::int64_t FoldedSpace::points() const {
  std::int64_t product = 1;
  for (const auto& atom : atoms_) product = times(product, atom.size);
  return product;
}

space::View FoldedSpace::view() const {
  space::View view;
  std::int64_t stride = 1;
  for (const auto& atom : atoms_) {
    view.atoms.push_back({atom.size, stride});
    stride = times(stride, atom.size);
  }
  return view;
}

Position FoldedSpace::position_of(std::int64_t rank) const {
  ZT_EXPECT(rank >= 0 && rank < points(), std::to_string(rank));
  Position position;
  for (const auto& atom : atoms_) {
    position.push_back(rank % atom.size);
    rank /= atom.size;
  }
  return position;
}

bool within(const Position& point, const Position& exception) {
  return std::equal(point.begin(), point.end(), exception.begin(), exception.end(),
                    [](std::int64_t value, std::int64_t named) { return named == none || named == value; });
}

std::int64_t times(std::int64_t a, std::int64_t b) {
  std::int64_t product = 0;
  ZT_EXPECT(!__builtin_mul_overflow(a, b, &product), std::to_string(a) + " * " + std::to_string(b));
  return product;
}

}  // namespace zettatwin::fold
