// SPDX-License-Identifier: Apache-2.0
// The values of one atom, seen from inside one unit, cut into cells of values that are alike: each named
// value alone, the rest of each range together. A cell is known by its least value.
#pragma once

#include <cstdint>
#include <vector>

#include "fold/space.hpp"

namespace zettatwin::fold::detail {

class Cells final {
 public:
  Cells(const Atom& atom,
        std::vector<std::int64_t> named);  // in any order, repeats allowed; the atom outlives the cells

  [[nodiscard]] std::int64_t least(std::int64_t value) const;       // of the cell of `value`
  [[nodiscard]] std::int64_t alike(std::int64_t value) const;       // size of the cell of `value`
  [[nodiscard]] std::vector<std::int64_t> representatives() const;  // the least value of each cell, ascending
  // The cells that are left once `value` is held fixed.
  [[nodiscard]] Cells with(std::int64_t value) const;

  // Where a permutation that respects the cells, and takes `first` to least(first), can take `second`.
  [[nodiscard]] std::int64_t least_beside(std::int64_t first, std::int64_t second) const;

 private:
  struct Range {
    std::int64_t first, last;  // last excluded
  };
  [[nodiscard]] bool alone(std::int64_t value) const;
  [[nodiscard]] bool rotates() const { return atom_->kind == AtomKind::cyclic && named_.empty(); }
  [[nodiscard]] Range range_of(std::int64_t value) const;
  [[nodiscard]] std::int64_t least_unnamed(const Range& range) const;

  const Atom* atom_;
  std::vector<std::int64_t> named_;  // ascending
};

}  // namespace zettatwin::fold::detail
