// SPDX-License-Identifier: Apache-2.0
// The coarsest quotient on which bandwidth sharing is still exact (docs/math/folding.md, theorem 1). Links
// and flows here are classes already (orbits), or single ones. Links may merge if they have one colour and
// carry the same load from every merged class of flows; flows, if they have one colour and touch the same SET
// of merged link classes. The last condition is weaker than equal counts, so the quotient can be coarser than
// the equitable partition; it suffices for max-min fairness.
#pragma once

#include <cstdint>
#include <vector>

#include "fold/incidence.hpp"

namespace zettatwin::fold {

struct Bipartite {
  struct Side {
    std::vector<std::int64_t>
        colours;  // what must be equal: capacity, latency, health; weight, cap, size, launching task
    std::vector<std::int64_t> members;  // of each class; single ones have 1
  };
  Side links, flows;
  // load on one link of the class when every flow of the class runs at unit level; parallel entries add up.
  std::vector<Entry> entries;
};

// Which flows are alike: `support` is enough for max-min fairness, `counts` (the equitable partition) serves
// any allocation that is the unique optimum of a strictly concave symmetric objective, such as proportional
// fairness.
enum class FlowSide { support, counts };

struct Quotient {
  std::vector<std::uint32_t> link_class, flow_class;  // numbered in the order of their first members
  Bipartite merged;  // the same on classes: colours, members, entries (sorted, unique)
};

// Loads that differ by no more than 1e-9 relatively are equal: they come from the same whole numbers by other
// roundings.
[[nodiscard]] Quotient coarsest(const Bipartite& bipartite, FlowSide flow_side = FlowSide::support);

}  // namespace zettatwin::fold
