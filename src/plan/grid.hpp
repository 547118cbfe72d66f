// SPDX-License-Identifier: Apache-2.0
// The two factorisations of the used ranks: the dense grid (tp, cp, dp, pp in the plan's order) and the expert grid (etp, ep, replicas) of
// the same ranks without pp. Both are mixed-radix numbers; docs/math/placement.md derives the atoms.
#pragma once

#include <cstdint>
#include <vector>

#include "plan/placement.hpp"
#include "plan/plan.hpp"

namespace zettatwin::plan {

// Boundaries (see Grid) that do not depend on the number of replicas.
[[nodiscard]] std::vector<std::int64_t> boundaries_inside_replicas(const Plan& plan);

class Grid final {
 public:
  // `dp` is the number of replicas, at least 1.
  Grid(const Plan& plan, std::int64_t dp);

  [[nodiscard]] std::int64_t world() const;
  [[nodiscard]] std::int64_t size(Axis axis) const;
  [[nodiscard]] std::int64_t stride(Axis axis) const;  // product of the axes further inside

  // Whether the expert grid exists: etp*ep divides tp*cp*dp, and its boundaries fall in step with pp's position.
  [[nodiscard]] bool expert_grid_exists() const;
  // Ranks at which a dimension begins or ends; a level of the machine is aligned with one if either divides the other.
  // Expects expert_grid_exists().
  [[nodiscard]] std::vector<std::int64_t> boundaries() const;
  [[nodiscard]] Groups groups() const;

 private:
  [[nodiscard]] space::View axis_view(Axis axis) const;
  // Ranks of the subspace without pp that lie inside it; all of them if pp is 1 and so cuts nothing.
  [[nodiscard]] std::int64_t inside_pipeline() const;
  // Ranks of a segment [low, high) of the subspace without pp.
  [[nodiscard]] space::View segment(std::int64_t low, std::int64_t high) const;

  const Plan& plan_;
  std::int64_t dp_;
};

}  // namespace zettatwin::plan
