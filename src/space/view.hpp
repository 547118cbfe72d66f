// SPDX-License-Identifier: Apache-2.0
// The mixed-radix space of ranks. A rank is an index 0 <= r < size; a view is a list of atoms (size, stride), each of which
// moves the index in `size` steps of `stride`. Machine levels and parallel dimensions are views on one space, so that groups,
// placement and traffic are functions of coordinates and nothing is allocated per chip.
#pragma once

#include <cstdint>
#include <vector>

namespace zettatwin::space {

struct Atom {
  std::int64_t size = 1;
  std::int64_t stride = 1;
  friend bool operator==(const Atom&, const Atom&) = default;
};

// A set of ranks {base + sum_i k_i * stride_i : 0 <= k_i < size_i}; atoms are ordered by stride, innermost first.
struct View {
  std::vector<Atom> atoms;

  [[nodiscard]] std::int64_t size() const {
    std::int64_t product = 1;
    for (const auto& atom : atoms) product *= atom.size;
    return product;
  }
  friend bool operator==(const View&, const View&) = default;
};

// How many members of the view share one aligned block of `block` consecutive ranks with each member of it: exactly so many if the view divides
// evenly, at least so many if blocks cut it (docs/math/placement.md). Divides the view's size, and the answer for any multiple of the block.
[[nodiscard]] std::int64_t members_in_block(const View& view, std::int64_t block);

// Whether every block that holds members holds equally many. For each atom: block a multiple of stride*size, or stride a multiple of block,
// or block a multiple of stride that divides stride*size.
[[nodiscard]] bool divides_evenly(const View& view, std::int64_t block);

}  // namespace zettatwin::space
