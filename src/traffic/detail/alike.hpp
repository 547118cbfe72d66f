// SPDX-License-Identifier: Apache-2.0
// Classes of alike flows and resources of an explicit program, found by refinement, and its simulation on one member of each (docs/math/graphs.md, "Classes").
// Model: the coarsest partition that theorems 1 and 3 of docs/math/folding.md allow: members of a flow class have equal bytes, weight, cap and latency, use the same
// SET of resource classes and wait for the same set of flow classes; members of a resource class have equal capacity and carry the same total load from every flow class.
// Method: rounds over all uses that hash what a node sees; a colour never joins what it has parted, and each round hashes anew, so that a collision lives one round
// and two rounds without a split end it. What is not settled by then and still promises classes is left to fold::colour_refinement.
// Cost: O(uses) per round, with at most kRounds of them; gives up as soon as classes are too many to pay.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "flow/simulation.hpp"

namespace zettatwin::traffic::detail {

struct Alike {
  static constexpr std::uint32_t kUnused = 0xffffffff;
  std::vector<std::uint32_t> flow_class;      // numbered in the order of first members
  std::vector<std::uint32_t> resource_class;  // likewise; kUnused: no flow uses it
  std::uint32_t flow_classes = 0;
  std::uint32_t resource_classes = 0;
};

// Nothing if little is alike. Loads that differ by 1e-12 of themselves are equal: the same shares summed in another order. Expects no changes of capacity.
[[nodiscard]] std::optional<Alike> find_alike(const flow::FlowProgram& program);

// The same outcome as flow::simulate, to rounding, for every flow and resource; but `rates` and `solves` are those of the classes. What limits a flow is the first resource of its own in the
// class that limits its class. Which member stands for a class does not matter: loads are sums that do not depend on the order of listing.
[[nodiscard]] flow::SimulationResult simulate_alike(const flow::FlowProgram& program, const Alike& alike);

}  // namespace zettatwin::traffic::detail
