// SPDX-License-Identifier: Apache-2.0
#include "fold/detail/cells.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

namespace zettatwin::fold::detail {

Cells::Cells(const Atom& atom, std::vector<std::int64_t> named) : atom_(&atom), named_(std::move(named)) {
  std::sort(named_.begin(), named_.end());
  named_.erase(std::unique(named_.begin(), named_.end()), named_.end());
}

bool Cells::alone(std::int64_t value) const {
  switch (atom_->kind) {
    case AtomKind::rigid:
      return true;
    case AtomKind::cyclic:
      return !named_.empty();  // a rotation that fixes one value fixes all
    case AtomKind::exchangeable:
      return std::binary_search(named_.begin(), named_.end(), value);
  }
  return true;
}

Cells::Range Cells::range_of(std::int64_t value) const {
  const auto& starts = atom_->ranges;
  const auto next = std::upper_bound(starts.begin(), starts.end(), value);
  return {next == starts.begin() ? 0 : *std::prev(next), next == starts.end() ? atom_->size : *next};
}

std::int64_t Cells::least_unnamed(const Range& range) const {
  auto value = range.first;
  for (auto it = std::lower_bound(named_.begin(), named_.end(), value); it != named_.end() && *it == value;
       ++it)
    ++value;
  return value;  // range.last if all are named
}

std::int64_t Cells::least(std::int64_t value) const {
  return alone(value) ? value : least_unnamed(range_of(value));
}

std::int64_t Cells::alike(std::int64_t value) const {
  if (alone(value)) return 1;
  const auto range = range_of(value);
  const auto from = std::lower_bound(named_.begin(), named_.end(), range.first);
  const auto to = std::lower_bound(from, named_.end(), range.last);
  return range.last - range.first - (to - from);
}

std::vector<std::int64_t> Cells::representatives() const {
  std::vector<std::int64_t> values;
  if (atom_->kind == AtomKind::rigid || (atom_->kind == AtomKind::cyclic && !named_.empty())) {
    values.resize(static_cast<std::size_t>(atom_->size));
    std::iota(values.begin(), values.end(), 0);
    return values;
  }
  values = named_;
  for (std::int64_t first = 0; first < atom_->size;) {
    const auto range = range_of(first);
    if (const auto value = least_unnamed(range); value < range.last) values.push_back(value);
    first = range.last;
  }
  std::sort(values.begin(), values.end());
  return values;
}

Cells Cells::with(std::int64_t value) const {
  auto named = named_;
  named.push_back(value);
  return {*atom_, std::move(named)};
}

std::int64_t Cells::least_beside(std::int64_t first, std::int64_t second) const {
  if (rotates()) return (second - first + atom_->size) % atom_->size;
  if (second == first) return least(first);
  if (alone(second)) return second;
  // Not `second` itself is asked: it may be least(first), which a permutation has just given to `first`.
  return with(least(first)).least_unnamed(range_of(second));
}

}  // namespace zettatwin::fold::detail
