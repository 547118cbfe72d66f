// SPDX-License-Identifier: Apache-2.0
// A partition of 0..n-1 whose classes are split in place. A split costs the number of nodes that are named in
// it, not the size of the class: what Hopcroft's "process the smaller half" needs.
#pragma once

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace zettatwin::fold::detail {

class RefinablePartition final {
 public:
  explicit RefinablePartition(const std::vector<std::int64_t>& colours);  // equal colours, one class

  [[nodiscard]] std::uint32_t classes() const { return static_cast<std::uint32_t>(first_.size()); }
  [[nodiscard]] std::uint32_t class_of(std::uint32_t node) const { return class_[node]; }
  [[nodiscard]] std::span<const std::uint32_t> members(std::uint32_t c) const {
    return std::span(nodes_).subspan(first_[c], last_[c] - first_[c]);
  }

  // Takes disjoint, non-empty groups out of class c. Of them and what remains, the largest keeps the number
  // c; the others are new classes, numbered from the old classes() on. No group may be the whole class.
  void split(std::uint32_t c, const std::vector<std::span<const std::uint32_t>>& groups);

  // Class of each node, numbered in the order of their first nodes.
  [[nodiscard]] std::vector<std::uint32_t> numbered() const;

 private:
  std::vector<std::uint32_t> nodes_, place_;  // nodes by class, and where each node stands
  std::vector<std::uint32_t> class_;          // of a node
  std::vector<std::uint32_t> first_, last_;   // of a class; last excluded
};

}  // namespace zettatwin::fold::detail
