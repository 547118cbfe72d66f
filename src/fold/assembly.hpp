// SPDX-License-Identifier: Apache-2.0
// Puts several resource and flow families of one space into one bipartite graph: the folded problem of
// bandwidth sharing.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "fold/incidence.hpp"
#include "fold/refine.hpp"
#include "fold/relation.hpp"

namespace zettatwin::fold {

class Assembly final {
 public:
  // Colour of an orbit, from its representative: equal only where capacity (weight, cap, size ...) is equal.
  // May depend only on what exceptions name.
  using Colour = std::function<std::int64_t(const Element& representative)>;

  // One family's orbits; orbit i is link (flow) first + i of the bipartite graph.
  struct Part {
    std::vector<Orbit> orbits;
    std::uint32_t first = 0;
  };

  explicit Assembly(FoldedSpace space) : space_(std::move(space)) {}

  // Each returns the number of the part.
  std::size_t add_resources(const Family& family, const Colour& colour);
  std::size_t add_flows(const Family& family, const Colour& colour);
  // Flows of one part run over resources of another; several uses add up.
  void connect(std::size_t resources, std::size_t flows, const Use& use);

  [[nodiscard]] const FoldedSpace& space() const { return space_; }
  [[nodiscard]] const std::vector<Part>& resources() const { return resources_; }
  [[nodiscard]] const std::vector<Part>& flows() const { return flows_; }
  [[nodiscard]] const Bipartite& bipartite() const { return bipartite_; }
  [[nodiscard]] const std::vector<std::uint32_t>& blocked() const {
    return blocked_;
  }  // flows without an open way in some use

 private:
  FoldedSpace space_;
  std::vector<Part> resources_, flows_;
  Bipartite bipartite_;
  std::vector<std::uint32_t> blocked_;
};

}  // namespace zettatwin::fold
