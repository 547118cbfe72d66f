// SPDX-License-Identifier: Apache-2.0
// The slow obvious reference: every member written down, symmetries as explicit generators, flows traced one
// by one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <vector>

#include "fold/incidence.hpp"
#include "fold/relation.hpp"
#include "fold/space.hpp"

namespace zettatwin::fold::test {

[[nodiscard]] std::vector<Element> members(const FoldedSpace& space, const Family& family);

// Classes (numbered by first member) of the elements under the generators of the space's symmetry group: in
// every unit of every segment, exchanges of two alike values or one rotation, of one atom.
[[nodiscard]] std::vector<std::size_t> group_orbits(const FoldedSpace& space,
                                                    const std::vector<Element>& elements);

// The resources that one flow runs over and its share on each.
[[nodiscard]] std::map<Element, double> trace(const FoldedSpace& space, const std::set<Element>& resources,
                                              const Element& flow, const Use& use);

}  // namespace zettatwin::fold::test
